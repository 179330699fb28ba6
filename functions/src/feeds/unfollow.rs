//! DELETE /api/topics/{topic}/feeds/{feed_id}: a topic follows a feed no
//! longer. The articles that it brought stay.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};

use crate::drafts::Done;

use crate::prelude::*;

/// Follows a feed no longer. Its articles stay.
pub const ROUTE: Route = Route::new(
    "feeds-unfollow",
    Verb::Delete,
    "/api/topics/{topic}/feeds/{feed_id}",
    Access::Shared,
    whole!(handle),
)
.says("Follows a feed no longer. Its articles stay.")
.gives_json::<Done>(200)
.may(&[Items(Articles, &[Get, Update, Delete])]);

/// Stops following.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let id = super::feed_of_path(&request)?;
    if !app.store().feeds.unfollow(&topic, &id).await? {
        return Err(Problem::not_found("feed"));
    }
    let message = "The topic follows this feed no longer. The articles that it brought stay.".to_owned();
    json_response(StatusCode::OK, &Done { message })
}
