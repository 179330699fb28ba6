//! Feeds that topics follow: `TOPIC#slug` / `F#id`, by the hash of the address
//! they were followed at. An index has them by the time they are to be looked
//! at again; a stopped one isn't in it.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::table::{ArticlesTable, Table};
use super::{Item, StoreError, keys, read, transaction, write};
use crate::domain::article::{ArticleId, topic_slug};
use crate::domain::time::Timestamp;
use crate::feeds::{FEEDS_MAX, Feed, Validators};

/// Whoever collects a feed has it for themselves for so long, in milliseconds:
/// fetching takes up to 15 seconds, importing the rest.
const CLAIM_MS: i64 = 3 * 60_000;

/// The feeds.
#[derive(Clone, Debug)]
pub struct Feeds {
    table: Table<ArticlesTable>,
}

/// A feed with what collecting it needs besides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Followed {
    /// The feed.
    #[serde(flatten)]
    pub feed: Feed,
    /// Its topic's name.
    pub topic: String,
    /// For asking whether it has changed.
    pub validators: Validators,
    /// Until when somebody collects it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_until: Option<Timestamp>,
}

/// What came of following a feed.
#[derive(Debug, PartialEq, Eq)]
pub enum Following {
    /// It is followed.
    Followed,
    /// It was followed before.
    Already,
    /// The topic follows as many as it may.
    TooMany,
    /// The topic was deleted.
    TopicGone,
}

/// What came of claiming a feed.
#[derive(Debug)]
pub enum FeedClaim {
    /// It is the caller's to collect.
    Claimed(Box<Followed>),
    /// Somebody else collects it, or did a moment ago.
    Held(Box<Followed>),
    /// It is no longer followed.
    Gone,
}

#[derive(Serialize)]
struct FeedItem<'a> {
    pk: String,
    sk: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_pk: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_sk: Option<String>,
    #[serde(flatten)]
    followed: &'a Followed,
}

/// The id of a feed that is followed at `url`.
pub fn feed_id(url: &str) -> String {
    ArticleId::of(url).to_string()
}

/// Where a feed stands among those that are due.
fn place(feed: &Followed) -> Option<String> {
    let slug = topic_slug(&feed.topic);
    feed.feed.health.next_check_at.map(|at| keys::place(at, &format!("{slug}#{}", feed.feed.id)))
}

impl Feeds {
    pub(super) fn new(table: Table<ArticlesTable>) -> Self {
        Self { table }
    }

    /// The feeds of a topic, by title.
    pub async fn list(&self, topic: &str) -> Result<Vec<Feed>, StoreError> {
        let query = self.table.query().consistent_read(true);
        let output = query
            .key_condition_expression("pk = :topic AND begins_with(sk, :feed)")
            .expression_attribute_values(
                ":topic",
                AttributeValue::S(keys::topic_partition(&topic_slug(topic))),
            )
            .expression_attribute_values(":feed", AttributeValue::S(keys::FEED.to_owned()))
            .limit(i32::try_from(FEEDS_MAX).unwrap_or(i32::MAX))
            .send()
            .await?;
        let items = output.items.unwrap_or_default();
        let mut feeds = items
            .into_iter()
            .map(|item| Ok(read::<Followed>(item)?.feed))
            .collect::<Result<Vec<_>, StoreError>>()?;
        feeds.sort_by_key(|feed| (feed.title.to_lowercase(), feed.url.clone()));
        Ok(feeds)
    }

    /// A feed, as it is.
    pub async fn get(&self, topic: &str, id: &str) -> Result<Option<Followed>, StoreError> {
        self.table.get(keys::feed(&topic_slug(topic), id)).await?.map(read).transpose()
    }

    /// Follows a feed; its topic has to be there.
    pub async fn follow(&self, followed: &Followed) -> Result<Following, StoreError> {
        let slug = topic_slug(&followed.topic);
        let table = &self.table;
        let parts = vec![
            Change::new().if_absent().put_of(table, item(&slug, followed)?)?,
            Change::new()
                .if_exists()
                .when_absent_or("feeds", "<", FEEDS_MAX)
                .add("feeds", 1)
                .update_of(table, keys::topic(&slug))?,
        ];
        Ok(match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => Following::Followed,
            Err(refused) if refused.part == 0 => Following::Already,
            Err(refused) if refused.item.is_empty() => Following::TopicGone,
            Err(_) => Following::TooMany,
        })
    }

    /// Follows it no longer; false when it wasn't followed.
    pub async fn unfollow(&self, topic: &str, id: &str) -> Result<bool, StoreError> {
        let slug = topic_slug(topic);
        let table = &self.table;
        let parts = vec![
            Change::new().if_exists().delete_of(table, keys::feed(&slug, id))?,
            Change::new().if_exists().add("feeds", -1).update_of(table, keys::topic(&slug))?,
        ];
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Takes a feed to collect it, unless somebody else has it, or looked at it
    /// within `rest_ms`.
    pub async fn claim(
        &self,
        topic: &str,
        id: &str,
        rest_ms: i64,
        now: Timestamp,
    ) -> Result<FeedClaim, StoreError> {
        let key = keys::feed(&topic_slug(topic), id);
        let change = Change::new()
            .if_exists()
            .when_absent_or("claimed_until", "<=", now)
            .when_null_or("last_checked_at", "<=", now.plus_millis(-rest_ms))
            .set("claimed_until", now.plus_millis(CLAIM_MS));
        Ok(match change.apply(&self.table, key).await? {
            Ok(item) => FeedClaim::Claimed(Box::new(read(item)?)),
            Err(item) if item.is_empty() => FeedClaim::Gone,
            Err(item) => FeedClaim::Held(Box::new(read(item)?)),
        })
    }

    /// Records what came of a collection, and lets go of the feed; false when
    /// it is no longer the caller's.
    pub async fn keep(&self, followed: &Followed) -> Result<bool, StoreError> {
        let slug = topic_slug(&followed.topic);
        let done = Followed { claimed_until: None, ..followed.clone() };
        let mine = Change::new().when("claimed_until", "=", followed.claimed_until);
        let parts = vec![mine.put_of(&self.table, item(&slug, &done)?)?];
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Feeds that are to be looked at by `now`, the longest due first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<(String, String)>, StoreError> {
        let query = self.table.query().index_name(keys::BY_DUE);
        let output = query
            .key_condition_expression("due_pk = :feeds AND due_sk < :now")
            .expression_attribute_values(":feeds", AttributeValue::S(keys::FEEDS.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(keys::place(now.plus_millis(1), "")))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let text = |item: &Item, name: &str| item.get(name)?.as_s().ok().cloned();
        let items = output.items.unwrap_or_default();
        let of = |item: &Item| {
            let slug = keys::topic_of_partition(&text(item, "pk")?)?.to_owned();
            let id = text(item, "sk")?.strip_prefix(keys::FEED)?.to_owned();
            Some((slug, id))
        };
        Ok(items.iter().filter_map(of).collect())
    }
}

fn item(slug: &str, followed: &Followed) -> Result<Item, StoreError> {
    let keys::Key { pk, sk } = keys::feed(slug, &followed.feed.id);
    let due_sk = place(followed);
    let due_pk = due_sk.as_ref().map(|_| keys::FEEDS);
    write(&FeedItem { pk, sk, due_pk, due_sk, followed })
}
