//! GET /api/topics/{topic}/feeds: the feeds that a topic follows, and how each
//! is doing. At most 50, so there are no pages.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::feeds::Feed;
use shared::http::{Problem, Request, Response, json_response};

use crate::prelude::*;

/// A topic's feeds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// By title.
    pub feeds: Vec<Feed>,
}

/// The feeds that a topic follows, and how each is doing.
pub const ROUTE: Route =
    Route::new("feeds-list", Verb::Get, "/api/topics/{topic}/feeds", Access::Shared, whole!(handle))
        .says("The feeds that a topic follows, and how each is doing.")
        .gives_json::<Output>(200)
        .may(&[Items(Articles, &[Get, Query])])
        // The topic and its feeds.
        .starts(Start::Connections(2));

/// Lists feeds.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let store = app.store();
    let (there, feeds) = futures::try_join!(store.articles.topic(&topic), store.feeds.list(&topic))?;
    if there.is_none() {
        return Err(Problem::not_found("topic"));
    }
    json_response(StatusCode::OK, &Output { feeds })
}
