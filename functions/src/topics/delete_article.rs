//! DELETE /api/topics/{topic}/articles/{article_id}: for the topic's maker, or an administrator. It
//! is gone at once; `recover-runs` removes its words.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};

use crate::drafts::Done;

/// Deletes an article.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = super::topic_of_path(&request)?;
    let id = super::article_of_path(&request)?;
    let deleted = app.store().removals.delete_article(&topic, id, user.asker(), app.now()).await?;
    let name = deleted.ok_or_else(|| Problem::not_found("article in a topic of yours"))?;
    let message = format!(
        "The article was deleted from {name}. No feed brings it back; importing it again does. Tests that were \
         made with it keep what they recorded."
    );
    json_response(StatusCode::OK, &Done { message })
}
