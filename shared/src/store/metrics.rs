//! Daily figures of the whole deployment: `METRICS` / `DAY#date#share`.
//!
//! A day is counted in several shares, so that counting, which is part of the
//! transactions it counts, seldom makes two of them wait for each other.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use uuid::Uuid;

use super::expression::Change;
use super::table::{Table, UsageTable};
use super::{StoreError, keys, read};
use crate::domain::time::Timestamp;

/// Shares of a day.
const SHARES: u8 = 8;
/// Days that figures are kept.
const KEPT_DAYS: i64 = 400;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// Drafts begun.
    WorkshopsStarted,
    /// Tests started.
    TestsStarted,
    /// Tests that ended with an answer.
    TestsSucceeded,
    /// Tests that ended with an error.
    TestsFailed,
    /// Tests that were cancelled.
    TestsCancelled,
    /// Milliseconds that tests ran.
    TestMs,
    /// Tokens read by models.
    TokensIn,
    /// Tokens written by models.
    TokensOut,
    /// Millionths of a US dollar that tests and messages cost.
    CostMicros,
    /// Messages sent by users.
    Messages,
    /// Commits.
    DraftsCommitted,
    /// Drafts cloned from the library.
    Clones,
    /// Milliseconds of work on drafts.
    WorkMs,
}

impl Counter {
    fn attribute(self) -> &'static str {
        match self {
            Self::WorkshopsStarted => "workshops_started",
            Self::TestsStarted => "tests_started",
            Self::TestsSucceeded => "tests_succeeded",
            Self::TestsFailed => "tests_failed",
            Self::TestsCancelled => "tests_cancelled",
            Self::TestMs => "test_ms",
            Self::TokensIn => "tokens_in",
            Self::TokensOut => "tokens_out",
            Self::CostMicros => "cost_micros",
            Self::Messages => "messages",
            Self::DraftsCommitted => "drafts_committed",
            Self::Clones => "clones",
            Self::WorkMs => "work_ms",
        }
    }
}

/// A part of a transaction that counts. `event` is what is counted, by whose
/// id the share is chosen.
pub(super) fn part(
    table: &Table<UsageTable>,
    counters: &[(Counter, i64)],
    event: Uuid,
    now: Timestamp,
) -> Result<TransactWriteItem, StoreError> {
    let kept_until = now.plus_days(KEPT_DAYS).as_seconds();
    counters
        .iter()
        .filter(|(_, amount)| *amount != 0)
        .fold(Change::new().set("ttl", kept_until), |change, (counter, amount)| {
            change.add(counter.attribute(), *amount)
        })
        .update_of(table, key(event, now))
}

fn key(event: Uuid, now: Timestamp) -> keys::Key {
    let [.., last] = *event.as_bytes();
    keys::metrics(&now.date(), last % SHARES)
}

/// The figures.
#[derive(Clone, Debug)]
pub struct Metrics {
    table: Table<UsageTable>,
}

impl Metrics {
    pub(super) fn new(table: Table<UsageTable>) -> Self {
        Self { table }
    }

    /// Each day's figures from `first` to `last`, by date, then by counter.
    /// Days without any are left out.
    pub async fn days(
        &self,
        first: &str,
        last: &str,
    ) -> Result<BTreeMap<String, BTreeMap<String, i64>>, StoreError> {
        let query = self
            .table
            .query()
            .key_condition_expression("pk = :metrics AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":metrics", AttributeValue::S(keys::METRICS.to_owned()))
            .expression_attribute_values(":first", AttributeValue::S(format!("DAY#{first}")))
            .expression_attribute_values(":last", AttributeValue::S(format!("DAY#{last}#~")));
        let mut days: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        let mut start = None;
        loop {
            let output = query.clone().set_exclusive_start_key(start).send().await?;
            for item in output.items.unwrap_or_default() {
                let share: BTreeMap<String, serde_json::Value> = read(item)?;
                let date = share.get("sk").and_then(|sk| sk.as_str()).and_then(|sk| sk.split('#').nth(1));
                let day = days.entry(date.unwrap_or_default().to_owned()).or_default();
                for (name, amount) in share.iter().filter(|(name, _)| *name != "ttl") {
                    if let Some(amount) = amount.as_i64() {
                        *day.entry(name.clone()).or_default() += amount;
                    }
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(days);
            }
        }
    }
}
