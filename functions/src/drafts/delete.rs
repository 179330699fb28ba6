//! DELETE …/drafts/{id}: the draft is gone at once; its conversation and runs
//! are removed by `drafts-cleanup`, which the table's stream tells.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response, path_id};

use super::Done;

use crate::prelude::*;

/// Deletes a draft with its conversation and tests.
pub const ROUTE: Route = Route::new(
    "drafts-delete",
    Verb::Delete,
    "/api/auspex/prompts/workshop/drafts/{id}",
    Access::Owner,
    whole!(handle),
)
.says("Deletes a draft with its conversation and tests.")
.gives_json::<Done>(200)
.may(&[Items(Drafts, &[Get, Update, Delete])]);

/// Deletes a draft.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let id = path_id(&request, "id", "draft")?;
    if !app.store().drafts.delete(&user.id, id, app.now()).await? {
        return Err(Problem::not_found("draft"));
    }
    let message = "The draft was deleted, with its conversation and tests.".to_owned();
    json_response(StatusCode::OK, &Done { message })
}
