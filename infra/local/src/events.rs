//! What comes without anyone asking: the schedule of `recover-runs`, DynamoDB's
//! removal of expired items, and the stream that tells `drafts-cleanup`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ::functions::jobs::{collect_feeds, drafts_cleanup, recover_runs};
use anyhow::{Context, anyhow};
use dynoxide::Database;
use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::functions::{Functions, scheduled};

/// How often expired items are removed. AWS takes up to 48 hours.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked whether feeds are due.
const COLLECT_EVERY: Duration = Duration::from_secs(60);
/// How often the stream is read.
const READ_EVERY: Duration = Duration::from_millis(500);
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

/// Removes expired items, until it is aborted.
pub async fn sweep_expired(database: Database) {
    let mut tick = interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(error) = sweep(database.clone()).await {
            tracing::warn!(%error, "expired items could not be removed; it is tried again");
        }
    }
}

/// Removes expired items once.
pub async fn sweep(database: Database) -> anyhow::Result<usize> {
    let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await?;
    swept.map_err(|error| anyhow!("{error:?}"))
}

/// Reads the drafts table's stream and calls `drafts-cleanup`, until it is
/// aborted. How far it has read is kept in a file: a restart goes on there.
pub async fn read_stream(functions: Functions, database: Database, table: String, position: PathBuf) {
    let mut tick = interval(READ_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut iterator = None;
    loop {
        tick.tick().await;
        match read_batches(&functions, &database, &table, &position, iterator.take()).await {
            Ok(next) => iterator = next,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the stream can't be handled; it is tried again")
            }
        }
    }
}

async fn read_batches(
    functions: &Functions,
    database: &Database,
    table: &str,
    position: &Path,
    iterator: Option<String>,
) -> anyhow::Result<Option<String>> {
    let mut iterator = match iterator {
        Some(iterator) => iterator,
        None => open_stream(database, table, position)?,
    };
    loop {
        let request = GetRecordsRequest { shard_iterator: iterator.clone(), limit: Some(BATCH) };
        let read = database.get_records(request).map_err(|error| anyhow!("{error:?}"))?;
        if let Some(last) = read.records.last() {
            let last = last.dynamodb.sequence_number.clone();
            functions.invoke(&drafts_cleanup::JOB, json!({"Records": read.records})).await?;
            keep_position(position, &last).context("the position can't be kept")?;
        }
        let more = read.records.len() == BATCH;
        match read.next_shard_iterator {
            Some(next) if more => iterator = next,
            next => return Ok(next),
        }
    }
}

/// Where reading goes on: after what was handled before, or at the beginning.
fn open_stream(database: &Database, table: &str, position: &Path) -> anyhow::Result<String> {
    let failed = |error| anyhow!("{error:?}");
    let request = ListStreamsRequest { table_name: Some(table.to_owned()), ..ListStreamsRequest::default() };
    let streams = database.list_streams(request).map_err(failed)?.streams;
    let arn = streams.into_iter().next().context("the table has no stream")?.stream_arn;
    let request = DescribeStreamRequest { stream_arn: arn.clone(), ..DescribeStreamRequest::default() };
    let shards = database.describe_stream(request).map_err(failed)?.stream_description.shards;
    let shard_id = shards.into_iter().next().context("the stream has no shard")?.shard_id;
    // Without a position that can be right, from the beginning: cleaning up twice is harmless.
    let handled = std::fs::read_to_string(position).ok();
    let handled = handled.filter(|number| number.len() >= 21 && number.bytes().all(|b| b.is_ascii_digit()));
    let kind = if handled.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
    let request = GetShardIteratorRequest {
        stream_arn: arn,
        shard_id,
        shard_iterator_type: kind.to_owned(),
        sequence_number: handled,
    };
    let iterator = database.get_shard_iterator(request).map_err(failed)?;
    iterator.shard_iterator.context("the stream can't be read from there")
}

/// Beside and renamed, so that a kill leaves the old position or the new.
fn keep_position(position: &Path, last: &str) -> std::io::Result<()> {
    let beside = position.with_extension("new");
    std::fs::write(&beside, last)?;
    std::fs::rename(beside, position)
}
