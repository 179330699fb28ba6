//! What HTTP doesn't call.

pub mod collect_feeds;
pub mod dead_letters;
pub mod drafts_cleanup;
pub mod import_articles;
pub mod install;
pub mod recover_runs;
pub mod run_test;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use serde::de::DeserializeOwned;
use shared::app::App;
use shared::domain::model::estimate_tokens;
use shared::domain::run::{Outcome, Research, State};
use shared::llm::runner::{figures, give_up_sentence};
use shared::queue::Queue;
use shared::store::{OpenRun, StoreError};

/// The binaries over these, and what calls each. [`ROUTES`](crate::ROUTES) has the others.
pub const JOBS: [(&str, Trigger); 7] = [
    ("run-test", Trigger::Queue),
    ("import-articles", Trigger::Queue),
    ("dead-letters", Trigger::Queue),
    ("drafts-cleanup", Trigger::Stream),
    ("recover-runs", Trigger::Schedule),
    ("collect-feeds", Trigger::Schedule),
    ("install", Trigger::Deployment),
];

/// What calls a function that HTTP doesn't call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Messages of a queue.
    Queue,
    /// The drafts table's stream.
    Stream,
    /// A schedule.
    Schedule,
    /// Whoever deploys, once it is done.
    Deployment,
}

/// What a message announces. One that announces nothing is dropped: it would
/// come for ever.
fn announced<T: DeserializeOwned>(message: &SqsMessage) -> Option<T> {
    let body = message.body.as_deref().unwrap_or_default();
    serde_json::from_str(body)
        .inspect_err(|_| {
            tracing::error!(message_id = message.message_id, "a message that says nothing was dropped")
        })
        .ok()
}

/// Has a message come again after `seconds`: it is reported as failed, and only
/// it (`ReportBatchItemFailures`), and the queue gives it back then.
async fn again(queue: &Queue, message: SqsMessage, seconds: u32, response: &mut SqsBatchResponse) {
    let receipt = message.receipt_handle.as_deref().unwrap_or_default();
    if let Err(error) = queue.postpone(receipt, seconds).await {
        tracing::warn!(%error, "a message could not be postponed; it comes again when its time is over");
    }
    response.add_failure(message.message_id.unwrap_or_default());
}

/// Ends a run that will not be finished; false when it has changed meanwhile.
async fn give_up(app: &App, open: &OpenRun) -> Result<bool, StoreError> {
    end(app, open, Outcome::without_answer(State::Failed, Some(give_up_sentence().to_owned()))).await
}

/// Ends a run that no worker holds. What a dead one had recorded of the answer is kept, and charged.
async fn end(app: &App, open: &OpenRun, mut outcome: Outcome) -> Result<bool, StoreError> {
    let runs = &app.store().runs;
    if let Some(full) = runs.get_full(open.run.draft_id, open.run.test_id).await? {
        outcome.truncated = !full.answer.is_empty();
        outcome.usage.completion_tokens = u64::from(estimate_tokens(&full.answer));
        outcome.answer = full.answer;
        let model = app.models().find(Some(&open.run.model));
        outcome.cost_micros = model.map_or(0, |model| model.cost_micros(outcome.usage));
    }
    let now = app.now();
    let ended = runs.finish(open, &outcome, &Research::default(), now).await?;
    if ended {
        app.tell(&figures(&outcome, open.run.started_at.map_or(0, |start| now.millis_since(start))));
    }
    Ok(ended)
}
