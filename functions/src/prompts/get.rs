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
use shared::store::{Content, Entry};
use uuid::Uuid;

use crate::prelude::*;

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

/// A prompt with the text of its newest version, or of another.
pub const ROUTE: Route =
    Route::new("prompts-get", Verb::Get, "/api/auspex/prompts/{name}", Access::Shared, whole!(handle))
        .says("A prompt with the text of its newest version, or of another.")
        .gives_json::<Output>(200)
        .also(&[NOT_MODIFIED])
        .query(&[(
            "version",
            Value::Number(1, u32::MAX),
            "The version's number, 1 for the first; the newest when absent.",
        )])
        .headers(&[IF_NONE_MATCH])
        .may(&[Items(Library, &[Get])])
        // A version and its text.
        .starts(Start::Connections(2));

/// Shows a prompt. A version never changes, so that its number and the prompt
/// without a text tell whether a caller has the answer already: that takes no
/// more than one read.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let name = super::name_of_path(&request)?;
    let version = query(&request, "version").map(number).transpose()?;
    let what = if version.is_some() { "version of this prompt" } else { "prompt" };
    let library = &app.store().library;
    let entry = library.entry(&name).await?.ok_or_else(|| Problem::not_found(what))?;
    let version = version.unwrap_or(entry.prompt.version);
    if !entry.has(version) {
        return Err(Problem::not_found(what));
    }
    let is_own = entry.owner.as_deref() == Some(&user.id);
    let etag = tag(&entry, version, is_own)?;
    let mut response = if not_modified(&request, &etag) {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let found = library.content(entry, version).await?.ok_or_else(|| Problem::not_found(what))?;
        let Content { prompt, newest, id, content, .. } = found;
        let output = Output { prompt, newest_version: newest, prompt_id: id, is_own, content };
        json_response(StatusCode::OK, &output)?
    };
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).map_err(Problem::internal)?);
    Ok(response)
}

/// The tag of a version's answer, which differs with all that the answer tells
/// and with the form it is told in.
fn tag(entry: &Entry, version: u32, is_own: bool) -> Result<String, Problem> {
    let told = Output {
        prompt: entry.prompt.clone(),
        newest_version: entry.prompt.version,
        prompt_id: entry.id,
        is_own,
        content: format!("version {version}"),
    };
    Ok(content_tag(&serde_json::to_vec(&told).map_err(Problem::internal)?))
}

fn number(text: &str) -> Result<u32, FieldError> {
    text.parse().map_err(|_| FieldError {
        pointer: "?version".to_owned(),
        detail: "A version is a whole number, 1 for the first.".to_owned(),
    })
}
