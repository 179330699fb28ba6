//! GET /api/health: open to all. Says that a function runs, and which version;
//! checks nothing that costs.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::http::{Problem, Request, Response, json_response};

use crate::prelude::*;

/// That it runs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// `ok`.
    pub status: &'static str,
    /// The version of this build.
    pub version: &'static str,
}

/// Says that it runs, and which version.
pub const ROUTE: Route = Route::new("health", Verb::Get, "/api/health", Access::Open, whole!(handle))
    .says("Says that it runs, and which version.")
    .gives_json::<Output>(200)
    .starts(Start::NoStore);

/// Answers that it runs.
pub async fn handle(_: &App, _: Request) -> Result<Response, Problem> {
    json_response(StatusCode::OK, &Output { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
