//! GET /api/auspex/prompts/{name}: a prompt with the text of its newest version.

use lambda_http::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::prompt::Prompt;
use shared::http::{Problem, Request, Response, content_tag, json_response, not_modified};
use uuid::Uuid;

/// A prompt with its text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The prompt.
    #[serde(flatten)]
    pub prompt: Prompt,
    /// Its id.
    pub prompt_id: Uuid,
    /// Whether it is the caller's to change and delete.
    pub is_own: bool,
    /// The text of its newest version.
    pub content: String,
}

/// Shows a prompt.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    let found = app.store().library.get(&name).await?.ok_or_else(|| Problem::not_found("prompt"))?;
    let output = Output {
        prompt: found.prompt,
        prompt_id: found.id,
        is_own: found.owner.as_deref() == Some(&user.id),
        content: found.content,
    };
    let mut response = json_response(StatusCode::OK, &output)?;
    let etag = content_tag(&response);
    if not_modified(&request, &etag) {
        response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}
