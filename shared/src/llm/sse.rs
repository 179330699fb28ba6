//! Reads `text/event-stream` bytes as they arrive, wherever they are cut.
//!
//! Follows "Interpreting an event stream" of the WHATWG HTML standard (section
//! 9.2.6) for the part that model servers use: `data` fields, comments, blank
//! lines, and all three line ends. `event`, `id` and `retry` are read past.

/// The longest line, and the most data of one event, in bytes. A model's chunk
/// takes a few hundred; what comes near this is not a model talking.
pub const LINE_MAX: usize = 1_000_000;

/// A line, or the data of one event, passed [`LINE_MAX`].
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
#[error("an event stream's line or event is longer than {LINE_MAX} bytes")]
pub struct TooLong;

/// The state between two pieces of a stream. Holds at most one unfinished line
/// and one unfinished event.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    data: Option<String>,
    past_first_line: bool,
    /// The last piece ended in CR: an LF that comes first in the next one
    /// belongs to the same line end.
    after_cr: bool,
}

impl Parser {
    /// Takes the next bytes of the stream and hands the data of each event that
    /// they complete to `event`, in order. What the stream's end leaves
    /// unfinished is dropped, as the standard says.
    ///
    /// After an error the stream can't be read on.
    pub fn push(&mut self, mut bytes: &[u8], mut event: impl FnMut(String)) -> Result<(), TooLong> {
        while let Some((&first, rest)) = bytes.split_first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = rest;
                continue;
            }
            let length = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len());
            let (text, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            if self.line.len() + text.len() > LINE_MAX {
                return Err(TooLong);
            }
            self.line.extend_from_slice(text);
            let Some((&line_end, rest)) = rest.split_first() else {
                break;
            };
            self.after_cr = line_end == b'\r';
            if let Some(data) = self.end_line()? {
                event(data);
            }
            bytes = rest;
        }
        Ok(())
    }

    /// The data of the event that the finished line completes, if it does.
    fn end_line(&mut self) -> Result<Option<String>, TooLong> {
        // Decoded a line at a time: a line end is never inside a character, as
        // the end of a piece may be.
        let bytes = std::mem::take(&mut self.line);
        let decoded = String::from_utf8_lossy(&bytes);
        let mut line = decoded.as_ref();
        if !std::mem::replace(&mut self.past_first_line, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            self.add_data(value.strip_prefix(' ').unwrap_or(value))?;
        }
        Ok(None)
    }

    fn add_data(&mut self, value: &str) -> Result<(), TooLong> {
        let Some(data) = &mut self.data else {
            self.data = Some(value.to_owned());
            return Ok(());
        };
        if data.len() + value.len() >= LINE_MAX {
            return Err(TooLong);
        }
        data.push('\n');
        data.push_str(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<Vec<String>, TooLong> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, |data| events.push(data))?;
        }
        Ok(events)
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let stream = "\u{feff}data: naïve 😀\r\n\r\n: ping\n\ndata:two\rdata:  lines\r\rdata\n\nid: 7\nevent: x\ndata: é\n\n";
        let expected = ["naïve 😀", "two\n lines", "", "é"];
        let bytes = stream.as_bytes();
        assert_eq!(events(&[bytes]).unwrap(), expected);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(events(&pieces).unwrap(), expected, "cut at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single).unwrap(), expected);
    }

    #[test]
    fn all_three_line_ends_and_their_mixture_end_lines() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
            assert_eq!(events(&[stream.as_bytes()]).unwrap(), ["a\nb", "c"], "{end:?}");
        }
        assert_eq!(events(&[b"data: a\r\n\ndata: b\n\r\n"]).unwrap(), ["a", "b"]);
    }

    #[test]
    fn comments_other_fields_and_blank_lines_make_no_events() {
        let stream = b": keep-alive\n\nevent: ping\nid: 1\nretry: 5\n\n\n\ndatabase: no\n\n";
        assert!(events(&[stream]).unwrap().is_empty());
    }

    #[test]
    fn an_event_that_the_end_of_the_stream_cuts_is_dropped() {
        assert_eq!(events(&[b"data: whole\n\ndata: cut\n"]).unwrap(), ["whole"]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_and_the_stream_goes_on() {
        assert_eq!(events(&[b"data: a\xffb\n\ndata: c\n\n"]).unwrap(), ["a\u{fffd}b", "c"]);
    }

    #[test]
    fn a_line_over_the_limit_is_refused_before_its_end_is_seen() {
        let piece = vec![b'x'; LINE_MAX / 2];
        assert!(events(&[&piece, &piece]).is_ok());
        assert_eq!(events(&[&piece, &piece, b"x"]), Err(TooLong));
    }

    #[test]
    fn one_event_of_endless_lines_is_refused() {
        let line = format!("data: {}\n", "x".repeat(999));
        let lines = line.repeat(LINE_MAX / 1000);
        assert!(events(&[lines.as_bytes(), b"\n"]).is_ok());
        assert_eq!(events(&[lines.as_bytes(), line.as_bytes()]), Err(TooLong));
    }
}
