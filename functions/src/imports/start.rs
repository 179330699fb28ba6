//! POST /api/topics/{topic}/imports: where a file of up to 200 MB can be
//! uploaded. Nothing is imported, and no topic made, before `imports-run`.

use std::collections::BTreeMap;

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::large_import::{FileOrder, LargeImport};
use shared::domain::time::Timestamp;
use shared::http::{Code, Problem, Request, Response, json, json_response};

use crate::prelude::*;

/// An import, and where its file goes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The import.
    pub import: LargeImport,
    /// Where to send its file.
    pub upload: UploadTarget,
}

/// Where a file is sent, without a token: the address is signed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UploadTarget {
    /// The verb.
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers to send. Its `Content-Length` must be the size that was said.
    pub headers: BTreeMap<String, String>,
    /// Until when the address holds.
    pub expires_at: Timestamp,
}

/// Says where a file of up to 200 MB can be uploaded, to be imported in the background.
pub const ROUTE: Route =
    Route::new("imports-start", Verb::Post, "/api/topics/{topic}/imports", Access::Shared, whole!(handle))
        .says("Says where a file of up to 200 MB can be uploaded, to be imported in the background.")
        .takes_json::<FileOrder>()
        .gives_json::<Output>(201)
        .may(&[Items(Articles, &[Get]), Items(Usage, &[Put]), Files(&[S3::Put])]);

/// Starts an import.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let order = json::<FileOrder>(&request)?.checked()?;
    let now = app.now();
    let import = LargeImport::new(app.new_id(), topic, &order, now);
    let target = app.uploads().target(&import.id.to_string(), import.bytes, now).await.map_err(|error| {
        let sentence = "Files of this size can't be taken just now. Nothing was imported; try again later, or \
                        import the file in parts of up to 5 MB.";
        Problem::new(Code::Unavailable, sentence).with_cause(error)
    })?;
    app.store().imports.create(&user.id, &import).await?;
    let upload = UploadTarget {
        method: "PUT".to_owned(),
        url: target.url.into(),
        headers: BTreeMap::new(),
        expires_at: target.expires_at,
    };
    json_response(StatusCode::CREATED, &Output { import, upload })
}
