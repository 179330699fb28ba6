//! Files of articles, of every kind.

use shared::domain::import::{
    Choices, ImportError, ImportFormat, ImportOptions, Line, Place, Reader, preview,
};

use crate::{assert_article, now, pieces, with_choice};

/// The input's first byte chooses the format that is said and the record after which reading
/// stops and goes on, its second one the size of the pieces that the file comes in.
///
/// However the file is cut and wherever reading goes on, it says the same; an
/// article keeps to its limits; a line that makes none is told by its number.
pub fn take(data: &[u8]) {
    let (choice, rest) = with_choice(data);
    let (size, file) = with_choice(rest);
    let format = if choice % 2 == 0 { ImportFormat::Csv } else { ImportFormat::JsonLines };
    let options = || ImportOptions { format: Some(format), ..ImportOptions::default() };

    let whole = read(Reader::new(options(), now()), file, 0);
    assert_eq!(read(Reader::new(options(), now()), file, size), whole, "in pieces of {size}");
    match &whole {
        Ok((lines, notes)) => {
            assert_lines(file, lines);
            lines.iter().flatten().for_each(assert_article);
            assert!(notes.iter().all(|note| note.len() < 4_000 && note.ends_with('.')), "{notes:?}");
        }
        Err(error) => assert!(error.to_string().len() < 10_000 && error.to_string().ends_with('.')),
    }
    // What can be imported can be looked at before.
    let seen = preview(file, &options());
    assert!(seen.is_ok() || whole.is_err(), "{seen:?}");
    let _ = Choices::parse(&String::from_utf8_lossy(file));
    let stop = usize::from(choice >> 1);
    if let Ok((lines, notes)) = whole
        && stop < lines.len()
    {
        let place = place_after(options(), file, stop);
        let rest = &file[usize::try_from(place.offset()).unwrap()..];
        let (again, notes_again) = read(Reader::resume(options(), &place, now()), rest, size).unwrap();
        assert_eq!((&again[..], notes_again), (&lines[stop..], notes), "from record {stop} on");
    }
}

fn read(mut reader: Reader, file: &[u8], size: u8) -> Result<(Vec<Line>, Vec<String>), ImportError> {
    let mut lines = Vec::new();
    for mut piece in pieces(file, size) {
        while let Some(line) = reader.read(&mut piece)? {
            lines.push(line);
        }
    }
    while let Some(line) = reader.close()? {
        lines.push(line);
    }
    Ok((lines, reader.notes()))
}

/// Where reading is after so many records, as a store keeps it.
fn place_after(options: ImportOptions, file: &[u8], records: usize) -> Place {
    let (mut reader, mut rest) = (Reader::new(options, now()), file);
    for _ in 0..records {
        if reader.read(&mut rest).unwrap().is_none() {
            reader.close().unwrap();
        }
    }
    serde_json::from_str(&serde_json::to_string(&reader.place()).unwrap()).unwrap()
}

fn assert_lines(file: &[u8], lines: &[Line]) {
    let ends = |end: u8| file.iter().filter(|byte| **byte == end).count() as u64;
    // A workbook's rows are not its bytes' lines.
    let most = if file.starts_with(b"PK") { u64::MAX } else { 1 + ends(b'\n') + ends(b'\r') };
    let mut last = 1;
    for rejected in lines.iter().filter_map(|line| line.as_ref().err()) {
        assert!(rejected.detail.len() < 1_000 && rejected.detail.ends_with('.'), "{rejected:?}");
        assert!((last..=most).contains(&rejected.line), "{rejected:?} after {last}");
        last = rejected.line;
    }
}
