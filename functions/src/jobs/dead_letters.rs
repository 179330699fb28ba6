//! The dead-letter queue: a run whose message was delivered again and again
//! without an end fails, in words that its user understands.
//!
//! `recover-runs` goes by the store, this by the queue: whichever finds a run
//! first ends it, and the other finds it ended.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_http::Error;
use shared::app::App;
use shared::queue::RunMessage;

use crate::prelude::*;

/// The dead-letter queue: ends the runs that it holds.
pub const JOB: Job = Job::new(
    "dead-letters",
    Trigger::Messages { queue: DeadLetters, batch: 10, at_once: AtOnce::Few },
    event!(handle),
)
.says("The dead-letter queue: ends the runs that it holds.")
.may(&[Items(Drafts, &[Get, Update]), Items(Usage, &[Update])]);

/// Ends the runs that the messages announced.
pub async fn handle(app: &App, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in event.records {
        if !bury(app, &message).await {
            response.add_failure(message.message_id.unwrap_or_default());
        }
    }
    Ok(response)
}

/// Whether the message has served.
async fn bury(app: &App, message: &SqsMessage) -> bool {
    let Some(RunMessage { draft_id, test_id }) = super::announced(message) else { return true };
    let open = match app.store().runs.open(draft_id, test_id).await {
        Ok(Some(open)) if !open.run.status.is_final() => open,
        Ok(_) => return true,
        Err(error) => {
            tracing::error!(%test_id, %error, "a dead letter met a failing store");
            return false;
        }
    };
    // Someone works on it at last: the letter comes again when they should be done.
    if open.is_leased(app.now()) {
        return false;
    }
    match super::give_up(app, &open).await {
        Ok(ended) => {
            tracing::error!(%test_id, ended, "a run ended as a dead letter");
            ended
        }
        Err(error) => {
            tracing::error!(%test_id, %error, "a dead letter met a failing store");
            false
        }
    }
}
