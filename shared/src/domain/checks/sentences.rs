//! Where one sentence ends and the next begins.

use std::ops::Range;

use super::is_one_of;

/// Where the sentences of `text` are. A point ends one when the next begins with
/// a capital letter, a figure or a mark, and it ends no usual abbreviation.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut word_start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            word_start = at + c.len_utf8();
        }
        let ends = match c {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' => {
                while chars.next_if(|(_, c)| is_closing(*c)).is_some() {}
                let next = chars.peek().map(|(_, c)| *c);
                next.is_none_or(char::is_whitespace)
                    && begins_sentence(text, chars.peek().map_or(text.len(), |(at, _)| *at))
                    && !(c == '.' && is_abbreviation(text.get(word_start..at).unwrap_or_default()))
            }
            _ => false,
        };
        if ends {
            let end = chars.peek().map_or(text.len(), |(at, _)| *at);
            sentences.push(start..end);
            start = end;
        }
    }
    if text.get(start..).is_some_and(|rest| rest.contains(|c: char| !c.is_whitespace())) {
        sentences.push(start..text.len());
    }
    sentences
}

/// Whether `c` may stand between a sentence's point and the space after it.
pub fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | ')' | ']' | '*' | '_' | '.' | '!' | '?' | '…')
}

fn begins_sentence(text: &str, at: usize) -> bool {
    const SPACES_MAX: usize = 20;
    let mut rest = text.get(at..).unwrap_or_default().chars().take(SPACES_MAX);
    rest.find(|c| !c.is_whitespace()).is_none_or(|c| !c.is_lowercase())
}

fn is_abbreviation(word: &str) -> bool {
    const ABBREVIATIONS: &str = "mr mrs ms dr prof st sr jr vs etc inc ltd corp co no nos vol fig approx ca cf al est pp \
        gen sen rep gov dept jan feb mar apr jun jul aug sep sept oct nov dec resp incl";
    const WORD_MAX: usize = 12;
    if word.len() > WORD_MAX {
        return false;
    }
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    // Numbering, as in "1. Summary 2. Risks".
    if (1..=2).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    // Initials, "U.S.", "e.g.".
    let last = word.rsplit('.').next().unwrap_or_default();
    let is_initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    is_initial || is_one_of(&word, ABBREVIATIONS)
}
