//! POST /api/topics/{topic}/articles: articles from any file that holds them,
//! up to 5 MB. Makes the topic; a bad line is rejected alone. With
//! `preview=yes` nothing is imported: the answer says how the file would be read.

use lambda_http::Body;
use lambda_http::http::{StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::app::App;
use shared::auth::user;
use shared::corpus::embeddings::Embedder;
use shared::corpus::{self, BATCH, Target};
use shared::domain::article::Article;
use shared::domain::dates::DateOrder;
use shared::domain::import::{
    Choices, ImportError, ImportFormat, ImportOptions, Preview, Reader, Rejected, preview,
};
use shared::domain::text::FieldError;
use shared::http::{Code, Problem, Request, Response, json_response, query};

use crate::prelude::*;

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
    /// What is to be said of the file, a sentence each: what was passed over, and how many articles have no date.
    pub notes: Vec<String>,
    /// How the file would be read, where only that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<Preview>,
}

/// Imports articles, up to 5 MB. Makes the topic; a bad line is rejected alone.
pub const ROUTE: Route =
    Route::new("articles-import", Verb::Post, "/api/topics/{topic}/articles", Access::Shared, whole!(handle))
        .says("Imports articles, up to 5 MB. Makes the topic; a bad line is rejected alone.")
        .takes(crate::route::Body::Articles)
        .query(&[
            (
                "columns",
                Value::Any,
                "What columns are taken for where their names don't say it: name:field with commas between them, as in Headline:title,Foo:-; - takes a column for nothing.",
            ),
            (
                "dates",
                Value::Word(&["day-first", "month-first"]),
                "Which is first in dates such as 03/04/2026, where no other date of the file shows it.",
            ),
            (
                "preview",
                Value::Word(&["yes", "no"]),
                "With yes nothing is imported: the answer's preview says how the file would be read. Its first 256 KB do for that, but of a workbook.",
            ),
        ])
        .gives_json::<Output>(200)
        .may(&[EmbeddingKey, Items(Articles, &[Get, BatchGet, Put, Update, Check])])
        // It reads up to 5 MB of articles in one go, and more memory brings more of a processor.
        .lambda(Lambda { memory: Some(512), ..Lambda::USUAL })
        // The words of an article.
        .starts(Start::Prepared(8));

/// Reads the embeddings' vocabulary, which takes longer than a request should.
pub fn prepare(app: &App) {
    Embedder::of(app).prepare();
}

/// Imports articles.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let mut target = Target::of_person(&crate::topics::topic_of_path(app, &request).await?, &user.id);
    let options = options(&request)?;
    let is_preview = is_preview(&request)?;
    if request.body().len() > BODY_MAX {
        return Err(Problem::new(
            Code::TooLarge,
            "One request takes up to 5 MB. Nothing was imported; upload the file (POST …/imports), or split it.",
        ));
    }
    let now = app.now();
    if is_preview {
        let file = body(request);
        let read = move || preview(&file, &options);
        let preview = tokio::task::spawn_blocking(read).await.map_err(Problem::internal)?.map_err(refused)?;
        return json_response(StatusCode::OK, &Output { preview: Some(preview), ..Output::default() });
    }
    let reader = Reader::new(options, now);
    let mut output = Output::default();
    let mut reading = read(Reading { reader, body: body(request), at: 0, has_ended: false }).await?;
    loop {
        let Read { next, articles, rejected } = reading;
        rejected.into_iter().for_each(|rejected| output.reject(rejected));
        let importing = corpus::import(app, &mut target, articles, now);
        if next.has_ended {
            output.notes = next.reader.notes();
            output.add(importing.await.map_err(crate::topics::stopped)?);
            break;
        }
        // The next lines are read while these are written.
        let (imported, read) = futures::join!(importing, read(next));
        output.add(imported.map_err(crate::topics::stopped)?);
        reading = read?;
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

/// How far a file is read.
struct Reading {
    reader: Reader,
    body: Vec<u8>,
    at: usize,
    has_ended: bool,
}

/// What a batch of lines came to.
struct Read {
    next: Reading,
    articles: Vec<Article>,
    rejected: Vec<Rejected>,
}

/// Reads lines until they make a batch, or to the file's end.
async fn read(mut reading: Reading) -> Result<Read, Problem> {
    let batch = move || {
        let (mut articles, mut rejected) = (Vec::new(), Vec::new());
        while !reading.has_ended && articles.len() + rejected.len() < BATCH {
            let left = reading.body.get(reading.at..).unwrap_or_default();
            let mut input = left;
            let line = match reading.reader.read(&mut input)? {
                Some(line) => Some(line),
                None => reading.reader.close()?,
            };
            reading.has_ended = line.is_none();
            reading.at += left.len() - input.len();
            match line {
                Some(Ok(article)) => articles.push(article),
                Some(Err(line)) => rejected.push(line),
                None => {}
            }
        }
        Ok(Read { next: reading, articles, rejected })
    };
    tokio::task::spawn_blocking(batch).await.map_err(Problem::internal)?.map_err(refused)
}

fn body(request: Request) -> Vec<u8> {
    match request.into_body() {
        Body::Empty => Vec::new(),
        Body::Text(text) => text.into_bytes(),
        Body::Binary(bytes) => bytes,
        other => other.to_vec(),
    }
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

/// What is said of the file: in the query, and by its type, which counts only where the file itself shows nothing.
fn options(request: &Request) -> Result<ImportOptions, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let format = match essence.as_str() {
        "application/x-ndjson" | "application/jsonl" => Some(ImportFormat::JsonLines),
        "application/json" => Some(ImportFormat::Json),
        "text/csv" | "text/tab-separated-values" => Some(ImportFormat::Csv),
        "multipart/form-data" => {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "Send the file itself as the body (curl --data-binary @FILE), and not as a field of a form.",
            ));
        }
        _ => None,
    };
    let columns = Choices::parse(query(request, "columns").unwrap_or_default())
        .map_err(|detail| Problem::from(FieldError { pointer: "?columns".to_owned(), detail }))?;
    let dates = query(request, "dates").map(|word| {
        DateOrder::named(word).ok_or_else(|| FieldError {
            pointer: "?dates".to_owned(),
            detail: "It must be day-first or month-first.".to_owned(),
        })
    });
    Ok(ImportOptions { format, columns, dates: dates.transpose()? })
}

fn is_preview(request: &Request) -> Result<bool, Problem> {
    match query(request, "preview") {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => {
            Err(FieldError { pointer: "?preview".to_owned(), detail: "It must be yes or no.".to_owned() }
                .into())
        }
    }
}

fn refused(error: ImportError) -> Problem {
    FieldError { pointer: String::new(), detail: error.to_string() }.into()
}
