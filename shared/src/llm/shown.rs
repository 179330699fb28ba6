//! What of a server's words may be shown to whoever runs the workshop: their beginning, without what the request itself
//! said and without secrets.

/// Characters that are shown.
const SHOWN_MAX: usize = 160;
/// So many characters in a row that the request has, too, are its own.
const OWN: usize = 16;
/// A word without blanks of at least so many characters may be a key.
const KEY_LIKE: usize = 24;

/// The beginning of `words` that can be shown, on one line; nothing when there is none. What follows after something of
/// `own` (the request's texts, its key) is left out.
pub(super) fn shown<'a>(words: &str, own: impl Iterator<Item = &'a str>) -> String {
    // What would begin within what is shown is recognised a little behind it.
    let words: String = one_line(&untagged(words)).chars().take(SHOWN_MAX + OWN).collect();
    let lower = words.to_lowercase();
    // Lower case can have other lengths in odd scripts; then nothing is compared, and so nothing shown.
    if lower.len() != words.len() {
        return String::new();
    }
    let mut end = words.char_indices().nth(SHOWN_MAX).map_or(words.len(), |(at, _)| at);
    for text in own.map(|text| one_line(text).to_lowercase()).filter(|text| text.chars().count() > 2) {
        end = end.min(first_of(&lower, &text).unwrap_or(end));
    }
    let kept = words.get(..end).unwrap_or_default();
    let masked: Vec<&str> =
        kept.split(' ').map(|word| if word.chars().count() >= KEY_LIKE { "…" } else { word }).collect();
    let mut kept = masked.join(" ").trim_end().trim_end_matches('.').to_owned();
    if !kept.is_empty() && end < words.len() {
        kept.push('…');
    }
    kept
}

/// Where `words` begin to repeat `text`: all of it, or a part of it that is long enough to be no chance.
fn first_of(words: &str, text: &str) -> Option<usize> {
    if let Some(at) = words.find(text) {
        return Some(at);
    }
    let starts: Vec<usize> = words.char_indices().map(|(at, _)| at).chain([words.len()]).collect();
    starts.windows(OWN + 1).find_map(|window| {
        let (from, to) = (*window.first()?, *window.last()?);
        text.contains(words.get(from..to)?).then_some(from)
    })
}

/// Without the tags of a web page, and without control characters.
fn untagged(text: &str) -> String {
    let mut is_in_tag = false;
    let mut kept = String::new();
    for character in text.chars() {
        match character {
            '<' => is_in_tag = true,
            '>' if is_in_tag => {
                is_in_tag = false;
                kept.push(' ');
            }
            _ if is_in_tag => {}
            _ if character.is_control() => kept.push(' '),
            _ => kept.push(character),
        }
    }
    kept
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_servers_words_is_shown_without_the_requests_own() {
        let own = ["You are an analyst who writes weekly briefs.", "Hello?", "sk-secret"];
        let cases = [
            ("Unexpected\n field\u{7}: moon.", "Unexpected field : moon"),
            ("<h1>Bad gateway</h1>\n<p>Sorry", "Bad gateway Sorry"),
            ("can't read: You ARE an analyst who writes weekly", "can't read:…"),
            ("no template for 'hello?'", "no template for '…"),
            ("key sk-secret is unknown", "key…"),
            ("token abcdefghijklmnopqrstuvwxyz0123 is unknown", "token … is unknown"),
            ("who writes weekly briefs.", ""),
            ("", ""),
        ];
        for (words, expected) in cases {
            assert_eq!(shown(words, own.into_iter()), expected, "{words}");
        }
        let long = shown(&"word ".repeat(1_000), own.into_iter());
        assert!(long.ends_with("word…") && long.chars().count() <= SHOWN_MAX + 1, "{long}");
    }
}
