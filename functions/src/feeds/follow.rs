//! POST /api/topics/{topic}/feeds: follows a feed, which is collected at once.
//! What is no feed is refused; what can't be reached just now is followed.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::app::App;
use shared::auth::user;
use shared::corpus::{Follow, follow};
use shared::domain::text::{self, Errors, FieldError};
use shared::feeds::{FEEDS_MAX, Feed};
use shared::http::{Code, Problem, Request, Response, json, json_response};

use crate::prelude::*;

/// The longest address of a feed, in characters.
const URL_MAX: usize = 2_000;

/// The feed to follow.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where it is: http or https.
    #[schemars(length(min = 1, max = 2_000), regex(pattern = text::SHORT_LINE))]
    pub url: String,
}

/// Follows a feed, which is collected at once. Makes the topic.
pub const ROUTE: Route =
    Route::new("feeds-follow", Verb::Post, "/api/topics/{topic}/feeds", Access::Shared, whole!(handle))
        .says("Follows a feed, which is collected at once. Makes the topic.")
        .takes_json::<Input>()
        .gives_json::<Feed>(201)
        .may(&[EmbeddingKey, Items(Articles, &[Get, BatchGet, Query, Put, Update, Check])]);

/// Follows a feed.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let topic = crate::topics::topic_of_path(app, &request).await?;
    let input: Input = json(&request)?;
    let mut errors = Errors::default();
    let url = errors.line("url", &input.url, 1, URL_MAX);
    let url = errors.or(url)?;
    match follow(app, &topic, &user.id, &url).await? {
        Follow::Followed(feed) => json_response(StatusCode::CREATED, &feed),
        Follow::Already => {
            Err(Problem::new(Code::Conflict, "The topic follows this feed already. Nothing was changed."))
        }
        Follow::TooMany => Err(Problem::new(
            Code::Conflict,
            format!(
                "A topic follows up to {FEEDS_MAX} feeds. Nothing was changed; stop following one of them \
                 first, or use another topic."
            ),
        )),
        Follow::Stopped(stopped) => Err(crate::topics::stopped(stopped)),
        Follow::Refused(detail) => Err(FieldError { pointer: "/url".to_owned(), detail }.into()),
    }
}
