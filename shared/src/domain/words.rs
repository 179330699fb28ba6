//! The words of an article, as an index keeps them, and how well articles fit
//! a query by them.
//!
//! The words are weighed by BM25 (Robertson and Zaragoza, "The Probabilistic
//! Relevance Framework: BM25 and Beyond", 2009) with the usual k1 and b, over
//! one text made of weighted fields, as its BM25F does. What the formula needs
//! of an article stands in its postings, so that no article is read to rank it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hasher;

use fnv::FnvHasher;

use super::article::{Article, ArticleId};
use super::search::{Filters, recency};
use super::time::{HOUR_MS, Timestamp};

/// How soon repeated words stop adding to a score.
const K1: f64 = 1.2;
/// How much a long article is held back.
const B: f64 = 0.75;
/// What one occurrence counts in the title, in tags, category and source, and
/// in the summary and text.
const WEIGHTS: [u32; 3] = [3, 2, 1];
/// Different words of an article that are kept, in the order they stand there.
/// A news item has 30, a long report some hundreds.
const WORDS_MAX: usize = 600;
/// Different words of a query that are looked for.
pub const QUERY_WORDS_MAX: usize = 16;
/// A length as it is kept: eight steps a doubling, so at most 5% off.
const LENGTH_STEPS: f64 = 8.0;

/// Buckets that a topic's terms are spread over: what is read for a word is
/// its bucket.
pub const BUCKETS: u16 = 256;

/// A word's stem, or a fact such as a category, as a number. (Two different
/// ones that share a number are found for each other: one pair in four thousand
/// million.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// The bucket it is kept in.
    pub bucket: u8,
    /// Itself, within its bucket.
    pub number: u32,
}

impl Term {
    fn of(kind: char, text: &str) -> Self {
        let [bucket, _, _, _, a, b, c, d] = mixed(kind, text).to_be_bytes();
        Self { bucket, number: u32::from_be_bytes([a, b, c, d]) }
    }

    /// A word's, by its stem.
    fn word(stem: &str) -> Self {
        Self::of('w', stem)
    }

    /// The articles of a category.
    pub fn category(name: &str) -> Self {
        Self::of('c', &folded(name))
    }

    /// The articles of an outlet.
    pub fn source(name: &str) -> Self {
        Self::of('s', &folded(name))
    }

    /// The articles of a sentiment.
    pub fn sentiment(word: &str) -> Self {
        Self::of('m', word)
    }
}

/// FNV-1a (draft-eastlake-fnv) with the finish of MurmurHash3, which spreads
/// short words over all bits. It is kept in the index: changing it means to
/// make that anew.
fn mixed(kind: char, text: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write_u8(kind as u8);
    hasher.write(text.as_bytes());
    let mut hash = hasher.finish();
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// A name as names are compared: lower case, single spaces.
pub fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// That an article has a term: what ranking needs to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The article.
    pub article: ArticleId,
    /// When it was published, in hours since 1970.
    pub hour: u32,
    /// How often it has the term, weighted by field, up to 255.
    frequency: u8,
    /// Its length in weighted words, on a logarithmic scale.
    length: u8,
}

/// Bytes of a posting.
const POSTING: usize = 13;
/// Bytes of a term's number.
const NUMBER: usize = 4;

impl Posting {
    fn write(self, to: &mut Vec<u8>) {
        let [_, hour @ ..] = self.hour.min(0x00ff_ffff).to_be_bytes();
        to.extend(self.article.to_bytes());
        to.extend(hour);
        to.extend([self.frequency, self.length]);
    }

    fn read(bytes: &[u8; POSTING]) -> Self {
        let [a, b, c, d, e, f, g, h, hour @ .., frequency, length] = *bytes;
        let [x, y, z] = hour;
        Self {
            article: ArticleId::from_bytes([a, b, c, d, e, f, g, h]),
            hour: u32::from_be_bytes([0, x, y, z]),
            frequency,
            length,
        }
    }
}

/// An instant as postings have it; years before 1970 count as its first hour.
pub fn hour_of(at: Timestamp) -> u32 {
    u32::try_from(at.as_millis().div_euclid(HOUR_MS)).unwrap_or(0)
}

/// The terms of one article.
#[derive(Clone, Debug)]
pub struct Indexed {
    postings: Vec<(Term, Posting)>,
    /// Its length in weighted words.
    pub length: u32,
}

impl Indexed {
    /// The terms of `article`.
    pub fn of(id: ArticleId, article: &Article) -> Self {
        let mut frequencies: HashMap<Term, u32> = HashMap::new();
        let mut length = 0;
        for (text, weight) in weighted_fields(article) {
            for_each_word(text, |word| {
                length += weight;
                if is_stop_word(word) {
                    return;
                }
                stem(word);
                let term = Term::word(word);
                if frequencies.len() < WORDS_MAX || frequencies.contains_key(&term) {
                    *frequencies.entry(term).or_default() += weight;
                }
            });
        }
        let facts = article
            .category
            .as_deref()
            .map(Term::category)
            .into_iter()
            .chain(article.source.as_deref().map(Term::source))
            .chain(article.sentiment.map(|sentiment| Term::sentiment(sentiment.as_str())));
        frequencies.extend(facts.map(|fact| (fact, 1)));
        let hour = hour_of(article.published_at);
        let scaled = scaled_length(length);
        let posting = |frequency: u32| Posting {
            article: id,
            hour,
            frequency: u8::try_from(frequency).unwrap_or(u8::MAX),
            length: scaled,
        };
        let mut postings: Vec<_> =
            frequencies.into_iter().map(|(term, frequency)| (term, posting(frequency))).collect();
        // The same article gives the same bytes, so that writing it again adds nothing.
        postings.sort_unstable_by_key(|(term, _)| *term);
        Self { postings, length }
    }

    /// How many terms it has.
    pub fn terms(&self) -> usize {
        self.postings.len()
    }
}

fn scaled_length(length: u32) -> u8 {
    let scaled = (f64::from(length) + 1.0).log2() * LENGTH_STEPS;
    scaled.round().clamp(0.0, 255.0) as u8
}

/// The terms of several articles by bucket, as they are written: for each term
/// its number and then its postings.
pub fn bucketed(articles: &[Indexed]) -> HashMap<u8, Vec<Vec<u8>>> {
    let mut runs: HashMap<Term, Vec<u8>> = HashMap::new();
    for (term, posting) in articles.iter().flat_map(|article| &article.postings) {
        posting.write(runs.entry(*term).or_insert_with(|| term.number.to_be_bytes().to_vec()));
    }
    let mut buckets: HashMap<u8, Vec<Vec<u8>>> = HashMap::new();
    for (term, run) in runs {
        buckets.entry(term.bucket).or_default().push(run);
    }
    buckets
}

/// The postings of `term` among what its bucket has. An article that was
/// imported again may be there more than once: the first counts.
pub fn postings<'a>(term: Term, runs: impl IntoIterator<Item = &'a [u8]>) -> Vec<Posting> {
    let mut postings = Vec::new();
    for run in runs {
        let Some((number, list)) = run.split_first_chunk::<NUMBER>() else { continue };
        if u32::from_be_bytes(*number) == term.number {
            postings.extend(list.as_chunks::<POSTING>().0.iter().map(Posting::read));
        }
    }
    let mut seen = HashSet::with_capacity(postings.len());
    postings.retain(|posting| seen.insert(posting.article));
    postings
}

/// A run of a bucket as it is without these articles; `None` when that leaves no posting.
pub fn run_without(run: &[u8], gone: &BTreeSet<ArticleId>) -> Option<Vec<u8>> {
    let (number, list) = run.split_first_chunk::<NUMBER>()?;
    let stays = |posting: &&[u8; POSTING]| !gone.contains(&Posting::read(posting).article);
    let kept: Vec<u8> = list.as_chunks().0.iter().filter(stays).flatten().copied().collect();
    (!kept.is_empty()).then(|| [number.as_slice(), &kept].concat())
}

/// The words of a query that say something, in its order, without repeats.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// As the user wrote them, in lower case.
    words: Vec<String>,
    /// The term of each.
    terms: Vec<Term>,
}

impl Query {
    /// The words of `text`, the first [`QUERY_WORDS_MAX`].
    pub fn new(text: &str) -> Self {
        let mut query = Self::default();
        for_each_word(text, |word| {
            if is_stop_word(word) || query.words.len() == QUERY_WORDS_MAX {
                return;
            }
            let written = word.clone();
            stem(word);
            let term = Term::word(word);
            if !query.terms.contains(&term) {
                query.terms.push(term);
                query.words.push(written);
            }
        });
        query
    }

    /// Whether it has no word that says something.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms to look for.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The query's words that `article` has, in the query's order.
    pub fn words_in(&self, article: &Article) -> Vec<String> {
        let mut held = HashSet::new();
        for (text, _) in weighted_fields(article) {
            for_each_word(text, |word| {
                stem(word);
                let term = Term::word(word);
                if self.terms.contains(&term) {
                    held.insert(term);
                }
            });
        }
        let words = self.words.iter().zip(&self.terms);
        words.filter(|(_, term)| held.contains(term)).map(|(word, _)| word.clone()).collect()
    }
}

/// What a topic's articles are like as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Collection {
    /// How many there are.
    pub articles: u64,
    /// Their lengths in weighted words, together.
    pub length: u64,
}

/// Which articles fit by words, best first, with the score of each; equal ones
/// newest first. `lists` has the postings of each of the query's terms.
///
/// A score is BM25 × [`recency`], and comparable within one ranking only.
pub fn rank(
    lists: &[Vec<Posting>],
    among: Collection,
    filters: &Filters,
    now: Timestamp,
) -> Vec<(ArticleId, f64)> {
    struct Scored {
        score: f64,
        hour: u32,
    }
    let articles = among.articles.max(1) as f64;
    let average = (among.length as f64 / articles).max(1.0);
    let mut scores: HashMap<ArticleId, Scored> = HashMap::new();
    for list in lists {
        // An article that was changed can stand in lists that it left.
        let holding = (list.len() as f64).min(articles);
        let rarity = (1.0 + (articles - holding + 0.5) / (holding + 0.5)).ln();
        for posting in list.iter().filter(|posting| filters.may_hold(posting)) {
            let length = (f64::from(posting.length) / LENGTH_STEPS).exp2();
            let frequency = f64::from(posting.frequency);
            let held_back = K1 * (1.0 - B + B * length / average);
            let score = rarity * frequency * (K1 + 1.0) / (frequency + held_back);
            scores.entry(posting.article).or_insert(Scored { score: 0.0, hour: posting.hour }).score += score;
        }
    }
    let mut ranked: Vec<_> = scores
        .into_iter()
        .map(|(article, Scored { score, hour })| (article, score * recency(hour, now), hour))
        .collect();
    ranked.sort_unstable_by(|(one, score, hour), (other, other_score, other_hour)| {
        other_score.total_cmp(score).then(other_hour.cmp(hour)).then(one.cmp(other))
    });
    ranked.into_iter().map(|(article, score, _)| (article, score)).collect()
}

fn weighted_fields(article: &Article) -> impl Iterator<Item = (&str, u32)> {
    let [title, labels, body] = WEIGHTS;
    std::iter::once((article.title.as_str(), title))
        .chain(article.tags.iter().map(move |tag| (tag.as_str(), labels)))
        .chain(article.category.as_deref().map(|text| (text, labels)))
        .chain(article.source.as_deref().map(|text| (text, labels)))
        .chain(article.summary.as_deref().map(|text| (text, body)))
        .chain(article.text.as_deref().map(|text| (text, body)))
}

/// Calls `each` with every word of `text` in lower case: a run of letters and
/// digits, or, in scripts written without spaces, one character.
fn for_each_word(text: &str, mut each: impl FnMut(&mut String)) {
    let mut word = String::with_capacity(32);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c.to_ascii_lowercase());
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let spaceless = is_spaceless(c);
        if c.is_alphanumeric() && !spaceless {
            word.extend(c.to_lowercase().filter(|c| !is_invisible(*c)));
            continue;
        }
        if !word.is_empty() {
            each(&mut word);
            word.clear();
        }
        if spaceless {
            word.push(c);
            each(&mut word);
            word.clear();
        }
    }
    if !word.is_empty() {
        each(&mut word);
    }
}

/// Combining accents and soft hyphens, which would cut a word in two.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}')
}

/// Chinese and Japanese characters.
fn is_spaceless(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Cuts an English word down to what its forms share: "prices", "priced",
/// "pricing" and "price" become one. Light on purpose: it takes off a plural
/// -s, then -ing or -ed with the consonant they doubled, then a final -e, and
/// writes a final -y as -i. What that joins or parts wrongly ("wording" and
/// "word", "analysis" and "analyses") costs little in a ranking. Other scripts
/// stay as they are. Never changes the first byte.
fn stem(word: &mut String) {
    const VOWEL_Y: [&str; 4] = ["ay", "ey", "oy", "uy"];
    if word.len() < 4 || !word.is_ascii() || word == "news" {
        return;
    }
    if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") && !word.ends_with("is") {
        word.pop();
    }
    let ending = if word.ends_with("ing") {
        3
    } else if word.ends_with("ed") && !word.ends_with("eed") {
        2
    } else {
        0
    };
    let rest = word.get(..word.len() - ending).unwrap_or_default();
    if ending > 0 && rest.len() >= 3 && rest.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
        word.truncate(word.len() - ending);
        undouble(word);
    }
    if word.len() >= 4 && word.ends_with('e') {
        word.pop();
    } else if word.len() >= 4 && word.ends_with('y') && !VOWEL_Y.iter().any(|ending| word.ends_with(ending)) {
        word.pop();
        word.push('i');
    }
}

/// "plann" (from "planned") becomes "plan"; "tell", "pass" and "add" stay.
fn undouble(word: &mut String) {
    let mut letters = word.bytes().rev();
    let last = letters.next();
    if word.len() >= 4 && last == letters.next() && !matches!(last, Some(b'l' | b's' | b'z')) {
        word.pop();
    }
}

/// English words that say nothing about a subject. "us" is not one of them: it
/// is also a country.
fn is_stop_word(word: &str) -> bool {
    const STOP_WORDS: &[&str] = &[
        "a", "about", "above", "after", "again", "against", "all", "also", "am", "an", "and", "any", "are",
        "as", "at", "be", "because", "been", "before", "being", "below", "between", "both", "but", "by",
        "can", "could", "d", "did", "do", "does", "doing", "don", "down", "during", "each", "few", "for",
        "from", "further", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how",
        "i", "if", "in", "into", "is", "it", "its", "just", "ll", "may", "me", "might", "more", "most", "my",
        "no", "nor", "not", "now", "of", "off", "on", "once", "only", "or", "other", "our", "out", "over",
        "own", "re", "s", "same", "she", "should", "so", "some", "such", "t", "than", "that", "the", "their",
        "them", "then", "there", "these", "they", "this", "those", "through", "to", "too", "under", "until",
        "up", "ve", "very", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom",
        "whose", "why", "will", "with", "would", "you", "your", "yours",
    ];
    STOP_WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T00:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn article(title: &str, summary: &str, days_old: i64) -> Article {
        Article {
            title: title.into(),
            url: format!("https://example.com/{}", title.replace(' ', "-")),
            source: None,
            published_at: now().plus_days(-days_old),
            summary: Some(summary.into()),
            text: None,
            category: None,
            sentiment: None,
            tags: Vec::new(),
            language: None,
            sample: false,
        }
    }

    /// Writes the articles into buckets, and asks those for the query: titles, best first.
    fn found(query: &str, articles: &[Article]) -> Vec<(String, f64)> {
        found_within(query, articles, &Filters::default())
    }

    fn found_within(query: &str, articles: &[Article], filters: &Filters) -> Vec<(String, f64)> {
        let ids: Vec<_> = articles.iter().map(|article| ArticleId::of(&article.url)).collect();
        let indexed: Vec<_> =
            articles.iter().zip(&ids).map(|(article, id)| Indexed::of(*id, article)).collect();
        let length = indexed.iter().map(|article| u64::from(article.length)).sum();
        let among = Collection { articles: articles.len() as u64, length };
        let buckets = bucketed(&indexed);
        let lists: Vec<_> = Query::new(query)
            .terms()
            .iter()
            .map(|term| {
                let runs = buckets.get(&term.bucket).into_iter().flatten();
                postings(*term, runs.map(Vec::as_slice))
            })
            .collect();
        rank(&lists, among, filters, now())
            .into_iter()
            .map(|(id, score)| (articles[ids.iter().position(|of| *of == id).unwrap()].title.clone(), score))
            .collect()
    }

    fn titles(found: &[(String, f64)]) -> Vec<&str> {
        found.iter().map(|(title, _)| title.as_str()).collect()
    }

    fn stemmed(word: &str) -> String {
        let mut word = word.to_owned();
        stem(&mut word);
        word
    }

    #[test]
    fn only_articles_with_a_word_of_the_query_are_found_and_they_say_which() {
        let articles = [
            article("Chip exports", "New rules for semiconductors", 1),
            article("Football", "A match was played", 1),
        ];
        assert_eq!(titles(&found("What are the export rules, the RULES?", &articles)), ["Chip exports"]);
        let query = Query::new("What are the export rules, the RULES?");
        assert_eq!(query.words_in(&articles[0]), ["export", "rules"]);
        assert!(query.words_in(&articles[1]).is_empty());
    }

    #[test]
    fn a_word_in_the_title_counts_more_than_in_labels_and_those_more_than_in_the_text() {
        let mut tagged = article("B", "one two three", 2);
        tagged.tags = vec!["quantum".into()];
        let mut from = article("C", "one two three", 3);
        from.source = Some("Quantum".into());
        let articles =
            [article("D", "one two quantum", 1), tagged, from, article("Quantum", "one two three", 4)];
        assert_eq!(titles(&found("quantum", &articles)), ["Quantum", "B", "C", "D"]);
    }

    #[test]
    fn the_full_text_is_searched_beside_the_summary() {
        let mut whole = article("Report", "short", 1);
        whole.text = Some("deep inside stands lithium".into());
        assert_eq!(found("lithium", &[whole]).len(), 1);
    }

    #[test]
    fn a_rare_word_counts_more_than_a_common_one() {
        let mut articles: Vec<Article> =
            (0..20).map(|n| article(&format!("{n}"), "market talk", 1)).collect();
        articles.push(article("rare", "lithium talk", 1));
        assert_eq!(titles(&found("market lithium", &articles))[0], "rare");
    }

    #[test]
    fn of_two_equal_articles_the_newer_comes_first_and_age_takes_a_bounded_part() {
        let articles = [article("old", "lithium", 3_000), article("new", "lithium", 0)];
        let found = found("lithium", &articles);
        assert_eq!(titles(&found), ["new", "old"]);
        let share = found[1].1 / found[0].1;
        assert!((0.5..1.0).contains(&share), "{share}");
    }

    #[test]
    fn what_is_out_of_the_window_or_of_another_category_is_not_ranked() {
        let mut law = article("law", "lithium", 2);
        law.category = Some("Law".into());
        let articles = [law, article("old", "lithium", 30), article("new", "lithium", 1)];
        let filters = Filters { from: Some(now().plus_days(-7)), ..Filters::default() };
        assert_eq!(titles(&found_within("lithium", &articles, &filters)), ["new", "law"]);
        let of_law = [ArticleId::of(&articles[0].url)].into_iter().collect();
        let filters = Filters { only: Some(of_law), ..Filters::default() };
        assert_eq!(titles(&found_within("lithium", &articles, &filters)), ["law"]);
    }

    #[test]
    fn facts_are_found_as_terms_whatever_their_case_and_not_as_words() {
        let mut law = article("T", "text", 2);
        law.category = Some("Labour  Law".into());
        let indexed = Indexed::of(ArticleId::of(&law.url), &law);
        let has = |term| indexed.postings.iter().any(|(of, _)| *of == term);
        assert!(has(Term::category("labour law")));
        assert!(!has(Term::source("labour law")) && !has(Term::category("labour")));
    }

    #[test]
    fn a_run_without_an_article_has_all_the_others_and_none_is_left_of_its_own() {
        let articles =
            [article("one", "lithium", 1), article("two", "lithium", 2), article("three", "lithium", 3)];
        let indexed: Vec<_> =
            articles.iter().map(|article| Indexed::of(ArticleId::of(&article.url), article)).collect();
        let term = Query::new("lithium").terms()[0];
        let runs = bucketed(&indexed).remove(&term.bucket).unwrap();
        let ids =
            |of: &[&Article]| of.iter().map(|article| ArticleId::of(&article.url)).collect::<BTreeSet<_>>();
        let found = |runs: &[Vec<u8>]| {
            let postings = postings(term, runs.iter().map(Vec::as_slice));
            postings.into_iter().map(|posting| posting.article).collect::<BTreeSet<_>>()
        };
        let without = |gone: &BTreeSet<ArticleId>| -> Vec<_> {
            runs.iter().filter_map(|run| run_without(run, gone)).collect()
        };
        assert_eq!(found(&without(&ids(&[&articles[1]]))), ids(&[&articles[0], &articles[2]]));
        assert_eq!(without(&ids(&[])), runs, "one of which nothing goes has the same bytes");
        assert!(without(&ids(&[&articles[0], &articles[1], &articles[2]])).is_empty());
    }

    #[test]
    fn an_article_that_is_indexed_again_counts_once() {
        let first = article("lithium", "lithium", 1);
        let id = ArticleId::of(&first.url);
        let runs = |article: &Article| bucketed(&[Indexed::of(id, article)]);
        let (before, after) = (runs(&first), runs(&article("lithium", "lithium lithium", 0)));
        let term = Query::new("lithium").terms()[0];
        let all = before[&term.bucket].iter().chain(&after[&term.bucket]).map(Vec::as_slice);
        assert_eq!(postings(term, all).len(), 1);
        assert_eq!(runs(&first), before, "and the same article gives the same bytes");
    }

    #[test]
    fn a_posting_is_read_as_it_was_written_and_what_is_no_posting_is_passed_over() {
        let posting = Posting { article: ArticleId::of("x"), hour: 498_000, frequency: 7, length: 44 };
        let mut run = 9_u32.to_be_bytes().to_vec();
        posting.write(&mut run);
        let term = Term { bucket: 0, number: 9 };
        let torn = &run[..run.len() - 1];
        assert_eq!(postings(term, [&run[..], torn, &[], &[1, 2]]), [posting]);
    }

    #[test]
    fn scores_stay_finite_for_empty_and_extreme_articles() {
        let mut empty = article("", "", 0);
        empty.summary = None;
        let mut endless = article("lithium", &"lithium ".repeat(6_000), 0);
        endless.published_at = Timestamp::from_millis(i64::MIN);
        let articles = [empty, endless];
        for query in ["lithium", &"lithium zebra ".repeat(80), "\u{0}\u{feff}", ""] {
            assert!(found(query, &articles).iter().all(|(_, score)| score.is_finite() && *score >= 0.0));
        }
    }

    #[test]
    fn a_long_query_and_a_long_article_are_held_to_their_limits() {
        let many: String = (0..5_000).map(|n| format!("word{n} ")).collect();
        assert_eq!(Query::new(&many).terms().len(), QUERY_WORDS_MAX);
        assert_eq!(Indexed::of(ArticleId::of("x"), &article("t", &many, 0)).terms(), WORDS_MAX);
    }

    #[test]
    fn the_forms_of_an_english_word_are_one_word() {
        for forms in [
            &["price", "prices", "priced", "pricing"][..],
            &["plan", "plans", "planned", "planning"],
            &["company", "companies"],
            &["city", "cities"],
            &["study", "studies", "studied", "studying"],
            &["class", "classes"],
            &["watch", "watches", "watched"],
            &["fund", "funding", "funded"],
            &["add", "adding", "added"],
        ] {
            for form in forms {
                assert_eq!(stemmed(form), stemmed(forms[0]), "{form}");
            }
        }
    }

    #[test]
    fn words_that_only_look_like_forms_stay_apart() {
        for (one, other) in [
            ("news", "new"),
            ("policy", "police"),
            ("movie", "move"),
            ("taxi", "tax"),
            ("string", "str"),
            ("speed", "spe"),
            ("virus", "viru"),
            ("analysis", "analys"),
        ] {
            assert_ne!(stemmed(one), stemmed(other));
        }
    }

    #[test]
    fn any_script_is_searched_and_upper_case_is_lower_case() {
        let articles = [
            article("one", "ИСКУССТВЕННЫЙ интеллект", 1),
            article("two", "人工智能的监管", 1),
            article("three", "İstanbul ÉCOLE", 1),
            article("four", "GPT-4 of Nvidia’s AI", 1),
        ];
        for (query, title) in [
            ("искусственный", "one"),
            ("智能", "two"),
            ("istanbul", "three"),
            ("école", "three"),
            ("gpt", "four"),
            ("NVIDIA", "four"),
        ] {
            assert_eq!(titles(&found(query, &articles)), [title], "{query}");
        }
    }

    #[test]
    fn an_accent_or_a_soft_hyphen_of_its_own_does_not_cut_a_word() {
        let articles = [article("one", "re\u{301}sume\u{301} regu\u{ad}lation", 1)];
        assert_eq!(found("resume", &articles).len(), 1);
        assert_eq!(found("regulation", &articles).len(), 1);
        assert!(found("re", &articles).is_empty());
    }
}
