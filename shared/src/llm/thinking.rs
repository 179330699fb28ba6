//! Thinking that stands in the text of an answer: `<think>…</think>`, as servers without a parser for it pass it on.
//!
//! It counts at the beginning alone, where models put it: a prompt or an answer about such tags is text. Where a
//! model's template has opened it already, only its closing tag comes: all before it was thinking.

/// The tags that open it, in lower case.
const OPENING: [&str; 2] = ["<think>", "<thinking>"];
/// The tags that close it.
const CLOSING: [&str; 2] = ["</think>", "</thinking>"];

/// A piece of an answer, told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The answer's own words.
    Text(String),
    /// What the model thinks before it.
    Thought(String),
    /// All text until here was thinking.
    AllThought,
}

/// Where in an answer one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// At its beginning, or behind thinking: no word of it has come.
    #[default]
    Beginning,
    /// In thinking.
    Thinking,
    /// In its text, which may turn out to be thinking.
    Open,
    /// In its text.
    Text,
}

/// Tells thinking from text, however the two are cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    place: Place,
    /// What isn't told apart yet: blanks before the first word, or what may become a tag.
    held: String,
    /// Thinking came before: blanks behind it are no part of the answer.
    has_thought: bool,
    code: Code,
    /// The character before `held`.
    before: Option<char>,
}

impl Splitter {
    /// Thinking came by a way of its own: a closing tag in the text closes nothing.
    pub(super) fn thinks_apart(&mut self) {
        self.has_thought = true;
        if self.place == Place::Open {
            self.place = Place::Text;
        }
    }

    /// Takes the next piece of text.
    pub(super) fn push(&mut self, text: &str) -> Vec<Part> {
        self.held.push_str(text);
        let mut parts = Vec::new();
        while self.step(&mut parts, false) {}
        parts
    }

    /// Takes the end of the answer.
    pub(super) fn end(&mut self) -> Vec<Part> {
        let mut parts = Vec::new();
        while self.step(&mut parts, true) {}
        parts
    }

    /// Tells some of what is held apart; false when more has to come first.
    fn step(&mut self, parts: &mut Vec<Part>, is_end: bool) -> bool {
        if self.held.is_empty() {
            return false;
        }
        match self.place {
            Place::Beginning => self.begin(is_end),
            Place::Thinking => self.think(parts, is_end),
            Place::Open => self.look_for_the_end(parts, is_end),
            Place::Text => {
                parts.push(Part::Text(std::mem::take(&mut self.held)));
                false
            }
        }
    }

    fn begin(&mut self, is_end: bool) -> bool {
        let blanks = self.held.len() - self.held.trim_start().len();
        let rest = self.held.get(blanks..).unwrap_or_default();
        if let Some(tag) = OPENING.iter().find(|tag| begins_with(rest, tag)) {
            self.held.drain(..blanks + tag.len());
            (self.place, self.has_thought) = (Place::Thinking, true);
            return true;
        }
        let may_become = rest.is_empty() || OPENING.iter().any(|tag| is_begun(rest, tag));
        if may_become && !is_end {
            return false;
        }
        if self.has_thought {
            self.held.drain(..blanks);
        }
        self.place = if self.has_thought { Place::Text } else { Place::Open };
        true
    }

    fn think(&mut self, parts: &mut Vec<Part>, is_end: bool) -> bool {
        if let Some((at, length)) = find(&self.held, &CLOSING) {
            self.give(at, parts, Part::Thought);
            self.held.drain(..length);
            self.place = Place::Beginning;
            return true;
        }
        let at = if is_end { self.held.len() } else { safe(&self.held, &CLOSING) };
        self.give(at, parts, Part::Thought);
        false
    }

    /// In text that no tag has opened: a closing tag says that it was thinking, unless the text speaks of such tags.
    fn look_for_the_end(&mut self, parts: &mut Vec<Part>, is_end: bool) -> bool {
        if let Some((at, _)) = find(&self.held, &OPENING)
            && find(&self.held, &CLOSING).is_none_or(|(closing, _)| at < closing)
        {
            self.place = Place::Text;
            return true;
        }
        let Some((at, length)) = find(&self.held, &CLOSING) else {
            let at = if is_end { self.held.len() } else { safe(&self.held, &[OPENING, CLOSING].concat()) };
            self.text(at, parts);
            return false;
        };
        let after = self.held.get(at + length..).and_then(|after| after.chars().next());
        // Whether it is spoken of is seen by what stands around it.
        if after.is_none() && !is_end {
            self.text(at, parts);
            return false;
        }
        self.text(at, parts);
        let is_inline =
            self.before.is_some_and(|before| before == ' ' || before == '\t' || "\"'(`“‘".contains(before))
                && after.is_some_and(|after| after == ' ' || after == '\t' || after.is_ascii_punctuation());
        if is_inline || self.code.is_inside() {
            self.text(length, parts);
            return true;
        }
        self.held.drain(..length);
        parts.push(Part::AllThought);
        (self.place, self.has_thought) = (Place::Beginning, true);
        true
    }

    /// Gives so many bytes of what is held away as text.
    fn text(&mut self, bytes: usize, parts: &mut Vec<Part>) {
        let text = self.held.get(..bytes).unwrap_or_default();
        self.code.read(text);
        self.before = text.chars().next_back().or(self.before);
        self.give(bytes, parts, Part::Text);
    }

    fn give(&mut self, bytes: usize, parts: &mut Vec<Part>, part: impl Fn(String) -> Part) {
        let given: String = self.held.drain(..bytes).collect();
        if !given.is_empty() {
            parts.push(part(given));
        }
    }
}

/// Whether a text is within code: a fenced block, or backticks of a line.
#[derive(Debug, Default)]
struct Code {
    line: String,
    is_fenced: bool,
}

/// Characters of a line that are looked at for backticks.
const LINE_MAX: usize = 2_000;

impl Code {
    fn read(&mut self, text: &str) {
        for character in text.chars() {
            if character == '\n' {
                self.is_fenced ^= self.is_fence();
                self.line.clear();
            } else if self.line.len() < LINE_MAX {
                self.line.push(character);
            }
        }
    }

    fn is_fence(&self) -> bool {
        let line = self.line.trim_start();
        line.starts_with("```") || line.starts_with("~~~")
    }

    fn is_inside(&self) -> bool {
        self.is_fenced || self.line.matches('`').count() % 2 == 1
    }
}

fn begins_with(text: &str, tag: &str) -> bool {
    text.get(..tag.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(tag))
}

/// Whether `text` is the beginning of `tag` and no more.
fn is_begun(text: &str, tag: &str) -> bool {
    text.len() < tag.len() && tag.get(..text.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(text))
}

/// Where the first of `tags` stands, and its length.
fn find(text: &str, tags: &[&str]) -> Option<(usize, usize)> {
    text.match_indices('<').find_map(|(at, _)| {
        let rest = text.get(at..)?;
        tags.iter().find(|tag| begins_with(rest, tag)).map(|tag| (at, tag.len()))
    })
}

/// How much of `text` can't become one of `tags` any more.
fn safe(text: &str, tags: &[&str]) -> usize {
    let last = text.rfind('<').filter(|at| {
        let rest = text.get(*at..).unwrap_or_default();
        tags.iter().any(|tag| is_begun(rest, tag))
    });
    last.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the thinking of an answer that comes in pieces of `size` characters.
    fn split(answer: &str, size: usize) -> (String, String) {
        let (mut text, mut thought) = (String::new(), String::new());
        let mut splitter = Splitter::default();
        let characters: Vec<char> = answer.chars().collect();
        let pieces: Vec<String> = characters.chunks(size).map(|piece| piece.iter().collect()).collect();
        let mut parts: Vec<Part> = pieces.iter().flat_map(|piece| splitter.push(piece)).collect();
        parts.extend(splitter.end());
        for part in parts {
            match part {
                Part::Text(more) => text.push_str(&more),
                Part::Thought(more) => thought.push_str(&more),
                Part::AllThought => thought.push_str(&std::mem::take(&mut text)),
            }
        }
        (text, thought)
    }

    #[test]
    fn thinking_at_the_beginning_is_told_from_the_answer_however_it_is_cut() {
        let cases = [
            // Answer, its text, its thinking.
            ("Hello.", "Hello.", ""),
            ("  Hello.\n", "  Hello.\n", ""),
            ("", "", ""),
            ("   ", "   ", ""),
            ("<think>Hm.</think>Hello.", "Hello.", "Hm."),
            ("<think>\nHm.\n</think>\n\nHello.\n", "Hello.\n", "\nHm.\n"),
            ("\n <THINK>Hm.</Think> Hello.", "Hello.", "Hm."),
            ("<thinking>Hm, é 😀.</thinking>\nHello.", "Hello.", "Hm, é 😀."),
            ("<think>Hm.</thinking>Hello.", "Hello.", "Hm."),
            ("<think></think>Hello.", "Hello.", ""),
            ("<think>One.</think>\n<think>Two.</think>Hello.", "Hello.", "One.Two."),
            // It never came to its end.
            ("<think>Hm, so", "", "Hm, so"),
            ("<think>Hm </thi", "", "Hm </thi"),
            ("<think>", "", ""),
            // The template opened it.
            ("Hm.\n</think>\n\nHello.", "Hello.", "Hm.\n"),
            ("Hm.</think>Hello.", "Hello.", "Hm."),
            ("Hm.</THINKING>\nHello.", "Hello.", "Hm."),
            ("</think>Hello.", "Hello.", ""),
            ("Is 1 < 2? Yes.</think>", "", "Is 1 < 2? Yes."),
            // A draft in its thoughts is no code around its end.
            ("Hm.\n```\nYou are\n```\nGood.\n</think>\nHello.", "Hello.", "Hm.\n```\nYou are\n```\nGood.\n"),
            // It speaks of such tags.
            ("Use <think> and </think> for it.", "Use <think> and </think> for it.", ""),
            ("Use `</think>` to end it.", "Use `</think>` to end it.", ""),
            ("End with </think> always.", "End with </think> always.", ""),
            ("```\nplan\n</think>\n```\n", "```\nplan\n</think>\n```\n", ""),
            ("```xml\n<think>\nplan\n</think>\n```\n", "```xml\n<think>\nplan\n</think>\n```\n", ""),
            ("<thinker>Rodin</thinker>", "<thinker>Rodin</thinker>", ""),
            ("<b>Bold</b> and <i>more</i>", "<b>Bold</b> and <i>more</i>", ""),
            ("<think>Hm.</think>Close with\n</think>\nso.", "Close with\n</think>\nso.", "Hm."),
            ("<think>Hm.</think>Say <think>x</think>.", "Say <think>x</think>.", "Hm."),
        ];
        for (answer, text, thought) in cases {
            for size in [1, 2, 3, 7, 1_000] {
                let told = split(answer, size);
                assert_eq!(told, (text.to_owned(), thought.to_owned()), "{answer:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn a_closing_tag_closes_nothing_where_thinking_comes_apart() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push("One "), [Part::Text("One ".into())]);
        splitter.thinks_apart();
        assert_eq!(splitter.push("two\n</think>\n"), [Part::Text("two\n</think>\n".into())]);
        assert_eq!(splitter.end(), []);
    }

    #[test]
    fn text_is_passed_on_as_it_comes_but_for_what_may_become_a_tag() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push("Is 1 <"), [Part::Text("Is 1 ".into())]);
        assert_eq!(splitter.push(" 2?"), [Part::Text("< 2?".into())]);
        let mut splitter = Splitter::default();
        assert_eq!(splitter.push("<thi"), []);
        assert_eq!(splitter.push("nk>Hm. </thi"), [Part::Thought("Hm. ".into())]);
        assert_eq!(splitter.push("s"), [Part::Thought("</this".into())]);
    }
}
