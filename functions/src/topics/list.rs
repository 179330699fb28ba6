//! GET /api/topics: the topics with their counts and dates, by name, as an
//! array. When there are more than `limit`, `Link` names the next page.

use lambda_http::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::article::Topic;
use shared::http::{Page, Problem, Request, Response, json_response, query};

use crate::prelude::*;

/// Topics of a page when nothing is said: an array has no cursor that a
/// client would miss, so as many as a page may have.
const LIMIT: u32 = 100;

/// A topic, as the caller sees it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Topic")]
pub struct Output {
    /// The topic.
    #[serde(flatten)]
    pub topic: Topic,
    /// Whether the caller may delete it and its articles: they made it, or are an administrator.
    pub may_delete: bool,
}

/// The topics by name, with their counts and dates. Link names the next page.
pub const ROUTE: Route = Route::new("topics-list", Verb::Get, "/api/topics", Access::Shared, whole!(handle))
    .says("The topics by name, with their counts and dates. Link names the next page.")
    .gives_json::<Vec<Output>>(200)
    .query(&[
        ("limit", Value::Number(1, 100), "Entries of a page, 1 to 100; 100 when absent."),
        ("cursor", Value::Any, "As Link gave it."),
    ])
    .may(&[Items(Articles, &[Query]), Index(Articles, "by-time")])
    // The first and the last article of each topic: the three of the sample, and one more.
    .starts(Start::Connections(8));

/// Lists topics.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let page = Page::of(&request)?;
    let limit = if query(&request, "limit").is_some() { page.limit } else { LIMIT };
    let (topics, next) = app.store().articles.topics(limit, page.cursor.as_deref()).await?;
    let seen = |topic: Topic| Output { may_delete: user.asker().may_delete(topic.made_by.as_deref()), topic };
    let topics: Vec<_> = topics.into_iter().map(seen).collect();
    let mut response = json_response(StatusCode::OK, &topics)?;
    if let Some(cursor) = next {
        let link = format!("</api/topics?limit={limit}&cursor={cursor}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).map_err(Problem::internal)?);
    }
    Ok(response)
}
