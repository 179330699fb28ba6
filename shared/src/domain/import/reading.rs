//! A file whose plan is known: its records, one after the other, and their fields.

use std::collections::VecDeque;
use std::str;

use encoding_rs::{UTF_8, WINDOWS_1252};
use serde_json::{Map, Value};

use super::columns::{Field, Paths};
use super::encoding::Transcoder;
use super::fields::{Cell, Fields, Tally};
use super::json::{self, Documents};
use super::plan::{Column, Form, Plan};
use super::workbook::{self, Row};
use super::{ImportError, ImportOptions, Place, Rejected};
use crate::domain::dates::{self, DateOrder};
use crate::domain::records::{CsvRecords, Lines, Mark};

/// Notes the columns that are taken for nothing.
pub(super) fn pass_over_columns(plan: &Plan, tally: &mut Tally) {
    for column in plan.columns().iter().filter(|column| column.slot.is_none()) {
        tally.pass_over(&column.name);
    }
}

/// What the dates of a file's beginning show of their order.
#[derive(Debug, Default)]
pub(super) struct Dates {
    shows: Option<DateOrder>,
    differ: bool,
    /// One that could be two dates.
    pub ambiguous: Option<String>,
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
    pub fn order(&self) -> Option<DateOrder> {
        self.shows.filter(|_| !self.differ)
    }
}

/// What the dates of a file's beginning show.
pub(super) fn dates_of(plan: &Plan, mut head: &[u8], is_whole: bool, options: &ImportOptions) -> Dates {
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
pub(super) struct Reading {
    /// How it is read.
    pub plan: Plan,
    paths: Paths,
    /// Where its records come from.
    pub source: Source,
    /// The file's beginning, which is read before what comes.
    pub held: Vec<u8>,
    /// How much of it was read.
    at: usize,
    /// Records that were read and are not blank.
    pub records: u64,
}

/// Where its records come from.
pub(super) enum Source {
    /// From text.
    Text(Text),
    /// From a sheet.
    Sheet(Rows),
}

/// Records that are text, in the file's own bytes where these are UTF-8.
pub(super) struct Text {
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
pub(super) struct Rows {
    /// The rows that are still to be read.
    pub left: VecDeque<Row>,
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
        let Some(transcoder) = &mut self.transcoder else {
            return self.records.advance(input);
        };
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
    // Records end where steps do. A step that gave nothing may have taken a part of the next character.
    if before > 0 && transcoder.rest().is_empty() && records.mark().offset == transcoder.passed {
        *behind = transcoder.taken;
    }
    is_whole
}

impl Reading {
    pub fn of_text(plan: Plan, place: &Place, options: &ImportOptions) -> Self {
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

    pub fn of_workbook(bytes: &[u8], place: &Place, options: &ImportOptions) -> Result<Self, ImportError> {
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
    pub fn advance(&mut self, input: &mut &[u8]) -> bool {
        let Source::Text(text) = &mut self.source else {
            return false;
        };
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
    pub fn close(&mut self) -> bool {
        match &mut self.source {
            Source::Text(text) => text.close(),
            Source::Sheet(rows) => {
                rows.row = rows.left.pop_front();
                rows.last = rows.row.as_ref().map_or(rows.last, |row| row.number);
                rows.row.is_some()
            }
        }
    }

    pub fn mark(&self) -> Mark {
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
    pub fn fields(&mut self, tally: &mut Tally) -> Option<Result<Fields, String>> {
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
                let Form::Table(table) = &self.plan.form else {
                    return None;
                };
                let is_before = self.records <= table.skipped;
                (!is_before).then(|| fields_of_record(record, &table.columns, self.plan.is_ascii))
            }
            Source::Text(_) => None,
        }
    }

    /// A rejection of the record.
    pub fn rejected(&self, detail: String) -> Rejected {
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
    pub fn dates_of_rows(&self) -> Dates {
        let mut dates = Dates::default();
        let Source::Sheet(rows) = &self.source else {
            return dates;
        };
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
    pub fn object(&self) -> Option<Result<Map<String, Value>, String>> {
        let Source::Text(text) = &self.source else {
            return None;
        };
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
