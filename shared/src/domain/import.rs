//! Articles that a person imports, as JSON Lines or CSV.
//!
//! One bad line rejects that line, with its number and a sentence that says
//! what to change; the others go on. Only a CSV file whose header cannot be
//! understood is refused whole. A file is read as it comes, piece by piece, so
//! that nobody holds more of it than one record.
//!
//! CSV is RFC 4180 with a header; a line of JSON Lines is one object
//! (jsonlines.org). Both are UTF-8, with or without a byte order mark.

use std::str;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::article::{
    Article, LANGUAGE_MAX, NAME_MAX, SUMMARY_MAX, Sentiment, TAG_MAX, TAGS_MAX, TEXT_MAX, TITLE_MAX, URL_MAX,
};
use super::clean::{language, plain_text};
use super::dates::{self, Reading};
use super::identity::canonical_url;
use super::records::{CsvRecords, Lines, Mark};
use super::time::Timestamp;

/// The fields of an imported article, as JSON and a CSV header name them.
const FIELDS: [&str; 10] = [
    "title",
    "url",
    "source",
    "published_at",
    "summary",
    "text",
    "category",
    "sentiment",
    "tags",
    "language",
];

/// How the articles are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImportFormat {
    /// `application/x-ndjson`: one JSON object a line.
    #[serde(rename = "jsonl")]
    JsonLines,
    /// `text/csv`: a header line, then one article a record.
    #[serde(rename = "csv")]
    Csv,
}

/// A line that made no article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The line it starts on, from 1.
    pub line: u64,
    /// What is wrong and what to do, in a sentence.
    pub detail: String,
}

/// Why a whole file was refused. Nothing of it was imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A CSV file without any line.
    #[error("The CSV file is empty; its first line must name the columns, such as title,url,summary.")]
    NoHeader,
    /// A CSV file whose first line goes on and on.
    #[error(
        "The first line of the CSV file is longer than 1 MB; it must name the columns, such as title,url,summary."
    )]
    HeaderTooLong,
    /// A CSV header that is not UTF-8.
    #[error("The first line of the CSV file is not UTF-8 text. Save the file as UTF-8 and import it again.")]
    HeaderNotUtf8,
    /// A CSV header of one column that holds another separator.
    #[error("The columns of the CSV file must be separated by commas.")]
    NotCommas,
    /// A column that every article needs.
    #[error(
        "The CSV file has no {0} column; its first line must name the columns, such as title,url,summary."
    )]
    MissingColumn(&'static str),
    /// A column that is no field of an article.
    #[error("The CSV file has a column that is not known: {column}. Columns are {known}.", column = quoted(.0), known = FIELDS.join(", "))]
    UnknownColumn(String),
    /// The same column twice.
    #[error("The CSV file has the column {0} more than once.")]
    RepeatedColumn(String),
}

/// What one line, or record, of a file says.
pub type Line = Result<Article, Rejected>;

/// Where the reading of a file stopped, to go on there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Behind the last whole record.
    #[serde(flatten)]
    pub mark: Mark,
    /// The columns that a CSV file's first line named.
    #[serde(default)]
    columns: Vec<String>,
}

/// Reads the articles of a file that comes in pieces, in order, one at a time.
///
/// The publication time of an article that does not say its own is `now`. The
/// same URL twice gives the article twice: the later one is an update.
///
/// ```
/// use shared::domain::import::{ImportFormat, Reader};
///
/// let mut reader = Reader::new(ImportFormat::Csv, "2026-11-21T09:30:00Z".parse()?);
/// let mut titles = Vec::new();
/// for mut piece in ["title,url,te", "xt\nA,https://a.example,x\nB,htt", "ps://b.example,y"].map(str::as_bytes) {
///     while let Some(line) = reader.read(&mut piece)? {
///         titles.extend(line.map(|article| article.title));
///     }
/// }
/// titles.extend(reader.close()?.and_then(Result::ok).map(|article| article.title));
/// assert_eq!(titles, ["A", "B"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader {
    records: Records,
    now: Timestamp,
}

enum Records {
    JsonLines(Lines),
    /// With the columns, once the header was read.
    Csv(Box<CsvRecords>, Vec<&'static str>),
}

impl Reader {
    /// Reads from the beginning.
    pub fn new(format: ImportFormat, now: Timestamp) -> Self {
        Self::resume(format, &Place::default(), now)
    }

    /// Reads on from where another stopped.
    pub fn resume(format: ImportFormat, place: &Place, now: Timestamp) -> Self {
        let known = |column: &String| FIELDS.into_iter().find(|field| field == column);
        let records = match format {
            ImportFormat::JsonLines => Records::JsonLines(Lines::from(place.mark)),
            ImportFormat::Csv => Records::Csv(
                Box::new(CsvRecords::from(place.mark)),
                place.columns.iter().filter_map(known).collect(),
            ),
        };
        Self { records, now }
    }

    /// The next article, or line that makes none, of which `input` has the
    /// end; that is taken from its front. `None` when `input` is used up.
    ///
    /// # Errors
    /// Only for CSV, when its header does not name the columns; see [`ImportError`].
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Line>, ImportError> {
        loop {
            let is_whole = match &mut self.records {
                Records::JsonLines(lines) => lines.advance(input),
                Records::Csv(records, _) => records.advance(input),
            };
            if !is_whole {
                return Ok(None);
            }
            if let Some(line) = self.line()? {
                return Ok(Some(line));
            }
        }
    }

    /// What the file ends with, when that is not the end of a line.
    ///
    /// # Errors
    /// As of [`read`](Self::read); also when a CSV file had no line at all.
    pub fn close(&mut self) -> Result<Option<Line>, ImportError> {
        let is_whole = match &mut self.records {
            Records::JsonLines(lines) => lines.close(),
            Records::Csv(records, _) => records.close(),
        };
        let line = if is_whole { self.line()? } else { None };
        match &self.records {
            Records::Csv(_, columns) if columns.is_empty() => Err(ImportError::NoHeader),
            _ => Ok(line),
        }
    }

    /// Behind the last line that was read.
    pub fn place(&self) -> Place {
        match &self.records {
            Records::JsonLines(lines) => Place { mark: lines.mark(), columns: Vec::new() },
            Records::Csv(records, columns) => {
                Place { mark: records.mark(), columns: columns.iter().map(|&name| name.to_owned()).collect() }
            }
        }
    }

    /// What the whole line says; nothing when it is blank or the header.
    fn line(&mut self) -> Result<Option<Line>, ImportError> {
        let now = self.now;
        let (number, fields) = match &mut self.records {
            Records::JsonLines(lines) => {
                if lines.line().is_some_and(|line| line.trim_ascii().is_empty()) {
                    return Ok(None);
                }
                (lines.number(), lines.line().ok_or_else(|| LINE_TOO_LONG.to_owned()).and_then(json_fields))
            }
            Records::Csv(records, _) if records.is_blank() => return Ok(None),
            Records::Csv(records, columns) if columns.is_empty() => {
                *columns = header(records)?;
                return Ok(None);
            }
            Records::Csv(records, columns) => (records.number(), csv_fields(records, columns)),
        };
        let article = fields.and_then(|fields| fields.into_article(now));
        Ok(Some(article.map_err(|detail| Rejected { line: number, detail })))
    }
}

fn json_fields(line: &[u8]) -> Result<Fields, String> {
    let line = str::from_utf8(line).map_err(|_| NOT_UTF8.to_owned())?;
    let value: Value = serde_json::from_str(line).map_err(|error| {
        format!(
            "The line is not valid JSON, at column {}. Each line must be one whole JSON object.",
            error.column()
        )
    })?;
    let Value::Object(object) = value else {
        return Err(r#"The line must be a JSON object, such as {"title": …, "url": …, "summary": …}."#.into());
    };
    let mut fields = Fields::default();
    for (name, value) in object {
        fields.set_json(&name, value)?;
    }
    Ok(fields)
}

const NOT_UTF8: &str = "The line is not UTF-8 text. Save the file as UTF-8 and import the line again.";
const LINE_TOO_LONG: &str = "The line is longer than 200 KB. Shorten the article's text.";

fn csv_fields(record: &CsvRecords, columns: &[&'static str]) -> Result<Fields, String> {
    if record.is_unclosed() {
        return Err(
            "A quotation mark of this record is never closed, so that the lines from here to the end \
                    of the file are not read. Close it and import them again."
                .into(),
        );
    }
    let hint = if record.spans_lines() { " It spans several lines; check its quotation marks." } else { "" };
    let Some(values) = record.fields() else {
        return Err(format!("The record is longer than 1 MB. Shorten the article's text.{hint}"));
    };
    if record.count() != columns.len() {
        return Err(format!(
            "The record has {} fields where the first line names {} columns.{hint}",
            record.count(),
            columns.len()
        ));
    }
    let mut fields = Fields::default();
    for (column, value) in columns.iter().zip(values) {
        fields.set_text(column, str::from_utf8(value).map_err(|_| NOT_UTF8.to_owned())?);
    }
    Ok(fields)
}

/// The columns that a CSV file's first record names.
fn header(record: &CsvRecords) -> Result<Vec<&'static str>, ImportError> {
    let names = record.fields().ok_or(ImportError::HeaderTooLong)?;
    let mut columns = Vec::new();
    for name in names {
        let name = str::from_utf8(name).map_err(|_| ImportError::HeaderNotUtf8)?.trim();
        let Some(column) = FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(name)) else {
            let separated_otherwise = record.count() == 1 && name.contains([';', '\t', '|']);
            return Err(if separated_otherwise {
                ImportError::NotCommas
            } else {
                ImportError::UnknownColumn(name.to_owned())
            });
        };
        if columns.contains(&column) {
            return Err(ImportError::RepeatedColumn(column.to_owned()));
        }
        columns.push(column);
    }
    for required in ["title", "url"] {
        if !columns.contains(&required) {
            return Err(ImportError::MissingColumn(required));
        }
    }
    if !columns.contains(&"summary") && !columns.contains(&"text") {
        return Err(ImportError::MissingColumn("summary or text"));
    }
    Ok(columns)
}

/// The fields of one line as they stand there; empty is absent.
#[derive(Default)]
struct Fields {
    title: String,
    url: String,
    source: String,
    published_at: String,
    summary: String,
    text: String,
    category: String,
    sentiment: String,
    language: String,
    tags: Vec<String>,
}

impl Fields {
    /// Where the field `name` goes; none for tags, which are several.
    fn slot(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "title" => &mut self.title,
            "url" => &mut self.url,
            "source" => &mut self.source,
            "published_at" => &mut self.published_at,
            "summary" => &mut self.summary,
            "text" => &mut self.text,
            "category" => &mut self.category,
            "sentiment" => &mut self.sentiment,
            "language" => &mut self.language,
            _ => return None,
        })
    }

    fn set_text(&mut self, column: &str, value: &str) {
        match self.slot(column) {
            Some(slot) => *slot = value.to_owned(),
            None => self.tags = value.split(';').map(str::to_owned).collect(),
        }
    }

    fn set_json(&mut self, name: &str, value: Value) -> Result<(), String> {
        const TAGS_WANTED: &str = r#"The tags must be a list of texts, such as ["chips", "law"]."#;
        if !FIELDS.contains(&name) {
            return Err(format!(
                "The field {} is not known. Fields are {}.",
                quoted(name),
                FIELDS.join(", ")
            ));
        }
        match (self.slot(name), value) {
            (_, Value::Null) => {}
            (Some(slot), Value::String(text)) => *slot = text,
            (Some(_), _) => return Err(format!("The {name} must be text, in quotation marks.")),
            (None, Value::Array(tags)) => {
                for tag in tags {
                    let Value::String(tag) = tag else {
                        return Err(TAGS_WANTED.into());
                    };
                    self.tags.push(tag);
                }
            }
            (None, _) => return Err(TAGS_WANTED.into()),
        }
        Ok(())
    }

    fn into_article(self, now: Timestamp) -> Result<Article, String> {
        let title = prose("title", &self.title, TITLE_MAX)?.ok_or("The article has no title.")?;
        let url = url(&self.url)?;
        let summary = prose("summary", &self.summary, SUMMARY_MAX)?;
        let body = prose("text", &self.text, TEXT_MAX)?;
        if summary.is_none() && body.is_none() {
            return Err("The article needs a summary or a text.".into());
        }
        let said = text("language", &self.language, LANGUAGE_MAX)?;
        let language = said.or_else(|| language(summary.as_deref().or(body.as_deref()).unwrap_or(&title)));
        Ok(Article {
            title,
            url,
            language,
            source: text("source", &self.source, NAME_MAX)?,
            published_at: published_at(&self.published_at)?.unwrap_or(now),
            summary,
            text: body,
            category: text("category", &self.category, NAME_MAX)?,
            sentiment: sentiment(&self.sentiment)?,
            tags: tags(&self.tags)?,
            sample: false,
        })
    }
}

/// What a reader reads of the value, without markup.
fn prose(name: &str, value: &str, max: usize) -> Result<Option<String>, String> {
    text(name, &plain_text(value), max)
}

/// The trimmed value, when there is one and it keeps to `max` characters.
fn text(name: &str, value: &str, max: usize) -> Result<Option<String>, String> {
    let value = value.trim();
    if let Some(control) = value.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(format!(
            "The {name} contains a control character (U+{:04X}). Remove it.",
            u32::from(control)
        ));
    }
    if value.chars().count() > max {
        return Err(format!("The {name} is longer than {} characters. Shorten it.", grouped(max)));
    }
    Ok(Some(value).filter(|value| !value.is_empty()).map(str::to_owned))
}

/// The address in the one way that the URL standard writes it, without its fragment.
fn url(value: &str) -> Result<String, String> {
    // The length is that of what is kept: fragments go, and other scripts are
    // percent-encoded.
    let value = text("url", value, usize::MAX)?.ok_or("The article has no url.")?;
    let parsed = Url::parse(&value);
    let scheme_is_web = match &parsed {
        Ok(url) => matches!(url.scheme(), "http" | "https"),
        Err(url::ParseError::RelativeUrlWithoutBase) => false,
        Err(_) => true,
    };
    if !scheme_is_web {
        return Err("The url must start with http:// or https://.".into());
    }
    // The URL standard knows no http or https address without a host.
    let Ok(url) = parsed else {
        return Err("The url is not a valid web address, such as https://example.com/article.".into());
    };
    let url = String::from(canonical_url(&url));
    if url.chars().count() > URL_MAX {
        return Err(format!("The url is longer than {} characters.", grouped(URL_MAX)));
    }
    Ok(url)
}

fn published_at(value: &str) -> Result<Option<Timestamp>, String> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    match dates::read(value) {
        Reading::One(at) => Ok(Some(at)),
        Reading::Two { day_first, month_first } => Err(format!(
            "The published_at {} could be two dates, {} and {}. Write it as one of these.",
            quoted(value),
            day_first.date(),
            month_first.date()
        )),
        Reading::None => Err("The published_at must be a date, such as 2026-11-21, or a time, such as \
             2026-11-21T09:30:00Z."
            .into()),
    }
}

fn sentiment(value: &str) -> Result<Option<Sentiment>, String> {
    if value.trim().is_empty() {
        return Ok(None);
    }
    let named = Sentiment::named(value);
    named.map(Some).ok_or_else(|| "The sentiment must be positive, neutral, critical or negative.".into())
}

fn tags(values: &[String]) -> Result<Vec<String>, String> {
    let mut tags = Vec::new();
    for value in values {
        tags.extend(text("tag", value, TAG_MAX)?);
        if tags.len() > TAGS_MAX {
            return Err(format!("The article has more than {TAGS_MAX} tags. Keep the most telling."));
        }
    }
    Ok(tags)
}

/// A name from the file as a sentence can show it.
fn quoted(name: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let shown: String = name.chars().take(SHOWN_MAX).collect();
    let more = if name.chars().count() > SHOWN_MAX { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

/// "50,000".
fn grouped(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T09:30:00Z".parse().unwrap()
    }

    fn read(format: ImportFormat, body: &[u8]) -> (Vec<Article>, Vec<Rejected>) {
        let (mut articles, mut rejected) = (Vec::new(), Vec::new());
        for line in all(format, body).unwrap() {
            match line {
                Ok(article) => articles.push(article),
                Err(line) => rejected.push(line),
            }
        }
        (articles, rejected)
    }

    fn all(format: ImportFormat, body: &[u8]) -> Result<Vec<Line>, ImportError> {
        let mut reader = Reader::new(format, now());
        let (mut lines, mut input) = (Vec::new(), body);
        while let Some(line) = reader.read(&mut input)? {
            lines.push(line);
        }
        lines.extend(reader.close()?);
        Ok(lines)
    }

    fn json(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
        read(ImportFormat::JsonLines, body.as_ref())
    }

    fn csv(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
        read(ImportFormat::Csv, body.as_ref())
    }

    fn refused(body: &[u8]) -> ImportError {
        all(ImportFormat::Csv, body).unwrap_err()
    }

    /// A line that is right but for the field given.
    fn with(field: &str, value: Value) -> String {
        let mut article = serde_json::json!({"title": "T", "url": "https://example.com/a", "summary": "S"});
        article[field] = value;
        article.to_string()
    }

    fn why_not(line: impl AsRef<[u8]>) -> String {
        let (articles, mut rejected) = json(line);
        assert_eq!((articles.len(), rejected.len()), (0, 1), "{articles:?}");
        rejected.remove(0).detail
    }

    fn only(line: impl AsRef<[u8]>) -> Article {
        let (mut articles, rejected) = json(line);
        assert_eq!((articles.len(), rejected.len()), (1, 0), "{rejected:?}");
        articles.remove(0)
    }

    fn lines(rejected: &[Rejected]) -> Vec<u64> {
        rejected.iter().map(|rejected| rejected.line).collect()
    }

    const WHOLE: &str = r#"{"title": " Chips ", "url": "HTTPS://Example.com/a b?q=1#part", "source": "The Paper",
        "published_at": "2026-03-14T10:00:00+02:00", "summary": "S", "text": "T", "category": "Law",
        "sentiment": "Critical", "tags": [" a ", "", "b"], "language": "en"}"#;

    #[test]
    fn every_field_of_an_article_is_read_and_tidied() {
        let article = only(WHOLE.replace('\n', " "));
        assert_eq!(
            serde_json::to_value(&article).unwrap(),
            serde_json::json!({
                "title": "Chips", "url": "https://example.com/a%20b?q=1", "source": "The Paper",
                "published_at": "2026-03-14T08:00:00.000Z", "summary": "S", "text": "T", "category": "Law",
                "sentiment": "critical", "tags": ["a", "b"], "language": "en"
            })
        );
    }

    #[test]
    fn the_same_article_as_csv_is_the_same_article() {
        let body = "Title,url,source,published_at,summary,text,category,sentiment,tags,language\r\n\
             Chips ,HTTPS://Example.com/a b?q=1#part,The Paper,2026-03-14T10:00:00+02:00,S,T,Law,critical,a;; b ,en\r\n";
        let (articles, rejected) = csv(body);
        assert_eq!(rejected, []);
        assert_eq!(articles, [only(WHOLE.replace('\n', " "))]);
    }

    #[test]
    fn what_is_absent_null_or_blank_takes_its_default() {
        let article = only(
            r#"{"title":"T","url":"http://a.example","text":"x","summary":" ","source":null,"tags":null,"published_at":""}"#,
        );
        assert_eq!(article.published_at, now());
        assert_eq!((article.summary, article.source, article.text.as_deref()), (None, None, Some("x")));
        assert!(article.tags.is_empty() && !article.sample);
        assert_eq!(article.url, "http://a.example/");
    }

    #[test]
    fn a_date_is_taken_in_any_form_that_is_one_date() {
        for right in [
            "2026-03-14",
            "2026-03-14T10:00:00",
            "14.03.2026",
            "14/03/2026",
            "03/14/2026 10:00",
            "1773446400",
        ] {
            assert_eq!(only(with("published_at", right.into())).published_at.date(), "2026-03-14", "{right}");
        }
        assert_eq!(
            why_not(with("published_at", "03/04/2026".into())),
            r#"The published_at "03/04/2026" could be two dates, 2026-04-03 and 2026-03-04. Write it as one of these."#
        );
        for wrong in ["yesterday", "2026-02-30", "0001-01-01"] {
            assert!(
                why_not(with("published_at", wrong.into())).starts_with("The published_at must be a date")
            );
        }
    }

    #[test]
    fn title_url_and_one_of_summary_and_text_are_required() {
        assert_eq!(why_not(r#"{"url":"http://a.example","text":"x"}"#), "The article has no title.");
        assert_eq!(why_not(r#"{"title":"T","text":"x"}"#), "The article has no url.");
        assert_eq!(
            why_not(r#"{"title":"T","url":"http://a.example","text":"\n"}"#),
            "The article needs a summary or a text."
        );
    }

    #[test]
    fn only_web_addresses_with_a_host_are_taken() {
        for wrong in ["ftp://a.example/x", "javascript:alert(1)", "example.com/a", "/a", "data:text/html,x"] {
            assert_eq!(
                why_not(with("url", wrong.into())),
                "The url must start with http:// or https://.",
                "{wrong}"
            );
        }
        for wrong in
            ["http://", "https:///", "http://a b.example/", "https://[::1", "http://a.example:99999/"]
        {
            assert!(why_not(with("url", wrong.into())).contains("not a valid web address"), "{wrong}");
        }
    }

    #[test]
    fn texts_are_held_to_their_limits_in_characters() {
        for (field, max, shown) in [
            ("title", 300, "300"),
            ("source", 100, "100"),
            ("category", 100, "100"),
            ("summary", 5_000, "5,000"),
            ("text", 50_000, "50,000"),
            ("language", 35, "35"),
        ] {
            let article = only(with(field, "é".repeat(max).into()));
            assert_eq!(serde_json::to_value(&article).unwrap()[field], "é".repeat(max));
            assert_eq!(
                why_not(with(field, "é".repeat(max + 1).into())),
                format!("The {field} is longer than {shown} characters. Shorten it.")
            );
        }
    }

    #[test]
    fn a_url_is_held_to_its_limit_as_it_is_kept() {
        let of_length = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert_eq!(only(with("url", format!("{}#part", of_length(2_000)).into())).url, of_length(2_000));
        assert_eq!(why_not(with("url", of_length(2_001).into())), "The url is longer than 2,000 characters.");
    }

    #[test]
    fn tags_are_a_list_of_at_most_twenty_short_texts() {
        assert_eq!(only(with("tags", vec!["t"; 20].into())).tags.len(), 20);
        assert!(why_not(with("tags", vec!["t"; 21].into())).contains("more than 20 tags"));
        assert!(why_not(with("tags", vec!["t".repeat(51)].into())).contains("longer than 50"));
        assert!(why_not(with("tags", "a;b".into())).contains("a list of texts"));
        assert!(why_not(with("tags", vec![1].into())).contains("a list of texts"));
    }

    #[test]
    fn a_sentiment_is_one_of_four() {
        assert_eq!(only(with("sentiment", "NEGATIVE".into())).sentiment, Some(Sentiment::Negative));
        assert!(
            why_not(with("sentiment", "angry".into())).contains("positive, neutral, critical or negative")
        );
    }

    #[test]
    fn a_misspelt_field_is_named() {
        let detail = why_not(with("titel", "T".into()));
        assert!(detail.starts_with(r#"The field "titel" is not known. Fields are title, url"#), "{detail}");
        assert!(why_not(with("sample", true.into())).contains(r#""sample""#));
        assert!(why_not(with(&"x\u{7}".repeat(5_000), "T".into())).len() < 800);
    }

    #[test]
    fn a_field_of_another_kind_is_named() {
        assert_eq!(why_not(with("title", 5.into())), "The title must be text, in quotation marks.");
    }

    #[test]
    fn prose_is_tidied_and_control_characters_elsewhere_are_refused() {
        let tidied = only(with("summary", "<p>a\tb\r\nc\0 &amp; d</p><script>e()</script>".into()));
        assert_eq!(tidied.summary.as_deref(), Some("a b c & d"));
        for (field, value) in [("source", "a\0b"), ("url", "https://a.example/\u{1b}x")] {
            let detail = why_not(with(field, value.into()));
            assert!(
                detail.starts_with(&format!("The {field} contains a control character (U+00")),
                "{detail}"
            );
        }
        assert!(why_not(with("tags", vec!["a\u{7f}b"].into())).contains("U+007F"));
    }

    #[test]
    fn a_bad_line_rejects_itself_only_and_keeps_its_number() {
        let good = with("title", "T".into());
        let body = format!("\u{feff}{good}\r\n\r\n  \nnot json\n[]\n{good}\n\"text\"\n{good}");
        let (articles, rejected) = json(body);
        assert_eq!(articles.len(), 3);
        assert_eq!(lines(&rejected), [4, 5, 7]);
        assert!(rejected[0].detail.starts_with("The line is not valid JSON, at column"));
        assert!(rejected[1].detail.starts_with("The line must be a JSON object"));
    }

    #[test]
    fn lines_that_would_break_a_parser_are_only_rejected() {
        let good = with("title", "T".into());
        let mut body = good.clone().into_bytes();
        body.extend(b"\n{\"title\":\"\xff\"}\n");
        body.extend("[".repeat(100_000).bytes());
        body.extend(b"\n{\"title\":\"\\ud800\"}\n");
        body.extend(b" ".repeat(crate::domain::records::LINE_MAX));
        body.extend(b"{}\n");
        body.extend(good.bytes());
        let (articles, rejected) = json(body);
        assert_eq!(articles.len(), 2);
        assert_eq!(lines(&rejected), [2, 3, 4, 5]);
        assert!(rejected[0].detail.contains("not UTF-8"));
        assert!(rejected[3].detail.contains("longer than 200 KB"));
    }

    #[test]
    fn an_empty_json_file_has_no_articles() {
        assert_eq!(json(""), (vec![], vec![]));
        assert_eq!(json("\u{feff}\n\n"), (vec![], vec![]));
    }

    #[test]
    fn the_same_url_twice_stays_twice_and_in_order() {
        let (articles, _) = json(format!("{}\n{}", with("title", "old".into()), with("title", "new".into())));
        assert_eq!(articles[0].url, articles[1].url);
        assert_eq!(articles[1].title, "new");
    }

    #[test]
    fn a_csv_header_that_cannot_be_understood_refuses_the_file() {
        assert_eq!(refused(b""), ImportError::NoHeader);
        assert_eq!(refused(b"\xef\xbb\xbf\n\n"), ImportError::NoHeader);
        assert_eq!(refused(b"url,text\n"), ImportError::MissingColumn("title"));
        assert_eq!(refused(b"title,text\n"), ImportError::MissingColumn("url"));
        assert_eq!(refused(b"title,url\n"), ImportError::MissingColumn("summary or text"));
        assert_eq!(refused(b"title,url,text,author\n"), ImportError::UnknownColumn("author".into()));
        assert_eq!(refused(b"title,url,text,\n"), ImportError::UnknownColumn(String::new()));
        assert_eq!(refused(b"title,url,text,Title\n"), ImportError::RepeatedColumn("title".into()));
        assert_eq!(refused(b"title;url;text\n"), ImportError::NotCommas);
        assert_eq!(refused(b"\xff\xfet\0i\0\n"), ImportError::HeaderNotUtf8);
        assert!(refused(b"title,text\n").to_string().starts_with("The CSV file has no url column;"));
        assert!(
            refused(b"title,url,text,author\n")
                .to_string()
                .contains("not known: \"author\". Columns are title,")
        );
    }

    #[test]
    fn a_csv_record_is_numbered_by_the_line_it_starts_on() {
        for end in ["\n", "\r\n", "\r"] {
            let body = [
                "\u{feff}title,url,text",
                "T,https://a.example,\"one, \"\"two\"\"",
                "three\"",
                "",
                "bad,url,x",
                ",,",
                "\"bad",
                "again\",url,x",
                "T,https://a.example,x,extra",
                "T,https://a.example",
                "T,https://b.example,y",
            ]
            .join(end);
            let (articles, rejected) = csv(body);
            assert_eq!(articles.len(), 2, "{end:?} {rejected:?}");
            assert_eq!(articles[0].text.clone().unwrap(), "one, \"two\"\nthree");
            assert_eq!(lines(&rejected), [5, 7, 9, 10], "{end:?}");
            assert_eq!(rejected[2].detail, "The record has 4 fields where the first line names 3 columns.");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_swallows_no_lines_in_silence() {
        let (articles, rejected) =
            csv("title,url,text\nA,https://a.example,x\nB,https://b.example,\"y\nC,https://c.example,z\n");
        assert_eq!(articles.len(), 1);
        assert_eq!(lines(&rejected), [3]);
        assert!(rejected[0].detail.contains("never closed"));
        let (articles, rejected) = csv("title,url,text\nA 5\" screen,https://a.example,x");
        assert_eq!((articles[0].title.as_str(), rejected.len()), ("A 5\" screen", 0));
    }

    #[test]
    fn a_csv_record_that_swallowed_others_says_where_to_look() {
        let (_, rejected) = csv("title,url,text\n\"A,https://a.example,x\nB\",https://b.example,y,z\n");
        assert!(rejected[0].detail.ends_with("It spans several lines; check its quotation marks."));
    }

    #[test]
    fn a_csv_line_that_is_not_utf8_rejects_itself_only() {
        let (articles, rejected) =
            csv(b"title,url,text\nCaf\xe9,https://a.example,x\nT,https://b.example,y\n".as_slice());
        assert_eq!((articles.len(), lines(&rejected)), (1, vec![2]));
        assert!(rejected[0].detail.contains("not UTF-8"));
    }

    #[test]
    fn a_csv_record_of_more_than_a_megabyte_costs_itself_only() {
        let text = "x".repeat(1_100_000);
        let (articles, rejected) =
            csv(format!("title,url,text\nA,https://a.example,{text}\nB,https://b.example,y\n"));
        assert_eq!((articles.len(), lines(&rejected)), (1, vec![2]));
        assert_eq!(rejected[0].detail, "The record is longer than 1 MB. Shorten the article's text.");
        assert_eq!(refused("x".repeat(1_100_000).as_bytes()), ImportError::HeaderTooLong);
    }

    #[test]
    fn reading_goes_on_from_the_place_where_another_stopped() {
        let line = |number: u32| with("url", format!("https://a.example/{number}").into());
        let json = format!("{}\nbad\n{}\n\n{}", line(1), line(2), line(3));
        let csv = "\u{feff}url,title,text\r\nhttps://a.example/1,A,\"x\r\ny\"\r\n\r\nbad,B,z\r\nhttps://a.example/2,C,w";
        for (format, file) in [(ImportFormat::JsonLines, json.as_str()), (ImportFormat::Csv, csv)] {
            let whole = all(format, file.as_bytes()).unwrap();
            let (mut lines, mut place) = (Vec::new(), Place::default());
            loop {
                // As a store keeps it.
                let kept = serde_json::to_string(&place).unwrap();
                let mut reader = Reader::resume(format, &serde_json::from_str(&kept).unwrap(), now());
                let mut rest = &file.as_bytes()[usize::try_from(place.mark.offset).unwrap()..];
                match reader.read(&mut rest).unwrap() {
                    Some(line) => lines.push(line),
                    None => {
                        lines.extend(reader.close().unwrap());
                        break;
                    }
                }
                place = reader.place();
            }
            assert_eq!(lines, whole);
            assert!(whole.len() >= 3, "{whole:?}");
        }
    }

    #[test]
    fn rejections_are_shown_as_line_and_detail() {
        let (_, rejected) = json("[]");
        assert_eq!(serde_json::to_value(&rejected).unwrap()[0]["line"], 1);
    }
}
