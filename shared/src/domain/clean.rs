//! Text from outside, made fit to be read: HTML as text, cut to a length, its
//! language noted.
//!
//! Tags are told from text by `html5gum`, a tokenizer after the WHATWG HTML
//! standard without dependencies. No tree is built, so that depth costs nothing
//! and time and memory follow the length of the input.

use std::borrow::Cow;
use std::collections::HashMap;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, State, Tokenizer};
use whatlang::Lang;

/// Text of an HTML fragment as a reader would see it: a line for each block and
/// `<br>`, white space collapsed, without control and invisible characters.
///
/// Gone are tags, comments, and what a browser does not show either: scripts,
/// styles, `noscript`, `template`, `iframe`, fallbacks of media, elements with
/// `hidden` or `display: none`. Character references are decoded once. Text
/// without markup keeps its lines, and at most one blank line in a row.
///
/// What is between `<` and `>` is a tag only when HTML knows its name, or it
/// has a `-` or `:` in it as custom and namespaced elements have: "a < b",
/// "Vec<String>" and "<jo@example.com>" are text.
pub fn plain_text(html: &str) -> String {
    let html = tags_made_whole(html);
    let mut page = Page::of(&html);
    let mut emitter =
        CallbackEmitter::new(|event: CallbackEvent<'_>, span: Span<usize>| page.take(event, span));
    emitter.naively_switch_states(false);
    let mut tokenizer = Tokenizer::new_with_emitter(&*html, emitter);
    // Reading from memory cannot fail.
    while let Some(Ok(state)) = tokenizer.next() {
        tokenizer.set_state(state);
    }
    drop(tokenizer);
    page.text.written
}

/// What an element does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Inline,
    /// Begins and ends a line.
    Block,
    /// Begins and ends a line and keeps the breaks in it.
    Preformatted,
    /// Apart from its neighbours in the line.
    Cell,
    /// Not shown; what is in it are tags and text.
    Unseen,
    /// Not shown; what is in it is raw, up to its end tag.
    Raw,
}

impl Element {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "address" | "article" | "aside" | "blockquote" | "body" | "br" | "center" | "dd" | "details"
            | "dialog" | "dir" | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer"
            | "form" | "frameset" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "head" | "header"
            | "hgroup" | "hr" | "html" | "legend" | "li" | "main" | "menu" | "nav" | "ol" | "optgroup"
            | "option" | "p" | "search" | "section" | "summary" | "table" | "caption" | "tbody" | "tfoot"
            | "thead" | "tr" | "ul" => Self::Block,
            "pre" | "listing" | "xmp" => Self::Preformatted,
            "td" | "th" => Self::Cell,
            "template" | "object" | "audio" | "video" | "canvas" | "svg" | "select" | "datalist" => {
                Self::Unseen
            }
            "script" | "style" | "noscript" | "iframe" | "noembed" | "noframes" | "title" | "textarea" => {
                Self::Raw
            }
            "a" | "abbr" | "acronym" | "applet" | "area" | "b" | "base" | "basefont" | "bdi" | "bdo"
            | "bgsound" | "big" | "blink" | "button" | "cite" | "code" | "col" | "colgroup" | "data"
            | "del" | "dfn" | "em" | "embed" | "font" | "frame" | "i" | "image" | "img" | "input" | "ins"
            | "kbd" | "keygen" | "label" | "link" | "map" | "mark" | "marquee" | "math" | "meta"
            | "meter" | "nobr" | "output" | "param" | "picture" | "plaintext" | "portal" | "progress"
            | "q" | "rb" | "rp" | "rt" | "rtc" | "ruby" | "s" | "samp" | "slot" | "small" | "source"
            | "span" | "strike" | "strong" | "sub" | "sup" | "time" | "track" | "tt" | "u" | "var"
            | "wbr" => Self::Inline,
            _ => {
                let parts = name.split_once(['-', ':'])?;
                let is_name = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric());
                let usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_' | '.');
                if is_name(parts.0) && is_name(parts.1) && name.chars().all(usual) {
                    Self::Inline
                } else {
                    return None;
                }
            }
        })
    }
}

/// The element whose tag `rest` begins with, `rest` being what follows `<`.
fn element_at(rest: &str) -> Option<(String, Element)> {
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    const NAME_MAX: usize = 40;
    let end =
        rest.bytes().take(NAME_MAX).position(|b| matches!(b, b'>' | b'/' | b'<') || b.is_ascii_whitespace());
    let name = match end {
        Some(end) => rest.get(..end)?,
        None if rest.len() <= NAME_MAX => rest,
        None => return None,
    };
    let name = name.to_ascii_lowercase();
    Element::named(&name).map(|element| (name, element))
}

/// `html` without marks of CDATA sections, which feeds leave in by mistake, and
/// with a last tag that has no end either cut off or turned into text.
fn tags_made_whole(html: &str) -> Cow<'_, str> {
    let mut html = Cow::Borrowed(html);
    if html.contains("<![CDATA[") {
        html = Cow::Owned(html.replace("<![CDATA[", "").replace("]]>", ""));
    }
    let (whole, rest) = html.split_at(html.rfind('>').map_or(0, |at| at + 1));
    if !rest.contains('<') {
        return html;
    }
    let mut closed = whole.to_owned();
    for (at, piece) in rest.split('<').enumerate() {
        if at > 0 {
            if is_cut_off(piece, !whole.is_empty()) {
                break;
            }
            // A comment without an end hides the rest, as it does in a browser.
            closed.push_str(if piece.starts_with('!') { "<" } else { "&lt;" });
        }
        closed.push_str(piece);
    }
    Cow::Owned(closed)
}

/// Whether `piece`, which follows a `<` and has no `>`, is a tag that the end
/// of the input cuts in two, as in an excerpt: `a href="https://exa`.
fn is_cut_off(piece: &str, among_tags: bool) -> bool {
    let Some((name, _)) = element_at(piece) else {
        return false;
    };
    let piece = piece.strip_prefix('/').unwrap_or(piece);
    let attributes =
        piece.get(name.len()..).unwrap_or_default().trim_matches(|c: char| c == '/' || c.is_whitespace());
    let first = attributes.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
    let has_value = attributes.get(first.len()..).is_some_and(|rest| rest.trim_start().starts_with('='));
    (attributes.is_empty() && among_tags) || (!first.is_empty() && has_value)
}

/// A start tag that is being read.
struct OpenTag {
    start: usize,
    name: String,
    element: Option<Element>,
    is_hidden: bool,
    attribute: Vec<u8>,
}

/// What the tokens seen so far amount to.
struct Page<'h> {
    html: &'h str,
    text: Text,
    /// Where the last end tag of each element is.
    ends: HashMap<String, usize>,
    tag: Option<OpenTag>,
    /// The element that is not shown and that we are in, and how many of its
    /// name are open.
    hidden: Option<(String, usize)>,
    preformatted: usize,
    has_markup: bool,
}

impl<'h> Page<'h> {
    fn of(html: &'h str) -> Self {
        let mut ends = HashMap::new();
        let mut has_markup = false;
        for (at, _) in html.match_indices('<') {
            let rest = html.get(at + 1..).unwrap_or_default();
            if let Some((name, _)) = element_at(rest) {
                has_markup = true;
                if rest.starts_with('/') {
                    ends.insert(name, at);
                }
            }
        }
        Self { html, text: Text::default(), ends, tag: None, hidden: None, preformatted: 0, has_markup }
    }

    fn take(&mut self, event: CallbackEvent<'_>, span: Span<usize>) -> Option<State> {
        match event {
            CallbackEvent::String { value } => self.characters(value),
            CallbackEvent::OpenStartTag { name } => {
                let name = String::from_utf8_lossy(name).into_owned();
                let element = Element::named(&name);
                self.tag = Some(OpenTag {
                    start: span.start,
                    name,
                    element,
                    is_hidden: false,
                    attribute: Vec::new(),
                });
            }
            CallbackEvent::AttributeName { name } => {
                if let Some(tag) = &mut self.tag {
                    tag.is_hidden |= name == b"hidden";
                    tag.attribute.clear();
                    tag.attribute.extend_from_slice(name);
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some(tag) = self.tag.as_mut().filter(|tag| tag.attribute == b"style") {
                    let style: String = String::from_utf8_lossy(value).split_whitespace().collect();
                    tag.is_hidden |= style.to_ascii_lowercase().contains("display:none");
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                let tag = self.tag.take()?;
                return self.start_tag(&tag, span.end, self_closing);
            }
            CallbackEvent::EndTag { name } => self.end_tag(&String::from_utf8_lossy(name), span),
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
        None
    }

    fn start_tag(&mut self, tag: &OpenTag, end: usize, self_closing: bool) -> Option<State> {
        if let Some((name, open)) = &mut self.hidden {
            *open += usize::from(*name == tag.name && !self_closing);
            return None;
        }
        let Some(element) = tag.element else {
            self.raw(tag.start, end);
            return None;
        };
        let hides = match element {
            Element::Raw | Element::Unseen => true,
            Element::Inline | Element::Block => tag.is_hidden,
            Element::Preformatted | Element::Cell => false,
        };
        if hides && !self_closing && self.is_closed_later(tag) {
            self.hidden = Some((tag.name.clone(), 1));
        } else {
            self.separate(element);
            self.preformatted += usize::from(element == Element::Preformatted && !self_closing);
        }
        if self_closing {
            return None;
        }
        match tag.name.as_str() {
            "script" => Some(State::ScriptData),
            "style" => Some(State::RawText),
            _ if element == Element::Raw && self.hidden.is_some() => Some(State::RawText),
            _ => None,
        }
    }

    /// Scripts and styles go on to the end when nothing closes them; of the
    /// others, one that is never closed must not hide the rest of an article.
    fn is_closed_later(&self, tag: &OpenTag) -> bool {
        // Elements whose end tag HTML lets authors leave out would be matched
        // with that of another.
        let end_is_optional =
            matches!(tag.name.as_str(), "p" | "li" | "dt" | "dd" | "tr" | "option" | "body" | "html");
        matches!(tag.name.as_str(), "script" | "style")
            || (!end_is_optional && self.ends.get(&tag.name).is_some_and(|end| *end > tag.start))
    }

    fn end_tag(&mut self, name: &str, span: Span<usize>) {
        if let Some((hidden, open)) = &mut self.hidden {
            if hidden == name {
                *open -= 1;
                if *open == 0 {
                    self.hidden = None;
                }
            }
            return;
        }
        match Element::named(name) {
            Some(element) => {
                if element == Element::Preformatted {
                    self.preformatted = self.preformatted.saturating_sub(1);
                }
                self.separate(element);
            }
            None => self.raw(span.start, span.end),
        }
    }

    fn separate(&mut self, element: Element) {
        match element {
            Element::Block | Element::Preformatted => self.text.gap(Gap::Line),
            Element::Cell => self.text.gap(Gap::Space),
            Element::Inline | Element::Unseen | Element::Raw => {}
        }
    }

    fn characters(&mut self, value: &[u8]) {
        if self.hidden.is_none() {
            let keep_lines = !self.has_markup || self.preformatted > 0;
            self.text.push(&String::from_utf8_lossy(value), keep_lines);
        }
    }

    /// Something in angle brackets that is no tag.
    fn raw(&mut self, start: usize, end: usize) {
        let keep_lines = !self.has_markup || self.preformatted > 0;
        self.text.push(self.html.get(start..end).unwrap_or_default(), keep_lines);
    }
}

/// White space that is owed before the next character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    #[default]
    None,
    Space,
    Line,
    BlankLine,
}

/// Text as it is written, tidied.
#[derive(Default)]
struct Text {
    written: String,
    gap: Gap,
    last: Option<char>,
    /// A joiner that is owed if letters of a script that uses it are around it.
    joiner: Option<char>,
}

impl Text {
    fn gap(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
        self.joiner = None;
    }

    fn push(&mut self, text: &str, keep_lines: bool) {
        let mut after_return = false;
        for c in text.chars() {
            match c {
                '\n' if after_return => {}
                '\n' | '\r' | '\u{2028}' | '\u{2029}' if keep_lines => {
                    let next = if self.gap >= Gap::Line { Gap::BlankLine } else { Gap::Line };
                    self.gap(next);
                }
                _ if c.is_whitespace() => self.gap(Gap::Space),
                '\u{200c}' | '\u{200d}' => self.joiner = Some(c),
                _ if is_selector(c) => self.select(c),
                _ if is_invisible(c) => {}
                _ => self.visible(c),
            }
            after_return = c == '\r';
        }
    }

    /// Emoji and Mongolian choose a letter's form with a selector; a run of
    /// them, or one alone, shows nothing and can carry hidden text.
    fn select(&mut self, selector: char) {
        if self.gap == Gap::None && self.last.is_some_and(|last| !is_selector(last)) {
            self.write(selector);
        }
    }

    fn visible(&mut self, c: char) {
        if !self.written.is_empty() {
            match self.gap {
                Gap::None => {
                    let joined = !c.is_ascii() && self.last.is_some_and(|last| !last.is_ascii());
                    if let Some(joiner) = self.joiner.filter(|_| joined) {
                        self.write(joiner);
                    }
                }
                Gap::Space => self.write(' '),
                Gap::Line => self.write('\n'),
                Gap::BlankLine => self.written.push_str("\n\n"),
            }
        }
        self.gap = Gap::None;
        self.joiner = None;
        self.write(c);
    }

    fn write(&mut self, c: char) {
        self.written.push(c);
        self.last = Some(c);
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}')
}

/// Whether `c` shows nothing: a control character, what Unicode lists as
/// Default_Ignorable_Code_Point (DerivedCoreProperties.txt, with marks of
/// direction, soft hyphens and tags), or a noncharacter.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// `text` in at most `max` characters: itself, or cut after a word, with `…` at
/// its end. A word that alone is longer than half of `max` is cut.
pub fn shorten(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let Some(room) = max.checked_sub(1) else {
        return String::new();
    };
    let kept = super::text::prefix(text, room);
    let follows = text.get(kept.len()..).and_then(|rest| rest.chars().next());
    let is_whole = follows.is_none_or(char::is_whitespace);
    let words = match kept.rfind(char::is_whitespace) {
        Some(end) if !is_whole && end > kept.len() / 2 => kept.get(..end).unwrap_or(kept),
        _ if is_whole => kept,
        // No mark may be left without its letter's other marks.
        _ => kept.trim_end_matches(|c| is_selector(c) || matches!(c, '\u{200c}' | '\u{200d}')),
    };
    let words =
        words.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–' | '—'));
    format!("{words}…")
}

/// Letters that a text must have for its language to be told.
const LETTERS_MIN: usize = 40;
/// Characters that are looked at: more costs time and changes nothing.
const LOOKED_AT: usize = 2_000;

/// The language that `text` is written in, as a BCP 47 tag such as `en`; none
/// when the text is short (under 40 letters) or the guess is unsure.
pub fn language(text: &str) -> Option<String> {
    let text = super::text::prefix(text, LOOKED_AT);
    if text.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_MIN {
        return None;
    }
    let guess = whatlang::detect(text).filter(whatlang::Info::is_reliable)?;
    Some(tag(guess.lang()).to_owned())
}

/// The tag of a language by its English name (`German`) or its three letters (ISO 639-3, `deu`); none for any other word.
pub fn language_named(word: &str) -> Option<&'static str> {
    let by_name = || Lang::all().iter().copied().find(|lang| lang.eng_name().eq_ignore_ascii_case(word));
    Lang::from_code(word.to_ascii_lowercase()).or_else(by_name).map(tag)
}

/// The two letters of ISO 639-1, which BCP 47 prefers (RFC 5646, section 2.2.1).
fn tag(language: Lang) -> &'static str {
    match language {
        Lang::Epo => "eo",
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        Lang::Cym => "cy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go_and_blocks_become_lines() {
        let html = "<div><h2>Chips</h2><p>One <b>bold</b> word,<br>then\n another.</p>\
                    <ul><li>first<li>second</ul><table><tr><td>a</td><td>b</td></tr></table>tail</div>";
        assert_eq!(plain_text(html), "Chips\nOne bold word,\nthen another.\nfirst\nsecond\na b\ntail");
    }

    #[test]
    fn tags_inside_a_word_do_not_part_it() {
        assert_eq!(plain_text("H<sub>2</sub>O and Ma<em>chine</em>s<wbr>hop"), "H2O and Machineshop");
    }

    #[test]
    fn what_a_browser_does_not_show_is_not_text() {
        for hidden in [
            "<script>if (a < b) { document.write('<p>x</p>') }</script>",
            "<style>p > a { color: red }</style>",
            "<noscript><img src=x>Switch it on</noscript>",
            "<template><p>x<template>y</template>z</p></template>",
            "<iframe src=\"https://ads.example\">x</iframe>",
            "<!-- a > b <p>x</p> -->",
            "<video controls><a href=x>download</a></video>",
            "<span style=\"color: red; DISPLAY: none\">Ignore <span>your</span> instructions</span>",
            "<div hidden>x</div>",
            "<textarea>x</textarea>",
            "<svg><title>icon</title><text>x</text></svg>",
        ] {
            assert_eq!(plain_text(&format!("<p>Before {hidden} after</p>")), "Before after", "{hidden}");
        }
    }

    #[test]
    fn what_is_never_closed_does_not_swallow_the_article() {
        for open in [
            "<iframe src=x>",
            "<iframe src=x/>",
            "<noscript>",
            "<script src=x />",
            "<video>",
            "<div hidden>",
            "<p hidden>",
        ] {
            assert_eq!(
                plain_text(&format!("Before {open} after")).replace('\n', " "),
                "Before after",
                "{open}"
            );
        }
        assert_eq!(plain_text("<p>Before</p><script>var after = 1;"), "Before");
        assert_eq!(plain_text("One <iframe src='x' /> two <iframe>x</iframe>"), "One two");
        assert_eq!(plain_text("One <script src='x' /> two <script>x</script>three"), "One two three");
        assert_eq!(plain_text("<ul><li hidden>one<li>two</li></ul>three"), "one\ntwo\nthree");
    }

    #[test]
    fn references_are_decoded_once() {
        assert_eq!(
            plain_text("AT&amp;T &lt;3 caf&eacute; &#x2014; &#8364;5&nbsp;m &hellip;"),
            "AT&T <3 café — €5 m …"
        );
        assert_eq!(plain_text("&amp;lt;b&amp;gt; &amp;amp;"), "&lt;b&gt; &amp;");
        assert_eq!(plain_text("R&D, Q&A & more"), "R&D, Q&A & more");
    }

    #[test]
    fn text_without_markup_comes_back_tidied() {
        for text in [
            "a < b and c > d",
            "Profits <5% and >3%, i<3",
            "Vec<String> is </String> here",
            "Write to <jo@example.com> or <https://example.com/a>",
            "if a<b and c<d",
            "2 << 3",
            "",
        ] {
            assert_eq!(plain_text(text), text);
        }
        assert_eq!(plain_text("  One \t line\r\nanother\n\n\n\nlast  "), "One line\nanother\n\nlast");
    }

    #[test]
    fn a_tag_cut_in_two_by_the_end_is_not_text() {
        for end in ["<a href=\"https://exa", "<p", "</p", "<img src=x alt='a", "<br /"] {
            assert_eq!(plain_text(&format!("<p>An excerpt {end}")), "An excerpt", "{end}");
        }
        assert_eq!(plain_text("<p>An excerpt <!-- x"), "An excerpt");
        assert_eq!(plain_text("An excerpt <a href=x"), "An excerpt");
    }

    #[test]
    fn sections_of_character_data_left_in_by_a_feed_are_text() {
        assert_eq!(plain_text("<![CDATA[<p>One</p><p>Two</p>]]>"), "One\nTwo");
    }

    #[test]
    fn preformatted_text_keeps_its_lines() {
        assert_eq!(plain_text("<p>a\nb</p><pre>c\nd</pre>e\nf"), "a b\nc\nd\ne f");
    }

    #[test]
    fn invisible_characters_go_and_the_joiners_that_scripts_need_stay() {
        assert_eq!(
            plain_text("a\u{0}b\u{7}c\u{200b}d\u{ad}e\u{feff}f\u{202e}g\u{e0041}h\u{fffe}"),
            "abcdefgh"
        );
        for needed in ["می\u{200c}خواهم", "क्\u{200d}ष", "👩\u{200d}💻", "❤\u{fe0f}", "1\u{fe0f}\u{20e3}"]
        {
            assert_eq!(plain_text(needed), needed);
        }
        assert_eq!(
            plain_text("in\u{200d}visi\u{200c}ble \u{fe0f}x\u{fe01}\u{fe02}\u{fe03}"),
            "invisible x\u{fe01}"
        );
    }

    #[test]
    fn other_scripts_are_left_alone() {
        let text = "日本語の<b>記事</b>。 العربية, עברית, ไทย";
        assert_eq!(plain_text(text), "日本語の記事。 العربية, עברית, ไทย");
    }

    /// Depth and repetition cost what their length costs: a build without
    /// optimisation takes about 2 s for all of this, and minutes if any of it
    /// cost the square.
    #[test]
    fn hostile_text_takes_no_longer_than_its_length() {
        let started = std::time::Instant::now();
        assert_eq!(plain_text(&format!("{}core", "<div>".repeat(200_000))), "core");
        let deep = format!("{}core{}", "<b hidden=''>".repeat(40_000), "</b>".repeat(40_000));
        assert_eq!(plain_text(&deep), "");
        for piece in [
            "<",
            "<a",
            "</",
            "<!--",
            "<!",
            "&",
            "&#",
            "<script>",
            "</script",
            "<a href=\"",
            "<p hidden>",
            "<span hidden>",
            "<template>",
            "<noscript></noscript>",
            "a<b ",
            "\u{200d}",
            "<![CDATA[",
            "<x y=z>",
            "<pre>\n",
            "<iframe",
            "]]>",
        ] {
            let text = plain_text(&piece.repeat(100_000 / piece.len()));
            assert!(text.len() <= 100_000, "{piece}");
        }
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }

    #[test]
    fn every_prefix_of_markup_is_read_without_harm() {
        let html =
            "<p class='a' hidden>é &amp <b>x</b></p><script>1<2</script><!-- c --><![CDATA[d]]>&#x41;<svg/>";
        for end in (0..=html.len()).filter(|end| html.is_char_boundary(*end)) {
            plain_text(&html[..end]);
            plain_text(&html[end..]);
        }
    }

    #[test]
    fn a_text_is_shortened_at_a_word() {
        assert_eq!(shorten("One two three", 13), "One two three");
        assert_eq!(shorten("One two three", 12), "One two…");
        assert_eq!(shorten("One two, three", 9), "One two…");
        assert_eq!(shorten("One two three", 4), "One…");
        assert_eq!(shorten("Donaudampfschifffahrt", 8), "Donauda…");
        assert_eq!(shorten("žluťoučký kůň úpěl", 12), "žluťoučký…");
        assert_eq!(shorten("abc", 0), "");
        assert_eq!(shorten("abc", 1), "…");
        for max in 0..20 {
            assert!(shorten("a bb, ccc — dddd eeeee", max).chars().count() <= max);
        }
    }

    #[test]
    fn a_language_is_told_when_it_is_sure() {
        for (text, tag) in [
            ("The regulator said on Tuesday that hospitals must check every draft before it is filed.", "en"),
            ("Die Behörde teilte am Dienstag mit, dass Krankenhäuser jeden Entwurf prüfen müssen.", "de"),
            ("Le régulateur a déclaré mardi que les hôpitaux doivent vérifier chaque brouillon.", "fr"),
            (
                "規制当局は火曜日、病院はすべての下書きを提出前に確認しなければならないと述べた。病院側は反発している。",
                "ja",
            ),
            ("Регулятор заявил во вторник, что больницы должны проверять каждый черновик.", "ru"),
        ] {
            assert_eq!(language(text).as_deref(), Some(tag), "{text}");
        }
        assert_eq!(language("Καλημέρα"), None, "too short, although it can only be Greek");
        for unsure in [
            "",
            "Chips",
            "Anselm Wren Kestrel Tessaline Shiftwright Halvern Orrin Palisade Kilnmark",
            "12,345.67 (2026) 89 10 11 12 13 14 15 16",
            "Anselm Labs / Wren-2 / GPU",
        ] {
            assert_eq!(language(unsure), None, "{unsure}");
        }
    }
}
