//! Imports of uploaded files: `IMPORT#id` / `IMPORT` in the usage table, where
//! they expire. Those that a worker is to read, or reads, stand in a list of
//! their own as well (`IMPORTS` / id), in which `recover-runs` finds what fell
//! between.
//!
//! An import is `uploading`, then `queued`, then `running`, under a lease
//! whenever a worker is at it, then final. Every change is conditional on the
//! state or the lease it was decided on, so a delivery that comes twice, late
//! or out of order changes nothing.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::expression::Change;
use super::table::{Table, UsageTable};
use super::{StoreError, keys, read, transaction, write};
use crate::domain::import::Place;
use crate::domain::large_import::{
    ATTEMPTS_MAX, ImportStatus, KEPT_DAYS, LEASE_MS, LargeImport, PATIENCE_MS,
};
use crate::domain::time::Timestamp;

/// The imports.
#[derive(Clone, Debug)]
pub struct Imports {
    table: Table<UsageTable>,
}

/// The topic that an import began to go into.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Began {
    /// When it was made; a topic from before this was kept has none.
    pub made_at: Option<Timestamp>,
}

/// An import as its worker and `recover-runs` see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenImport {
    /// The import.
    #[serde(flatten)]
    pub import: LargeImport,
    /// Whose it is.
    #[serde(rename = "user_id")]
    pub owner: String,
    /// Where reading goes on.
    #[serde(default)]
    pub place: Place,
    /// The topic it goes into, once the import has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Began>,
    /// Times it was taken up since it last got on.
    #[serde(default)]
    pub attempts: u32,
    /// The lease it is read under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<Uuid>,
    /// When the lease ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When it expires.
    ttl: i64,
}

impl OpenImport {
    /// Whether a worker holds it now.
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }

    /// Whether it waits for a worker that should have come by now.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        let open = matches!(self.import.status, ImportStatus::Queued | ImportStatus::Running);
        let quiet = match self.lease_until {
            Some(until) => until <= now,
            None => now.millis_since(self.import.updated_at) >= PATIENCE_MS,
        };
        open && quiet
    }
}

/// What came of handing an import over to a worker.
#[derive(Debug, PartialEq, Eq)]
pub enum Handed {
    /// It is queued now. Its message is the caller's.
    Queued(Box<LargeImport>),
    /// It was before.
    Before(Box<LargeImport>),
    /// There is no such import, or not for this user.
    Gone,
}

/// What came of taking an import up.
#[derive(Debug)]
pub enum TakenUp {
    /// It is this worker's, under the lease it named.
    Mine(Box<OpenImport>),
    /// It was taken up too often and got nowhere; it is this worker's to end.
    Hopeless(Box<OpenImport>),
    /// Another worker holds it.
    Held,
    /// It has ended, is gone, or was never handed over: there is nothing to do.
    Over,
}

impl Imports {
    pub(super) fn new(table: Table<UsageTable>) -> Self {
        Self { table }
    }

    /// Keeps a new import of `owner`'s.
    pub async fn create(&self, owner: &str, import: &LargeImport) -> Result<(), StoreError> {
        let open = OpenImport {
            import: import.clone(),
            owner: owner.to_owned(),
            place: Place::default(),
            began: None,
            attempts: 0,
            lease_id: None,
            lease_until: None,
            ttl: import.created_at.plus_days(KEPT_DAYS).as_seconds(),
        };
        let mut item = write(&open)?;
        item.extend(keys::import(import.id).item());
        let part = Change::new().if_absent().put_of(&self.table, item)?;
        match transaction::commit(&self.table.client, vec![part]).await? {
            Ok(()) => Ok(()),
            Err(_) => Err(StoreError::Broken("a new import's id was taken".to_owned())),
        }
    }

    /// The import of this id, if it is `owner`'s and has not expired.
    pub async fn get(
        &self,
        owner: &str,
        id: Uuid,
        now: Timestamp,
    ) -> Result<Option<LargeImport>, StoreError> {
        let open = self.open(id).await?.filter(|open| open.owner == owner && open.ttl > now.as_seconds());
        Ok(open.map(|open| open.import))
    }

    /// The import as its worker sees it.
    pub async fn open(&self, id: Uuid) -> Result<Option<OpenImport>, StoreError> {
        self.table.get(keys::import(id)).await?.map(read).transpose()
    }

    /// Hands an import whose file was uploaded over to a worker.
    pub async fn hand_over(&self, owner: &str, id: Uuid, now: Timestamp) -> Result<Handed, StoreError> {
        #[derive(Serialize)]
        struct Listed {
            pk: String,
            sk: String,
            ttl: i64,
        }
        let Some(import) = self.get(owner, id, now).await? else { return Ok(Handed::Gone) };
        if import.status != ImportStatus::Uploading {
            return Ok(Handed::Before(Box::new(import)));
        }
        let keys::Key { pk, sk } = keys::open_import(id);
        let listed = Listed { pk, sk, ttl: import.created_at.plus_days(KEPT_DAYS).as_seconds() };
        let parts = vec![
            Change::new()
                .when("status", "=", ImportStatus::Uploading)
                .set("status", ImportStatus::Queued)
                .set("updated_at", now)
                .update_of(&self.table, keys::import(id))?,
            Change::new().put_of(&self.table, write(&listed)?)?,
        ];
        let queued = transaction::commit(&self.table.client, parts).await?.is_ok();
        let import = self.get(owner, id, now).await?.map(Box::new);
        Ok(import.map_or(Handed::Gone, if queued { Handed::Queued } else { Handed::Before }))
    }

    /// Takes an import up under a lease: if it waits, or if its worker let the
    /// lease run out.
    pub async fn take_up(&self, id: Uuid, lease_id: Uuid, now: Timestamp) -> Result<TakenUp, StoreError> {
        let Some(open) = self.open(id).await? else { return Ok(TakenUp::Over) };
        if !matches!(open.import.status, ImportStatus::Queued | ImportStatus::Running) {
            return Ok(TakenUp::Over);
        }
        if open.is_leased(now) {
            return Ok(TakenUp::Held);
        }
        let change = match open.lease_id {
            Some(before) => Change::new().when("lease_id", "=", before),
            None => Change::new().when_absent("lease_id"),
        };
        let change = change
            .when("status", "=", open.import.status)
            .set("status", ImportStatus::Running)
            .set("lease_id", lease_id)
            .set("lease_until", now.plus_millis(LEASE_MS))
            .set("updated_at", now)
            .add("attempts", 1);
        let Ok(item) = change.apply(&self.table, keys::import(id)).await? else { return Ok(TakenUp::Held) };
        let taken: Box<OpenImport> = Box::new(read(item)?);
        Ok(if taken.attempts > ATTEMPTS_MAX { TakenUp::Hopeless(taken) } else { TakenUp::Mine(taken) })
    }

    /// Renews a lease; false when it was lost.
    pub async fn renew(&self, open: &OpenImport, now: Timestamp) -> Result<bool, StoreError> {
        let change = held(open).set("lease_until", now.plus_millis(LEASE_MS));
        Ok(change.write(&self.table, keys::import(open.import.id)).await?.is_ok())
    }

    /// Records which topic an import goes into; false when the lease was lost.
    pub async fn begin(&self, open: &OpenImport) -> Result<bool, StoreError> {
        let change = held(open).set("began", open.began);
        Ok(change.write(&self.table, keys::import(open.import.id)).await?.is_ok())
    }

    /// Records how far an import is, and what it did so far; false when the
    /// lease was lost.
    pub async fn advance(&self, open: &mut OpenImport, now: Timestamp) -> Result<bool, StoreError> {
        open.attempts = 0;
        open.import.bytes_read = open.place.mark.offset;
        let import = &open.import;
        let change = held(open)
            .set("place", &open.place)
            .set("attempts", open.attempts)
            .set("bytes_read", import.bytes_read)
            .set("added", import.added)
            .set("updated", import.updated)
            .set("duplicates", import.duplicates)
            .set("rejected", &import.rejected)
            .set("rejected_total", import.rejected_total)
            .set("format", import.format)
            .set("notes", &import.notes)
            .set("updated_at", now)
            .set("lease_until", now.plus_millis(LEASE_MS));
        Ok(change.write(&self.table, keys::import(import.id)).await?.is_ok())
    }

    /// Lets another worker go on; false when the lease was lost before.
    pub async fn let_go(&self, open: &OpenImport, now: Timestamp) -> Result<bool, StoreError> {
        let change = held(open).set("updated_at", now).remove("lease_id").remove("lease_until");
        Ok(change.write(&self.table, keys::import(open.import.id)).await?.is_ok())
    }

    /// Ends an import as it was recorded last, with the sentence that says why
    /// it failed if it did; false when the lease was lost.
    pub async fn end(
        &self,
        open: &OpenImport,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let status = if error.is_none() { ImportStatus::Finished } else { ImportStatus::Failed };
        let change = held(open)
            .set("status", status)
            .set("error", error)
            .set("updated_at", now)
            .set("finished_at", now)
            .remove("lease_id")
            .remove("lease_until");
        let parts = vec![
            change.update_of(&self.table, keys::import(open.import.id))?,
            Change::new().delete_of(&self.table, keys::open_import(open.import.id))?,
        ];
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Up to `limit` imports that wait for a worker that should have come by
    /// now. Each is looked at again only later: announcing it is the caller's.
    pub async fn forgotten(&self, now: Timestamp, limit: usize) -> Result<Vec<Uuid>, StoreError> {
        let query = self
            .table
            .query()
            .key_condition_expression("pk = :imports")
            .expression_attribute_values(":imports", AttributeValue::S(keys::OPEN_IMPORTS.to_owned()));
        let (mut forgotten, mut start) = (Vec::new(), None);
        loop {
            let output = query.clone().set_exclusive_start_key(start).send().await?;
            for item in output.items.unwrap_or_default() {
                let Some(id) = keys::of_open_import(&item) else { continue };
                let Some(open) = self.open(id).await? else { continue };
                if !open.is_forgotten(now) {
                    continue;
                }
                let change = match open.lease_until {
                    Some(until) => Change::new().when("lease_until", "=", until),
                    None => Change::new().when_absent("lease_until"),
                };
                let change = change
                    .when("updated_at", "=", open.import.updated_at)
                    .set("updated_at", now)
                    .remove("lease_until");
                if change.write(&self.table, keys::import(id)).await?.is_ok() {
                    forgotten.push(id);
                }
                if forgotten.len() == limit {
                    return Ok(forgotten);
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(forgotten);
            }
        }
    }
}

/// The condition that this worker holds the import.
fn held(open: &OpenImport) -> Change {
    Change::new().when("lease_id", "=", open.lease_id)
}
