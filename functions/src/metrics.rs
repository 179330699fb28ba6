//! GET /api/metrics?days=30: the deployment's figures by day and in all, for
//! the dashboard. Counts only: nothing of what anyone wrote.

use std::collections::BTreeMap;

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::text::FieldError;
use shared::http::{Problem, Request, Response, json_response, query};

use crate::prelude::*;

/// Days shown when nothing is said, and at the most.
const DAYS: (i64, i64) = (30, 365);
/// Prompts in the list of the most cloned.
const MOST_CLONED: u32 = 10;

/// The figures of one day, or of all days together.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct Figures {
    /// Drafts begun.
    pub workshops_started: u64,
    /// Tests started.
    pub tests_started: u64,
    /// Tests that ended with an answer.
    pub tests_succeeded: u64,
    /// Tests that ended with an error.
    pub tests_failed: u64,
    /// Tests that were cancelled.
    pub tests_cancelled: u64,
    /// Milliseconds that tests ran, together.
    pub test_ms: u64,
    /// Tokens read by models.
    pub tokens_in: u64,
    /// Tokens written by models.
    pub tokens_out: u64,
    /// What tests and messages cost, in millionths of a US dollar.
    pub cost_micros: u64,
    /// Messages sent to the assistant.
    pub messages: u64,
    /// Commits.
    pub drafts_committed: u64,
    /// Drafts cloned from the library.
    pub clones: u64,
    /// Milliseconds of work on drafts.
    pub work_ms: u64,
}

/// A day.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Day {
    /// The UTC date.
    pub date: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// All days together.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Totals {
    /// Their sums.
    #[serde(flatten)]
    pub figures: Figures,
    /// Tests started for each draft begun.
    pub tests_per_draft: Option<f64>,
    /// Commits for each draft begun.
    pub commit_share: Option<f64>,
    /// Milliseconds a test ran, on average.
    pub mean_test_ms: Option<f64>,
}

/// A prompt that was cloned.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cloned {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How often, ever.
    pub clone_count: u64,
}

/// The figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Each day, oldest first, those without events too.
    pub days: Vec<Day>,
    /// All of them together.
    pub totals: Totals,
    /// The prompts that were cloned most.
    pub most_cloned: Vec<Cloned>,
}

/// The deployment's figures by day and in all.
pub const ROUTE: Route = Route::new("metrics-get", Verb::Get, "/api/metrics", Access::Shared, whole!(handle))
    .says("The deployment's figures by day and in all.")
    .gives_json::<Output>(200)
    .query(&[("days", Value::Number(1, 365), "How many days, 1 to 365; 30 when absent.")])
    .may(&[Items(Usage, &[Query]), Index(Library, "by-clones")])
    // The days and the prompts that were cloned most.
    .starts(Start::Connections(2));

/// Shows the figures.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let count = match query(&request, "days").map(str::parse::<i64>) {
        None => DAYS.0,
        Some(Ok(days)) if (1..=DAYS.1).contains(&days) => days,
        Some(_) => {
            let detail = format!("The figures of 1 to {} days can be shown.", DAYS.1);
            return Err(FieldError { pointer: "?days".to_owned(), detail }.into());
        }
    };
    let now = app.now();
    let dates: Vec<_> = (0..count).rev().map(|ago| now.plus_days(-ago).date()).collect();
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(Problem::internal("a period without days"));
    };
    let store = app.store();
    let (counted, cloned) =
        futures::try_join!(store.metrics.days(first, last), store.library.most_cloned(MOST_CLONED))?;
    let days: Vec<_> = dates
        .into_iter()
        .map(|date| Day { figures: counted.get(&date).map(figures).unwrap_or_default(), date })
        .collect();
    let output = Output {
        totals: totals(&days),
        days,
        most_cloned: cloned
            .into_iter()
            .map(|prompt| Cloned { name: prompt.name, title: prompt.title, clone_count: prompt.clone_count })
            .collect(),
    };
    json_response(StatusCode::OK, &output)
}

fn figures(counted: &BTreeMap<String, i64>) -> Figures {
    let of = |name: &str| counted.get(name).copied().unwrap_or(0).max(0).unsigned_abs();
    Figures {
        workshops_started: of("workshops_started"),
        tests_started: of("tests_started"),
        tests_succeeded: of("tests_succeeded"),
        tests_failed: of("tests_failed"),
        tests_cancelled: of("tests_cancelled"),
        test_ms: of("test_ms"),
        tokens_in: of("tokens_in"),
        tokens_out: of("tokens_out"),
        cost_micros: of("cost_micros"),
        messages: of("messages"),
        drafts_committed: of("drafts_committed"),
        clones: of("clones"),
        work_ms: of("work_ms"),
    }
}

fn totals(days: &[Day]) -> Totals {
    let mut sum = Figures::default();
    for Day { figures: day, .. } in days {
        sum.workshops_started += day.workshops_started;
        sum.tests_started += day.tests_started;
        sum.tests_succeeded += day.tests_succeeded;
        sum.tests_failed += day.tests_failed;
        sum.tests_cancelled += day.tests_cancelled;
        sum.test_ms += day.test_ms;
        sum.tokens_in += day.tokens_in;
        sum.tokens_out += day.tokens_out;
        sum.cost_micros += day.cost_micros;
        sum.messages += day.messages;
        sum.drafts_committed += day.drafts_committed;
        sum.clones += day.clones;
        sum.work_ms += day.work_ms;
    }
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    Totals {
        tests_per_draft: share(sum.tests_started, sum.workshops_started),
        commit_share: share(sum.drafts_committed, sum.workshops_started),
        mean_test_ms: share(sum.test_ms, sum.tests_succeeded + sum.tests_failed + sum.tests_cancelled),
        figures: sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_not_a_number_that_could_mislead() {
        assert!(totals(&[]).tests_per_draft.is_none());
        let figures = Figures { workshops_started: 2, tests_started: 5, ..Figures::default() };
        let totals = totals(&[Day { date: "2026-11-21".into(), figures }]);
        assert_eq!(totals.tests_per_draft, Some(2.5));
        assert_eq!(totals.commit_share, Some(0.0));
    }
}
