//! DELETE /api/topics/{topic}: its maker's, or for an administrator, with its articles and feeds.
//! It is gone at once; `recover-runs` removes what is left of it.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};
use shared::store::DeletedTopic;

use crate::prelude::*;

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedTopic")]
pub struct Output {
    /// How many articles go with the topic.
    pub articles: u64,
    /// What happened and what is kept, for a person.
    pub message: String,
}

/// Deletes a topic with its articles and feeds: its maker's, or for an administrator.
pub const ROUTE: Route =
    Route::new("topics-delete", Verb::Delete, "/api/topics/{topic}", Access::Owner, whole!(handle))
        .says("Deletes a topic with its articles and feeds: its maker's, or for an administrator.")
        .gives_json::<Output>(200)
        .may(&[Items(Articles, &[Get, Query, Put, Delete])]);

/// Deletes a topic.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = super::topic_of_path(&request)?;
    let deleted = app.store().removals.delete_topic(&topic, user.asker(), app.now()).await?;
    let DeletedTopic { name, articles } = deleted.ok_or_else(|| Problem::not_found("topic of yours"))?;
    let counted =
        if articles == 1 { "its one article".to_owned() } else { format!("its {articles} articles") };
    let message = format!(
        "{name} was deleted, with {counted} and the feeds it followed. Tests that were made with them keep what \
         they recorded. The name is free again in about two minutes."
    );
    json_response(StatusCode::OK, &Output { articles, message })
}
