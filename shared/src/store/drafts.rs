//! Drafts: `DRAFT#id` / `META`, listed by owner and status, newest change first.
//!
//! A draft's text stands in its own item: a save is then one write. The index
//! carries summaries only. How many drafts an owner has, by status, is counted
//! in one small item, written together with what changes it, so that a list
//! can tell its total without reading itself.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cursor::CursorKey;
use super::expression::Change;
use super::metrics::{self, Counter};
use super::quotas::{self, Reservation};
use super::table::{DraftsTable, LibraryTable, Table, UsageTable};
use super::{Item, StoreError, batch, conversations, keys, packed, read, transaction, write};
use crate::config::Tables;
use crate::domain::conversation::Message;
use crate::domain::draft::{Draft, Edit, Status, Summary, expiry};
use crate::domain::time::Timestamp;
use crate::limits::Spend;

/// A write that meets others is tried this often, after pauses.
const ATTEMPTS: u32 = 16;
/// The attribute that has a draft's text.
const CONTENT: &str = "draft_content";

/// The drafts.
#[derive(Clone, Debug)]
pub struct Drafts {
    table: Table<DraftsTable>,
    library: Table<LibraryTable>,
    usage: Table<UsageTable>,
    cursors: CursorKey,
}

/// Where a new draft comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// Its user's own start.
    Own,
    /// The library prompt of this name, whose clones are counted.
    Clone(&'a str),
}

/// What came of starting a draft.
#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    /// It is there.
    Created,
    /// A draft of this id was there already: a repeated request.
    Exists,
    /// The prompt it was to be cloned from is gone.
    OriginGone,
}

/// What came of a save.
#[derive(Debug)]
pub enum Saved {
    /// The draft as it is now.
    Saved(Box<Draft>),
    /// Someone saved in between; the draft as they left it.
    Stale(Box<Draft>),
    /// There is no such draft for this user.
    Gone,
}

/// One page of an owner's drafts.
#[derive(Debug)]
pub struct DraftsPage {
    /// Newest change first.
    pub drafts: Vec<Summary>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// How many drafts the whole list has.
    pub total: u64,
    /// Read units that the index took, as DynamoDB counts them.
    pub read_units: f64,
}

/// A draft's item.
#[derive(Serialize, Deserialize)]
struct Meta {
    pk: String,
    sk: String,
    list_pk: String,
    list_sk: String,
    ttl: i64,
    #[serde(default)]
    work_ms: i64,
    #[serde(flatten)]
    draft: Draft,
}

impl Meta {
    fn of(draft: &Draft) -> Self {
        let keys::Key { pk, sk } = keys::draft(draft.summary.id);
        Self {
            pk,
            sk,
            list_pk: keys::owner_listing(&draft.owner, draft.summary.status),
            list_sk: list_place(&draft.summary),
            ttl: draft.summary.expires_at.as_seconds(),
            work_ms: draft.work_ms,
            draft: draft.clone(),
        }
    }
}

fn list_place(summary: &Summary) -> String {
    keys::place(summary.updated_at, &summary.id.to_string())
}

/// A draft as an item.
fn item_of(draft: &Draft) -> Result<Item, StoreError> {
    let mut item = write(&Meta::of(draft))?;
    packed::pack(&mut item, CONTENT);
    Ok(item)
}

/// The draft in an item.
pub(super) fn draft_of(mut item: Item) -> Result<Draft, StoreError> {
    packed::unpack(&mut item, CONTENT)?;
    let meta: Meta = read(item)?;
    Ok(Draft { work_ms: meta.work_ms, ..meta.draft })
}

/// Renews a draft by activity, as a part of the transaction that records it;
/// refused when the draft is gone, expired or someone else's. Its counted work
/// is handed over: the same transaction adds it to the day's.
pub(super) fn renewal(draft: &Draft, now: Timestamp) -> Change {
    let expires_at = expiry(now);
    alive(&draft.owner, now)
        .set("expires_at", expires_at)
        .set("ttl", expires_at.as_seconds())
        .add("work_ms", -draft.work_ms)
}

/// The condition that a draft is there for `owner`.
fn alive(owner: &str, now: Timestamp) -> Change {
    Change::new().when("user_id", "=", owner).when("ttl", ">", now.as_seconds())
}

/// A change of the owner's counts when a draft moves between statuses.
pub(super) fn recount(
    table: &Table<DraftsTable>,
    owner: &str,
    from: Option<Status>,
    to: Option<Status>,
) -> Result<TransactWriteItem, StoreError> {
    let mut change = Change::new();
    if let Some(status) = from {
        change = change.add(status.as_str(), -1);
    }
    if let Some(status) = to {
        change = change.add(status.as_str(), 1);
    }
    change.update_of(table, keys::counts(owner))
}

impl Drafts {
    pub(super) fn new(client: &Client, names: &Tables, cursors: CursorKey) -> Self {
        Self {
            table: Table::new(client, names),
            library: Table::new(client, names),
            usage: Table::new(client, names),
            cursors,
        }
    }

    /// Creates a draft with the first messages of its conversation.
    pub async fn create(
        &self,
        draft: &Draft,
        opening: &[Message],
        origin: Origin<'_>,
    ) -> Result<Created, StoreError> {
        let now = draft.summary.created_at;
        let table = &self.table;
        let mut counters = vec![(Counter::WorkshopsStarted, 1)];
        let mut parts = vec![
            Change::new().if_absent().put_of(table, item_of(draft)?)?,
            recount(table, &draft.owner, None, Some(draft.summary.status))?,
        ];
        if let Origin::Clone(name) = origin {
            counters.push((Counter::Clones, 1));
            parts.push(
                Change::new()
                    .if_exists()
                    .add("clone_count", 1)
                    .update_of(&self.library, keys::prompt(name))?,
            );
        }
        parts.extend(conversations::opened(table, draft.summary.id, opening)?);
        parts.push(metrics::part(&self.usage, &counters, draft.summary.id, now)?);
        Ok(match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => Created::Created,
            Err(refused) if refused.part == 0 => Created::Exists,
            Err(_) => Created::OriginGone,
        })
    }

    /// The draft, if it is `owner`'s and has not expired.
    pub async fn get(&self, owner: &str, id: Uuid, now: Timestamp) -> Result<Option<Draft>, StoreError> {
        let Some(item) = self.table.get(keys::draft(id)).await? else { return Ok(None) };
        let draft = draft_of(item)?;
        Ok((draft.owner == owner && !draft.is_expired(now)).then_some(draft))
    }

    /// One page of `owner`'s drafts, newest change first, of one status or all.
    ///
    /// Each status has a list of its own in the index; a page of all of them
    /// merges a page of each. What it costs depends on the page only. Expired
    /// drafts that are still there are left out, so a page may be shorter
    /// than `limit` with more to come.
    pub async fn list(
        &self,
        owner: &str,
        status: Option<Status>,
        limit: u32,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<DraftsPage, StoreError> {
        let scope = format!("drafts/{}/{owner}", status.map_or("all", Status::as_str));
        let before = cursor.map(|cursor| self.cursors.open(&scope, cursor)).transpose()?;
        let wanted: Vec<Status> = status.map_or(Status::ALL.to_vec(), |one| vec![one]);
        let pages =
            wanted.iter().map(|status| self.list_status(owner, *status, limit + 1, before.as_deref()));
        let mut read_units = 0.0;
        let mut found = Vec::new();
        for page in futures::future::try_join_all(pages).await? {
            read_units += page.1;
            found.extend(page.0);
        }
        found.sort_by_key(|summary| std::cmp::Reverse(list_place(summary)));
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor =
            found.last().filter(|_| more).map(|last| self.cursors.seal(&scope, &list_place(last)));
        found.retain(|summary| !summary.is_expired(now));

        let whole = cursor.is_none() && !more;
        let total = if whole { found.len() as u64 } else { self.count(owner, &wanted).await? };
        Ok(DraftsPage { drafts: found, next_cursor, total, read_units })
    }

    async fn list_status(
        &self,
        owner: &str,
        status: Status,
        limit: u32,
        before: Option<&str>,
    ) -> Result<(Vec<Summary>, f64), StoreError> {
        let string = aws_sdk_dynamodb::types::AttributeValue::S;
        let query = self
            .table
            .query()
            .index_name(keys::BY_OWNER)
            .key_condition_expression("list_pk = :listing AND list_sk < :before")
            .expression_attribute_values(":listing", string(keys::owner_listing(owner, status)))
            .expression_attribute_values(":before", string(before.unwrap_or("~").to_owned()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(aws_sdk_dynamodb::types::ReturnConsumedCapacity::Total);
        let output = query.send().await?;
        let units =
            output.consumed_capacity.as_ref().and_then(|capacity| capacity.capacity_units).unwrap_or(0.0);
        let items = output.items.unwrap_or_default();
        Ok((items.into_iter().map(read).collect::<Result<_, _>>()?, units))
    }

    async fn count(&self, owner: &str, statuses: &[Status]) -> Result<u64, StoreError> {
        let Some(item) = self.table.get(keys::counts(owner)).await? else { return Ok(0) };
        let counts: std::collections::HashMap<String, serde_json::Value> = read(item)?;
        let of =
            |status: &Status| counts.get(status.as_str()).and_then(serde_json::Value::as_u64).unwrap_or(0);
        Ok(statuses.iter().map(of).sum())
    }

    /// Saves `edit`. With `revision`, only over that revision; without, over
    /// whatever is there. `write_id` names this save, so that a try whose
    /// answer was lost is not taken for another's.
    pub async fn save(
        &self,
        owner: &str,
        id: Uuid,
        revision: Option<u64>,
        edit: &Edit,
        write_id: Uuid,
        now: Timestamp,
    ) -> Result<Saved, StoreError> {
        for attempt in 1..=ATTEMPTS {
            let Some(draft) = self.get(owner, id, now).await? else { return Ok(Saved::Gone) };
            if revision.is_some_and(|revision| revision != draft.summary.revision) {
                return Ok(Saved::Stale(Box::new(draft)));
            }
            let next = draft.edited(edit, now);
            match self.write_save(&draft, &next, write_id, now).await? {
                Ok(()) => return Ok(Saved::Saved(Box::new(next))),
                Err(met)
                    if met.get("write_id").and_then(|id| id.as_s().ok()) == Some(&write_id.to_string()) =>
                {
                    return Ok(Saved::Saved(Box::new(draft_of(met)?)));
                }
                Err(_) => tokio::time::sleep(transaction::pause(attempt)).await,
            }
        }
        Err(StoreError::Busy("a save met others on every try".to_owned()))
    }

    /// One write when the status stays; with it changes the owner's counts.
    async fn write_save(
        &self,
        draft: &Draft,
        next: &Draft,
        write_id: Uuid,
        now: Timestamp,
    ) -> Result<Result<(), Item>, StoreError> {
        let summary = &next.summary;
        let mut change = alive(&draft.owner, now)
            .when("revision", "=", draft.summary.revision)
            .when("status", "=", draft.summary.status)
            .set("draft_name", &summary.name)
            .set("draft_description", &summary.description)
            .set("revision", summary.revision)
            .set("updated_at", summary.updated_at)
            .set("expires_at", summary.expires_at)
            .set("ttl", summary.expires_at.as_seconds())
            .add("work_ms", next.work_ms - draft.work_ms)
            .set("write_id", write_id)
            .set("list_sk", list_place(summary));
        if next.content != draft.content {
            change = change
                .set_value(CONTENT, packed::packed(&next.content))
                .set("content_length", summary.content_length);
        }
        let key = keys::draft(summary.id);
        if summary.status == draft.summary.status {
            return change.write(&self.table, key).await;
        }
        let change = change
            .set("status", summary.status)
            .set("list_pk", keys::owner_listing(&draft.owner, summary.status));
        let parts = vec![
            change.update_of(&self.table, key)?,
            recount(&self.table, &draft.owner, Some(draft.summary.status), Some(summary.status))?,
        ];
        Ok(transaction::commit(&self.table.client, parts).await?.map_err(|refused| refused.item))
    }

    /// Deletes the draft; what belongs to it is removed by `drafts-cleanup`.
    /// Tells whether it was there.
    pub async fn delete(&self, owner: &str, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        for attempt in 1..=ATTEMPTS {
            let Some(draft) = self.get(owner, id, now).await? else { return Ok(false) };
            let status = draft.summary.status;
            let parts = vec![
                Change::new()
                    .when("user_id", "=", owner)
                    .when("status", "=", status)
                    .delete_of(&self.table, keys::draft(id))?,
                recount(&self.table, owner, Some(status), None)?,
            ];
            if transaction::commit(&self.table.client, parts).await?.is_ok() {
                return Ok(true);
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
        Err(StoreError::Busy("a deletion met others on every try".to_owned()))
    }

    /// Counts an expired draft out of its owner's drafts, once however often
    /// it is told (a stream delivers at least once).
    pub async fn count_out_expired(
        &self,
        owner: &str,
        id: Uuid,
        status: Status,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut told = keys::gone(id).item();
        let until = now.plus_days(7).as_seconds();
        told.insert("ttl".to_owned(), aws_sdk_dynamodb::types::AttributeValue::N(until.to_string()));
        let parts = vec![
            Change::new().if_absent().put_of(&self.usage, told)?,
            recount(&self.table, owner, Some(status), None)?,
        ];
        // Refused when it was counted out before.
        let _ = transaction::commit(&self.table.client, parts).await?;
        Ok(())
    }

    /// Removes everything that belonged to a draft that is gone. The
    /// conversation's state goes first: what is still being written checks it,
    /// and so can't appear after the rest was removed.
    pub async fn remove_belongings(&self, id: Uuid) -> Result<u64, StoreError> {
        if self.table.get(keys::draft(id)).await?.is_some() {
            return Ok(0);
        }
        let keys::Key { pk, sk } = keys::chat(id);
        let chat = self.table.get(keys::chat(id)).await?.map(read::<Place>).transpose()?;
        self.give_back(&chat.unwrap_or(Place { pk, sk, reserved: None })).await?;
        batch::delete(&self.table, vec![keys::chat(id)]).await?;
        let mut removed = 0;
        loop {
            let query = self.table.query().consistent_read(true);
            let output = query
                .key_condition_expression("pk = :partition")
                .expression_attribute_values(
                    ":partition",
                    aws_sdk_dynamodb::types::AttributeValue::S(keys::draft_partition(id)),
                )
                .projection_expression("pk, sk, reserved")
                .limit(batch::WRITE_MAX as i32)
                .send()
                .await?;
            let found: Vec<Place> =
                output.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
            if found.is_empty() {
                return Ok(removed);
            }
            removed += found.len() as u64;
            for place in &found {
                self.give_back(place).await?;
            }
            let keys = found.into_iter().map(|place| keys::Key { pk: place.pk, sk: place.sk });
            batch::delete(&self.table, keys.collect()).await?;
        }
    }

    /// A run or an answer that was not finished gives back what was set aside
    /// for it, once: together with its removal.
    async fn give_back(&self, place: &Place) -> Result<(), StoreError> {
        let Some(reserved) = &place.reserved else { return Ok(()) };
        let key = keys::Key { pk: place.pk.clone(), sk: place.sk.clone() };
        let mut parts = vec![Change::new().when_present("reserved").delete_of(&self.table, key)?];
        parts.extend(quotas::settlement(&self.usage, reserved, Spend::default())?);
        // Refused when it was finished at this moment.
        let _ = transaction::commit(&self.table.client, parts).await?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct Place {
    pk: String,
    sk: String,
    reserved: Option<Reservation>,
}

/// What the stream's old image tells of a draft that was removed.
#[derive(Deserialize)]
struct Removed {
    pk: String,
    sk: String,
    user_id: String,
    status: Status,
}

impl Drafts {
    /// The draft that a removed item was, with its owner and status; `None`
    /// for items that belonged to one.
    pub fn removed(image: serde_dynamo::Item) -> Option<(Uuid, String, Status)> {
        let removed: Removed = serde_dynamo::from_item(image).ok()?;
        let id = keys::draft_of_partition(&removed.pk)?;
        (removed.sk == keys::DRAFT_META).then_some((id, removed.user_id, removed.status))
    }
}
