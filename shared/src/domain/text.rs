//! Limits on what people type, and how a breach of them is told.
//!
//! Lengths count characters (Unicode scalar values), as the page's counter does.

use schemars::JsonSchema;
use serde::Serialize;

/// What [`Errors::line`] takes, trimmed, of at least two characters: a pattern of the OpenAPI document (ECMA-262).
pub const LINE: &str =
    r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f]$";
/// The same, or one character.
pub const SHORT_LINE: &str =
    r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";
/// What [`Errors::prose`] takes.
pub const PROSE: &str = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$";
/// The same, trimmed, of at least two characters.
pub const WORDS: &str = r"^[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f]$";
/// The same, or one character.
pub const SHORT_WORDS: &str = r"^[^\s\u0000-\u001f\u007f-\u009f]([^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f])?$";

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where: a JSON Pointer (RFC 6901) into the body, `?name` for a query
    /// parameter, or a header's name.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl FieldError {
    /// An error at `/field` of the body, or of the body as a whole when `field` is empty.
    pub fn new(field: &str, detail: impl Into<String>) -> Self {
        let pointer = if field.is_empty() { String::new() } else { format!("/{field}") };
        Self { pointer, detail: detail.into() }
    }
}

/// Gathers every error of a request, so that a person fixes them all at once.
#[derive(Debug, Default)]
pub struct Errors(Vec<FieldError>);

impl Errors {
    /// Adds one.
    pub fn push(&mut self, field: &str, detail: impl Into<String>) {
        self.0.push(FieldError::new(field, detail));
    }

    /// A line of text: trimmed, `min` to `max` characters, no control characters.
    pub fn line(&mut self, field: &str, value: &str, min: usize, max: usize) -> String {
        let value = value.trim();
        self.length(field, value, min, max);
        if value.chars().any(char::is_control) {
            self.push(field, "Line breaks and control characters are not allowed here.");
        }
        value.to_owned()
    }

    /// Longer text, kept as typed: up to `max` characters; tabs and line breaks
    /// are the only control characters in it.
    pub fn prose(&mut self, field: &str, value: &str, min: usize, max: usize) {
        self.length(field, value, min, max);
        if let Some((at, found)) = first_control(value) {
            self.push(
                field,
                format!(
                    "Character {} is a control character (U+{:04X}). Remove it.",
                    at + 1,
                    u32::from(found)
                ),
            );
        }
    }

    fn length(&mut self, field: &str, value: &str, min: usize, max: usize) {
        let length = value.chars().count();
        if length < min {
            self.push(
                field,
                format!(
                    "At least {min} character{} needed; this has {length}.",
                    if min == 1 { " is" } else { "s are" }
                ),
            );
        } else if length > max {
            self.push(field, format!("At most {max} characters fit; this has {length}."));
        }
    }

    /// `value`, if nothing was found wrong.
    pub fn or<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// The first control character that is neither a tab nor a line break, and its
/// place, counted in characters from 0.
fn first_control(text: &str) -> Option<(usize, char)> {
    text.chars().enumerate().find(|(_, c)| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// The first `max` characters of `text`.
pub fn prefix(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_and_counted_in_characters() {
        let mut errors = Errors::default();
        assert_eq!(errors.line("name", "  čtyři  ", 3, 5), "čtyři");
        assert!(errors.or(()).is_ok());
    }

    #[test]
    fn every_error_is_told_with_its_place() {
        let mut errors = Errors::default();
        errors.line("name", "ab", 3, 100);
        errors.prose("content", "fine\u{0}", 0, 3);
        let errors = errors.or(()).unwrap_err();
        let pointers: Vec<_> = errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/content", "/content"]);
        assert_eq!(errors[2].detail, "Character 5 is a control character (U+0000). Remove it.");
    }

    #[test]
    fn tabs_and_line_breaks_are_text() {
        let mut errors = Errors::default();
        errors.prose("content", "a\tb\r\nc", 0, 10);
        assert!(errors.or(()).is_ok());
    }

    #[test]
    fn a_prefix_never_splits_a_character() {
        assert_eq!(prefix("žluťoučký", 3), "žlu");
        assert_eq!(prefix("kůň", 9), "kůň");
    }
}
