//! PATCH …/drafts/{id}/tests/{test_id}: gives, changes or takes back the
//! rating and notes of a finished run.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::domain::run::Verdict;
use shared::http::{Code, Problem, Request, Response, json, json_response};
use shared::store::Rated;

use super::RunView;

use crate::prelude::*;

/// Gives, changes or takes back the rating and notes of a finished run.
pub const ROUTE: Route = Route::new(
    "tests-rate",
    Verb::Patch,
    "/api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}",
    Access::Owner,
    whole!(handle),
)
.says("Gives, changes or takes back the rating and notes of a finished run.")
.takes_json::<Verdict>()
.gives_json::<RunView>(200)
.may(&[Items(Drafts, &[Get, Update]), Items(Usage, &[Update])]);

/// Rates a run.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let test_id = super::test_of_path(&request)?;
    let verdict = json::<Verdict>(&request)?.checked()?;
    let draft = crate::drafts::of_path(app, &user, &request).await?;
    match app.store().runs.rate(&draft, test_id, &verdict, app.now()).await? {
        Rated::Rated(run) => json_response(StatusCode::OK, &RunView::of(app, *run)),
        Rated::NotFinished => {
            Err(Problem::new(Code::Conflict, "The test is still running. It can be rated when it has ended."))
        }
        Rated::Gone => Err(Problem::not_found("test")),
    }
}
