//! After each deployment: installs what ships with the product. What is there
//! already stays as it is.

use lambda_http::Error;
use serde_json::{Value, json};
use shared::app::App;

use crate::prelude::*;

/// After a deployment: installs the default prompt and the sample collection.
pub const JOB: Job = Job::new("install", Trigger::Script, event!(handle))
    .says("After a deployment: installs the default prompt and the sample collection.")
    .may(&[
        EmbeddingKey,
        Items(Library, &[Get, Put, Update]),
        Items(Articles, &[Get, BatchGet, Put, Update, Check]),
    ])
    .lambda(Lambda { timeout: Some(120), ..Lambda::USUAL });

/// Installs. What the event says doesn't matter.
pub async fn handle(app: &App, _: Value) -> Result<Value, Error> {
    shared::install::install(app).await?;
    Ok(json!({"installed": true}))
}
