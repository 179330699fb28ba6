//! DELETE /api/topics/{topic}: for its maker, or an administrator. The topic is gone at once, with its
//! articles and feeds; `recover-runs` removes what is left of it, and until then its name is taken.
//! Anybody else is told that it isn't there.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::removal::minutes_until_free;
use shared::http::{Problem, Request, Response, json_response};
use shared::store::DeletedTopic;

use crate::prelude::*;

/// What a deletion took away.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeletedTopic")]
pub struct Output {
    /// How many articles go with the topic.
    pub articles: u64,
    /// How many feeds it followed, which go with it.
    pub feeds: u64,
    /// The same in words for a person, with what stays and when the name is free again.
    pub message: String,
}

/// Deletes a topic with its articles and feeds. Its maker may, and administrators.
pub const ROUTE: Route =
    Route::new("topics-delete", Verb::Delete, "/api/topics/{topic}", Access::Owner, whole!(handle))
        .says("Deletes a topic with its articles and feeds. Its maker may, and administrators.")
        .gives_json::<Output>(200)
        .may(&[Items(Articles, &[Get, Query, Put, Delete])]);

/// Deletes a topic.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = super::topic_of_path(app, &request).await?;
    let deleted = app.store().removals.delete_topic(&topic, user.asker(), app.now()).await?;
    let DeletedTopic { name, articles, feeds } =
        deleted.ok_or_else(|| Problem::not_found("topic of yours"))?;
    let message = format!(
        "{name} was deleted, with {} and {}. Tests that were made with them keep what they recorded. The name \
         is free again in about {} minutes.",
        counted(articles, "article"),
        counted(feeds, "feed"),
        minutes_until_free(articles),
    );
    json_response(StatusCode::OK, &Output { articles, feeds, message })
}

/// How many there are of something, in words.
fn counted(number: u64, thing: &str) -> String {
    match number {
        0 => format!("no {thing}"),
        1 => format!("its one {thing}"),
        _ => format!("its {number} {thing}s"),
    }
}
