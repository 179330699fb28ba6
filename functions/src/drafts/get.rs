//! GET …/drafts/{id}: a draft, whole. Its ETag is its revision.

use lambda_http::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response, not_modified};

use super::DraftView;

use crate::prelude::*;

/// A draft, whole. Its ETag is its revision.
pub const ROUTE: Route = Route::new(
    "drafts-get",
    Verb::Get,
    "/api/auspex/prompts/workshop/drafts/{id}",
    Access::Owner,
    whole!(handle),
)
.says("A draft, whole. Its ETag is its revision.")
.gives_json::<DraftView>(200)
.also(&[NOT_MODIFIED])
.headers(&[IF_NONE_MATCH])
.may(&[Items(Drafts, &[Get])]);

/// Shows a draft.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let draft = super::of_path(app, &user, &request).await?;
    let etag = format!("\"{}\"", draft.summary.revision);
    let mut response = if not_modified(&request, &etag) {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        json_response(StatusCode::OK, &DraftView::from(draft))?
    };
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}
