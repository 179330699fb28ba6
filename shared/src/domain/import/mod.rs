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
mod reading;
mod workbook;

use encoding_rs::UTF_8;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::columns::{Choices, Field};
pub use self::preview::{Preview, PreviewColumn, preview};

use self::fields::{Tally, Terms};
use self::plan::{Form, Plan};
use self::reading::{Reading, dates_of, pass_over_columns};
use super::article::Article;
use super::dates::DateOrder;
use super::records::Mark;
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
            let Stage::Reading(reading) = &mut self.stage else {
                return Ok(None);
            };
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
            if let (Some(order), None, true) =
                (plan.dates, self.options.dates, self.tally.has_decided_dates())
            {
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
        let Stage::Head(head) = &mut self.stage else {
            return Ok(());
        };
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
        let Stage::Reading(reading) = &mut self.stage else {
            return None;
        };
        let fields = reading.fields(&mut self.tally)?;
        let terms = Terms { now: self.now, dates: reading.plan.dates };
        let article = fields.and_then(|fields| fields.into_article(terms, &mut self.tally));
        Some(article.map_err(|detail| reading.rejected(detail)))
    }
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
