//! POST …/drafts/{id}/tests/{test_id}/cancel: ends a waiting run, or asks the
//! worker of a running one to stop, which it does within seconds.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Code, Problem, Request, Response, json_response};
use shared::store::Cancelled;
use shared::telemetry::Figure;

use super::RunView;

use crate::prelude::*;

/// Ends a waiting run, or asks the worker of a running one to stop.
pub const ROUTE: Route = Route::new(
    "tests-cancel",
    Verb::Post,
    "/api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}/cancel",
    Access::Owner,
    whole!(handle),
)
.says("Ends a waiting run, or asks the worker of a running one to stop.")
.gives_json::<RunView>(202)
.may(&[Items(Drafts, &[Get, Update]), Items(Usage, &[Update])]);

/// Cancels a run.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let test_id = super::test_of_path(&request)?;
    let draft = crate::drafts::of_path(app, &user, &request).await?;
    match app.store().runs.cancel(draft.summary.id, test_id, app.now()).await? {
        Cancelled::Ended(run) => {
            app.tell(&[(Figure::TestsCancelled, 1)]);
            json_response(StatusCode::ACCEPTED, &RunView::of(app, *run))
        }
        Cancelled::Requested(run) => json_response(StatusCode::ACCEPTED, &RunView::of(app, *run)),
        Cancelled::Over(run) => Err(Problem::new(
            Code::Conflict,
            format!("The test has already ended ({}); there is nothing to cancel.", run.status.as_str()),
        )),
        Cancelled::Gone => Err(Problem::not_found("test")),
    }
}
