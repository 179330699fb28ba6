//! POST …/drafts/{id}/commit: the draft becomes version 1 of a new prompt, or
//! the next version of the prompt it came from when that is its owner's.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::{User, user};
use shared::domain::prompt::Commit;
use shared::http::{Code, IfMatch, Problem, Request, Response, if_match, json, json_response, once, path_id};
use shared::store::{Committed, pause};
use shared::telemetry::Figure;
use uuid::Uuid;

use crate::prelude::*;

/// How often a commit is tried in all. One that meets a save or a test is tried again, with the newest text.
const ATTEMPTS: u32 = 8;

/// The version that was committed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The prompt's id.
    pub prompt_id: Uuid,
    /// Its name in the library.
    pub name: String,
    /// 1 for a new prompt.
    pub version: u32,
    /// What was done.
    pub message: String,
}

/// Commits a draft to the library: a new prompt, or the next version of its own.
pub const ROUTE: Route = Route::new(
    "drafts-commit",
    Verb::Post,
    "/api/auspex/prompts/workshop/drafts/{id}/commit",
    Access::Owner,
    whole!(handle),
)
.says("Commits a draft to the library: a new prompt, or the next version of its own.")
.takes_json::<Commit>()
.gives_json::<Output>(201)
.headers(&[ONCE, ("If-Match", IF_MATCH, "Commit only this revision.")])
.may(&[
    Items(Drafts, &[Get, Update]),
    Items(Library, &[Get, Query, Put, Update]),
    Items(Usage, &[Update, Delete]),
]);

/// Commits a draft.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let draft_id = path_id(&request, "id", "draft")?;
    let expected = if_match(&request)?;
    let input = json::<Commit>(&request)?.checked()?;
    let name = input.name.clone();
    let made = |id| made(app, name, id);
    let commit = |id| commit(app, &user, draft_id, expected, input, id);
    once(app, &user, const { ROUTE.binary }, &request, made, commit).await
}

/// The answer to a commit that made its version before.
async fn made(app: &App, name: String, id: Uuid) -> Result<Option<Response>, Problem> {
    let made = app.store().library.committed_by(&name, id).await?;
    made.map(|(prompt_id, version)| answer(&name, prompt_id, version)).transpose()
}

async fn commit(
    app: &App,
    user: &User,
    draft_id: Uuid,
    expected: IfMatch,
    input: Commit,
    id: Uuid,
) -> Result<Response, Problem> {
    for attempt in 1..=ATTEMPTS {
        let draft = app.store().drafts.get(&user.id, draft_id, app.now()).await?;
        let draft = draft.ok_or_else(|| Problem::not_found("draft"))?;
        if matches!(expected, IfMatch::Revision(revision) if revision != draft.summary.revision) {
            return Err(super::stale(draft));
        }
        draft.check_runnable("A commit")?;
        match app.store().library.commit(&draft, &input, id, app.now()).await? {
            Committed::Committed { id, version } => {
                tracing::info!(draft_id = %draft_id, user = %user.id, name = %input.name, version, "draft committed");
                app.tell(&[(Figure::PromptsCommitted, 1)]);
                return answer(&input.name, id, version);
            }
            Committed::NameTaken => {
                return Err(Problem::new(
                    Code::NameTaken,
                    format!(
                        "The library already has a prompt named {}. Choose another name; your draft is as it was.",
                        input.name
                    ),
                ));
            }
            Committed::Unchanged(version) => {
                return Err(Problem::new(
                    Code::Conflict,
                    format!(
                        "This text is version {version} of {} already. Change the draft first.",
                        input.name
                    ),
                ));
            }
            Committed::DraftChanged => tokio::time::sleep(pause(attempt)).await,
        }
    }
    Err(Problem::new(
        Code::Conflict,
        "The draft or the prompt changed meanwhile. Nothing was committed; try again.",
    ))
}

fn answer(name: &str, prompt_id: Uuid, version: u32) -> Result<Response, Problem> {
    let message = match version {
        1 => format!("{name} is in the library."),
        _ => format!("{name} is in the library as version {version}."),
    };
    json_response(StatusCode::CREATED, &Output { prompt_id, name: name.to_owned(), version, message })
}
