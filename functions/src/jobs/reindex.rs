//! When `make reindex` asks: gives articles that have no vector, or another model's, theirs.

use std::time::Duration;

use lambda_http::Error;
use serde_json::{Value, json};
use shared::app::App;
use shared::corpus::{ReindexError, Reindexed, reindex};
use tokio::time::Instant;

use crate::prelude::*;

/// How long one call goes on; `make reindex` calls again while some are left.
const BUDGET: Duration = Duration::from_secs(45);

/// Gives articles without meaning theirs.
pub const JOB: Job = Job::new("reindex", Trigger::Script, event!(handle))
    .says("For `make reindex`: gives articles that have no vector, or another model's, theirs.")
    .may(&[EmbeddingKey, Items(Articles, &[Get, Query, Put, Update])])
    // A part of 100 articles may wait for the embeddings' server twice 20 seconds.
    .lambda(Lambda { timeout: Some(120), ..Lambda::USUAL });

/// Gives articles their meaning. What the event says doesn't matter.
pub async fn handle(app: &App, _: Value) -> Result<Value, Error> {
    match reindex(app, Instant::now() + BUDGET).await {
        Ok(Reindexed { given, left }) => {
            tracing::info!(given, left, "articles were given their meaning");
            Ok(json!({"given": given, "left": left}))
        }
        Err(ReindexError::Embedding(error)) => {
            tracing::error!(%error, "articles could not be given their meaning");
            Ok(json!({"stopped": error.to_string()}))
        }
        Err(ReindexError::Store(error)) => Err(error.into()),
    }
}
