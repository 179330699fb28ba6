//! Running a test: claim, find articles, ask the model, record.
//!
//! The worker's view of a run's life. Every write is conditional on the lease,
//! so that a second delivery or a worker that was taken for dead changes
//! nothing; whatever happens, the run ends in a final state or is back in the
//! queue, where `recover-runs` finds it.

use std::time::Duration;

use tokio::time::Instant;

use super::asking::{Asked, ask};
use super::error::ModelError;
use super::message::{self, ChatMessage, ChatRequest, FunctionCall, Tools};
use super::readiness::Readiness;
use super::refusal::Cause;
use super::research::{assignment, briefing, too_long};
use super::tools::{self, Researcher};
use super::window::{PER_MESSAGE, prompt_budget};
use crate::app::App;
use crate::corpus::{self, Question};
use crate::domain::checks::{check, mark_cited};
use crate::domain::ending::{Ending, think};
use crate::domain::model::{Model, Usage, estimate_tokens};
use crate::domain::run::{Outcome, RUN_DEADLINE_MS, Research, Run, State, ToolCall, UsedArticle};
use crate::domain::text::prefix;
use crate::limits::Spend;
use crate::queue::RunMessage;
use crate::store::{Beat, Claimed, OpenRun, StoreError};
use crate::telemetry::Figure;

/// A model that is still starting is asked again after this, in seconds.
const STARTING_WAIT: u32 = 3;
/// Test answers vary little, so that a change of the prompt shows.
const TEMPERATURE: f32 = 0.2;
/// Turns of a model in which it may call tools; the next is its answer.
const ROUNDS_MAX: u32 = 6;
/// Tokens that all turns of a run may take together, when the model's window
/// is not larger: each turn reads all that was said before.
const RESEARCH_TOKENS: u32 = 64_000;
/// A model with less room than this gets articles first, and no tools.
const TOOLS_ROOM: u32 = 6_000;
/// Tokens of what one call is answered: at the least, and at the most.
const RESULT_TOKENS: (u32, u32) = (600, 6_000);
/// What is told of a run whose model refused the tools.
const NO_TOOLS: &str = "This model takes no tools, though its settings say that it does (supports_tools), so it was given \
    the articles that a search for the question found.";
/// Characters of a call's arguments and of its result that are recorded.
const RESULT_KEPT: usize = 2_000;

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
    let (outcome, research) = match finished {
        Executed::Ended(ended) => *ended,
        Executed::LeaseLost => return Ok(Disposition::Done),
        Executed::Wait(seconds) => {
            runs.put_back(&open, i64::from(seconds) * 1_000, app.now()).await?;
            return Ok(Disposition::Again(seconds));
        }
    };
    let now = app.now();
    let mut outcome = outcome;
    let mut finished = runs.finish_researched(&open, &outcome, &research, now).await?;
    if !finished && runs.renew(&open, now).await? == Beat::CancelRequested {
        // Cancelled while its last words were recorded: they are kept.
        (outcome.state, outcome.ended, outcome.error) = (State::Cancelled, Ending::Stopped, None);
        finished = runs.finish_researched(&open, &outcome, &research, now).await?;
    }
    if finished {
        let millis = open.run.started_at.map_or(0, |start| now.millis_since(start));
        log_finished(&open.run, &outcome, &research, millis);
        app.tell(&figures(&outcome, millis));
    }
    Ok(Disposition::Done)
}

fn log_finished(run: &Run, outcome: &Outcome, research: &Research, millis: i64) {
    tracing::info!(
        draft_id = %run.draft_id,
        test_id = %run.test_id,
        state = outcome.state.as_str(),
        articles = research.articles.len(),
        tool_calls = research.calls.len(),
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
    Ended(Box<(Outcome, Research)>),
    LeaseLost,
    Wait(u32),
}

async fn execute(app: &App, open: &OpenRun, readiness: &Readiness) -> Result<Executed, StoreError> {
    let unasked = |outcome| Executed::Ended(Box::new((outcome, Research::default())));
    let failed = |sentence: String| unasked(Outcome::failed(Ending::NotAsked, sentence));
    if open.run.cancel_requested {
        return Ok(unasked(Outcome::cancelled()));
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
        Err(error) => return Ok(failed(app.told_of(&error))),
    };
    let store = app.store();
    let Some(prompt) = store.runs.pinned_text(open.run.draft_id, open.run.draft_revision).await? else {
        return Ok(Executed::LeaseLost);
    };

    let (research, thinking) = (Research::default(), String::new());
    let mut run = Running { app, open, model, prompt: &prompt, research, thinking };
    let end = Instant::now() + Duration::from_millis(RUN_DEADLINE_MS);
    let asked = match has_tools(model) {
        true => run.with_tools(end).await?,
        false => run.with_articles(None, end).await?,
    };
    let asked = match asked {
        Asked::NoTools => run.with_articles(Some(NO_TOOLS), end).await?,
        asked => asked,
    };
    Ok(match asked {
        // It was offered none.
        Asked::NoTools => failed(app.told_of(&ModelError::NoTools(Cause::default()))),
        Asked::LeaseLost => Executed::LeaseLost,
        Asked::Wait(seconds) => Executed::Wait(seconds),
        Asked::Called { usage, .. } => run.concluded(Outcome {
            usage,
            ..Outcome::failed(
                Ending::Tools,
                "The model went on calling tools and never answered. Run the test again, or try another model.",
            )
        }),
        Asked::Ended(outcome) => run.concluded(outcome),
    })
}

/// Whether a model is offered tools: one that can call them, and has room for
/// what they answer.
fn has_tools(model: &Model) -> bool {
    model.supports_tools && prompt_budget(model) >= TOOLS_ROOM
}

/// Tokens that all turns of a run with `model` may take together.
fn tokens_max(model: &Model) -> u32 {
    if has_tools(model) { model.context_window.max(RESEARCH_TOKENS) } else { model.context_window }
}

/// A run that is being worked on.
struct Running<'a> {
    app: &'a App,
    open: &'a OpenRun,
    model: &'a Model,
    prompt: &'a str,
    research: Research,
    /// What the model thought in all its turns.
    thinking: String,
}

impl Running<'_> {
    /// Finds articles, and gives the model as many as fit. A `note` about that is shown with the run.
    async fn with_articles(&mut self, note: Option<&str>, end: Instant) -> Result<Asked, StoreError> {
        let run = &self.open.run;
        let question = Question {
            topic: run.topic.clone(),
            query: run.test_query.clone(),
            limit: run.limit as usize,
            ..Question::default()
        };
        let Some(results) = corpus::search(self.app, &question, self.app.now()).await? else {
            return Ok(failed(format!(
                "The topic \"{}\" is no longer there. Choose another topic and run the test again.",
                run.topic
            )));
        };
        let found: Vec<_> = results.found.iter().map(|found| &found.article).collect();
        let briefing = match briefing(self.model, self.prompt, &run.test_query, &found) {
            Ok(briefing) => briefing,
            Err(sentence) => return Ok(failed(sentence)),
        };
        let given = found.iter().take(briefing.articles);
        self.research.articles = given.map(|article| UsedArticle::from_article(article)).collect();
        let notice =
            search_notice(results.phrase.as_deref(), results.matched, found.len(), briefing.articles);
        let notice = match (note, notice) {
            (Some(note), Some(notice)) => Some(format!("{note} {notice}")),
            (note, notice) => notice.or(note.map(str::to_owned)),
        };
        if !self.app.store().runs.keep_research(self.open, &self.research, notice.as_deref()).await? {
            return Ok(Asked::LeaseLost);
        }
        self.ask(briefing.messages, Tools::default(), end).await
    }

    /// Lets the model look for articles itself, for a bounded number of turns
    /// and tokens.
    async fn with_tools(&mut self, end: Instant) -> Result<Asked, StoreError> {
        let run = &self.open.run;
        let offered = tools::offered();
        let described: u32 = offered.iter().map(|tool| estimate_tokens(&tool.to_string())).sum();
        let (window, most) = (prompt_budget(self.model), tokens_max(self.model));
        let mut researcher = Researcher::new(self.app, &run.topic, run.limit, self.app.now());
        let mut messages = assignment(self.prompt, &run.test_query, &run.topic);
        let mut spent = Usage::default();
        if let Some(sentence) = too_long(self.model, tokens_of(&messages) + described + RESULT_TOKENS.0) {
            return Ok(failed(sentence));
        }
        for round in 1.. {
            let size = tokens_of(&messages) + described;
            let used = u32::try_from(spent.prompt_tokens + spent.completion_tokens).unwrap_or(u32::MAX);
            // Another turn with tools needs room for this one, its results, and the answer after it.
            let next =
                size.saturating_mul(2).saturating_add(RESULT_TOKENS.0 + 2 * self.model.max_output_tokens);
            let over = round > ROUNDS_MAX
                || size + RESULT_TOKENS.0 > window
                || (round > 1 && used.saturating_add(next) > most);
            let asked = self.ask(messages.clone(), Tools { offered: &offered, over }, end).await?;
            let (said, calls, carried, usage) = match asked {
                Asked::Called { said, calls, carried, usage } if !over => (said, calls, carried, usage),
                other => {
                    let has_answered =
                        matches!(&other, Asked::Ended(outcome) if outcome.state == State::Succeeded);
                    if has_answered && researcher.given.is_empty() && self.research.calls.is_empty() {
                        let notice = "The model called no tool, so it was given no article.";
                        if !self.keep(&researcher, Some(notice)).await? {
                            return Ok(Asked::LeaseLost);
                        }
                    }
                    return Ok(with_spent(other, spent));
                }
            };
            spent = sum(spent, usage);
            messages.push(ChatMessage::calling(said, calls.clone(), carried));
            let room = window.saturating_sub(tokens_of(&messages) + described);
            let each = (room / 2 / u32::try_from(calls.len()).unwrap_or(1).max(1))
                .clamp(RESULT_TOKENS.0 / 2, RESULT_TOKENS.1);
            for call in &calls {
                let answered = self.called(&mut researcher, round, call, each).await?;
                messages.push(ChatMessage::answering(call, answered));
            }
            if !self.keep(&researcher, None).await? {
                return Ok(Asked::LeaseLost);
            }
        }
        Ok(Asked::LeaseLost)
    }

    /// Does one call, and notes it down; what the model is told.
    async fn called(
        &mut self,
        researcher: &mut Researcher<'_>,
        round: u32,
        call: &message::ToolCall,
        tokens: u32,
    ) -> Result<String, StoreError> {
        let (started_at, started) = (self.app.now(), Instant::now());
        let FunctionCall { name, arguments, .. } = &call.function;
        let answered = researcher.call(name, arguments, tokens).await?;
        self.research.calls.push(ToolCall {
            round,
            name: name.clone(),
            arguments: serde_json::from_str(arguments)
                .ok()
                .filter(serde_json::Value::is_object)
                .unwrap_or_else(|| prefix(arguments, RESULT_KEPT).into()),
            result: prefix(&answered.text, RESULT_KEPT).to_owned(),
            result_length: answered.text.chars().count() as u64,
            is_error: answered.is_error,
            articles: answered.articles,
            millis: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            started_at,
        });
        Ok(answered.text)
    }

    async fn keep(&mut self, researcher: &Researcher<'_>, notice: Option<&str>) -> Result<bool, StoreError> {
        self.research.articles.clone_from(&researcher.given);
        self.app.store().runs.keep_research(self.open, &self.research, notice).await
    }

    /// Asks the model once.
    async fn ask(
        &mut self,
        messages: Vec<ChatMessage>,
        tools: Tools<'_>,
        end: Instant,
    ) -> Result<Asked, StoreError> {
        let model = self.model;
        let max_tokens = model.max_output_tokens;
        let request = ChatRequest { model, messages, max_tokens, temperature: TEMPERATURE, tools };
        if !self.thinking.is_empty() {
            think(&mut self.thinking, "\n\n");
        }
        ask(self.app, self.open, &request, end, &mut self.thinking).await
    }

    /// The end of the run, with what its answer is worth.
    fn concluded(mut self, mut outcome: Outcome) -> Executed {
        outcome.cost_micros = self.model.cost_micros(outcome.usage);
        self.thinking.trim().clone_into(&mut outcome.thinking);
        if !outcome.answer.is_empty() {
            mark_cited(&mut self.research.articles, &outcome.answer);
            self.research.checks = Some(check(self.prompt, &outcome.answer, &self.research.articles));
        }
        Executed::Ended(Box::new((outcome, self.research)))
    }
}

fn failed(sentence: String) -> Asked {
    Asked::Ended(Outcome::failed(Ending::NotAsked, sentence))
}

fn tokens_of(messages: &[ChatMessage]) -> u32 {
    messages.iter().map(|message| message.tokens() + PER_MESSAGE).sum()
}

fn sum(one: Usage, other: Usage) -> Usage {
    Usage {
        prompt_tokens: one.prompt_tokens.saturating_add(other.prompt_tokens),
        completion_tokens: one.completion_tokens.saturating_add(other.completion_tokens),
    }
}

/// What the turns before took is part of what the run took. A run of which
/// some was paid for isn't begun anew for a model that limits its rate.
fn with_spent(asked: Asked, spent: Usage) -> Asked {
    match asked {
        Asked::Ended(outcome) => {
            let usage = sum(spent, outcome.usage);
            Asked::Ended(Outcome { usage, ..outcome })
        }
        Asked::Called { said, calls, carried, usage } => {
            Asked::Called { said, calls, carried, usage: sum(spent, usage) }
        }
        other => other,
    }
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

/// What a run with `model` may use at the most: its window, since articles fill
/// it, or what its turns with tools may take.
pub fn estimate(model: &Model) -> Spend {
    let tokens = tokens_max(model);
    let usage = Usage {
        prompt_tokens: u64::from(tokens.saturating_sub(model.max_output_tokens)),
        completion_tokens: u64::from(model.max_output_tokens),
    };
    Spend { tokens: u64::from(tokens), micros: model.cost_micros(usage) }
}

/// The end of a run that has been taken up too often or waited too long.
pub fn given_up() -> Outcome {
    Outcome::failed(
        Ending::Interrupted,
        "The test could not be finished: its worker stopped several times or the queue was too long. \
         Nothing else was lost; run the test again.",
    )
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
}
