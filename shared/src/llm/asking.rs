//! Asking a model once, in the name of a run: its answer is recorded as it
//! grows, and the run's lease is kept.

use serde_json::{Map, Value};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::answer::{Answer, Chunk};
use super::error::ModelError;
use super::message::{ChatRequest, Role, ToolCall};
use crate::app::App;
use crate::domain::ending::{Ending, think};
use crate::domain::model::Usage;
use crate::domain::run::{ANSWER_MAX, ATTEMPTS_MAX, HEARTBEAT_MS, Outcome, State};
use crate::domain::text::prefix;
use crate::store::{Beat, OpenRun, StoreError};

/// The longest a run waits for a model that limits its rate, in seconds.
const RATE_WAIT_MAX: u64 = 300;

/// What is told of an answer longer than [`ANSWER_MAX`].
const LONGER_THAN_KEPT: &str = "The answer is longer than the 80,000 characters that are kept of one, and ends there. \
    What was written until then is kept. Ask for a shorter answer.";

/// What came of asking the model once.
pub(super) enum Asked {
    /// It has answered, or failed to.
    Ended(Outcome),
    /// It wants tools to be called, and said this besides.
    Called { said: String, calls: Vec<ToolCall>, carried: Map<String, Value>, usage: Usage },
    /// It takes no tools, and was offered some.
    NoTools,
    /// The run is another worker's now, or nobody's.
    LeaseLost,
    /// It is to be asked again after so many seconds.
    Wait(u32),
}

/// Streams the answer until `end`, records it as it grows, and keeps the lease. Adds what the model thinks to
/// `thinking`.
pub(super) async fn ask(
    app: &App,
    open: &OpenRun,
    request: &ChatRequest<'_>,
    end: Instant,
    thinking: &mut String,
) -> Result<Asked, StoreError> {
    let runs = &app.store().runs;
    let mut answer = Growing::default();
    let started = Instant::now();
    let deadlines = app.models().deadlines(request.model, end.saturating_duration_since(started));
    let mut beat = interval_at(Instant::now() + app.flush_every, app.flush_every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = app.now();

    let client = match app.models().client() {
        Ok(client) => client,
        Err(error) => return Ok(Asked::Ended(answer.failed(app, &error, Usage::default()))),
    };
    let mut asking = Box::pin(client.stream(request, deadlines, || app.jitter()));
    let mut stream = None;
    loop {
        let event = tokio::select! {
            opened = &mut asking, if stream.is_none() => match opened {
                Ok(opened) => { stream = Some(opened); continue }
                Err(error) => Some(Err(error)),
            },
            chunk = next(&mut stream), if stream.is_some() => chunk,
            _ = beat.tick() => {
                if app.now().millis_since(renewed) >= HEARTBEAT_MS {
                    match runs.renew(open, app.now()).await? {
                        Beat::Held => {}
                        Beat::CancelRequested => return Ok(Asked::Ended(answer.cancelled(used(&stream)))),
                        Beat::Lost => return Ok(Asked::LeaseLost),
                    }
                    renewed = app.now();
                }
                if let Some(text) = answer.unrecorded()
                    && !runs.keep_partial(open, text, thinking).await?
                {
                    return Ok(Asked::LeaseLost);
                }
                continue;
            }
        };
        match event {
            Some(Ok(Chunk::Text(text))) => answer.push(&text),
            Some(Ok(Chunk::Thought(text))) => think(thinking, &text),
            Some(Ok(Chunk::AllThought)) => think(thinking, &answer.taken_back()),
            Some(Ok(Chunk::End { usage, calls, carried, .. })) if !calls.is_empty() => {
                return Ok(Asked::Called { said: answer.text, calls, carried, usage });
            }
            Some(Ok(Chunk::End { usage, finish, .. })) => {
                return Ok(Asked::Ended(answer.ended(usage, finish.told(request.model))));
            }
            Some(Err(ModelError::NoTools(cause))) if is_first_turn(request) => {
                tracing::warn!(test_id = %open.run.test_id, %cause, "a model takes no tools; it is given articles");
                return Ok(Asked::NoTools);
            }
            Some(Err(error)) => {
                if let Some(seconds) = worth_waiting(app, &error, &answer, open, request) {
                    return Ok(Asked::Wait(seconds));
                }
                tracing::warn!(test_id = %open.run.test_id, %error, "the model failed");
                return Ok(Asked::Ended(answer.failed(app, &error, used(&stream))));
            }
            None => return Ok(Asked::Ended(answer.failed(app, &ModelError::CutOff, used(&stream)))),
        }
    }
}

async fn next(stream: &mut Option<Answer>) -> Option<Result<Chunk, ModelError>> {
    match stream {
        Some(stream) => stream.next().await,
        None => None,
    }
}

/// What the call took so far, with what the model thought and didn't say.
fn used(stream: &Option<Answer>) -> Usage {
    stream.as_ref().map(|stream| stream.usage_so_far().0).unwrap_or_default()
}

/// Whether nothing was looked up yet.
fn is_first_turn(request: &ChatRequest<'_>) -> bool {
    request.messages.iter().all(|message| message.role != Role::Tool)
}

/// How long to wait for a model that limits its rate, when nothing was paid for
/// yet (the run would begin anew) and there are tries left.
fn worth_waiting(
    app: &App,
    error: &ModelError,
    answer: &Growing,
    open: &OpenRun,
    request: &ChatRequest<'_>,
) -> Option<u32> {
    if !matches!(error, ModelError::RateLimited { .. } | ModelError::Overloaded { retry_after: Some(_), .. })
    {
        return None;
    }
    let unless_told = app.models().patience().rate_limit;
    let seconds = error.retry_after().unwrap_or(unless_told).as_secs().max(1);
    let possible = is_first_turn(request)
        && answer.text.is_empty()
        && open.attempts < ATTEMPTS_MAX
        && seconds <= RATE_WAIT_MAX;
    possible.then(|| u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// An answer as it grows.
#[derive(Default)]
struct Growing {
    text: String,
    recorded: usize,
}

impl Growing {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// The text so far, which was none of the answer's.
    fn taken_back(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The text so far, when it has grown since it was last asked for.
    fn unrecorded(&mut self) -> Option<&str> {
        if self.text.len() == self.recorded {
            return None;
        }
        self.recorded = self.text.len();
        Some(prefix(&self.text, ANSWER_MAX))
    }

    /// The model's own end.
    fn ended(self, usage: Usage, (ended, error): (Ending, Option<String>)) -> Outcome {
        if self.text.trim().is_empty() {
            return Outcome { usage, ..Outcome::failed(Ending::Empty, ModelError::Empty.sentence()) };
        }
        let answer = prefix(&self.text, ANSWER_MAX).to_owned();
        let (ended, error) = if answer.len() < self.text.len() {
            (Ending::Length, Some(LONGER_THAN_KEPT.to_owned()))
        } else {
            (ended, error)
        };
        Outcome {
            state: State::Succeeded,
            answer,
            thinking: String::new(),
            ended,
            usage,
            cost_micros: 0,
            error,
        }
    }

    fn failed(self, app: &App, error: &ModelError, usage: Usage) -> Outcome {
        self.stopped(Outcome::failed(error.ending(), app.told_of(error)), usage)
    }

    fn cancelled(self, usage: Usage) -> Outcome {
        self.stopped(Outcome::cancelled(), usage)
    }

    /// An end before the model's own.
    fn stopped(self, outcome: Outcome, usage: Usage) -> Outcome {
        Outcome { answer: prefix(&self.text, ANSWER_MAX).to_owned(), usage, ..outcome }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_reached_its_limit_succeeds_and_is_marked() {
        let mut answer = Growing::default();
        answer.push("text");
        let told = Some("Too long.".to_owned());
        let outcome = answer.ended(Usage::default(), (Ending::Length, told.clone()));
        assert_eq!((outcome.state, outcome.is_truncated(), &outcome.error), (State::Succeeded, true, &told));
        let nothing = Growing::default().ended(Usage::default(), (Ending::Complete, None));
        assert_eq!((nothing.state, nothing.ended), (State::Failed, Ending::Empty));
        assert!(!nothing.is_truncated());
        let long = Growing { text: "é".repeat(ANSWER_MAX + 1), recorded: 0 };
        let outcome = long.ended(Usage::default(), (Ending::Complete, None));
        assert_eq!((outcome.ended, outcome.answer.chars().count()), (Ending::Length, ANSWER_MAX));
    }

    #[test]
    fn only_new_text_is_recorded() {
        let mut answer = Growing::default();
        assert_eq!(answer.unrecorded(), None);
        answer.push("a");
        assert_eq!(answer.unrecorded(), Some("a"));
        assert_eq!(answer.unrecorded(), None);
        // What was recorded and turned out to be thinking is recorded no more.
        assert_eq!(answer.taken_back(), "a");
        assert_eq!(answer.unrecorded(), Some(""));
    }
}
