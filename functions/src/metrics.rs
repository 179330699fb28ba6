//! GET /api/metrics?days=30: the deployment's figures by day and in all, for
//! the dashboard. Counts only: nothing of what anyone wrote.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::figures::{Day, Figures, Totals, totals};
use shared::domain::text::FieldError;
use shared::http::{Problem, Request, Response, json_response, query};

use crate::prelude::*;

/// Days shown when nothing is said, and at the most.
const DAYS: (i64, i64) = (30, 365);
/// Prompts in the list of the most cloned.
const MOST_CLONED: u32 = 10;

/// A prompt that was cloned.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cloned {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// How often, ever.
    pub clone_count: u64,
}

/// The figures.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// Each day, oldest first, those without events too.
    pub days: Vec<Day>,
    /// All of them together.
    pub totals: Totals,
    /// The prompts that were cloned most.
    pub most_cloned: Vec<Cloned>,
}

/// The deployment's figures by day and in all.
pub const ROUTE: Route = Route::new("metrics-get", Verb::Get, "/api/metrics", Access::Shared, whole!(handle))
    .says("The deployment's figures by day and in all.")
    .gives_json::<Output>(200)
    .query(&[("days", Value::Number(1, 365), "How many days, 1 to 365; 30 when absent.")])
    .may(&[Items(Usage, &[Query]), Index(Library, "by-clones")])
    // The days and the prompts that were cloned most.
    .starts(Start::Connections(2));

/// Shows the figures.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let count = match query(&request, "days").map(str::parse::<i64>) {
        None => DAYS.0,
        Some(Ok(days)) if (1..=DAYS.1).contains(&days) => days,
        Some(_) => {
            let detail = format!("The figures of 1 to {} days can be shown.", DAYS.1);
            return Err(FieldError { pointer: "?days".to_owned(), detail }.into());
        }
    };
    let now = app.now();
    let dates: Vec<_> = (0..count).rev().map(|ago| now.plus_days(-ago).date()).collect();
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(Problem::internal("a period without days"));
    };
    let store = app.store();
    let (counted, cloned) =
        futures::try_join!(store.metrics.days(first, last), store.library.most_cloned(MOST_CLONED))?;
    let days: Vec<_> = dates
        .into_iter()
        .map(|date| Day { figures: counted.get(&date).map(Figures::counted).unwrap_or_default(), date })
        .collect();
    let output = Output {
        totals: totals(&days),
        days,
        most_cloned: cloned
            .into_iter()
            .map(|prompt| Cloned { name: prompt.name, title: prompt.title, clone_count: prompt.clone_count })
            .collect(),
    };
    json_response(StatusCode::OK, &output)
}
