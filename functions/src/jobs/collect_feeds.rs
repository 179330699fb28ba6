//! Every five minutes: collects the feeds that are due.

use lambda_http::Error;
use serde::Serialize;
use serde_json::Value;
use shared::app::App;
use shared::corpus::collect_due;

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Collected {
    /// Feeds that worked.
    pub worked: u32,
    /// Feeds that failed; they are tried again.
    pub failed: u32,
}

/// Collects feeds. The schedule's event says nothing that matters here.
pub async fn handle(app: &App, _: Value) -> Result<Collected, Error> {
    let (worked, failed) = collect_due(app).await?;
    if worked + failed > 0 {
        tracing::info!(worked, failed, "feeds collected");
    }
    Ok(Collected { worked, failed })
}
