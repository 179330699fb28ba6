//! GET /api/topics/{topic}/facets?days=: which categories, sentiments and
//! outlets a topic's newest articles have, and how many each.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::corpus;
use shared::domain::search::Facts;
use shared::domain::text::Errors;
use shared::http::{Problem, Request, Response, json_response};

use crate::prelude::*;

/// What the articles have.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Articles that were counted: the newest 1,000 of the period.
    pub articles: u64,
    /// Whether those were all.
    pub complete: bool,
    /// Categories, most frequent first.
    pub categories: Vec<Counted>,
    /// Sentiments, most frequent first.
    pub sentiments: Vec<Counted>,
    /// Outlets, most frequent first.
    pub sources: Vec<Counted>,
}

/// How many articles have something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Counted {
    /// What they have.
    pub name: String,
    /// How many they are.
    pub count: u64,
}

/// Which categories, sentiments and outlets the newest articles have.
pub const ROUTE: Route =
    Route::new("topics-facets", Verb::Get, "/api/topics/{topic}/facets", Access::Shared, whole!(handle))
        .says("Which categories, sentiments and outlets the newest articles have.")
        .gives_json::<Output>(200)
        .query(&[("days", Value::Number(1, 36_500), "Only articles of so many days, 1 to 36,500.")])
        .may(&[Items(Articles, &[Get]), Index(Articles, "by-time")]);

/// Counts a topic's articles.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let topic = super::topic_of_path(app, &request).await?;
    let mut errors = Errors::default();
    let days = crate::articles::search::days(&request, &mut errors);
    let days = errors.or(days).map_err(|errors| Problem::invalid(super::in_query(errors)))?;
    if app.store().articles.topic(&topic).await?.is_none() {
        return Err(Problem::not_found("topic"));
    }
    let from = days.map(|days| app.now().plus_days(-days));
    let facets = corpus::facets(app, &topic, from, None, &Facts::default()).await?;
    let counted = |counts: Vec<(String, u64)>| {
        counts.into_iter().map(|(name, count)| Counted { name, count }).collect::<Vec<_>>()
    };
    let output = Output {
        articles: facets.articles as u64,
        complete: facets.complete,
        categories: counted(facets.categories),
        sentiments: counted(facets.sentiments),
        sources: counted(facets.sources),
    };
    json_response(StatusCode::OK, &output)
}
