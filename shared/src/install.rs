//! What ships with the product: the default research prompt and the sample
//! collection. Installing twice changes nothing, and what was deleted stays so.

use crate::app::App;
use crate::corpus::{ImportStopped, Target, import};
use crate::domain::sample::{self, SampleTopic};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// Installs what is not there yet. The sample's articles are dated relative to
/// the day of the first installation.
pub async fn install(app: &App) -> Result<(), StoreError> {
    let (store, now) = (app.store(), app.now());
    store.library.install_default(app.new_id(), now).await?;
    for topic in sample::TOPICS {
        let is_there = match store.articles.topic(topic.name).await? {
            // An installation that died may have made it, and no more.
            Some(state) => !state.sample || state.articles > 0,
            None => store.removals.is_deleted_sample(topic.name).await?,
        };
        if !is_there {
            install_topic(app, &topic, now).await?;
        }
    }
    Ok(())
}

async fn install_topic(app: &App, topic: &SampleTopic, now: Timestamp) -> Result<(), StoreError> {
    match import(app, &mut Target::of_sample(topic.name), topic.articles(now), now).await {
        // It was deleted at this moment.
        Ok(_) | Err(ImportStopped::TopicGone | ImportStopped::TopicRemoving) => Ok(()),
        Err(ImportStopped::Store(error)) => Err(error),
    }
}
