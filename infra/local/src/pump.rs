//! What Lambda's SQS event source does: receives messages, gives each to the
//! worker as an event of one, and deletes those it did not report as failed.

use ::functions::job::Job;
use ::functions::jobs::{import_articles, run_test};
use aws_config::timeout::TimeoutConfig;
use aws_lambda_events::sqs::SqsBatchResponse;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use serde_json::json;
use std::time::Duration;

use crate::functions::Functions;

/// The queue of a job that messages call.
#[derive(Clone, Copy)]
pub struct Queue {
    job: &'static Job,
    name: &'static str,
}

impl Queue {
    /// Test runs.
    pub const RUNS: Self = Self { job: &run_test::JOB, name: "workshop-runs" };
    /// Imports of uploaded files.
    pub const IMPORTS: Self = Self { job: &import_articles::JOB, name: "workshop-imports" };

    /// Seconds that a message is hidden while it is worked on: six times the
    /// job's own time, as AWS asks for.
    const fn visibility_seconds(self) -> u32 {
        6 * self.job.timeout()
    }
}

/// How long a receive waits for a message, in seconds: SQS's longest is 20.
const WAIT_SECONDS: i32 = 10;

/// Time-outs that a long poll fits into.
pub fn timeouts() -> TimeoutConfig {
    let longest = Duration::from_secs(WAIT_SECONDS.unsigned_abs().into()) + Duration::from_secs(10);
    TimeoutConfig::builder().operation_attempt_timeout(longest).operation_timeout(2 * longest).build()
}

/// Makes the queue; its URL.
pub async fn create_queue(client: &Client, queue: Queue) -> anyhow::Result<String> {
    let created = client
        .create_queue()
        .queue_name(queue.name)
        .attributes(QueueAttributeName::VisibilityTimeout, queue.visibility_seconds().to_string())
        .send()
        .await?;
    created.queue_url.ok_or_else(|| anyhow::anyhow!("the queue has no URL"))
}

/// Pumps until it is aborted.
pub async fn run(functions: Functions, client: Client, queue: Queue, url: String) {
    loop {
        let received = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(1)
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        match received {
            Ok(received) => {
                for message in received.messages.unwrap_or_default() {
                    deliver(&functions, &client, queue, &url, message).await;
                }
            }
            Err(error) => {
                tracing::warn!(error = %aws_sdk_sqs::error::DisplayErrorContext(error), "the queue can't be read");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn deliver(functions: &Functions, client: &Client, queue: Queue, url: &str, message: Message) {
    let attributes: std::collections::HashMap<_, _> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    let record = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{}", queue.name),
        "awsRegion": "us-east-1",
    });
    let worked = functions.invoke(queue.job, json!({"Records": [record]})).await;
    let response = worked.and_then(|answer| Ok(serde_json::from_value::<SqsBatchResponse>(answer)?));
    let done = match response {
        Ok(response) => response.batch_item_failures.is_empty(),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the worker failed");
            false
        }
    };
    if done {
        let deleted =
            client.delete_message().queue_url(url).set_receipt_handle(message.receipt_handle).send().await;
        if let Err(error) = deleted {
            tracing::warn!(error = %aws_sdk_sqs::error::DisplayErrorContext(error), "a message can't be deleted");
        }
    }
}
