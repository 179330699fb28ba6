//! Deleting topics and articles: what is gone at once, and the removal of the remains.
//!
//! A deleted topic's item and its feeds go, and an item `REMOVALS` / `TOPIC#slug` takes their
//! place, in one transaction. While that item stands no topic of the slug can be made, so all that
//! still has the slug belongs to what was deleted.
//!
//! A deleted article's item stays, as a mark without content: a feed that still has the article
//! doesn't bring it back. Its other addresses are marked in the same way.
//!
//! Both stand in the index by due time until their remains are removed. The remover moves the time
//! on, on condition that it is as it was read, and has the removal to itself until then. Every step
//! may be done twice, and a removal that runs out of time goes on later where it stopped: of a topic
//! what was removed is not found again, and an article's mark says which buckets are cleared.
//!
//! A topic of 2,000 articles was 4,513 items: articles, vectors, and segments of 4 KB in 512 buckets.
//! It took 1,193 calls and 11,080 units, 5 for each article and 1,000 for the buckets. A call reads a
//! page of keys or deletes 25 items, 8 of them at once. So 100,000 articles are 10,000 calls. All of a
//! topic's articles stand in one partition, which takes 1,000 writes a second: that bounds the time,
//! and [`minutes_until_free`](crate::domain::removal::minutes_until_free) tells it, 22 minutes.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use tokio::time::Instant;

use super::expression::Change;
use super::table::{ArticlesTable, Table};
use super::{Item, StoreError, articles, batch, keys, read, stories, transaction, write};
use crate::domain::article::{ArticleId, topic_slug};
use crate::domain::removal::{Asker, QUIET_MS, first_due};
use crate::domain::time::Timestamp;
use crate::domain::words::run_without;
use crate::feeds::FEEDS_MAX;

/// Attempts at a change that loses to a concurrent one; then the caller is told to try again.
const ATTEMPTS: u32 = 8;
/// Batches of deletions, or buckets, that are worked on at the same time.
const AT_ONCE: usize = 8;
/// Buckets of a topic: 256 of signatures' keys, and 256 of terms.
pub const BUCKETS: usize = 512;

/// Deletions and removals.
#[derive(Clone, Debug)]
pub struct Removals {
    table: Table<ArticlesTable>,
}

/// A topic that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, as it was first written.
    pub name: String,
    /// How many articles go with it.
    pub articles: u64,
    /// How many feeds it followed.
    pub feeds: u64,
}

/// What is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remains {
    /// All that has a topic's slug.
    Topic(String),
    /// Words and signatures' keys of an article, in the topic of a slug.
    Article(String, ArticleId),
}

/// A removal that is to be done.
#[derive(Clone, Debug)]
pub struct Removal {
    /// What is to be removed.
    pub remains: Remains,
    /// Buckets of the topic that are cleared of an article, from the first on; known once it was
    /// taken up.
    pub cleared: usize,
    key: keys::Key,
    due: String,
}

#[derive(Deserialize)]
struct TopicItem {
    name: String,
    #[serde(default)]
    article_count: u64,
    #[serde(default)]
    feeds: Option<u64>,
    #[serde(default)]
    sample: bool,
    made_at: Option<Timestamp>,
    made_by: Option<String>,
}

#[derive(Deserialize)]
struct ArticleItem {
    digest: Option<String>,
    #[serde(default)]
    length: i64,
    meant: Option<String>,
    also_at: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Cleared {
    #[serde(default)]
    cleared: usize,
}

impl Removals {
    pub(super) fn new(table: Table<ArticlesTable>) -> Self {
        Self { table }
    }

    /// Deletes a topic with its feeds, if this user may; `None` when there is none or they may not.
    pub async fn delete_topic(
        &self,
        topic: &str,
        asker: Asker<'_>,
        now: Timestamp,
    ) -> Result<Option<DeletedTopic>, StoreError> {
        let slug = topic_slug(topic);
        for attempt in 1..=ATTEMPTS {
            let Some(topic) = self.topic_of(&slug, asker).await? else { return Ok(None) };
            let TopicItem { name, article_count, feeds, sample, made_at, .. } = topic;
            let followed = if feeds.unwrap_or(0) > 0 { self.feeds(&slug).await? } else { Vec::new() };
            let feed_count = followed.len() as u64;
            let table = &self.table;
            // A feed that is followed meanwhile changes their count.
            let unchanged = match feeds {
                Some(feeds) => articles::of_topic(made_at).when("feeds", "=", feeds),
                None => articles::of_topic(made_at).when_absent("feeds"),
            };
            let mut removal = keys::removal(&slug).item();
            removal.extend(due(keys::place(first_due(now), &slug)));
            let mut parts = vec![
                unchanged.delete_of(table, keys::topic(&slug))?,
                Change::new().if_absent().put_of(table, removal)?,
            ];
            if sample {
                parts.push(Change::new().put_of(table, keys::sample_deleted(&slug).item())?);
            }
            for feed in followed {
                parts.push(Change::new().delete_of(table, feed)?);
            }
            if transaction::commit(&self.table.client, parts).await?.is_ok() {
                return Ok(Some(DeletedTopic { name, articles: article_count, feeds: feed_count }));
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
        Err(StoreError::Busy("a topic changed on every try to delete it".to_owned()))
    }

    /// Deletes an article of a topic, if this user may delete the topic; its topic's name, or `None`
    /// when there is no such article or they may not.
    pub async fn delete_article(
        &self,
        topic: &str,
        id: ArticleId,
        asker: Asker<'_>,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let slug = topic_slug(topic);
        for attempt in 1..=ATTEMPTS {
            let Some(topic) = self.topic_of(&slug, asker).await? else { return Ok(None) };
            let Some(item) = self.table.get(keys::article(&slug, id)).await? else { return Ok(None) };
            let article: ArticleItem = read(item)?;
            // A copy's address, or what was deleted before.
            if article.digest.is_none() {
                return Ok(None);
            }
            let parts = self.marks(&slug, id, article, topic.made_at, now)?;
            if transaction::commit(&self.table.client, parts).await?.is_ok() {
                return Ok(Some(topic.name));
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
        Err(StoreError::Busy("an article changed on every try to delete it".to_owned()))
    }

    /// What deleting an article changes at once.
    fn marks(
        &self,
        slug: &str,
        id: ArticleId,
        article: ArticleItem,
        made_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = &self.table;
        let mut mark = keys::article(slug, id).item();
        mark.extend(deleted(now)?);
        mark.extend(due(keys::article_due(first_due(now), slug, id)));
        let ArticleItem { digest, length, meant, also_at } = article;
        let unchanged = articles::unchanged(&digest.unwrap_or_default(), meant.as_deref());
        let unchanged = match &also_at {
            Some(addresses) => unchanged.when("also_at", "=", addresses),
            None => unchanged.when_absent("also_at"),
        };
        let less = meant.as_deref().map(|kind| (kind, -1));
        let count = articles::counted(articles::of_topic(made_at), less);
        let count = count.add("article_count", -1).add("words_length", -length);
        let mut parts = vec![
            unchanged.put_of(table, mark)?,
            Change::new().delete_of(table, keys::vector(slug, id))?,
            count.update_of(table, keys::topic(slug))?,
        ];
        for address in also_at.unwrap_or_default() {
            let mut mark = keys::article(slug, ArticleId::of(&address)).item();
            mark.extend(deleted(now)?);
            parts.push(Change::new().put_of(table, mark)?);
        }
        Ok(parts)
    }

    /// The topic of a slug, if this user may delete it.
    async fn topic_of(&self, slug: &str, asker: Asker<'_>) -> Result<Option<TopicItem>, StoreError> {
        let topic: Option<TopicItem> = self.table.get(keys::topic(slug)).await?.map(read).transpose()?;
        Ok(topic.filter(|topic| asker.may_delete(topic.made_by.as_deref())))
    }

    async fn feeds(&self, slug: &str) -> Result<Vec<keys::Key>, StoreError> {
        let query = self.table.query().consistent_read(true);
        let output = query
            .key_condition_expression("pk = :topic AND begins_with(sk, :feed)")
            .expression_attribute_values(":topic", AttributeValue::S(keys::topic_partition(slug)))
            .expression_attribute_values(":feed", AttributeValue::S(keys::FEED.to_owned()))
            .projection_expression("pk, sk")
            .limit(i32::try_from(FEEDS_MAX).unwrap_or(i32::MAX))
            .send()
            .await?;
        output.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// Keeps that an article of a topic was deleted, where nothing else is known of it.
    pub async fn keep_mark(&self, topic: &str, id: ArticleId, at: Timestamp) -> Result<(), StoreError> {
        let mark = Change::new().if_absent().set("deleted_at", at);
        // Refused when something is known of it, which counts.
        let _kept = mark.write(&self.table, keys::article(&topic_slug(topic), id)).await?;
        Ok(())
    }

    /// Keeps that a topic of the sample collection was deleted.
    pub async fn keep_deleted_sample(&self, topic: &str) -> Result<(), StoreError> {
        let put = Change::new().put_of(&self.table, keys::sample_deleted(&topic_slug(topic)).item())?;
        // It has no condition to be refused by.
        let _kept = transaction::commit(&self.table.client, vec![put]).await?;
        Ok(())
    }

    /// Whether this topic of the sample collection was deleted.
    pub async fn is_deleted_sample(&self, topic: &str) -> Result<bool, StoreError> {
        Ok(self.table.get(keys::sample_deleted(&topic_slug(topic))).await?.is_some())
    }

    /// Up to `limit` removals that are due, the longest due first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Removal>, StoreError> {
        let query = self.table.query().index_name(keys::BY_DUE);
        let output = query
            .key_condition_expression("due_pk = :removals AND due_sk < :now")
            .expression_attribute_values(":removals", AttributeValue::S(keys::REMOVALS.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(keys::place(now.plus_millis(1), "")))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        Ok(output.items.unwrap_or_default().into_iter().filter_map(removal_of).collect())
    }

    /// Takes a removal up, until [`QUIET_MS`] from now; `None` when another has it or has done it.
    pub async fn take_up(&self, removal: Removal, now: Timestamp) -> Result<Option<Removal>, StoreError> {
        let due = due_of(&removal.remains, now.plus_millis(QUIET_MS));
        let change = Change::new().when("due_sk", "=", &removal.due).set("due_sk", &due);
        let Ok(item) = change.apply(&self.table, removal.key.clone()).await? else { return Ok(None) };
        let Cleared { cleared } = read(item)?;
        Ok(Some(Removal { due, cleared, ..removal }))
    }

    /// Lets another go on with a removal at once, from where it is.
    pub async fn let_go(&self, removal: Removal, now: Timestamp) -> Result<(), StoreError> {
        let change = Change::new().when("due_sk", "=", &removal.due);
        let change = change.set("due_sk", due_of(&removal.remains, now)).set("cleared", removal.cleared);
        // Refused when another has it: then it goes on there.
        let _let_go = change.write(&self.table, removal.key).await?;
        Ok(())
    }

    /// Ends a removal that is done. The name of a topic is free from then on; an article's mark
    /// stays.
    pub async fn end(&self, removal: Removal) -> Result<(), StoreError> {
        let mine = Change::new().when("due_sk", "=", &removal.due);
        let part = match removal.remains {
            Remains::Topic(_) => mine.delete_of(&self.table, removal.key)?,
            Remains::Article(..) => mine
                .remove("due_pk")
                .remove("due_sk")
                .remove("cleared")
                .update_of(&self.table, removal.key)?,
        };
        // Refused when another has it: then it is ended there.
        let _ended = transaction::commit(&self.table.client, vec![part]).await?;
        Ok(())
    }

    /// Removes all that has a topic's slug; false when `until` came first.
    pub async fn remove_topic(&self, slug: &str, until: Instant) -> Result<bool, StoreError> {
        let articles = keys::topic_partition(slug);
        if !self.remove_partition(&articles, until).await? {
            return Ok(false);
        }
        let buckets =
            keys::buckets(slug).map(|bucket| async move { self.remove_partition(&bucket, until).await });
        all(stream::iter(buckets).buffer_unordered(AT_ONCE)).await
    }

    /// Removes a partition's items; false when `until` came first. Nobody adds to it.
    async fn remove_partition(&self, partition: &str, until: Instant) -> Result<bool, StoreError> {
        let query = self.of_partition(partition).projection_expression("pk, sk");
        loop {
            if Instant::now() >= until {
                return Ok(false);
            }
            let output = query.clone().send().await?;
            let keys: Vec<keys::Key> =
                output.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
            let batches = keys.chunks(batch::WRITE_MAX).map(|keys| async move {
                if Instant::now() >= until {
                    return Ok(false);
                }
                batch::delete(&self.table, keys.to_vec()).await?;
                Ok(true)
            });
            let batches: Vec<_> = batches.collect();
            if !all(stream::iter(batches).buffer_unordered(AT_ONCE)).await? {
                return Ok(false);
            }
            // What is removed isn't found again: the next page is the first.
            if output.last_evaluated_key.is_none() {
                return Ok(true);
            }
        }
    }

    /// Removes the words and signatures' keys of articles of a topic, from the bucket of this number
    /// on, until `until`; the number of the first bucket that isn't cleared, [`BUCKETS`] when all are.
    /// Every bucket is looked at: an article that was changed stands where it stood before, too.
    pub async fn remove_articles(
        &self,
        slug: &str,
        ids: &BTreeSet<ArticleId>,
        from: usize,
        until: Instant,
    ) -> Result<usize, StoreError> {
        let buckets = keys::buckets(slug).skip(from);
        let clearing = buckets.map(|bucket| async move { self.clear(&bucket, ids, until).await });
        let mut clearing = stream::iter(clearing).buffered(AT_ONCE);
        let mut cleared = from;
        while let Some(true) = clearing.try_next().await? {
            cleared += 1;
        }
        Ok(cleared)
    }

    async fn clear(
        &self,
        bucket: &str,
        ids: &BTreeSet<ArticleId>,
        until: Instant,
    ) -> Result<bool, StoreError> {
        let query = self.of_partition(bucket);
        let mut start = None;
        loop {
            if Instant::now() >= until {
                return Ok(false);
            }
            let output = query.clone().set_exclusive_start_key(start).send().await?;
            for segment in output.items.unwrap_or_default() {
                self.clear_segment(segment, ids).await?;
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                return Ok(true);
            }
        }
    }

    /// Takes articles out of a segment's sets, on condition that nothing was added meanwhile.
    async fn clear_segment(&self, mut segment: Item, ids: &BTreeSet<ArticleId>) -> Result<(), StoreError> {
        let key: keys::Key = read(segment.clone())?;
        for attempt in 1..=ATTEMPTS {
            let mut change = Change::new();
            let mut changes = false;
            for name in ["postings", "stories"] {
                let Some(AttributeValue::Bs(elements)) = segment.remove(name) else { continue };
                let kept: Vec<Blob> = elements
                    .iter()
                    .filter_map(|element| match name {
                        "postings" => run_without(element.as_ref(), ids),
                        _ => (!stories::is_of(element.as_ref(), ids)).then(|| element.as_ref().to_vec()),
                    })
                    .map(Blob::new)
                    .collect();
                if kept == elements {
                    continue;
                }
                changes = true;
                change = change.when_value(name, AttributeValue::Bs(elements));
                change = if kept.is_empty() {
                    change.remove(name)
                } else {
                    change.set_value(name, AttributeValue::Bs(kept))
                };
            }
            if !changes {
                return Ok(());
            }
            match change.write(&self.table, key.clone()).await? {
                Ok(()) => return Ok(()),
                Err(newer) => segment = newer,
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
        Err(StoreError::Busy("a segment was added to on every try".to_owned()))
    }

    fn of_partition(
        &self,
        partition: &str,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        self.table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
    }
}

/// Whether all were done.
async fn all(done: impl stream::Stream<Item = Result<bool, StoreError>>) -> Result<bool, StoreError> {
    done.try_fold(true, async |all, done| Ok(all && done)).await
}

/// The place of a removal among those that are due.
fn due_of(remains: &Remains, at: Timestamp) -> String {
    match remains {
        Remains::Topic(slug) => keys::place(at, slug),
        Remains::Article(slug, id) => keys::article_due(at, slug, *id),
    }
}

/// The place among what is due.
fn due(at: String) -> Item {
    [("due_pk", keys::REMOVALS.to_owned()), ("due_sk", at)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value)))
        .into()
}

/// What marks an address as deleted.
fn deleted(at: Timestamp) -> Result<Item, StoreError> {
    write(&std::collections::BTreeMap::from([("deleted_at", at)]))
}

fn removal_of(item: Item) -> Option<Removal> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    let (key, due) = (keys::Key { pk: text("pk")?, sk: text("sk")? }, text("due_sk")?);
    let remains = if key.pk == keys::REMOVALS {
        Remains::Topic(key.sk.strip_prefix(keys::TOPIC)?.to_owned())
    } else {
        let slug = keys::topic_of_partition(&key.pk)?.to_owned();
        Remains::Article(slug, key.sk.strip_prefix(keys::ARTICLE)?.parse().ok()?)
    };
    Some(Removal { remains, cleared: 0, key, due })
}
