//! Prompts: the entries of the shared library.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::draft;
use super::text::{self, Errors, FieldError};
use super::time::Timestamp;

/// Characters of a prompt's title, least and most.
pub const TITLE_LENGTH: (usize, usize) = (5, 100);

/// A prompt as lists show it. It has immutable versions; this is the newest's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prompt {
    /// Its unique name, `^[a-z0-9_]{3,50}$`.
    pub name: String,
    /// 5 to 100 characters.
    pub title: String,
    /// Up to 500 characters.
    pub description: String,
    /// The prompt that ships with the product.
    pub is_default: bool,
    /// Someone committed it, as opposed to shipped.
    pub user_created: bool,
    /// The number of the newest version.
    pub version: u32,
    /// Drafts that were cloned from it.
    pub clone_count: u64,
    /// When version 1 was committed.
    pub created_at: Timestamp,
    /// When the newest version was committed.
    pub updated_at: Timestamp,
}

/// A version of a prompt as lists show it. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Version {
    /// 1 for the first.
    pub version: u32,
    /// What the prompt was called then.
    pub title: String,
    /// What it said it was for.
    pub description: String,
    /// Characters of its text.
    pub content_length: u64,
    /// When it was committed.
    pub created_at: Timestamp,
}

/// Whether `name` may name a prompt.
pub fn is_name(name: &str) -> bool {
    (3..=50).contains(&name.len()) && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// What a commit says about the prompt it makes.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The prompt's name: 3 to 50 lower-case letters, digits and underscores.
    #[schemars(regex(pattern = r"^[a-z0-9_]{3,50}$"))]
    pub name: String,
    /// 5 to 100 characters.
    #[schemars(length(min = 5, max = 100), regex(pattern = text::LINE))]
    pub title: String,
    /// Up to 500 characters; the draft's own when absent.
    #[serde(default)]
    #[schemars(length(max = 500), regex(pattern = text::PROSE))]
    pub description: Option<String>,
}

impl Commit {
    /// Checks every limit.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        if !is_name(&self.name) {
            errors.push("name", "A name has 3 to 50 lower-case letters (a to z), digits and underscores.");
        }
        self.title = errors.line("title", &self.title, TITLE_LENGTH.0, TITLE_LENGTH.1);
        if let Some(description) = &self.description {
            errors.prose("description", description, 0, draft::DESCRIPTION_MAX);
        }
        errors.or(self)
    }
}

/// The name of a draft cloned from the prompt titled `title`, held to what a
/// draft's name may be.
pub fn clone_name(title: &str) -> String {
    text::prefix(&format!("Modified {title}"), draft::NAME_LENGTH.1).trim().to_owned()
}

/// The default research prompt, which ships with the product.
pub mod default_research {
    /// Its name in the library.
    pub const NAME: &str = "default_research";
    /// Its title.
    pub const TITLE: &str = "Default research prompt";
    /// What it says it is for.
    pub const DESCRIPTION: &str = "Answers a question from the articles found for it: finding first, every claim cited, gaps said plainly.";
    /// Its text.
    pub const CONTENT: &str = include_str!("default_research.md");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_lower_case_words() {
        for good in ["abc", "weekly_brief_2", &"a".repeat(50)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["ab", "Weekly", "a-b", "a b", "ábc", "", &"a".repeat(51)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_commit_is_told_everything_that_is_wrong_at_once() {
        let commit = Commit { name: "No".into(), title: "Four".into(), description: Some("d".repeat(501)) };
        assert_eq!(commit.checked().unwrap_err().len(), 3);
    }

    #[test]
    fn a_clone_of_a_long_title_still_has_a_valid_name() {
        assert_eq!(clone_name("Weekly brief"), "Modified Weekly brief");
        assert!(clone_name(&"t".repeat(100)).chars().count() <= 100);
    }

    #[test]
    fn the_default_prompt_can_be_tested_and_committed() {
        let length = default_research::CONTENT.trim().chars().count();
        assert!((draft::CONTENT_MIN_TO_RUN..4_000).contains(&length), "{length}");
        assert!(is_name(default_research::NAME));
    }
}
