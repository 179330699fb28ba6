//! Conversations with the workshop assistant. One has its draft's id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ending::Ending;
use super::model::Usage;
use super::time::Timestamp;

/// Characters of one message, and of the requirements at the start.
pub const MESSAGE_MAX: usize = 20_000;
/// Characters of the requirements that a workshop may start with.
pub const REQUIREMENTS_MAX: usize = 10_000;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person.
    User,
    /// The workshop assistant.
    Assistant,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// A UUIDv7: text order is time order.
    pub id: Uuid,
    /// Who speaks.
    pub role: Role,
    /// Markdown.
    pub content: String,
    /// What the model thought before it answered: the first 16,000 characters, which are no part of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// When it was sent, or began to be written.
    pub created_at: Timestamp,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The answer ended early, or is still being written.
    pub truncated: bool,
    /// How the answer ended; absent while it is written. Of a user's message: how the newest try to answer it ended
    /// that brought no word; an answer may stand after it all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ending>,
    /// Why it ended so, what is kept and what to do, for a person; absent when it is whole or its user stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Tokens it took.
    pub usage: Option<Usage>,
    /// The user's message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<Uuid>,
}

impl Message {
    /// A message that is whole.
    pub fn new(id: Uuid, role: Role, content: String, created_at: Timestamp) -> Self {
        Self {
            id,
            role,
            content,
            thinking: None,
            created_at,
            model: None,
            truncated: false,
            ended: None,
            problem: None,
            usage: None,
            in_reply_to: None,
        }
    }
}

/// What is told of an answer whose writer didn't come to its end.
const INTERRUPTED: &str = "The workshop stopped while this answer was written, or an older version wrote it and didn't \
    say why it ended. What had arrived is kept. Ask for the answer again.";

/// Marks answers that have no end as interrupted: whoever wrote them is gone. The last of `messages` is spared if it
/// `may_be_written` still.
pub fn mark_interrupted(messages: &mut [Message], may_be_written: bool) {
    let spared = messages.len().checked_sub(1).filter(|_| may_be_written);
    for (at, message) in messages.iter_mut().enumerate() {
        if message.truncated && message.ended.is_none() && Some(at) != spared {
            message.ended = Some(Ending::Interrupted);
            message.problem = Some(INTERRUPTED.to_owned());
        }
    }
}

/// What the workshop starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening<'a> {
    /// Nothing yet.
    Blank,
    /// A text the user brought.
    Text,
    /// A library prompt, by title.
    Clone(&'a str),
    /// Requirements, which become the user's first message.
    Requirements,
}

impl Opening<'_> {
    /// The assistant's first words. Written, not generated, so that a workshop
    /// opens at once and without a model.
    pub fn message(self) -> String {
        match self {
            Self::Blank => "Let's design your prompt together. To begin, tell me:\n\n\
                1. **What should it find out or produce?** For example a weekly brief on AI adoption.\n\
                2. **Who reads the result,** and what will they decide with it?\n\
                3. **What should it look like?** Length, tone, headings, tables, how sources are cited.\n\n\
                Short answers are fine. I'll propose a whole prompt, and we can improve it from there."
                .to_owned(),
            Self::Text => "I have your prompt in front of me, in the draft on the right. \
                What should it do better? Tell me what you like about its answers and what you don't, \
                or run a test and rate the result: I see the ratings and notes."
                .to_owned(),
            Self::Clone(title) => format!(
                "Your draft starts as a copy of \"{title}\" from the library; the original stays as it is. \
                 What should be different in yours: the subject, the readers, the form of the answer, \
                 or how strictly it cites?"
            ),
            Self::Requirements => "Thank you, I have your requirements. \
                I'll answer with what I understood, what I'd still like to know, and a first prompt to try."
                .to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_end_was_interrupted_unless_it_is_being_written() {
        let message = |ended, truncated| Message {
            ended,
            truncated,
            ..Message::new(Uuid::nil(), Role::Assistant, "Half".into(), Timestamp::from_millis(0))
        };
        let old = [
            message(None, true),
            message(None, false),
            message(Some(Ending::Filter), true),
            message(None, true),
        ];
        let ends = |may_be_written| {
            let mut messages = old.clone();
            mark_interrupted(&mut messages, may_be_written);
            messages.map(|message| message.ended)
        };
        let (interrupted, filter) = (Some(Ending::Interrupted), Some(Ending::Filter));
        assert_eq!(ends(true), [interrupted, None, filter, None]);
        assert_eq!(ends(false), [interrupted, None, filter, interrupted]);
        mark_interrupted(&mut [], true);
    }

    #[test]
    fn what_an_older_version_stored_is_read() {
        let stored = r#"{"id": "00000000-0000-0000-0000-000000000000", "role": "assistant", "content": "Hi",
            "created_at": "2026-01-01T00:00:00Z", "model": "m", "truncated": true, "usage": null}"#;
        let message: Message = serde_json::from_str(stored).unwrap();
        assert_eq!((message.truncated, message.ended, message.problem), (true, None, None));
    }

    #[test]
    fn each_opening_fits_its_case() {
        assert!(Opening::Clone("Default research").message().contains("\"Default research\""));
        let openings = [Opening::Blank, Opening::Text, Opening::Clone("x"), Opening::Requirements];
        for (i, a) in openings.iter().enumerate() {
            for b in &openings[i + 1..] {
                assert_ne!(a.message(), b.message());
            }
        }
    }
}
