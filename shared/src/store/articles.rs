//! Topics (`TOPICS` / `TOPIC#slug`) and their articles (`TOPIC#slug` / `A#id`,
//! by the hash of the address: the same address is the same article). An index
//! has a topic's articles by time, so that a period is read without the rest.
//!
//! A copy's address is an item `A#id` too, which only says which article it is;
//! a deleted article's only says when that was ([`removals`](super::removals)).
//! What copies are recognised by, words and vectors are kept by
//! [`stories`](super::stories), [`words`](super::words) and
//! [`meaning`](super::meaning).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::cursor::CursorKey;
use super::expression::Change;
use super::meaning::{self, Place};
use super::table::{ArticlesTable, Table};
use super::{Item, StoreError, batch, keys, read, transaction, write};
use crate::domain::article::{Article, ArticleId, Stored, Topic, topic_slug};
use crate::domain::copies::Likeness;
use crate::domain::removal::first_due;
use crate::domain::search::Facts;
use crate::domain::signature::Signature;
use crate::domain::time::Timestamp;
use crate::domain::words::{Collection, folded};

/// Articles of one transaction: two items each, under its limit of 100.
pub const CHUNK: usize = 49;
/// Attempts at a chunk that meets another import of the same articles.
const ATTEMPTS: u32 = 8;
/// The attributes that are read to tell whether an address has an article already.
const KNOWN: &str = "sk, digest, #length, meant, same_as, deleted_at, due_sk";
/// What stands before the name of a kind of vectors in the attribute of a topic that counts its articles of that kind.
const MEANT: &str = "meant:";
/// Other addresses of one article that an answer names. The rest are left out.
const ALSO_AT_MAX: usize = 10;

/// Topics and articles.
#[derive(Clone, Debug)]
pub struct Articles {
    pub(super) table: Table<ArticlesTable>,
    cursors: CursorKey,
}

/// A topic as its own item has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicState {
    /// Its name, as it was first written.
    pub name: String,
    /// When it was made, which no later topic of the name shares; topics from
    /// before this was kept have none.
    pub made_at: Option<Timestamp>,
    /// Part of the built-in sample collection.
    pub sample: bool,
    /// How many articles it has, and how long they are together.
    pub articles: u64,
    /// Weighted words of them all.
    pub length: u64,
    /// Postings that were written for it, ever.
    pub postings: u64,
    /// Articles whose meaning is known, by the kind of vector; nothing in a topic from before this was counted.
    pub meant: BTreeMap<String, u64>,
}

impl TopicState {
    /// What its articles are like as a whole.
    pub fn collection(&self) -> Collection {
        Collection { articles: self.articles, length: self.length }
    }

    /// Its articles without a vector of this kind.
    pub fn without_meaning(&self, kind: &str) -> u64 {
        self.articles.saturating_sub(self.meant.get(kind).copied().unwrap_or(0))
    }
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// An article, with the digest of its content and its length in weighted words.
    Article {
        /// Of all its fields.
        digest: String,
        /// In weighted words.
        length: u32,
        /// The kind of vector that it was given.
        meant: Option<String>,
    },
    /// Another address of this article.
    Copy(ArticleId),
    /// An address whose article was deleted.
    Deleted(Deletion),
}

/// How far the removal of a deleted article is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// Where it is.
    pub stage: Stage,
}

/// A stage of a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was removed yet: the article may be put back over it.
    Waiting,
    /// Somebody took it up and hasn't ended it.
    UnderWay,
    /// The address has no words any more.
    Done,
}

/// What came of asking for a topic that is made if need be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is there.
    There(TopicState),
    /// An earlier topic of the name is being removed.
    Removing,
}

/// What came of keeping a copy's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It is kept, or was.
    Kept,
    /// The topic was deleted.
    TopicGone,
}

/// An article, ready to be written.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its id.
    pub id: ArticleId,
    /// Itself.
    pub article: Article,
    /// Of all its fields.
    pub digest: String,
    /// By which copies of it are recognised.
    pub signature: Signature,
    /// In weighted words.
    pub length: u32,
    /// How many postings it has.
    pub postings: u32,
    /// Its vector, when its text has one.
    pub vector: Option<Vec<f32>>,
    /// The kind of vectors that it was asked for; none when it could not be asked for.
    pub meant: Option<String>,
}

/// What became of a chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Articles that were not there before.
    pub added: u64,
    /// Articles whose address was there, now as imported.
    pub updated: u64,
}

/// What lists and counts need of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The article.
    pub id: ArticleId,
    /// Its category.
    pub category: Option<String>,
    /// Its sentiment, as a word.
    pub sentiment: Option<String>,
    /// Its outlet.
    pub source: Option<String>,
    /// When it was published.
    pub published_at: Timestamp,
}

#[derive(Deserialize)]
struct TopicItem {
    sk: String,
    name: String,
    #[serde(default)]
    article_count: u64,
    #[serde(default)]
    words_length: u64,
    #[serde(default)]
    postings: u64,
    #[serde(default)]
    sample: bool,
    made_at: Option<Timestamp>,
    made_by: Option<String>,
}

impl TopicItem {
    fn state(self) -> TopicState {
        TopicState {
            name: self.name,
            made_at: self.made_at,
            sample: self.sample,
            articles: self.article_count,
            length: self.words_length,
            postings: self.postings,
            meant: BTreeMap::new(),
        }
    }
}

#[derive(Deserialize)]
struct ArticleItem {
    sk: String,
    #[serde(with = "signature_bytes")]
    signature: Signature,
    #[serde(default)]
    also_at: Vec<String>,
    #[serde(flatten)]
    article: Article,
}

#[derive(Deserialize)]
struct ListedItem {
    sk: String,
    category: Option<String>,
    sentiment: Option<String>,
    source: Option<String>,
    published_at: Timestamp,
}

#[derive(Deserialize)]
struct KnownItem {
    sk: String,
    digest: Option<String>,
    #[serde(default)]
    length: u32,
    meant: Option<String>,
    same_as: Option<String>,
    deleted_at: Option<Timestamp>,
    due_sk: Option<String>,
}

/// A signature as text: what is read back must be what was written.
mod signature_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::domain::signature::Signature;

    pub fn serialize<S: Serializer>(signature: &Signature, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(signature.to_bytes()))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Signature, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(de::Error::custom)?;
        Signature::from_bytes(&bytes).ok_or_else(|| de::Error::custom("not a signature"))
    }
}

pub(super) fn id_of(sk: &str) -> Option<ArticleId> {
    sk.strip_prefix(keys::ARTICLE)?.parse().ok()
}

impl Articles {
    pub(super) fn new(table: Table<ArticlesTable>, cursors: CursorKey) -> Self {
        Self { table, cursors }
    }

    /// One page of the topics, by name, and the cursor of the next.
    pub async fn topics(
        &self,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<(Vec<Topic>, Option<String>), StoreError> {
        let scope = "topics";
        let after = cursor.map(|cursor| self.cursors.open(scope, cursor)).transpose()?;
        let query = self
            .table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :topics AND sk > :after")
            .expression_attribute_values(":topics", AttributeValue::S(keys::TOPICS.to_owned()))
            .expression_attribute_values(":after", AttributeValue::S(after.unwrap_or_else(|| " ".to_owned())))
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let mut found: Vec<TopicItem> =
            query.send().await?.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|last| self.cursors.seal(scope, &last.sk));
        let topics = found.into_iter().map(|item| self.with_dates(item));
        Ok((futures::future::try_join_all(topics).await?, next))
    }

    /// A page of all topics as their own items have them, after that of a slug; and the slug to go on after.
    pub async fn states(&self, after: Option<&str>) -> Result<(Vec<TopicState>, Option<String>), StoreError> {
        let query = self
            .table
            .query()
            .key_condition_expression("pk = :topics AND sk > :after")
            .expression_attribute_values(":topics", AttributeValue::S(keys::TOPICS.to_owned()))
            .expression_attribute_values(":after", AttributeValue::S(after.unwrap_or(" ").to_owned()));
        let output = query.send().await?;
        let next = output.last_evaluated_key.and_then(|key| Some(key.get("sk")?.as_s().ok()?.clone()));
        let states = output.items.unwrap_or_default().into_iter().map(state_of).collect::<Result<_, _>>()?;
        Ok((states, next))
    }

    /// The topic of this name.
    pub async fn topic(&self, name: &str) -> Result<Option<TopicState>, StoreError> {
        self.table.get(keys::topic(&topic_slug(name))).await?.map(state_of).transpose()
    }

    /// The topic of this name; when there is none it is made, without articles,
    /// as `made_by`'s, unless an earlier one is still being removed.
    pub async fn topic_or_new(
        &self,
        name: &str,
        made_by: Option<&str>,
        sample: bool,
        now: Timestamp,
    ) -> Result<Made, StoreError> {
        if let Some(there) = self.topic(name).await? {
            return Ok(Made::There(there));
        }
        let slug = topic_slug(name);
        let topic = Change::new().if_absent().set("name", name).set("sample", sample).set("made_at", now);
        let topic = match made_by {
            Some(user) => topic.set("made_by", user),
            None => topic,
        };
        let parts = vec![
            topic.add("article_count", 0).update_of(&self.table, keys::topic(&slug))?,
            Change::new().if_absent().check_of(&self.table, keys::removal(&slug))?,
        ];
        // Refused when somebody else has made it at this moment, or while an
        // earlier one is being removed.
        let _made = transaction::commit(&self.table.client, parts).await?;
        Ok(self.topic(name).await?.map_or(Made::Removing, Made::There))
    }

    async fn with_dates(&self, item: TopicItem) -> Result<Topic, StoreError> {
        let partition = keys::topic_partition(&topic_slug(&item.name));
        let (newest, oldest) = futures::try_join!(self.edge(&partition, false), self.edge(&partition, true))?;
        let TopicItem { name, article_count, sample, made_by, .. } = item;
        Ok(Topic { name, article_count, newest, oldest, sample, made_by })
    }

    /// When the newest or the oldest article of a topic was published.
    async fn edge(&self, partition: &str, oldest: bool) -> Result<Option<Timestamp>, StoreError> {
        let query = self.table.query().index_name(keys::BY_TIME);
        let output = query
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .scan_index_forward(oldest)
            .limit(1)
            .send()
            .await?;
        let item = output.items.unwrap_or_default().into_iter().next();
        Ok(item.map(read::<ListedItem>).transpose()?.map(|item| item.published_at))
    }

    /// What a topic's articles from `from` until before `until` are listed by,
    /// newest first, at most `most`; and whether there are older ones.
    pub async fn listed(
        &self,
        topic: &str,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        most: usize,
    ) -> Result<(Vec<Listed>, bool), StoreError> {
        // DynamoDB refuses a range that ends before it begins.
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Ok((Vec::new(), false));
        }
        let text = |at: Timestamp| AttributeValue::S(at.to_string());
        let query = self
            .table
            .query()
            .index_name(keys::BY_TIME)
            .key_condition_expression("pk = :partition AND published_at BETWEEN :from AND :until")
            .expression_attribute_values(
                ":partition",
                AttributeValue::S(keys::topic_partition(&topic_slug(topic))),
            )
            .expression_attribute_values(":from", text(from.unwrap_or(Timestamp::from_millis(i64::MIN))))
            .expression_attribute_values(
                ":until",
                text(until.map_or(Timestamp::from_millis(i64::MAX), |until| until.plus_millis(-1))),
            )
            .scan_index_forward(false);
        let mut listed = Vec::new();
        let mut start = None;
        loop {
            let left = most + 1 - listed.len();
            let output = query
                .clone()
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await?;
            for item in output.items.unwrap_or_default() {
                let ListedItem { sk, category, sentiment, source, published_at } = read(item)?;
                if let Some(id) = id_of(&sk) {
                    listed.push(Listed { id, category, sentiment, source, published_at });
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() || listed.len() > most {
                break;
            }
        }
        let more = listed.len() > most;
        listed.truncate(most);
        Ok((listed, more))
    }

    /// The articles of these ids that are there, in their order.
    pub async fn get_many(
        &self,
        topic: &str,
        ids: &[ArticleId],
    ) -> Result<Vec<(ArticleId, Stored)>, StoreError> {
        let slug = topic_slug(topic);
        let keys = ids.iter().map(|id| keys::article(&slug, *id)).collect();
        let mut found = HashMap::new();
        for item in batch::get(&self.table, keys, None, false).await? {
            // An address that only leads to another article is none itself, and a deleted one isn't any more.
            if !item.contains_key("digest") {
                continue;
            }
            let item: ArticleItem = read(item)?;
            if let Some(id) = id_of(&item.sk) {
                let ArticleItem { also_at, article, signature, .. } = item;
                found.insert(id, Stored { article, also_at, signature });
            }
        }
        Ok(ids.iter().filter_map(|id| Some((*id, found.remove(id)?))).collect())
    }

    /// What is known of these addresses.
    pub async fn known(
        &self,
        topic: &str,
        ids: &[ArticleId],
    ) -> Result<HashMap<ArticleId, Known>, StoreError> {
        let slug = topic_slug(topic);
        let keys = ids.iter().map(|id| keys::article(&slug, *id)).collect();
        let mut known = HashMap::new();
        for item in batch::get(&self.table, keys, Some(KNOWN), true).await? {
            let item: KnownItem = read(item)?;
            let Some(id) = id_of(&item.sk) else { continue };
            let what = match (item.same_as.and_then(|same| same.parse().ok()), item.deleted_at) {
                (Some(same), _) => Known::Copy(same),
                (None, Some(deleted_at)) => {
                    let stage = match item.due_sk {
                        None => Stage::Done,
                        Some(due) if due == keys::article_due(first_due(deleted_at), &slug, id) => {
                            Stage::Waiting
                        }
                        Some(_) => Stage::UnderWay,
                    };
                    Known::Deleted(Deletion { deleted_at, stage })
                }
                (None, None) => {
                    let KnownItem { digest, length, meant, .. } = item;
                    Known::Article { digest: digest.unwrap_or_default(), length, meant }
                }
            };
            known.insert(id, what);
        }
        Ok(known)
    }

    /// What tells whether others are copies of these articles, of those that are there.
    pub async fn likenesses(
        &self,
        topic: &str,
        ids: &[ArticleId],
    ) -> Result<HashMap<ArticleId, Likeness>, StoreError> {
        let slug = topic_slug(topic);
        let keys = ids.iter().map(|id| keys::article(&slug, *id)).collect();
        let mut likenesses = HashMap::new();
        for item in batch::get(&self.table, keys, None, true).await? {
            // An address that only leads to another article has none.
            if item.contains_key("digest") {
                let ArticleItem { sk, article, signature, .. } = read(item)?;
                likenesses.extend(id_of(&sk).map(|id| (id, Likeness::of(&article, signature, true))));
            }
        }
        Ok(likenesses)
    }

    /// Marks the addresses among `known` that only lead to an article that is gone as deleted. An
    /// article tells of [`ALSO_AT_MAX`] addresses, and those are marked when it is deleted; others
    /// are found here.
    pub async fn mark_stray_copies(
        &self,
        topic: &str,
        known: &mut HashMap<ArticleId, Known>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let copies = known.iter().filter_map(|(id, known)| match known {
            Known::Copy(first) => Some((*id, *first)),
            Known::Article { .. } | Known::Deleted(_) => None,
        });
        let copies: Vec<_> = copies.collect();
        let firsts: BTreeSet<_> = copies.iter().map(|(_, first)| *first).collect();
        let firsts = self.known(topic, &firsts.into_iter().collect::<Vec<_>>()).await?;
        let slug = topic_slug(topic);
        for (id, first) in copies {
            if matches!(firsts.get(&first), Some(Known::Article { .. })) {
                continue;
            }
            let mark = Change::new().when("same_as", "=", first.to_string()).remove("same_as");
            let mark = mark.set("deleted_at", now).write(&self.table, keys::article(&slug, id)).await?;
            if mark.is_ok() {
                known.insert(id, Known::Deleted(Deletion { deleted_at: now, stage: Stage::Done }));
            }
        }
        Ok(())
    }

    /// Writes up to [`CHUNK`] articles into the topic that was made at `made_at`,
    /// on condition that of their addresses still no more is known than `known`
    /// says: another import of the same articles makes this one look again.
    /// `None` when that topic was deleted.
    pub async fn put_chunk(
        &self,
        topic: &str,
        made_at: Option<Timestamp>,
        chunk: &[Prepared],
        known: &HashMap<ArticleId, Known>,
    ) -> Result<Option<Imported>, StoreError> {
        let slug = topic_slug(topic);
        let table = &self.table;
        let ids: Vec<_> = chunk.iter().map(|prepared| prepared.id).collect();
        let mut newer = None;
        for attempt in 1..=ATTEMPTS {
            let mut imported = Imported::default();
            let mut length = 0_i64;
            let mut meant: BTreeMap<&str, i64> = BTreeMap::new();
            let mut parts = Vec::with_capacity(2 * chunk.len() + 1);
            for prepared in chunk {
                let before = known.get(&prepared.id);
                let now = newer.as_ref().unwrap_or(known).get(&prepared.id);
                let condition = match now {
                    Some(Known::Article { digest, length: before, meant: kind }) => {
                        imported.updated += 1;
                        length -= i64::from(*before);
                        if let Some(kind) = kind {
                            *meant.entry(kind).or_default() -= 1;
                        }
                        unchanged(digest, kind.as_deref())
                    }
                    // It has become a copy of another meanwhile, or was deleted, and stays so.
                    Some(Known::Copy(_)) => continue,
                    Some(Known::Deleted(_)) if !matches!(before, Some(Known::Deleted(_))) => continue,
                    // The words that were written for it may have been removed meanwhile.
                    Some(Known::Deleted(deletion)) if now != before || deletion.stage == Stage::UnderWay => {
                        return Err(StoreError::Busy(
                            "an article is imported while it is removed".to_owned(),
                        ));
                    }
                    Some(Known::Deleted(deletion)) => {
                        imported.added += 1;
                        restored(*deletion, &slug, prepared.id)
                    }
                    None => {
                        imported.added += 1;
                        Change::new().if_absent()
                    }
                };
                length += i64::from(prepared.length);
                // What other addresses led to it is kept by an update, not by a put.
                let key = keys::article(&slug, prepared.id);
                parts.push(article_change(condition, prepared)?.update_of(table, key)?);
                if let Some(kind) = &prepared.meant {
                    *meant.entry(kind).or_default() += 1;
                }
                match (&prepared.vector, &prepared.meant) {
                    (Some(vector), Some(kind)) => {
                        let place = Place { slug: &slug, kind, id: prepared.id, article: &prepared.article };
                        parts.push(Change::new().put_of(table, meaning::item(place, vector))?);
                    }
                    // What its text meant before says nothing of it any more.
                    _ if matches!(now, Some(Known::Article { .. })) => {
                        parts.push(Change::new().put_of(table, meaning::none(&slug, prepared.id))?);
                    }
                    _ => {}
                }
            }
            if parts.is_empty() {
                return Ok(Some(imported));
            }
            let postings: i64 = chunk.iter().map(|prepared| i64::from(prepared.postings)).sum();
            let count = counted(of_topic(made_at), meant)
                .add("article_count", i64::try_from(imported.added).unwrap_or(i64::MAX))
                .add("words_length", length)
                .add("postings", postings);
            let last = parts.len();
            parts.push(count.update_of(table, keys::topic(&slug))?);
            match transaction::commit(&self.table.client, parts).await? {
                Ok(()) => return Ok(Some(imported)),
                Err(refused) if refused.part == last => return Ok(None),
                Err(_) => {}
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
            newer = Some(self.known(topic, &ids).await?);
        }
        Err(StoreError::Busy("an import met others on every try".to_owned()))
    }

    /// Records that `url` leads to the same text as the article `same_as`, in the
    /// topic that was made at `made_at`.
    pub async fn keep_copy(
        &self,
        topic: &str,
        made_at: Option<Timestamp>,
        url: &str,
        same_as: ArticleId,
    ) -> Result<Copied, StoreError> {
        let slug = topic_slug(topic);
        let table = &self.table;
        let key = keys::article(&slug, ArticleId::of(url));
        // Nothing is known of the address, or that its article was deleted.
        let copy = || Change::new().when_absent("digest").when_absent("same_as");
        let copy = || copy().set("same_as", same_as.to_string()).remove("deleted_at");
        let article = || Change::new().when_present("digest");
        let told = article().append("also_at", url, ALSO_AT_MAX);
        let same = keys::article(&slug, same_as);
        let of_topic = || of_topic(made_at).check_of(table, keys::topic(&slug));
        let parts =
            vec![copy().update_of(table, key.clone())?, told.update_of(table, same.clone())?, of_topic()?];
        let refused = match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => return Ok(Copied::Kept),
            Err(refused) => refused,
        };
        match refused.part {
            // It is known already.
            0 => return Ok(Copied::Kept),
            // The article has its fill of addresses: this one is known, and not told.
            1 if refused.item.contains_key("digest") => {}
            1 => {
                return Err(StoreError::Busy(
                    "an article was deleted while a copy of it was imported".to_owned(),
                ));
            }
            _ => return Ok(Copied::TopicGone),
        }
        let parts = vec![copy().update_of(table, key)?, article().check_of(table, same)?, of_topic()?];
        match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => Ok(Copied::Kept),
            Err(refused) if refused.part == 0 => Ok(Copied::Kept),
            Err(refused) if refused.part == 1 => {
                Err(StoreError::Busy("an article was deleted while a copy of it was imported".to_owned()))
            }
            Err(_) => Ok(Copied::TopicGone),
        }
    }
}

/// A topic with what is known of it.
fn state_of(item: Item) -> Result<TopicState, StoreError> {
    let count = |(name, value): (&String, &AttributeValue)| {
        Some((name.strip_prefix(MEANT)?.to_owned(), value.as_n().ok()?.parse().ok()?))
    };
    let meant = item.iter().filter_map(count).collect();
    Ok(TopicState { meant, ..read::<TopicItem>(item)?.state() })
}

/// The change of a topic that counts articles of these kinds of vectors in, or out.
pub(super) fn counted<'a>(topic: Change, meant: impl IntoIterator<Item = (&'a str, i64)>) -> Change {
    meant
        .into_iter()
        .filter(|(_, articles)| *articles != 0)
        .fold(topic, |topic, (kind, articles)| topic.add(&format!("{MEANT}{kind}"), articles))
}

/// The condition that an article is as it was read, and so is what is known of its meaning.
pub(super) fn unchanged(digest: &str, meant: Option<&str>) -> Change {
    let unchanged = Change::new().when("digest", "=", digest);
    match meant {
        Some(kind) => unchanged.when("meant", "=", kind),
        None => unchanged.when_absent("meant"),
    }
}

/// The condition that a topic's item is that of the topic made at `made_at`.
pub(super) fn of_topic(made_at: Option<Timestamp>) -> Change {
    match made_at {
        Some(at) => Change::new().when("made_at", "=", at),
        None => Change::new().if_exists().when_absent("made_at"),
    }
}

/// An article where a deleted one was, as its removal stands. One that waits is
/// not done any more: the words that the article had are like those of an
/// earlier version of it.
fn restored(deletion: Deletion, slug: &str, id: ArticleId) -> Change {
    let change = Change::new().when("deleted_at", "=", deletion.deleted_at).remove("deleted_at");
    match deletion.stage {
        Stage::Done => change.when_absent("due_sk"),
        Stage::Waiting | Stage::UnderWay => {
            let due = keys::article_due(first_due(deletion.deleted_at), slug, id);
            change.when("due_sk", "=", due).remove("due_pk").remove("due_sk")
        }
    }
}

/// Every field of an article, those it no longer has included.
fn article_change(condition: Change, prepared: &Prepared) -> Result<Change, StoreError> {
    const OPTIONAL: [&str; 7] = ["source", "summary", "text", "category", "sentiment", "tags", "language"];
    let mut change = condition
        .set("digest", &prepared.digest)
        .set("length", prepared.length)
        .set("signature", SignatureText(&prepared.signature));
    change = match &prepared.meant {
        Some(kind) => change.set("meant", kind),
        None => change.remove("meant"),
    };
    let fields = write(&prepared.article)?;
    for absent in OPTIONAL.iter().filter(|name| !fields.contains_key(**name)) {
        change = change.remove(absent);
    }
    for (name, value) in fields {
        change = change.set_value(&name, value);
    }
    Ok(change)
}

struct SignatureText<'a>(&'a Signature);

impl Serialize for SignatureText<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        signature_bytes::serialize(self.0, serializer)
    }
}

/// Whether a listed article has the facts that are asked for.
pub fn has_facts(listed: &Listed, facts: &Facts) -> bool {
    let same =
        |one: &Option<String>, other: &str| one.as_deref().is_some_and(|one| folded(one) == folded(other));
    (facts.categories.is_empty() || facts.categories.iter().any(|wanted| same(&listed.category, wanted)))
        && facts.sentiment.is_none_or(|wanted| listed.sentiment.as_deref() == Some(wanted.as_str()))
        && facts.source.as_ref().is_none_or(|wanted| same(&listed.source, wanted))
}
