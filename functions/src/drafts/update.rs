//! PUT …/drafts/{id}: a save. With `If-Match`, only over the revision it was
//! made from; otherwise 412 and the draft as it is.

use lambda_http::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::draft::{Edit, Status};
use shared::domain::time::Timestamp;
use shared::http::{IfMatch, Problem, Request, Response, if_match, json, json_response, path_id};
use shared::store::Saved;

use crate::prelude::*;

/// What a save answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// That it was saved.
    pub message: String,
    /// The draft's new revision.
    pub revision: u64,
    /// The draft's status, which a save may change.
    pub status: Status,
    /// When it was saved.
    pub updated_at: Timestamp,
    /// When the draft will expire if nothing is done with it.
    pub expires_at: Timestamp,
}

/// Saves a draft. With If-Match, only over that revision; otherwise 412 with the current draft.
pub const ROUTE: Route = Route::new(
    "drafts-update",
    Verb::Put,
    "/api/auspex/prompts/workshop/drafts/{id}",
    Access::Owner,
    whole!(handle),
)
.says("Saves a draft. With If-Match, only over that revision; otherwise 412 with the current draft.")
.takes_json::<Edit>()
.gives_json::<Output>(200)
.headers(&[("If-Match", IF_MATCH, "The revision the save was made from, as the ETag gave it.")])
.may(&[Items(Drafts, &[Get, Update])]);

/// Saves a draft.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let id = path_id(&request, "id", "draft")?;
    let revision = match if_match(&request)? {
        IfMatch::Any => None,
        IfMatch::Revision(revision) => Some(revision),
    };
    let edit = json::<Edit>(&request)?.checked()?;
    let saved = app.store().drafts.save(&user.id, id, revision, &edit, app.new_id(), app.now()).await?;
    let summary = match saved {
        Saved::Saved(draft) => draft.summary,
        Saved::Stale(current) => return Err(super::stale(*current)),
        Saved::Gone => return Err(Problem::not_found("draft")),
    };
    let mut response = json_response(
        StatusCode::OK,
        &Output {
            message: "Saved.".to_owned(),
            revision: summary.revision,
            status: summary.status,
            updated_at: summary.updated_at,
            expires_at: summary.expires_at,
        },
    )?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", summary.revision)).map_err(Problem::internal)?;
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}
