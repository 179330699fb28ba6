//! Finding articles: what is asked of the store, at the same time where it
//! can be, and what becomes of the answers.
//!
//! Two rounds: the words' buckets and the nearest vectors together, then the
//! articles that are shown. Neither grows with the topic but by its index.

use std::collections::{HashMap, HashSet};

use super::embeddings::Embedder;
use crate::app::App;
use crate::domain::article::{ArticleId, Sentiment};
use crate::domain::search::{By, Candidate, Facts, Filters, Found, arranged, folded, fuse};
use crate::domain::time::Timestamp;
use crate::domain::time_phrase::time_window;
use crate::domain::words::{Posting, Query, Term, rank};
use crate::store::{StoreError, TopicState};

/// Candidates that are read beyond those that are shown: for those that turn
/// out to be copies, or out of the period.
const SPARE: usize = 12;
/// Times that candidates are read for one answer, each time as many as are shown and to spare. What repeats more than
/// that leaves an answer short.
const LOOKS: usize = 4;
/// Articles that a ranking by words goes on with.
const RANKED_MAX: usize = 300;
/// Articles that facets are counted over, the newest.
pub const COUNTED_MAX: usize = 1_000;

/// What is looked for.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The topic's name.
    pub topic: String,
    /// Words, and phrases of time.
    pub query: String,
    /// Only articles of so many days.
    pub days: Option<i64>,
    /// Facts they must have.
    pub facts: Facts,
    /// By words, by meaning or by both.
    pub by: By,
    /// How many are wanted.
    pub limit: usize,
}

/// What was found.
#[derive(Debug)]
pub struct Results {
    /// The topic.
    pub topic: TopicState,
    /// The articles, best first.
    pub found: Vec<Found>,
    /// Articles that contain words of the query, within period and facts.
    pub total: usize,
    /// Whether there was anything to find them by, beside a period.
    pub is_asked: bool,
    /// Whether any was found by words or meaning. When false, `found` are the
    /// newest articles instead: say so.
    pub matched: bool,
    /// The period's words that were understood.
    pub phrase: Option<String>,
    /// Whether meaning was compared.
    pub by_meaning: bool,
    /// Articles of the topic whose meaning isn't known yet.
    pub without_meaning: u64,
}

/// Looks for articles; `None` when there is no such topic.
pub async fn search(app: &App, question: &Question, now: Timestamp) -> Result<Option<Results>, StoreError> {
    let (window, text) = time_window(&question.query, now);
    let from = match question.days.map(|days| now.plus_days(-days)) {
        Some(since) => Some(window.from.map_or(since, |from| from.max(since))),
        None => window.from,
    };
    let until = window.until;
    let query = if question.by.words() { Query::new(&text) } else { Query::default() };
    let is_asked = !text.trim().is_empty();
    let wants_meaning = question.by.meaning() && is_asked;

    let (state, lists, nearest) = futures::try_join!(
        app.store().articles.topic(&question.topic),
        listed(app, question, &query),
        nearest(app, question, text.trim(), (from, until, now), wants_meaning),
    )?;
    let Some(topic) = state else { return Ok(None) };
    let Lists { words, only } = lists;
    let filters = Filters { from, until, only };

    let by_words = rank(&words, topic.collection(), &filters, now);
    let total = by_words.len();
    let by_words: Vec<_> = by_words.into_iter().map(|(id, _)| id).take(RANKED_MAX).collect();
    let by_meaning = nearest.is_some();
    let near: Vec<_> = nearest
        .unwrap_or_default()
        .into_iter()
        .map(|(id, _)| id)
        .filter(|id| filters.only.as_ref().is_none_or(|only| only.contains(id)))
        .collect();
    let mut candidates = fuse(&by_words, &near);
    let matched = !candidates.is_empty();
    if !matched {
        candidates = newest(app, question, &filters).await?;
    }

    let mut found = Vec::new();
    let mut left = candidates.as_slice();
    let wanted = question.limit.saturating_add(SPARE);
    // What was left out (copies that lead elsewhere, the edges of the period) or is folded may have to be made up for;
    // a second look is enough for all but odd topics.
    let mut distinct = 0;
    for _ in 0..LOOKS {
        let (next, rest) = left.split_at(left.len().min(wanted.saturating_sub(distinct)));
        if next.is_empty() {
            break;
        }
        left = rest;
        let ids: Vec<_> = next.iter().map(|candidate| candidate.article).collect();
        let of_id: HashMap<ArticleId, &Candidate> = next.iter().map(|c| (c.article, c)).collect();
        for (id, stored) in app.store().articles.get_many(&question.topic, &ids).await? {
            let at = stored.article.published_at;
            let inside = from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until);
            if let Some(candidate) = of_id.get(&id).filter(|_| inside) {
                found.push((**candidate, stored));
            }
        }
        distinct = folded(&found).iter().filter(|repeated| repeated.is_none()).count();
        if distinct >= question.limit {
            break;
        }
    }
    let shown = arranged(&query, found, question.limit);
    let without_meaning = topic.without_meaning(&Embedder::of(app).kind());
    Ok(Some(Results {
        is_asked,
        without_meaning,
        topic,
        found: shown,
        total,
        matched,
        phrase: window.phrase,
        by_meaning,
    }))
}

/// What the index of words has for a question.
struct Lists {
    /// The postings of each word.
    words: Vec<Vec<Posting>>,
    /// The articles with the facts that are asked for, where some are.
    only: Option<HashSet<ArticleId>>,
}

async fn listed(app: &App, question: &Question, query: &Query) -> Result<Lists, StoreError> {
    let Facts { categories, sentiment, source } = &question.facts;
    let categories: Vec<Term> = categories.iter().map(|name| Term::category(name)).collect();
    let others = sentiment
        .map(|sentiment| Term::sentiment(sentiment.as_str()))
        .into_iter()
        .chain(source.as_deref().map(Term::source));
    let terms: Vec<Term> =
        query.terms().iter().copied().chain(categories.iter().copied()).chain(others).collect();
    if terms.is_empty() {
        return Ok(Lists { words: Vec::new(), only: None });
    }
    let mut lists = app.store().words.postings(&question.topic, &terms).await?;
    let mut facts = lists.split_off(query.terms().len());
    let others = facts.split_off(categories.len());
    let ids = |list: Vec<Posting>| list.into_iter().map(|posting| posting.article);
    let any_category: HashSet<ArticleId> = facts.into_iter().flat_map(ids).collect();
    let mut only = (!categories.is_empty()).then_some(any_category);
    for list in others {
        let with: HashSet<ArticleId> = ids(list).collect();
        only = Some(match only {
            None => with,
            Some(only) => only.intersection(&with).copied().collect(),
        });
    }
    Ok(Lists { words: lists, only })
}

/// The articles that mean what is asked, nearest first; `None` when meaning
/// was not compared.
async fn nearest(
    app: &App,
    question: &Question,
    text: &str,
    period: (Option<Timestamp>, Option<Timestamp>, Timestamp),
    wanted: bool,
) -> Result<Option<Vec<(ArticleId, f64)>>, StoreError> {
    if !wanted {
        return Ok(None);
    }
    let embedder = Embedder::of(app);
    let vector = match embedder.embed(&[text.to_owned()]).await {
        Ok(vectors) => vectors.into_iter().next().flatten(),
        Err(error) => {
            tracing::error!(%error, "a search went by words alone");
            return Ok(None);
        }
    };
    let Some(vector) = vector else { return Ok(None) };
    let kind = embedder.kind();
    let found = app.store().meaning.nearest(&question.topic, &kind, &vector, period, &question.facts).await;
    let mut nearest = match found {
        // While DynamoDB fills an index, which takes hours for a large one, it can't be searched.
        Err(error) if question.by.words() => {
            tracing::error!(%error, "a search went by words alone");
            return Ok(None);
        }
        found => found?,
    };
    let least = embedder.least_similarity();
    nearest.retain(|(_, similarity)| *similarity >= least);
    Ok(Some(nearest))
}

/// The newest articles of the period with the facts that are asked for.
async fn newest(app: &App, question: &Question, filters: &Filters) -> Result<Vec<Candidate>, StoreError> {
    let wanted = question.limit.saturating_add(SPARE);
    let most = if question.facts.is_empty() { wanted } else { COUNTED_MAX };
    let (listed, _) = app.store().articles.listed(&question.topic, filters.from, filters.until, most).await?;
    let has = |listed: &&crate::store::Listed| crate::store::has_facts(listed, &question.facts);
    let candidates = listed.iter().filter(has).take(wanted).map(|listed| Candidate {
        article: listed.id,
        score: 0.0,
        words_rank: None,
        meaning_rank: None,
    });
    Ok(candidates.collect())
}

/// How often each category, sentiment and outlet occurs among a topic's newest
/// articles, most frequent first.
#[derive(Debug, Default)]
pub struct Facets {
    /// Articles that were counted.
    pub articles: usize,
    /// Whether those were all of the period.
    pub complete: bool,
    /// Categories.
    pub categories: Vec<(String, u64)>,
    /// Sentiments.
    pub sentiments: Vec<(String, u64)>,
    /// Outlets.
    pub sources: Vec<(String, u64)>,
    /// Sentiments by month (`2026-11`), oldest first.
    pub by_month: Vec<(String, Vec<(Sentiment, u64)>)>,
}

/// Counts the facts of the articles since `from`, of the newest 1,000.
pub async fn facets(
    app: &App,
    topic: &str,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    facts: &Facts,
) -> Result<Facets, StoreError> {
    let (listed, more) = app.store().articles.listed(topic, from, until, COUNTED_MAX).await?;
    let listed: Vec<_> = listed.into_iter().filter(|listed| crate::store::has_facts(listed, facts)).collect();
    let counted = |of: fn(&crate::store::Listed) -> Option<&String>| {
        let mut counts: HashMap<String, (String, u64)> = HashMap::new();
        for name in listed.iter().filter_map(of) {
            let folded = crate::domain::words::folded(name);
            counts.entry(folded).or_insert_with(|| (name.clone(), 0)).1 += 1;
        }
        let mut counts: Vec<_> = counts.into_values().collect();
        counts.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
        counts
    };
    let mut months: std::collections::BTreeMap<String, HashMap<Sentiment, u64>> = Default::default();
    for listed in &listed {
        if let Some(sentiment) = listed.sentiment.as_deref().and_then(Sentiment::named) {
            let month = listed.published_at.date().chars().take(7).collect();
            *months.entry(month).or_default().entry(sentiment).or_default() += 1;
        }
    }
    let by_month = months
        .into_iter()
        .map(|(month, counts)| {
            let of = |sentiment| (sentiment, counts.get(&sentiment).copied().unwrap_or(0));
            (month, Sentiment::ALL.into_iter().map(of).collect())
        })
        .collect();
    Ok(Facets {
        articles: listed.len(),
        complete: !more,
        categories: counted(|listed| listed.category.as_ref()),
        sentiments: counted(|listed| listed.sentiment.as_ref()),
        sources: counted(|listed| listed.source.as_ref()),
        by_month,
    })
}
