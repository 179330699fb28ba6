//! Every key of every table. Nothing else knows how they are written.

use aws_sdk_dynamodb::types::AttributeValue;
use uuid::Uuid;

use super::Item;
use crate::domain::article::ArticleId;
use crate::domain::draft::Status;
use crate::domain::time::Timestamp;

/// The partition and sort key of an item.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// As the SDK wants it.
    pub fn item(&self) -> Item {
        [("pk", &self.pk), ("sk", &self.sk)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.clone())))
            .collect()
    }
}

/// What stands before a message's id.
pub(super) const MESSAGE: &str = "MSG#";
/// What stands before a run's id.
pub(super) const RUN: &str = "RUN#";
/// What stands before an article's id.
pub(super) const ARTICLE: &str = "A#";
/// What stands before the id of an article whose vector it is.
pub(super) const VECTOR: &str = "V#";
/// What stands before a feed's id.
pub(super) const FEED: &str = "F#";
/// Where all feeds are listed that are looked at again.
pub(super) const FEEDS: &str = "FEEDS";
/// Where deleted topics stand, and all removals are listed that are to be done.
pub(super) const REMOVALS: &str = "REMOVALS";
/// What stands before a topic's slug.
pub(super) const TOPIC: &str = "TOPIC#";
/// Where all open runs are listed.
pub(super) const OPEN: &str = "OPEN";
/// Where all prompts are listed.
pub(super) const LISTING: &str = "PROMPT";
/// Where all topics are listed.
pub(super) const TOPICS: &str = "TOPICS";
/// The index of drafts by owner and status.
pub(super) const BY_OWNER: &str = "by-owner";
/// The index of what is to be looked at again by time: runs that are not
/// finished, feeds, and removals.
pub(super) const BY_DUE: &str = "by-due";
/// The index of prompts, newest change first.
pub(super) const BY_CHANGE: &str = "by-change";
/// The index of prompts by how often they were cloned.
pub(super) const BY_CLONES: &str = "by-clones";
/// The index of a topic's articles by time.
pub(super) const BY_TIME: &str = "by-time";

/// The partition of a draft and of all that belongs to it.
pub(super) fn draft_partition(draft: Uuid) -> String {
    format!("DRAFT#{draft}")
}

/// The draft of a partition key.
pub(super) fn draft_of_partition(pk: &str) -> Option<Uuid> {
    pk.strip_prefix("DRAFT#")?.parse().ok()
}

/// The sort key of a draft's own item.
pub(super) const DRAFT_META: &str = "META";

/// A draft's own item.
pub(super) fn draft(draft: Uuid) -> Key {
    Key::new(draft_partition(draft), DRAFT_META)
}

/// The sort key of a conversation's state.
pub(super) const CHAT: &str = "CHAT";

/// The state of a draft's conversation.
pub(super) fn chat(draft: Uuid) -> Key {
    Key::new(draft_partition(draft), CHAT)
}

/// One message.
pub(super) fn message(draft: Uuid, message: Uuid) -> Key {
    Key::new(draft_partition(draft), format!("{MESSAGE}{message}"))
}

/// One run, without its answer.
pub(super) fn run(draft: Uuid, run: Uuid) -> Key {
    Key::new(draft_partition(draft), format!("{RUN}{run}"))
}

/// A run's answer, apart so that lists don't read it and a growing one is
/// cheap to write.
pub(super) fn output(draft: Uuid, run: Uuid) -> Key {
    Key::new(draft_partition(draft), format!("OUT#{run}"))
}

/// The articles a run was given.
pub(super) fn sources(draft: Uuid, run: Uuid) -> Key {
    Key::new(draft_partition(draft), format!("SRC#{run}"))
}

/// The text of a revision that was tested, shared by its runs.
pub(super) fn pinned(draft: Uuid, revision: u64) -> Key {
    Key::new(draft_partition(draft), format!("TEXT#{revision:012}"))
}

/// How many drafts an owner has.
pub(super) fn counts(owner: &str) -> Key {
    Key::new(format!("OWNER#{owner}"), "COUNTS")
}

/// Where an owner's drafts of one status are listed.
pub(super) fn owner_listing(owner: &str, status: Status) -> String {
    format!("OWNER#{owner}#{}", status.as_str())
}

/// A place in a list that is ordered by time.
pub(super) fn place(at: Timestamp, id: &str) -> String {
    format!("{at}#{id}")
}

/// A prompt.
pub(super) fn prompt(name: &str) -> Key {
    Key::new(format!("PROMPT#{name}"), "META")
}

/// A version of a prompt.
pub(super) fn version(name: &str, version: u32) -> Key {
    Key::new(format!("PROMPT#{name}"), format!("V#{version:06}"))
}

/// The text of a version, apart so that lists don't read it.
pub(super) fn version_text(name: &str, version: u32) -> Key {
    Key::new(format!("PROMPT#{name}"), format!("TEXT#{version:06}"))
}

/// How many prompts there are.
pub(super) fn library_count() -> Key {
    Key::new("LIBRARY", "COUNT")
}

/// A topic.
pub(super) fn topic(slug: &str) -> Key {
    Key::new(TOPICS, format!("{TOPIC}{slug}"))
}

/// A topic whose remains are to be removed. While it stands, no topic of that slug is made.
pub(super) fn removal(slug: &str) -> Key {
    Key::new(REMOVALS, format!("{TOPIC}{slug}"))
}

/// That a topic of the sample collection was deleted: it isn't installed again.
pub(super) fn sample_deleted(slug: &str) -> Key {
    Key::new(REMOVALS, format!("SAMPLE#{slug}"))
}

/// The partition of a topic's articles.
pub(super) fn topic_partition(slug: &str) -> String {
    format!("{TOPIC}{slug}")
}

/// The slug of a partition of a topic's articles.
pub(super) fn topic_of_partition(pk: &str) -> Option<&str> {
    pk.strip_prefix(TOPIC)
}

/// A feed that a topic follows.
pub(super) fn feed(slug: &str, id: &str) -> Key {
    Key::new(topic_partition(slug), format!("{FEED}{id}"))
}

/// An article.
pub(super) fn article(slug: &str, id: ArticleId) -> Key {
    Key::new(topic_partition(slug), format!("{ARTICLE}{id}"))
}

/// An article's vector.
pub(super) fn vector(slug: &str, id: ArticleId) -> Key {
    Key::new(topic_partition(slug), format!("{VECTOR}{id}"))
}

/// The index of vectors; it holds those of so many dimensions.
pub(super) fn by_meaning(dimensions: u32) -> String {
    format!("by-meaning-{dimensions}")
}

/// Signatures' keys of a bucket of a topic's, in one segment of many.
pub(super) fn stories(slug: &str, bucket: u8, segment: u64) -> Key {
    Key::new(format!("STORIES#{slug}#{bucket:02x}"), format!("S#{segment:08}"))
}

/// Where an article's removal stands among those that are due.
pub(super) fn article_due(at: Timestamp, slug: &str, id: ArticleId) -> String {
    place(at, &format!("{slug}#{id}"))
}

/// The partitions of a topic's buckets: of its signatures' keys, then of its terms.
pub(super) fn buckets(slug: &str) -> impl Iterator<Item = String> {
    let of = |key: fn(&str, u8, u64) -> Key| (0..=u8::MAX).map(move |bucket| key(slug, bucket, 0).pk);
    of(stories).chain(of(words))
}

/// The postings of a bucket of a topic's terms, in one segment of many.
pub(super) fn words(slug: &str, bucket: u8, segment: u64) -> Key {
    Key::new(format!("WORDS#{slug}#{bucket:02x}"), format!("S#{segment:08}"))
}

/// A user's counter for one minute.
pub(super) fn minute(user: &str, what: &str, now: Timestamp) -> Key {
    let minute: String = now.to_string().chars().take(16).collect();
    Key::new(format!("QUOTA#{user}"), format!("MINUTE#{what}#{minute}"))
}

/// What a user used on a day.
pub(super) fn day(user: &str, date: &str) -> Key {
    Key::new(format!("QUOTA#{user}"), format!("DAY#{date}"))
}

/// What everyone used on a day.
pub(super) fn deployment_day(date: &str) -> Key {
    Key::new("DEPLOYMENT", format!("DAY#{date}"))
}

/// The answer to a request that may be repeated. `route` has no `#`; a user's
/// name and a key may have one, so they are counted.
pub(super) fn idempotency(user: &str, route: &str, key: &str) -> Key {
    Key::new(format!("ONCE#{}#{user}#{route}#{key}", user.len()), "ONCE")
}

/// The import of an uploaded file.
pub(super) fn import(id: Uuid) -> Key {
    Key::new(format!("IMPORT#{id}"), "IMPORT")
}

/// Where all imports are listed that a worker is to read, or reads.
pub(super) const OPEN_IMPORTS: &str = "IMPORTS";

/// An import's place in that list.
pub(super) fn open_import(id: Uuid) -> Key {
    Key::new(OPEN_IMPORTS, id.to_string())
}

/// The import that an item of that list is about.
pub(super) fn of_open_import(item: &Item) -> Option<Uuid> {
    item.get("sk")?.as_s().ok()?.parse().ok()
}

/// That an expired draft was counted out.
pub(super) fn gone(draft: Uuid) -> Key {
    Key::new(format!("GONE#{draft}"), "GONE")
}

/// Where the daily figures are.
pub(super) const METRICS: &str = "METRICS";

/// A share of a day's figures.
pub(super) fn metrics(date: &str, share: u8) -> Key {
    Key::new(METRICS, format!("DAY#{date}#{share}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_repeatable_requests_share_a_key() {
        assert_ne!(idempotency("a#b", "r", "k"), idempotency("a", "b#r", "k"));
        assert_ne!(idempotency("a", "r", "k"), idempotency("b", "r", "k"));
    }

    #[test]
    fn places_sort_by_time() {
        let early = place(Timestamp::from_millis(999), "z");
        let late = place(Timestamp::from_millis(1_000), "a");
        assert!(early < late);
    }

    #[test]
    fn pinned_texts_sort_by_revision() {
        assert!(pinned(Uuid::nil(), 9).sk < pinned(Uuid::nil(), 10).sk);
    }
}
