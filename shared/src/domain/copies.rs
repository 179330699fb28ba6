//! When an article is a copy of another, so that an import keeps it as one more address of that one, and when it
//! repeats another, so that a search shows it under that one.
//!
//! The same words alone don't tell. The text of a paywall stands under any headline, a column has the same headline
//! and often the same standfirst each day, and two rulings that contradict each other are told in one sentence with
//! another verb. So a copy also has a like headline and a near date; in doubt both articles are kept, since what is
//! kept twice is seen and what was taken for a copy is not.

use std::collections::BTreeSet;

use url::Url;

use super::article::{Article, Stored};
use super::signature::{SAME, Signature, is_unspaced, similarity, without_outlet};
use super::time::{DAY_MS, HOUR_MS, Timestamp};

/// Outlets carry an agency's report within this time.
const CARRIED_MS: i64 = 3 * DAY_MS;
/// One page at two addresses of a site has one time, or nearly. The next issue of a column comes later.
const ONE_PAGE_MS: i64 = HOUR_MS;
/// A site corrects or completes a report within this time, under an address of its own. A daily column's next issue
/// comes later.
const CORRECTED_MS: i64 = 20 * HOUR_MS;
/// The part of a headline's words that its text has, when the text is about what the headline says.
const TOLD: f64 = 0.4;
/// A headline of so many words is hardly ever another article's.
const TELLING: usize = 5;
/// Two texts in which each has no more words of its own than this are one sentence frame, filled differently.
const FRAME: usize = 4;
/// Letters by which two forms of a word are taken for one, and fewer of them for a verb's.
const STEM: usize = 4;
const STEM_OF_VERB: usize = 3;
/// Words that a copy's headline has more or fewer of.
const ARTICLES: [&str; 17] = [
    "a", "an", "the", "der", "die", "das", "ein", "eine", "le", "la", "les", "un", "une", "el", "los", "las",
    "il",
];
/// Words that turn a sentence around: in English, and in the other languages of news that write words apart.
const NEGATIONS: [&str; 27] = [
    "no", "not", "never", "none", "nor", "without", "didn", "doesn", "wasn", "isn", "aren", "won", "wouldn",
    "couldn", "nicht", "kein", "keine", "keinen", "nie", "ohne", "pas", "jamais", "sans", "non", "nunca",
    "sin", "não",
];

/// What of an article tells whether it is a copy.
#[derive(Clone, Debug)]
pub struct Likeness {
    signature: Signature,
    headline: Headline,
    host: Option<String>,
    /// None for an article that doesn't say its own.
    published_at: Option<Timestamp>,
    /// Whether the text is about what the headline says.
    is_told: bool,
    negations: usize,
    names: BTreeSet<String>,
}

impl Likeness {
    /// Of an article with its signature; `is_dated` says whether its time is its own.
    pub fn of(article: &Article, signature: Signature, is_dated: bool) -> Self {
        Self {
            headline: Headline::of(&article.title),
            host: host(article),
            published_at: is_dated.then_some(article.published_at),
            is_told: is_told(article),
            negations: negations(article.body()),
            names: names(article),
            signature,
        }
    }

    /// Of the article's texts.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// How alike the two texts are, when this is a copy of `earlier`: text and headline are the same but for labels,
    /// and it stands there within the hour, or on another site within three days. A short headline that the text says
    /// nothing of is a column's, and is carried by none.
    pub fn copies(&self, earlier: &Self) -> Option<f64> {
        if self.negations != earlier.negations
            || !self.headline.is_like(&earlier.headline, self.host == earlier.host)
            || each_has_own(&self.names, &earlier.names)
        {
            return None;
        }
        let between = self.published_at.zip(earlier.published_at).map(|(one, other)| apart(one, other));
        let is_near = if self.host == earlier.host {
            between.is_some_and(|between| between <= ONE_PAGE_MS)
        } else {
            between.is_none_or(|between| between <= CARRIED_MS)
                && (self.is_told
                    || self.headline.words.len() >= TELLING
                    || between.is_some_and(|between| between <= ONE_PAGE_MS))
        };
        Some(similarity(&self.signature, &earlier.signature)).filter(|alike| is_near && *alike >= SAME)
    }
}

/// Whether an article tells what `earlier` tells, of two whose texts are similar: the same report, also edited and
/// under a headline of its own. Not for another issue of a column, nor for what says something else.
pub fn repeats(later: &Stored, earlier: &Stored) -> bool {
    let (one, other) = (&later.article, &earlier.article);
    let between = apart(one.published_at, other.published_at);
    let (headline, its) = (Headline::of(&one.title), Headline::of(&other.title));
    let is_like = headline.is_like(&its, host(one) == host(other));
    let both_told = || is_told(one) && is_told(other);
    let is_one_report = if is_like && host(one) == host(other) {
        // The same once more is the next issue of a column, and a correction differs.
        between <= ONE_PAGE_MS || (between <= CORRECTED_MS && one.body() != other.body() && both_told())
    } else {
        between <= CARRIED_MS && (is_like || both_told())
    };
    is_one_report && !says_otherwise(one, other, is_like)
}

/// Whether two texts that are similar say different things: one sentence frame, with another verb or a "not".
fn says_otherwise(one: &Article, other: &Article, are_headlines_like: bool) -> bool {
    let (text, its) = (plain_words(one.body()), plain_words(other.body()));
    let own = |of: &BTreeSet<String>, not: &BTreeSet<String>| -> Vec<String> {
        of.iter().filter(|word| !not.contains(*word)).cloned().collect()
    };
    let (own_text, its_own_text) = (own(&text, &its), own(&its, &text));
    let is_frame = own_text.len() <= FRAME && its_own_text.len() <= FRAME;
    if is_frame
        && (negations(one.body()) != negations(other.body()) || each_has_own(&names(one), &names(other)))
    {
        return true;
    }
    if are_headlines_like {
        return false;
    }
    let (headline, its) = (plain_words(&one.title), plain_words(&other.title));
    let (own_headline, its_own_headline) = (own(&headline, &its), own(&its, &headline));
    if own_headline.is_empty() || its_own_headline.is_empty() {
        return false;
    }
    let is_filled_otherwise = is_frame && !own_text.is_empty() && !its_own_text.is_empty();
    // What is only in this headline is also only in this text, for both: each tells its own.
    let tells = |headline: &[String], text: &[String]| {
        headline
            .iter()
            .any(|word| text.iter().any(|told| stem(word, STEM_OF_VERB) == stem(told, STEM_OF_VERB)))
    };
    is_filled_otherwise || (tells(&own_headline, &own_text) && tells(&its_own_headline, &its_own_text))
}

/// Whether each of two has what the other has not: one was put in the other's place.
fn each_has_own(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    !one.is_subset(other) && !other.is_subset(one)
}

/// The names in an article's text, but that of its outlet, which credits itself.
fn names(article: &Article) -> BTreeSet<String> {
    let outlet = article.source.as_deref().unwrap_or_default();
    let is_outlet = |word: &&str| runs(outlet).any(|its| its == *word);
    let names = runs(article.body()).filter(|word| is_name(word) && !is_outlet(word));
    names.map(str::to_lowercase).collect()
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// The words of a headline, without what only labels it.
#[derive(Clone, Debug)]
struct Headline {
    /// What stands before a colon, as in "UPDATED: …", one word or two, or in brackets.
    label: Option<String>,
    /// What stands at its end, as an outlet's name does.
    tail: String,
    /// All words but articles, in lower case, each once.
    all: BTreeSet<String>,
    /// Those of them that say something: not of up to three letters, but for negations and figures.
    words: BTreeSet<String>,
}

impl Headline {
    fn of(whole: &str) -> Self {
        let title = without_outlet(whole);
        let tail = whole.get(title.len()..).unwrap_or_default().to_lowercase();
        let count = |text: &str| text.split_whitespace().count();
        let bracketed = [('[', ']'), ('【', '】')]
            .into_iter()
            .find_map(|(open, close)| title.strip_prefix(open)?.split_once(close));
        let colon = || title.split_once(": ").filter(|(label, rest)| count(label) <= 2 && count(rest) >= 3);
        let labelled = bracketed.or_else(colon);
        let (label, rest) =
            labelled.map_or((None, title), |(label, rest)| (Some(label.to_lowercase()), rest));
        let all = runs(rest).map(str::to_lowercase).filter(|word| !ARTICLES.contains(&word.as_str()));
        Self { label, tail, all: all.collect(), words: content_words(rest).collect() }
    }

    /// Whether both say the same: the same words, and no other label. On one site another end is another headline.
    fn is_like(&self, other: &Self, on_one_site: bool) -> bool {
        let is_other_label = matches!((&self.label, &other.label), (Some(one), Some(other)) if one != other);
        !is_other_label && self.all == other.all && (!on_one_site || self.tail == other.tail)
    }
}

/// Whether the text of an article is about what its headline says: it has enough of the headline's words, in one
/// form or another. A headline of short words alone says nothing.
fn is_told(article: &Article) -> bool {
    let headline = Headline::of(&article.title).words;
    let told: BTreeSet<&str> = runs(article.body()).map(|word| stem(word, STEM)).collect();
    let told: BTreeSet<String> = told.into_iter().map(str::to_lowercase).collect();
    let has = headline.iter().filter(|word| told.contains(stem(word, STEM))).count();
    !headline.is_empty() && has as f64 >= TOLD * headline.len() as f64
}

fn negations(text: &str) -> usize {
    // Most words are longer or shorter, so that few are written down in lower case.
    runs(text)
        .filter(|word| (2..=7).contains(&word.len()))
        .filter(|word| NEGATIONS.contains(&word.to_lowercase().as_str()))
        .count()
}

/// The words that say something, in lower case.
fn content_words(text: &str) -> impl Iterator<Item = String> + '_ {
    runs(text).map(str::to_lowercase).filter(|word| {
        word.chars().count() > 3
            || word.chars().any(|c| c.is_numeric() || is_unspaced(c))
            || NEGATIONS.contains(&word.as_str())
    })
}

/// The same without names, which whoever credits a report adds; figures and names that make another report of it are
/// compared by the signature.
fn plain_words(text: &str) -> BTreeSet<String> {
    runs(text).filter(|word| !is_name(word)).flat_map(content_words).collect()
}

/// Runs of letters and digits; of scripts without spaces, each character.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).flat_map(|run| {
        let is_apart = run.chars().any(is_unspaced);
        let each = run.split_inclusive(move |_: char| is_apart);
        each.filter(|word| !word.is_empty())
    })
}

/// The first `letters` of a word.
fn stem(word: &str, letters: usize) -> &str {
    word.char_indices().nth(letters).and_then(|(end, _)| word.get(..end)).unwrap_or(word)
}

fn host(article: &Article) -> Option<String> {
    let host = Url::parse(&article.url).ok()?.host_str()?.to_owned();
    Some(host.strip_prefix("www.").map(str::to_owned).unwrap_or(host))
}

fn apart(one: Timestamp, other: Timestamp) -> i64 {
    (one.as_millis() - other.as_millis()).abs()
}
