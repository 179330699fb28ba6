//! The client for language models: OpenAI-compatible chat completions, streamed.
//!
//! One call is one [`Client::stream`]: it tries until the first token has come,
//! then the [`Answer`] hands over text as it arrives and ends with what it took.
//! Nothing here logs a key, a prompt or an answer.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, redirect};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, timeout};

use super::answer::Answer;
use super::deadlines::{Clock, Deadlines, after};
use super::error::ModelError;
use super::message::{ChatRequest, Role};
use super::refusal::{Failure, Refusal};
use super::wire::{self, SYSTEM_ROLE, Without};
use crate::domain::model::{ApiKey, Model, SystemRole};

/// How long a connection may take to open, name lookup and TLS included.
const CONNECT: Duration = Duration::from_secs(5);

/// Tries in all, the first included.
const TRIES: u32 = 3;
const BACKOFF_BASE_MS: u64 = 250;
const BACKOFF_CAP_MS: u64 = 4_000;

/// The longest body of an error that is read, in bytes; of a longer one, only its status is known.
const BODY_MAX: usize = 1_000_000;
/// Names that one call may find out to do without; then its refusal is told.
const WITHOUT_MAX: usize = 6;
/// Stands for the key in a header of a model's settings.
const KEY: &str = "{key}";
/// How long the body of an error is waited for; its status says most of it.
const ERROR_BODY: Duration = Duration::from_secs(5);

/// Asks models. Keeps its connections open between calls, so one serves them all.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// What each model doesn't take, as its server has said since this process began; by address and id.
    without: Arc<Mutex<HashMap<(String, String), Without>>>,
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
        Ok(Self { http, without: Arc::default() })
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
        let known = self.known(request.model);
        let mut lessons = Lessons::new(known.clone());
        let mut failures = 0;
        loop {
            let body = wire::body(request, &lessons.without);
            // What doesn't stream says nothing before its end.
            let streams = body.get("stream").is_some_and(|streams| streams == true);
            let first_token = if streams { deadlines.first_token } else { deadlines.total };
            let clock = Clock::start(Deadlines { first_token, ..deadlines }, total);
            let error = match self.attempt(request, &body, clock).await {
                Ok(answer) => {
                    if lessons.without != known {
                        self.learn(request.model, lessons.without);
                    }
                    return Ok(answer);
                }
                Err(Failure::Refused(mut refusal)) => {
                    let (model, cause) = (&request.model.id, refusal.cause());
                    match lessons.learn(&refusal, request, &body) {
                        Some(Lesson::Leave(name)) => {
                            tracing::warn!(
                                %model, %name, %cause,
                                "a model doesn't take what it was sent; it is asked without"
                            );
                            lessons.last = Some((name, refusal));
                            continue;
                        }
                        Some(Lesson::PutBack(name)) => {
                            tracing::warn!(%model, %name, %cause, "a model wants what it was asked without");
                            continue;
                        }
                        None => {}
                    }
                    refusal.show(own_texts(request));
                    let error = refusal.error();
                    // What was learnt may be what is wrong: the next call begins anew.
                    if matches!(error, ModelError::Rejected(_)) && !known.is_empty() {
                        self.learn(request.model, Without::new());
                    }
                    error
                }
                Err(Failure::Error(error)) => error,
            };
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

    fn known(&self, model: &Model) -> Without {
        let without = self.without.lock().unwrap_or_else(PoisonError::into_inner);
        without.get(&(model.base_url.clone(), model.id.clone())).cloned().unwrap_or_default()
    }

    /// Remembers what a model doesn't take: all that it answered without, and nothing else.
    fn learn(&self, model: &Model, found: Without) {
        let mut without = self.without.lock().unwrap_or_else(PoisonError::into_inner);
        without.insert((model.base_url.clone(), model.id.clone()), found);
    }

    async fn attempt(
        &self,
        request: &ChatRequest<'_>,
        body: &Map<String, Value>,
        clock: Clock,
    ) -> Result<Answer, Failure> {
        // Azure's older addresses end with a query.
        let (root, query) = request.model.base_url.split_once('?').unwrap_or((&request.model.base_url, ""));
        let mark = if query.is_empty() { "" } else { "?" };
        let url = format!("{}/chat/completions{mark}{query}", root.trim_end_matches('/'));
        let call = self.http.post(url).header(ACCEPT, "text/event-stream, application/json").json(body);
        let call = authorised(call, request.model)?;
        let response = clock.wait(call.send()).await?.map_err(unanswered)?;
        if !response.status().is_success() {
            return Err(Failure::Refused(refusal(response, clock).await));
        }
        let media_type = media_type(response.headers());
        let mut answer = Answer::new(request, clock);
        answer.begin(response, &media_type).await?;
        Ok(answer)
    }
}

/// What one call finds out about what its model takes.
struct Lessons {
    /// What is left out.
    without: Without,
    /// What was known before the call.
    known: Without,
    /// What this call has changed; each name is changed once, so that it comes to an end.
    changed: Without,
    /// What was left out last, and the refusal it was left out for.
    last: Option<(String, Refusal)>,
}

/// What a refusal teaches.
enum Lesson {
    /// To leave this out.
    Leave(String),
    /// To send this again, which was left out for an earlier call.
    PutBack(String),
}

impl Lessons {
    fn new(known: Without) -> Self {
        Self { without: known.clone(), known, changed: Without::new(), last: None }
    }

    /// Changes what is left out by what a refusal says. `None` when it says nothing that helps.
    fn learn(
        &mut self,
        refusal: &Refusal,
        request: &ChatRequest<'_>,
        body: &Map<String, Value>,
    ) -> Option<Lesson> {
        // The same refusal once more: it wasn't about what was left out for it.
        if let Some((name, before)) = self.last.take()
            && before.is_the_same_as(refusal)
        {
            self.without.remove(&name);
        }
        if self.changed.len() >= WITHOUT_MAX {
            return None;
        }
        let old: Vec<&str> = self.known.difference(&self.changed).map(String::as_str).collect();
        if let Some(name) = refusal.demands(&old) {
            let name = name.to_owned();
            self.without.remove(&name);
            self.changed.insert(name.clone());
            return Some(Lesson::PutBack(name));
        }
        let done = self.without.union(&self.changed).cloned().collect();
        let name = refused(refusal, request, body, &done)?;
        self.changed.insert(name.clone());
        self.without.insert(name.clone());
        Some(Lesson::Leave(name))
    }
}

/// The texts of a request that no sentence may repeat: what it says, and its secrets.
fn own_texts<'a>(request: &'a ChatRequest<'_>) -> impl Iterator<Item = &'a str> {
    let key = match &request.model.api_key {
        ApiKey::Known(key) => Some(key.reveal()),
        _ => None,
    };
    let headers = request.model.manner.headers.iter().map(|(_, value)| value.reveal());
    let said = request.messages.iter().map(|message| message.content.as_str());
    said.chain(headers).chain(key).chain([request.model.base_url.as_str()])
}

/// What of a request its refusal is about, if it can be done without; nothing that was `done` without already.
fn refused(
    refusal: &Refusal,
    request: &ChatRequest<'_>,
    body: &Map<String, Value>,
    without: &Without,
) -> Option<String> {
    let has_instructions = request.model.manner.system_role == SystemRole::System
        && request.messages.iter().any(|message| message.role == Role::System);
    if has_instructions && !without.contains(SYSTEM_ROLE) && refusal.is_of_the_system_role() {
        return Some(SYSTEM_ROLE.to_owned());
    }
    let dispensable = wire::dispensable(body, request);
    let names: Vec<&str> =
        dispensable.iter().map(String::as_str).filter(|name| !without.contains(*name)).collect();
    // A limit that is too high is not mended by having none.
    let named = refusal.parameter(&names).filter(|name| *name != "max_tokens" || !refusal.is_of_an_amount());
    named.map(str::to_owned)
}

/// The call with its key and what else the model's settings say.
fn authorised(mut call: RequestBuilder, model: &Model) -> Result<RequestBuilder, ModelError> {
    let key = match &model.api_key {
        ApiKey::None => None,
        ApiKey::Known(key) => Some(key.reveal()),
        // Whoever asks has it read first (`App::keyed`).
        ApiKey::Parameter(_) => return Err(ModelError::NoKey),
    };
    let mut key_is_sent = false;
    for (name, value) in &model.manner.headers {
        key_is_sent |= value.reveal().contains(KEY);
        call = call.header(name, value.reveal().replace(KEY, key.unwrap_or_default()));
    }
    Ok(match key {
        Some(key) if !key_is_sent => call.bearer_auth(key),
        _ => call,
    })
}

/// Full jitter: anything from nothing to the exponential pause after `failures`.
fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = BACKOFF_BASE_MS.saturating_mul(1 << failures.saturating_sub(1).min(10));
    Duration::from_millis((doubled.min(BACKOFF_CAP_MS) as f64 * jitter.clamp(0.0, 1.0)) as u64)
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
async fn refusal(mut response: Response, clock: Clock) -> Refusal {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    // What can't be read of the body is not missed: the status remains.
    let body = clock.wait(timeout(ERROR_BODY, read_body(&mut response))).await;
    let body = match body {
        Ok(Ok(Ok(body))) => serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned())),
        _ => Value::Null,
    };
    Refusal::read(status, &body, retry_after)
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
}
