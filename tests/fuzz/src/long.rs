//! The same again and again, for the other targets: what takes the square of its
//! length is too slow for the fuzzer then, which gives an input five seconds.

use crate::{citations, cleaning, feed, import, sse, with_choice};

/// Bytes of it, as a rule that is broken by no length takes a tenth of a second.
const LONG: usize = 40_000;

/// What a target does with an input.
type Try = fn(&[u8]);

/// What comes first, and whose input it is.
const BEGINNINGS: [(Try, &str); 8] = [
    (citations::take, "\u{1e}"),
    (citations::take, ""),
    (cleaning::take, ""),
    (feed::take, "\0<rss><channel>"),
    (feed::take, "\0{\"version\": \"https://jsonfeed.org/version/1\", \"items\": ["),
    (import::take, "\0\0title,url,text\n"),
    (import::take, "\u{1}\0"),
    (sse::take, "\u{7}"),
];

/// The input's first byte chooses the target, the rest is what comes again.
pub fn take(data: &[u8]) {
    let (choice, piece) = with_choice(data);
    let (take, beginning) = BEGINNINGS[usize::from(choice) % BEGINNINGS.len()];
    take(&[beginning.as_bytes(), &piece.repeat(LONG / piece.len().max(1))].concat());
}
