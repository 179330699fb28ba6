//! After each deployment: installs what ships with the product. What is there
//! already stays as it is.

use lambda_http::Error;
use serde_json::{Value, json};
use shared::app::App;

/// Installs. What the event says doesn't matter.
pub async fn handle(app: &App, _: Value) -> Result<Value, Error> {
    shared::install::install(app).await?;
    Ok(json!({"installed": true}))
}
