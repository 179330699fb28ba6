//! Writing several items together or not at all.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::expression::Change;
use super::keys::Key;
use super::table::{ArticlesTable, Table};
use super::{Item, StoreError};

/// Another transaction on the same items makes one try again, this often.
const ATTEMPTS: u32 = 8;
/// Parts of one transaction: its limit.
const PARTS_MAX: usize = 100;
/// Changes that are made one by one and are under way at the same time.
const AT_ONCE: usize = 8;

/// Which part's condition failed, counted from 0, and the item it met.
#[derive(Debug)]
pub(super) struct Refused {
    /// The part's place.
    pub part: usize,
    /// The item that did not meet the condition, where it was asked for.
    pub item: Item,
}

/// Writes all `parts` (at most 100, DynamoDB's limit) or none. A condition
/// that fails is `Ok(Err(_))`; contention is waited out, within bounds.
///
/// The SDK sends every try with the same client token, so a lost response
/// can't write twice.
pub(super) async fn commit(
    client: &Client,
    parts: Vec<TransactWriteItem>,
) -> Result<Result<(), Refused>, StoreError> {
    let mut attempt = 0;
    loop {
        let sent = client.transact_write_items().set_transact_items(Some(parts.clone())).send().await;
        let Err(error) = sent else { return Ok(Ok(())) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(error.into());
        };
        let mut reasons = cancelled.cancellation_reasons().iter().enumerate();
        let failed = reasons.find(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"));
        if let Some((part, reason)) = failed {
            return Ok(Err(Refused { part, item: reason.item.clone().unwrap_or_default() }));
        }
        let contended = cancelled.cancellation_reasons().iter().any(|reason| {
            matches!(
                reason.code(),
                Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
            )
        });
        attempt += 1;
        if !contended {
            return Err(StoreError::Broken(error.to_string()));
        }
        if attempt == ATTEMPTS {
            return Err(StoreError::Busy("a transaction met others on every try".to_owned()));
        }
        tokio::time::sleep(pause(attempt)).await;
    }
}

/// Changes that only add to sets, so that making them again changes nothing.
#[derive(Debug)]
pub struct Additions {
    table: Table<ArticlesTable>,
    changes: Vec<(Key, Change)>,
    together: bool,
}

impl Additions {
    /// These changes; `together`, a hundred at a time, which costs twice the units and a fraction of
    /// the time, or one by one.
    pub(super) fn new(table: &Table<ArticlesTable>, changes: Vec<(Key, Change)>, together: bool) -> Self {
        Self { table: table.clone(), changes, together }
    }

    /// Makes the next hundred, and others until `until`; true when all are made.
    pub async fn make(&mut self, until: Instant) -> Result<bool, StoreError> {
        while !self.changes.is_empty() {
            let rest = self.changes.split_off(self.changes.len().min(PARTS_MAX));
            let next = std::mem::replace(&mut self.changes, rest);
            self.some(next).await?;
            if Instant::now() >= until {
                break;
            }
        }
        Ok(self.changes.is_empty())
    }

    async fn some(&self, changes: Vec<(Key, Change)>) -> Result<(), StoreError> {
        let table = &self.table;
        if !self.together {
            let changes = changes.into_iter().map(|(key, change)| async {
                // There is no condition that it could fail to meet.
                let _added = change.write(table, key).await?;
                Ok::<_, StoreError>(())
            });
            return stream::iter(changes).buffer_unordered(AT_ONCE).try_collect().await;
        }
        let parts = changes.into_iter().map(|(key, change)| change.update_of(table, key));
        if commit(&table.client, parts.collect::<Result<_, _>>()?).await?.is_err() {
            return Err(StoreError::Broken("changes without a condition were refused".to_owned()));
        }
        Ok(())
    }
}

/// How long to wait before another try: longer each time and never the same,
/// 5 to 10 ms after the first, then 10 to 20, up to 320.
pub fn pause(attempt: u32) -> Duration {
    let ceiling = 10_u64 << attempt.min(6).saturating_sub(1);
    let mut random = [0; 8];
    // Pauses need variety, not secrecy; without randomness they are just longer.
    let _ = getrandom::fill(&mut random);
    Duration::from_millis(ceiling / 2 + u64::from_le_bytes(random) % (ceiling / 2 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_within_bounds() {
        for attempt in 1..ATTEMPTS {
            let ceiling = Duration::from_millis(10 << (attempt.min(6) - 1));
            let pause = pause(attempt);
            assert!(pause >= ceiling / 2 && pause <= ceiling, "{attempt}: {pause:?}");
        }
    }
}
