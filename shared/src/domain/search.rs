//! Finding articles by words and by meaning: how two rankings become one, and
//! how that becomes a list worth reading.
//!
//! The rankings are joined by reciprocal rank fusion (Cormack, Clarke and
//! Büttcher, 2009): it needs no scores that can be compared, only places. Then
//! near-identical articles are folded into the best of them, and no outlet fills
//! the list while others have something to say.

use std::collections::{HashMap, HashSet};

use super::article::{Article, ArticleId, Sentiment, Stored};
use super::copies::repeats;
use super::signature::fold_similar;
use super::time::{DAY_MS, HOUR_MS, Timestamp};
use super::words::{Posting, Query, hour_of};

/// How much the first places of a ranking count more than the next; the
/// method's usual constant.
const FUSION: f64 = 60.0;
/// The part of a score that does not depend on age.
const AGELESS: f64 = 0.85;
/// The days in which the rest of it halves.
const HALF_LIFE_DAYS: f64 = 30.0;
/// The part of a list that one outlet may fill while others wait.
const ONE_SOURCE: f64 = 0.4;
/// Articles that one outlet may always have.
const ONE_SOURCE_LEAST: usize = 3;

/// By what articles are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Words and meaning.
    #[default]
    Both,
    /// Words alone.
    Words,
    /// Meaning alone.
    Meaning,
}

impl By {
    /// The way of this name: `both`, `words` or `meaning`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "both" => Self::Both,
            "words" => Self::Words,
            "meaning" => Self::Meaning,
            _ => return None,
        })
    }

    /// Whether words are looked for.
    pub fn words(self) -> bool {
        self != Self::Meaning
    }

    /// Whether meaning is compared.
    pub fn meaning(self) -> bool {
        self != Self::Words
    }
}

/// Facts that articles must have to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// One of these categories; any when empty.
    pub categories: Vec<String>,
    /// This sentiment.
    pub sentiment: Option<Sentiment>,
    /// This outlet.
    pub source: Option<String>,
}

impl Facts {
    /// Whether nothing is demanded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is left out of a ranking before it is made.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// The first instant of the period.
    pub from: Option<Timestamp>,
    /// The first instant after it.
    pub until: Option<Timestamp>,
    /// The articles that have the facts asked for, where some were.
    pub only: Option<HashSet<ArticleId>>,
}

impl Filters {
    /// Whether the article of `posting` may be in; by the hour, so that the edges
    /// of a period are looked at again once the article is read.
    pub fn may_hold(&self, posting: &Posting) -> bool {
        self.from.is_none_or(|from| hour_of(from) <= posting.hour)
            && self.until.is_none_or(|until| posting.hour <= hour_of(until))
            && self.only.as_ref().is_none_or(|only| only.contains(&posting.article))
    }
}

/// What a score is multiplied by for the age of what was published in `hour`
/// (since 1970): from 1 for new down to 0.85; what is dated in the future
/// counts as new.
pub fn recency(hour: u32, now: Timestamp) -> f64 {
    let age_days = (now.as_millis() - i64::from(hour) * HOUR_MS).max(0) as f64 / DAY_MS as f64;
    AGELESS + (1.0 - AGELESS) * 0.5_f64.powf(age_days / HALF_LIFE_DAYS)
}

/// An article that one of the rankings has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The article.
    pub article: ArticleId,
    /// Comparable within one answer only.
    pub score: f64,
    /// Its place among those found by words, from 1.
    pub words_rank: Option<u32>,
    /// Its place among those found by meaning, from 1.
    pub meaning_rank: Option<u32>,
}

/// Joins two rankings, each best first.
pub fn fuse(words: &[ArticleId], meaning: &[ArticleId]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut places: HashMap<ArticleId, usize> = HashMap::new();
    for (ranking, is_words) in [(words, true), (meaning, false)] {
        for (article, rank) in ranking.iter().zip(1_u32..) {
            let place = *places.entry(*article).or_insert_with(|| {
                candidates.push(Candidate {
                    article: *article,
                    score: 0.0,
                    words_rank: None,
                    meaning_rank: None,
                });
                candidates.len() - 1
            });
            let Some(candidate) = candidates.get_mut(place) else { continue };
            candidate.score += 1.0 / (FUSION + f64::from(rank));
            let of = if is_words { &mut candidate.words_rank } else { &mut candidate.meaning_rank };
            *of = Some(rank);
        }
    }
    // Stable: of two with equal scores, the one that was found by words stays first.
    candidates.sort_by(|one, other| other.score.total_cmp(&one.score));
    candidates
}

/// An article, and why it is there.
#[derive(Clone, Debug)]
pub struct Found {
    /// The article.
    pub article: Article,
    /// Other addresses of the same text.
    pub also_at: Vec<String>,
    /// Comparable within one answer only; 0 when nothing was ranked.
    pub score: f64,
    /// The query's words that it contains, in the query's order and in lower case.
    pub matched: Vec<String>,
    /// Its place among those found by words, from 1.
    pub words_rank: Option<u32>,
    /// Its place among those found by meaning, from 1.
    pub meaning_rank: Option<u32>,
    /// Near-identical articles that stand further down and were folded into it.
    pub similar: Vec<Article>,
}

/// For each of what was found, which earlier one it repeats, by its place.
pub fn folded(found: &[(Candidate, Stored)]) -> Vec<Option<usize>> {
    let signatures: Vec<_> = found.iter().map(|(_, stored)| stored.signature.clone()).collect();
    fold_similar(&signatures, |earlier, later| match (found.get(earlier), found.get(later)) {
        (Some((_, earlier)), Some((_, later))) => repeats(later, earlier),
        _ => false,
    })
}

/// The list that is shown, of what was found, best first: near-identical ones
/// folded, outlets mixed, at most `limit`.
pub fn arranged(query: &Query, found: Vec<(Candidate, Stored)>, limit: usize) -> Vec<Found> {
    let mut listed: Vec<Found> = Vec::new();
    let mut place_of: HashMap<usize, usize> = HashMap::new();
    let repeated = folded(&found);
    for ((at, (candidate, stored)), repeats) in found.into_iter().enumerate().zip(repeated) {
        let first = repeats.and_then(|first| place_of.get(&first).copied());
        if let Some(first) = first.and_then(|place| listed.get_mut(place)) {
            first.similar.push(stored.article);
            continue;
        }
        place_of.insert(at, listed.len());
        listed.push(Found {
            matched: query.words_in(&stored.article),
            article: stored.article,
            also_at: stored.also_at,
            score: candidate.score,
            words_rank: candidate.words_rank,
            meaning_rank: candidate.meaning_rank,
            similar: Vec::new(),
        });
    }
    mixed(listed, limit)
}

/// At most `limit`, in order, but what one outlet has beyond its part comes
/// after what others have.
fn mixed(listed: Vec<Found>, limit: usize) -> Vec<Found> {
    let most = ((limit as f64 * ONE_SOURCE).ceil() as usize).max(ONE_SOURCE_LEAST);
    let mut of_source: HashMap<String, usize> = HashMap::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for found in listed {
        let has = found.article.source.clone().map(|source| of_source.entry(source).or_default());
        match has {
            Some(has) if *has >= most => later.push(found),
            Some(has) => {
                *has += 1;
                first.push(found);
            }
            None => first.push(found),
        }
    }
    first.extend(later);
    first.truncate(limit);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signature::signature;

    const NOW: &str = "2026-11-21T00:00:00Z";

    fn id(name: &str) -> ArticleId {
        ArticleId::of(name)
    }

    fn stored(title: &str, summary: &str, source: Option<&str>) -> (Candidate, Stored) {
        let article = Article {
            title: title.into(),
            url: format!("https://example.com/{}", title.replace(' ', "-")),
            source: source.map(str::to_owned),
            published_at: NOW.parse().unwrap(),
            summary: Some(summary.into()),
            text: None,
            category: None,
            sentiment: None,
            tags: Vec::new(),
            language: None,
            sample: false,
        };
        let candidate = Candidate { article: id(title), score: 1.0, words_rank: Some(1), meaning_rank: None };
        let signature = signature(&article.title, article.body());
        (candidate, Stored { article, also_at: Vec::new(), signature })
    }

    fn titles(found: &[Found]) -> Vec<&str> {
        found.iter().map(|found| found.article.title.as_str()).collect()
    }

    #[test]
    fn what_both_rankings_have_comes_before_what_one_has() {
        let fused = fuse(&[id("a"), id("b"), id("c")], &[id("d"), id("b")]);
        assert_eq!(fused[0].article, id("b"));
        assert_eq!((fused[0].words_rank, fused[0].meaning_rank), (Some(2), Some(2)));
        assert_eq!(fused[1].article, id("a"), "of equal ones the one with the words");
        assert_eq!(fused.len(), 4);
        assert_eq!(fuse(&[], &[]), []);
    }

    #[test]
    fn a_copy_is_folded_into_the_better_one_and_still_told() {
        let text = "The harbour board of Kestrel Bay voted on Tuesday to close the old northern quay \
                    for repairs that will take eleven months and cost four million crowns.";
        let found = arranged(
            &Query::new("quay"),
            vec![
                stored("Quay closes", text, Some("Wire")),
                stored("Ferries sail", "Three ferries sail to the islands each morning in the summer.", None),
                stored("Quay closes", &format!("{text} "), Some("Post")),
            ],
            10,
        );
        assert_eq!(titles(&found), ["Quay closes", "Ferries sail"]);
        assert_eq!(found[0].similar.len(), 1);
        assert_eq!(found[0].similar[0].source.as_deref(), Some("Post"));
        assert_eq!(found[0].matched, ["quay"]);
    }

    #[test]
    fn one_outlet_does_not_fill_the_list_while_others_wait_and_may_when_none_does() {
        let of = |n: usize, source| {
            let words = ["amber", "basalt", "cedar", "dolphin", "ember", "falcon", "garnet", "heron", "iris"];
            stored(words[n], &format!("{} {} alone", words[n].repeat(3), words[(n + 4) % 9]), source)
        };
        let loud = || (0..7).map(|n| of(n, Some("Loud")));
        let found: Vec<_> = loud().chain([of(7, Some("Quiet")), of(8, None)]).collect();
        let shown = arranged(&Query::default(), found, 5);
        assert_eq!(titles(&shown), ["amber", "basalt", "cedar", "heron", "iris"]);
        assert_eq!(arranged(&Query::default(), loud().collect(), 5).len(), 5);
    }

    #[test]
    fn age_takes_a_bounded_part_of_a_score_and_the_future_is_as_new_as_now() {
        let now: Timestamp = NOW.parse().unwrap();
        let days = |days: i64| recency(hour_of(now.plus_days(-days)), now);
        assert_eq!(days(0), 1.0);
        assert_eq!(days(-400), 1.0);
        assert!((days(30) - (AGELESS + (1.0 - AGELESS) / 2.0)).abs() < 1e-3);
        assert!(days(100_000) >= AGELESS);
    }
}
