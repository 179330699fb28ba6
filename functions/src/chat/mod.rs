//! Conversations with the workshop assistant: `/api/auspex/chat/…`.

mod answer;

use shared::app::App;
use shared::auth::User;
use shared::domain::draft::Draft;
use shared::http::{Problem, Request, path_id};

use crate::route::routes;

routes! { send, stop, history }

/// The draft of the conversation in the path, if it is the user's.
async fn draft_of_path(app: &App, user: &User, request: &Request) -> Result<Draft, Problem> {
    let id = path_id(request, "chat_id", "conversation")?;
    let draft = app.store().drafts.get(&user.id, id, app.now()).await?;
    draft.ok_or_else(|| Problem::not_found("conversation"))
}
