//! Running a test: claim, find articles, ask the model, record.
//!
//! The worker's view of a run's life. Every write is conditional on the lease,
//! so that a second delivery or a worker that was taken for dead changes
//! nothing; whatever happens, the run ends in a final state or is back in the
//! queue, where `recover-runs` finds it.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::client::{ChatRequest, Chunk, Deadlines, Finish, ModelError};
use super::readiness::Readiness;
use super::research::briefing;
use crate::app::App;
use crate::corpus::{self, Question};
use crate::domain::model::{Model, Usage, estimate_tokens};
use crate::domain::run::{
    ANSWER_MAX, ATTEMPTS_MAX, HEARTBEAT_MS, Outcome, RUN_DEADLINE_MS, Run, State, UsedArticle, mark_cited,
};
use crate::domain::text::prefix;
use crate::limits::Spend;
use crate::queue::RunMessage;
use crate::store::{Beat, Claimed, OpenRun, StoreError};
use crate::telemetry::Figure;

/// A growing answer is recorded at most this often.
const FLUSH: Duration = Duration::from_secs(1);
/// A model that is still starting is asked again after this, in seconds.
const STARTING_WAIT: u32 = 3;
/// The longest a run waits for a model that limits its rate, in seconds.
const RATE_WAIT_MAX: u64 = 300;
/// Test answers vary little, so that a change of the prompt shows.
const TEMPERATURE: f32 = 0.2;

/// What becomes of the message that announced a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It has served.
    Done,
    /// It is to come again after so many seconds.
    Again(u32),
}

/// Runs the test that `message` announces, if it still waits.
pub async fn run(app: &App, message: RunMessage) -> Result<Disposition, StoreError> {
    let runs = &app.store().runs;
    let Some(waiting) = runs.open(message.draft_id, message.test_id).await? else {
        return Ok(Disposition::Done);
    };
    if waiting.run.status.is_final() || waiting.is_leased(app.now()) {
        return Ok(Disposition::Done);
    }
    let readiness = app.models().readiness();
    if matches!(readiness, Readiness::Starting { .. }) {
        return Ok(Disposition::Again(STARTING_WAIT));
    }
    let open = match runs.claim(message.draft_id, message.test_id, app.new_id(), app.now()).await? {
        Claimed::Claimed(open) => *open,
        Claimed::Held | Claimed::Over => return Ok(Disposition::Done),
    };
    let finished = execute(app, &open, &readiness).await?;
    let (outcome, articles) = match finished {
        Executed::Ended(outcome, articles) => (outcome, articles),
        Executed::LeaseLost => return Ok(Disposition::Done),
        Executed::Wait(seconds) => {
            runs.put_back(&open, i64::from(seconds) * 1_000, app.now()).await?;
            return Ok(Disposition::Again(seconds));
        }
    };
    let now = app.now();
    let mut outcome = outcome;
    let mut finished = runs.finish(&open, &outcome, &articles, now).await?;
    if !finished && runs.renew(&open, now).await? == Beat::CancelRequested {
        // Cancelled while its last words were recorded: they are kept.
        outcome.state = State::Cancelled;
        outcome.error = None;
        finished = runs.finish(&open, &outcome, &articles, now).await?;
    }
    if finished {
        let millis = open.run.started_at.map_or(0, |start| now.millis_since(start));
        log_finished(&open.run, &outcome, articles.len(), millis);
        app.tell(&figures(&outcome, millis));
    }
    Ok(Disposition::Done)
}

fn log_finished(run: &Run, outcome: &Outcome, articles: usize, millis: i64) {
    tracing::info!(
        draft_id = %run.draft_id,
        test_id = %run.test_id,
        state = outcome.state.as_str(),
        articles,
        millis,
        tokens_in = outcome.usage.prompt_tokens,
        tokens_out = outcome.usage.completion_tokens,
        "test finished"
    );
}

/// What the end of a run adds to the product's figures.
pub fn figures(outcome: &Outcome, millis: i64) -> [(Figure, u64); 5] {
    let ended = match outcome.state {
        State::Succeeded => Figure::TestsSucceeded,
        State::Cancelled => Figure::TestsCancelled,
        _ => Figure::TestsFailed,
    };
    [
        (ended, 1),
        (Figure::TestMilliseconds, millis.max(0).unsigned_abs()),
        (Figure::TokensIn, outcome.usage.prompt_tokens),
        (Figure::TokensOut, outcome.usage.completion_tokens),
        (Figure::ModelCostMicros, outcome.cost_micros),
    ]
}

/// How an execution left the run.
enum Executed {
    Ended(Outcome, Vec<UsedArticle>),
    LeaseLost,
    Wait(u32),
}

async fn execute(app: &App, open: &OpenRun, readiness: &Readiness) -> Result<Executed, StoreError> {
    let failed = |sentence: String| {
        Executed::Ended(Outcome::without_answer(State::Failed, Some(sentence)), Vec::new())
    };
    if open.run.cancel_requested {
        return Ok(Executed::Ended(Outcome::without_answer(State::Cancelled, None), Vec::new()));
    }
    if let Readiness::Failed { detail } = readiness {
        return Ok(failed(detail.clone()));
    }
    let Some(model) = app.models().find(Some(&open.run.model)) else {
        return Ok(failed(format!(
            "The model \"{}\" is no longer configured. Choose another model and run the test again.",
            open.run.model
        )));
    };
    let model = &match app.keyed(model).await {
        Ok(model) => model,
        Err(error) => return Ok(failed(error.sentence())),
    };
    let store = app.store();
    let Some(prompt) = store.runs.pinned_text(open.run.draft_id, open.run.draft_revision).await? else {
        return Ok(Executed::LeaseLost);
    };

    let question = Question {
        topic: open.run.topic.clone(),
        query: open.run.test_query.clone(),
        limit: open.run.limit as usize,
        ..Question::default()
    };
    let Some(results) = corpus::search(app, &question, app.now()).await? else {
        return Ok(failed(format!(
            "The topic \"{}\" is no longer there. Choose another topic and run the test again.",
            open.run.topic
        )));
    };
    let found: Vec<_> = results.found.iter().map(|found| &found.article).collect();
    let briefing = match briefing(model, &prompt, &open.run.test_query, &found) {
        Ok(briefing) => briefing,
        Err(sentence) => return Ok(failed(sentence)),
    };
    let mut articles: Vec<_> =
        found.iter().take(briefing.articles).map(|article| UsedArticle::from_article(article)).collect();
    let notice = search_notice(results.phrase.as_deref(), results.matched, found.len(), briefing.articles);
    if !store.runs.keep_articles(open, &articles, notice.as_deref()).await? {
        return Ok(Executed::LeaseLost);
    }

    let request = ChatRequest {
        model,
        messages: briefing.messages,
        max_tokens: model.max_output_tokens,
        temperature: TEMPERATURE,
    };
    let answered = ask(app, open, &request).await?;
    Ok(match answered {
        Asked::LeaseLost => Executed::LeaseLost,
        Asked::Wait(seconds) => Executed::Wait(seconds),
        Asked::Ended(mut outcome) => {
            outcome.cost_micros = model.cost_micros(outcome.usage);
            mark_cited(&mut articles, &outcome.answer);
            Executed::Ended(outcome, articles)
        }
    })
}

/// What a reader of the result should know about its articles.
pub fn search_notice(phrase: Option<&str>, matched: bool, found: usize, given: usize) -> Option<String> {
    let period = phrase.map(|phrase| format!(" for \"{phrase}\"")).unwrap_or_default();
    if found == 0 {
        return Some(format!("No article was found{period}. The model was told so."));
    }
    let mut sentences = Vec::new();
    if !matched {
        sentences.push(format!("No article{period} fits the question; the newest were used instead."));
    }
    if given < found {
        sentences.push(format!("{given} of the {found} articles found fit the model's window."));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

enum Asked {
    Ended(Outcome),
    LeaseLost,
    Wait(u32),
}

/// Streams the answer, records it as it grows, and keeps the lease.
async fn ask(app: &App, open: &OpenRun, request: &ChatRequest<'_>) -> Result<Asked, StoreError> {
    let runs = &app.store().runs;
    let mut answer = Growing::default();
    let started = Instant::now();
    let deadlines = Deadlines::for_model(request.model, Duration::from_millis(RUN_DEADLINE_MS));
    let mut beat = interval(FLUSH);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = started;

    let client = match app.models().client() {
        Ok(client) => client,
        Err(error) => return Ok(Asked::Ended(answer.failed(&error, request))),
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
                if renewed.elapsed() >= Duration::from_millis(HEARTBEAT_MS) {
                    match runs.renew(open, app.now()).await? {
                        Beat::Held => {}
                        Beat::CancelRequested => return Ok(Asked::Ended(answer.cancelled(request))),
                        Beat::Lost => return Ok(Asked::LeaseLost),
                    }
                    renewed = Instant::now();
                }
                if let Some(text) = answer.unrecorded()
                    && !runs.keep_partial(open, text).await?
                {
                    return Ok(Asked::LeaseLost);
                }
                continue;
            }
        };
        match event {
            Some(Ok(Chunk::Text(text))) => answer.push(&text),
            Some(Ok(Chunk::End { usage, finish, .. })) => {
                return Ok(Asked::Ended(answer.ended(usage, &finish)));
            }
            Some(Err(error)) => {
                if let Some(seconds) = worth_waiting(&error, &answer, open) {
                    return Ok(Asked::Wait(seconds));
                }
                tracing::warn!(test_id = %open.run.test_id, %error, "the model failed");
                return Ok(Asked::Ended(answer.failed(&error, request)));
            }
            None => return Ok(Asked::Ended(answer.failed(&ModelError::CutOff, request))),
        }
    }
}

async fn next(stream: &mut Option<super::client::Answer>) -> Option<Result<Chunk, ModelError>> {
    match stream {
        Some(stream) => stream.next().await,
        None => None,
    }
}

/// How long to wait for a model that limits its rate, when nothing was
/// written yet and there are tries left.
fn worth_waiting(error: &ModelError, answer: &Growing, open: &OpenRun) -> Option<u32> {
    if !matches!(error, ModelError::RateLimited { .. } | ModelError::Overloaded { retry_after: Some(_), .. })
    {
        return None;
    }
    let seconds = error.retry_after().map_or(30, |wait| wait.as_secs().max(1));
    let possible = answer.text.is_empty() && open.attempts < ATTEMPTS_MAX && seconds <= RATE_WAIT_MAX;
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

    /// The text so far, when it has grown since it was last asked for.
    fn unrecorded(&mut self) -> Option<&str> {
        if self.text.len() == self.recorded {
            return None;
        }
        self.recorded = self.text.len();
        Some(prefix(&self.text, ANSWER_MAX))
    }

    fn ended(self, usage: Usage, finish: &Finish) -> Outcome {
        if self.text.trim().is_empty() {
            return Outcome {
                usage,
                ..Outcome::without_answer(
                    State::Failed,
                    Some(
                        "The model ended without writing anything. Run the test again, or try another model."
                            .to_owned(),
                    ),
                )
            };
        }
        let answer = prefix(&self.text, ANSWER_MAX).to_owned();
        let truncated = *finish == Finish::Length || answer.len() < self.text.len();
        Outcome { state: State::Succeeded, answer, truncated, usage, cost_micros: 0, error: None }
    }

    fn failed(self, error: &ModelError, request: &ChatRequest<'_>) -> Outcome {
        Outcome { error: Some(error.sentence()), ..self.stopped(State::Failed, request) }
    }

    fn cancelled(self, request: &ChatRequest<'_>) -> Outcome {
        self.stopped(State::Cancelled, request)
    }

    /// An end before the model's server could count: what is known is a guess.
    fn stopped(self, state: State, request: &ChatRequest<'_>) -> Outcome {
        let usage = if self.text.is_empty() {
            Usage::default()
        } else {
            Usage {
                prompt_tokens: request
                    .messages
                    .iter()
                    .map(|message| u64::from(estimate_tokens(&message.content)))
                    .sum(),
                completion_tokens: u64::from(estimate_tokens(&self.text)),
            }
        };
        Outcome {
            truncated: !self.text.is_empty(),
            answer: prefix(&self.text, ANSWER_MAX).to_owned(),
            usage,
            ..Outcome::without_answer(state, None)
        }
    }
}

/// What a call to `model` may use at the most: its window, since articles fill it.
pub fn estimate(model: &Model) -> Spend {
    let usage = Usage {
        prompt_tokens: u64::from(model.context_window.saturating_sub(model.max_output_tokens)),
        completion_tokens: u64::from(model.max_output_tokens),
    };
    Spend { tokens: u64::from(model.context_window), micros: model.cost_micros(usage) }
}

/// A run that has been taken up too often or waited too long.
pub fn give_up_sentence() -> &'static str {
    "The test could not be finished: its worker stopped several times or the queue was too long. \
     Nothing else was lost; run the test again."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_told_what_the_articles_are_worth() {
        assert_eq!(search_notice(None, true, 5, 5), None);
        assert!(search_notice(Some("last 2 days"), true, 0, 0).unwrap().contains("\"last 2 days\""));
        let both = search_notice(None, false, 50, 7).unwrap();
        assert!(both.contains("the newest were used") && both.contains("7 of the 50"), "{both}");
    }

    #[test]
    fn an_answer_that_reached_its_limit_succeeds_and_is_marked() {
        let mut answer = Growing::default();
        answer.push("text");
        let outcome = answer.ended(Usage::default(), &Finish::Length);
        assert_eq!((outcome.state, outcome.truncated), (State::Succeeded, true));
        assert_eq!(Growing::default().ended(Usage::default(), &Finish::Stop).state, State::Failed);
    }

    #[test]
    fn only_new_text_is_recorded() {
        let mut answer = Growing::default();
        assert_eq!(answer.unrecorded(), None);
        answer.push("a");
        assert_eq!(answer.unrecorded(), Some("a"));
        assert_eq!(answer.unrecorded(), None);
    }
}
