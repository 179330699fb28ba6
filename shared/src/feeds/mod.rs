//! Feeds that a topic follows: fetched, read, and looked at again in time.
//! Knows no store; what is kept of a feed is the caller's.
//!
//! - [`collect`]: one collection, from an address to articles
//! - [`address`]: which addresses may be reached
//! - [`fetch`]: the guarded way out: limits, redirects, conditional requests
//! - [`parse`]: a document's bytes → articles; `encoding`, `split` and
//!   `discover` are its parts
//! - [`Feed`]: a feed that a topic follows, as it is kept and shown
//! - [`health`]: how a feed is doing and when to look again

pub mod address;
mod discover;
mod encoding;
pub mod fetch;
mod followed;
pub mod health;
pub mod parse;
mod split;

use std::time::Duration;

use url::Url;

pub use fetch::{FetchError, Fetched, Fetcher, Validators};
pub use followed::{FEEDS_MAX, Feed};
pub use health::{Failure, FeedStatus, Health};
pub use parse::{ParseError, Parsed, RejectedEntry};

use crate::domain::time::Timestamp;

/// What a collection brought.
#[derive(Clone, Debug)]
pub struct Collected {
    /// None when nothing has changed since the last collection.
    pub feed: Option<Parsed>,
    /// To be kept for the next collection.
    pub validators: Validators,
    /// The feed's new address, to be kept in place of the old one.
    pub moved_to: Option<Url>,
    /// The pause that the feed or its server asks for, whichever is longer.
    pub asked_pause: Option<Duration>,
}

/// Why a collection failed. `Display` is for logs, [`Self::sentence`] for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// There is no document.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The document is no feed.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl CollectError {
    /// What happened and what to do.
    pub fn sentence(&self) -> String {
        match self {
            Self::Fetch(error) => error.sentence(),
            Self::Parse(error) => error.sentence(),
        }
    }

    /// Whether the address may well be that of a feed, which works later. An
    /// address for which it is false is not worth following.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Fetch(error) => error.may_retry(),
            Self::Parse(_) => false,
        }
    }

    /// What the feed's health depends on.
    pub fn failure(&self) -> Failure {
        let (retry_after, gone) = match self {
            Self::Fetch(error) => (error.retry_after(), *error == FetchError::Gone),
            Self::Parse(_) => (None, false),
        };
        Failure { sentence: self.sentence(), retry_after, gone }
    }
}

/// Fetches the feed at `url` and reads its articles, unless nothing has changed
/// since `validators` were given. `now` is the time of collection.
///
/// # Errors
/// When there is no document or it is no feed; see [`CollectError`].
pub async fn collect(
    fetcher: &Fetcher,
    url: &Url,
    validators: &Validators,
    now: Timestamp,
) -> Result<Collected, CollectError> {
    let Fetched { url, moved_to, max_age, document } = fetcher.fetch(url, validators).await?;
    let (feed, validators) = match document {
        None => (None, validators.clone()),
        Some(document) => {
            let feed = parse::parse(&document.bytes, document.content_type.as_deref(), &url, now)?;
            let ttl_seconds = feed.ttl.map(|ttl| ttl.as_secs());
            (Some(feed), Validators { ttl_seconds, ..document.validators })
        }
    };
    let asked_pause = max_age.max(validators.ttl_seconds.map(Duration::from_secs));
    Ok(Collected { feed, validators, moved_to, asked_pause })
}
