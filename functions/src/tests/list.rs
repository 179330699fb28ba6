//! GET …/drafts/{id}/tests: the draft's runs, newest first.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::http::{Page, Problem, Request, Response, json_response};
use uuid::Uuid;

use super::RunView;

use crate::prelude::*;

/// One page of runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The draft.
    pub draft_id: Uuid,
    /// Newest first, without their answers.
    pub test_results: Vec<RunView>,
    /// Runs of the draft.
    pub total_tests: u64,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// The draft's runs, newest first.
pub const ROUTE: Route = Route::new(
    "tests-list",
    Verb::Get,
    "/api/auspex/prompts/workshop/drafts/{id}/tests",
    Access::Owner,
    whole!(handle),
)
.says("The draft's runs, newest first.")
.gives_json::<Output>(200)
.query(&[LIMIT, CURSOR])
.may(&[Items(Drafts, &[Get, Query])]);

/// Lists runs.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let page = Page::of(&request)?;
    let draft = crate::drafts::of_path(app, &user, &request).await?;
    let found = app.store().runs.list(draft.summary.id, page.limit, page.cursor.as_deref()).await?;
    let output = Output {
        draft_id: draft.summary.id,
        test_results: found.runs.into_iter().map(|run| RunView::of(app, run)).collect(),
        total_tests: draft.summary.test_count,
        next_cursor: found.next_cursor,
    };
    json_response(StatusCode::OK, &output)
}
