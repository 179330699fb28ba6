//! DELETE /api/topics/{topic}/articles/{article_id}: for the topic's maker, or an administrator. The
//! article is gone at once, with its other addresses; `recover-runs` removes its words. A feed
//! doesn't bring it back, an import does. Anybody else is told that it isn't there.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::domain::article::ArticleId;
use shared::http::{Problem, Request, Response, json_response, path_text};

use crate::drafts::Done;
use crate::prelude::*;

/// Deletes an article of a topic. Its topic's maker may, and administrators.
pub const ROUTE: Route = Route::new(
    "articles-delete",
    Verb::Delete,
    "/api/topics/{topic}/articles/{article_id}",
    Access::Owner,
    whole!(handle),
)
.says("Deletes an article of a topic. Its topic's maker may, and administrators.")
.gives_json::<Done>(200)
.may(&[Items(Articles, &[Get, Put, Update, Delete])]);

/// Deletes an article.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let id = id_of_path(&request).ok_or_else(nowhere)?;
    let deleted = app.store().removals.delete_article(&topic, id, user.asker(), app.now()).await?;
    let name = deleted.ok_or_else(nowhere)?;
    let message = format!(
        "The article was deleted from {name}. No feed brings it back; importing it again does. Tests that were \
         made with it keep what they recorded."
    );
    json_response(StatusCode::OK, &Done { message })
}

/// The article's id in the path: sixteen hexadecimal digits.
fn id_of_path(request: &Request) -> Option<ArticleId> {
    let id = path_text(request, "article_id");
    let is_id = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    id.parse().ok().filter(|_| is_id)
}

fn nowhere() -> Problem {
    Problem::not_found("article in a topic of yours")
}
