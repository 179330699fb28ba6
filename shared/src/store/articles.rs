//! Topics (`TOPICS` / `TOPIC#slug`) and their articles (`TOPIC#slug` /
//! `A#hash`, by the hash of the URL: the same URL is the same article). An
//! index has a topic's articles by time, so that a period is read without the rest.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cursor::CursorKey;
use super::expression::Change;
use super::{StoreError, Table, keys, read, transaction, write};
use crate::domain::article::{Article, Topic, topic_slug};
use crate::domain::time::Timestamp;

/// Articles of one transaction: under its limits of 100 items and 4 MB.
const CHUNK: usize = 50;
/// Bytes of one transaction's articles, at the most.
const CHUNK_BYTES: usize = 3_000_000;
/// A chunk that meets another import of the same articles is tried this often.
const ATTEMPTS: u32 = 8;

/// Topics and articles.
#[derive(Clone, Debug)]
pub struct Articles {
    table: Table,
    cursors: CursorKey,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Articles that were not there before.
    pub added: u64,
    /// Articles whose URL was there, now as imported.
    pub updated: u64,
}

/// Articles of a period.
#[derive(Debug)]
pub struct Reading {
    /// Newest first.
    pub articles: Vec<Article>,
    /// There are older ones that were left out.
    pub more: bool,
}

#[derive(Serialize, Deserialize)]
struct TopicItem {
    pk: String,
    sk: String,
    name: String,
    #[serde(default)]
    article_count: u64,
    #[serde(default)]
    sample: bool,
}

#[derive(Serialize, Deserialize)]
struct ArticleItem {
    pk: String,
    sk: String,
    #[serde(flatten)]
    article: Article,
}

/// What identifies an article within its topic: 128 bits of its URL's hash.
fn hash(url: &str) -> String {
    let digest = Sha256::digest(url.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..16).unwrap_or_default())
}

impl Articles {
    pub(super) fn new(table: Table, cursors: CursorKey) -> Self {
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
            .client
            .query()
            .table_name(&self.table.name)
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

    /// The topic of this name.
    pub async fn topic(&self, name: &str) -> Result<Option<Topic>, StoreError> {
        match self.table.get(keys::topic(&topic_slug(name))).await? {
            Some(item) => Ok(Some(self.with_dates(read(item)?).await?)),
            None => Ok(None),
        }
    }

    async fn with_dates(&self, item: TopicItem) -> Result<Topic, StoreError> {
        let partition = keys::topic_partition(&topic_slug(&item.name));
        let (newest, oldest) = futures::try_join!(self.edge(&partition, false), self.edge(&partition, true))?;
        Ok(Topic { name: item.name, article_count: item.article_count, newest, oldest, sample: item.sample })
    }

    /// When the newest or the oldest article of a topic was published.
    async fn edge(&self, partition: &str, oldest: bool) -> Result<Option<Timestamp>, StoreError> {
        let query = self.table.client.query().table_name(&self.table.name).index_name(keys::BY_TIME);
        let output = query
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .scan_index_forward(oldest)
            .limit(1)
            .send()
            .await?;
        let item = output.items.unwrap_or_default().into_iter().next();
        Ok(item.map(read::<ArticleItem>).transpose()?.map(|item| item.article.published_at))
    }

    /// A topic's articles from `from` until before `until`, newest first, at
    /// most `most`.
    pub async fn published(
        &self,
        topic: &str,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        most: usize,
    ) -> Result<Reading, StoreError> {
        // DynamoDB refuses a range that ends before it begins.
        if from.zip(until).is_some_and(|(from, until)| from >= until) {
            return Ok(Reading { articles: Vec::new(), more: false });
        }
        let latest = Timestamp::from_millis(i64::MAX);
        let query = self
            .table
            .client
            .query()
            .table_name(&self.table.name)
            .index_name(keys::BY_TIME)
            .key_condition_expression("pk = :partition AND published_at BETWEEN :from AND :until")
            .expression_attribute_values(
                ":partition",
                AttributeValue::S(keys::topic_partition(&topic_slug(topic))),
            )
            .expression_attribute_values(
                ":from",
                AttributeValue::S(from.unwrap_or(Timestamp::from_millis(i64::MIN)).to_string()),
            )
            .expression_attribute_values(
                ":until",
                AttributeValue::S(until.map_or(latest, |until| until.plus_millis(-1)).to_string()),
            )
            .scan_index_forward(false);
        let mut articles = Vec::new();
        let mut start = None;
        loop {
            let left = most + 1 - articles.len();
            let output = query
                .clone()
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start)
                .send()
                .await?;
            for item in output.items.unwrap_or_default() {
                articles.push(read::<ArticleItem>(item)?.article);
            }
            start = output.last_evaluated_key;
            if start.is_none() || articles.len() > most {
                break;
            }
        }
        let more = articles.len() > most;
        articles.truncate(most);
        Ok(Reading { articles, more })
    }

    /// Adds articles to a topic, which is made if need be. In order: of two
    /// with one URL the later stays.
    pub async fn import(
        &self,
        topic: &str,
        articles: Vec<Article>,
        sample: bool,
    ) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        let mut chunk: Vec<Article> = Vec::new();
        let mut hashes = HashSet::new();
        let mut bytes = 0;
        for article in articles {
            let size = article.title.len()
                + article.body().len()
                + article.text.as_deref().map_or(0, str::len)
                + 1_000;
            let full = chunk.len() == CHUNK || bytes + size > CHUNK_BYTES;
            if full || hashes.contains(&hash(&article.url)) {
                self.import_chunk(topic, &chunk, sample, &mut imported).await?;
                chunk.clear();
                hashes.clear();
                bytes = 0;
            }
            hashes.insert(hash(&article.url));
            bytes += size;
            chunk.push(article);
        }
        if !chunk.is_empty() {
            self.import_chunk(topic, &chunk, sample, &mut imported).await?;
        }
        Ok(imported)
    }

    async fn import_chunk(
        &self,
        topic: &str,
        chunk: &[Article],
        sample: bool,
        imported: &mut Imported,
    ) -> Result<(), StoreError> {
        let slug = topic_slug(topic);
        let table = &self.table.name;
        for attempt in 1..=ATTEMPTS {
            let present = self.present(&slug, chunk).await?;
            let added = chunk.len() - present.len();
            let first = self.table.get(keys::topic(&slug)).await?.is_none();
            let mut count = Change::new().add("article_count", i64::try_from(added).unwrap_or(i64::MAX));
            count = if first {
                count.if_absent().set("name", topic).set("sample", sample)
            } else {
                count.if_exists()
            };
            let mut parts = vec![count.update_of(table, keys::topic(&slug))?];
            for article in chunk {
                let keys::Key { pk, sk } = keys::article(&slug, &hash(&article.url));
                let condition =
                    if present.contains(&sk) { Change::new().if_exists() } else { Change::new().if_absent() };
                parts.push(
                    condition.put_of(table, write(&ArticleItem { pk, sk, article: article.clone() })?)?,
                );
            }
            if transaction::commit(&self.table.client, parts).await?.is_ok() {
                imported.added += added as u64;
                imported.updated += present.len() as u64;
                return Ok(());
            }
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
        Err(StoreError::Busy("an import met others on every try".to_owned()))
    }

    /// The sort keys of those articles that are there already.
    async fn present(&self, slug: &str, chunk: &[Article]) -> Result<HashSet<String>, StoreError> {
        let mut wanted: Vec<_> =
            chunk.iter().map(|article| keys::article(slug, &hash(&article.url)).item()).collect();
        let mut present = HashSet::new();
        for _ in 0..ATTEMPTS {
            if wanted.is_empty() {
                return Ok(present);
            }
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .projection_expression("sk")
                .consistent_read(true)
                .build()?;
            let output =
                self.table.client.batch_get_item().request_items(&self.table.name, request).send().await?;
            let found =
                output.responses.and_then(|mut tables| tables.remove(&self.table.name)).unwrap_or_default();
            present.extend(found.into_iter().filter_map(|item| item.get("sk")?.as_s().ok().cloned()));
            let left = output.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table.name));
            wanted = left.map(|left| left.keys).unwrap_or_default();
        }
        Err(StoreError::Busy("reads of a batch were put off on every try".to_owned()))
    }
}
