//! The imports' queue: the worker, which reads the files that were uploaded.
//!
//! A message that is to come again, because the store or the bucket failed, is
//! reported as failed, and only it (`ReportBatchItemFailures`); the queue gives
//! it back when its time is over.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_http::Error;
use shared::app::App;
use shared::corpus::upload::{BUDGET, run};
use shared::llm::runner::Disposition;
use shared::queue::ImportMessage;

/// A message whose import met a failing store comes again after this, in seconds.
const AFTER_FAILURE: u32 = 5;

/// Imports what the messages announce.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Some(seconds) = work(app, &message).await {
            let receipt = message.receipt_handle.as_deref().unwrap_or_default();
            if let Err(error) = app.imports_queue().postpone(receipt, seconds).await {
                tracing::warn!(%error, "a message could not be postponed; it comes again when its time is over");
            }
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    Ok(response)
}

/// Imports one; after how many seconds it is to come again, if it is.
async fn work(app: &App, message: &SqsMessage) -> Option<u32> {
    let body = message.body.as_deref().unwrap_or_default();
    let Ok(announced) = serde_json::from_str::<ImportMessage>(body) else {
        tracing::error!(message_id = message.message_id, "a message that is not an import's was dropped");
        return None;
    };
    match run(app, announced, BUDGET).await {
        Ok(Disposition::Done) => None,
        Ok(Disposition::Again(seconds)) => Some(seconds),
        Err(error) => {
            tracing::error!(import_id = %announced.import_id, %error, "an import met a failing store");
            Some(AFTER_FAILURE)
        }
    }
}
