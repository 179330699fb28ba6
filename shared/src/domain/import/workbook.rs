//! Workbooks of spreadsheets (`.xlsx`). They are ZIP archives, whose directory is at the end: a workbook is read whole, so
//! it has a limit of size, packed and unpacked.

use std::collections::VecDeque;
use std::io::{Cursor, Read};

use calamine::{Data, DataRef, Reader, Xlsx, XlsxError};
use zip::ZipArchive;

use super::ImportError;
use super::columns::Choices;
use super::plan::{Header, Sheet};

/// The largest workbook, in bytes.
pub(super) const BYTES_MAX: usize = 20_000_000;
/// What a workbook may hold when unpacked, in bytes; and the cells of its sheet, in memory.
const UNPACKED_MAX: u64 = 64_000_000;
/// Memory of a cell beside its text.
const CELL: usize = 32;
/// Columns that are read; no row that a person wrote has more.
const COLUMNS_MAX: usize = 512;
/// Sheets that are looked at for articles.
const SHEETS_MAX: usize = 50;

/// A row that has something in it.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number, from 1.
    pub number: u64,
    /// Its cells, as text.
    pub cells: Vec<String>,
}

/// The sheet that holds the articles.
pub(super) fn sheet(bytes: &[u8], choices: &Choices) -> Result<(Sheet, VecDeque<Row>), ImportError> {
    let mut workbook = open(bytes)?;
    let mut best: Option<(Header, String)> = None;
    for name in workbook.sheet_names().into_iter().take(SHEETS_MAX) {
        // A sheet of charts has no cells.
        let Ok(rows) = rows(&mut workbook, &name, Header::LOOKED_AT) else {
            continue;
        };
        let rows: Vec<(u64, Vec<String>)> = rows.into_iter().map(|row| (row.number, row.cells)).collect();
        if let Some(header) = Header::find(&rows, choices)
            && best.as_ref().is_none_or(|(best, _)| header.rank() > best.rank())
        {
            best = Some((header, name));
        }
    }
    let (header, name) = best.ok_or(ImportError::Empty)?;
    let sheet = Sheet { name, skipped: header.at, columns: header.columns };
    let rows = rows_of(&mut workbook, &sheet)?;
    Ok((sheet, rows))
}

/// The rows of a sheet that was found before.
pub(super) fn rows_again(bytes: &[u8], sheet: &Sheet) -> Result<VecDeque<Row>, ImportError> {
    rows_of(&mut open(bytes)?, sheet)
}

fn rows_of(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &Sheet) -> Result<VecDeque<Row>, ImportError> {
    let mut rows = rows(workbook, &sheet.name, usize::MAX)?;
    rows.retain(|row| row.number > sheet.skipped);
    Ok(rows)
}

/// The workbook, once it is known that it can't take more memory than there is.
fn open(bytes: &[u8]) -> Result<Xlsx<Cursor<&[u8]>>, ImportError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ImportError::BadWorkbook)?;
    let mut left = UNPACKED_MAX;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(|_| ImportError::BadWorkbook)?;
        let mut unpacked = Vec::new();
        // What the directory says of a size may be wrong.
        file.take(left + 1).read_to_end(&mut unpacked).map_err(|_| ImportError::BadWorkbook)?;
        left = left.checked_sub(unpacked.len() as u64).ok_or(ImportError::WorkbookTooLarge)?;
        if counts(&unpacked).any(|count| count > UNPACKED_MAX) {
            return Err(ImportError::BadWorkbook);
        }
    }
    Xlsx::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsxError::Password => ImportError::OldWorkbook,
        _ => ImportError::BadWorkbook,
    })
}

/// How many texts the workbook says that it has: as much memory is asked for.
fn counts(xml: &[u8]) -> impl Iterator<Item = u64> {
    const NAME: &[u8] = b"uniqueCount";
    let found = xml.windows(NAME.len()).enumerate().filter(|(_, window)| *window == NAME);
    found.map(|(at, _)| {
        let digits = xml.get(at + NAME.len()..).unwrap_or_default().iter();
        let digits =
            digits.skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
        digits.fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

/// The first rows of a sheet that have something in them.
fn rows(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str, most: usize) -> Result<VecDeque<Row>, ImportError> {
    let mut cells = workbook.worksheet_cells_reader(name).map_err(|_| ImportError::BadWorkbook)?;
    let mut rows: VecDeque<Row> = VecDeque::new();
    let mut held = 0;
    while let Some(cell) = cells.next_cell().map_err(|_| ImportError::BadWorkbook)? {
        let (row, column) = cell.get_position();
        let text = text(cell.get_value());
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        if text.trim().is_empty() || column >= COLUMNS_MAX {
            continue;
        }
        let number = u64::from(row) + 1;
        if rows.back().is_none_or(|row| row.number != number) {
            if rows.len() == most {
                break;
            }
            rows.push_back(Row { number, cells: Vec::new() });
        }
        if let Some(row) = rows.back_mut() {
            held += text.len() + CELL * (column + 1).saturating_sub(row.cells.len());
            if held as u64 > UNPACKED_MAX {
                return Err(ImportError::WorkbookTooLarge);
            }
            if row.cells.len() <= column {
                row.cells.resize(column + 1, String::new());
            }
            if let Some(slot) = row.cells.get_mut(column) {
                *slot = text;
            }
        }
    }
    Ok(rows)
}

/// What a person reads in a cell; a date in the form of ISO 8601.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::String(text) | DataRef::DateTimeIso(text) => text.clone(),
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
        }
        DataRef::Empty | DataRef::Error(_) => String::new(),
        other => Data::from(other.clone()).to_string(),
    }
}
