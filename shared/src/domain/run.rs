//! Test runs: one query, on one topic, with one model, against one pinned
//! revision of a draft.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::article::Article;
use super::checks::Checks;
use super::draft::Draft;
use super::ending::Ending;
use super::model::Usage;
use super::text::{self, Errors, FieldError, prefix};
use super::time::Timestamp;

/// Characters of a test query, least and most.
pub const QUERY_LENGTH: (usize, usize) = (10, 1_000);
/// Articles a run may use, least and most.
pub const ARTICLE_LIMIT: (u32, u32) = (5, 200);
/// Articles a run uses when nothing is said.
pub const ARTICLE_LIMIT_DEFAULT: u32 = 50;
/// Characters of the notes on a run.
pub const NOTES_MAX: usize = 500;
/// Characters of an answer that lists show.
pub const PREVIEW_LENGTH: usize = 500;
/// The longest answer that is stored, in characters; what is beyond it is cut
/// off and marked.
pub const ANSWER_MAX: usize = 80_000;

/// A worker that has not renewed its lease for this long is taken to be dead.
pub const LEASE_MS: i64 = 20_000;
/// How often a worker renews its lease and looks whether it was cancelled.
pub const HEARTBEAT_MS: i64 = 2_000;
/// From claim to a final state, at the most.
pub const RUN_DEADLINE_MS: u64 = 5 * 60_000;
/// A queued run whose message was not taken for this long gets another.
pub const QUEUE_PATIENCE_MS: i64 = 60_000;
/// Times a run is taken up before it is given up.
pub const ATTEMPTS_MAX: u32 = 3;
/// A run that is not finished this long after it was started is given up.
pub const GIVE_UP_MS: i64 = 30 * 60_000;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Waiting for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Ended with an answer.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended by its user.
    Cancelled,
}

impl State {
    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to the run.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What a test is started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The question, 10 to 1,000 characters.
    #[schemars(length(min = 10, max = 1_000), regex(pattern = text::WORDS))]
    pub test_query: String,
    /// The topic's name.
    #[schemars(length(min = 1, max = 100), regex(pattern = text::SHORT_LINE))]
    pub topic: String,
    /// Articles to use at the most, 5 to 200; 50 when absent.
    #[serde(default)]
    #[schemars(range(min = 5, max = 200))]
    pub limit: Option<u32>,
    /// The model's id; the deployment's default when absent.
    #[serde(default)]
    pub model: Option<String>,
    /// Keep the whole answer, or only its first 500 characters; true when absent.
    #[serde(default)]
    pub store_full_response: Option<bool>,
    /// A rating to begin with, 1 to 5.
    #[serde(default)]
    #[schemars(range(min = 1, max = 5))]
    pub user_rating: Option<u8>,
    /// Notes to begin with, up to 500 characters.
    #[serde(default)]
    #[schemars(length(max = 500), regex(pattern = text::PROSE))]
    pub notes: Option<String>,
}

impl Order {
    /// Checks every limit that can be checked without a store.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        let query = self.test_query.trim().to_owned();
        errors.prose("test_query", &query, QUERY_LENGTH.0, QUERY_LENGTH.1);
        self.test_query = query;
        self.topic = errors.line("topic", &self.topic, 1, super::article::TOPIC_NAME_MAX);
        let (least, most) = ARTICLE_LIMIT;
        if self.limit.is_some_and(|limit| !(least..=most).contains(&limit)) {
            errors.push("limit", format!("A test uses {least} to {most} articles."));
        }
        check_rating(&mut errors, self.user_rating);
        if let Some(notes) = &self.notes {
            errors.prose("notes", notes, 0, NOTES_MAX);
        }
        errors.or(self)
    }

    /// Articles to use at the most.
    pub fn article_limit(&self) -> u32 {
        self.limit.unwrap_or(ARTICLE_LIMIT_DEFAULT)
    }
}

/// A change of a run's rating or notes. A field that is `null` is taken back;
/// one that is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Verdict {
    /// 1 to 5, or null.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 5))]
    pub user_rating: Option<Option<u8>>,
    /// Up to 500 characters, or null.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>", length(max = 500), regex(pattern = text::PROSE))]
    pub notes: Option<Option<String>>,
}

/// Tells `null` (`Some(None)`) from absent (`None`, by `default`).
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Verdict {
    /// Checks every limit.
    pub fn checked(self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        if self == Self::default() {
            errors.push("", "Nothing to change: send user_rating or notes.");
        }
        check_rating(&mut errors, self.user_rating.flatten());
        if let Some(Some(notes)) = &self.notes {
            errors.prose("notes", notes, 0, NOTES_MAX);
        }
        errors.or(self)
    }
}

fn check_rating(errors: &mut Errors, rating: Option<u8>) {
    if rating.is_some_and(|stars| !(1..=5).contains(&stars)) {
        errors.push("user_rating", "A rating is 1 to 5 stars, or null for none.");
    }
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The run's id, a UUIDv7.
    pub test_id: Uuid,
    /// Its draft.
    pub draft_id: Uuid,
    /// Where it stands.
    pub status: State,
    /// The question.
    pub test_query: String,
    /// The topic's name.
    pub topic: String,
    /// The model's id.
    pub model: String,
    /// Articles to use at the most.
    pub limit: u32,
    /// Whether the whole answer is kept.
    pub store_full_response: bool,
    /// The draft's revision whose text runs.
    pub draft_revision: u64,
    /// The first 500 characters of the answer.
    pub response_preview: String,
    /// Characters of the answer.
    pub response_length: u64,
    /// The answer ended early, and what came before is kept.
    pub truncated: bool,
    /// How it ended; absent before that, and in runs of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// Tools the model really called.
    pub tools_used: Vec<String>,
    /// Articles the model was given.
    pub article_count: u32,
    /// Something a reader of the result should know, such as that no article
    /// has the query's words.
    pub notice: Option<String>,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
    /// From the worker's start to the end, in milliseconds.
    pub execution_time_ms: Option<u64>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When a worker last took it up.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its user asked to stop it.
    pub cancel_requested: bool,
    /// 1 to 5.
    pub user_rating: Option<u8>,
    /// Up to 500 characters.
    pub notes: Option<String>,
    /// Why it failed or its answer ends early, and what to do, for a person.
    pub error: Option<String>,
}

impl Run {
    /// A new run of `draft`, queued.
    pub fn queued(id: Uuid, draft: &Draft, order: &Order, model: &str, now: Timestamp) -> Self {
        Self {
            test_id: id,
            draft_id: draft.summary.id,
            status: State::Queued,
            test_query: order.test_query.clone(),
            topic: order.topic.clone(),
            model: model.to_owned(),
            limit: order.article_limit(),
            store_full_response: order.store_full_response.unwrap_or(true),
            draft_revision: draft.summary.revision,
            response_preview: String::new(),
            response_length: 0,
            truncated: false,
            ended: None,
            tools_used: Vec::new(),
            article_count: 0,
            notice: None,
            tokens_in: 0,
            tokens_out: 0,
            cost_micros: 0,
            execution_time_ms: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            cancel_requested: false,
            user_rating: order.user_rating,
            notes: order.notes.clone(),
            error: None,
        }
    }
}

/// An article that a run used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UsedArticle {
    /// The headline.
    pub title: String,
    /// Where it was published.
    pub url: String,
    /// The outlet.
    pub source: Option<String>,
    /// When it was published.
    pub published_at: Timestamp,
    /// Part of the built-in sample collection.
    pub sample: bool,
    /// The answer links to it.
    pub cited: bool,
}

impl UsedArticle {
    /// `article`, not cited yet.
    pub fn from_article(article: &Article) -> Self {
        Self {
            title: article.title.clone(),
            url: article.url.clone(),
            source: article.source.clone(),
            published_at: article.published_at,
            sample: article.sample,
            cited: false,
        }
    }
}

/// A call of a research tool by the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// The model's turn it was made in, from 1.
    pub round: u32,
    /// The tool's name, as the model wrote it.
    pub name: String,
    /// What it was called with: a JSON object, or the text as it came when that
    /// is none.
    pub arguments: serde_json::Value,
    /// What the model was answered: the first 2,000 characters.
    pub result: String,
    /// Characters of what it was answered.
    pub result_length: u64,
    /// It could not be done; the result says why.
    pub is_error: bool,
    /// Articles that the answer had.
    pub articles: u32,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// When it was called.
    pub started_at: Timestamp,
}

/// What a run read, and what its answer was checked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Research {
    /// The articles that the model was given.
    pub articles: Vec<UsedArticle>,
    /// The tools that it called, in order.
    #[serde(default)]
    pub calls: Vec<ToolCall>,
    /// What was found in the answer; none before there is one.
    #[serde(default)]
    pub checks: Option<Checks>,
}

impl Research {
    /// The tools that really ran, each once, in the order of their first call.
    pub fn tools_used(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for call in self.calls.iter().filter(|call| !call.is_error) {
            if !names.contains(&call.name.as_str()) {
                names.push(&call.name);
            }
        }
        names
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// A final state.
    pub state: State,
    /// What was written, whole or in part.
    pub answer: String,
    /// What the model thought, as far as it is kept: see [`super::ending::THINKING_MAX`].
    pub thinking: String,
    /// How the answer ended.
    pub ended: Ending,
    /// Tokens, as the model's server counted them.
    pub usage: Usage,
    /// In millionths of a US dollar.
    pub cost_micros: u64,
    /// Why it failed or ends early, for a person.
    pub error: Option<String>,
}

impl Outcome {
    /// A failure before anything was written.
    pub fn failed(ended: Ending, sentence: impl Into<String>) -> Self {
        Self { error: Some(sentence.into()), ..Self::without_answer(State::Failed, ended) }
    }

    /// A cancellation before anything was written.
    pub fn cancelled() -> Self {
        Self::without_answer(State::Cancelled, Ending::Stopped)
    }

    fn without_answer(state: State, ended: Ending) -> Self {
        let (answer, thinking) = (String::new(), String::new());
        Self { state, answer, thinking, ended, usage: Usage::default(), cost_micros: 0, error: None }
    }

    /// Whether there is a part of an answer, and no more.
    pub fn is_truncated(&self) -> bool {
        !self.ended.is_whole() && !self.answer.is_empty()
    }
}

/// The first 500 characters of an answer.
pub fn preview(answer: &str) -> String {
    prefix(answer, PREVIEW_LENGTH).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            test_query: "What changed in March?".into(),
            topic: "AI Adoption".into(),
            limit: None,
            model: None,
            store_full_response: None,
            user_rating: None,
            notes: None,
        }
    }

    #[test]
    fn an_order_keeps_to_the_limits() {
        assert_eq!(order().checked().unwrap().article_limit(), 50);
        assert!(Order { test_query: "  short  ".into(), ..order() }.checked().is_err());
        assert!(Order { limit: Some(4), ..order() }.checked().is_err());
        assert!(Order { limit: Some(201), ..order() }.checked().is_err());
        assert!(Order { user_rating: Some(6), ..order() }.checked().is_err());
        assert!(Order { notes: Some("n".repeat(501)), ..order() }.checked().is_err());
    }

    #[test]
    fn null_takes_a_verdict_back_and_absence_leaves_it() {
        let taken: Verdict = serde_json::from_str(r#"{"user_rating": null}"#).unwrap();
        assert_eq!(taken, Verdict { user_rating: Some(None), notes: None });
        assert!(serde_json::from_str::<Verdict>("{}").unwrap().checked().is_err());
        assert!(Verdict { user_rating: Some(Some(0)), notes: None }.checked().is_err());
    }
}
