//! What strangers send, and the rules that no input may break: not only that
//! nothing panics.
//!
//! Each target is a function from bytes, which panics when its rule is broken.
//! libFuzzer calls it by a binary in `fuzz_targets`; `tests/kept.rs` calls it
//! with the inputs in `corpus` and with those in `regressions`, which once broke
//! something.

use shared::domain::article::{
    Article, LANGUAGE_MAX, NAME_MAX, SUMMARY_MAX, TAG_MAX, TAGS_MAX, TEXT_MAX, TITLE_MAX, URL_MAX,
};
use shared::domain::identity::canonical_url;
use shared::domain::signature::{Signature, signature, similarity};
use shared::domain::time::Timestamp;
use url::Url;

pub mod address;
pub mod citations;
pub mod cleaning;
pub mod cursor;
pub mod feed;
pub mod import;
pub mod long;
pub mod model_answer;
pub mod sse;
pub mod time_phrase;
pub mod token;

/// A Saturday morning: the same each time, so that an input does what it did.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_253_400_000)
}

/// The first byte, which says how the rest is to be taken, and the rest.
fn with_choice(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}

/// Bytes between the pieces that a stream or file is cut into; 0 cuts nothing.
fn pieces(bytes: &[u8], size: u8) -> std::slice::Chunks<'_, u8> {
    let size = if size == 0 { bytes.len().max(1) } else { usize::from(size) };
    bytes.chunks(size)
}

/// The limits that stand with `Article`, and what is made of one when it is kept.
fn assert_article(article: &Article) {
    let within = |text: &str, max: usize| {
        assert!(!text.trim().is_empty() && text.trim() == text, "{text:?} is blank or not trimmed");
        assert!(text.chars().count() <= max, "longer than {max}: {text:?}");
        let shown = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        assert!(text.chars().all(shown), "control characters in {text:?}");
    };
    let optionally = |text: &Option<String>, max| text.iter().for_each(|text| within(text, max));
    within(&article.title, TITLE_MAX);
    within(&article.url, URL_MAX);
    optionally(&article.source, NAME_MAX);
    optionally(&article.summary, SUMMARY_MAX);
    optionally(&article.text, TEXT_MAX);
    optionally(&article.category, NAME_MAX);
    optionally(&article.language, LANGUAGE_MAX);
    article.tags.iter().for_each(|tag| within(tag, TAG_MAX));
    assert!(article.tags.len() <= TAGS_MAX);
    assert!(article.summary.is_some() || article.text.is_some(), "an article has a text");
    assert!(!article.sample);
    assert_address(&article.url);

    let signature = signature(&article.title, article.body());
    let bytes = signature.to_bytes();
    assert!(bytes.len() <= 348 && signature.keys().len() <= 3);
    assert_eq!(Signature::from_bytes(&bytes).as_ref(), Some(&signature));
    if !signature.keys().is_empty() {
        assert_eq!(similarity(&signature, &signature), 1.0);
    }
}

/// An address as it is kept: of the web, and not to be changed any more.
fn assert_address(address: &str) {
    let url = Url::parse(address).unwrap();
    assert!(matches!(url.scheme(), "http" | "https"), "{url}");
    assert_eq!(url.as_str(), address);
    assert_eq!(canonical_url(&url), url);
}
