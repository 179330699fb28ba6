//! The queues of test runs and of imports. A message carries ids only: the run
//! or the import itself is in the store, where its state decides whether a
//! delivery still means anything.

use aws_sdk_sqs::Client;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a message says: this run is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMessage {
    /// The run's draft.
    pub draft_id: Uuid,
    /// The run.
    pub test_id: Uuid,
}

/// What a message says: this import is waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportMessage {
    /// The import.
    pub import_id: Uuid,
}

/// The queue could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the queue failed: {0}")]
pub struct QueueError(String);

/// Sends to the queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// A queue at `url`.
    pub fn new(client: Client, url: String) -> Self {
        Self { client, url }
    }

    /// Announces a run or an import. One whose announcement is lost is found
    /// by `recover-runs`.
    pub async fn announce(&self, message: impl Serialize) -> Result<(), QueueError> {
        let body = serde_json::to_string(&message).map_err(|error| QueueError(error.to_string()))?;
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .send()
            .await
            .map_err(|error| QueueError(aws_sdk_sqs::error::DisplayErrorContext(error).to_string()))?;
        Ok(())
    }

    /// Hides a delivered message for `seconds` (at most 12 hours, SQS's limit)
    /// before it is delivered again.
    pub async fn postpone(&self, receipt_handle: &str, seconds: u32) -> Result<(), QueueError> {
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .visibility_timeout(i32::try_from(seconds.min(43_200)).unwrap_or(43_200))
            .send()
            .await
            .map_err(|error| QueueError(aws_sdk_sqs::error::DisplayErrorContext(error).to_string()))?;
        Ok(())
    }
}
