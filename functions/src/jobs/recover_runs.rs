//! Each minute: finds the runs, answers and imports that fell between. A message may be
//! lost, a worker may die at any instant, a queue may be emptied; what stands
//! in the store goes on until it is in a final state. Then it removes what deleted topics
//! and articles left behind, for as long as the minute allows.

use std::time::Duration;

use lambda_http::Error;
use serde::Serialize;
use serde_json::Value;
use shared::app::App;
use shared::corpus::{Removed, remove_due};
use shared::domain::removal::UNDER_WAY_MS;
use shared::domain::run::{ATTEMPTS_MAX, GIVE_UP_MS, Outcome};
use shared::llm::runner::given_up;
use shared::queue::{ImportMessage, RunMessage};
use shared::store::{Due, OpenRun};
use tokio::time::Instant;

use crate::prelude::*;

/// Runs looked at in one go.
const BATCH: u32 = 50;
/// Batches of one invocation: what is left is found a minute later.
const BATCHES: u32 = 20;
/// Removals are worked on until this time after the start, in milliseconds: no longer than a
/// removal stays with who took it up, and within the function's 60 seconds.
const REMOVING: Duration = Duration::from_millis(UNDER_WAY_MS);
/// Imports announced again in one go.
const IMPORTS: usize = 100;
/// A worker's lease is looked at again this long after it should have ended.
const SLACK_MS: i64 = 2_000;

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Recovered {
    /// Put back into the queue.
    pub put_back: u32,
    /// Ended, because they could not be finished or were cancelled.
    pub ended: u32,
    /// Answers whose writer was dead: what was set aside for them is given back.
    pub answers: u32,
    /// Imports that were announced again.
    pub imports: u32,
    /// Topics and articles whose remains were removed.
    pub removed: u32,
}

/// 43,200 invocations a month, at rest too: a cent for Lambda, a third of one
/// for reading the index, and nothing while the account is within the million
/// invocations a month that are free.
pub const JOB: Job = Job::new("recover-runs", Trigger::Every { minutes: 1 }, event!(handle))
    .says("Each minute: puts runs back that fell between.")
    .may(&[
        Items(Drafts, &[Get, Update]),
        Index(Drafts, "by-due"),
        Items(Usage, &[Get, Query, Update]),
        Items(Articles, &[Get, Query, Update, Delete, BatchWrite]),
        Index(Articles, "by-due"),
        Messages(Runs, &[Sqs::Send]),
        Messages(Imports, &[Sqs::Send]),
    ])
    // It removes what deletions left behind for 40 seconds of a minute; a call of the store takes 15 at most.
    .lambda(Lambda { timeout: Some(60), ..Lambda::USUAL });

/// Recovers runs and imports. The schedule's event says nothing that matters here.
pub async fn handle(app: &App, _: Value) -> Result<Recovered, Error> {
    let until = Instant::now() + REMOVING;
    let mut recovered = Recovered::default();
    for _ in 0..BATCHES {
        let due = app.store().runs.due(app.now(), BATCH).await?;
        if due.is_empty() {
            break;
        }
        for due in due {
            match due {
                Due::Run(open) => recover(app, &open, &mut recovered).await?,
                Due::Chat(draft_id) => {
                    let ended = app.store().conversations.recover(draft_id, app.now()).await?;
                    recovered.answers += u32::from(ended);
                }
            }
        }
    }
    let Recovered { put_back, ended, answers, .. } = recovered;
    if put_back + ended + answers > 0 {
        tracing::info!(put_back, ended, answers, "runs and answers recovered");
    }
    for import_id in app.store().imports.forgotten(app.now(), IMPORTS).await? {
        app.imports_queue().announce(ImportMessage { import_id }).await?;
        recovered.imports += 1;
        tracing::info!(%import_id, "import recovered");
    }
    let Removed { topics, articles, left } = remove_due(app, until).await?;
    recovered.removed = topics + articles;
    if topics + articles + left > 0 {
        tracing::info!(topics, articles, left, "what deletions left behind was removed");
    }
    Ok(recovered)
}

async fn recover(app: &App, open: &OpenRun, recovered: &mut Recovered) -> Result<(), Error> {
    let (runs, now) = (&app.store().runs, app.now());
    if open.is_leased(now) {
        let until = open.lease_until.unwrap_or(now).plus_millis(SLACK_MS);
        runs.look_again(open, until).await?;
        return Ok(());
    }
    let too_long = now.millis_since(open.run.created_at) >= GIVE_UP_MS;
    let end = if open.run.cancel_requested {
        Some(Outcome::cancelled())
    } else if open.attempts >= ATTEMPTS_MAX || too_long {
        Some(given_up())
    } else {
        None
    };
    let (draft_id, test_id) = (open.run.draft_id, open.run.test_id);
    if let Some(outcome) = end {
        recovered.ended += u32::from(super::end(app, open, outcome).await?);
    } else if runs.put_back(open, 0, now).await? {
        app.queue().announce(RunMessage { draft_id, test_id }).await?;
        recovered.put_back += 1;
    }
    Ok(())
}
