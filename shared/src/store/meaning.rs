//! What articles mean: `TOPIC#slug` / `V#id`, vectors in DynamoDB's own vector
//! index, apart from the articles so that reading those stays cheap.
//!
//! The index is cut by topic and kind of vector, and filters by equality only:
//! a period is covered by months or years, and looked at again once the
//! articles are read.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use super::articles::{counted, id_of, of_topic, unchanged};
use super::expression::Change;
use super::table::{ArticlesTable, Table};
use super::{Item, StoreError, keys, read, transaction};
use crate::domain::article::{Article, ArticleId, topic_slug};
use crate::domain::search::Facts;
use crate::domain::time::Timestamp;
use crate::domain::words::folded;

/// The most that one search answers: the API's limit.
pub const NEAREST_MAX: usize = 100;
/// Searches that one question may take; beyond it the filter is left wider.
const SEARCHES_MAX: usize = 6;
/// Digits of a vector's numbers: more than 32 bits' worth would be noise, and
/// these are a third of the bytes.
const DIGITS: f32 = 10_000.0;

/// What the index is cut and filtered by.
pub(super) const PARTITION: &str = "vector_of";
/// Attributes that a search may ask to be equal to.
pub(super) const FILTERS: [&str; 5] = ["month", "year", "category_key", "sentiment_key", "source_key"];
/// The attribute that has the vector.
pub(super) const VECTOR: &str = "embedding";

/// The vectors.
#[derive(Clone, Debug)]
pub struct Meaning {
    table: Table<ArticlesTable>,
    index: String,
}

/// An article that has no vector of a kind, as it was read.
#[derive(Clone, Debug)]
pub struct Unmeant {
    /// Its id.
    pub id: ArticleId,
    /// Itself.
    pub article: Article,
    digest: String,
    meant: Option<String>,
}

#[derive(Deserialize)]
struct UnmeantItem {
    sk: String,
    digest: String,
    meant: Option<String>,
    #[serde(flatten)]
    article: Article,
}

/// Where a vector belongs.
pub(super) struct Place<'a> {
    /// The topic's.
    pub slug: &'a str,
    /// The name of the vectors' kind.
    pub kind: &'a str,
    /// The article's.
    pub id: ArticleId,
    /// Itself.
    pub article: &'a Article,
}

fn partition(slug: &str, kind: &str) -> String {
    format!("{slug}#{kind}")
}

/// A vector as an item.
pub(super) fn item(place: Place<'_>, vector: &[f32]) -> Item {
    let Place { slug, kind, id, article } = place;
    let date = article.published_at.date();
    let month: String = date.chars().take(7).collect();
    let year: String = date.chars().take(4).collect();
    let mut item = keys::vector(slug, id).item();
    let facts = [
        (PARTITION, Some(partition(slug, kind))),
        ("month", Some(month)),
        ("year", Some(year)),
        ("category_key", article.category.as_deref().map(folded)),
        ("sentiment_key", article.sentiment.map(|sentiment| sentiment.as_str().to_owned())),
        ("source_key", article.source.as_deref().map(folded)),
    ];
    for (name, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            item.insert(name.to_owned(), AttributeValue::S(value));
        }
    }
    item.insert(VECTOR.to_owned(), AttributeValue::L(numbers(vector)));
    item
}

/// What stands in a vector's place for an article that has none any more: the index doesn't hold it, and whoever
/// imports needs no right to delete.
pub(super) fn none(slug: &str, id: ArticleId) -> Item {
    keys::vector(slug, id).item()
}

fn numbers(vector: &[f32]) -> Vec<AttributeValue> {
    let rounded = vector.iter().map(|number| (number * DIGITS).round() / DIGITS);
    // "-0" is no number to DynamoDB.
    rounded
        .map(|number| AttributeValue::N(if number == 0.0 { "0".to_owned() } else { number.to_string() }))
        .collect()
}

impl Meaning {
    pub(super) fn new(table: Table<ArticlesTable>, dimensions: u32) -> Self {
        Self { table, index: keys::by_meaning(dimensions) }
    }

    /// The articles nearest to `vector` with the similarity (cosine, -1 to 1) of
    /// each, nearest first, at most [`NEAREST_MAX`] for each search it takes.
    /// The period is kept to by its months or years.
    pub async fn nearest(
        &self,
        topic: &str,
        kind: &str,
        vector: &[f32],
        period: (Option<Timestamp>, Option<Timestamp>, Timestamp),
        facts: &Facts,
    ) -> Result<Vec<(ArticleId, f64)>, StoreError> {
        let (from, until, now) = period;
        let slug = topic_slug(topic);
        let searches = conditions(parts(from, until, now), facts);
        let numbers = numbers(vector);
        let searches = searches.into_iter().map(|mut equal| {
            equal.push((PARTITION, partition(&slug, kind)));
            self.search(numbers.clone(), equal)
        });
        let found = futures::future::try_join_all(searches).await?;
        let mut nearest: Vec<_> = found.into_iter().flatten().collect();
        nearest.sort_by(|(one, near), (other, nearer)| nearer.total_cmp(near).then(one.cmp(other)));
        nearest.dedup_by_key(|(id, _)| *id);
        Ok(nearest)
    }

    /// Articles of a topic that have no vector of this kind, by their ids, after one of them; and the id to go on
    /// after. At most `limit` articles are read, of which those are given.
    pub async fn unmeant(
        &self,
        topic: &str,
        kind: &str,
        after: Option<ArticleId>,
        limit: u32,
    ) -> Result<(Vec<Unmeant>, Option<ArticleId>), StoreError> {
        let slug = topic_slug(topic);
        let of = |id: &str| format!("{}{id}", keys::ARTICLE);
        let query = self
            .table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :topic AND sk BETWEEN :first AND :last")
            .filter_expression("attribute_exists(digest) AND (attribute_not_exists(meant) OR meant <> :kind)")
            .expression_attribute_values(":topic", AttributeValue::S(keys::topic_partition(&slug)))
            .expression_attribute_values(":first", AttributeValue::S(of("")))
            .expression_attribute_values(":last", AttributeValue::S(of("g")))
            .expression_attribute_values(":kind", AttributeValue::S(kind.to_owned()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|id| keys::article(&slug, id).item()));
        let output = query.send().await?;
        let next = output.last_evaluated_key.and_then(|key| id_of(key.get("sk")?.as_s().ok()?));
        let mut unmeant = Vec::new();
        for item in output.items.unwrap_or_default() {
            let UnmeantItem { sk, digest, meant, article } = read(item)?;
            unmeant.extend(id_of(&sk).map(|id| Unmeant { id, digest, meant, article }));
        }
        Ok((unmeant, next))
    }

    /// Gives up to [`CHUNK`](super::CHUNK) articles vectors of a kind, or none to a text that has none, in the topic that was made
    /// at `made_at`; false when one of them has changed meanwhile, or the topic is gone: then nothing is written.
    pub async fn give(
        &self,
        topic: &str,
        made_at: Option<Timestamp>,
        kind: &str,
        articles: &[(Unmeant, Option<Vec<f32>>)],
    ) -> Result<bool, StoreError> {
        let (slug, table) = (topic_slug(topic), &self.table);
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        let mut parts = Vec::with_capacity(2 * articles.len() + 1);
        for (unmeant, vector) in articles {
            let Unmeant { id, digest, meant, article } = unmeant;
            *counts.entry(kind).or_default() += 1;
            if let Some(before) = meant {
                *counts.entry(before).or_default() -= 1;
            }
            let change = unchanged(digest, meant.as_deref()).set("meant", kind);
            parts.push(change.update_of(table, keys::article(&slug, *id))?);
            let place = Place { slug: &slug, kind, id: *id, article };
            parts.push(match vector {
                Some(vector) => Change::new().put_of(table, item(place, vector))?,
                None => Change::new().put_of(table, none(&slug, *id))?,
            });
        }
        parts.push(counted(of_topic(made_at), counts).update_of(table, keys::topic(&slug))?);
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    async fn search(
        &self,
        vector: Vec<AttributeValue>,
        equal: Vec<(&'static str, String)>,
    ) -> Result<Vec<(ArticleId, f64)>, StoreError> {
        let mut call = self
            .table
            .search_vectors()
            .index_name(&self.index)
            .set_search_vector(Some(vector))
            .top_k(i32::try_from(NEAREST_MAX).unwrap_or(i32::MAX));
        let mut condition = Vec::with_capacity(equal.len());
        for (name, value) in equal {
            condition.push(format!("#{name} = :{name}"));
            call = call
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), AttributeValue::S(value));
        }
        let output = call.search_condition_expression(condition.join(" AND ")).send().await?;
        let hits = output.search_results.unwrap_or_default();
        Ok(hits
            .into_iter()
            .filter_map(|hit| {
                let sk = hit.item.as_ref()?.get("sk")?.as_s().ok()?;
                let id = sk.strip_prefix(keys::VECTOR)?.parse().ok()?;
                // The score is a distance: 0 for the same direction.
                Some((id, 1.0 - hit.score))
            })
            .collect())
    }
}

/// The months or years that a period touches; none when there is no period, or
/// it takes too many of them.
fn parts(from: Option<Timestamp>, until: Option<Timestamp>, now: Timestamp) -> Vec<(&'static str, String)> {
    let Some(from) = from else { return Vec::new() };
    // Articles dated in the future are few, and the year holds most of them.
    let last = until.map_or(now, |until| until.plus_millis(-1)).max(from);
    let (first, last) = (from.date(), last.date());
    let part = |date: &str| -> Option<(i32, i32)> {
        Some((date.get(..4)?.parse().ok()?, date.get(5..7)?.parse().ok()?))
    };
    let (Some((year, month)), Some((last_year, last_month))) = (part(&first), part(&last)) else {
        return Vec::new();
    };
    let months = (last_year - year) * 12 + last_month - month + 1;
    if (1..=3).contains(&months) {
        let month_of = |n: i32| (year * 12 + month - 1 + n).div_euclid(12);
        let of_year = |n: i32| (year * 12 + month - 1 + n).rem_euclid(12) + 1;
        return (0..months).map(|n| ("month", format!("{:04}-{:02}", month_of(n), of_year(n)))).collect();
    }
    if (1..=3).contains(&(last_year - year + 1)) {
        return (year..=last_year).map(|year| ("year", format!("{year:04}"))).collect();
    }
    Vec::new()
}

/// What each search asks to be equal: one search for each part of the period
/// and each category.
fn conditions(parts: Vec<(&'static str, String)>, facts: &Facts) -> Vec<Vec<(&'static str, String)>> {
    let mut fixed = Vec::new();
    fixed.extend(facts.sentiment.map(|sentiment| ("sentiment_key", sentiment.as_str().to_owned())));
    fixed.extend(facts.source.as_deref().map(|source| ("source_key", folded(source))));
    let categories: Vec<_> = facts.categories.iter().map(|name| ("category_key", folded(name))).collect();
    let choices = |of: Vec<(&'static str, String)>| -> Vec<Option<(&'static str, String)>> {
        if of.is_empty() { vec![None] } else { of.into_iter().map(Some).collect() }
    };
    let parts = if parts.len() * categories.len().max(1) > SEARCHES_MAX { Vec::new() } else { parts };
    let mut searches = Vec::new();
    for category in choices(categories).iter().take(SEARCHES_MAX) {
        for part in &choices(parts.clone()) {
            searches.push(fixed.iter().chain(category).chain(part).cloned().collect());
        }
    }
    searches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_covered_by_its_months_or_by_its_years() {
        let now = at("2026-11-21T12:00:00Z");
        let values = |from: Option<&str>, until: Option<&str>| -> Vec<String> {
            parts(from.map(at), until.map(at), now).into_iter().map(|(_, value)| value).collect()
        };
        assert!(values(None, None).is_empty());
        assert_eq!(values(Some("2026-11-14T12:00:00Z"), None), ["2026-11"]);
        assert_eq!(
            values(Some("2025-12-30T00:00:00Z"), Some("2026-02-01T00:00:00Z")),
            ["2025-12", "2026-01"]
        );
        assert_eq!(values(Some("2025-03-01T00:00:00Z"), None), ["2025", "2026"]);
        assert!(values(Some("1999-03-01T00:00:00Z"), None).is_empty());
        assert_eq!(values(Some("2027-01-05T00:00:00Z"), None), ["2027-01"], "the future");
    }

    #[test]
    fn the_searches_of_one_question_are_few() {
        let facts =
            |n: usize| Facts { categories: (0..n).map(|n| format!("C{n}")).collect(), ..Facts::default() };
        let months = vec![("month", "2026-10".to_owned()), ("month", "2026-11".to_owned())];
        assert_eq!(conditions(Vec::new(), &Facts::default()), [Vec::new()]);
        assert_eq!(conditions(months.clone(), &facts(0)).len(), 2);
        assert_eq!(conditions(months.clone(), &facts(3)).len(), 6);
        assert_eq!(conditions(months.clone(), &facts(4)).len(), 4, "the period is left to the reader");
        assert_eq!(conditions(months, &facts(40)).len(), SEARCHES_MAX);
    }

    #[test]
    fn a_vector_is_written_with_four_digits_and_without_a_negative_nothing() {
        let written = numbers(&[0.123_456, -0.000_01, 1.0]);
        let texts: Vec<_> = written.iter().map(|number| number.as_n().unwrap().as_str()).collect();
        assert_eq!(texts, ["0.1235", "0", "1"]);
    }
}
