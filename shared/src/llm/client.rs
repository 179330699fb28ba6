//! The client for language models: OpenAI-compatible chat completions, streamed.
//!
//! One call is one [`Client::stream`]: it tries until the first token has come,
//! then the [`Answer`] hands over text as it arrives and ends with what it took.
//! Nothing here logs a key, a prompt or an answer.

use std::collections::VecDeque;
use std::error::Error as _;
use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode, redirect};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::sse;
use crate::domain::model::{ApiKey, Model, Usage, estimate_tokens};

/// The longest answer that is read, in bytes, whatever was asked for: it fits
/// into one DynamoDB item (400 KB, names and keys included).
pub const ANSWER_MAX_BYTES: usize = 400_000;
/// Calls of one turn; those beyond are not made.
const CALLS_MAX: usize = 8;
/// The longest name or id of a call, in characters.
const CALL_NAME_MAX: usize = 64;
/// A server that counts more tokens than this for one call miscounts.
const TOKENS_MAX: u64 = 20_000_000;

/// How long a connection may take to open, name lookup and TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// Tries in all, the first included.
const TRIES: u32 = 3;
const BACKOFF_BASE_MS: u64 = 250;
const BACKOFF_CAP_MS: u64 = 4_000;

/// The longest body read as one piece: a whole answer, or an error.
const BODY_MAX: usize = 1_000_000;
/// How long the body of an error is waited for; its status says most of it.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The instructions that the conversation stands under.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool that it called.
    Tool,
}

/// One message of a conversation, as a model reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// The tools that the model calls with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
}

impl ChatMessage {
    /// A message of words alone.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None }
    }

    /// What the model said when it called tools. Arguments that are no JSON object
    /// are left out: llama.cpp and vLLM read each call of a conversation, and
    /// refuse all of it for one that they can't.
    pub fn calling(content: impl Into<String>, mut tool_calls: Vec<ToolCall>) -> Self {
        for call in &mut tool_calls {
            if serde_json::from_str::<Map<String, Value>>(&call.function.arguments).is_err() {
                call.function.arguments = "{}".to_owned();
            }
        }
        Self { tool_calls, ..Self::new(Role::Assistant, content) }
    }

    /// What a call is answered.
    pub fn answering(call: &ToolCall, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call.id.clone()), ..Self::new(Role::Tool, content) }
    }

    /// Tokens it takes, as a guess from its length.
    pub fn tokens(&self) -> u32 {
        let calls = self.tool_calls.iter().map(|call| &call.function);
        let of_calls: u32 = calls.map(|f| estimate_tokens(&f.name) + estimate_tokens(&f.arguments)).sum();
        estimate_tokens(&self.content) + of_calls
    }
}

/// A call of a tool, as the wire has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// What its answer refers to.
    pub id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// What is called.
    pub function: FunctionCall,
}

/// What a call asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FunctionCall {
    /// The tool's name.
    pub name: String,
    /// JSON, or what the model takes for it.
    pub arguments: String,
}

/// Tools that a model is offered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tools<'a> {
    /// What they are, as the wire describes them: `{type: "function", function: {…}}`.
    pub offered: &'a [Value],
    /// They are described, since the conversation has calls of them, but no more
    /// are to be called.
    pub over: bool,
}

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    /// Which model answers, and where it is.
    pub model: &'a Model,
    /// The conversation, oldest first. It has to fit into the model's window.
    pub messages: Vec<ChatMessage>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// From 0 (always the likeliest word) to 2. Left out where a model takes none.
    pub temperature: f32,
    /// What it may call.
    pub tools: Tools<'a>,
}

/// How long each part of a call may take. (Opening a connection: 5 seconds.)
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the start of a try to its first token. A server that doesn't stream
    /// has to send its whole answer within this.
    pub first_token: Duration,
    /// Between two arrivals after the first token.
    pub silence: Duration,
    /// The whole call, with all tries and the pauses between them; up to a day.
    pub total: Duration,
}

impl Deadlines {
    /// The usual deadlines (60 s to the first token, 30 s of silence) within `total`.
    pub fn within(total: Duration) -> Self {
        Self { first_token: Duration::from_secs(60), silence: Duration::from_secs(30), total }
    }
}

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The next words. Never empty.
    Text(String),
    /// The answer is complete; nothing follows.
    End {
        /// Tokens the call took.
        usage: Usage,
        /// The server did not count: `usage` is a guess from the texts' lengths.
        usage_estimated: bool,
        /// Why the answer ended.
        finish: Finish,
        /// The tools it calls; it goes on when they are answered.
        calls: Vec<ToolCall>,
    },
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model had said what it wanted to.
    Stop,
    /// It reached the longest answer.
    Length,
    /// It waits for the tools that it called.
    ToolCalls,
    /// The server's own word, such as `content_filter`; up to 64 characters.
    Other(String),
}

/// The part of a call that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// No token came.
    FirstToken,
    /// Tokens stopped coming.
    Silence,
    /// The whole was not finished.
    Total,
}

/// Why a model did not answer, or not to the end. `Display` is for logs and has
/// nothing in it that a user or a server wrote; [`Self::sentence`] is for people.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// No connection: refused, unknown host, TLS, or no answer to connecting.
    /// Has the chain of causes, without the address.
    #[error("the model's server cannot be reached: {0}")]
    Unreachable(String),
    /// One of the [`Deadlines`] passed.
    #[error("the model was too slow: {part:?} passed {limit:?}")]
    TooSlow {
        /// What took too long.
        part: Part,
        /// How long it could have taken.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the model's answer was cut off")]
    CutOff,
    /// Too many requests (429).
    #[error("the model's server limits the rate of requests (retry after {retry_after:?})")]
    RateLimited {
        /// When the server asks to be tried again, from now.
        retry_after: Option<Duration>,
    },
    /// The key is not accepted, or its account may not use the model or has no
    /// credit (401, 402, 403).
    #[error("the model's server refuses the key")]
    Refused,
    /// Its key can't be read from where the workshop keeps it.
    #[error("the model's key can't be read")]
    NoKey,
    /// The server has no such model (404).
    #[error("the model's server does not know the model")]
    UnknownModel,
    /// The request is longer than the model's window (or the server takes: 413).
    #[error("the request is longer than the model's context window")]
    TooLong,
    /// The server is overloaded or broken (408 and 5xx).
    #[error("the model's server failed with status {status}")]
    Overloaded {
        /// The HTTP status, or the one that an error within a stream stands for.
        status: u16,
        /// When the server asks to be tried again, from now.
        retry_after: Option<Duration>,
    },
    /// The answer came to its end and has no word in it.
    #[error("the model wrote nothing")]
    Empty,
    /// The server's answer is not one that this protocol has.
    #[error("the model's server answered nonsense: {0}")]
    Nonsense(&'static str),
    /// Any other status but success, redirects included.
    #[error("the model's server rejected the request with status {status}")]
    Rejected {
        /// The HTTP status.
        status: u16,
    },
}

impl ModelError {
    /// What happened and what to do, for the person who waits for the answer.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unreachable(_) => "The model cannot be reached. What you wrote is kept. \
                Try again in a moment, or choose another model."
                .into(),
            Self::TooSlow { part: Part::FirstToken, limit } => format!(
                "The model did not begin to answer within {}. What you wrote is kept. \
                 Try again, or choose a faster model.",
                in_words(*limit)
            ),
            Self::TooSlow { part: Part::Silence, limit } => format!(
                "The model fell silent for {} in the middle of its answer. \
                 What had arrived is kept. Try again.",
                in_words(*limit)
            ),
            Self::TooSlow { part: Part::Total, limit } => format!(
                "The model did not finish within {}. What had arrived is kept. \
                 Ask for a shorter answer, or choose a faster model.",
                in_words(*limit)
            ),
            Self::CutOff => "The connection to the model broke before its answer was complete. \
                What had arrived is kept. Try again."
                .into(),
            Self::RateLimited { retry_after } => format!(
                "The model takes no more requests for now. What you wrote is kept. \
                 Try again in {}, or choose another model.",
                retry_after.map_or_else(|| "a minute".into(), in_words)
            ),
            Self::Refused => "The model's provider did not accept this workshop's key, or its account has \
                no credit left. What you wrote is kept. Choose another model, or ask whoever runs this \
                workshop to check the key."
                .into(),
            Self::NoKey => {
                "This workshop can't read the model's key. What you wrote is kept. Choose another \
                model, or ask whoever runs this workshop to check that the key's parameter is there."
                    .into()
            }
            Self::UnknownModel => "The model's provider does not know this model. What you wrote is kept. \
                Choose another model, or ask whoever runs this workshop to check its name and address."
                .into(),
            Self::TooLong => "This is more text than the model can read at once. What you wrote is kept. \
                Shorten it, use fewer articles, or choose a model with a larger context window."
                .into(),
            Self::Overloaded { .. } => "The model is overloaded or out of order. What had arrived is kept. \
                Try again in a few minutes, or choose another model."
                .into(),
            Self::Empty => "The model ended without writing anything. What you wrote is kept. \
                Try again, or choose another model."
                .into(),
            Self::Nonsense(_) => "The model's server answered in a way this workshop cannot read. \
                What had arrived is kept. Choose another model, or ask whoever runs this workshop to check \
                the model's address."
                .into(),
            Self::Rejected { .. } => "The model's server did not take the request. What you wrote is kept. \
                Choose another model, or ask whoever runs this workshop to check this model's settings."
                .into(),
        }
    }

    /// Whether the same request can succeed later.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::TooSlow { .. }
            | Self::CutOff
            | Self::RateLimited { .. }
            | Self::Overloaded { .. } => true,
            Self::Refused
            | Self::NoKey
            | Self::UnknownModel
            | Self::TooLong
            | Self::Empty
            | Self::Nonsense(_)
            | Self::Rejected { .. } => false,
        }
    }

    /// When the server asks to be tried again, from when it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// `limit` in whole seconds, minutes or hours, rounded up.
fn in_words(limit: Duration) -> String {
    match limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0)) {
        1 => "1 second".into(),
        seconds @ ..=120 => format!("{seconds} seconds"),
        seconds @ ..=7_200 => format!("{} minutes", seconds.div_ceil(60)),
        seconds => format!("{} hours", seconds.div_ceil(3_600)),
    }
}

/// Asks models. Keeps its connections open between calls, so one serves them all.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// A client without proxies and without redirects: a key goes to the server
    /// it was configured for and nowhere else. Fails when the machine's
    /// certificates can't be loaded.
    pub fn new() -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("prompt-workshop/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http })
    }

    /// The connections, for what else such a server is asked.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Asks, and returns once the first token is there.
    ///
    /// Until then a failure that may pass is tried again, three times in all,
    /// after a pause of what `Retry-After` asks plus exponential backoff with
    /// full jitter, as long as the pause fits into `deadlines.total`. `jitter`
    /// gives a random number from 0 to 1 for each pause. A first token that is
    /// late is not asked for again: the model would only get busier.
    pub async fn stream(
        &self,
        request: &ChatRequest<'_>,
        deadlines: Deadlines,
        mut jitter: impl FnMut() -> f64,
    ) -> Result<Answer, ModelError> {
        let total = after(Instant::now(), deadlines.total);
        let mut body = RequestBody::new(request);
        let mut failures = 0;
        loop {
            let clock = Clock::start(deadlines, total);
            let Failure { error, unsupported } = match self.attempt(request, &body, clock).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if unsupported.is_some_and(|parameter| body.do_without(&parameter)) {
                continue;
            }
            failures += 1;
            if failures == TRIES || !error.may_retry() || matches!(error, ModelError::TooSlow { .. }) {
                return Err(error);
            }
            let pause = error.retry_after().unwrap_or_default().saturating_add(backoff(failures, jitter()));
            if pause >= total.saturating_duration_since(Instant::now()) {
                return Err(error);
            }
            tracing::warn!(model = %request.model.id, failures, %error, "a model call is tried again");
            sleep(pause).await;
        }
    }

    async fn attempt(
        &self,
        request: &ChatRequest<'_>,
        body: &RequestBody<'_>,
        clock: Clock,
    ) -> Result<Answer, Failure> {
        let url = format!("{}/chat/completions", request.model.base_url);
        let mut call = self.http.post(url).header(ACCEPT, "text/event-stream, application/json").json(body);
        match &request.model.api_key {
            ApiKey::None => {}
            ApiKey::Known(key) => call = call.bearer_auth(key.reveal()),
            // Whoever asks has it read first (`App::keyed`).
            ApiKey::Parameter(_) => return Err(ModelError::NoKey.into()),
        }
        let mut response = clock.wait(call.send()).await?.map_err(unanswered)?;
        if !response.status().is_success() {
            return Err(refusal(response, clock).await);
        }
        let mut answer = Answer::new(request, clock);
        match media_type(response.headers()).as_str() {
            "text/event-stream" => answer.begin(response).await?,
            "application/json" => {
                let whole = clock.wait(read_body(&mut response)).await??;
                answer.take_whole(&whole)?;
            }
            _ => return Err(ModelError::Nonsense("neither an event stream nor JSON").into()),
        }
        Ok(answer)
    }
}

/// Full jitter: anything from nothing to the exponential pause after `failures`.
fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF_BASE_MS.saturating_mul(1 << failures.saturating_sub(1).min(10));
    Duration::from_millis((doubled.min(BACKOFF_CAP_MS) as f64 * jitter.clamp(0.0, 1.0)) as u64)
}

/// The instant `wait` after `start`, held to a day so that no sum can overflow.
fn after(start: Instant, wait: Duration) -> Instant {
    start + wait.min(Duration::from_secs(24 * 60 * 60))
}

/// The deadlines of one try, as instants.
#[derive(Clone, Copy, Debug)]
struct Clock {
    deadlines: Deadlines,
    total: Instant,
    first_token: Instant,
    /// The last arrival, from the first token on.
    heard: Option<Instant>,
}

impl Clock {
    fn start(deadlines: Deadlines, total: Instant) -> Self {
        let first_token = after(Instant::now(), deadlines.first_token);
        Self { deadlines, total, first_token, heard: None }
    }

    /// Waits for `arrival` until the deadline that comes first.
    async fn wait<F: Future>(&self, arrival: F) -> Result<F::Output, ModelError> {
        let Deadlines { first_token, silence, total } = self.deadlines;
        let next = match self.heard {
            None => (self.first_token, Part::FirstToken, first_token),
            Some(heard) => (after(heard, silence), Part::Silence, silence),
        };
        let (due, part, limit) = if self.total <= next.0 { (self.total, Part::Total, total) } else { next };
        let too_slow = ModelError::TooSlow { part, limit };
        // `timeout_at` lets what is ready pass, however late: right for a reader
        // who took a pause (Silence), endless with a server that never does.
        if part != Part::Silence && Instant::now() >= due {
            return Err(too_slow);
        }
        timeout_at(due, arrival).await.map_err(|_| too_slow)
    }
}

/// An answer on its way. Dropping it hangs up, which stops the model.
pub struct Answer {
    /// None once the answer has ended.
    response: Option<Response>,
    parser: sse::Parser,
    clock: Clock,
    ready: VecDeque<Result<Chunk, ModelError>>,
    /// All the model wrote, its reasoning included: for the limit and the estimate.
    written: String,
    written_max: usize,
    calls: Vec<ToolCall>,
    prompt_tokens_estimate: u64,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

impl Answer {
    fn new(request: &ChatRequest<'_>, clock: Clock) -> Self {
        // No tokenizer averages 16 bytes a token over an answer; the rest lets
        // short answers be odd.
        let asked_for = (request.max_tokens as usize).saturating_mul(16).saturating_add(4096);
        Self {
            response: None,
            parser: sse::Parser::default(),
            clock,
            ready: VecDeque::new(),
            written: String::new(),
            written_max: asked_for.min(ANSWER_MAX_BYTES),
            calls: Vec::new(),
            prompt_tokens_estimate: request.messages.iter().map(|m| u64::from(m.tokens())).sum(),
            usage: None,
            finish: None,
        }
    }

    /// The next piece. After [`Chunk::End`] or an error there is none.
    ///
    /// Can be dropped while it waits and called again: nothing is lost, and
    /// deadlines go on from where they were.
    pub async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        while self.ready.is_empty() && self.response.is_some() {
            self.read().await;
        }
        self.ready.pop_front()
    }

    /// What the call took so far, as far as is known, and whether that is an
    /// estimate: what to settle with when the answer ends in an error.
    pub fn usage_so_far(&self) -> (Usage, bool) {
        let estimate = Usage {
            prompt_tokens: self.prompt_tokens_estimate,
            completion_tokens: u64::from(estimate_tokens(&self.written)),
        };
        (self.usage.unwrap_or(estimate), self.usage.is_none())
    }

    /// Reads to the first token, or to an end or error without one.
    async fn begin(&mut self, response: Response) -> Result<(), ModelError> {
        self.response = Some(response);
        while self.clock.heard.is_none() && self.response.is_some() {
            self.read().await;
        }
        match self.ready.front() {
            Some(Err(error)) if self.clock.heard.is_none() => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Takes an answer that came in one piece.
    fn take_whole(&mut self, body: &[u8]) -> Result<(), ModelError> {
        let completion =
            serde_json::from_slice(body).map_err(|_| ModelError::Nonsense("the body is not a completion"))?;
        match self.take_completion(completion) {
            ControlFlow::Break(Err(error)) => return Err(error),
            _ if self.finish.is_none() && self.written.is_empty() && self.calls.is_empty() => {
                return Err(ModelError::Nonsense("the completion has no choice"));
            }
            _ => self.close(Ok(())),
        }
        Ok(())
    }

    async fn read(&mut self) {
        let flow = match self.read_bytes().await {
            Ok(Some(bytes)) => self.take_bytes(&bytes),
            Ok(None) => ControlFlow::Break(Err(ModelError::CutOff)),
            Err(error) => ControlFlow::Break(Err(error)),
        };
        if let ControlFlow::Break(outcome) = flow {
            self.close(outcome);
        }
    }

    async fn read_bytes(&mut self) -> Result<Option<Bytes>, ModelError> {
        let Some(response) = &mut self.response else {
            return Ok(None);
        };
        let bytes = self.clock.wait(response.chunk()).await?.map_err(|_| ModelError::CutOff)?;
        if let Some(heard) = &mut self.clock.heard {
            *heard = Instant::now();
        }
        Ok(bytes)
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> ControlFlow<Result<(), ModelError>> {
        let mut events = Vec::new();
        let parsed = self.parser.push(bytes, |data| events.push(data));
        for data in events {
            self.take_event(&data)?;
        }
        match parsed {
            Ok(()) => ControlFlow::Continue(()),
            Err(sse::TooLong) => ControlFlow::Break(Err(ModelError::Nonsense("a line or event is too long"))),
        }
    }

    fn take_event(&mut self, data: &str) -> ControlFlow<Result<(), ModelError>> {
        if data.trim() == "[DONE]" {
            return ControlFlow::Break(Ok(()));
        }
        match serde_json::from_str(data) {
            Ok(completion) => self.take_completion(completion),
            Err(_) => ControlFlow::Break(Err(ModelError::Nonsense("an event is not a completion"))),
        }
    }

    fn take_completion(&mut self, completion: Completion) -> ControlFlow<Result<(), ModelError>> {
        if let Some(error) = completion.error {
            return ControlFlow::Break(Err(named_error(&error)));
        }
        self.usage = completion.usage.and_then(|usage| usage.counted()).or(self.usage);
        let Some(choice) = completion.choices.into_iter().flatten().next() else {
            return ControlFlow::Continue(());
        };
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
            self.finish = Some(match reason.as_str() {
                "stop" => Finish::Stop,
                "length" => Finish::Length,
                "tool_calls" => Finish::ToolCalls,
                _ => Finish::Other(reason.chars().take(64).collect()),
            });
        }
        let Some(message) = choice.delta.or(choice.message) else {
            return ControlFlow::Continue(());
        };
        if let Some(reasoning) = message.reasoning_content.or(message.reasoning) {
            self.take_text(reasoning, false)?;
        }
        for (place, call) in message.tool_calls.into_iter().flatten().enumerate() {
            self.take_call(call, place)?;
        }
        self.take_text(message.content.unwrap_or_default(), true)
    }

    /// A call comes whole, or in pieces: its name first, then its arguments.
    fn take_call(&mut self, piece: CallPiece, place: usize) -> ControlFlow<Result<(), ModelError>> {
        let place = piece.index.unwrap_or(place);
        if place >= CALLS_MAX {
            return ControlFlow::Continue(());
        }
        while self.calls.len() <= place {
            let id = format!("call_{}", self.calls.len());
            self.calls.push(ToolCall { id, kind: "function", function: FunctionCall::default() });
        }
        let FunctionPiece { name, arguments } = piece.function.unwrap_or_default();
        if let Some(call) = self.calls.get_mut(place) {
            if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
                call.id = id.chars().take(CALL_NAME_MAX).collect();
            }
            let named = name.unwrap_or_default();
            let room = CALL_NAME_MAX.saturating_sub(call.function.name.chars().count());
            call.function.name.extend(named.chars().take(room));
            call.function.arguments.push_str(arguments.as_deref().unwrap_or_default());
        }
        // They count as written: for the limit and the estimate.
        self.clock.heard.get_or_insert_with(Instant::now);
        self.take_text(arguments.unwrap_or_default(), false)
    }

    fn take_text(&mut self, mut text: String, shown: bool) -> ControlFlow<Result<(), ModelError>> {
        let room = self.written_max.saturating_sub(self.written.len());
        let over = text.len() > room;
        text.truncate(text.floor_char_boundary(room));
        if !text.is_empty() {
            self.clock.heard.get_or_insert_with(Instant::now);
            self.written.push_str(&text);
            if shown {
                self.ready.push_back(Ok(Chunk::Text(text)));
            }
        }
        if over {
            self.finish = Some(Finish::Length);
            return ControlFlow::Break(Ok(()));
        }
        ControlFlow::Continue(())
    }

    /// Hangs up. Whatever went wrong after the finish reason, the answer is whole.
    fn close(&mut self, outcome: Result<(), ModelError>) {
        self.response = None;
        let finish = match (outcome, self.finish.take()) {
            (Ok(()), finish) => finish.unwrap_or(Finish::Stop),
            (Err(_), Some(finish)) => finish,
            (Err(error), None) => return self.ready.push_back(Err(error)),
        };
        let (usage, usage_estimated) = self.usage_so_far();
        // What it called before it was cut off may be half a call.
        let calls = if finish == Finish::Length { Vec::new() } else { std::mem::take(&mut self.calls) };
        self.ready.push_back(Ok(Chunk::End { usage, usage_estimated, finish, calls }));
    }
}

/// The body of a request.
#[derive(Serialize)]
struct RequestBody<'a> {
    model: &'a str,
    messages: &'a [ChatMessage],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    tools: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'static str>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> RequestBody<'a> {
    fn new(request: &'a ChatRequest<'_>) -> Self {
        Self {
            model: &request.model.id,
            messages: &request.messages,
            max_tokens: Some(request.max_tokens),
            max_completion_tokens: None,
            temperature: Some(request.temperature),
            tools: request.tools.offered,
            tool_choice: (request.tools.over && !request.tools.offered.is_empty()).then_some("none"),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        }
    }

    /// Says it without `parameter`, if that can be; false when nothing changed.
    ///
    /// OpenAI's reasoning models take `max_completion_tokens` in place of
    /// `max_tokens`, which is the name that every other server knows, and no
    /// temperature but their own.
    fn do_without(&mut self, parameter: &str) -> bool {
        match parameter {
            "max_tokens" => {
                let limit = self.max_tokens.take();
                self.max_completion_tokens = self.max_completion_tokens.or(limit);
                limit.is_some()
            }
            "temperature" => self.temperature.take().is_some(),
            _ => false,
        }
    }
}

/// A `chat.completion`, or a `chat.completion.chunk` of one.
#[derive(Deserialize)]
struct Completion {
    choices: Option<Vec<Choice>>,
    usage: Option<CountedUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Message>,
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    /// What a reasoning model thinks first, by the two names it goes by.
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Deserialize)]
struct CallPiece {
    index: Option<usize>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Default, Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct CountedUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl CountedUsage {
    /// What the server counted, if it can be true: more tokens than any window
    /// holds would use up a user's day.
    fn counted(&self) -> Option<Usage> {
        let plausible = |tokens: u64| (tokens <= TOKENS_MAX).then_some(tokens);
        Some(Usage {
            prompt_tokens: plausible(self.prompt_tokens?)?,
            completion_tokens: plausible(self.completion_tokens?)?,
        })
    }
}

/// Why one try failed.
struct Failure {
    error: ModelError,
    /// The parameter that the server can't take, if it named one.
    unsupported: Option<String>,
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self { error, unsupported: None }
    }
}

/// A request that got no response.
fn unanswered(error: reqwest::Error) -> ModelError {
    if !error.is_connect() && !error.is_builder() {
        return ModelError::CutOff;
    }
    let error = error.without_url();
    let mut causes = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        causes = format!("{causes}: {cause}");
        source = cause.source();
    }
    ModelError::Unreachable(causes)
}

/// A response that is not a success.
async fn refusal(mut response: Response, clock: Clock) -> Failure {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    // What can't be read of the body is not missed: the status remains.
    let body = clock.wait(timeout(ERROR_BODY, read_body(&mut response))).await;
    let body: Value = match body {
        Ok(Ok(Ok(body))) => serde_json::from_slice(&body).unwrap_or_default(),
        _ => Value::Null,
    };
    let error = body.get("error").unwrap_or(&body);
    let unsupported = match text(error, "code") {
        "unsupported_parameter" | "unsupported_value" => Some(text(error, "param").to_owned()),
        _ => None,
    };
    Failure { error: classify(status, error, retry_after), unsupported }
}

/// An error that came with a success: within a stream, or in place of an answer.
fn named_error(error: &Value) -> ModelError {
    let status = error
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    classify(status, error, None)
}

/// What an error means: by its name where it has one (servers agree on names
/// more than on statuses), else by its status.
fn classify(status: StatusCode, error: &Value, retry_after: Option<Duration>) -> ModelError {
    for name in [text(error, "code"), text(error, "type")] {
        match name {
            // OpenAI; llama.cpp.
            "context_length_exceeded" | "exceed_context_size_error" => return ModelError::TooLong,
            "rate_limit_exceeded" | "rate_limit_error" => return ModelError::RateLimited { retry_after },
            // A 429 in OpenAI's hands, but no waiting helps.
            "insufficient_quota" => return ModelError::Refused,
            "invalid_api_key" | "authentication_error" | "permission_error" => return ModelError::Refused,
            "model_not_found" | "not_found_error" => return ModelError::UnknownModel,
            _ => {}
        }
    }
    match status.as_u16() {
        // vLLM, Anthropic and Bedrock have a message for it and no name.
        400 if ["maximum context length", "prompt is too long", "nput is too long"]
            .iter()
            .any(|words| text(error, "message").contains(words)) =>
        {
            ModelError::TooLong
        }
        401..=403 => ModelError::Refused,
        404 => ModelError::UnknownModel,
        413 => ModelError::TooLong,
        429 => ModelError::RateLimited { retry_after },
        408 | 500.. => ModelError::Overloaded { status: status.as_u16(), retry_after },
        status => ModelError::Rejected { status },
    }
}

fn text<'a>(error: &'a Value, field: &str) -> &'a str {
    error.get(field).and_then(Value::as_str).unwrap_or_default()
}

async fn read_body(response: &mut Response) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|_| ModelError::CutOff)? {
        if body.len() + piece.len() > BODY_MAX {
            return Err(ModelError::Nonsense("the body is too long"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn media_type(headers: &HeaderMap) -> String {
    let value = header(headers, CONTENT_TYPE).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is
/// counted from the response's own `Date` so that the two clocks need not agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let dates = jiff::fmt::rfc2822::DateTimeParser::new();
    let until = dates.parse_timestamp(value).ok()?;
    let now = dates.parse_timestamp(header(headers, DATE)?).ok()?;
    let seconds = until.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_pause_doubles_to_its_cap_and_jitter_takes_from_it() {
        let longest: Vec<u128> = (1..=6).map(|failures| backoff(failures, 1.0).as_millis()).collect();
        assert_eq!(longest, [250, 500, 1000, 2000, 4000, 4000]);
        assert_eq!(backoff(2, 0.5).as_millis(), 250);
        for odd in [0.0, -1.0, f64::NAN] {
            assert_eq!(backoff(3, odd), Duration::ZERO);
        }
        assert_eq!(backoff(u32::MAX, 7.0).as_millis(), 4000);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_counted_from_the_servers_own_clock() {
        let seconds = headers(&[(RETRY_AFTER, "7")]);
        assert_eq!(retry_after(&seconds), Some(Duration::from_secs(7)));

        let until = (RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT");
        let date = headers(&[until.clone(), (DATE, "Sun, 06 Nov 1994 08:49:37 GMT")]);
        assert_eq!(retry_after(&date), Some(Duration::from_secs(30)));
        let past = headers(&[until.clone(), (DATE, "Sun, 06 Nov 1994 09:49:37 GMT")]);
        assert_eq!(retry_after(&past), Some(Duration::ZERO));

        for unreadable in [headers(&[until]), headers(&[(RETRY_AFTER, "soon")]), headers(&[])] {
            assert_eq!(retry_after(&unreadable), None);
        }
    }

    #[test]
    fn an_error_is_known_by_its_name_before_its_status() {
        let rate_limited = ModelError::RateLimited { retry_after: None };
        let cases = [
            (400, json!({"code": 400, "type": "exceed_context_size_error"}), ModelError::TooLong),
            (400, json!({"code": "context_length_exceeded"}), ModelError::TooLong),
            (
                400,
                json!({"message": "This model's maximum context length is 8 tokens."}),
                ModelError::TooLong,
            ),
            (400, json!({"message": "a bad temperature"}), ModelError::Rejected { status: 400 }),
            (413, json!({"code": "rate_limit_exceeded"}), rate_limited.clone()),
            (429, json!("just text"), rate_limited),
            (429, json!({"code": "insufficient_quota"}), ModelError::Refused),
            (403, json!(null), ModelError::Refused),
            (404, json!(null), ModelError::UnknownModel),
            (302, json!(null), ModelError::Rejected { status: 302 }),
            (529, json!(null), ModelError::Overloaded { status: 529, retry_after: None }),
        ];
        for (status, error, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(classify(status, &error, None), expected, "{status} {error}");
        }
    }

    #[tokio::test]
    async fn what_is_ready_passes_late_for_a_reader_who_paused_but_never_past_the_total() {
        let ready = || std::future::ready(());
        let mut clock = Clock::start(Deadlines::within(Duration::MAX), after(Instant::now(), Duration::MAX));
        assert_eq!(clock.wait(ready()).await, Ok(()));

        clock.deadlines.silence = Duration::ZERO;
        clock.heard = Some(Instant::now());
        assert_eq!(clock.wait(ready()).await, Ok(()));

        clock.deadlines.silence = CONNECT;
        clock.total = Instant::now();
        assert!(matches!(clock.wait(ready()).await, Err(ModelError::TooSlow { part: Part::Total, .. })));
        clock = Clock { heard: None, first_token: Instant::now(), total: clock.total + CONNECT, ..clock };
        assert!(matches!(clock.wait(ready()).await, Err(ModelError::TooSlow { part: Part::FirstToken, .. })));
    }

    #[test]
    fn sentences_say_what_is_kept_and_nothing_of_the_inside() {
        let slow = |part| ModelError::TooSlow { part, limit: Duration::from_millis(59_500) };
        let errors = [
            ModelError::Unreachable("dns error at internal.example".into()),
            slow(Part::FirstToken),
            slow(Part::Silence),
            slow(Part::Total),
            ModelError::CutOff,
            ModelError::RateLimited { retry_after: Some(Duration::from_secs(1)) },
            ModelError::RateLimited { retry_after: None },
            ModelError::Refused,
            ModelError::UnknownModel,
            ModelError::TooLong,
            ModelError::Empty,
            ModelError::Overloaded { status: 503, retry_after: None },
            ModelError::Nonsense("an event is not a completion"),
            ModelError::Rejected { status: 418 },
        ];
        for error in errors {
            let sentence = error.sentence();
            assert!(sentence.contains("is kept. "), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            for inside in ["internal", "503", "418", "completion"] {
                assert!(!sentence.contains(inside), "{sentence}");
            }
        }
        assert!(slow(Part::Total).sentence().contains("within 60 seconds"));
        for (seconds, words) in
            [(1, "in 1 second,"), (120, "in 120 seconds,"), (121, "in 3 minutes,"), (86_400, "in 24 hours,")]
        {
            let limited = ModelError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
            assert!(limited.sentence().contains(words), "{}", limited.sentence());
        }
    }
}
