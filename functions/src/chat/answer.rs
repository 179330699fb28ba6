//! Writing one answer: ask the model, pass its words on, keep them as they
//! come, and end in a state that says the truth.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use shared::app::App;
use shared::domain::conversation::{Message, Role};
use shared::domain::draft::Draft;
use shared::domain::ending::{Ending, think};
use shared::domain::model::{Model, Usage};
use shared::domain::time::Timestamp;
use shared::http::{Code, Problem, Response, StreamingResponse};
use shared::llm::assistant::{CONTEXT_MESSAGES, CONTEXT_RUNS, messages};
use shared::llm::{ChatRequest, Chunk, Finish, ModelError, Readiness, Tools};
use shared::store::{Answering, Beat, StoreError, Took};
use shared::telemetry::Figure;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_stream::wrappers::UnboundedReceiverStream;
use uuid::Uuid;

use super::send::event_stream;

/// From the send to the end of the answer.
const DEADLINE: Duration = Duration::from_secs(240);
/// A model that is still starting is waited for this long.
const STARTING_PATIENCE: Duration = Duration::from_secs(60);
/// While nothing is written, the lease is renewed, which tells whether to stop,
/// and the connection gets a comment, since proxies close idle ones: after so
/// many `App::flush_every`.
const QUIET_TICKS: u32 = 2;
/// A writer that has not renewed its lease for this long is taken to be dead.
const LEASE_MS: i64 = 15_000;
/// Some variety makes for better proposals.
const TEMPERATURE: f32 = 0.5;

/// Until when a lease that is taken or renewed at `now` holds.
pub(super) fn lease(now: Timestamp) -> Timestamp {
    now.plus_millis(LEASE_MS)
}

/// An answer to be written.
pub(super) struct Task {
    pub draft: Draft,
    pub question: Message,
    pub model: Model,
    pub answering: Answering,
    pub request_id: String,
}

/// Lines of an event stream.
pub(super) type EventBody = BoxBody<Bytes, Infallible>;
type Events = UnboundedSender<Bytes>;

/// The events as a response's body.
pub(super) fn body(events: UnboundedReceiver<Bytes>) -> EventBody {
    let frames = UnboundedReceiverStream::new(events).map(|bytes| Ok(http_body::Frame::data(bytes)));
    BodyExt::boxed(StreamBody::new(frames))
}

/// Sends an event. A reader who has gone away doesn't stop the writing.
fn tell(events: &Events, event: &Value) {
    let _ = events.send(Bytes::from(format!("data: {event}\n\n")));
}

/// Writes the answer; its id when there is one, complete or as far as it was
/// wanted, or what its reader was told instead.
pub(super) async fn write(app: &App, task: &Task, events: &Events) -> Result<Option<Uuid>, Problem> {
    let id = app.new_id_at(app.now().max(task.question.created_at.plus_millis(1)));
    let mut answer = Message {
        model: Some(task.model.id.clone()),
        truncated: true,
        in_reply_to: Some(task.question.id),
        ..Message::new(id, Role::Assistant, String::new(), app.now())
    };
    let mut kept_part = false;
    let (end, usage) = match compose(app, task, &mut answer, &mut kept_part, events).await {
        Ok((usage, finish)) => (Ok(finish), usage),
        Err(CutShort { why, usage }) => (Err(why), usage),
    };
    tell_figures(app, task, &answer, usage);
    let (ended, told) = match &end {
        Ok(finish) => finish.told(&task.model),
        Err(Why::Stopped) => (Ending::Stopped, None),
        Err(Why::Failed(ended, problem)) => (*ended, Some(problem.detail().to_owned())),
    };
    (answer.ended, answer.problem, answer.truncated) = (Some(ended), told, !ended.is_whole());
    answer.usage = (!matches!(end, Err(Why::Failed(..)))).then_some(usage);
    let conversations = &app.store().conversations;
    let took = Took { usage, cost_micros: task.model.cost_micros(usage) };
    let thinking = answer.thinking.take();
    answer.thinking = thinking.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let kept = if answer.content.is_empty() && answer.thinking.is_none() && !kept_part {
        let how = (ended, answer.problem.as_deref());
        conversations.abandon(&task.answering, task.question.id, how, took, app.now()).await
    } else {
        conversations.finish(&task.answering, &answer, (kept_part, end.is_err()), took, app.now()).await
    };
    let problem = match (end, kept) {
        (_, Err(error)) => Problem::from(error),
        (Err(Why::Failed(_, problem)), Ok(_)) => *problem,
        (Ok(_) | Err(Why::Stopped), Ok(false)) => lost(),
        (_, Ok(true)) => {
            let id = (!answer.content.is_empty() || answer.thinking.is_some()).then_some(answer.id);
            tell(events, &done(&answer, id));
            return Ok(id);
        }
    };
    tell(events, &json!({"error": problem.body(&task.request_id), "ended": ended}));
    Err(problem)
}

/// The last event of an answer, which has no id when nothing was written.
fn done(answer: &Message, id: Option<Uuid>) -> Value {
    json!({
        "done": true, "message_id": id, "usage": answer.usage, "model": answer.model,
        "truncated": answer.truncated, "ended": answer.ended, "problem": answer.problem,
        "stopped": answer.ended == Some(Ending::Stopped),
    })
}

/// The conversation went to another writer, or its draft is gone.
fn lost() -> Problem {
    Problem::new(
        Code::Conflict,
        "This conversation was continued elsewhere or its draft was deleted meanwhile.",
    )
}

/// An answer that ended early: why, and what it took.
struct CutShort {
    why: Why,
    usage: Usage,
}

enum Why {
    /// Its user stopped it.
    Stopped,
    Failed(Ending, Box<Problem>),
}

impl From<StoreError> for CutShort {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl From<Problem> for CutShort {
    fn from(problem: Problem) -> Self {
        Self { why: Why::Failed(Ending::Interrupted, Box::new(problem)), usage: Usage::default() }
    }
}

impl CutShort {
    fn of(app: &App, error: &ModelError, usage: Usage) -> Self {
        let problem = Problem::from(error).with_detail(app.told_of(error));
        Self { why: Why::Failed(error.ending(), Box::new(problem)), usage }
    }
}

/// Goes on only while the lease is held and the answer wanted.
fn go_on(beat: Beat, usage: Usage) -> Result<(), CutShort> {
    match beat {
        Beat::Held => Ok(()),
        Beat::CancelRequested => Err(CutShort { why: Why::Stopped, usage }),
        Beat::Lost => Err(CutShort { usage, ..lost().into() }),
    }
}

/// Asks the model and passes its words on until the answer ends.
async fn compose(
    app: &App,
    task: &Task,
    answer: &mut Message,
    kept_part: &mut bool,
    events: &Events,
) -> Result<(Usage, Finish), CutShort> {
    let started = Instant::now();
    await_model(app, task, events).await?;
    let id = task.draft.summary.id;
    let (conversation, runs) = futures::try_join!(
        app.store().conversations.recent(id, CONTEXT_MESSAGES),
        app.store().runs.list(id, CONTEXT_RUNS, None),
    )?;
    let model = app.keyed(&task.model).await.map_err(|error| CutShort::of(app, &error, Usage::default()))?;
    let request = ChatRequest {
        model: &model,
        messages: messages(&task.model, &task.draft, &runs.runs, &upto(conversation, task.question.id)),
        max_tokens: task.model.max_output_tokens,
        temperature: TEMPERATURE,
        tools: Tools::default(),
    };
    let client = app.models().client().map_err(|error| CutShort::of(app, &error, Usage::default()))?;
    let deadlines = app.models().deadlines(&task.model, DEADLINE.saturating_sub(started.elapsed()));
    let mut opening = Box::pin(client.stream(&request, deadlines, || app.jitter()));
    let mut stream = None;
    let mut kept_length = 0;
    let mut quiet = 0;
    let mut tick = interval_at(Instant::now() + app.flush_every, app.flush_every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let chunk = tokio::select! {
            opened = &mut opening, if stream.is_none() => match opened {
                Ok(opened) => { stream = Some(opened); continue }
                Err(error) => Some(Err(error)),
            },
            chunk = next(&mut stream), if stream.is_some() => chunk,
            _ = tick.tick() => {
                quiet += 1;
                let conversations = &app.store().conversations;
                if answer.content.len() > kept_length {
                    let until = lease(app.now());
                    let beat = conversations.keep_partial(&task.answering, answer, !*kept_part, until).await?;
                    go_on(beat, used(&stream))?;
                    kept_length = answer.content.len();
                    *kept_part = true;
                } else if quiet % QUIET_TICKS == 0 {
                    go_on(still_there(app, task, events).await?, used(&stream))?;
                }
                continue;
            }
        };
        match chunk {
            Some(Ok(Chunk::Text(text))) => {
                quiet = 0;
                answer.content.push_str(&text);
                tell(events, &json!({"content": text}));
            }
            Some(Ok(Chunk::Thought(text))) => {
                think(answer.thinking.get_or_insert_default(), &text);
                tell(events, &json!({"thinking": text}));
            }
            Some(Ok(Chunk::AllThought)) => {
                let text = std::mem::take(&mut answer.content);
                think(answer.thinking.get_or_insert_default(), &text);
                kept_length = 0;
                tell(events, &json!({"all_thinking": true}));
            }
            Some(Ok(Chunk::End { usage, finish, .. })) if !answer.content.trim().is_empty() => {
                return Ok((usage, finish));
            }
            Some(Ok(Chunk::End { usage, .. })) => {
                return Err(CutShort::of(app, &ModelError::Empty, usage));
            }
            Some(Err(error)) => return Err(CutShort::of(app, &error, used(&stream))),
            None => return Err(CutShort::of(app, &ModelError::CutOff, used(&stream))),
        }
    }
}

async fn next(stream: &mut Option<shared::llm::Answer>) -> Option<Result<Chunk, ModelError>> {
    match stream {
        Some(stream) => stream.next().await,
        None => None,
    }
}

fn used(stream: &Option<shared::llm::Answer>) -> Usage {
    stream.as_ref().map(|stream| stream.usage_so_far().0).unwrap_or_default()
}

/// The conversation up to the message to be answered: what came of earlier
/// tries to answer it is left out.
fn upto(mut conversation: Vec<Message>, question: Uuid) -> Vec<Message> {
    conversation.retain(|message| message.in_reply_to != Some(question));
    if let Some(at) = conversation.iter().position(|message| message.id == question) {
        conversation.truncate(at + 1);
    }
    conversation
}

/// Renews the lease and keeps the connection open.
async fn still_there(app: &App, task: &Task, events: &Events) -> Result<Beat, StoreError> {
    let _ = events.send(Bytes::from_static(b": still working\n\n"));
    app.store().conversations.renew(&task.answering, lease(app.now())).await
}

/// Waits for a model that is still starting.
async fn await_model(app: &App, task: &Task, events: &Events) -> Result<(), CutShort> {
    let deadline = Instant::now() + STARTING_PATIENCE;
    loop {
        let refusal = match app.models().settled(app.flush_every * QUIET_TICKS).await {
            Readiness::Ready => return Ok(()),
            Readiness::Starting { .. } if Instant::now() < deadline => {
                go_on(still_there(app, task, events).await?, Usage::default())?;
                continue;
            }
            Readiness::Starting { detail } => {
                format!(
                    "{detail} It is not ready yet. Your message is kept: ask for the answer again shortly."
                )
            }
            Readiness::Failed { detail } => format!("{detail} Your message is kept."),
        };
        let problem = Box::new(Problem::new(Code::Unavailable, refusal));
        return Err(CutShort { why: Why::Failed(Ending::NotAsked, problem), usage: Usage::default() });
    }
}

fn tell_figures(app: &App, task: &Task, answer: &Message, usage: Usage) {
    let took = app.now().millis_since(answer.created_at).max(0).unsigned_abs();
    app.tell(&[
        (Figure::MessagesAnswered, u64::from(!answer.content.is_empty())),
        (Figure::AnswerMilliseconds, took),
        (Figure::TokensIn, usage.prompt_tokens),
        (Figure::TokensOut, usage.completion_tokens),
        (Figure::ModelCostMicros, task.model.cost_micros(usage)),
    ]);
}

/// The answer that a repeated request was given, as one event.
pub(super) async fn replay(app: &App, chat: Uuid, stored: &Response) -> Result<StreamingResponse, Problem> {
    let stored: Value = serde_json::from_slice(stored.body().as_ref()).map_err(Problem::internal)?;
    let id = stored.get("message_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let message = match id {
        Some(id) => app.store().conversations.message(chat, id).await?,
        None => None,
    };
    Ok(replayed(&message.ok_or_else(|| Problem::not_found("message"))?))
}

/// An answer that is complete already, as one event.
pub(super) fn replayed(answer: &Message) -> StreamingResponse {
    let (events, reader) = tokio::sync::mpsc::unbounded_channel();
    if let Some(thinking) = &answer.thinking {
        tell(&events, &json!({"thinking": thinking}));
    }
    tell(&events, &json!({"content": answer.content}));
    tell(&events, &done(answer, Some(answer.id)));
    event_stream(body(reader))
}
