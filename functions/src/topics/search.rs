//! GET /api/topics/{topic}/articles?query=&days=&limit=: what a test would find.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::article::Article;
use shared::domain::run::{ARTICLE_LIMIT, QUERY_LENGTH};
use shared::domain::search::rank;
use shared::domain::text::{Errors, FieldError};
use shared::domain::time_phrase::time_window;
use shared::http::{Problem, Request, Response, json_response, query};
use shared::llm::runner::{LOOKED_THROUGH, search_notice};

/// Articles shown when nothing is said.
const LIMIT: u32 = 20;
/// The longest period that `days` asks for: a hundred years.
const DAYS_MAX: i64 = 36_500;

/// An article that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The article.
    #[serde(flatten)]
    pub article: Article,
    /// Comparable within one answer only.
    pub score: f64,
    /// The query's words it contains.
    pub matched_words: Vec<String>,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The topic's name.
    pub topic: String,
    /// The articles, best first.
    pub articles: Vec<Found>,
    /// Articles that contain words of the query.
    pub total: u64,
    /// Articles of the period that were looked through.
    pub searched: u64,
    /// The period's words that were understood.
    pub time_phrase: Option<String>,
    /// What the result is worth, where that needs saying.
    pub notice: Option<String>,
}

/// Searches a topic.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let name = super::topic_of_path(&request)?;
    let asked = asked(&request)?;
    let topic = app.store().articles.topic(&name).await?.ok_or_else(|| Problem::not_found("topic"))?;

    let now = app.now();
    let (mut window, words) = time_window(&asked.query, now);
    if let Some(days) = asked.days {
        let from = now.plus_days(-days);
        window.from = Some(window.from.map_or(from, |phrase| phrase.max(from)));
    }
    let reading =
        app.store().articles.published(&topic.name, window.from, window.until, LOOKED_THROUGH).await?;
    let ranking = rank(&words, &reading.articles, now, asked.limit as usize);
    let found = ranking.found.len();
    let notice = match search_notice(
        window.phrase.as_deref(),
        ranking.matched || asked.query.is_empty(),
        found,
        found,
    ) {
        Some(_) if found == 0 => Some("No article matches. Try other words or a longer period.".to_owned()),
        Some(_) => Some("No article has these words; the newest are shown instead.".to_owned()),
        None if reading.more => {
            Some(format!("Only the newest {LOOKED_THROUGH} articles of the period were looked through."))
        }
        None => None,
    };
    let output = Output {
        topic: topic.name,
        total: ranking.total as u64,
        searched: reading.articles.len() as u64,
        time_phrase: window.phrase,
        notice,
        articles: ranking
            .found
            .into_iter()
            .map(|found| Found {
                article: found.article.clone(),
                score: found.score,
                matched_words: found.matched,
            })
            .collect(),
    };
    json_response(StatusCode::OK, &output)
}

struct Asked {
    query: String,
    days: Option<i64>,
    limit: u32,
}

fn asked(request: &Request) -> Result<Asked, Vec<FieldError>> {
    let mut errors = Errors::default();
    let text = query(request, "query").unwrap_or_default().trim().to_owned();
    errors.prose("query", &text, 0, QUERY_LENGTH.1);
    let days = query(request, "days").map(str::parse::<i64>);
    let days = match days {
        None => None,
        Some(Ok(days)) if (1..=DAYS_MAX).contains(&days) => Some(days),
        Some(_) => {
            errors.push("days", format!("A period has 1 to {DAYS_MAX} days."));
            None
        }
    };
    let limit = match query(request, "limit").map(str::parse::<u32>) {
        None => LIMIT,
        Some(Ok(limit)) if (1..=ARTICLE_LIMIT.1).contains(&limit) => limit,
        Some(_) => {
            errors.push("limit", format!("A search shows 1 to {} articles.", ARTICLE_LIMIT.1));
            LIMIT
        }
    };
    errors.or(Asked { query: text, days, limit }).map_err(|errors| {
        errors
            .into_iter()
            .map(|error| FieldError { pointer: error.pointer.replacen('/', "?", 1), ..error })
            .collect()
    })
}
