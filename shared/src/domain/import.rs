//! Articles that a person imports, as JSON Lines or CSV.
//!
//! One bad line rejects that line, with its number and a sentence that says
//! what to change; the others go on. Only a CSV file whose header cannot be
//! understood is refused whole. Lines are read one at a time from the body in
//! memory, so a caller holds no more of them than it wants to.
//!
//! CSV is RFC 4180 with a header; a line of JSON Lines is one object
//! (jsonlines.org). Both are UTF-8, with or without a byte order mark.

use std::str;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::article::{Article, Sentiment};
use super::clean::{language, plain_text};
use super::identity::canonical_url;
use super::time::Timestamp;

/// The longest line of JSON Lines, in bytes.
pub const JSON_LINE_MAX: usize = 200_000;

const TITLE_MAX: usize = 300;
const URL_MAX: usize = 2_000;
const NAME_MAX: usize = 100;
const SUMMARY_MAX: usize = 5_000;
const TEXT_MAX: usize = 50_000;
const TAGS_MAX: usize = 20;
const TAG_MAX: usize = 50;
const LANGUAGE_MAX: usize = 35;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// `application/x-ndjson`: one JSON object a line.
    JsonLines,
    /// `text/csv`: a header line, then one article a record.
    Csv,
}

/// A line that made no article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
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

/// Reads the articles of `body` in order, one at a time.
///
/// `now` is the publication time of an article that does not say its own. The
/// same URL twice gives the article twice: the later one is an update.
///
/// # Errors
/// Only for CSV, when its header does not name the columns; see [`ImportError`].
pub fn parse(
    format: ImportFormat,
    body: &[u8],
    now: Timestamp,
) -> Result<Box<dyn Iterator<Item = Result<Article, Rejected>> + Send + '_>, ImportError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    Ok(match format {
        ImportFormat::JsonLines => Box::new(json_lines(body, now)),
        ImportFormat::Csv => Box::new(CsvRecords::open(body, now)?),
    })
}

fn json_lines(body: &[u8], now: Timestamp) -> impl Iterator<Item = Result<Article, Rejected>> + Send {
    body.split(|byte| *byte == b'\n').zip(1..).filter(|(line, _)| !line.trim_ascii().is_empty()).map(
        move |(line, number)| {
            let article = json_fields(line).and_then(|fields| fields.into_article(now));
            article.map_err(|detail| Rejected { line: number, detail })
        },
    )
}

fn json_fields(line: &[u8]) -> Result<Fields, String> {
    if line.len() > JSON_LINE_MAX {
        return Err("The line is longer than 200 KB. Shorten the article's text.".into());
    }
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

/// The records of a CSV file behind its header.
struct CsvRecords<'b> {
    body: &'b [u8],
    reader: csv::Reader<&'b [u8]>,
    columns: Vec<&'static str>,
    record: csv::ByteRecord,
    now: Timestamp,
    lines: Lines<'b>,
}

impl<'b> CsvRecords<'b> {
    fn open(body: &'b [u8], now: Timestamp) -> Result<Self, ImportError> {
        // Records of any length, so that a wrong one rejects itself only.
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
        let mut record = csv::ByteRecord::new();
        // Reading from memory cannot fail, and byte records are not checked for
        // UTF-8: an error here is the end.
        if !reader.read_byte_record(&mut record).unwrap_or(false) {
            return Err(ImportError::NoHeader);
        }
        let columns = columns(&record)?;
        Ok(Self { body, reader, columns, record, now, lines: Lines { body, at: 0, line: 1 } })
    }

    /// The next record that is not blank: where it starts and ends in the body.
    fn advance(&mut self) -> Option<(usize, usize)> {
        loop {
            let before = usize::try_from(self.reader.position().byte()).ok()?;
            if !self.reader.read_byte_record(&mut self.record).unwrap_or(false) {
                return None;
            }
            let end = usize::try_from(self.reader.position().byte()).ok()?;
            if self.record.iter().any(|field| !field.trim_ascii().is_empty()) {
                // The reader passes over line ends and blank lines on its way
                // to the record, so its own line number can be too low.
                let read = self.body.get(before..end)?;
                let skipped = read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                return Some((before + skipped, end));
            }
        }
    }

    fn article(&self, start: usize, end: usize) -> Result<Article, String> {
        let raw = self.body.get(start..end).unwrap_or_default().trim_ascii_end();
        let spans_lines = raw.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
        let quotes = raw.iter().filter(|byte| **byte == b'"').count();
        if spans_lines && quotes % 2 == 1 && end == self.body.len() {
            return Err(
                "A quotation mark of this record is never closed, so that the lines from here to the end \
                        of the file are not read. Close it and import them again."
                    .into(),
            );
        }
        if self.record.len() != self.columns.len() {
            let hint = if spans_lines { " It spans several lines; check its quotation marks." } else { "" };
            return Err(format!(
                "The record has {} fields where the first line names {} columns.{hint}",
                self.record.len(),
                self.columns.len()
            ));
        }
        let mut fields = Fields::default();
        for (column, value) in self.columns.iter().zip(&self.record) {
            fields.set_text(column, str::from_utf8(value).map_err(|_| NOT_UTF8.to_owned())?);
        }
        fields.into_article(self.now)
    }
}

impl Iterator for CsvRecords<'_> {
    type Item = Result<Article, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, end) = self.advance()?;
        let line = self.lines.number_at(start);
        Some(self.article(start, end).map_err(|detail| Rejected { line, detail }))
    }
}

/// Counts lines up to ever later places.
struct Lines<'b> {
    body: &'b [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The number of the line that the byte at `place` is on.
    fn number_at(&mut self, place: usize) -> u64 {
        let passed = self.body.get(self.at..place).unwrap_or_default();
        let mut bytes = passed.iter().peekable();
        while let Some(byte) = bytes.next() {
            let ends_line = *byte == b'\n' || (*byte == b'\r' && bytes.peek() != Some(&&b'\n'));
            self.line += u64::from(ends_line);
        }
        self.at = place;
        self.line
    }
}

fn columns(header: &csv::ByteRecord) -> Result<Vec<&'static str>, ImportError> {
    let mut columns = Vec::new();
    for name in header {
        let name = str::from_utf8(name).map_err(|_| ImportError::HeaderNotUtf8)?.trim();
        let Some(column) = FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(name)) else {
            let separated_otherwise = header.len() == 1 && name.contains([';', '\t', '|']);
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
    // A date alone has ten characters: anything longer that is not RFC 3339
    // would lose its time of day without a word.
    let at = value.parse().ok().or_else(|| Timestamp::parse_loose(value).filter(|_| value.len() == 10));
    at.map(Some).ok_or_else(|| {
        "The published_at must be a date, such as 2026-11-21, or a time with its offset, such as \
         2026-11-21T09:30:00Z."
            .into()
    })
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
        for line in parse(format, body, now()).unwrap() {
            match line {
                Ok(article) => articles.push(article),
                Err(line) => rejected.push(line),
            }
        }
        (articles, rejected)
    }

    fn json(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
        read(ImportFormat::JsonLines, body.as_ref())
    }

    fn csv(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
        read(ImportFormat::Csv, body.as_ref())
    }

    fn refused(body: &[u8]) -> ImportError {
        parse(ImportFormat::Csv, body, now()).err().unwrap()
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
    fn a_date_alone_is_its_midnight_and_a_time_needs_its_offset() {
        assert_eq!(only(with("published_at", "2026-03-14".into())).published_at.date(), "2026-03-14");
        for wrong in ["2026-03-14T10:00:00", "14.03.2026", "yesterday", "2026-02-30"] {
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
        body.extend(b" ".repeat(JSON_LINE_MAX));
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
    fn rejections_are_shown_as_line_and_detail() {
        let (_, rejected) = json("[]");
        assert_eq!(serde_json::to_value(&rejected).unwrap()[0]["line"], 1);
    }
}
