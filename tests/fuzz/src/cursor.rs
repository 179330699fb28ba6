//! Cursors of lists, which callers bring back.

use shared::domain::model::Secret;
use shared::store::{CursorKey, StoreError};

use crate::with_choice;

/// The input is a list, a place, and a stranger's cursor, a line each; or bytes to
/// change in a cursor that was given.
///
/// A cursor that opens is byte for byte one that was given, for that list.
pub fn take(data: &[u8]) {
    let (choice, rest) = with_choice(data);
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let (scope, place, changes) = (line(), line(), line());
    let key = CursorKey::new(&Secret::new("k".repeat(32)));
    let sealed = key.seal(scope, place);
    assert_eq!(key.open(scope, &sealed).unwrap(), place);

    let brought = if choice % 2 == 0 { changes.to_owned() } else { changed(&sealed, changes.as_bytes()) };
    match key.open(scope, &brought) {
        Ok(opened) => assert_eq!((opened.as_str(), &brought), (place, &sealed)),
        Err(error) => assert!(matches!(error, StoreError::Cursor)),
    }
    // Nor does it open another list, or by another key.
    assert!(key.open(&format!("{scope}{place}"), &key.seal(scope, place)).is_err() || place.is_empty());
    assert!(CursorKey::new(&Secret::new("another")).open(scope, &sealed).is_err());
}

/// `cursor` with bytes put in, taken out or put in the place of others, as pairs of
/// `changes` say.
fn changed(cursor: &str, changes: &[u8]) -> String {
    let mut bytes = cursor.as_bytes().to_vec();
    for change in changes.chunks_exact(2) {
        let (at, byte) = (usize::from(change[0]), change[1]);
        match byte {
            b'-' if at < bytes.len() => {
                bytes.remove(at);
            }
            b'+' => bytes.insert(at.min(bytes.len()), b'A'),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
