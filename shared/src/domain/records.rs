//! A file that comes in pieces, cut into its records: lines of JSON Lines, and
//! records of CSV (RFC 4180, read as leniently as `csv-core` does, with any
//! separator).
//!
//! However the pieces are cut, the records are the same, and no more than one
//! of them is held: one that is too long is passed over without being kept, so
//! that neither a line of a gigabyte nor a quotation mark that is never closed
//! takes memory.

use csv_core::ReadRecordResult;
use serde::{Deserialize, Serialize};

/// The longest line of JSON Lines, in bytes.
pub const LINE_MAX: usize = 200_000;
/// The longest record of CSV, in bytes without its quotation marks.
pub const RECORD_MAX: usize = 1_000_000;
/// The first space for a record of CSV; it grows when one needs more.
const RECORD_USUAL: usize = 16_384;
/// Fields of a record that are told apart; more are only counted.
const FIELDS_MAX: usize = 512;
/// A file of UTF-8 may begin with it (RFC 3629, section 6).
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Where a file is read on: at the beginning of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bytes before it.
    pub offset: u64,
    /// The line it is on, from 1.
    pub line: u64,
    /// Whether the byte before it is a carriage return, with which a line feed
    /// that follows makes one end of a line.
    pub after_return: bool,
}

impl Default for Mark {
    fn default() -> Self {
        Self { offset: 0, line: 1, after_return: false }
    }
}

impl Mark {
    /// Moves over a byte order mark, as far as `input` has it. A broken one
    /// is passed over as well: it is not UTF-8.
    pub(super) fn pass_byte_order_mark(&mut self, input: &mut &[u8]) {
        while let (Ok(place), [first, rest @ ..]) = (usize::try_from(self.offset), *input) {
            if BYTE_ORDER_MARK.get(place) != Some(first) {
                return;
            }
            self.offset += 1;
            *input = rest;
        }
    }
}

/// The lines of a file.
#[derive(Debug)]
pub struct Lines {
    /// Where reading is.
    here: Mark,
    /// Where the line begins that is being read, or was read last.
    start: Mark,
    held: Vec<u8>,
    is_long: bool,
    is_whole: bool,
}

impl Lines {
    /// Reads on from `mark`.
    pub fn from(mark: Mark) -> Self {
        Self { here: mark, start: mark, held: Vec::new(), is_long: false, is_whole: false }
    }

    /// Takes a line from the front of `input`; false when that is used up and
    /// the line goes on in the next piece.
    pub fn advance(&mut self, input: &mut &[u8]) -> bool {
        self.begin();
        if self.held.is_empty() {
            self.here.pass_byte_order_mark(input);
        }
        let end = input.iter().position(|byte| *byte == b'\n');
        let (line, rest) = input.split_at_checked(end.unwrap_or(input.len())).unwrap_or((input, &[]));
        self.hold(line);
        *input = rest;
        if let [_, rest @ ..] = rest {
            *input = rest;
            self.here.offset += 1;
            self.here.line += 1;
            self.is_whole = true;
        }
        self.is_whole
    }

    /// Whether the end of the file ended a line.
    pub fn close(&mut self) -> bool {
        self.begin();
        self.is_whole = self.here != self.start;
        self.is_whole
    }

    /// The line, without its end; nothing when it is too long.
    pub fn line(&self) -> Option<&[u8]> {
        (!self.is_long).then_some(&self.held)
    }

    /// The number of the line.
    pub fn number(&self) -> u64 {
        self.start.line
    }

    /// Behind the last whole line.
    pub fn mark(&self) -> Mark {
        if self.is_whole { self.here } else { self.start }
    }

    fn begin(&mut self) {
        if self.is_whole {
            self.start = self.here;
            self.held.clear();
            (self.is_long, self.is_whole) = (false, false);
        }
    }

    fn hold(&mut self, part: &[u8]) {
        self.here.offset += part.len() as u64;
        self.is_long |= self.held.len() + part.len() > LINE_MAX;
        if self.is_long {
            self.held.clear();
        } else {
            self.held.extend_from_slice(part);
        }
    }
}

/// The records of a CSV file, its header among them.
pub struct CsvRecords {
    parser: csv_core::Reader,
    /// Whether the parser has been given anything.
    has_parsed: bool,
    here: Mark,
    /// Where the record begins that is being read, or was read last.
    start: Mark,
    state: State,
    /// The fields' bytes, one field after another, up to `filled`.
    fields: Vec<u8>,
    filled: usize,
    /// Where the fields end, up to `ended`.
    ends: Vec<usize>,
    ended: usize,
    /// Fields before those.
    passed: usize,
    is_long: bool,
    quotes: u64,
    has_line_end: bool,
    spans_lines: bool,
    is_unclosed: bool,
}

/// Where a [`CsvRecords`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a record.
    Between,
    /// In one.
    Within,
    /// Behind one that can be looked at.
    Whole,
}

impl CsvRecords {
    /// Reads on from `mark`; the separator is a character of ASCII.
    pub fn from(mark: Mark, separator: u8) -> Self {
        Self {
            parser: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            has_parsed: false,
            here: mark,
            start: mark,
            state: State::Between,
            fields: vec![0; RECORD_USUAL],
            filled: 0,
            ends: vec![0; FIELDS_MAX],
            ended: 0,
            passed: 0,
            is_long: false,
            quotes: 0,
            has_line_end: false,
            spans_lines: false,
            is_unclosed: false,
        }
    }

    /// Takes a record from the front of `input`; false when that is used up
    /// and the record goes on in the next piece. Empty lines are none.
    pub fn advance(&mut self, input: &mut &[u8]) -> bool {
        if self.state == State::Whole {
            self.state = State::Between;
        }
        if self.state == State::Between {
            self.here.pass_byte_order_mark(input);
            while let [b'\r' | b'\n', rest @ ..] = *input {
                let (end, _) = input.split_at(1);
                self.pass(end);
                *input = rest;
            }
            if input.is_empty() {
                self.start = self.here;
                return false;
            }
            self.begin();
        }
        // Without input the parser would take the file to be at its end.
        while !input.is_empty() && self.state == State::Within {
            self.parse(input);
        }
        self.state == State::Whole
    }

    /// Whether the end of the file ended a record.
    pub fn close(&mut self) -> bool {
        if self.state == State::Within {
            while self.state == State::Within {
                self.parse(&mut [].as_slice());
            }
            self.is_unclosed = self.spans_lines && self.quotes % 2 == 1;
            return true;
        }
        false
    }

    /// The record's fields; nothing when it is too long.
    pub fn fields(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let ends = self.ends.iter().take(self.ended);
        let starts = std::iter::once(&0).chain(ends.clone());
        let fields = starts.zip(ends).map(|(start, end)| self.fields.get(*start..*end).unwrap_or_default());
        (!self.is_long).then_some(fields)
    }

    /// How many fields it has.
    pub fn count(&self) -> usize {
        self.passed + self.ended
    }

    /// Whether nothing is in any of its fields.
    pub fn is_blank(&self) -> bool {
        !self.is_long && self.fields.iter().take(self.filled).all(u8::is_ascii_whitespace)
    }

    /// Whether it has more than one line.
    pub fn spans_lines(&self) -> bool {
        self.spans_lines
    }

    /// Whether a quotation mark of it was still open when the file ended.
    pub fn is_unclosed(&self) -> bool {
        self.is_unclosed
    }

    /// The number of the line it begins on.
    pub fn number(&self) -> u64 {
        self.start.line
    }

    /// Behind the last whole record.
    pub fn mark(&self) -> Mark {
        if self.state == State::Whole { self.here } else { self.start }
    }

    fn begin(&mut self) {
        self.start = self.here;
        self.state = State::Within;
        (self.filled, self.ended, self.passed, self.quotes) = (0, 0, 0, 0);
        (self.is_long, self.has_line_end, self.spans_lines, self.is_unclosed) = (false, false, false, false);
    }

    /// Lets the parser take what it wants of `input`; it wants all of it, up
    /// to the record's end.
    fn parse(&mut self, input: &mut &[u8]) {
        let fields = self.fields.get_mut(self.filled..).unwrap_or_default();
        let ends = self.ends.get_mut(self.ended..).unwrap_or_default();
        // By itself the parser passes over a byte order mark with which its first piece begins. Here that is done at the
        // file's beginning, and there only, however the file is cut and wherever reading goes on.
        let most = if self.has_parsed { input.len() } else { BYTE_ORDER_MARK.len() - 1 };
        let piece = input.get(..most).unwrap_or(input);
        self.has_parsed = true;
        let (result, read, written, ended) = self.parser.read_record(piece, fields, ends);
        let (taken, rest) = input.split_at_checked(read).unwrap_or((input, &[]));
        self.pass(taken);
        *input = rest;
        self.filled += written;
        self.ended += ended;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull if self.fields.len() < RECORD_MAX && !self.is_long => {
                self.fields.resize((2 * self.fields.len()).min(RECORD_MAX), 0);
            }
            // What follows is parsed to find the record's end, and not kept.
            ReadRecordResult::OutputFull => (self.is_long, self.filled) = (true, 0),
            ReadRecordResult::OutputEndsFull => {
                self.passed += self.ended;
                self.ended = 0;
            }
            ReadRecordResult::Record | ReadRecordResult::End => self.state = State::Whole,
        }
    }

    /// Counts what was read.
    fn pass(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.here.line += u64::from(*byte == b'\r' || (*byte == b'\n' && !self.here.after_return));
            self.here.after_return = *byte == b'\r';
            self.quotes += u64::from(*byte == b'"');
            self.has_line_end |= matches!(byte, b'\r' | b'\n');
            self.spans_lines |= self.has_line_end && !byte.is_ascii_whitespace();
        }
        self.here.offset += bytes.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a file that comes in pieces of `size` bytes, with their
    /// numbers, and the most that was held of them.
    fn lines(file: &[u8], size: usize) -> (Vec<(u64, Option<String>)>, usize) {
        let (mut lines, mut found, mut held) = (Lines::from(Mark::default()), Vec::new(), 0);
        let mut keep = |lines: &Lines| {
            let text = lines.line().map(|line| String::from_utf8(line.to_vec()).unwrap());
            found.push((lines.number(), text));
        };
        for mut piece in file.chunks(size) {
            while lines.advance(&mut piece) {
                keep(&lines);
            }
            held = held.max(lines.held.capacity());
        }
        if lines.close() {
            keep(&lines);
        }
        (found, held)
    }

    type Found = Vec<(u64, Option<Vec<String>>)>;

    fn records(file: &[u8], size: usize) -> (Found, usize) {
        let (mut records, mut found, mut held) = (CsvRecords::from(Mark::default(), b','), Vec::new(), 0);
        let mut keep = |records: &CsvRecords| {
            let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
            let fields = records.fields().map(|fields| fields.map(text).collect::<Vec<_>>());
            found.push((records.number(), fields));
        };
        for mut piece in file.chunks(size) {
            while records.advance(&mut piece) {
                keep(&records);
            }
            held = held.max(records.fields.capacity());
        }
        if records.close() {
            keep(&records);
        }
        (found, held)
    }

    #[test]
    fn lines_are_the_same_however_the_file_is_cut() {
        // The second byte of the first letter is that of a byte order mark.
        assert_eq!(lines("û".as_bytes(), 1).0, [(1, Some("û".to_owned()))]);
        let file = "\u{feff}one\r\n\n{\"a\": \"ü\"}\nlast";
        let (whole, _) = lines(file.as_bytes(), 1_000);
        let texts: Vec<_> = whole.iter().map(|(number, text)| (*number, text.as_deref().unwrap())).collect();
        assert_eq!(texts, [(1, "one\r"), (2, ""), (3, "{\"a\": \"ü\"}"), (4, "last")]);
        for size in 1..12 {
            assert_eq!(lines(file.as_bytes(), size).0, whole, "pieces of {size}");
        }
    }

    #[test]
    fn records_are_the_same_however_the_file_is_cut() {
        for end in ["\n", "\r\n", "\r"] {
            let file =
                ["\u{feff}\"a\",b", "", "1,\"two \"\"2\"\"", "lines, ü\"", "", "3,4 \"five\"", "6"].join(end);
            let (whole, _) = records(file.as_bytes(), 1_000);
            let text = format!("two \"2\"{end}lines, ü");
            let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
            let expected: Found = vec![
                (1, texts(&["a", "b"])),
                (3, texts(&["1", &text])),
                (6, texts(&["3", "4 \"five\""])),
                (7, texts(&["6"])),
            ];
            assert_eq!(whole, expected, "{end:?}");
            for size in 1..12 {
                assert_eq!(records(file.as_bytes(), size).0, whole, "pieces of {size}, {end:?}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_one_at_the_files_beginning_only() {
        // Behind its own first byte, which is passed over as a mark that is broken.
        let file = b"\xef\xef\xbb\xbfa\n\xef\xbb\xbfb\n";
        let record = |line, text: &str| (line, Some(vec![text.to_owned()]));
        let expected: Found = vec![record(1, "\u{feff}a"), record(2, "\u{feff}b")];
        for size in 1..12 {
            assert_eq!(records(file, size).0, expected, "pieces of {size}");
        }
        let mut again = CsvRecords::from(Mark { offset: 6, line: 2, after_return: false }, b',');
        assert!(again.advance(&mut &file[6..]));
        assert_eq!(again.fields().unwrap().collect::<Vec<_>>(), ["\u{feff}b".as_bytes()]);
    }

    #[test]
    fn reading_goes_on_at_any_mark_as_if_it_had_never_stopped() {
        for end in ["\n", "\r\n", "\r"] {
            let file = ["\u{feff}a,b", "1,\"x", "y\"", "", "2,z", "3,w", ""].join(end);
            let (whole, _) = records(file.as_bytes(), 1_000);
            for size in [1, 2, 3, 1_000] {
                let (mut again, mut mark) = (Vec::new(), Mark::default());
                // A new reader for each record.
                'records: loop {
                    let mut records = CsvRecords::from(mark, b',');
                    let rest = &file.as_bytes()[usize::try_from(mark.offset).unwrap()..];
                    let mut pieces = rest.chunks(size);
                    loop {
                        let mut piece = match pieces.next() {
                            Some(piece) => piece,
                            None if records.close() => &[],
                            None => break 'records,
                        };
                        if records.state == State::Whole || records.advance(&mut piece) {
                            let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
                            let fields = records.fields().map(|fields| fields.map(text).collect());
                            again.push((records.number(), fields));
                            mark = records.mark();
                            break;
                        }
                    }
                }
                assert_eq!(again, whole, "{end:?} {size}");
            }
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_not_held() {
        let file =
            format!("{}\nok\n{}\n{}", "x".repeat(3_000_000), "y".repeat(LINE_MAX), "z".repeat(LINE_MAX + 1));
        let (found, held) = lines(file.as_bytes(), 65_536);
        let lengths: Vec<_> =
            found.iter().map(|(line, text)| (*line, text.as_ref().map(String::len))).collect();
        assert_eq!(lengths, [(1, None), (2, Some(2)), (3, Some(LINE_MAX)), (4, None)]);
        assert!(held <= 2 * LINE_MAX, "{held} bytes were held");
    }

    #[test]
    fn a_record_that_is_too_long_is_passed_over_and_not_held() {
        let long = "x".repeat(RECORD_MAX + 1);
        let file = format!("a,\"{long}\"\nb,c\n\"{}\n", "never closed, \n".repeat(400_000));
        let (found, held) = records(file.as_bytes(), 65_536);
        let shapes: Vec<_> =
            found.iter().map(|(line, fields)| (*line, fields.as_ref().map(Vec::len))).collect();
        assert_eq!(shapes, [(1, None), (2, Some(2)), (3, None)]);
        assert!(held <= 1 << 20, "{held} bytes were held");
        let fits = format!("a,\"{}\"\n", "x".repeat(RECORD_MAX - 10));
        assert!(records(fits.as_bytes(), 65_536).0[0].1.is_some());
    }

    #[test]
    fn many_fields_are_counted_and_not_held() {
        let file = format!("{}\n1,2\n", "f,".repeat(100_000));
        let mut records = CsvRecords::from(Mark::default(), b',');
        let mut input = file.as_bytes();
        assert!(records.advance(&mut input));
        assert_eq!((records.count(), records.ends.len()), (100_001, FIELDS_MAX));
        assert!(records.advance(&mut input));
        assert_eq!((records.count(), records.number()), (2, 2));
    }
}
