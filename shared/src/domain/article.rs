//! Articles and topics: what a test run reads.

use std::fmt;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::identity::url_identity;
use super::signature::Signature;
use super::time::Timestamp;

/// The longest topic name, in characters.
pub const TOPIC_NAME_MAX: usize = 100;
/// The longest title of an article, in characters.
pub const TITLE_MAX: usize = 300;
/// The longest address, in characters.
pub const URL_MAX: usize = 2_000;
/// The longest name of an outlet or a category, in characters.
pub const NAME_MAX: usize = 100;
/// The longest summary, in characters.
pub const SUMMARY_MAX: usize = 5_000;
/// The longest text, in characters.
pub const TEXT_MAX: usize = 50_000;
/// The most tags.
pub const TAGS_MAX: usize = 20;
/// The longest tag, in characters.
pub const TAG_MAX: usize = 50;
/// The longest language tag, in characters (RFC 5646, section 4.4.1).
pub const LANGUAGE_MAX: usize = 35;

/// How an article speaks of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    /// Approving or hopeful.
    Positive,
    /// Reporting without taking a side.
    Neutral,
    /// Questioning: weighs what is wrong.
    Critical,
    /// Disapproving or alarmed.
    Negative,
}

impl Sentiment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Positive, Self::Neutral, Self::Critical, Self::Negative];

    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Neutral => "neutral",
            Self::Critical => "critical",
            Self::Negative => "negative",
        }
    }

    /// The sentiment of this word, in any case of letters.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sentiment| sentiment.as_str().eq_ignore_ascii_case(word.trim()))
    }
}

/// One article of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Article {
    /// The headline, up to 300 characters.
    pub title: String,
    /// Where it was published (http or https, up to 2,000 characters): its
    /// identity within a topic.
    pub url: String,
    /// The outlet's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was published; the time of import when that was not said.
    pub published_at: Timestamp,
    /// A short text, up to 5,000 characters. An article has this, `text`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The whole text, up to 50,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// A section such as "Regulation".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How it speaks of its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Sentiment>,
    /// Free words, up to 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// BCP 47, such as `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Written for this product as a sample; it reports nothing real.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sample: bool,
}

impl Article {
    /// The text a reader is shown: the summary, or else the start of the text.
    pub fn body(&self) -> &str {
        self.summary.as_deref().or(self.text.as_deref()).unwrap_or_default()
    }
}

/// What identifies an article within its topic: 64 bits of the hash of its
/// address, as addresses are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArticleId(u64);

impl ArticleId {
    /// The article at `url`. One that can't be parsed is compared as it stands.
    pub fn of(url: &str) -> Self {
        let identity = Url::parse(url).map_or_else(|_| url.to_owned(), |url| url_identity(&url));
        let digest = Sha256::digest(identity.as_bytes());
        Self(digest.first_chunk().map_or(0, |first| u64::from_be_bytes(*first)))
    }

    /// As eight bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// From eight bytes.
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }
}

/// Sixteen hexadecimal digits.
impl fmt::Display for ArticleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ArticleId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// An article with what the workshop found out about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The article.
    pub article: Article,
    /// Other addresses where the same text was met.
    pub also_at: Vec<String>,
    /// What near-identical articles have in common.
    pub signature: Signature,
}

/// A named collection of articles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topic {
    /// As it was first written; topics are the same when they differ only in
    /// case and spacing.
    pub name: String,
    /// How many articles it holds.
    pub article_count: u64,
    /// When the newest of them was published.
    pub newest: Option<Timestamp>,
    /// When the oldest of them was published.
    pub oldest: Option<Timestamp>,
    /// Part of the built-in sample collection.
    pub sample: bool,
    /// The user who made it. The sample has none, nor has a topic from before this was kept.
    #[serde(skip)]
    pub made_by: Option<String>,
}

/// A topic's name as it is kept: in one form of Unicode (NFKC), so that what looks the same is the same, without
/// characters that can't be seen, single spaces.
///
/// # Errors
/// A sentence for whoever typed it, when nothing of it can be seen, when it is too long, or when no address can carry it: a browser takes
/// `.` and `..` out of a path (RFC 3986, section 5.2.4).
pub fn topic_name(typed: &str) -> Result<String, &'static str> {
    let hidden = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    // Within a name these choose how their neighbours look, in Persian, in Indian scripts and in emoji.
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let seen = |c: &char| joins(*c) || !hidden.contains(*c);
    // First: the form of a character that can't be seen may be one that isn't known as such.
    let typed: String = typed.chars().filter(seen).collect();
    let normal: String =
        ComposingNormalizerBorrowed::new_nfkc().normalize(&typed).chars().filter(seen).collect();
    let name = normal.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().all(|c| c.is_whitespace() || joins(c) || c == BLANK_BRAILLE) {
        return Err(
            "The topic's name has no character that can be seen. Give it a name that a reader can see.",
        );
    }
    if name == "." || name == ".." {
        return Err("A topic can't be called . or .., which no address can carry. Give it another name.");
    }
    if name.chars().count() > TOPIC_NAME_MAX {
        return Err("The topic's name is longer than 100 characters once it is written out. Shorten it.");
    }
    Ok(name)
}

/// A character that looks like a space and isn't one.
const BLANK_BRAILLE: char = '\u{2800}';

/// The form of a topic's name that identifies it: lower case, single spaces.
pub fn topic_slug(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_differ_in_case_and_spacing_are_one() {
        assert_eq!(topic_slug("  AI   Adoption "), topic_slug("ai adoption"));
        assert_ne!(topic_slug("AI Adoption"), topic_slug("AI-Adoption"));
    }

    #[test]
    fn one_name_is_one_topic_whatever_its_form() {
        for (typed, kept) in [
            ("Cafe\u{301}", "Café"),
            ("\u{fb01}n", "fin"),
            ("ＡＩ", "AI"),
            ("\u{feff}bom", "bom"),
            ("zero\u{200b}width", "zerowidth"),
            ("soft\u{ad}hyphen", "softhyphen"),
            ("\u{202e}AI\u{202c}", "AI"),
            ("Ａ\u{3000}I", "A I"),
            ("한\u{3164}글", "한글"),
            ("\u{212b}ngström", "Ångström"),
            // What looks different without it stays.
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}🔬 news", "👩\u{200d}🔬 news"),
            ("AI & law: 100% / ½?", "AI & law: 100% / 1⁄2?"),
        ] {
            assert_eq!(topic_name(typed).as_deref(), Ok(kept), "{typed:?}");
            assert_eq!(topic_name(kept).as_deref(), Ok(kept), "{kept:?}");
        }
        for unseen in [
            "\u{200b}",
            "\u{3164}",
            "\u{ffa0}",
            "\u{202e}\u{2066}",
            "\u{2800}",
            "\u{200d} \u{fe0f}",
            "",
            " ",
            "\u{e0041}",
        ] {
            assert!(topic_name(unseen).is_err_and(|sentence| sentence.contains("seen")), "{unseen:?}");
        }
        for lost in [".", "..", "．．", " . ", "\u{200b}.."] {
            assert!(topic_name(lost).is_err_and(|sentence| sentence.contains("address")), "{lost:?}");
        }
    }
}
