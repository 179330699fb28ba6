//! POST /api/topics/{topic}/articles: articles as JSON Lines or CSV, up to
//! 5 MB. Makes the topic; a bad line is rejected alone.

use lambda_http::http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::corpus::{self, BATCH};
use shared::domain::import::{ImportError, ImportFormat, Reader, Rejected};
use shared::domain::text::FieldError;
use shared::http::{Code, Problem, Request, Response, json_response};

/// The largest import, in bytes: under Lambda's 6 MB request.
const BODY_MAX: usize = 5 * 1024 * 1024;
/// Rejections that are told one by one.
const REJECTED_SHOWN: usize = 1_000;

/// What an import did.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Output {
    /// Articles that were new.
    pub added: u64,
    /// Articles whose URL was there already, now as imported.
    pub updated: u64,
    /// Articles whose text is there under another address: theirs is kept beside it.
    pub duplicates: u64,
    /// The lines that were not taken, and why; the first thousand.
    pub rejected: Vec<Rejected>,
    /// How many lines were not taken.
    pub rejected_total: u64,
}

/// Imports articles.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    user(app, &request).await?;
    let topic = super::topic_of_path(&request)?;
    let format = format(&request)?;
    let body: &[u8] = request.body().as_ref();
    if body.len() > BODY_MAX {
        return Err(Problem::new(
            Code::TooLarge,
            "An import takes up to 5 MB. Nothing was imported; split the file.",
        ));
    }
    let now = app.now();
    let mut reader = Reader::new(format, now);
    let mut output = Output::default();
    let (mut input, mut batch) = (body, Vec::new());
    loop {
        let line = match reader.read(&mut input).map_err(refused)? {
            Some(line) => Some(line),
            None => reader.close().map_err(refused)?,
        };
        let is_last = line.is_none();
        match line {
            Some(Ok(article)) => batch.push(article),
            Some(Err(rejected)) => output.reject(rejected),
            None => {}
        }
        if is_last || batch.len() == BATCH {
            output.add(corpus::import(app, &topic, std::mem::take(&mut batch), false, now).await?);
        }
        if is_last {
            break;
        }
    }
    tracing::info!(
        added = output.added,
        updated = output.updated,
        duplicates = output.duplicates,
        rejected = output.rejected_total,
        "articles imported"
    );
    json_response(StatusCode::OK, &output)
}

impl Output {
    fn reject(&mut self, rejected: Rejected) {
        self.rejected_total += 1;
        if self.rejected.len() < REJECTED_SHOWN {
            self.rejected.push(rejected);
        }
    }

    fn add(&mut self, imported: corpus::Import) {
        self.added += imported.added;
        self.updated += imported.updated;
        self.duplicates += imported.duplicates;
    }
}

fn format(request: &Request) -> Result<ImportFormat, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-ndjson" | "application/jsonl" => Ok(ImportFormat::JsonLines),
        "text/csv" => Ok(ImportFormat::Csv),
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send JSON Lines with Content-Type: application/x-ndjson, or CSV with Content-Type: text/csv.",
        )),
    }
}

fn refused(error: ImportError) -> Problem {
    FieldError { pointer: String::new(), detail: error.to_string() }.into()
}
