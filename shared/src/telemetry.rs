//! Logs: one JSON object a line, with the request's id, never a secret and
//! never a user's text. What is worth a line is an event: a workshop created,
//! a test finished, a draft committed, a failure where it was handled.

use std::io::Write;

use serde_json::{Value, json};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::domain::time::Timestamp;

/// What is logged when nothing is said: this product's events, and what goes wrong elsewhere.
const LOGGED: &str = "warn,shared=info,functions=info";

/// Starts logging to standard output, as CloudWatch collects it. `RUST_LOG`
/// sets what is logged, by targets and levels: `warn,shared=debug`. (Filters by
/// spans and fields would bring regular expressions into every function.)
pub fn start() {
    let asked = std::env::var("RUST_LOG").ok().and_then(|asked| asked.parse::<Targets>().ok());
    let filter = asked.or_else(|| LOGGED.parse().ok()).unwrap_or_default();
    let format = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false);
    // A second start in one process keeps the first.
    let _ = tracing_subscriber::registry().with(filter).with(format).try_init();
}

/// One of the product's own figures, as CloudWatch knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Drafts begun.
    WorkshopsStarted,
    /// Drafts committed to the library.
    PromptsCommitted,
    /// Prompts cloned from the library.
    PromptsCloned,
    /// Tests that ended with an answer.
    TestsSucceeded,
    /// Tests that ended with an error.
    TestsFailed,
    /// Tests that were cancelled.
    TestsCancelled,
    /// How long a test ran.
    TestMilliseconds,
    /// Messages that the assistant answered, whole or as far as wanted.
    MessagesAnswered,
    /// How long an answer was written.
    AnswerMilliseconds,
    /// Tokens read by models.
    TokensIn,
    /// Tokens written by models.
    TokensOut,
    /// Millionths of a US dollar that models cost.
    ModelCostMicros,
}

impl Figure {
    fn unit(self) -> &'static str {
        match self {
            Self::TestMilliseconds | Self::AnswerMilliseconds => "Milliseconds",
            Self::ModelCostMicros => "None",
            _ => "Count",
        }
    }
}

/// The namespace of the figures; their one dimension is `Deployment`.
const NAMESPACE: &str = "PromptWorkshop";

/// Tells figures to CloudWatch: a line of the log in its embedded metric
/// format, which CloudWatch makes metrics of, so that nothing waits for a call.
pub fn tell(deployment: &str, now: Timestamp, figures: &[(Figure, u64)]) {
    let mut line = embedded(deployment, now, figures).to_string();
    line.push('\n');
    // One write, so that another thread's line can't come between.
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// The embedded metric format, version 0 (Amazon CloudWatch User Guide,
/// "Specification: Embedded metric format").
fn embedded(deployment: &str, now: Timestamp, figures: &[(Figure, u64)]) -> Value {
    let metrics: Vec<_> = figures
        .iter()
        .map(|(figure, _)| json!({"Name": format!("{figure:?}"), "Unit": figure.unit()}))
        .collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [["Deployment"]], "Metrics": metrics,
            }],
        },
        "Deployment": deployment,
    });
    if let Some(line) = line.as_object_mut() {
        line.extend(figures.iter().map(|(figure, value)| (format!("{figure:?}"), json!(value))));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_a_line_is_declared_with_its_unit() {
        let now = "2026-11-21T09:30:00Z".parse().unwrap();
        let line = embedded("prod", now, &[(Figure::TestsSucceeded, 1), (Figure::TestMilliseconds, 812)]);
        assert_eq!(line["Deployment"], "prod");
        assert_eq!(line["_aws"]["Timestamp"], 1_795_253_400_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["Deployment"]]));
        assert_eq!(directive["Metrics"][0], json!({"Name": "TestsSucceeded", "Unit": "Count"}));
        assert_eq!(directive["Metrics"][1], json!({"Name": "TestMilliseconds", "Unit": "Milliseconds"}));
        assert_eq!((&line["TestsSucceeded"], &line["TestMilliseconds"]), (&json!(1), &json!(812)));
    }
}
