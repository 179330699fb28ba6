//! POST /api/auspex/prompts/{name}/clone?clone_name=: a new draft of the
//! prompt's newest version. The clone is counted.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::{User, user};
use shared::domain::conversation::Opening;
use shared::domain::draft::{Draft, NAME_LENGTH};
use shared::domain::prompt::clone_name;
use shared::domain::text::{Errors, FieldError};
use shared::http::{Problem, Request, Response, json_response, once, query};
use shared::store::{Created, Origin};
use uuid::Uuid;

use crate::drafts::start::{first_messages, started};

use crate::prelude::*;

/// The draft that was made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The draft.
    pub draft_id: Uuid,
    /// Its conversation: the same id.
    pub chat_id: Uuid,
    /// The draft's name.
    pub draft_name: String,
    /// The prompt it was cloned from.
    pub parent_prompt: String,
    /// What was done.
    pub message: String,
}

/// Clones a prompt into a new draft of the caller's.
pub const ROUTE: Route = Route::new(
    "prompts-clone",
    Verb::Post,
    "/api/auspex/prompts/{name}/clone",
    Access::Shared,
    whole!(handle),
)
.says("Clones a prompt into a new draft of the caller's.")
.gives_json::<Output>(201)
.query(&[(
    "clone_name",
    Value::Line(3, 100),
    "The draft's name, 3 to 100 characters; \"Modified {title}\" when absent.",
)])
.headers(&[ONCE])
.may(&[Items(Drafts, &[Get, Put, Update]), Items(Library, &[Get, Update]), Items(Usage, &[Update, Delete])])
// A version and its text.
.starts(Start::Connections(2));

/// Clones a prompt.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    let chosen = query(&request, "clone_name").map(checked).transpose()?;
    let made = |id| made(app, &user, id);
    once(app, &user, const { ROUTE.binary }, &request, made, |id| clone(app, &user, name, chosen, id)).await
}

fn checked(name: &str) -> Result<String, Vec<FieldError>> {
    let mut errors = Errors::default();
    let name = errors.line("clone_name", name, NAME_LENGTH.0, NAME_LENGTH.1);
    errors.or(name).map_err(|errors| {
        errors.into_iter().map(|error| FieldError { pointer: "?clone_name".to_owned(), ..error }).collect()
    })
}

/// The answer to a clone that was made before.
async fn made(app: &App, user: &User, id: Uuid) -> Result<Option<Response>, Problem> {
    let Some(draft) = app.store().drafts.get(&user.id, id, app.now()).await? else { return Ok(None) };
    let parent = draft.summary.parent_prompt_name.unwrap_or_default();
    answer(id, draft.summary.name, parent).map(Some)
}

async fn clone(
    app: &App,
    user: &User,
    name: String,
    chosen: Option<String>,
    id: Uuid,
) -> Result<Response, Problem> {
    let now = app.now();
    let origin = app.store().library.newest(&name).await?.ok_or_else(|| Problem::not_found("prompt"))?;
    let draft_name = chosen.unwrap_or_else(|| clone_name(&origin.prompt.title));
    let opening = Opening::Clone(&origin.prompt.title).message();
    let draft = Draft::new(id, &user.id, draft_name.clone(), origin.content, Some(name.clone()), now);
    let messages = first_messages(app, opening, None, now);
    match app.store().drafts.create(&draft, &messages, Origin::Clone(&name)).await? {
        Created::Created => {
            tracing::info!(draft_id = %id, user = %user.id, "workshop created");
            app.tell(started(true));
        }
        Created::Exists => {}
        Created::OriginGone => return Err(Problem::not_found("prompt")),
    }
    answer(id, draft_name, name)
}

fn answer(draft_id: Uuid, draft_name: String, parent_prompt: String) -> Result<Response, Problem> {
    let message = format!("\"{draft_name}\" is a new draft with the text of {parent_prompt}.");
    json_response(
        StatusCode::CREATED,
        &Output { draft_id, chat_id: draft_id, draft_name, parent_prompt, message },
    )
}
