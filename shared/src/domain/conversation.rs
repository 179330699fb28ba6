//! Conversations with the workshop assistant. One has its draft's id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// When it was sent, or began to be written.
    pub created_at: Timestamp,
    /// The model that wrote it.
    pub model: Option<String>,
    /// The answer ended early: its user stopped it, or its model failed, was cut
    /// off or reached its limit.
    pub truncated: bool,
    /// Tokens it took.
    pub usage: Option<Usage>,
    /// The user's message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<Uuid>,
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
