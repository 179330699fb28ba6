//! POST …/imports/{import_id}/run: queues an import whose file was uploaded,
//! and refuses one whose file is not there, or not whole. A repeat changes
//! nothing and answers how it stands.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::domain::large_import::{ImportStatus, LargeImport};
use shared::http::{Code, Problem, Request, Response, json_response};
use shared::queue::ImportMessage;
use shared::store::Handed;

use crate::prelude::*;

/// Queues an import whose file was uploaded. A repeat changes nothing.
pub const ROUTE: Route = Route::new(
    "imports-run",
    Verb::Post,
    "/api/topics/{topic}/imports/{import_id}/run",
    Access::Owner,
    whole!(handle),
)
.says("Queues an import whose file was uploaded. A repeat changes nothing.")
.gives_json::<LargeImport>(202)
.may(&[Items(Usage, &[Get, Put, Update]), Messages(Imports, &[Sqs::Send]), Files(&[S3::Get])]);

/// Queues an import.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let import = super::of_path(app, &user, &request).await?;
    if import.status == ImportStatus::Uploading {
        is_uploaded(app, &import).await?;
    }
    let import = match app.store().imports.hand_over(&user.id, import.id, app.now()).await? {
        Handed::Gone => return Err(Problem::not_found("import")),
        Handed::Before(import) => import,
        Handed::Queued(import) => {
            // A message that can't be sent is no error for the caller: the
            // import stands in the store, where `recover-runs` finds it.
            if let Err(error) = app.imports_queue().announce(ImportMessage { import_id: import.id }).await {
                tracing::warn!(import_id = %import.id, %error, "an import could not be announced; it will be recovered");
            }
            import
        }
    };
    json_response(StatusCode::ACCEPTED, &import)
}

async fn is_uploaded(app: &App, import: &LargeImport) -> Result<(), Problem> {
    let size = app.uploads().size(&import.id.to_string(), app.now()).await.map_err(|error| {
        let sentence =
            "Whether the file was uploaded can't be seen just now. It is kept for two days; try again.";
        Problem::new(Code::Unavailable, sentence).with_cause(error)
    })?;
    let sentence = match size {
        None => "The file was not uploaded yet. Nothing was imported; send it to the address that this import's start answered.".to_owned(),
        Some(size) if size != import.bytes => format!(
            "The file that was uploaded has {size} bytes where {} were announced. Nothing was imported; send it again.",
            import.bytes
        ),
        Some(_) => return Ok(()),
    };
    Err(Problem::new(Code::Conflict, sentence))
}
