//! The bytes of an event stream.

use shared::llm::sse::Parser;

use crate::{pieces, with_choice};

/// The input's first byte is the size of the pieces that the stream comes in.
///
/// However it is cut, the events are those that the standard's own steps give.
pub fn take(data: &[u8]) {
    let (size, stream) = with_choice(data);
    let whole = events(stream, 0);
    assert_eq!(events(stream, size), whole, "in pieces of {size}");
    assert_eq!(whole, by_the_standard(stream));
}

fn events(stream: &[u8], size: u8) -> Vec<String> {
    let (mut parser, mut events) = (Parser::default(), Vec::new());
    for piece in pieces(stream, size) {
        // Inputs are shorter than a line that is too long.
        parser.push(piece, |data| events.push(data)).unwrap();
    }
    events
}

/// Section 9.2.6 of the HTML standard, for a stream that is there as a whole.
fn by_the_standard(stream: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n").replace('\r', "\n");
    let (mut events, mut data) = (Vec::new(), None::<Vec<String>>);
    let mut lines: Vec<&str> = text.split('\n').collect();
    // The last one has no end.
    lines.pop();
    for line in lines {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if line.is_empty() {
            events.extend(data.take().map(|lines| lines.join("\n")));
        } else if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            data.get_or_insert_default().push(value.to_owned());
        }
    }
    events
}
