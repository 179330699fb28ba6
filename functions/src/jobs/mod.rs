//! What HTTP doesn't call.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsMessage};
use serde::de::DeserializeOwned;
use shared::app::App;
use shared::domain::model::estimate_tokens;
use shared::domain::run::Outcome;
use shared::llm::runner::{figures, given_up};
use shared::queue::Queue;
use shared::store::{OpenRun, StoreError};

use crate::job::jobs;

jobs! { run_test, dead_letters, recover_runs, import_articles, collect_feeds, drafts_cleanup, install, reindex }

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
    end(app, open, given_up()).await
}

/// Ends a run that no worker holds. What a dead one had recorded of the answer is kept, and charged.
async fn end(app: &App, open: &OpenRun, mut outcome: Outcome) -> Result<bool, StoreError> {
    let runs = &app.store().runs;
    if let Some(full) = runs.get_full(open.run.draft_id, open.run.test_id).await? {
        outcome.usage.completion_tokens = u64::from(estimate_tokens(&full.answer));
        (outcome.answer, outcome.thinking) = (full.answer, full.thinking);
        let model = app.models().find(Some(&open.run.model));
        outcome.cost_micros = model.map_or(0, |model| model.cost_micros(outcome.usage));
    }
    let now = app.now();
    let ended = runs.finish(open, &outcome, now).await?;
    if ended {
        app.tell(&figures(&outcome, open.run.started_at.map_or(0, |start| now.millis_since(start))));
    }
    Ok(ended)
}
