//! The deployment's figures: what was counted on each day, and what the days come to. Counts only, nothing of what
//! anyone wrote.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

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

impl Figures {
    /// Reads them from what was counted, by name; what is missing or below nought is nought.
    pub fn counted(counted: &BTreeMap<String, i64>) -> Self {
        let of = |name: &str| counted.get(name).copied().unwrap_or(0).max(0).unsigned_abs();
        Self {
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

/// Adds up the days. A share of nothing is `None`.
pub fn totals(days: &[Day]) -> Totals {
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
