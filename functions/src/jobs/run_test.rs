//! The queue's worker: runs the tests that messages announce.
//!
//! A message that is to come again, because the model is not ready, limits its
//! rate, or the store failed, is reported as failed, and only it
//! (`ReportBatchItemFailures`); the queue gives it back when its time is over.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_http::Error;
use shared::app::App;
use shared::llm::runner::{Disposition, run};
use shared::queue::RunMessage;

/// A message whose run met a failing store comes again after this, in seconds.
const AFTER_FAILURE: u32 = 5;

/// Runs what the messages announce.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Some(seconds) = work(app, &message).await {
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            if let Err(error) = app.queue().postpone(receipt, seconds).await {
                tracing::warn!(%error, "a message could not be postponed; it comes again when its time is over");
            }
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    Ok(response)
}

/// Runs one; after how many seconds it is to come again, if it is.
async fn work(app: &App, message: &SqsMessage) -> Option<u32> {
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(announced) = serde_json::from_str::<RunMessage>(body) else {
        tracing::error!(message_id = message.message_id, "a message that is not a run's was dropped");
        return None;
    };
    match run(app, announced).await {
        Ok(Disposition::Done) => None,
        Ok(Disposition::Again(seconds)) => Some(seconds),
        Err(error) => {
            tracing::error!(test_id = %announced.test_id, %error, "a run met a failing store");
            Some(AFTER_FAILURE)
        }
    }
}
