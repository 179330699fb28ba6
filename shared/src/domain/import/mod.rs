//! Articles that a person imports, from any export that holds them: JSON
//! Lines, a JSON document, CSV with any separator, a workbook; in any encoding.
//!
//! What a file is, is found out from how it begins ([`plan`]), and then it is
//! read as it comes, piece by piece, so that nobody holds more of it than its
//! beginning and one record; a workbook alone is held whole. One bad line
//! rejects that line, with its number and a sentence that says what to change;
//! the others go on. What no field of an article is known for is passed over,
//! and said so once ([`Reader::notes`]).
//!
//! CSV is RFC 4180 with a header; a line of JSON Lines is one object
//! (jsonlines.org).

mod columns;
mod encoding;
mod fields;
mod json;
mod plan;
mod preview;
mod workbook;

use std::collections::VecDeque;
use std::str;

use encoding_rs::{UTF_8, WINDOWS_1252};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::columns::{Choices, Field};
pub use self::preview::{Preview, PreviewColumn, preview};

use self::columns::Paths;
use self::encoding::Transcoder;
use self::fields::{Cell, Fields, Tally, Terms};
use self::json::Documents;
use self::plan::{Column, Form, Plan};
use self::workbook::Row;
use super::article::Article;
use super::dates::{self, DateOrder};
use super::records::{CsvRecords, Lines, Mark};
use super::time::Timestamp;

/// What a file is, is found out from so many bytes of its beginning.
pub const HEAD: usize = 262_144;

/// How the articles are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ImportFormat {
    /// One JSON object a line.
    #[serde(rename = "jsonl")]
    JsonLines,
    /// A JSON document that holds them somewhere.
    #[serde(rename = "json")]
    Json,
    /// A table with commas, semicolons, tabs or bars, whose header names the columns.
    #[serde(rename = "csv")]
    Csv,
    /// A workbook of a spreadsheet.
    #[serde(rename = "xlsx")]
    Xlsx,
}

/// What a person says of a file. What is not said is found out from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// How the articles are written down: counts only where the file itself shows nothing.
    pub format: Option<ImportFormat>,
    /// What its columns are taken for.
    pub columns: Choices,
    /// Which of day and month is first in its dates.
    pub dates: Option<DateOrder>,
}

/// A line that made no article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The line it starts on, or the row of its sheet, from 1.
    pub line: u64,
    /// What is wrong and what to do, in a sentence.
    pub detail: String,
}

/// Why a whole file was refused. Nothing of it was imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Nothing is in it.
    #[error("The file is empty: there is nothing to import.")]
    Empty,
    /// XML or HTML.
    #[error(
        "The file is XML or a web page. Import articles as CSV, JSON or .xlsx; follow the address of a feed instead of \
         its file."
    )]
    Markup,
    /// A file of bytes.
    #[error("The file is no text. Import articles as CSV, JSON or .xlsx, not packed.")]
    NotText,
    /// A workbook before 2007, or one with a password.
    #[error(
        "The file is a workbook of the old kind (.xls), or one with a password. Save it as .xlsx without a password, or as \
         CSV."
    )]
    OldWorkbook,
    /// An archive that is no workbook, or a damaged one.
    #[error("The file is a ZIP archive that can't be read as a workbook (.xlsx). Save it anew, or as CSV.")]
    BadWorkbook,
    /// A workbook that takes too much memory.
    #[error(
        "The workbook is too large: up to 20 MB are read, which unpacked are up to 64 MB. Save the sheet as CSV, which has \
         no such limit."
    )]
    WorkbookTooLarge,
    /// A first line that goes on and on.
    #[error(
        "The first line of the file is longer than 256 KB; it must name the columns, such as title,url,summary."
    )]
    HeaderTooLong,
    /// No column for what every article needs.
    #[error(
        "No column of the file is taken for the {name}. Its columns are {columns}. Say which one it is: columns=NAME:{name}.",
        name = .field.as_str(),
        columns = listed(.columns)
    )]
    MissingColumn {
        /// What is needed.
        field: Field,
        /// The columns that are there.
        columns: Vec<String>,
    },
    /// A column that is spoken of and isn't there.
    #[error("The file has no column {name}. Its columns are {columns}.", name = quoted(.name), columns = listed(.columns))]
    NoSuchColumn {
        /// The name.
        name: String,
        /// The columns that are there.
        columns: Vec<String>,
    },
}

/// What one line, or record, of a file says.
pub type Line = Result<Article, Rejected>;

/// Where the reading of a file stopped, to go on there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Behind the last whole record.
    #[serde(flatten)]
    pub mark: Mark,
    /// The columns that a CSV file's first line named, in a place from before plans were kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    columns: Vec<String>,
    /// How the file is read, once that was found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// Records before it that are not blank.
    #[serde(default)]
    records: u64,
    /// What is to be said of them.
    #[serde(default)]
    tally: Tally,
}

impl Place {
    /// From which byte of the file on the reader that goes on here needs it: all of a workbook.
    pub fn offset(&self) -> u64 {
        match self.plan.as_ref().map(|plan| &plan.form) {
            Some(Form::Workbook(_)) => 0,
            _ => self.mark.offset,
        }
    }
}

/// Reads the articles of a file that comes in pieces, in order, one at a time.
///
/// The publication time of an article that does not say its own is `now`. The
/// same URL twice gives the article twice: the later one is an update.
///
/// ```
/// use shared::domain::import::{ImportOptions, Reader};
///
/// let mut reader = Reader::new(ImportOptions::default(), "2026-11-21T09:30:00Z".parse()?);
/// let mut titles = Vec::new();
/// for mut piece in ["title;url;te", "xt\nA;https://a.example;x\nB;htt", "ps://b.example;y"].map(str::as_bytes) {
///     while let Some(line) = reader.read(&mut piece)? {
///         titles.extend(line.map(|article| article.title));
///     }
/// }
/// while let Some(line) = reader.close()? {
///     titles.extend(line.map(|article| article.title));
/// }
/// assert_eq!(titles, ["A", "B"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader {
    options: ImportOptions,
    now: Timestamp,
    tally: Tally,
    stage: Stage,
}

enum Stage {
    /// The file's beginning is gathered.
    Head(Vec<u8>),
    /// A workbook is gathered, of which so much was read before.
    Gathering(Vec<u8>, Box<Place>),
    /// The records are read.
    Reading(Box<Reading>),
}

impl Reader {
    /// Reads from the beginning.
    pub fn new(options: ImportOptions, now: Timestamp) -> Self {
        Self::resume(options, &Place::default(), now)
    }

    /// Reads on from where another stopped: [`Place::offset`] says from which byte on.
    pub fn resume(options: ImportOptions, place: &Place, now: Timestamp) -> Self {
        let stage = match &place.plan {
            Some(Plan { form: Form::Workbook(_), .. }) => {
                Stage::Gathering(Vec::new(), Box::new(place.clone()))
            }
            Some(plan) => Stage::Reading(Box::new(Reading::of_text(plan.clone(), place, &options))),
            None if place.mark.offset > 0 => {
                let plan = Plan::of_before(options.format, &place.columns);
                Stage::Reading(Box::new(Reading::of_text(plan, place, &options)))
            }
            None => Stage::Head(Vec::new()),
        };
        Self { options, now, tally: place.tally.clone(), stage }
    }

    /// The next article, or line that makes none, of which `input` has the
    /// end; that is taken from its front. `None` when `input` is used up.
    ///
    /// # Errors
    /// When the file as a whole can't be read; see [`ImportError`].
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Line>, ImportError> {
        loop {
            match &mut self.stage {
                Stage::Head(head) => {
                    let wanted = HEAD - head.len();
                    let (part, rest) = input.split_at_checked(wanted).unwrap_or((input, &[]));
                    head.extend_from_slice(part);
                    *input = rest;
                    if head.len() < HEAD {
                        return Ok(None);
                    }
                    self.begin(false)?;
                }
                Stage::Gathering(bytes, _) => {
                    if bytes.len() + input.len() > workbook::BYTES_MAX {
                        return Err(ImportError::WorkbookTooLarge);
                    }
                    bytes.extend_from_slice(input);
                    *input = &[];
                    return Ok(None);
                }
                Stage::Reading(reading) => {
                    if !reading.advance(input) {
                        return Ok(None);
                    }
                    if let Some(line) = self.line() {
                        return Ok(Some(line));
                    }
                }
            }
        }
    }

    /// What the end of the file leaves: again and again, until it is `None`.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn close(&mut self) -> Result<Option<Line>, ImportError> {
        if matches!(self.stage, Stage::Head(_)) {
            self.begin(true)?;
        }
        if let Stage::Gathering(bytes, place) = &self.stage {
            let mut reading = Reading::of_workbook(bytes, place, &self.options)?;
            if place.plan.is_none() {
                reading.plan.check(&self.options)?;
                reading.plan.dates = self.options.dates.or_else(|| reading.dates_of_rows().order());
                pass_over_columns(&reading.plan, &mut self.tally);
            }
            self.stage = Stage::Reading(Box::new(reading));
        }
        loop {
            let Stage::Reading(reading) = &mut self.stage else { return Ok(None) };
            if !reading.advance(&mut [].as_slice()) && !reading.close() {
                return Ok(None);
            }
            if let Some(line) = self.line() {
                return Ok(Some(line));
            }
        }
    }

    /// Behind the last line that was read.
    pub fn place(&self) -> Place {
        match &self.stage {
            Stage::Head(_) => Place::default(),
            Stage::Gathering(_, place) => Place::clone(place),
            Stage::Reading(reading) => Place {
                mark: reading.mark(),
                columns: Vec::new(),
                plan: Some(reading.plan.clone()),
                records: reading.records,
                tally: self.tally.clone(),
            },
        }
    }

    /// How the articles are written down, once that is known.
    pub fn format(&self) -> Option<ImportFormat> {
        match &self.stage {
            Stage::Head(_) => None,
            Stage::Gathering(..) => Some(ImportFormat::Xlsx),
            Stage::Reading(reading) => Some(reading.plan.format()),
        }
    }

    /// What is to be said of the file so far, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Stage::Reading(reading) = &self.stage {
            let plan = &reading.plan;
            if plan.encoding() != UTF_8 {
                notes.push(format!("The file is read as text in {}.", plan.encoding));
            }
            if let (Some(order), None) = (plan.dates, self.options.dates) {
                let (first, second) = match order {
                    DateOrder::DayFirst => ("day", "month"),
                    DateOrder::MonthFirst => ("month", "day"),
                };
                notes.push(format!(
                    "Dates such as 03/04/2026 are read with the {first} before the {second}, as other dates of the file \
                     show."
                ));
            }
        }
        notes.extend(self.tally.notes(self.now));
        notes
    }

    /// Finds out from its beginning what the file is.
    fn begin(&mut self, is_whole: bool) -> Result<(), ImportError> {
        let Stage::Head(head) = &mut self.stage else { return Ok(()) };
        let head = std::mem::take(head);
        if plan::is_workbook(&head) {
            self.stage = Stage::Gathering(head, Box::default());
            return Ok(());
        }
        let mut plan = Plan::of(&head, is_whole, &self.options)?;
        plan.check(&self.options)?;
        plan.dates = self.options.dates.or_else(|| dates_of(&plan, &head, is_whole, &self.options).order());
        pass_over_columns(&plan, &mut self.tally);
        let mut reading = Reading::of_text(plan, &Place::default(), &self.options);
        reading.held = head;
        self.stage = Stage::Reading(Box::new(reading));
        Ok(())
    }

    /// What the whole record says; nothing when it is blank or before the header's end.
    fn line(&mut self) -> Option<Line> {
        let Stage::Reading(reading) = &mut self.stage else { return None };
        let fields = reading.fields(&mut self.tally)?;
        let terms = Terms { now: self.now, dates: reading.plan.dates };
        let article = fields.and_then(|fields| fields.into_article(terms, &mut self.tally));
        Some(article.map_err(|detail| reading.rejected(detail)))
    }
}

/// Notes the columns that are taken for nothing.
fn pass_over_columns(plan: &Plan, tally: &mut Tally) {
    for column in plan.columns().iter().filter(|column| column.slot.is_none()) {
        tally.pass_over(&column.name);
    }
}

/// What the dates of a file's beginning show of their order.
#[derive(Debug, Default)]
struct Dates {
    shows: Option<DateOrder>,
    differ: bool,
    /// One that could be two dates.
    ambiguous: Option<String>,
}

impl Dates {
    fn look_at(&mut self, date: &str) {
        let shown = dates::order_shown(date);
        self.differ |= self.shows.is_some() && shown.is_some() && shown != self.shows;
        self.shows = self.shows.or(shown);
        if self.ambiguous.is_none() && matches!(dates::read(date), dates::Reading::Two { .. }) {
            self.ambiguous = Some(date.trim().to_owned());
        }
    }

    /// Which of day and month is first; nothing when no date shows it, or they differ.
    fn order(&self) -> Option<DateOrder> {
        self.shows.filter(|_| !self.differ)
    }
}

fn dates_of(plan: &Plan, mut head: &[u8], is_whole: bool, options: &ImportOptions) -> Dates {
    let mut reading = Reading::of_text(plan.clone(), &Place::default(), options);
    let (mut tally, mut dates) = (Tally::default(), Dates::default());
    while reading.advance(&mut head) || (is_whole && reading.close()) {
        if let Some(Ok(mut fields)) = reading.fields(&mut tally) {
            dates.look_at(&fields.date());
        }
    }
    dates
}

/// A file whose plan is known.
struct Reading {
    plan: Plan,
    paths: Paths,
    source: Source,
    /// The file's beginning, which is read before what comes.
    held: Vec<u8>,
    /// How much of it was read.
    at: usize,
    /// Records that were read and are not blank.
    records: u64,
}

enum Source {
    Text(Text),
    Sheet(Rows),
}

/// Records that are text, in the file's own bytes where these are UTF-8.
struct Text {
    records: Records,
    transcoder: Option<Transcoder>,
    /// Bytes of the file behind the last record, where it is transcoded.
    behind: u64,
}

enum Records {
    Lines(Lines),
    Table(Box<CsvRecords>),
    Documents(Box<Documents>),
}

/// The rows of a sheet.
struct Rows {
    left: VecDeque<Row>,
    row: Option<Row>,
    /// The number of the last row that was read.
    last: u64,
    /// How many rows there are, and the file's size: how far reading is.
    total: usize,
    bytes: usize,
}

impl Records {
    fn advance(&mut self, input: &mut &[u8]) -> bool {
        match self {
            Self::Lines(lines) => lines.advance(input),
            Self::Table(records) => records.advance(input),
            Self::Documents(documents) => documents.advance(input),
        }
    }

    fn close(&mut self) -> bool {
        match self {
            Self::Lines(lines) => lines.close(),
            Self::Table(records) => records.close(),
            Self::Documents(documents) => documents.close(),
        }
    }

    fn mark(&self) -> Mark {
        match self {
            Self::Lines(lines) => lines.mark(),
            Self::Table(records) => records.mark(),
            Self::Documents(documents) => documents.mark(),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Self::Lines(lines) => lines.number(),
            Self::Table(records) => records.number(),
            Self::Documents(documents) => documents.number(),
        }
    }
}

impl Text {
    fn advance(&mut self, input: &mut &[u8]) -> bool {
        let Some(transcoder) = &mut self.transcoder else { return self.records.advance(input) };
        while transcoder.step(input) {
            if pass_on(transcoder, &mut self.records, &mut self.behind) {
                return true;
            }
        }
        false
    }

    fn close(&mut self) -> bool {
        if let Some(transcoder) = &mut self.transcoder {
            while transcoder.finish() {
                if pass_on(transcoder, &mut self.records, &mut self.behind) {
                    return true;
                }
            }
        }
        let is_whole = self.records.close();
        if let Some(transcoder) = &self.transcoder {
            self.behind = transcoder.taken;
        }
        is_whole
    }

    fn mark(&self) -> Mark {
        let mark = self.records.mark();
        if self.transcoder.is_some() { Mark { offset: self.behind, ..mark } } else { mark }
    }
}

/// Passes on what was decoded; whether that ends a record.
fn pass_on(transcoder: &mut Transcoder, records: &mut Records, behind: &mut u64) -> bool {
    let mut text = transcoder.rest();
    let before = text.len();
    let is_whole = records.advance(&mut text);
    let passed = before - text.len();
    transcoder.pass(passed);
    // Records end where steps do.
    if transcoder.rest().is_empty() && records.mark().offset == transcoder.passed {
        *behind = transcoder.taken;
    }
    is_whole
}

impl Reading {
    fn of_text(plan: Plan, place: &Place, options: &ImportOptions) -> Self {
        let mark = place.mark;
        let records = match &plan.form {
            Form::Table(table) => Records::Table(Box::new(CsvRecords::from(
                mark,
                u8::try_from(table.separator).unwrap_or(b','),
            ))),
            Form::Document(way) => {
                Records::Documents(Box::new(Documents::from(mark, way.clone(), place.records > 0)))
            }
            Form::Lines | Form::Workbook(_) => Records::Lines(Lines::from(mark)),
        };
        let transcoder = (plan.encoding() != UTF_8).then(|| Transcoder::new(plan.encoding(), mark.offset));
        Self {
            source: Source::Text(Text { records, transcoder, behind: mark.offset }),
            paths: Paths::new(options.columns.clone()),
            plan,
            held: Vec::new(),
            at: 0,
            records: place.records,
        }
    }

    fn of_workbook(bytes: &[u8], place: &Place, options: &ImportOptions) -> Result<Self, ImportError> {
        let (plan, rows) = match &place.plan {
            Some(plan @ Plan { form: Form::Workbook(sheet), .. }) => {
                (plan.clone(), workbook::rows_again(bytes, sheet)?)
            }
            _ => {
                let (sheet, rows) = workbook::sheet(bytes, &options.columns)?;
                let (form, encoding) = (Form::Workbook(sheet), UTF_8.name().to_owned());
                (Plan { form, encoding, is_ascii: false, dates: options.dates }, rows)
            }
        };
        let mut rows =
            Rows { total: rows.len(), left: rows, row: None, last: place.mark.line, bytes: bytes.len() };
        if place.plan.is_some() {
            rows.left.retain(|row| row.number > place.mark.line);
        }
        Ok(Self {
            plan,
            paths: Paths::default(),
            source: Source::Sheet(rows),
            held: Vec::new(),
            at: 0,
            records: place.records,
        })
    }

    /// Whether another record is whole; `input` is taken from, once the file's beginning is read.
    fn advance(&mut self, input: &mut &[u8]) -> bool {
        let Source::Text(text) = &mut self.source else { return false };
        if !self.held.is_empty() {
            let mut held = self.held.get(self.at..).unwrap_or_default();
            let before = held.len();
            let is_whole = text.advance(&mut held);
            self.at += before - held.len();
            if is_whole {
                return true;
            }
            self.held = Vec::new();
        }
        text.advance(input)
    }

    /// Whether the end of the file ends another record.
    fn close(&mut self) -> bool {
        match &mut self.source {
            Source::Text(text) => text.close(),
            Source::Sheet(rows) => {
                rows.row = rows.left.pop_front();
                rows.last = rows.row.as_ref().map_or(rows.last, |row| row.number);
                rows.row.is_some()
            }
        }
    }

    fn mark(&self) -> Mark {
        match &self.source {
            Source::Text(text) => text.mark(),
            Source::Sheet(rows) => {
                // As if all rows had the same length.
                let left = (rows.bytes as u64 * rows.left.len() as u64) / (rows.total as u64).max(1);
                let offset = rows.bytes as u64 - left;
                Mark { offset, line: rows.last, after_return: false }
            }
        }
    }

    /// The fields of the whole record; nothing when it is blank, or before the header's end.
    fn fields(&mut self, tally: &mut Tally) -> Option<Result<Fields, String>> {
        if let Some(object) = self.object() {
            self.records += 1;
            return Some(object.map(|object| fields_of(object, &mut self.paths, tally)));
        }
        match &mut self.source {
            Source::Sheet(rows) => {
                let row = rows.row.take()?;
                self.records += 1;
                let mut fields = Fields::default();
                for (column, cell) in self.plan.columns().iter().zip(row.cells) {
                    if let Some(slot) = column.slot {
                        fields.offer(slot, Cell::One(cell));
                    }
                }
                Some(Ok(fields))
            }
            Source::Text(Text { records: Records::Table(record), .. }) if !record.is_blank() => {
                self.records += 1;
                let Form::Table(table) = &self.plan.form else { return None };
                let is_before = self.records <= table.skipped;
                (!is_before).then(|| fields_of_record(record, &table.columns, self.plan.is_ascii))
            }
            Source::Text(_) => None,
        }
    }

    /// A rejection of the record.
    fn rejected(&self, detail: String) -> Rejected {
        match &self.source {
            Source::Sheet(rows) => Rejected { line: rows.last, detail },
            Source::Text(Text { records: records @ Records::Documents(_), .. }) => {
                // Documents may have all articles on one line.
                Rejected { line: records.number(), detail: format!("Article {}: {detail}", self.records) }
            }
            Source::Text(text) => Rejected { line: text.records.number(), detail },
        }
    }

    /// What the dates of a sheet show.
    fn dates_of_rows(&self) -> Dates {
        let mut dates = Dates::default();
        let Source::Sheet(rows) = &self.source else { return dates };
        for row in &rows.left {
            let mut fields = Fields::default();
            for (column, cell) in self.plan.columns().iter().zip(&row.cells) {
                if let Some(slot @ (Field::PublishedAt, _)) = column.slot {
                    fields.offer(slot, Cell::One(cell.clone()));
                }
            }
            dates.look_at(&fields.date());
        }
        dates
    }

    /// The object of the whole record, in JSON; nothing when the line is blank.
    fn object(&self) -> Option<Result<Map<String, Value>, String>> {
        let Source::Text(text) = &self.source else { return None };
        match &text.records {
            Records::Lines(lines) if lines.line().is_some_and(|line| line.trim_ascii().is_empty()) => None,
            Records::Lines(lines) => {
                let line = lines.line().ok_or_else(|| LINE_TOO_LONG.to_owned());
                Some(line.and_then(|line| object_of_line(line, self.plan.is_ascii)))
            }
            Records::Documents(documents) => {
                let bytes = documents.bytes().ok_or_else(|| ARTICLE_TOO_LONG.to_owned());
                Some(bytes.and_then(object_of_document))
            }
            Records::Table(_) => None,
        }
    }
}

const LINE_TOO_LONG: &str = "The line is longer than 200 KB. Shorten the article's text.";
const ARTICLE_TOO_LONG: &str = "It is longer than 1 MB. Shorten its text.";
const NOT_UTF8: &str = "The line is not UTF-8 text. Save the file as UTF-8 and import the line again.";

/// The text of some bytes. In a file that began with nothing but ASCII, what is not UTF-8 is what Windows writes.
fn decoded(bytes: &[u8], may_be_windows: bool) -> Result<std::borrow::Cow<'_, str>, String> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(_) if may_be_windows => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        Err(_) => Err(NOT_UTF8.to_owned()),
    }
}

fn object_of_line(line: &[u8], may_be_windows: bool) -> Result<Map<String, Value>, String> {
    let line = decoded(line, may_be_windows)?;
    let value: Value = serde_json::from_str(&line).map_err(|error| {
        format!(
            "The line is not valid JSON, at column {}. Each line must be one whole JSON object.",
            error.column()
        )
    })?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(r#"The line must be a JSON object, such as {"title": …, "url": …, "summary": …}."#.into()),
    }
}

fn object_of_document(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => {
            "The file ends in its middle. Export the file again, and import it.".to_owned()
        }
        _ => "It is not valid JSON. Correct it and import the file again.".to_owned(),
    })
}

fn fields_of(object: Map<String, Value>, paths: &mut Paths, tally: &mut Tally) -> Fields {
    let mut fields = Fields::default();
    json::each_field(object, &mut |path, cell| match paths.slot(path) {
        Some(slot) => fields.offer(slot, cell),
        None if cell.is_blank() => {}
        None => tally.pass_over(path),
    });
    fields
}

fn fields_of_record(record: &CsvRecords, columns: &[Column], may_be_windows: bool) -> Result<Fields, String> {
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
    // Spreadsheets leave out, or add, columns at the end that have nothing in them.
    let has_more = || {
        record.fields().is_some_and(|mut values| {
            values.by_ref().take(columns.len()).for_each(drop);
            values.any(|value| !value.trim_ascii().is_empty())
        })
    };
    if record.count() > columns.len() && has_more() {
        return Err(format!(
            "The record has {} fields where the header names {} columns.{hint}",
            record.count(),
            columns.len()
        ));
    }
    let mut fields = Fields::default();
    for (column, value) in columns.iter().zip(values) {
        if let Some(slot) = column.slot {
            fields.offer(slot, Cell::One(decoded(value, may_be_windows)?.into_owned()));
        }
    }
    Ok(fields)
}

/// Names as a sentence can list them.
fn listed(names: &[String]) -> String {
    const SHOWN_MAX: usize = 15;
    let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|name| quoted(name)).collect();
    let more = if names.len() > SHOWN_MAX { " and more" } else { "" };
    if shown.is_empty() { "without names".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}

/// A name from the file as a sentence can show it.
fn quoted(name: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let shown: String = name.chars().take(SHOWN_MAX).collect();
    let more = if name.chars().count() > SHOWN_MAX { "…" } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

/// "50,000".
fn grouped(number: u64) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}

#[cfg(test)]
mod tests;
