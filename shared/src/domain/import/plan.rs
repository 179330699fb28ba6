//! How a file is to be read, found out from how it begins.

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::{Choices, Field, Paths, Slot};
use super::json::{self, Step};
use super::{ImportError, ImportFormat, ImportOptions, encoding};
use crate::domain::dates::DateOrder;
use crate::domain::records::{CsvRecords, Mark};

/// How a file is to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// What its records are.
    pub form: Form,
    /// The name of its encoding (WHATWG).
    pub encoding: String,
    /// Whether its beginning fits UTF-8 and the encodings before it alike.
    #[serde(default)]
    pub is_ascii: bool,
    /// Which of day and month is first in its dates, where that is known.
    #[serde(default)]
    pub dates: Option<DateOrder>,
}

/// What a file's records are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// A JSON object on each line.
    Lines,
    /// The objects at the end of a way through one JSON document, or several.
    Document(Vec<Step>),
    /// Records with a separator.
    Table(Table),
    /// The rows of a sheet.
    Workbook(Sheet),
}

/// A table as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// What parts the fields of a record: a character of ASCII.
    pub separator: char,
    /// Records up to the header, this included, that are not blank.
    pub skipped: u64,
    /// The columns.
    pub columns: Vec<Column>,
}

/// A sheet of a workbook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sheet {
    /// Its name.
    pub name: String,
    /// The number of the row that names the columns.
    pub skipped: u64,
    /// The columns.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// What it is taken for.
    pub slot: Option<Slot>,
}

impl Plan {
    /// How the file that begins with `head` is to be read; what a table's header lacks is not looked at.
    pub fn of(head: &[u8], is_whole: bool, options: &ImportOptions) -> Result<Self, ImportError> {
        refuse_other_kinds(head)?;
        let encoding = encoding::of(head);
        let text = encoding::text(head, encoding);
        let control = |c: &char| c.is_control() && !c.is_whitespace();
        if text.chars().filter(control).count() > 8 + text.len() / 20 {
            return Err(ImportError::NotText);
        }
        let form = form(&text, is_whole, options)?;
        Ok(Self {
            form,
            encoding: encoding.name().to_owned(),
            is_ascii: head.is_ascii(),
            dates: options.dates,
        })
    }

    /// A plan for what was begun before plans were kept.
    pub fn of_before(format: Option<ImportFormat>, columns: &[String]) -> Self {
        let column = |name: &String| Column { name: name.clone(), slot: Choices::default().column(name) };
        let form = match format {
            Some(ImportFormat::Csv) => {
                let columns = columns.iter().map(column).collect();
                Form::Table(Table { separator: ',', skipped: 0, columns })
            }
            _ => Form::Lines,
        };
        Self { form, encoding: encoding_rs::UTF_8.name().to_owned(), is_ascii: false, dates: None }
    }

    /// Its encoding.
    pub fn encoding(&self) -> &'static Encoding {
        Encoding::for_label(self.encoding.as_bytes()).unwrap_or(encoding_rs::UTF_8)
    }

    /// The columns of a table.
    pub fn columns(&self) -> &[Column] {
        match &self.form {
            Form::Table(table) => &table.columns,
            Form::Workbook(sheet) => &sheet.columns,
            _ => &[],
        }
    }

    /// The format, in its common name.
    pub fn format(&self) -> ImportFormat {
        match self.form {
            Form::Lines => ImportFormat::JsonLines,
            Form::Document(_) => ImportFormat::Json,
            Form::Table(_) => ImportFormat::Csv,
            Form::Workbook(_) => ImportFormat::Xlsx,
        }
    }

    /// Refuses a table that lacks what each article needs, or a column that is spoken of.
    pub fn check(&self, options: &ImportOptions) -> Result<(), ImportError> {
        let columns = self.columns();
        if !matches!(self.form, Form::Table(_) | Form::Workbook(_)) {
            return Ok(());
        }
        let names =
            || columns.iter().map(|column| column.name.clone()).filter(|name| !name.is_empty()).collect();
        let is_here = |name: &str| columns.iter().any(|column| Choices::is_same(name, &column.name));
        if let Some(absent) = options.columns.names().find(|name| !is_here(name)) {
            return Err(ImportError::NoSuchColumn { name: absent.to_owned(), columns: names() });
        }
        let has =
            |field: Field| columns.iter().any(|column| column.slot.is_some_and(|(one, _)| one == field));
        for field in [Field::Title, Field::Url] {
            if !has(field) {
                return Err(ImportError::MissingColumn { field, columns: names() });
            }
        }
        Ok(())
    }
}

/// Refuses by its first bytes what is no file of articles.
fn refuse_other_kinds(head: &[u8]) -> Result<(), ImportError> {
    const OLD_WORKBOOK: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    const PDF: &[u8] = b"%PDF";
    const GZIP: &[u8] = b"\x1f\x8b";
    if head.starts_with(OLD_WORKBOOK) {
        Err(ImportError::OldWorkbook)
    } else if head.starts_with(PDF) || head.starts_with(GZIP) {
        Err(ImportError::NotText)
    } else {
        Ok(())
    }
}

/// Whether a file that begins so is an archive, as a workbook is.
pub(super) fn is_workbook(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
}

fn form(text: &str, is_whole: bool, options: &ImportOptions) -> Result<Form, ImportError> {
    let mut paths = Paths::new(options.columns.clone());
    let expects_json = matches!(options.format, Some(ImportFormat::JsonLines | ImportFormat::Json));
    match text.trim_start().chars().next() {
        None if expects_json => Ok(Form::Lines),
        None => Err(ImportError::Empty),
        Some('<') => Err(ImportError::Markup),
        Some('[') => {
            let way = json::way(text, is_whole, &mut paths);
            Ok(Form::Document(way.map_or_else(|| vec![Step::Elements], |(way, _)| way)))
        }
        Some('{') => Ok(objects(text, is_whole, &mut paths)),
        Some(_) => match table(text, is_whole, &options.columns) {
            Ok((header, table)) if header.is_sure() => Ok(Form::Table(table)),
            _ if expects_json || has_objects(text) => Ok(Form::Lines),
            table => Ok(Form::Table(table?.1)),
        },
    }
}

/// Lines that are looked at for what a file is.
const LINES_LOOKED_AT: usize = 50;

fn object(line: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(line).ok().filter(|object: &Map<String, Value>| !object.is_empty())
}

fn has_objects(text: &str) -> bool {
    text.lines()
        .take(LINES_LOOKED_AT)
        .any(|line| line.trim_start().starts_with('{') && object(line).is_some())
}

/// What begins with an object: an article on each line, or a document that has them somewhere.
fn objects(text: &str, is_whole: bool, paths: &mut Paths) -> Form {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if object(first).is_some_and(|object| json::is_article(&object, paths)) {
        return Form::Lines;
    }
    let is_line = object(first).is_some();
    let way = json::way(if is_line { first } else { text }, is_whole || is_line, paths);
    match way {
        // A page of results; on a line of its own, there may be more of them.
        Some((way, 1..)) if matches!(way.last(), Some(Step::Elements | Step::Members)) => Form::Document(way),
        _ if is_line || has_objects(text) => Form::Lines,
        way => Form::Document(way.map(|(way, _)| way).unwrap_or_default()),
    }
}

/// The separators that are tried, in this order.
const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

fn table(text: &str, is_whole: bool, choices: &Choices) -> Result<(Header, Table), ImportError> {
    let named = separator_named(text);
    let separators = named.map_or_else(|| SEPARATORS.to_vec(), |separator| vec![separator]);
    let mut best: Option<(Header, char)> = None;
    for separator in separators {
        let mut rows = records(text, is_whole, separator);
        // The line that names the separator is no header.
        if named.is_some()
            && let Some((_, first)) = rows.first_mut()
        {
            first.clear();
        }
        if let Some(header) = Header::find(&rows, choices)
            && best.as_ref().is_none_or(|(best, _)| header.rank() > best.rank())
        {
            best = Some((header, separator));
        }
    }
    let (header, separator) = best.ok_or(ImportError::HeaderTooLong)?;
    let table = Table { separator, skipped: header.at, columns: header.columns.clone() };
    Ok((header, table))
}

/// The separator that a first line such as `sep=;` names.
fn separator_named(text: &str) -> Option<char> {
    let line = text.lines().next()?.trim_matches(|c| matches!(c, '"' | ' ' | '\r'));
    let named = line.get(..4).filter(|name| name.eq_ignore_ascii_case("sep=")).and_then(|_| line.get(4..))?;
    let mut named = named.chars();
    let separator = named.next().filter(char::is_ascii)?;
    named.next().is_none().then_some(separator)
}

/// The first records that are not blank, each with its number among these.
pub(super) fn records(text: &str, is_whole: bool, separator: char) -> Vec<(u64, Vec<String>)> {
    let mut parser = CsvRecords::from(Mark::default(), separator as u8);
    let mut rows = Vec::new();
    let mut input = text.as_bytes();
    while rows.len() < Header::LOOKED_AT && (parser.advance(&mut input) || (is_whole && parser.close())) {
        if parser.is_blank() {
            continue;
        }
        let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
        let fields = parser.fields().map(|fields| fields.map(text).collect()).unwrap_or_default();
        rows.push((rows.len() as u64 + 1, fields));
    }
    rows
}

/// The row that names the columns.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Its number.
    pub at: u64,
    /// The columns.
    pub columns: Vec<Column>,
    has_needed: bool,
    known: usize,
    cells: usize,
}

impl Header {
    /// Rows that are looked at: some files begin with a title or a date of their own.
    pub const LOOKED_AT: usize = 30;

    /// The row that names the most fields; without any, the first one that has several cells.
    pub fn find(rows: &[(u64, Vec<String>)], choices: &Choices) -> Option<Self> {
        let mut best: Option<Self> = None;
        for (number, cells) in rows {
            let header = Self::of(*number, cells, choices);
            if header.cells > 0 && best.as_ref().is_none_or(|best| header.is_better(best)) {
                best = Some(header);
            }
        }
        best
    }

    fn of(at: u64, cells: &[String], choices: &Choices) -> Self {
        const NAME_MAX: usize = 200;
        let column = |name: &String| {
            let name = crate::domain::text::prefix(name.trim(), NAME_MAX).to_owned();
            Column { slot: choices.column(&name), name }
        };
        let mut columns: Vec<Column> = cells.iter().map(column).collect();
        while columns.last().is_some_and(|column| column.name.is_empty()) {
            columns.pop();
        }
        let has = |field| columns.iter().any(|column| column.slot.is_some_and(|(one, _)| one == field));
        let spoken = columns.iter().filter(|column| choices.speaks_of(&column.name)).count();
        Self {
            at,
            has_needed: has(Field::Title) && has(Field::Url),
            known: Field::ALL.into_iter().filter(|field| has(*field)).count() + spoken,
            cells: columns.iter().filter(|column| !column.name.is_empty()).count(),
            columns,
        }
    }

    fn is_better(&self, other: &Self) -> bool {
        let names_more = (self.has_needed, self.known) > (other.has_needed, other.known);
        names_more || (other.known == 0 && self.known == 0 && other.cells == 1 && self.cells > 1)
    }

    /// Whether it names what each article needs.
    fn is_sure(&self) -> bool {
        self.has_needed
    }

    /// How well it names columns, to be compared.
    pub fn rank(&self) -> (bool, usize, usize) {
        (self.has_needed, self.known, self.cells)
    }
}
