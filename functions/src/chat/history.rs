//! GET /api/auspex/chat/sessions/{chat_id}/messages: a conversation, its
//! newest messages first asked for, each page in the order they were said.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::conversation::Message;
use shared::http::{Page, Problem, Request, Response, json_response};
use uuid::Uuid;

use crate::prelude::*;

/// One page of a conversation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The conversation: its draft's id.
    pub chat_id: Uuid,
    /// The newest messages, or those before the cursor, in the order they were said.
    pub messages: Vec<Message>,
    /// Messages of the whole conversation.
    pub total_messages: u64,
    /// An answer is being written: the last message of the newest page grows, or begins soon.
    pub is_answering: bool,
    /// Where the page with earlier messages begins; null when there are none.
    pub next_cursor: Option<String>,
}

/// The newest messages of a conversation, in the order they were said.
pub const ROUTE: Route = Route::new(
    "chat-history",
    Verb::Get,
    "/api/auspex/chat/sessions/{chat_id}/messages",
    Access::Owner,
    whole!(handle),
)
.says("The newest messages of a conversation, in the order they were said.")
.gives_json::<Output>(200)
.query(&[LIMIT, CURSOR])
.may(&[Items(Drafts, &[Get, Query])]);

/// Shows a conversation.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let page = Page::of(&request)?;
    let chat_id = super::draft_of_path(app, &user, &request).await?.summary.id;
    let history =
        app.store().conversations.history(chat_id, page.limit, page.cursor.as_deref(), app.now()).await?;
    let output = Output {
        chat_id,
        messages: history.messages,
        total_messages: history.total,
        is_answering: history.is_answering,
        next_cursor: history.next_cursor,
    };
    json_response(StatusCode::OK, &output)
}
