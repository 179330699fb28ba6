//! The removal of what deleted topics and articles left behind.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::app::App;
use crate::store::{BUCKETS, Remains, Removal, StoreError};

/// Removals that are read in one go; the next go reads those that were due after them.
const DUE_MAX: u32 = 100;

/// How many were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Topics of which nothing is left.
    pub topics: u32,
    /// Articles of which nothing is left.
    pub articles: u32,
    /// Topics and articles of which something is left for the next call.
    pub left: u32,
}

/// Removes what is due, the longest due first, until `until`, which comes before the removals that
/// are taken up may be taken over. A removal that runs out of time is due again behind the others,
/// and goes on where it stopped. One that fails is tried again a minute later, and costs the others
/// nothing.
pub async fn remove_due(app: &App, until: Instant) -> Result<Removed, StoreError> {
    let store = &app.store().removals;
    let mut removed = Removed::default();
    // Each round ends what it takes up, or puts it off, unless the time is over: so there is a last one.
    while Instant::now() < until {
        let due = store.due(app.now(), DUE_MAX).await?;
        if due.is_empty() || !round(app, due, until, &mut removed).await? {
            break;
        }
    }
    Ok(removed)
}

/// Removes what these removals say, in their order; false when none was taken up: others have them.
async fn round(
    app: &App,
    due: Vec<Removal>,
    until: Instant,
    removed: &mut Removed,
) -> Result<bool, StoreError> {
    let mut is_any_mine = false;
    for (slug, removals) in in_turn(due) {
        for batch in taken_up(app, removals).await? {
            is_any_mine = true;
            let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let is_topic = batch.iter().any(|removal| matches!(removal.remains, Remains::Topic(_)));
            let done = if is_topic {
                topic(app, &slug, batch, until).await
            } else {
                articles(app, &slug, batch, until).await
            };
            match done {
                Ok(true) if is_topic => removed.topics += count,
                Ok(true) => removed.articles += count,
                Ok(false) => removed.left += count,
                Err(error) => {
                    tracing::error!(%error, is_topic, "remains could not be removed; it is tried again");
                    removed.left += count;
                }
            }
        }
        // What isn't taken up stays where it is, before those that were begun.
        if Instant::now() >= until {
            break;
        }
    }
    Ok(is_any_mine)
}

/// Removals with their topics, in their order. The articles of one topic go together, with the first
/// of them: the topic's buckets are read once.
fn in_turn(due: Vec<Removal>) -> Vec<(String, Vec<Removal>)> {
    let mut turns = Vec::<(String, Vec<Removal>)>::new();
    let mut places = BTreeMap::<String, usize>::new();
    for removal in due {
        match &removal.remains {
            Remains::Topic(slug) => turns.push((slug.clone(), vec![removal])),
            Remains::Article(slug, _) => {
                let place = *places.entry(slug.clone()).or_insert(turns.len());
                match turns.get_mut(place) {
                    Some((_, removals)) => removals.push(removal),
                    None => turns.push((slug.clone(), vec![removal])),
                }
            }
        }
    }
    turns
}

/// Those that nobody else has, in batches of which each is cleared from the same bucket on, the
/// furthest first: so a batch ends, however many articles are deleted meanwhile.
async fn taken_up(
    app: &App,
    removals: Vec<Removal>,
) -> Result<impl Iterator<Item = Vec<Removal>>, StoreError> {
    let mut batches = BTreeMap::<usize, Vec<Removal>>::new();
    for removal in removals {
        let Some(removal) = app.store().removals.take_up(removal, app.now()).await? else { continue };
        batches.entry(removal.cleared).or_default().push(removal);
    }
    Ok(batches.into_values().rev())
}

/// Removes a topic's remains; false when `until` came first.
async fn topic(app: &App, slug: &str, batch: Vec<Removal>, until: Instant) -> Result<bool, StoreError> {
    let store = &app.store().removals;
    let is_done = store.remove_topic(slug, until).await?;
    for removal in batch {
        if is_done {
            store.end(removal).await?;
        } else {
            store.let_go(removal, app.now()).await?;
        }
    }
    Ok(is_done)
}

/// Removes the words of deleted articles; false when `until` came first, or the topic was deleted:
/// then they go with it.
async fn articles(app: &App, slug: &str, batch: Vec<Removal>, until: Instant) -> Result<bool, StoreError> {
    let store = &app.store().removals;
    if app.store().articles.topic(slug).await?.is_none() {
        return Ok(false);
    }
    let ids = batch.iter().filter_map(|removal| match removal.remains {
        Remains::Article(_, id) => Some(id),
        Remains::Topic(_) => None,
    });
    let from = batch.first().map_or(0, |removal| removal.cleared);
    let cleared = store.remove_articles(slug, &ids.collect(), from, until).await?;
    for mut removal in batch {
        removal.cleared = cleared;
        if cleared == BUCKETS {
            store.end(removal).await?;
        } else {
            store.let_go(removal, app.now()).await?;
        }
    }
    Ok(cleared == BUCKETS)
}
