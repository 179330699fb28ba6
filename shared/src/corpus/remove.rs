//! The removal of what deleted topics and articles left behind.

use std::collections::BTreeMap;

use tokio::time::Instant;

use crate::app::App;
use crate::domain::article::ArticleId;
use crate::store::{Remains, Removal, StoreError};

/// Removals of one go: the others are found by the next.
const DUE_MAX: u32 = 100;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Topics, to their end.
    pub topics: u32,
    /// Articles, to their end.
    pub articles: u32,
    /// Topics and articles that are left to the next go.
    pub left: u32,
}

/// Removes what is due, until `until`, which comes before the removals that are
/// taken up may be taken over. One that fails is left to the next go and costs
/// the others nothing.
pub async fn remove_due(app: &App, until: Instant) -> Result<Removed, StoreError> {
    let store = &app.store().removals;
    let mut removed = Removed::default();
    let (mut topics, mut articles) = (Vec::new(), BTreeMap::<String, Vec<(ArticleId, Removal)>>::new());
    for removal in store.due(app.now(), DUE_MAX).await? {
        let Some(removal) = store.take_up(removal, app.now()).await? else { continue };
        match &removal.remains {
            Remains::Topic(slug) => topics.push((slug.clone(), removal)),
            // Those of one topic go together: its buckets are read once.
            Remains::Article(slug, id) => {
                let id = *id;
                articles.entry(slug.clone()).or_default().push((id, removal));
            }
        }
    }
    for (slug, removals) in articles {
        let count = u32::try_from(removals.len()).unwrap_or(u32::MAX);
        match articles_of(app, &slug, removals, until).await {
            Ok(true) => removed.articles += count,
            Ok(false) => removed.left += count,
            Err(error) => {
                tracing::error!(%error, "articles could not be removed; it is tried again");
                removed.left += count;
            }
        }
    }
    for (slug, removal) in topics {
        match topic(app, &slug, removal, until).await {
            Ok(true) => removed.topics += 1,
            Ok(false) => removed.left += 1,
            Err(error) => {
                tracing::error!(%error, "a topic could not be removed; it is tried again");
                removed.left += 1;
            }
        }
    }
    Ok(removed)
}

/// Removes a topic's remains; false when `until` came first.
async fn topic(app: &App, slug: &str, removal: Removal, until: Instant) -> Result<bool, StoreError> {
    let store = &app.store().removals;
    if !store.remove_topic(slug, until).await? {
        store.let_go(removal, app.now()).await?;
        return Ok(false);
    }
    store.end(removal).await?;
    Ok(true)
}

/// Removes the words of a topic's deleted articles; false when `until` came
/// first, or the topic was deleted: then they go with it.
async fn articles_of(
    app: &App,
    slug: &str,
    removals: Vec<(ArticleId, Removal)>,
    until: Instant,
) -> Result<bool, StoreError> {
    let store = &app.store().removals;
    if app.store().articles.topic(slug).await?.is_none() {
        return Ok(false);
    }
    let ids = removals.iter().map(|(id, _)| *id).collect();
    let is_done = store.remove_articles(slug, &ids, until).await?;
    for (_, removal) in removals {
        if is_done {
            store.end(removal).await?;
        } else {
            store.let_go(removal, app.now()).await?;
        }
    }
    Ok(is_done)
}
