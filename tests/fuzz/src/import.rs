//! Files of articles: JSON Lines and CSV.

use shared::domain::import::{ImportError, ImportFormat, Line, Place, Reader};

use crate::{assert_article, now, pieces, with_choice};

/// The input's first byte chooses the format and the record after which reading
/// stops and goes on, its second one the size of the pieces that the file comes in.
///
/// However the file is cut and wherever reading goes on, it says the same; an
/// article keeps to its limits; a line that makes none is told by its number.
pub fn take(data: &[u8]) {
    let (choice, rest) = with_choice(data);
    let (size, file) = with_choice(rest);
    let format = if choice % 2 == 0 { ImportFormat::Csv } else { ImportFormat::JsonLines };

    let whole = read(Reader::new(format, now()), file, 0);
    assert_eq!(read(Reader::new(format, now()), file, size), whole, "in pieces of {size}");
    match &whole {
        Ok(lines) => {
            assert_lines(format, file, lines);
            lines.iter().flatten().for_each(assert_article);
        }
        Err(error) => assert!(error.to_string().len() < 2_000 && error.to_string().ends_with('.')),
    }
    let stop = usize::from(choice >> 1);
    if let Ok(lines) = whole
        && stop < lines.len()
    {
        let place = place_after(format, file, stop);
        let rest = &file[usize::try_from(place.mark.offset).unwrap()..];
        let again = read(Reader::resume(format, &place, now()), rest, size);
        assert_eq!(again.as_deref(), Ok(&lines[stop..]), "from record {stop} on");
    }
}

fn read(mut reader: Reader, file: &[u8], size: u8) -> Result<Vec<Line>, ImportError> {
    let mut lines = Vec::new();
    for mut piece in pieces(file, size) {
        while let Some(line) = reader.read(&mut piece)? {
            lines.push(line);
        }
    }
    lines.extend(reader.close()?);
    Ok(lines)
}

/// Where reading is after so many records, as a store keeps it.
fn place_after(format: ImportFormat, file: &[u8], records: usize) -> Place {
    let (mut reader, mut rest) = (Reader::new(format, now()), file);
    for _ in 0..records {
        reader.read(&mut rest).unwrap();
    }
    serde_json::from_str(&serde_json::to_string(&reader.place()).unwrap()).unwrap()
}

fn assert_lines(format: ImportFormat, file: &[u8], lines: &[Line]) {
    let mark = [0xef, 0xbb, 0xbf];
    let file = &file[file.iter().zip(mark).take_while(|(byte, mark)| *byte == mark).count()..];
    for rejected in lines.iter().filter_map(|line| line.as_ref().err()) {
        assert!(rejected.detail.len() < 1_000 && rejected.detail.ends_with('.'), "{rejected:?}");
    }
    let rejected = lines.iter().map(|line| line.as_ref().err().map(|rejected| rejected.line));
    match format {
        ImportFormat::JsonLines => {
            let written = (1..).zip(file.split(|byte| *byte == b'\n'));
            let written: Vec<u64> =
                written.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(number, _)| number).collect();
            assert_eq!(written.len(), lines.len());
            for (number, rejected) in written.into_iter().zip(rejected) {
                assert!(rejected.is_none_or(|rejected| rejected == number), "{rejected:?}, not {number}");
            }
        }
        // Where a record begins is known best by its parser, but not on a blank line.
        ImportFormat::Csv => {
            let mut last = 1;
            let file = String::from_utf8_lossy(file).replace("\r\n", "\n").replace('\r', "\n");
            let written: Vec<&str> = file.split('\n').collect();
            for number in rejected.flatten() {
                assert!(number > last, "{number} after {last}");
                let line = usize::try_from(number - 1).ok().and_then(|at| written.get(at));
                assert!(line.is_some_and(|line| !line.is_empty()), "line {number} is {line:?}");
                last = number;
            }
        }
    }
}
