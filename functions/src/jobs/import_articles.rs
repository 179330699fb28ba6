//! The imports' queue: the worker, which reads the files that were uploaded.
//!
//! A message comes again when the store or the bucket failed.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_http::Error;
use shared::app::App;
use shared::corpus::upload::{BUDGET, run};
use shared::llm::runner::Disposition;
use shared::queue::ImportMessage;

use super::{again, announced};
use crate::prelude::*;

/// A message whose import met a failing store comes again after this, in seconds.
const AFTER_FAILURE: u32 = 5;

/// An import has time, and what waits for an answer goes before it: so few are
/// under way at once.
pub const JOB: Job = Job::new(
    "import-articles",
    Trigger::Messages { queue: Imports, batch: 1, at_once: AtOnce::Few },
    event!(handle),
)
.says("The queue of imports: the worker.")
.may(&[
    EmbeddingKey,
    Items(Articles, &[Get, BatchGet, Put, Update, Check]),
    Items(Usage, &[Get, Update, Delete]),
    Files(&[S3::Get, S3::Delete]),
    // The rest of a file that takes longer than a function may is another message.
    Messages(Imports, &[Sqs::Send, Sqs::Postpone]),
])
// A whole processor, which comes with this memory: a file of 200 MB is to be read within the time, and
// computing costs the same whether it has a seventh of one for seven times as long. The time is the
// longest that Lambda gives.
.lambda(Lambda { memory: Some(1_769), timeout: Some(900), ..Lambda::USUAL });

/// Imports what the messages announce.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if let Some(seconds) = work(app, &message).await {
            again(app.imports_queue(), message, seconds, &mut response).await;
        }
    }
    Ok(response)
}

/// Imports one; after how many seconds it is to come again, if it is.
async fn work(app: &App, message: &SqsMessage) -> Option<u32> {
    let announced: ImportMessage = announced(message)?;
    match run(app, announced, BUDGET).await {
        Ok(Disposition::Done) => None,
        Ok(Disposition::Again(seconds)) => Some(seconds),
        Err(error) => {
            tracing::error!(import_id = %announced.import_id, %error, "an import met a failing store");
            Some(AFTER_FAILURE)
        }
    }
}
