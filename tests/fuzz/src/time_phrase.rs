//! Words about time in a query.

use shared::domain::time_phrase::time_window;

use crate::now;

/// What is understood is a window that has begun and is not empty, and goes out of
/// the query; what is not stays in it, word by word.
pub fn take(data: &[u8]) {
    let query = String::from_utf8_lossy(data);
    let (window, rest) = time_window(&query, now());
    let Some(phrase) = &window.phrase else {
        assert_eq!((window.from, window.until, rest.as_str()), (None, None, &*query));
        return;
    };
    match (window.from, window.until) {
        (None, None) => panic!("{phrase:?} says nothing"),
        (Some(from), until) => {
            assert!(from <= now() && until.is_none_or(|until| from < until), "{window:?}");
            assert!(window.contains(from));
        }
        (None, Some(until)) => assert!(until <= now() && !window.contains(until), "{window:?}"),
    }
    let mut words = query.split_whitespace();
    assert!(rest.split_whitespace().all(|kept| words.any(|word| word == kept)), "{rest:?}");
    assert!(rest.split_whitespace().count() < query.split_whitespace().count());
    let bare = |c: char| !c.is_alphanumeric();
    let taken =
        |word: &str| query.split_whitespace().any(|written| written.contains(word.trim_matches(bare)));
    assert!(phrase.split_whitespace().all(taken), "{phrase:?}");
}
