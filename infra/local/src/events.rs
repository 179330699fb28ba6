//! What comes without anyone asking: the schedule of `recover-runs`, DynamoDB's
//! removal of expired items, and the stream that tells `drafts-cleanup`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::functions::jobs::{collect_feeds, drafts_cleanup, recover_runs, reindex};
use anyhow::{Context, anyhow};
use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::disk::Disk;
use crate::functions::{Functions, scheduled};

/// How often expired items are removed. AWS takes up to 48 hours.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether feeds are due.
const COLLECT_EVERY: Duration = Duration::from_secs(60);
/// How often the stream is read while something is written.
const READ_EVERY: Duration = Duration::from_millis(500);
/// When it is tried again after a failure.
const TRY_EVERY: Duration = Duration::from_secs(5);
/// How often articles without meaning are looked for.
const REINDEX_EVERY: Duration = Duration::from_secs(60);
/// How long nothing is written before the file's free space is given back.
const TIDY_AFTER: Duration = Duration::from_secs(5);
/// Records of one event.
const BATCH: usize = 100;

/// Calls `recover-runs` at once and then every `period`, until it is aborted.
pub async fn recover(functions: Functions, period: Duration) {
    let mut tick = interval(period);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = functions.invoke(&recover_runs::JOB, scheduled()).await {
            tracing::warn!(error = format!("{error:#}"), "recover-runs failed; it is called again");
        }
    }
}

/// Calls `collect-feeds` at once and then every [`COLLECT_EVERY`], until it is aborted.
pub async fn collect(functions: Functions) {
    let mut tick = interval(COLLECT_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = functions.invoke(&collect_feeds::JOB, scheduled()).await {
            tracing::warn!(error = format!("{error:#}"), "collect-feeds failed; it is called again");
        }
    }
}

/// Gives articles that have no vector, or another model's, theirs: at once, and for as long as there is a server of
/// embeddings, which may be down at times, every [`REINDEX_EVERY`] when some are left.
pub async fn reindex(functions: Functions, is_served: bool) {
    let mut tick = interval(REINDEX_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        // In parts, as the job has them.
        let is_done = loop {
            match functions.invoke(&reindex::JOB, scheduled()).await {
                Ok(told) => {
                    let count = |name| told.get(name).and_then(serde_json::Value::as_u64);
                    if count("left") == Some(0) {
                        break true;
                    }
                    // The server is away, or what is left changes while it is read.
                    if count("given").unwrap_or(0) == 0 {
                        break false;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "reindex failed; it is called again");
                    break false;
                }
            }
        };
        if is_done && !is_served {
            return;
        }
    }
}

/// Removes expired items, until it is aborted.
pub async fn sweep_expired(database: Database, written: Arc<Notify>) {
    let mut tick = interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = sweep(database.clone(), &written).await {
            tracing::warn!(%error, "expired items could not be removed; it is tried again");
        }
    }
}

/// Removes expired items once.
pub async fn sweep(database: Database, written: &Notify) -> anyhow::Result<usize> {
    let swept = spawn_blocking(move || database.sweep_ttl()).await?;
    let swept = swept.map_err(|error| anyhow!("{error:?}"))?;
    if swept > 0 {
        written.notify_one();
    }
    Ok(swept)
}

/// A table's stream.
pub struct Stream {
    /// The engine that writes it.
    pub database: Database,
    /// The engine's file. Handled records are removed from it.
    pub disk: Arc<Disk>,
    /// Told of each write.
    pub written: Arc<Notify>,
    /// The table.
    pub table: String,
    /// The file in which versions before 0.1.0 kept how far they had read.
    pub position: PathBuf,
}

/// Reads the drafts table's stream and calls `drafts-cleanup`, until it is
/// aborted. What was handled is removed: a restart goes on after it.
pub async fn read_stream(functions: Functions, stream: Stream) {
    let mut iterator = None;
    let mut told = String::new();
    loop {
        match stream.read(&functions, iterator.take()).await {
            Ok(next) => {
                iterator = Some(next);
                told.clear();
            }
            Err(error) => {
                // Once, however long it lasts.
                let error = format!("{error:#}");
                if error != told {
                    tracing::warn!(error, "the stream can't be handled; it is tried again");
                    told = error;
                }
            }
        }
        sleep(if told.is_empty() { READ_EVERY } else { TRY_EVERY }).await;
        if !told.is_empty() {
            continue;
        }
        // Space is given back once nothing was written for a while.
        let mut has_more = timeout(TIDY_AFTER, stream.written.notified()).await.is_ok();
        while !has_more {
            has_more = match stream.tidy().await {
                Ok(true) => {
                    stream.written.notified().await;
                    true
                }
                // Somebody reads just now, or the disk is full.
                _ => timeout(TIDY_AFTER, stream.written.notified()).await.is_ok(),
            };
        }
    }
}

impl Stream {
    /// Handles what there is; where reading goes on.
    async fn read(&self, functions: &Functions, iterator: Option<String>) -> anyhow::Result<String> {
        let mut iterator = match iterator {
            Some(iterator) => iterator,
            None => self.open()?,
        };
        loop {
            let request = GetRecordsRequest { shard_iterator: iterator.clone(), limit: Some(BATCH) };
            let read = self.database.get_records(request).map_err(|error| anyhow!("{error:?}"))?;
            let count = read.records.len();
            let last = read.records.last().map(|record| record.event_id.clone());
            // The last one of before has nothing in it.
            let records: Vec<_> =
                read.records.into_iter().filter(|record| !record.dynamodb.keys.is_empty()).collect();
            if !records.is_empty() {
                functions.invoke(&drafts_cleanup::JOB, json!({"Records": records})).await?;
                if let Some(last) = last {
                    self.forget(last).await?;
                }
            }
            iterator = read.next_shard_iterator.context("the stream has ended")?;
            if count < BATCH {
                return Ok(iterator);
            }
        }
    }

    /// Returns the iterator at the stream's beginning. Handled records are removed, so every record is new.
    fn open(&self) -> anyhow::Result<String> {
        // Versions before 0.1.0 kept how far they had read, and every record. Cleaning up twice is harmless.
        let _ = std::fs::remove_file(&self.position);
        let failed = |error| anyhow!("{error:?}");
        let request =
            ListStreamsRequest { table_name: Some(self.table.clone()), ..ListStreamsRequest::default() };
        let streams = self.database.list_streams(request).map_err(failed)?.streams;
        let arn = streams.into_iter().next().context("the table has no stream")?.stream_arn;
        let request = DescribeStreamRequest { stream_arn: arn.clone(), ..DescribeStreamRequest::default() };
        let shards = self.database.describe_stream(request).map_err(failed)?.stream_description.shards;
        let shard_id = shards.into_iter().next().context("the stream has no shard")?.shard_id;
        let request = GetShardIteratorRequest {
            stream_arn: arn,
            shard_id,
            shard_iterator_type: "TRIM_HORIZON".to_owned(),
            sequence_number: None,
        };
        let iterator = self.database.get_shard_iterator(request).map_err(failed)?;
        iterator.shard_iterator.context("the stream can't be read")
    }

    async fn forget(&self, event_id: String) -> anyhow::Result<()> {
        let (disk, table) = (self.disk.clone(), self.table.clone());
        let forgotten = spawn_blocking(move || disk.forget(&table, &event_id)).await?;
        forgotten.context("what was handled can't be removed")
    }

    /// Gives free space back; false when not all of it came back.
    async fn tidy(&self) -> anyhow::Result<bool> {
        let disk = self.disk.clone();
        Ok(spawn_blocking(move || disk.tidy()).await??)
    }
}
