//! GET /api/models: the models of this deployment, the default one first.

use lambda_http::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};
use shared::llm::Readiness;

use crate::prelude::*;

/// Whether a model answers.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    Ready,
    /// It is being downloaded or loaded.
    Starting,
    /// It could not be started.
    Failed,
}

/// A model.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelView {
    /// What requests call it.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// Tokens that prompt and answer may take together.
    pub context_window: u32,
    /// Whether it takes tools and calls them.
    pub supports_tools: bool,
    /// US dollars a million prompt tokens.
    pub price_in: f64,
    /// US dollars a million answer tokens.
    pub price_out: f64,
    /// It answers when none is named.
    pub default: bool,
    /// Whether it answers.
    pub state: State,
    /// Why it doesn't, for a person.
    pub detail: Option<String>,
}

/// The models, the default one first.
pub const ROUTE: Route = Route::new("models-list", Verb::Get, "/api/models", Access::Shared, whole!(handle))
    .says("The models, the default one first.")
    .gives_json::<Vec<ModelView>>(200)
    .starts(Start::NoStore);

/// Lists models.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let (state, detail) = match app.models().readiness() {
        Readiness::Ready => (State::Ready, None),
        Readiness::Starting { detail } => (State::Starting, Some(detail)),
        Readiness::Failed { detail } => (State::Failed, Some(detail)),
    };
    let models: Vec<_> = app
        .models()
        .all()
        .iter()
        .enumerate()
        .map(|(place, model)| ModelView {
            id: model.id.clone(),
            label: model.label.clone(),
            context_window: model.context_window,
            supports_tools: model.supports_tools,
            price_in: model.price_in,
            price_out: model.price_out,
            default: place == 0,
            state,
            detail: detail.clone(),
        })
        .collect();
    json_response(StatusCode::OK, &models)
}
