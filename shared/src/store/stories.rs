//! By what a copy of an article is recognised: `STORIES#slug#bucket` /
//! `S#segment`, the keys of the articles' signatures.
//!
//! As [`words`](super::words) are: elements of binary sets in 256 buckets, so
//! that an import of any size is at most 256 writes, and adds nothing the
//! second time. A key says only whose signature has it; the signature is read
//! from the article, so that one which isn't there, because an import died
//! before it was written, is nobody's story.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::Change;
use super::table::{ArticlesTable, Table};
use super::transaction::Additions;
use super::{StoreError, batch, keys, words};
use crate::domain::article::{ArticleId, topic_slug};

/// Articles after which a topic's next segment begins. Each has three keys of
/// 16 bytes: some 4 KB a bucket.
const SEGMENT: u64 = 20_000;

/// The keys of signatures.
#[derive(Clone, Debug)]
pub struct Stories {
    table: Table<ArticlesTable>,
}

impl Stories {
    pub(super) fn new(table: Table<ArticlesTable>) -> Self {
        Self { table }
    }

    /// What remembers by which keys of their signatures these articles are
    /// recognised, in a topic that had `before` of them.
    pub fn additions(
        &self,
        topic: &str,
        articles: impl ExactSizeIterator<Item = (ArticleId, Vec<u64>)>,
        before: u64,
    ) -> Additions {
        let (slug, many) = (topic_slug(topic), articles.len() >= words::MANY);
        let mut buckets: HashMap<u8, BTreeSet<Vec<u8>>> = HashMap::new();
        for (id, keys) in articles {
            for key in keys {
                let element = [key.to_be_bytes(), id.to_bytes()].concat();
                buckets.entry(bucket_of(key)).or_default().insert(element);
            }
        }
        let changes = buckets.into_iter().map(|(bucket, elements)| {
            let elements = AttributeValue::Bs(elements.into_iter().map(Blob::new).collect());
            (keys::stories(&slug, bucket, before / SEGMENT), Change::new().add_value("stories", elements))
        });
        Additions::new(&self.table, changes.collect(), many)
    }

    /// The articles that may have each of these keys, in a topic of so many articles.
    pub async fn of(
        &self,
        topic: &str,
        wanted: &BTreeSet<u64>,
        articles: u64,
    ) -> Result<HashMap<u64, Vec<ArticleId>>, StoreError> {
        let slug = topic_slug(topic);
        let buckets: BTreeSet<u8> = wanted.iter().map(|key| bucket_of(*key)).collect();
        let segments = 0..=articles / SEGMENT;
        let keys = buckets.into_iter().flat_map(|bucket| {
            let slug = &slug;
            segments.clone().map(move |segment| keys::stories(slug, bucket, segment))
        });
        let mut stories: HashMap<u64, Vec<ArticleId>> = HashMap::new();
        for mut item in batch::get(&self.table, keys.collect(), None, true).await? {
            let Some(AttributeValue::Bs(elements)) = item.remove("stories") else { continue };
            for element in &elements {
                let Some((key, id)) = element.as_ref().split_first_chunk() else { continue };
                let (key, Ok(id)) = (u64::from_be_bytes(*key), id.try_into()) else { continue };
                if wanted.contains(&key) {
                    stories.entry(key).or_default().push(ArticleId::from_bytes(id));
                }
            }
        }
        Ok(stories)
    }
}

/// Whether an element is of one of these articles.
pub(super) fn is_of(element: &[u8], ids: &BTreeSet<ArticleId>) -> bool {
    element.last_chunk().is_some_and(|id| ids.contains(&ArticleId::from_bytes(*id)))
}

fn bucket_of(key: u64) -> u8 {
    let [bucket, ..] = key.to_be_bytes();
    bucket
}
