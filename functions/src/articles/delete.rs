//! DELETE /api/topics/{topic}/articles/{article_id}: for the topic's maker, or an administrator. It
//! is gone at once; `recover-runs` removes its words.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};

use crate::drafts::Done;
use crate::prelude::*;

/// Deletes an article of a topic: for the topic's maker, or an administrator.
pub const ROUTE: Route = Route::new(
    "articles-delete",
    Verb::Delete,
    "/api/topics/{topic}/articles/{article_id}",
    Access::Owner,
    whole!(handle),
)
.says("Deletes an article of a topic: for the topic's maker, or an administrator.")
.gives_json::<Done>(200)
.may(&[Items(Articles, &[Get, Put, Update, Delete])]);

/// Deletes an article.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = crate::topics::topic_of_path(&request)?;
    let id = crate::topics::article_of_path(&request)?;
    let deleted = app.store().removals.delete_article(&topic, id, user.asker(), app.now()).await?;
    let name = deleted.ok_or_else(|| Problem::not_found("article in a topic of yours"))?;
    let message = format!(
        "The article was deleted from {name}. No feed brings it back; importing it again does. Tests that were \
         made with it keep what they recorded."
    );
    json_response(StatusCode::OK, &Done { message })
}
