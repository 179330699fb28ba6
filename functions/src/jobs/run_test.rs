//! The queue's worker: runs the tests that messages announce.
//!
//! A message comes again when the model is not ready or limits its rate, or
//! the store failed.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_http::Error;
use shared::app::App;
use shared::llm::runner::{Disposition, run};
use shared::queue::RunMessage;

use super::{again, announced};
use crate::prelude::*;

/// A message whose run met a failing store comes again after this, in seconds.
const AFTER_FAILURE: u32 = 5;

/// The queue of runs: the worker.
pub const JOB: Job = Job::new(
    "run-test",
    Trigger::Messages { queue: Runs, batch: 1, at_once: AtOnce::Parameter("WorkerConcurrency") },
    event!(handle),
)
.says("The queue of runs: the worker.")
.may(&[
    ModelKeys,
    Items(Drafts, &[Get, Put, Update]),
    Items(Articles, &[Get, BatchGet, Query]),
    Index(Articles, "by-time"),
    Vectors,
    Items(Usage, &[Update]),
    Messages(Runs, &[Sqs::Postpone]),
])
// It searches again and again while a model researches. The model has five minutes (RUN_DEADLINE_MS); the
// rest of the time is for what comes before, and for recording the end.
.lambda(Lambda { memory: Some(512), timeout: Some(330), ..Lambda::USUAL });

/// Runs what the messages announce.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Some(seconds) = work(app, &message).await {
            again(app.queue(), message, seconds, &mut response).await;
        }
    }
    Ok(response)
}

/// Runs one; after how many seconds it is to come again, if it is.
async fn work(app: &App, message: &SqsMessage) -> Option<u32> {
    let announced: RunMessage = announced(message)?;
    match run(app, announced).await {
        Ok(Disposition::Done) => None,
        Ok(Disposition::Again(seconds)) => Some(seconds),
        Err(error) => {
            tracing::error!(test_id = %announced.test_id, %error, "a run met a failing store");
            Some(AFTER_FAILURE)
        }
    }
}
