//! What a file would be read as: for a person to look at before it is imported.

use schemars::JsonSchema;
use serde::Serialize;

use super::columns::{Field, Paths};
use super::fields::Cell;
use super::plan::{self, Form, Plan};
use super::reading::{Dates, Reading, Source, dates_of};
use super::{HEAD, ImportError, ImportFormat, ImportOptions, Place, encoding, json};
use crate::domain::dates::DateOrder;

/// Rows that are shown.
const ROWS: usize = 4;
/// Records of JSON whose fields are shown as columns.
const RECORDS: usize = 20;
/// Columns that are shown.
const COLUMNS: usize = 60;
/// Fields of JSON that are looked at for them.
const COLUMNS_READ: usize = 1_000;
/// Characters of a cell that are shown.
const CELL_MAX: usize = 160;

/// How a file would be read, as its beginning shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Preview {
    /// How the articles are written down.
    pub format: ImportFormat,
    /// The encoding of the text, such as `UTF-8` or `windows-1252`.
    pub encoding: String,
    /// What parts the columns of a table.
    pub separator: Option<String>,
    /// Records above the row that names the columns, which are passed over.
    pub above: u64,
    /// The columns of a table, or the fields of the JSON objects.
    pub columns: Vec<PreviewColumn>,
    /// The first rows, a cell for each column, shortened.
    pub rows: Vec<Vec<String>>,
    /// What each article needs and no column is taken for.
    pub missing: Vec<Field>,
    /// Which of day and month is first in dates such as `03/04/2026`: as said, or as other dates of the file show.
    pub dates: Option<DateOrder>,
    /// A date of the file that could be two, which `dates` has to decide.
    pub ambiguous_date: Option<String>,
}

/// A column and what it is taken for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PreviewColumn {
    /// Its name; in JSON with dots, as in `source.name`.
    pub name: String,
    /// The field of an article that it is taken for. Of several for one field the first counts that has a value.
    pub taken_as: Option<Field>,
}

/// How a file would be read. A text of [`HEAD`] bytes or more is taken for the beginning of one.
///
/// # Errors
/// When it is no file of articles; see [`ImportError`]. Columns that lack are no error here.
pub fn preview(file: &[u8], options: &ImportOptions) -> Result<Preview, ImportError> {
    if plan::is_workbook(file) {
        let reading = Reading::of_workbook(file, &Place::default(), options)?;
        let dates = reading.dates_of_rows();
        let Source::Sheet(rows) = &reading.source else {
            return Err(ImportError::BadWorkbook);
        };
        let rows = rows.left.iter().take(ROWS).map(|row| row.cells.clone()).collect();
        return Ok(finished(&reading.plan, table_columns(&reading.plan), rows, &dates, options));
    }
    let is_whole = file.len() < HEAD;
    let head = file.get(..HEAD).unwrap_or(file);
    let plan = Plan::of(head, is_whole, options)?;
    let dates = dates_of(&plan, head, is_whole, options);
    let (columns, rows) = match &plan.form {
        Form::Table(table) => {
            let text = encoding::text(head, plan.encoding());
            let rows = plan::records(&text, is_whole, table.separator).into_iter();
            let rows = rows.filter(|(number, _)| *number > table.skipped).take(ROWS).map(|(_, cells)| cells);
            (table_columns(&plan), rows.collect())
        }
        _ => json_columns(&plan, head, is_whole, options),
    };
    Ok(finished(&plan, columns, rows, &dates, options))
}

fn table_columns(plan: &Plan) -> Vec<PreviewColumn> {
    let column = |column: &plan::Column| PreviewColumn {
        name: column.name.clone(),
        taken_as: column.slot.map(|(field, _)| field),
    };
    plan.columns().iter().map(column).collect()
}

/// The fields of the first objects; those that are taken for something first.
fn json_columns(
    plan: &Plan,
    mut head: &[u8],
    is_whole: bool,
    options: &ImportOptions,
) -> (Vec<PreviewColumn>, Vec<Vec<String>>) {
    let mut reading = Reading::of_text(plan.clone(), &Place::default(), options);
    let mut paths = Paths::new(options.columns.clone());
    let (mut columns, mut rows, mut records) = (Vec::<PreviewColumn>::new(), Vec::new(), 0);
    while records < RECORDS && (reading.advance(&mut head) || (is_whole && reading.close())) {
        let Some(Ok(object)) = reading.object() else {
            continue;
        };
        records += 1;
        let mut row: Vec<String> = Vec::new();
        json::each_field(object, &mut |path, cell: Cell| {
            let at = columns.iter().position(|column| column.name == path).unwrap_or(columns.len());
            if at == COLUMNS_READ || (at == columns.len() && cell.is_blank()) {
                return;
            }
            if at == columns.len() {
                let taken_as = paths.slot(path).map(|(field, _)| field);
                columns.push(PreviewColumn { name: path.to_owned(), taken_as });
            }
            if row.len() <= at {
                row.resize(at + 1, String::new());
            }
            if let Some(slot) = row.get_mut(at) {
                *slot = cell.joined(", ");
            }
        });
        if rows.len() < ROWS {
            rows.push(row);
        }
    }
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|at| {
        columns.get(*at).and_then(|column| column.taken_as).map_or(usize::MAX, |field| field as usize)
    });
    let columns = order.iter().filter_map(|at| columns.get(*at).cloned()).collect();
    let ordered =
        |row: Vec<String>| order.iter().map(|at| row.get(*at).cloned().unwrap_or_default()).collect();
    (columns, rows.into_iter().map(ordered).collect())
}

/// Which columns are shown: those that are taken for something, and others as far as there is room.
fn shown(columns: &[PreviewColumn]) -> Vec<bool> {
    let taken = columns.iter().filter(|column| column.taken_as.is_some()).count();
    let mut room = COLUMNS.saturating_sub(taken);
    let is_shown = |column: &PreviewColumn| {
        let is_other = column.taken_as.is_none();
        let has_room = room > 0;
        room = room.saturating_sub(usize::from(is_other));
        !is_other || has_room
    };
    columns.iter().map(is_shown).collect()
}

fn finished(
    plan: &Plan,
    mut columns: Vec<PreviewColumn>,
    mut rows: Vec<Vec<String>>,
    dates: &Dates,
    options: &ImportOptions,
) -> Preview {
    let has = |field: &Field| columns.iter().any(|column| column.taken_as == Some(*field));
    // Where nothing can be looked at, nothing can be said to lack.
    let missing = match columns.is_empty() {
        true => Vec::new(),
        false => [Field::Title, Field::Url].into_iter().filter(|field| !has(field)).collect(),
    };
    let shown = shown(&columns);
    let mut kept = shown.iter();
    columns.retain(|_| kept.next().copied().unwrap_or(false));
    for row in &mut rows {
        row.resize(shown.len(), String::new());
        let mut kept = shown.iter();
        row.retain(|_| kept.next().copied().unwrap_or(false));
        for cell in row {
            let words = cell.split_whitespace().collect::<Vec<_>>().join(" ");
            *cell = crate::domain::clean::shorten(&words, CELL_MAX);
        }
    }
    let order = options.dates.or(dates.order());
    Preview {
        format: plan.format(),
        encoding: plan.encoding.clone(),
        separator: match &plan.form {
            Form::Table(table) => Some(table.separator.to_string()),
            _ => None,
        },
        above: match &plan.form {
            Form::Table(table) => table.skipped.saturating_sub(1),
            Form::Workbook(sheet) => sheet.skipped.saturating_sub(1),
            _ => 0,
        },
        missing,
        columns,
        rows,
        dates: order,
        ambiguous_date: dates.ambiguous.clone(),
    }
}
