//! Drafts: `/api/auspex/prompts/workshop/…`.

use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::User;
use shared::domain::draft::Draft;
use shared::http::{Problem, Request, path_id};
use uuid::Uuid;

use crate::route::routes;

routes! { start, list, get, update, delete, commit }

/// A draft as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DraftView {
    /// The draft.
    #[serde(flatten)]
    pub draft: Draft,
    /// Its conversation: the same id.
    pub workshop_chat_id: Uuid,
}

impl From<Draft> for DraftView {
    fn from(draft: Draft) -> Self {
        Self { workshop_chat_id: draft.summary.id, draft }
    }
}

/// A save or commit was made from another revision than `current` is at.
pub(crate) fn stale(current: Draft) -> Problem {
    let revision = current.summary.revision;
    Problem::stale(&DraftView::from(current), revision)
}

/// A sentence about what was done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Done {
    /// What was done.
    pub message: String,
}

/// The draft that the path's `id` names, if it is the user's.
pub(crate) async fn of_path(app: &App, user: &User, request: &Request) -> Result<Draft, Problem> {
    let id = path_id(request, "id", "draft")?;
    app.store().drafts.get(&user.id, id, app.now()).await?.ok_or_else(|| Problem::not_found("draft"))
}
