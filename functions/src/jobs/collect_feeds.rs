//! Every five minutes: collects the feeds that are due.

use std::time::Duration;

use lambda_http::Error;
use serde::Serialize;
use serde_json::Value;
use shared::app::App;
use shared::corpus::collect_due;
use tokio::time::Instant;

use crate::prelude::*;

/// After this no feed is begun: the last one takes its 15 seconds and its
/// import, and the function has 240 seconds.
const TIME: Duration = Duration::from_secs(180);

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Collected {
    /// Feeds that worked.
    pub worked: u32,
    /// Feeds that failed; they are tried again.
    pub failed: u32,
}

/// 8,640 invocations a month, at rest too: a fifth of what recover-runs costs,
/// and within the same that are free. Two at once do no harm: a feed is
/// collected by the one that claims it, on condition that it is still due.
pub const JOB: Job = Job::new("collect-feeds", Trigger::Every { minutes: 5 }, event!(handle))
    .says("Every five minutes: collects the feeds that are due.")
    .may(&[EmbeddingKey, Items(Articles, &[Get, BatchGet, Put, Update, Check]), Index(Articles, "by-due")])
    // It stops before the next one begins.
    .lambda(Lambda { timeout: Some(240), ..Lambda::USUAL });

/// Collects feeds. The schedule's event says nothing that matters here.
pub async fn handle(app: &App, _: Value) -> Result<Collected, Error> {
    let (worked, failed) = collect_due(app, Instant::now() + TIME).await?;
    if worked + failed > 0 {
        tracing::info!(worked, failed, "feeds collected");
    }
    Ok(Collected { worked, failed })
}
