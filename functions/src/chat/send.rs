//! POST /api/auspex/chat/message: keeps the user's message and streams the
//! assistant's answer as server-sent events.
//!
//! `data: {"content": "…"}` many times, and `data: {"thinking": "…"}` for what
//! the model thinks first; `data: {"all_thinking": true}` says that all content
//! until then was thinking. Then `data: {"done": true, …}` (with
//! how it ended, and `"stopped": true` when chat-stop ended it) or
//! `data: {"error": {problem}, "ended": "…"}`, which is kept on the message.
//! Without a `message` it answers the one that is pending. One answer at a
//! time: a second send meanwhile gets 409.

use lambda_http::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use shared::app::App;
use shared::auth::{User, user};
use shared::domain::conversation::{MESSAGE_MAX, Message, Role};
use shared::domain::draft::Draft;
use shared::domain::text::{self, Errors, FieldError};
use shared::http::{
    Attempt, Code, Idempotent, Problem, Request, StreamingResponse, begin, json, json_response, request_id,
};
use shared::llm::runner::estimate;
use shared::store::{Answering, Begin, Demand};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::answer::{self, Task};

use crate::prelude::*;

/// A message to the assistant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The conversation: its draft's id.
    pub chat_id: String,
    /// Up to 20,000 characters; absent to have the pending message answered.
    #[serde(default)]
    #[schemars(length(min = 1, max = 20_000), regex(pattern = text::SHORT_WORDS))]
    pub message: Option<String>,
    /// The model's id; the deployment's default when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Taken for older clients; has no effect.
    #[serde(default)]
    #[serde(rename = "limit")]
    #[schemars(range(max = u32::MAX))]
    pub _limit: Option<u32>,
}

/// Keeps the user's message and streams the assistant's answer.
pub const ROUTE: Route =
    Route::new("chat-send", Verb::Post, "/api/auspex/chat/message", Access::Owner, streaming!(handle))
        .says("Keeps the user's message and streams the assistant's answer.")
        .takes_json::<Input>()
        .gives(Answer::Events)
        .headers(&[ONCE])
        .may(&[ModelKeys, Items(Drafts, &[Get, Query, Put, Update]), Items(Usage, &[Update, Delete])])
        // An answer is ended after 240 seconds.
        .lambda(Lambda { timeout: Some(300), reserved: Some("ChatConcurrency"), ..Lambda::USUAL })
        // The conversation and the runs that it may tell of.
        .starts(crate::route::Start::Connections(2));

/// Answers a message.
pub async fn handle(app: &'static App, request: Request) -> Result<StreamingResponse, Problem> {
    let user = user(app, &request).await?;
    let input = checked(json(&request)?)?;
    let chat_id: Uuid = input.chat_id.parse().map_err(|_| Problem::not_found("conversation"))?;
    let draft = app.store().drafts.get(&user.id, chat_id, app.now()).await?;
    let draft = draft.ok_or_else(|| Problem::not_found("conversation"))?;
    match begin(app, &user, const { ROUTE.binary }, &request).await? {
        Attempt::Repeat(response) => answer::replay(app, chat_id, &response).await,
        Attempt::First(first) => {
            match start(app, &user, draft, &input, first.id, request_id(app, &request)).await {
                Ok(Start::Answering(task)) => Ok(stream(app, *task, first)),
                Ok(Start::Answered(message)) => {
                    let told = json_response(StatusCode::OK, &json!({"message_id": message.id}));
                    first.conclude(app, told).await?;
                    Ok(answer::replayed(&message))
                }
                Err(problem) => {
                    let refused = first.conclude(app, Err(problem)).await;
                    Err(refused.err().unwrap_or_else(|| Problem::internal("a refusal became an answer")))
                }
            }
        }
    }
}

fn checked(input: Input) -> Result<Input, Vec<FieldError>> {
    let mut errors = Errors::default();
    if let Some(message) = &input.message {
        errors.prose("message", message, 1, MESSAGE_MAX);
        if !message.is_empty() && message.trim().is_empty() {
            errors
                .push("message", "Write a message, or leave the field out to have the pending one answered.");
        }
    }
    errors.or(input)
}

enum Start {
    Answering(Box<Task>),
    /// A repeat whose first try came to its end, though its caller didn't learn it.
    Answered(Box<Message>),
}

/// Keeps the message and takes the conversation's lease.
async fn start(
    app: &App,
    user: &User,
    draft: Draft,
    input: &Input,
    id: Uuid,
    request_id: String,
) -> Result<Start, Problem> {
    let store = app.store();
    let chat = draft.summary.id;
    let model = app.models().find(input.model.as_deref());
    let model = model.ok_or_else(|| match &input.model {
        Some(id) => Problem::from(FieldError::new("model", format!("There is no model \"{id}\"."))),
        None => crate::tests::start::no_model(),
    })?;
    let (question, new) = match &input.message {
        Some(text) => (Message::new(id, Role::User, text.clone(), app.now()), true),
        None => (store.conversations.pending(chat).await?.ok_or_else(nothing_pending)?, false),
    };
    let demand = Demand { user: &user.id, spend: estimate(model), limits: &app.config.limits };
    Ok(match begin_answer(app, &draft, &question, new, demand).await? {
        Begun::Answering(answering) => {
            let model = model.clone();
            Start::Answering(Box::new(Task { draft, question, model, answering, request_id }))
        }
        Begun::Answered(answer) => Start::Answered(answer),
    })
}

enum Begun {
    Answering(Answering),
    Answered(Box<Message>),
}

/// Takes the lease. A message that is there already is a repeat's: it is
/// answered if that has not been done.
async fn begin_answer(
    app: &App,
    draft: &Draft,
    question: &Message,
    new: bool,
    demand: Demand<'_>,
) -> Result<Begun, Problem> {
    let conversations = &app.store().conversations;
    let begin = async |new| {
        let now = app.now();
        let lease = (app.new_id(), answer::lease(now));
        conversations.begin(draft, question, new, lease, demand, now).await
    };
    let begun = match begin(new).await? {
        Begin::Exists => begin(false).await?,
        other => other,
    };
    match begun {
        Begin::Begun(answering) => Ok(Begun::Answering(answering)),
        Begin::Answered if new => {
            let answer = conversations.answer_to(draft.summary.id, question.id).await?;
            answer.map(|answer| Begun::Answered(Box::new(answer))).ok_or_else(nothing_pending)
        }
        Begin::Answered => Err(nothing_pending()),
        Begin::Busy => Err(Problem::new(
            Code::Conflict,
            "The assistant is still answering. Your message was not sent; send it when the answer is complete.",
        )
        .with_retry_after(2)),
        Begin::Limited(limit) => Err(Problem::limited(limit, app.now())),
        Begin::Gone | Begin::Exists => Err(Problem::not_found("conversation")),
    }
}

fn nothing_pending() -> Problem {
    Problem::new(Code::Conflict, "No message is waiting for an answer. Send one with the field message.")
}

/// The answer as it is written. The writing is a task of its own, so that it
/// goes on and is kept when the reader goes away.
fn stream(app: &'static App, task: Task, first: Idempotent) -> StreamingResponse {
    let (events, reader) = mpsc::unbounded_channel();
    let span = tracing::Span::current();
    let writing = async move {
        // The answer itself is in the conversation; a repeat is told its id.
        match answer::write(app, &task, &events).await {
            Ok(Some(id)) => {
                let told = json_response(StatusCode::OK, &json!({"message_id": id}));
                if let Err(problem) = first.conclude(app, told).await {
                    problem.log();
                }
            }
            // Stopped before a word was written: a repeat asks for the answer anew.
            Ok(None) => first.fail(app).await,
            Err(problem) => {
                problem.log();
                first.fail(app).await;
            }
        }
    };
    tokio::spawn(tracing::Instrument::instrument(writing, span));
    event_stream(answer::body(reader))
}

/// A response of server-sent events, which nothing on the way may hold back.
pub(super) fn event_stream(body: answer::EventBody) -> StreamingResponse {
    let mut response = StreamingResponse::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
