//! GET /api/auspex/prompts: the library, newest change first.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::prompt::Prompt;
use shared::http::{Page, Problem, Request, Response, json_response};

use crate::prelude::*;

/// One page of the library.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Newest change first, without their texts.
    pub prompts: Vec<Prompt>,
    /// Prompts in the library.
    pub total: u64,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// The library, newest change first.
pub const ROUTE: Route =
    Route::new("prompts-list", Verb::Get, "/api/auspex/prompts", Access::Shared, whole!(handle))
        .says("The library, newest change first.")
        .gives_json::<Output>(200)
        .query(&[LIMIT, CURSOR])
        .may(&[Items(Library, &[Get]), Index(Library, "by-change")]);

/// Lists prompts.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let page = Page::of(&request)?;
    let found = app.store().library.list(page.limit, page.cursor.as_deref()).await?;
    let output = Output { prompts: found.prompts, total: found.total, next_cursor: found.next_cursor };
    json_response(StatusCode::OK, &output)
}
