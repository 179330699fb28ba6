//! A feed that a topic follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::health::Health;
use crate::domain::time::Timestamp;

/// Feeds that one topic follows, at the most.
pub const FEEDS_MAX: u32 = 50;

/// A feed that a topic follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Feed {
    /// Its id within its topic: sixteen hexadecimal digits.
    pub id: String,
    /// Where it is.
    pub url: String,
    /// Its name; its address until it was read.
    pub title: String,
    /// The web page that it belongs to.
    pub site_url: Option<String>,
    /// How it is doing.
    #[serde(flatten)]
    pub health: Health,
    /// Articles that it brought, ever.
    pub articles_added: u64,
    /// Articles that the last collection which worked brought.
    pub last_added: u32,
    /// Entries that the last collection which worked could not take.
    pub last_rejected: u32,
    /// Since when it is followed.
    pub created_at: Timestamp,
}
