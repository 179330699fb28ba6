//! GET /api/auspex/prompts/workshop/drafts: the user's drafts, newest change first.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::draft::{Status, Summary};
use shared::domain::text::FieldError;
use shared::http::{Page, Problem, Request, Response, json_response, query};

use crate::prelude::*;

/// One page of drafts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Newest change first, without their texts.
    pub drafts: Vec<Summary>,
    /// Drafts in the whole list.
    pub total: u64,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// The caller's drafts, newest change first.
pub const ROUTE: Route = Route::new(
    "drafts-list",
    Verb::Get,
    "/api/auspex/prompts/workshop/drafts",
    Access::Shared,
    whole!(handle),
)
.says("The caller's drafts, newest change first.")
.gives_json::<Output>(200)
.query(&[
    (
        "status_filter",
        Value::Word(&["draft", "testing", "ready", "committed"]),
        "Only drafts of this status: draft, testing, ready or committed.",
    ),
    LIMIT,
    CURSOR,
])
.may(&[Items(Drafts, &[Get]), Index(Drafts, "by-owner")])
// A list of each status.
.starts(Start::Connections(4));

/// Lists drafts.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let page = Page::of(&request)?;
    let status = query(&request, "status_filter").map(status).transpose()?;
    let found =
        app.store().drafts.list(&user.id, status, page.limit, page.cursor.as_deref(), app.now()).await?;
    let output = Output { drafts: found.drafts, total: found.total, next_cursor: found.next_cursor };
    json_response(StatusCode::OK, &output)
}

fn status(word: &str) -> Result<Status, Problem> {
    Status::parse(word).ok_or_else(|| {
        Problem::from(FieldError {
            pointer: "?status_filter".to_owned(),
            detail: "A status is draft, testing, ready or committed.".to_owned(),
        })
    })
}
