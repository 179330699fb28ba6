//! GET /api/auspex/prompts/{name}/versions: a prompt's versions, newest first,
//! without their texts.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::prompt::Version;
use shared::http::{Page, Problem, Request, Response, json_response};

use crate::prelude::*;

/// One page of versions.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The prompt.
    pub name: String,
    /// Newest first.
    pub versions: Vec<Version>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// A prompt's versions, newest first, without their texts.
pub const ROUTE: Route = Route::new(
    "prompts-versions",
    Verb::Get,
    "/api/auspex/prompts/{name}/versions",
    Access::Shared,
    whole!(handle),
)
.says("A prompt's versions, newest first, without their texts.")
.gives_json::<Output>(200)
.query(&[LIMIT, CURSOR])
.may(&[Items(Library, &[Get, Query])]);

/// Lists versions.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    let page = Page::of(&request)?;
    let found = app.store().library.versions(&name, page.limit, page.cursor.as_deref()).await?;
    let found = found.ok_or_else(|| Problem::not_found("prompt"))?;
    let output = Output { name, versions: found.versions, next_cursor: found.next_cursor };
    json_response(StatusCode::OK, &output)
}
