//! The meaning of articles that have none: they were imported while the embeddings' server was down, or with
//! another model.
//!
//! What a topic counts as known in the current kind of vectors says whether any are left. They are gone through in
//! the order of their ids, a part at a time. Each call begins at the first one, and passes over what has its meaning.

use tokio::time::Instant;

use super::embeddings::{Embedder, EmbeddingError};
use super::import::meant;
use crate::app::App;
use crate::store::{CHUNK, StoreError};

/// Articles that are read and given their meaning together.
const PART: u32 = 100;

/// How far the meaning of all articles is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reindexed {
    /// Articles that were given theirs now.
    pub given: u64,
    /// Articles that have none yet, in the current kind of vectors.
    pub left: u64,
}

/// Why articles can't be given their meaning.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The embeddings' server failed.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
}

/// Gives articles without meaning theirs, of all topics, until `until`. At least one part of them in any case.
pub async fn reindex(app: &App, until: Instant) -> Result<Reindexed, ReindexError> {
    let store = &app.store().articles;
    let kind = Embedder::of(app).kind();
    let mut reindexed = Reindexed::default();
    let (mut after, mut stopped) = (None, None);
    loop {
        let (topics, next) = store.states(after.as_deref()).await?;
        for topic in topics {
            if topic.without_meaning(&kind) == 0 {
                continue;
            }
            if reindexed.given == 0 || Instant::now() < until {
                match of_topic(app, &topic.name, &kind, until).await {
                    Ok(given) => reindexed.given += given,
                    // What it refuses of one topic keeps no other waiting.
                    Err(ReindexError::Embedding(error)) => stopped = Some(error),
                    Err(error) => return Err(error),
                }
            }
            let left = store.topic(&topic.name).await?.map_or(0, |topic| topic.without_meaning(&kind));
            reindexed.left += left;
        }
        match next {
            Some(next) => after = Some(next),
            None => {
                return match stopped {
                    Some(error) if reindexed.given == 0 => Err(error.into()),
                    _ => Ok(reindexed),
                };
            }
        }
    }
}

/// How many articles of a topic were given their meaning.
async fn of_topic(app: &App, topic: &str, kind: &str, until: Instant) -> Result<u64, ReindexError> {
    let store = app.store();
    let (mut given, mut after) = (0, None);
    loop {
        let Some(state) = store.articles.topic(topic).await? else { return Ok(given) };
        let (articles, next) = store.meaning.unmeant(topic, kind, after, PART).await?;
        let texts: Vec<String> = articles.iter().map(|unmeant| meant(&unmeant.article)).collect();
        let vectors = if texts.is_empty() { Vec::new() } else { Embedder::of(app).embed(&texts).await? };
        let articles: Vec<_> = articles.into_iter().zip(vectors).collect();
        for chunk in articles.chunks(CHUNK) {
            if store.meaning.give(topic, state.made_at, kind, chunk).await? {
                given += chunk.len() as u64;
                continue;
            }
            // One of them has changed meanwhile. It has its meaning by that, or is found the next time.
            for article in chunk {
                let is_given =
                    store.meaning.give(topic, state.made_at, kind, std::slice::from_ref(article)).await?;
                given += u64::from(is_given);
            }
        }
        match next {
            Some(next) if Instant::now() < until => after = Some(next),
            _ => return Ok(given),
        }
    }
}
