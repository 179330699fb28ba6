//! What ships with the product: the default research prompt and the sample
//! collection. Installing twice changes nothing.

use crate::app::App;
use crate::domain::sample;
use crate::store::StoreError;

/// Installs what is not there yet. The sample's articles are dated relative to
/// the day of the first installation.
pub async fn install(app: &App) -> Result<(), StoreError> {
    let (store, now) = (app.store(), app.now());
    store.library.install_default(app.new_id(), now).await?;
    for topic in sample::TOPICS {
        if store.articles.topic(topic.name).await?.is_none() {
            crate::corpus::import(app, topic.name, topic.articles(now), true, now).await?;
        }
    }
    Ok(())
}
