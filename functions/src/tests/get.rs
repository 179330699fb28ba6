//! GET …/drafts/{id}/tests/{test_id}: a run with its full answer so far.
//!
//! Made to be polled: its ETag changes when anything of it does.

use lambda_http::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, content_tag, json_response, not_modified};

use crate::prelude::*;

/// A run with its full answer so far. Made to be polled.
pub const ROUTE: Route = Route::new(
    "tests-get",
    Verb::Get,
    "/api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}",
    Access::Owner,
    whole!(handle),
)
.says("A run with its full answer so far. Made to be polled.")
.gives_json::<super::FullRunView>(200)
.also(&[NOT_MODIFIED])
.headers(&[IF_NONE_MATCH])
.may(&[Items(Drafts, &[Get])])
// The answer and its articles.
.starts(Start::Connections(2));

/// Shows a run.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let test_id = super::test_of_path(&request)?;
    let draft = crate::drafts::of_path(app, &user, &request).await?;
    let run = super::full(app, draft.summary.id, test_id).await?;
    let mut response = json_response(StatusCode::OK, &run)?;
    let etag = content_tag(response.body().as_ref());
    if not_modified(&request, &etag) {
        response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}
