//! GET …/imports/{import_id}: how an import stands. Made to be polled.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::domain::large_import::LargeImport;
use shared::http::{Problem, Request, Response, json_response};

use crate::prelude::*;

/// How the import of an uploaded file stands. Made to be polled.
pub const ROUTE: Route = Route::new(
    "imports-get",
    Verb::Get,
    "/api/topics/{topic}/imports/{import_id}",
    Access::Owner,
    whole!(handle),
)
.says("How the import of an uploaded file stands. Made to be polled.")
.gives_json::<LargeImport>(200)
.may(&[Items(Usage, &[Get])]);

/// Shows an import.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    json_response(StatusCode::OK, &super::of_path(app, &user, &request).await?)
}
