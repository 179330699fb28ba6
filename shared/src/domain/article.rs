//! Articles and topics: what a test run reads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// The longest topic name, in characters.
pub const TOPIC_NAME_MAX: usize = 100;

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
}

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
}
