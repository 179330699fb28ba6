//! POST /api/auspex/chat/sessions/{chat_id}/stop: stops the answer that is
//! being written, within about two seconds. What was written is kept, and the
//! user's message can be answered again. A click that comes after the answer's
//! end is no error, and stops no later answer.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};

use crate::drafts::Done;

use crate::prelude::*;

/// Stops the answer that is being written. What was written is kept.
pub const ROUTE: Route = Route::new(
    "chat-stop",
    Verb::Post,
    "/api/auspex/chat/sessions/{chat_id}/stop",
    Access::Owner,
    whole!(handle),
)
.says("Stops the answer that is being written. What was written is kept.")
.gives_json::<Done>(202)
.may(&[Items(Drafts, &[Get, Update])]);

/// Stops an answer.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let draft = super::draft_of_path(app, &user, &request).await?;
    let message = match app.store().conversations.stop(draft.summary.id, app.now()).await? {
        true => {
            "The assistant is stopping. What it has written is kept. Ask for the answer again, or send another \
             message."
        }
        false => "Nothing is being written. The conversation is as it was.",
    };
    json_response(StatusCode::ACCEPTED, &Done { message: message.to_owned() })
}
