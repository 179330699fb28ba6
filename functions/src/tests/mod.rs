//! Test runs: `…/drafts/{id}/test` and `…/drafts/{id}/tests/…`.

use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::domain::checks::Checks;
use shared::domain::run::{Run, State, ToolCall, UsedArticle};
use shared::http::{Problem, Request, path_id};
use shared::llm::Readiness;
use uuid::Uuid;

use crate::route::routes;

routes! { start, list, get, rate, cancel }

/// A run as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunView {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Why a queued run is still waiting, where that is known.
    pub waiting_for: Option<String>,
}

impl RunView {
    /// `run`, with what is known of its waiting.
    pub fn of(app: &App, run: Run) -> Self {
        let waiting_for = match app.models().readiness() {
            Readiness::Starting { detail } if run.status == State::Queued => Some(detail),
            _ => None,
        };
        Self { run, waiting_for }
    }
}

/// A run with everything that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FullRunView {
    /// The run.
    #[serde(flatten)]
    pub view: RunView,
    /// The whole answer, or what has been written so far; empty when it was
    /// not to be kept.
    pub full_response: String,
    /// What the model thought before it answered: the first 16,000 characters, which are no part of the answer;
    /// empty when it thought nothing, or the answer was not to be kept.
    pub thinking: String,
    /// The text that ran.
    pub prompt_text: String,
    /// The articles that the model was given.
    pub articles: Vec<UsedArticle>,
    /// The research tools that the model called, in order; growing while it runs.
    pub tool_calls: Vec<ToolCall>,
    /// What the answer was checked for, without a model; null before there is one.
    pub checks: Option<Checks>,
}

/// The run of these ids with everything that is known of it.
pub(crate) async fn full(app: &App, draft: Uuid, test: Uuid) -> Result<FullRunView, Problem> {
    let runs = &app.store().runs;
    let full = runs.get_full(draft, test).await?.ok_or_else(|| Problem::not_found("test"))?;
    let prompt_text = runs.pinned_text(draft, full.run.draft_revision).await?.unwrap_or_default();
    Ok(FullRunView {
        view: RunView::of(app, full.run),
        full_response: full.answer,
        thinking: full.thinking,
        prompt_text,
        articles: full.research.articles,
        tool_calls: full.research.calls,
        checks: full.research.checks,
    })
}

/// The run's id in the path.
pub(crate) fn test_of_path(request: &Request) -> Result<Uuid, Problem> {
    path_id(request, "test_id", "test")
}
