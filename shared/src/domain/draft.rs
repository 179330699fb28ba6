//! Drafts: prompts being worked on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text::{self, Errors, FieldError};
use super::time::Timestamp;

/// Characters a draft's text may have. Four bytes each still fit an item of
/// DynamoDB (400 KB) with the draft's other fields.
pub const CONTENT_MAX: usize = 100_000;
/// Characters that testing and committing ask for.
pub const CONTENT_MIN_TO_RUN: usize = 100;
/// Characters of a name, least and most.
pub const NAME_LENGTH: (usize, usize) = (3, 100);
/// Characters of a description.
pub const DESCRIPTION_MAX: usize = 500;
/// Days without activity after which a draft expires.
pub const LIFETIME_DAYS: i64 = 30;
/// What a draft is called until someone names it.
pub const DEFAULT_NAME: &str = "Untitled draft";
/// Two saves closer than this count as continuous work, in milliseconds.
const WORK_PAUSE_MS: i64 = 5 * 60 * 1000;

/// How far a draft has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written.
    Draft,
    /// Being tried on questions; set when the first test starts.
    Testing,
    /// Its author thinks it is done.
    Ready,
    /// In the library; set by a commit only.
    Committed,
}

impl Status {
    /// All of them, in the order of work.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Testing, Self::Ready, Self::Committed];

    /// The word used in JSON and in keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Testing => "testing",
            Self::Ready => "ready",
            Self::Committed => "committed",
        }
    }

    /// The status that `word` names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// A draft without its text: what lists show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Also the id of its conversation.
    pub id: Uuid,
    /// 3 to 100 characters.
    #[serde(rename = "draft_name")]
    pub name: String,
    /// Up to 500 characters.
    #[serde(rename = "draft_description")]
    pub description: String,
    /// How far it has come.
    pub status: Status,
    /// The library prompt it was cloned from.
    pub parent_prompt_name: Option<String>,
    /// Characters of its text.
    pub content_length: u64,
    /// Tests started with it.
    pub test_count: u64,
    /// Raised by every save.
    pub revision: u64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
    /// When it will be removed if nothing is done with it.
    pub expires_at: Timestamp,
}

/// A draft, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// What lists show of it.
    #[serde(flatten)]
    pub summary: Summary,
    /// Its owner: the `sub` claim of their token.
    #[serde(rename = "user_id")]
    pub owner: String,
    /// The prompt's text.
    #[serde(rename = "draft_content")]
    pub content: String,
    /// The library prompt it was committed as.
    pub committed_prompt_name: Option<String>,
    /// The version of that prompt it became.
    pub committed_version: Option<u32>,
    /// The revision that was committed.
    pub committed_revision: Option<u64>,
    /// Milliseconds of work not yet counted in the daily figures. Negative
    /// when two counted the same work at once: the next count evens it out.
    #[serde(default, skip)]
    pub work_ms: i64,
}

impl Summary {
    /// Whether it is gone for everyone, though the store may not have removed
    /// it yet (DynamoDB's TTL may be 48 hours late). It goes by whole seconds,
    /// as the store's TTL and the conditions of writes do: what is shown can be
    /// written.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.as_seconds() <= now.as_seconds()
    }
}

impl Draft {
    /// A new draft.
    pub fn new(
        id: Uuid,
        owner: &str,
        name: String,
        content: String,
        parent: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            summary: Summary {
                id,
                name,
                description: String::new(),
                status: Status::Draft,
                parent_prompt_name: parent,
                content_length: content.chars().count() as u64,
                test_count: 0,
                revision: 1,
                created_at: now,
                updated_at: now,
                expires_at: expiry(now),
            },
            owner: owner.to_owned(),
            content,
            committed_prompt_name: None,
            committed_version: None,
            committed_revision: None,
            work_ms: 0,
        }
    }

    /// This draft after `edit`, one revision on. A committed draft whose text
    /// changes is a draft again.
    pub fn edited(&self, edit: &Edit, now: Timestamp) -> Self {
        let mut next = self.clone();
        if let Some(content) = &edit.content {
            if *content != self.content && self.summary.status == Status::Committed {
                next.summary.status = Status::Draft;
            }
            next.content.clone_from(content);
            next.summary.content_length = content.chars().count() as u64;
        }
        if let Some(name) = &edit.name {
            next.summary.name.clone_from(name);
        }
        if let Some(description) = &edit.description {
            next.summary.description.clone_from(description);
        }
        if let Some(status) = edit.status {
            next.summary.status = status;
        }
        let pause = now.millis_since(self.summary.updated_at);
        if (0..WORK_PAUSE_MS).contains(&pause) {
            next.work_ms += pause;
        }
        next.summary.revision += 1;
        next.summary.updated_at = now;
        next.summary.expires_at = expiry(now);
        next
    }

    /// Whether it is gone for everyone ([`Summary::is_expired`]).
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.summary.is_expired(now)
    }

    /// Refuses text too short to be tested or committed.
    pub fn check_runnable(&self, doing: &str) -> Result<(), FieldError> {
        let length = self.content.trim().chars().count();
        if length >= CONTENT_MIN_TO_RUN {
            return Ok(());
        }
        Err(FieldError::new(
            "draft_content",
            format!(
                "{doing} needs a prompt of at least {CONTENT_MIN_TO_RUN} characters; the saved draft has {length}. \
                 Write a little more and save it first."
            ),
        ))
    }
}

/// When a draft that was active at `now` expires.
pub fn expiry(now: Timestamp) -> Timestamp {
    now.plus_days(LIFETIME_DAYS)
}

/// What a save changes; at least one field is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Edit {
    /// The whole text, 0 to 100,000 characters.
    #[serde(default, rename = "draft_content")]
    #[schemars(length(max = 100_000), regex(pattern = text::PROSE))]
    pub content: Option<String>,
    /// 3 to 100 characters.
    #[serde(default, rename = "draft_name")]
    #[schemars(length(min = 3, max = 100), regex(pattern = text::LINE))]
    pub name: Option<String>,
    /// Up to 500 characters.
    #[serde(default, rename = "draft_description")]
    #[schemars(length(max = 500), regex(pattern = text::PROSE))]
    pub description: Option<String>,
    /// `draft`, `testing` or `ready`.
    #[serde(default)]
    #[schemars(extend("not" = {"const": "committed"}))]
    pub status: Option<Status>,
}

impl Edit {
    /// Checks every limit.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Errors::default();
        if self == Self::default() {
            errors.push("", "Nothing to save: send draft_content, draft_name, draft_description or status.");
        }
        if let Some(content) = &self.content {
            errors.prose("draft_content", content, 0, CONTENT_MAX);
        }
        if let Some(name) = &mut self.name {
            *name = errors.line("draft_name", name, NAME_LENGTH.0, NAME_LENGTH.1);
        }
        if let Some(description) = &self.description {
            errors.prose("draft_description", description, 0, DESCRIPTION_MAX);
        }
        if self.status == Some(Status::Committed) {
            errors.push(
                "status",
                "A draft becomes committed by committing it. Use draft, testing or ready here.",
            );
        }
        errors.or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000)
    }

    fn draft(content: &str) -> Draft {
        Draft::new(Uuid::nil(), "ada", "Briefs".into(), content.into(), None, now())
    }

    fn content(text: &str) -> Edit {
        Edit { content: Some(text.into()), ..Edit::default() }
    }

    #[test]
    fn every_save_raises_the_revision_and_renews_the_draft() {
        let later = now().plus_days(3);
        let saved = draft("a").edited(&content("a"), later);
        assert_eq!(saved.summary.revision, 2);
        assert_eq!(saved.summary.expires_at, later.plus_days(30));
    }

    #[test]
    fn a_committed_draft_becomes_a_draft_when_its_text_changes() {
        let mut committed = draft("text");
        committed.summary.status = Status::Committed;
        assert_eq!(committed.edited(&content("text"), now()).summary.status, Status::Committed);
        assert_eq!(committed.edited(&content("other"), now()).summary.status, Status::Draft);
        let renamed = Edit { name: Some("New name".into()), ..Edit::default() };
        assert_eq!(committed.edited(&renamed, now()).summary.status, Status::Committed);
    }

    #[test]
    fn an_autosave_is_never_refused_for_being_short_but_a_test_is() {
        assert!(content("").checked().is_ok());
        assert!(draft("short").check_runnable("A test").is_err());
        assert!(draft(&"x".repeat(100)).check_runnable("A test").is_ok());
        assert!(draft(&" ".repeat(100)).check_runnable("A test").is_err());
    }

    #[test]
    fn the_limit_counts_characters_not_bytes() {
        assert!(content(&"ž".repeat(100_000)).checked().is_ok());
        assert!(content(&"z".repeat(100_001)).checked().is_err());
    }

    #[test]
    fn a_save_must_change_something_and_cannot_commit() {
        assert!(Edit::default().checked().is_err());
        assert!(Edit { status: Some(Status::Committed), ..Edit::default() }.checked().is_err());
    }

    #[test]
    fn work_counts_while_saves_follow_each_other() {
        let first = draft("a").edited(&content("b"), now().plus_millis(60_000));
        let after_lunch = first.edited(&content("c"), now().plus_millis(3_600_000));
        assert_eq!((first.work_ms, after_lunch.work_ms), (60_000, 60_000));
    }

    #[test]
    fn an_expired_draft_is_gone_at_its_minute() {
        let draft = draft("a");
        assert!(!draft.is_expired(now().plus_days(30).plus_millis(-1)));
        // As the store's TTL has it, which knows no parts of a second.
        let within = draft.edited(&content("other"), now().plus_millis(999));
        assert!(within.is_expired(now().plus_days(30)));
        assert!(draft.is_expired(now().plus_days(30)));
    }
}
