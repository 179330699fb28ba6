//! Fitting text into a model's window.

use crate::domain::model::{Model, estimate_tokens};

/// Tokens left free for the wire's own framing of messages.
const MARGIN: u32 = 96;
/// Tokens that a message takes besides its text.
pub(super) const PER_MESSAGE: u32 = 8;

/// Tokens that everything before the answer may take.
pub(super) fn prompt_budget(model: &Model) -> u32 {
    model.context_window.saturating_sub(model.max_output_tokens).saturating_sub(MARGIN)
}

/// Whether `more` can stand after `text` within `tokens`.
pub(super) fn fits(text: &str, more: &str, tokens: u32) -> bool {
    estimate_tokens(text) + estimate_tokens(more) <= tokens
}

/// Where text was left out.
const CUT: &str = "\n[… shortened to fit the model …]";

/// The beginning of `text` that fits `tokens`, marked where it was cut.
pub(super) fn shortened(text: &str, tokens: u32) -> String {
    if estimate_tokens(text) <= tokens {
        return text.to_owned();
    }
    let bytes = (tokens.saturating_sub(estimate_tokens(CUT)) as usize) * 3;
    let end = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|&end| end <= bytes)
        .last()
        .unwrap_or(0);
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_is_cut_and_marked() {
        assert_eq!(shortened("short", 10), "short");
        let cut = shortened(&"ž".repeat(1_000), 100);
        assert!(cut.ends_with(CUT));
        assert!(estimate_tokens(&cut) <= 100, "{}", estimate_tokens(&cut));
    }
}
