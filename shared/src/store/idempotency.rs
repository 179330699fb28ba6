//! Answers to requests that carry an `Idempotency-Key`, for a day.
//!
//! The first request with a key leaves a record before it does anything, with
//! the id that what it makes will have. A repeat is given the stored answer;
//! or told that the first is still at work; or, when the first died half-way,
//! takes over with the same id, so that what was made is found, not made again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::expression::Change;
use super::table::{Table, UsageTable};
use super::{StoreError, keys, read, transaction};
use crate::domain::time::Timestamp;

/// The first request may take this long before a repeat takes over.
const PATIENCE_MS: i64 = 35_000;
/// How long answers are kept.
const KEPT_DAYS: i64 = 1;

/// The records.
#[derive(Clone, Debug)]
pub struct Idempotency {
    table: Table<UsageTable>,
}

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its HTTP status.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// Its `Location`, where it had one.
    pub location: Option<String>,
}

/// What a key stands for.
#[derive(Debug)]
pub enum Claim {
    /// Nobody has answered yet.
    Mine(Held),
    /// It was answered.
    Answered(Stored),
    /// The first request with it is still at work.
    AtWork,
    /// It was used for a different request.
    Different,
}

/// A key that this request holds, until it answers or another takes over.
#[derive(Clone, Debug)]
pub struct Held {
    place: keys::Key,
    /// Names this holder.
    holder: Uuid,
    /// The id that what is made gets.
    pub made_id: Uuid,
    /// An earlier request with the key died or failed: what it made is found
    /// by the id.
    pub taken_over: bool,
}

#[derive(Deserialize)]
struct Record {
    request: String,
    made_id: Uuid,
    started_at: Timestamp,
    ttl: i64,
    answer: Option<Stored>,
}

impl Idempotency {
    pub(super) fn new(table: Table<UsageTable>) -> Self {
        Self { table }
    }

    /// Claims `key` for a request whose content hashes to `request`.
    pub async fn claim(
        &self,
        user: &str,
        route: &str,
        key: &str,
        request: &str,
        fresh_id: Uuid,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let place = keys::idempotency(user, route, key);
        let begin = |id: Uuid| {
            Change::new()
                .set("holder", fresh_id)
                .set("request", request)
                .set("made_id", id)
                .set("started_at", now)
                .set("ttl", now.plus_days(KEPT_DAYS).as_seconds())
                .remove("answer")
        };
        let held = |made_id, taken_over| Held { place: place.clone(), holder: fresh_id, made_id, taken_over };
        let fresh = begin(fresh_id).when_absent_or("ttl", "<=", now.as_seconds());
        let Err(met) = fresh.write(&self.table, place.clone()).await? else {
            return Ok(Claim::Mine(held(fresh_id, false)));
        };
        let record: Record = read(met)?;
        if record.request != request {
            return Ok(Claim::Different);
        }
        if let Some(answer) = record.answer {
            return Ok(Claim::Answered(answer));
        }
        if now.millis_since(record.started_at) < PATIENCE_MS || record.ttl <= now.as_seconds() {
            return Ok(Claim::AtWork);
        }
        let takeover = begin(record.made_id).when("started_at", "=", record.started_at);
        Ok(match takeover.write(&self.table, place.clone()).await? {
            Ok(_) => Claim::Mine(held(record.made_id, true)),
            Err(_) => Claim::AtWork,
        })
    }

    /// Stores the answer for repeats. Nothing happens when another has taken
    /// the key over: it answers.
    pub async fn answer(&self, held: &Held, answer: &Stored) -> Result<(), StoreError> {
        let change = Change::new().when("holder", "=", held.holder).set("answer", answer);
        let _ = change.write(&self.table, held.place.clone()).await?;
        Ok(())
    }

    /// Lets the next repeat take over at once: this try failed, and what it
    /// may have made is found by its id.
    pub async fn release(&self, held: &Held) -> Result<(), StoreError> {
        let change =
            Change::new().when("holder", "=", held.holder).set("started_at", Timestamp::from_millis(0));
        let _ = change.write(&self.table, held.place.clone()).await?;
        Ok(())
    }

    /// Forgets a key whose request was refused: nothing was made, and the same
    /// key may be used for a corrected one.
    pub async fn forget(&self, held: &Held) -> Result<(), StoreError> {
        let change = Change::new().when("holder", "=", held.holder);
        let part = change.delete_of(&self.table, held.place.clone())?;
        let _ = transaction::commit(&self.table.client, vec![part]).await?;
        Ok(())
    }
}
