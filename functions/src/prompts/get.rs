//! GET /api/auspex/prompts/{name}?version=: a prompt with the text of its
//! newest version, or of another.

use lambda_http::Body;
use lambda_http::http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::domain::prompt::Prompt;
use shared::domain::text::FieldError;
use shared::http::{Problem, Request, Response, content_tag, json_response, not_modified, query};
use uuid::Uuid;

/// A prompt with the text of one version.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Output {
    /// The prompt. `version`, `title`, `description` and `updated_at` are the
    /// version's that is shown.
    #[serde(flatten)]
    pub prompt: Prompt,
    /// The number of the newest version.
    pub newest_version: u32,
    /// Its id.
    pub prompt_id: Uuid,
    /// Whether it is the caller's to change and delete.
    pub is_own: bool,
    /// The version's text.
    pub content: String,
}

/// Shows a prompt.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    let version = query(&request, "version").map(number).transpose()?;
    let what = if version.is_some() { "version of this prompt" } else { "prompt" };
    let found = app.store().library.get(&name, version).await?.ok_or_else(|| Problem::not_found(what))?;
    let output = Output {
        prompt: found.prompt,
        newest_version: found.newest,
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

fn number(text: &str) -> Result<u32, FieldError> {
    text.parse().map_err(|_| FieldError {
        pointer: "?version".to_owned(),
        detail: "A version is a whole number, 1 for the first.".to_owned(),
    })
}
