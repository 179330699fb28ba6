//! GET /api/topics/{topic}/articles?query=&days=&limit=…: what a test would find.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::corpus::embeddings::Embedder;
use shared::corpus::{self, Question};
use shared::domain::article::{Article, ArticleId, Sentiment};
use shared::domain::run::{ARTICLE_LIMIT, QUERY_LENGTH};
use shared::domain::search::{By, Facts};
use shared::domain::text::Errors;
use shared::domain::time::Timestamp;
use shared::http::{Problem, Request, Response, json_response, query};

use crate::prelude::*;

/// Articles shown when nothing is said.
const LIMIT: u32 = 20;
/// The longest period that `days` asks for: a hundred years.
const DAYS_MAX: i64 = 36_500;
/// The longest name of a category or an outlet.
const NAME_MAX: usize = 100;

/// An article that was found, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Its id within the topic: sixteen hexadecimal digits.
    pub id: String,
    /// The article.
    #[serde(flatten)]
    pub article: Article,
    /// Other addresses of the same text.
    pub also_at: Vec<String>,
    /// Comparable within one answer only.
    pub score: f64,
    /// The query's words it contains.
    pub matched_words: Vec<String>,
    /// Its place among those found by words, from 1.
    pub words_rank: Option<u32>,
    /// Its place among those found by meaning, from 1.
    pub meaning_rank: Option<u32>,
    /// Near-identical articles that were found, too.
    pub similar: Vec<Similar>,
}

/// A near-identical article.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Similar {
    /// Its id within the topic.
    pub id: String,
    /// The headline.
    pub title: String,
    /// Where it was published.
    pub url: String,
    /// The outlet.
    pub source: Option<String>,
    /// When it was published.
    pub published_at: Timestamp,
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
    /// Articles of the topic.
    pub searched: u64,
    /// The period's words that were understood.
    pub time_phrase: Option<String>,
    /// What the result is worth, where that needs saying.
    pub notice: Option<String>,
    /// Whether meaning was compared, beside words.
    pub by_meaning: bool,
    /// Articles of the topic that can be found by their meaning. The others are found by their words until then.
    pub with_meaning: u64,
}

/// What a test would find.
pub const ROUTE: Route =
    Route::new("articles-search", Verb::Get, "/api/topics/{topic}/articles", Access::Shared, whole!(handle))
        .says("What a test would find.")
        .gives_json::<Output>(200)
        .query(&[
            (
                "query",
                Value::Prose(1_000),
                "Words, and phrases of time such as \"last 7 days\"; up to 1,000 characters.",
            ),
            ("days", Value::Number(1, 36_500), "Only articles of so many days, 1 to 36,500."),
            ("limit", Value::Number(1, 200), "Articles shown, 1 to 200; 20 when absent."),
            ("category", Value::Line(1, 100), "Only this category."),
            (
                "sentiment",
                Value::Word(&["positive", "neutral", "critical", "negative"]),
                "Only positive, neutral, critical or negative articles.",
            ),
            ("source", Value::Line(1, 100), "Only this outlet."),
            ("by", Value::Word(&["words", "meaning", "both"]), "words, meaning, or both when absent."),
        ])
        .may(&[EmbeddingKey, Items(Articles, &[Get, BatchGet, Query]), Index(Articles, "by-time"), Vectors])
        // Meaning, and some words.
        .starts(Start::Prepared(4));

/// Reads the embeddings' vocabulary, which takes longer than a request should.
pub fn prepare(app: &App) {
    Embedder::of(app).prepare();
}

/// Searches a topic.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let question = asked(app, &request).await?;
    let results =
        corpus::search(app, &question, app.now()).await?.ok_or_else(|| Problem::not_found("topic"))?;
    let is_asked = results.is_asked;
    let wants_meaning = question.by.meaning() && is_asked;
    let notice = if results.found.is_empty() {
        Some("No article matches. Try other words, a longer period or fewer filters.")
    } else if !results.matched && is_asked {
        Some("No article fits these words; the newest are shown instead.")
    } else if wants_meaning && !results.by_meaning {
        Some("Articles were found by their words alone: their meaning can't be compared just now.")
    } else {
        None
    };
    let with_meaning = results.topic.articles.saturating_sub(results.without_meaning);
    let notice = match notice {
        Some(sentence) => Some(sentence.to_owned()),
        None if wants_meaning && question.by.words() && results.without_meaning > 0 => Some(format!(
            "Of the topic's {} articles {with_meaning} can be found by their meaning so far, and the others by their \
             words.",
            results.topic.articles
        )),
        None => None,
    };
    let output = Output {
        topic: results.topic.name,
        total: results.total as u64,
        searched: results.topic.articles,
        time_phrase: results.phrase,
        notice,
        by_meaning: results.by_meaning,
        with_meaning,
        articles: results.found.into_iter().map(Found::from).collect(),
    };
    json_response(StatusCode::OK, &output)
}

impl From<shared::domain::search::Found> for Found {
    fn from(found: shared::domain::search::Found) -> Self {
        let id = |article: &Article| ArticleId::of(&article.url).to_string();
        let similar = |article: Article| Similar {
            id: id(&article),
            title: article.title,
            url: article.url,
            source: article.source,
            published_at: article.published_at,
        };
        Self {
            id: id(&found.article),
            article: found.article,
            also_at: found.also_at,
            score: found.score,
            matched_words: found.matched,
            words_rank: found.words_rank,
            meaning_rank: found.meaning_rank,
            similar: found.similar.into_iter().map(similar).collect(),
        }
    }
}

/// The question that the path and the query string ask.
async fn asked(app: &App, request: &Request) -> Result<Question, Problem> {
    let topic = crate::topics::topic_of_path(app, request).await?;
    let mut errors = Errors::default();
    let text = query(request, "query").unwrap_or_default().trim().to_owned();
    errors.prose("query", &text, 0, QUERY_LENGTH.1);
    let limit = match query(request, "limit").map(str::parse::<u32>) {
        None => LIMIT,
        Some(Ok(limit)) if (1..=ARTICLE_LIMIT.1).contains(&limit) => limit,
        Some(_) => {
            errors.push("limit", format!("A search shows 1 to {} articles.", ARTICLE_LIMIT.1));
            LIMIT
        }
    };
    let by = query(request, "by").filter(|by| !by.is_empty()).map_or(Some(By::Both), By::named);
    if by.is_none() {
        errors.push("by", "Articles are found by words, meaning or both.");
    }
    let question = Question {
        topic,
        query: text,
        days: days(request, &mut errors),
        facts: facts(request, &mut errors),
        by: by.unwrap_or_default(),
        limit: limit as usize,
    };
    errors.or(question).map_err(|errors| Problem::invalid(crate::topics::in_query(errors)))
}

/// The period that `days` asks for.
pub(crate) fn days(request: &Request, errors: &mut Errors) -> Option<i64> {
    match query(request, "days").filter(|days| !days.is_empty()).map(str::parse::<i64>) {
        None => None,
        Some(Ok(days)) if (1..=DAYS_MAX).contains(&days) => Some(days),
        Some(_) => {
            errors.push("days", format!("A period has 1 to {DAYS_MAX} days."));
            None
        }
    }
}

fn facts(request: &Request, errors: &mut Errors) -> Facts {
    let mut name = |parameter: &'static str| {
        let name = query(request, parameter).unwrap_or_default().trim().to_owned();
        let name = errors.line(parameter, &name, 0, NAME_MAX);
        Some(name).filter(|name| !name.is_empty())
    };
    let (category, source) = (name("category"), name("source"));
    let sentiment = query(request, "sentiment").filter(|word| !word.is_empty());
    let named = sentiment.and_then(Sentiment::named);
    if sentiment.is_some() && named.is_none() {
        errors.push("sentiment", "The sentiment is positive, neutral, critical or negative.");
    }
    Facts { categories: category.into_iter().collect(), sentiment: named, source }
}
