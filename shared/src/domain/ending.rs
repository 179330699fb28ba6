//! How an answer ended: the same values on a run and on a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters that are kept of what a model thinks before it answers; of more, the beginning. With the longest answer
/// that is kept they fit into one DynamoDB item (400 KB).
pub const THINKING_MAX: usize = 16_000;

/// Adds to what is kept of a model's thinking, as far as there is room.
pub fn think(thinking: &mut String, more: &str) {
    let room = THINKING_MAX.saturating_sub(thinking.chars().count());
    thinking.push_str(super::text::prefix(more, room));
}

/// How an answer ended. A sentence beside it says why, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The model had said all it wanted to.
    Complete,
    /// It reached the longest answer: of its model, or of what is kept.
    Length,
    /// Its user stopped it.
    Stopped,
    /// A filter of the model's provider stopped it.
    Filter,
    /// The model declined; the sentence has its words.
    Refusal,
    /// The connection to the model broke.
    Cut,
    /// A time limit passed.
    Slow,
    /// The model came to its end without a word.
    Empty,
    /// The model went on calling tools and never answered.
    Tools,
    /// The model's server failed, refused, or can't be reached.
    Server,
    /// The workshop itself stopped or failed while it was written.
    Interrupted,
    /// The model was not asked: something that it needs is missing, or the prompt doesn't fit.
    NotAsked,
    /// Its server ended it early, for a reason of its own.
    Other,
}

impl Ending {
    /// Whether the answer is whole.
    pub fn is_whole(self) -> bool {
        self == Self::Complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_is_kept_to_its_limit() {
        let mut thinking = "é".repeat(THINKING_MAX - 1);
        think(&mut thinking, "😀 and more");
        think(&mut thinking, "and more");
        assert!(thinking.ends_with("é😀") && thinking.chars().count() == THINKING_MAX);
    }
}
