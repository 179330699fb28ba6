//! POST /api/auspex/prompts/workshop/start: a new draft with its conversation.
//!
//! Immediate: the assistant's opening is written, not generated. Requirements
//! become the user's first message, whose answer is fetched from `chat-send`.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::app::App;
use shared::auth::{User, user};
use shared::domain::conversation::{Message, Opening, REQUIREMENTS_MAX, Role};
use shared::domain::draft::{CONTENT_MAX, DEFAULT_NAME, Draft, NAME_LENGTH, Status};
use shared::domain::prompt::clone_name;
use shared::domain::text::{self, Errors, FieldError};
use shared::domain::time::Timestamp;
use shared::http::{Problem, Request, Response, json, json_response, once};
use shared::store::{Content, Created, Origin};
use shared::telemetry::Figure;
use uuid::Uuid;

use crate::prelude::*;

/// What a workshop may start from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// The draft's first text, up to 100,000 characters.
    #[schemars(length(max = 100_000), regex(pattern = text::PROSE))]
    pub starting_prompt: Option<String>,
    /// The library prompt that the draft comes from; its text is taken when
    /// there is no `starting_prompt`.
    pub parent_prompt_name: Option<String>,
    /// 3 to 100 characters.
    #[schemars(length(min = 3, max = 100), regex(pattern = text::LINE))]
    pub draft_name: Option<String>,
    /// What the prompt is for, up to 10,000 characters.
    #[schemars(length(max = 10_000), regex(pattern = text::PROSE))]
    pub requirements: Option<String>,
}

/// The workshop that was started.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The draft.
    pub draft_id: Uuid,
    /// Its conversation: the same id.
    pub chat_id: Uuid,
    /// The draft's name.
    pub draft_name: String,
    /// `draft`.
    pub status: Status,
    /// The assistant's opening.
    pub initial_message: String,
    /// The requirements wait for an answer: send to the conversation without a message.
    pub reply_pending: bool,
    /// 1.
    pub revision: u64,
    /// When it was started.
    pub created_at: Timestamp,
}

impl Output {
    fn of(draft: &Draft, initial_message: String, reply_pending: bool) -> Self {
        let summary = &draft.summary;
        Self {
            draft_id: summary.id,
            chat_id: summary.id,
            draft_name: summary.name.clone(),
            status: summary.status,
            initial_message,
            reply_pending,
            revision: summary.revision,
            created_at: summary.created_at,
        }
    }
}

/// Starts a workshop: a new draft with its conversation.
pub const ROUTE: Route = Route::new(
    "drafts-start",
    Verb::Post,
    "/api/auspex/prompts/workshop/start",
    Access::Shared,
    whole!(handle),
)
.says("Starts a workshop: a new draft with its conversation.")
.takes_optional_json::<Input>()
.gives_json::<Output>(201)
.headers(&[ONCE])
.may(&[
    Items(Drafts, &[Get, Query, Put, Update]),
    Items(Library, &[Get, Update]),
    Items(Usage, &[Update, Delete]),
]);

/// Starts a workshop.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let input = checked(json(&request)?)?;
    let made = |id| made(app, &user, id);
    once(app, &user, const { ROUTE.binary }, &request, made, |id| start(app, &user, input, id)).await
}

/// The answer to a start whose draft is there already.
async fn made(app: &App, user: &User, id: Uuid) -> Result<Option<Response>, Problem> {
    let Some(draft) = app.store().drafts.get(&user.id, id, app.now()).await? else { return Ok(None) };
    let conversations = &app.store().conversations;
    let opening = conversations.opening(id).await?.map(|message| message.content).unwrap_or_default();
    let reply_pending = conversations.pending(id).await?.is_some();
    json_response(StatusCode::CREATED, &Output::of(&draft, opening, reply_pending)).map(Some)
}

fn checked(mut input: Input) -> Result<Input, Vec<FieldError>> {
    let mut errors = Errors::default();
    if let Some(text) = &input.starting_prompt {
        errors.prose("starting_prompt", text, 0, CONTENT_MAX);
    }
    if let Some(name) = &mut input.draft_name {
        *name = errors.line("draft_name", name, NAME_LENGTH.0, NAME_LENGTH.1);
    }
    if let Some(text) = &input.requirements {
        errors.prose("requirements", text, 0, REQUIREMENTS_MAX);
    }
    input.requirements = input.requirements.filter(|text| !text.trim().is_empty());
    errors.or(input)
}

async fn start(app: &App, user: &User, input: Input, id: Uuid) -> Result<Response, Problem> {
    let now = app.now();
    let parent = parent(app, input.parent_prompt_name.as_deref()).await?;
    let parent_title = parent.as_ref().map(|parent| parent.prompt.title.clone());
    let opening = match (&input.requirements, &parent_title, &input.starting_prompt) {
        (Some(_), _, _) => Opening::Requirements,
        (None, Some(title), _) => Opening::Clone(title),
        (None, None, Some(text)) if !text.trim().is_empty() => Opening::Text,
        _ => Opening::Blank,
    };
    let name = input.draft_name.unwrap_or_else(|| match &parent_title {
        Some(title) => clone_name(title),
        None => DEFAULT_NAME.to_owned(),
    });
    let parent_name = parent.as_ref().map(|parent| parent.prompt.name.clone());
    let content = input.starting_prompt.or(parent.map(|parent| parent.content)).unwrap_or_default();
    let draft = Draft::new(id, &user.id, name, content, parent_name.clone(), now);
    let messages = first_messages(app, opening.message(), input.requirements, now);
    let output = Output::of(&draft, opening.message(), messages.len() > 1);
    let origin = parent_name.as_deref().map_or(Origin::Own, Origin::Clone);
    match app.store().drafts.create(&draft, &messages, origin).await? {
        Created::Created => {
            tracing::info!(draft_id = %id, user = %user.id, "workshop created");
            app.tell(started(parent_name.is_some()));
        }
        Created::Exists => {}
        Created::OriginGone => return Err(no_such_prompt().into()),
    }
    json_response(StatusCode::CREATED, &output)
}

/// What a new draft adds to the product's figures.
pub(crate) fn started(cloned: bool) -> &'static [(Figure, u64)] {
    if cloned {
        &[(Figure::WorkshopsStarted, 1), (Figure::PromptsCloned, 1)]
    } else {
        &[(Figure::WorkshopsStarted, 1)]
    }
}

async fn parent(app: &App, name: Option<&str>) -> Result<Option<Content>, Problem> {
    let Some(name) = name else { return Ok(None) };
    let parent = app.store().library.newest(name).await?;
    parent.map(Some).ok_or_else(|| no_such_prompt().into())
}

fn no_such_prompt() -> FieldError {
    FieldError::new("parent_prompt_name", "The library has no prompt of this name. It may have been deleted.")
}

/// The assistant's opening and, a millisecond later so that they sort, the
/// user's requirements.
pub(crate) fn first_messages(
    app: &App,
    opening: String,
    requirements: Option<String>,
    now: Timestamp,
) -> Vec<Message> {
    let message = |role, content, at| Message::new(app.new_id_at(at), role, content, at);
    let mut messages = vec![message(Role::Assistant, opening, now)];
    messages.extend(requirements.map(|text| message(Role::User, text, now.plus_millis(1))));
    messages
}
