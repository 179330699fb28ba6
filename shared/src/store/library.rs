//! The library: `PROMPT#name` / `META`, with its immutable versions at
//! `V#000001` and on, their texts at `TEXT#000001` and on. Names are unique
//! because creating is conditional.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cursor::CursorKey;
use super::expression::Change;
use super::metrics::{self, Counter};
use super::table::{DraftsTable, LibraryTable, Table, UsageTable};
use super::{StoreError, drafts, keys, packed, read, transaction, write};
use crate::config::Tables;
use crate::domain::draft::{Draft, Status};
use crate::domain::prompt::{Commit, Prompt, Version, default_research};
use crate::domain::time::Timestamp;

/// Versions that one transaction can delete with the prompt itself, each of
/// two items.
const VERSIONS_PER_DELETE: u32 = 45;
/// A deletion that meets others is tried this often.
const ATTEMPTS: u32 = 5;

/// The prompts.
#[derive(Clone, Debug)]
pub struct Library {
    table: Table<LibraryTable>,
    drafts: Table<DraftsTable>,
    usage: Table<UsageTable>,
    cursors: CursorKey,
}

/// One page of the library.
#[derive(Debug)]
pub struct LibraryPage {
    /// Newest change first.
    pub prompts: Vec<Prompt>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// How many prompts there are.
    pub total: u64,
}

/// One page of a prompt's versions.
#[derive(Debug)]
pub struct VersionsPage {
    /// Newest first.
    pub versions: Vec<Version>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// A prompt without a text.
#[derive(Debug)]
pub struct Entry {
    /// The prompt, as its newest version is.
    pub prompt: Prompt,
    /// The id that `prompts` answers call `prompt_id`.
    pub id: Uuid,
    /// Its owner; the default prompt has none.
    pub owner: Option<String>,
}

impl Entry {
    /// Whether there is a version `number`.
    pub fn has(&self, number: u32) -> bool {
        (1..=self.prompt.version).contains(&number)
    }
}

/// A prompt with the text of one of its versions.
#[derive(Debug)]
pub struct Content {
    /// The prompt, with the version's number, title and description, and the
    /// time of its commit as `updated_at`.
    pub prompt: Prompt,
    /// The number of the newest version.
    pub newest: u32,
    /// The id that `prompts` answers call `prompt_id`.
    pub id: Uuid,
    /// Its owner; the default prompt has none.
    pub owner: Option<String>,
    /// The version's text.
    pub content: String,
}

/// What came of a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is this version of the prompt with this id.
    Committed {
        /// The prompt's id.
        id: Uuid,
        /// 1 for a new prompt.
        version: u32,
    },
    /// Another prompt has the name.
    NameTaken,
    /// This text is the prompt's newest version already.
    Unchanged(u32),
    /// The draft was saved in between.
    DraftChanged,
}

/// What came of deleting a prompt.
#[derive(Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Deleted,
    /// It ships with the product and stays.
    IsDefault,
    /// There is none of this name that is this user's.
    NotFound,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    pk: String,
    sk: String,
    listing: String,
    changed: String,
    prompt_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(flatten)]
    prompt: Prompt,
}

#[derive(Serialize, Deserialize)]
struct VersionItem {
    pk: String,
    sk: String,
    version: u32,
    title: String,
    description: String,
    /// Versions of before their texts stood apart have theirs here, and no length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_length: Option<u64>,
    created_at: Timestamp,
    /// The commit that made it, so that a repeat of it is recognised.
    commit_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    draft_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    draft_revision: Option<u64>,
}

impl VersionItem {
    fn summary(self) -> Version {
        let inline = self.content.map_or(0, |content| length(&content));
        Version {
            version: self.version,
            title: self.title,
            description: self.description,
            content_length: self.content_length.unwrap_or(inline),
            created_at: self.created_at,
        }
    }
}

fn length(content: &str) -> u64 {
    content.chars().count() as u64
}

/// The parts of a transaction that add a version with its text.
fn added(
    table: &Table<LibraryTable>,
    name: &str,
    version: &VersionItem,
    content: &str,
) -> Result<[TransactWriteItem; 2], StoreError> {
    let text = packed::item(&keys::version_text(name, version.version), content);
    Ok([Change::new().put_of(table, write(version)?)?, Change::new().put_of(table, text)?])
}

impl Library {
    pub(super) fn new(client: &Client, names: &Tables, cursors: CursorKey) -> Self {
        Self {
            table: Table::new(client, names),
            drafts: Table::new(client, names),
            usage: Table::new(client, names),
            cursors,
        }
    }

    async fn meta(&self, name: &str) -> Result<Option<Meta>, StoreError> {
        self.table.get(keys::prompt(name)).await?.map(read).transpose()
    }

    /// A version and its text.
    async fn version(&self, name: &str, version: u32) -> Result<Option<(VersionItem, String)>, StoreError> {
        let (item, text) = futures::try_join!(
            self.table.get(keys::version(name, version)),
            self.table.get(keys::version_text(name, version)),
        )?;
        let Some(mut item) = item.map(read::<VersionItem>).transpose()? else { return Ok(None) };
        let apart = text.map(packed::text_of).transpose()?;
        let content = item.content.take().or(apart);
        Ok(content.map(|content| (item, content)))
    }

    /// A prompt as it stands, without a text.
    pub async fn entry(&self, name: &str) -> Result<Option<Entry>, StoreError> {
        let meta = self.meta(name).await?;
        Ok(meta.map(|meta| Entry { prompt: meta.prompt, id: meta.prompt_id, owner: meta.user_id }))
    }

    /// A prompt with the text of its newest version.
    pub async fn newest(&self, name: &str) -> Result<Option<Content>, StoreError> {
        // A prompt that is deleted between the reads is looked for again.
        for _ in 0..ATTEMPTS {
            let Some(entry) = self.entry(name).await? else { return Ok(None) };
            let number = entry.prompt.version;
            if let Some(content) = self.content(entry, number).await? {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }

    /// The text of a prompt's version `number`; `None` when it has no such
    /// version, or has been deleted since it was read.
    pub async fn content(&self, entry: Entry, number: u32) -> Result<Option<Content>, StoreError> {
        if !entry.has(number) {
            return Ok(None);
        }
        let Entry { prompt, id, owner } = entry;
        let newest = prompt.version;
        let Some((version, content)) = self.version(&prompt.name, number).await? else { return Ok(None) };
        let prompt = Prompt {
            version: number,
            title: version.title,
            description: version.description,
            updated_at: version.created_at,
            ..prompt
        };
        Ok(Some(Content { prompt, newest, id, owner, content }))
    }

    /// One page of a prompt's versions, newest first; `None` when there is no
    /// such prompt.
    pub async fn versions(
        &self,
        name: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Option<VersionsPage>, StoreError> {
        let Some(meta) = self.meta(name).await? else { return Ok(None) };
        // A prompt that is deleted and made again begins another list.
        let scope = format!("versions/{}", meta.prompt_id);
        let keys::Key { pk, sk: newest } = keys::version(name, meta.prompt.version);
        let from = cursor.map_or(Ok(newest), |cursor| self.cursors.open(&scope, cursor))?;
        let query = self
            .table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :prompt AND sk BETWEEN :first AND :from")
            .expression_attribute_values(":prompt", AttributeValue::S(pk))
            .expression_attribute_values(":first", AttributeValue::S(keys::version(name, 1).sk))
            .expression_attribute_values(":from", AttributeValue::S(from))
            .scan_index_forward(false);
        let mut found: Vec<VersionItem> = Vec::new();
        let mut start = None;
        // DynamoDB ends a page at 1 MB, so versions with their texts in them may take several.
        let wanted = limit as usize + 1;
        loop {
            let left = i32::try_from(wanted - found.len()).unwrap_or(i32::MAX);
            let output = query.clone().limit(left).set_exclusive_start_key(start).send().await?;
            for item in output.items.unwrap_or_default() {
                found.push(read(item)?);
            }
            start = output.last_evaluated_key;
            if start.is_none() || found.len() >= wanted {
                break;
            }
        }
        let next_cursor = found.get(limit as usize).map(|next| self.cursors.seal(&scope, &next.sk));
        found.truncate(limit as usize);
        let versions = found.into_iter().map(VersionItem::summary).collect();
        Ok(Some(VersionsPage { versions, next_cursor }))
    }

    /// One page of the library, newest change first.
    pub async fn list(&self, limit: u32, cursor: Option<&str>) -> Result<LibraryPage, StoreError> {
        let scope = "prompts";
        let before = cursor.map(|cursor| self.cursors.open(scope, cursor)).transpose()?;
        let query = self
            .table
            .query()
            .index_name(keys::BY_CHANGE)
            .key_condition_expression("listing = :listing AND changed < :before")
            .expression_attribute_values(":listing", AttributeValue::S(keys::LISTING.to_owned()))
            .expression_attribute_values(
                ":before",
                AttributeValue::S(before.unwrap_or_else(|| "~".to_owned())),
            )
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let mut found: Vec<Meta> =
            query.send().await?.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next_cursor = found.last().filter(|_| more).map(|last| self.cursors.seal(scope, &last.changed));
        let count = self.table.get(keys::library_count()).await?;
        let total = count.map(read::<Count>).transpose()?.map_or(0, |count| count.prompts);
        Ok(LibraryPage { prompts: found.into_iter().map(|meta| meta.prompt).collect(), next_cursor, total })
    }

    /// The prompts that were cloned most, at most `limit`.
    pub async fn most_cloned(&self, limit: u32) -> Result<Vec<Prompt>, StoreError> {
        let query = self.table.query().index_name(keys::BY_CLONES);
        let output = query
            .key_condition_expression("listing = :listing AND clone_count > :none")
            .expression_attribute_values(":listing", AttributeValue::S(keys::LISTING.to_owned()))
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let found = output.items.unwrap_or_default().into_iter().map(read::<Meta>);
        found.map(|meta| Ok(meta?.prompt)).collect()
    }

    /// The prompt's id and the version that the commit `commit_id` made, if it
    /// made one. It looks through all versions: only a commit whose first try
    /// died asks for it.
    pub async fn committed_by(&self, name: &str, commit_id: Uuid) -> Result<Option<(Uuid, u32)>, StoreError> {
        let Some(meta) = self.meta(name).await? else { return Ok(None) };
        let query = self.table.query().consistent_read(true);
        let keys::Key { pk, sk: first } = keys::version(name, 1);
        let query = query
            .key_condition_expression("pk = :prompt AND sk BETWEEN :first AND :newest")
            .filter_expression("commit_id = :commit")
            .expression_attribute_values(":prompt", AttributeValue::S(pk))
            .expression_attribute_values(":first", AttributeValue::S(first))
            .expression_attribute_values(
                ":newest",
                AttributeValue::S(keys::version(name, meta.prompt.version).sk),
            )
            .expression_attribute_values(":commit", AttributeValue::S(commit_id.to_string()))
            .scan_index_forward(false);
        let mut start = None;
        loop {
            let page = query.clone().set_exclusive_start_key(start).send().await?;
            if let Some(found) = page.items.unwrap_or_default().pop() {
                return Ok(Some((meta.prompt_id, read::<VersionItem>(found)?.version)));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(None);
            }
        }
    }

    /// Commits `draft` as it stands: a new prompt, which gets `commit_id` for
    /// its id, or the next version of the one it came from when that is its
    /// owner's.
    pub async fn commit(
        &self,
        draft: &Draft,
        commit: &Commit,
        commit_id: Uuid,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let Some(existing) = self.meta(&commit.name).await? else {
            return self.write_commit(draft, commit, None, commit_id, now).await;
        };
        let version = existing.prompt.version;
        let newest = self.version(&commit.name, version).await?;
        if newest.as_ref().is_some_and(|(newest, _)| newest.commit_id == commit_id) {
            // A repeated request whose first answer was lost.
            return Ok(Committed::Committed { id: existing.prompt_id, version });
        }
        let owned = existing.user_id.as_deref() == Some(draft.owner.as_str());
        let of_this_prompt = draft.committed_prompt_name.as_deref() == Some(commit.name.as_str())
            || draft.summary.parent_prompt_name.as_deref() == Some(commit.name.as_str());
        if !owned || !of_this_prompt {
            return Ok(Committed::NameTaken);
        }
        if newest.is_some_and(|(_, content)| content == draft.content) {
            return Ok(Committed::Unchanged(version));
        }
        self.write_commit(draft, commit, Some(&existing), commit_id, now).await
    }

    async fn write_commit(
        &self,
        draft: &Draft,
        commit: &Commit,
        existing: Option<&Meta>,
        commit_id: Uuid,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        let id = existing.map_or(commit_id, |meta| meta.prompt_id);
        let (drafts_table, library) = (&self.drafts, &self.table);
        let name = &commit.name;
        let number = existing.map_or(1, |meta| meta.prompt.version + 1);
        let description = commit.description.as_ref().unwrap_or(&draft.summary.description);
        let keys::Key { pk, sk } = keys::version(name, number);
        let version = VersionItem {
            pk,
            sk,
            version: number,
            title: commit.title.clone(),
            description: description.clone(),
            content: None,
            content_length: Some(draft.summary.content_length),
            created_at: now,
            commit_id,
            draft_id: Some(draft.summary.id),
            draft_revision: Some(draft.summary.revision),
        };
        let prompt = match existing {
            None => Change::new().if_absent().put_of(
                library,
                write(&Meta::new(id, Some(&draft.owner), new_prompt(name, &commit.title, description, now)))?,
            )?,
            Some(meta) => Change::new()
                .when("prompt_id", "=", id)
                .when("version", "=", meta.prompt.version)
                .set("version", number)
                .set("title", &commit.title)
                .set("description", description)
                .set("updated_at", now)
                .set("changed", keys::place(now, name))
                .update_of(library, keys::prompt(name))?,
        };
        let mut parts = vec![
            prompt,
            drafts::renewal(draft, now)
                .when("revision", "=", draft.summary.revision)
                .when("status", "=", draft.summary.status)
                .set("status", Status::Committed)
                .set("list_pk", keys::owner_listing(&draft.owner, Status::Committed))
                .set("committed_prompt_name", name)
                .set("committed_version", number)
                .set("committed_revision", draft.summary.revision)
                .update_of(drafts_table, keys::draft(draft.summary.id))?,
            metrics::part(
                &self.usage,
                &[(Counter::DraftsCommitted, 1), (Counter::WorkMs, draft.work_ms)],
                commit_id,
                now,
            )?,
        ];
        parts.extend(added(library, name, &version, &draft.content)?);
        if existing.is_none() {
            parts.push(Change::new().add("prompts", 1).update_of(library, keys::library_count())?);
        }
        if draft.summary.status != Status::Committed {
            let from = Some(draft.summary.status);
            parts.push(drafts::recount(drafts_table, &draft.owner, from, Some(Status::Committed))?);
        }
        Ok(match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => Committed::Committed { id, version: number },
            Err(refused) if refused.part == 0 && existing.is_none() => Committed::NameTaken,
            Err(_) => Committed::DraftChanged,
        })
    }

    /// Deletes a prompt of `owner`'s with its versions.
    pub async fn delete(&self, owner: &str, name: &str) -> Result<Deleted, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(meta) = self.meta(name).await? else { return Ok(Deleted::NotFound) };
            if meta.prompt.is_default {
                return Ok(Deleted::IsDefault);
            }
            if meta.user_id.as_deref() != Some(owner) {
                return Ok(Deleted::NotFound);
            }
            let newest = meta.prompt.version;
            let oldest_here = newest.saturating_sub(VERSIONS_PER_DELETE - 1).max(1);
            // The oldest go first, one by one: a crash leaves a prompt that is
            // whole but for versions nobody reads, and can be deleted again.
            for version in 1..oldest_here {
                for key in version_keys(name, version) {
                    self.table.delete_item(key).send().await?;
                }
            }
            let mut parts = vec![
                Change::new()
                    .when("user_id", "=", owner)
                    .when("version", "=", newest)
                    .delete_of(&self.table, keys::prompt(name))?,
                Change::new().add("prompts", -1).update_of(&self.table, keys::library_count())?,
            ];
            for version in oldest_here..=newest {
                for key in version_keys(name, version) {
                    parts.push(Change::new().delete_of(&self.table, key)?);
                }
            }
            if transaction::commit(&self.table.client, parts).await?.is_ok() {
                return Ok(Deleted::Deleted);
            }
        }
        Err(StoreError::Busy("a deletion met others on every try".to_owned()))
    }

    /// Puts the default research prompt into the library, or its next version
    /// when the product ships a newer text.
    pub async fn install_default(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
        use default_research::{CONTENT, DESCRIPTION, NAME, TITLE};
        let existing = self.newest(NAME).await?;
        if existing.as_ref().is_some_and(|existing| existing.content == CONTENT) {
            return Ok(());
        }
        let number = existing.as_ref().map_or(1, |existing| existing.prompt.version + 1);
        let keys::Key { pk, sk } = keys::version(NAME, number);
        let version = VersionItem {
            pk,
            sk,
            version: number,
            title: TITLE.to_owned(),
            description: DESCRIPTION.to_owned(),
            content: None,
            content_length: Some(length(CONTENT)),
            created_at: now,
            commit_id: id,
            draft_id: None,
            draft_revision: None,
        };
        let library = &self.table;
        let mut parts = Vec::from(added(library, NAME, &version, CONTENT)?);
        match existing {
            None => {
                let prompt = Prompt {
                    is_default: true,
                    user_created: false,
                    ..new_prompt(NAME, TITLE, DESCRIPTION, now)
                };
                parts.push(Change::new().if_absent().put_of(library, write(&Meta::new(id, None, prompt))?)?);
                parts.push(Change::new().add("prompts", 1).update_of(library, keys::library_count())?);
            }
            Some(existing) => parts.push(
                Change::new()
                    .when("version", "=", existing.prompt.version)
                    .set("version", number)
                    .set("updated_at", now)
                    .set("changed", keys::place(now, NAME))
                    .update_of(library, keys::prompt(NAME))?,
            ),
        }
        // Refused when another process installed it at the same moment.
        let _ = transaction::commit(&self.table.client, parts).await?;
        Ok(())
    }
}

fn version_keys(name: &str, version: u32) -> [keys::Key; 2] {
    [keys::version(name, version), keys::version_text(name, version)]
}

impl Meta {
    fn new(id: Uuid, owner: Option<&str>, prompt: Prompt) -> Self {
        let keys::Key { pk, sk } = keys::prompt(&prompt.name);
        Self {
            pk,
            sk,
            listing: keys::LISTING.to_owned(),
            changed: keys::place(prompt.updated_at, &prompt.name),
            prompt_id: id,
            user_id: owner.map(str::to_owned),
            prompt,
        }
    }
}

fn new_prompt(name: &str, title: &str, description: &str, now: Timestamp) -> Prompt {
    Prompt {
        name: name.to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        is_default: false,
        user_created: true,
        version: 1,
        clone_count: 0,
        created_at: now,
        updated_at: now,
    }
}

#[derive(Deserialize)]
struct Count {
    prompts: u64,
}
