//! GET /api/openapi.json: the OpenAPI 3.1 document, as `make routes` wrote it.

use lambda_http::http::{HeaderValue, header};
use shared::app::App;
use shared::http::{Problem, Request, Response};

use crate::prelude::*;

/// The document.
const DOCUMENT: &str = include_str!("../openapi.json");

/// This document.
pub const ROUTE: Route =
    Route::new("openapi-get", Verb::Get, "/api/openapi.json", Access::Open, whole!(handle))
        .says("This document.")
        .gives(Answer::Document)
        .starts(Start::NoStore);

/// Serves the document.
pub async fn handle(_: &App, _: Request) -> Result<Response, Problem> {
    let mut response = Response::new(DOCUMENT.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
