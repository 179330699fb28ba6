//! How an answer ended: the same values on a run and on a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
