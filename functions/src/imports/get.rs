//! GET …/imports/{import_id}: how an import stands. Made to be polled.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};

/// Shows an import.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    json_response(StatusCode::OK, &super::of_path(app, &user, &request).await?)
}
