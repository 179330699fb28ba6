//! The words of a topic's articles: `WORDS#slug#bucket` / `S#segment`, an
//! inverted index.
//!
//! A term's postings stand with those of the other terms of its bucket (one of
//! 256), as elements of a binary set. So a query reads its words' buckets and
//! nothing else, whatever else the topic holds; an import adds what is new by
//! `ADD`, which reads nothing, and adds nothing the second time; and a batch of
//! any size is at most 256 writes. A set grows until it is a segment of about
//! 4 KB, then the next begins: a write costs by the size of its item.
//!
//! (One item a word and article would read less for rare words, but writes 30
//! items for each article. One item a word would grow beyond what an item may
//! be. OpenSearch does all of this better and costs money while it rests.)

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::expression::Change;
use super::table::{ArticlesTable, Table};
use super::transaction::Additions;
use super::{StoreError, keys};
use crate::domain::article::topic_slug;
use crate::domain::words::{BUCKETS, Indexed, Posting, Term, bucketed, postings};

/// Postings after which a topic's next segment begins: some 300 a bucket.
const SEGMENT: u64 = 80_000;
/// From so many articles on, an import's writes go together.
pub(super) const MANY: usize = 20;
/// Pages (of 1 MB each) that are read of a bucket, newest segments first: 20
/// million postings of a topic and more.
const PAGES_MAX: usize = 2;

/// The index of words.
#[derive(Clone, Debug)]
pub struct Words {
    table: Table<ArticlesTable>,
}

impl Words {
    pub(super) fn new(table: Table<ArticlesTable>) -> Self {
        Self { table }
    }

    /// What adds articles to the index of a topic that had `postings` before.
    ///
    /// Many articles touch all buckets: their writes go together, a hundred at a
    /// time, which costs twice the units and a fraction of the time. Few articles'
    /// go one by one.
    pub fn additions(&self, topic: &str, articles: &[Indexed], postings: u64) -> Additions {
        let slug = topic_slug(topic);
        let segment = postings / SEGMENT;
        let writes = bucketed(articles).into_iter().map(|(bucket, runs)| {
            let runs = AttributeValue::Bs(runs.into_iter().map(Blob::new).collect());
            (keys::words(&slug, bucket, segment), Change::new().add_value("postings", runs))
        });
        Additions::new(&self.table, writes.collect(), articles.len() >= MANY)
    }

    /// The postings of each of `terms`, in their order.
    pub async fn postings(&self, topic: &str, terms: &[Term]) -> Result<Vec<Vec<Posting>>, StoreError> {
        let slug = topic_slug(topic);
        let buckets: HashSet<u8> = terms.iter().map(|term| term.bucket).collect();
        let reads = buckets.into_iter().map(|bucket| {
            let slug = &slug;
            async move { Ok::<_, StoreError>((bucket, self.bucket(slug, bucket).await?)) }
        });
        // As many as a query has words: bounded by what a query may have.
        let runs: HashMap<u8, Vec<Blob>> = futures::future::try_join_all(reads).await?.into_iter().collect();
        let of_term = |term: &Term| {
            let runs = runs.get(&term.bucket).map(Vec::as_slice).unwrap_or_default();
            postings(*term, runs.iter().map(AsRef::as_ref))
        };
        Ok(terms.iter().map(of_term).collect())
    }

    async fn bucket(&self, slug: &str, bucket: u8) -> Result<Vec<Blob>, StoreError> {
        let query = self
            .table
            .query()
            .key_condition_expression("pk = :bucket")
            .expression_attribute_values(":bucket", AttributeValue::S(keys::words(slug, bucket, 0).pk))
            .scan_index_forward(false);
        let mut runs = Vec::new();
        let mut start = None;
        for _ in 0..PAGES_MAX {
            let output = query.clone().set_exclusive_start_key(start).send().await?;
            for mut item in output.items.unwrap_or_default() {
                if let Some(AttributeValue::Bs(set)) = item.remove("postings") {
                    runs.extend(set);
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(runs)
    }
}

const _: () = assert!(BUCKETS == u8::MAX as u16 + 1, "a bucket is a byte");
