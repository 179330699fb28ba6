//! DELETE /api/auspex/prompts/{name}: its owner's, with all its versions; not
//! the default prompt. Drafts cloned from it have the text and stay.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Code, Problem, Request, Response, json_response};
use shared::store::Deleted;

use crate::drafts::Done;

use crate::prelude::*;

/// Deletes a prompt of the caller's, with all its versions.
pub const ROUTE: Route =
    Route::new("prompts-delete", Verb::Delete, "/api/auspex/prompts/{name}", Access::Owner, whole!(handle))
        .says("Deletes a prompt of the caller's, with all its versions.")
        .gives_json::<Done>(200)
        .may(&[Items(Library, &[Get, Update, Delete])]);

/// Deletes a prompt.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    match app.store().library.delete(&user.id, &name).await? {
        Deleted::Deleted => {
            let message =
                format!("{name} was deleted from the library. Drafts cloned from it stay as they are.");
            json_response(StatusCode::OK, &Done { message })
        }
        Deleted::IsDefault => Err(Problem::new(
            Code::Conflict,
            "The default prompt ships with the product and can't be deleted. Clone it to make your own.",
        )),
        Deleted::NotFound => Err(Problem::not_found("prompt of yours")),
    }
}
