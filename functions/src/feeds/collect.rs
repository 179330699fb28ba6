//! POST /api/topics/{topic}/feeds/{feed_id}/collect: collects a feed now, at
//! most once a minute. What goes wrong stands on the feed.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::corpus::{Collect, collect_now};
use shared::feeds::Feed;
use shared::http::{Code, Problem, Request, Response, json_response};

use crate::prelude::*;

/// Collects a feed now, at most once a minute.
pub const ROUTE: Route = Route::new(
    "feeds-collect",
    Verb::Post,
    "/api/topics/{topic}/feeds/{feed_id}/collect",
    Access::Shared,
    whole!(handle),
)
.says("Collects a feed now, at most once a minute.")
.gives_json::<Feed>(200)
.may(&[EmbeddingKey, Items(Articles, &[Get, BatchGet, Put, Update, Check])]);

/// Collects a feed.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let id = super::feed_of_path(&request)?;
    match collect_now(app, &topic, &id).await? {
        Collect::Done(feed) => json_response(StatusCode::OK, &feed),
        Collect::TooSoon(seconds) => Err(Problem::new(
            Code::RateLimited,
            format!(
                "This feed was collected a moment ago. Its server is asked once a minute at the most: try \
                 again in {seconds} seconds."
            ),
        )
        .with_retry_after(seconds)),
        Collect::Gone => Err(Problem::not_found("feed")),
    }
}
