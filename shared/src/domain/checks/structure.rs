//! What a prompt asks of an answer's form, and whether the answer has it.
//!
//! Only what is certain is taken: a list of sections behind a line or heading
//! that says so, sections named in quotation marks, bullet points, a table,
//! JSON, a limit of words on the whole answer. A sentence that forbids, allows,
//! sets a condition or gives an example asks for nothing, and so does a limit
//! on a part of the answer.

use std::collections::HashSet;

use super::super::clean::shorten;
use super::markdown::{Block, Document, Kind};
use super::sentences;
use super::{NAME_MAX, StructureCheck, is_one_of};

/// Things asked for that are listed.
const ASKED_MAX: usize = 30;
/// Word counts differ by how words are counted, so that much is let pass, in
/// hundredths.
const TOLERANCE: u64 = 5;

/// What `prompt` asks for, in its order, and whether `answer` has it.
pub fn check(prompt: &Document, document: &Document, answer: &str) -> Vec<StructureCheck> {
    let wanted = wanted(prompt);
    if wanted.is_empty() {
        return Vec::new();
    }
    let titles: Vec<Vec<String>> =
        document.blocks.iter().flat_map(titles).map(|title| title_words(&title)).collect();
    let has = |test: fn(&Block) -> bool| document.blocks.iter().any(test);
    wanted
        .into_iter()
        .map(|wanted| {
            let found = match &wanted {
                Wanted::Section(title) => has_title(&titles, title),
                Wanted::Bullets => has(|block| block.item.is_some()),
                Wanted::NumberedList => has(|block| block.item.is_some_and(|item| item.is_ordered)),
                Wanted::Table => has(|block| matches!(block.kind, Kind::TableHead | Kind::TableRow)),
                Wanted::Json => {
                    is_json(answer)
                        || document
                            .blocks
                            .iter()
                            .any(|block| block.kind == Kind::Code && is_json(&block.text))
                }
                Wanted::Words(limit) => limit.allows(document.words),
            };
            StructureCheck { asked: wanted.to_string(), found }
        })
        .collect()
}

/// What a prompt can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Section(String),
    Bullets,
    NumberedList,
    Table,
    Json,
    Words(WordLimit),
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Section(title) => write!(f, "A section \"{}\"", shorten(title, NAME_MAX)),
            Self::Bullets => f.write_str("Bullet points"),
            Self::NumberedList => f.write_str("A numbered list"),
            Self::Table => f.write_str("A table"),
            Self::Json => f.write_str("JSON"),
            Self::Words(limit) => limit.fmt(f),
        }
    }
}

/// How many words the whole answer may have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WordLimit {
    least: Option<u64>,
    most: Option<u64>,
    /// "unless the question asks for more".
    proviso: String,
}

impl WordLimit {
    fn allows(&self, words: u64) -> bool {
        let enough = self.least.is_none_or(|least| words * 100 >= least.saturating_mul(100 - TOLERANCE));
        enough && self.most.is_none_or(|most| words * 100 <= most.saturating_mul(100 + TOLERANCE))
    }
}

impl std::fmt::Display for WordLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) => write!(f, "{least} to {most} words")?,
            (Some(least), None) => write!(f, "At least {least} words")?,
            (None, Some(most)) => write!(f, "At most {most} words")?,
            (None, None) => f.write_str("Words")?,
        }
        if self.proviso.is_empty() { Ok(()) } else { write!(f, " {}", shorten(&self.proviso, NAME_MAX)) }
    }
}

fn wanted(prompt: &Document) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    let mut limits = Vec::new();
    let mut templates = HashSet::new();
    // The deepest of the prompt's headings so far.
    let mut deepest = 0;
    // What stands under a heading of the answer's template is about that part.
    let mut in_template = false;
    for (at, block) in prompt.blocks.iter().enumerate() {
        if let Kind::Heading(level) = block.kind {
            deepest = deepest.max(level);
            in_template = templates.contains(&at);
        }
        sections_after(&prompt.blocks, at, deepest, &mut wanted, &mut templates);
        if block.kind != Kind::Text {
            continue;
        }
        for sentence in statements(block) {
            let sentence = sentence.as_str();
            named_sections(sentence, block, &mut wanted);
            forms(sentence, &mut wanted);
            if !in_template && is_about_the_whole(block) {
                limits.extend(word_limit(sentence));
            }
        }
    }
    // Two different limits: at least one of them is not on the whole answer.
    limits.dedup();
    if let [limit] = limits.as_slice() {
        wanted.push(Wanted::Words(limit.clone()));
    }
    let mut seen = HashSet::new();
    wanted.retain(|wanted| seen.insert(wanted.to_string().to_lowercase()));
    wanted.truncate(ASKED_MAX);
    wanted
}

/// Whether a list item is about the whole answer, not about the part it names.
fn is_about_the_whole(block: &Block) -> bool {
    if block.item.is_none() {
        return true;
    }
    let label = if block.bold > 0 {
        block.bold_label().to_owned()
    } else {
        label_of(&block.text).unwrap_or_default()
    };
    label.is_empty()
        || words(&label)
            .iter()
            .any(|word| matches!(word.as_str(), "length" | "limit" | "word" | "words" | "format" | "size"))
}

/// The sentences of a block. Prompts are written in lines that have no point at
/// their end, too: a line that begins with a small letter goes on with the last.
fn statements(block: &Block) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in block.text.lines().map(str::trim) {
        match lines.last_mut() {
            Some(last) if line.starts_with(char::is_lowercase) => {
                last.push(' ');
                last.push_str(line);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
        .iter()
        .flat_map(|line| sentences::sentences(line).into_iter().filter_map(|place| line.get(place)))
        .map(|sentence| sentence.trim().to_owned())
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

/// Words in lower case, without the marks around them.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a sentence, by its words, forbids, allows, sets a condition or gives
/// an example.
fn is_uncertain(words: &[String]) -> bool {
    words.iter().zip(words.iter().skip(1).map(String::as_str).chain([""])).any(|(word, next)| {
        match word.as_str() {
            "like" => !matches!(next, "this" | "these" | "so"),
            "no" | "not" => !matches!(next, "more" | "fewer" | "less" | "longer" | "shorter" | "only"),
            "never" | "avoid" | "without" | "instead" | "rather" | "if" | "when" | "whenever" | "where"
            | "unless" | "may" | "might" | "can" | "could" | "optional" | "optionally" | "example"
            | "examples" | "e.g" | "such" | "prefer" | "preferably" | "either" | "needed" | "necessary"
            | "appropriate" | "helpful" | "user" | "input" => true,
            _ => word.ends_with("n't") || word.ends_with("n’t"),
        }
    })
}

/// The sections that the block at `at` introduces, if it does: those of a list,
/// of headings, of a template in a code block, or in the same line.
fn sections_after(
    blocks: &[Block],
    at: usize,
    deepest: u8,
    wanted: &mut Vec<Wanted>,
    templates: &mut HashSet<usize>,
) {
    /// Blocks of a list that are looked at.
    const LIST_MAX: usize = 200;
    let Some(block) = blocks.get(at) else {
        return;
    };
    let lead = match block.kind {
        Kind::Heading(_) => Lead::of_heading(&block.text),
        Kind::Text => statements(block).last().and_then(|sentence| Lead::of_sentence(sentence)),
        _ => None,
    };
    let Some(lead) = lead else {
        return;
    };
    let titles = match blocks.get(at + 1) {
        Some(next) if next.kind == Kind::Code => template_titles(&next.text),
        Some(Block { kind: Kind::Heading(level), .. }) => {
            // A level that the prompt itself uses is no template's.
            if *level > deepest { headings_below(blocks, at, *level, templates) } else { Vec::new() }
        }
        Some(Block { item: Some(item), .. }) if block.item.is_none_or(|own| own.list != item.list) => {
            let items: Vec<&Block> = blocks
                .iter()
                .skip(at + 1)
                .take(LIST_MAX)
                .take_while(|block| block.item.is_some())
                .filter(|block| block.item.is_some_and(|other| other.list == item.list && other.is_first))
                .collect();
            list_titles(&items, lead)
        }
        _ => Vec::new(),
    };
    wanted.extend(titles.into_iter().map(Wanted::Section));
}

/// How certain a line or heading is that sections follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    /// "Use these sections:".
    Sections,
    /// "# Output": rules follow, or sections.
    Output,
}

impl Lead {
    fn of_heading(heading: &str) -> Option<Self> {
        const WORDS_MAX: usize = 5;
        const OTHERS: &str = "input citation citations tool tools example examples data";
        let words = words(heading);
        if words.len() > WORDS_MAX || has_one_of(&words, OTHERS) {
            None
        } else if has_one_of(&words, "structure sections template outline") {
            Some(Self::Sections)
        } else {
            has_one_of(&words, "output format response deliverable").then_some(Self::Output)
        }
    }

    fn of_sentence(sentence: &str) -> Option<Self> {
        const OTHERS: &str = "citation citations cite link links date dates tool tools json object fields";
        const PARTS: &str =
            "section sections heading headings structure structured outline organise organize";
        let words = words(sentence);
        if !sentence.ends_with(':') || is_uncertain(&words) || has_one_of(&words, OTHERS) {
            None
        } else if has_one_of(&words, PARTS) {
            Some(Self::Sections)
        } else {
            has_one_of(&words, "format formatted template contain contains").then_some(Self::Output)
        }
    }
}

fn has_one_of(words: &[String], list: &str) -> bool {
    words.iter().any(|word| is_one_of(word, list))
}

/// The titles that the items of a list name; none unless each does.
fn list_titles(items: &[&Block], lead: Lead) -> Vec<String> {
    // "Tone: formal" is a rule, not a section.
    const RULES: &str = "tone style length format language audience voice words word bullets headings tables \
        numbers dates units citations citation markdown use write keep avoid include start begin \
        then close end give cite state do be no never always if each every";
    let numbered = items.iter().all(|block| block.item.is_some_and(|item| item.is_ordered));
    if items.len() < 2 || (lead == Lead::Output && !numbered) {
        return Vec::new();
    }
    let titles: Option<Vec<String>> = items
        .iter()
        .map(|block| match block.bold_label() {
            "" if lead == Lead::Sections => label_of(&block.text),
            "" => None,
            label => Some(label.to_owned()),
        })
        .collect();
    let titles = titles.unwrap_or_default();
    if titles.iter().any(|title| has_one_of(&words(title), RULES)) {
        Vec::new()
    } else {
        without_placeholders(titles)
    }
}

/// The title that a list item begins with: all of it when it is short, or what
/// is before a colon, a dash or a bracket.
fn label_of(text: &str) -> Option<String> {
    const WORDS_MAX: usize = 6;
    let line = text.trim().lines().next().unwrap_or_default();
    let mut label = line;
    for mark in [":", " – ", " — ", " - ", " ("] {
        label = label.split_once(mark).map_or(label, |(before, _)| before);
    }
    // "Start with the answer." is a sentence.
    if label.ends_with('.') {
        return None;
    }
    let label = label.trim().trim_end_matches([',', ';']).trim_matches(['"', '“', '”', '*', '#', ' ']);
    let count = label.split_whitespace().count();
    let is_title = label.starts_with(|c: char| c.is_alphanumeric() && !c.is_lowercase());
    (is_title && (1..=WORDS_MAX).contains(&count)).then(|| label.to_owned())
}

fn without_placeholders(titles: Vec<String>) -> Vec<String> {
    titles
        .into_iter()
        .filter(|title| !title.contains(['[', ']', '{', '}', '<', '>', '…']))
        .map(|title| plain_title(&title))
        .filter(|title| !title.is_empty())
        .collect()
}

/// A title without what explains it: "Risks (three at most)".
fn plain_title(title: &str) -> String {
    title.split(" (").next().unwrap_or_default().trim().trim_end_matches(':').to_owned()
}

/// The headings of a template that stands in a code block.
fn template_titles(code: &str) -> Vec<String> {
    let titles = code.lines().filter_map(|line| {
        let title = line.trim().trim_start_matches('#');
        (title.len() < line.trim().len() && title.starts_with(' ')).then(|| title.trim().to_owned())
    });
    without_placeholders(titles.collect())
}

/// The headings of `level` that follow the block at `at`, up to one above them.
fn headings_below(blocks: &[Block], at: usize, level: u8, templates: &mut HashSet<usize>) -> Vec<String> {
    let level_of = |block: &Block| match block.kind {
        Kind::Heading(level) => Some(level),
        _ => None,
    };
    let mut titles = Vec::new();
    for (place, block) in blocks.iter().enumerate().skip(at + 1) {
        match level_of(block) {
            Some(other) if other < level => break,
            Some(other) => {
                templates.insert(place);
                if other == level {
                    titles.push(block.text.trim().to_owned());
                }
            }
            None => {}
        }
    }
    without_placeholders(titles)
}

/// Sections that a sentence itself names: `Sections: A, B and C`, `Structure
/// your answer as: 1. A 2. B`, `a section "A"`, `the headings "A" and "B"`,
/// and headings in code.
fn named_sections(sentence: &str, block: &Block, wanted: &mut Vec<Wanted>) {
    let words = words(sentence);
    if is_uncertain(&words) {
        return;
    }
    let mut titles = Vec::new();
    if let Some((lead, rest)) = sentence.split_once(':') {
        let about = self::words(lead);
        let last = about.last().map_or("", String::as_str);
        if matches!(last, "sections" | "headings") {
            titles = comma_titles(rest);
        } else if Lead::of_sentence(&format!("{lead}:")) == Some(Lead::Sections) {
            titles = numbered_titles(rest);
        }
    }
    titles.extend(quoted_titles(sentence));
    let code = block.code.iter().filter_map(|place| block.text.get(place.clone()));
    for code in code.filter(|code| code.starts_with('#')).take(ASKED_MAX) {
        if sentence.contains(code) {
            titles.extend(template_titles(code));
        }
    }
    wanted.extend(without_placeholders(titles).into_iter().map(Wanted::Section));
}

/// "Summary, Risks and Outlook."
fn comma_titles(rest: &str) -> Vec<String> {
    const WORDS_MAX: usize = 6;
    let rest = rest.trim().trim_end_matches('.');
    let mut pieces: Vec<&str> = rest.split([',', ';']).map(str::trim).collect();
    if let Some((one, other)) = pieces.last().and_then(|last| last.split_once(" and ")) {
        pieces.pop();
        pieces.extend([one, other]);
    }
    let titles: Vec<String> = pieces
        .into_iter()
        .map(|piece| piece.strip_prefix("and ").unwrap_or(piece))
        .map(|piece| {
            piece.trim_matches(|c: char| {
                !c.is_alphanumeric() && !matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
            })
        })
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect();
    let are_titles = titles.len() >= 2
        && titles.iter().all(|title| title.split_whitespace().count() <= WORDS_MAX && !title.contains('.'));
    if are_titles { titles } else { Vec::new() }
}

/// "1. Summary 2. Risks 3. Outlook"
fn numbered_titles(rest: &str) -> Vec<String> {
    let mut titles = Vec::new();
    let mut current: Option<String> = None;
    let mut expected = 1;
    for word in rest.split_whitespace() {
        let number =
            word.trim_start_matches('(').strip_suffix(['.', ')']).and_then(|number| number.parse().ok());
        if number == Some(expected) {
            titles.extend(current.replace(String::new()));
            expected += 1;
        } else if let Some(title) = &mut current {
            if !title.is_empty() {
                title.push(' ');
            }
            title.push_str(word);
        }
    }
    titles.extend(current);
    let titles: Option<Vec<String>> =
        titles.iter().map(|title| label_of(title.trim_end_matches(['.', ';']))).collect();
    titles.filter(|titles| titles.len() >= 2).unwrap_or_default()
}

/// What stands in quotation marks beside the word "section" or "heading".
fn quoted_titles(sentence: &str) -> Vec<String> {
    const WORDS_MAX: usize = 6;
    let mut titles = Vec::new();
    // Quotation marks part a sentence into what is outside and inside in turn.
    let parts: Vec<&str> = sentence.split(['"', '“', '”']).collect();
    let mut follows_another = false;
    for (at, inside) in parts.iter().enumerate().skip(1).step_by(2) {
        let before = words(parts.get(at - 1).copied().unwrap_or_default());
        let after = words(parts.get(at + 1).copied().unwrap_or_default());
        let is_word = |word: Option<&String>| {
            word.is_some_and(|word| matches!(word.as_str(), "section" | "sections" | "heading" | "headings"))
        };
        let named = match before.last().map(String::as_str) {
            Some("titled" | "called" | "named" | "labelled" | "labeled" | "headed") => {
                is_word(before.iter().rev().nth(1))
            }
            _ => is_word(before.last()),
        };
        let goes_on = follows_another && (before.is_empty() || before == ["and"]);
        let is_title = parts.get(at + 1).is_some()
            && (named || goes_on || is_word(after.first()))
            && (1..=WORDS_MAX).contains(&inside.split_whitespace().count());
        if is_title {
            titles.push(inside.trim().trim_start_matches('#').trim().to_owned());
        }
        follows_another = is_title;
    }
    titles
}

/// The forms that a sentence asks for.
fn forms(sentence: &str, wanted: &mut Vec<Wanted>) {
    // "use bullet points", "three bullet points", "as a short Markdown table".
    const BEFORE_LISTS: &str = "use using as in with give write provide present include add produce return \
        output format list make most than to up of into end start two three four five six seven eight ten";
    const BEFORE_TABLES: &str = "include add give provide present use using as in with produce make output \
        return format write end start";
    // "Respond in JSON", not "The tools return JSON".
    const ORDERS: &str = "respond reply answer return output produce write emit format be give";
    const BEFORE_ORDERS: &str = "and then must should always please only to";
    let words = words(sentence);
    if is_uncertain(&words) {
        return;
    }
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let before = |at: usize, count: usize| words.get(at.saturating_sub(count)..at).unwrap_or_default();
    let asks_for_list = |at: usize| {
        let before = before(at, 5);
        has_one_of(before, BEFORE_LISTS)
            || before.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    };
    for at in 0..words.len() {
        // "a list or a table" leaves the choice.
        if word(at + 1) == "or" || word(at + 2) == "or" || has_one_of(before(at, 4), "or") {
            continue;
        }
        match (word(at), word(at + 1)) {
            ("bullet", "points" | "point" | "list" | "lists")
            | ("bullets" | "bulleted" | "bullet-points", _)
                if asks_for_list(at) =>
            {
                wanted.push(Wanted::Bullets);
            }
            ("numbered", "list" | "points") if asks_for_list(at) => wanted.push(Wanted::NumberedList),
            ("table", next)
                if (next != "of" || word(at + 2) != "contents")
                    && has_one_of(before(at, 4), "a one markdown")
                    && has_one_of(before(at, 6), BEFORE_TABLES) =>
            {
                wanted.push(Wanted::Table);
            }
            ("json", _) => {
                let is_order = |verb: usize| {
                    let begins = verb == 0 || is_one_of(word(verb - 1), BEFORE_ORDERS);
                    begins && is_one_of(word(verb), ORDERS)
                };
                if (at.saturating_sub(5)..at).any(is_order) {
                    wanted.push(Wanted::Json);
                }
            }
            _ => {}
        }
    }
}

/// The limit of words that a sentence sets on the whole answer.
fn word_limit(sentence: &str) -> Option<WordLimit> {
    // What makes a limit one on a part of the answer, or on none.
    const PARTS: &str = "each every per title titles headline headlines summary paragraph paragraphs section \
        sections bullet bullets sentence sentences item items finding findings point points \
        abstract quote quotes quotation quotations row rows cell cells heading headings intro \
        introduction conclusion opening first if when about around roughly approximately ideally \
        query article articles caption example tagline cited";
    let (sentence, proviso) = match sentence.find(" unless ") {
        Some(at) => sentence.split_at(at),
        None => (sentence, ""),
    };
    let words: Vec<String> = words(&sentence.replace(['–', '—'], "-"));
    if has_one_of(&words, PARTS) {
        return None;
    }
    let mut found = (0..words.len()).filter_map(|at| limit_at(&words, at));
    let (least, most) = found.next()?;
    let proviso = proviso.trim().trim_end_matches('.').to_owned();
    found.next().is_none().then_some(WordLimit { least, most, proviso })
}

/// The least and the most that is meant by the word "words" (or "400-word") at `at`.
fn limit_at(words: &[String], at: usize) -> Option<(Option<u64>, Option<u64>)> {
    let word = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", String::as_str);
    let before = |count: usize| word(at.checked_sub(count));
    let is_limit_noun = |word: &str| matches!(word, "limit" | "maximum" | "max" | "cap");
    if let Some(number) = word(Some(at)).strip_suffix("-word") {
        return match range(number) {
            Some((least, most)) => Some((Some(least), Some(most))),
            None if is_limit_noun(word(Some(at + 1))) => Some((None, Some(number_of(number)?))),
            None => None,
        };
    }
    if !matches!(word(Some(at)), "words" | "word") {
        return None;
    }
    if let Some((least, most)) = range(before(1)) {
        return Some((Some(least), Some(most)));
    }
    let number = number_of(before(1))?;
    let joins_range = before(2) == "to" || (before(2) == "and" && before(4) == "between");
    if let Some(least) = number_of(before(3)).filter(|least| joins_range && *least <= number) {
        return Some((Some(least), Some(number)));
    }
    let after = (word(Some(at + 1)), word(Some(at + 2)));
    let is_least = matches!((before(3), before(2)), ("at", "least") | ("minimum", "of") | (_, "minimum"));
    let is_most = matches!(
        (before(3), before(2)),
        ("at", "most")
            | ("more" | "fewer" | "less" | "longer", "than")
            | ("maximum" | "max" | "limit", "of")
            | ("up", "to")
            | ("exceed", _)
            | (_, "maximum" | "max" | "under" | "below" | "within" | "exceed" | "exceeding")
    ) || (before(2) == "to"
        && words.iter().any(|word| matches!(word.as_str(), "limit" | "limited" | "keep")))
        || matches!(
            after,
            ("or", "less" | "fewer" | "under") | ("at", "most") | ("maximum" | "max" | "limit", _)
        );
    // "more than 400 words", without "no" before it, is the least.
    let is_more_than =
        before(3) == "more" && before(2) == "than" && !matches!(before(4), "no" | "not" | "never");
    match (is_least || is_more_than, is_most) {
        (true, _) => Some((Some(number), None)),
        (false, true) => Some((None, Some(number))),
        (false, false) => None,
    }
}

fn number_of(word: &str) -> Option<u64> {
    const WORDS_MAX: u64 = 1_000_000;
    word.replace(',', "").parse().ok().filter(|number| (1..=WORDS_MAX).contains(number))
}

/// "200-300".
fn range(word: &str) -> Option<(u64, u64)> {
    let (least, most) = word.split_once('-')?;
    Some((number_of(least)?, number_of(most)?)).filter(|(least, most)| least <= most)
}

/// What serves as a block's title: a heading, a bold line, or the label that it
/// begins with.
fn titles(block: &Block) -> Vec<String> {
    const LABEL_MAX: usize = 80;
    match block.kind {
        Kind::Heading(_) => vec![block.text.clone()],
        Kind::Text => {
            let start = super::super::text::prefix(&block.text, LABEL_MAX);
            let label = start.split_once(':').map(|(label, _)| label.to_owned());
            let bold = block.bold_label();
            label
                .into_iter()
                .chain((!bold.is_empty()).then(|| super::super::text::prefix(bold, LABEL_MAX).to_owned()))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The words of a title by which it is compared: without numbering, small words
/// and the plural's "s".
fn title_words(title: &str) -> Vec<String> {
    title
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .map(|word| word.trim_matches(['\'', '’']))
        .filter(|word| !word.is_empty() && !matches!(*word, "the" | "a" | "an" | "and" | "of" | "section"))
        .filter(|word| {
            !word.bytes().all(|b| b.is_ascii_digit())
                && !matches!(*word, "i" | "ii" | "iii" | "iv" | "v" | "vi")
        })
        .map(|word| word.strip_suffix('s').filter(|stem| stem.len() > 2).unwrap_or(word).to_owned())
        .collect()
}

/// Whether one of `titles` is `title`, loosely: the words of one are among those
/// of the other, and at least half of them.
fn has_title(titles: &[Vec<String>], title: &str) -> bool {
    let asked = title_words(title);
    if asked.is_empty() {
        return true;
    }
    titles.iter().any(|found| {
        let shared = asked.iter().filter(|word| found.contains(word)).count();
        shared > 0 && (shared == asked.len() || (shared == found.len() && 2 * shared >= asked.len()))
    })
}

/// Whether `text` is a JSON object or array.
fn is_json(text: &str) -> bool {
    let text = text.trim();
    text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(prompt: &str) -> Vec<String> {
        wanted(&Document::read(prompt)).iter().map(Wanted::to_string).collect()
    }

    fn sections(prompt: &str) -> Vec<String> {
        let strip = |asked: String| {
            asked.strip_prefix("A section \"").and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
        };
        asked(prompt).into_iter().filter_map(strip).collect()
    }

    fn found(prompt: &str, answer: &str) -> Vec<bool> {
        check(&Document::read(prompt), &Document::read(answer), answer)
            .into_iter()
            .map(|check| check.found)
            .collect()
    }

    #[test]
    fn the_default_prompt_asks_for_four_sections_and_at_most_400_words() {
        assert_eq!(
            asked(include_str!("../default_research.md")),
            [
                "A section \"Answer\"",
                "A section \"Findings\"",
                "A section \"Disagreement and uncertainty\"",
                "A section \"Gaps\"",
                "At most 400 words unless the question asks for more"
            ]
        );
    }

    #[test]
    fn an_answer_to_the_default_prompt_has_what_it_asks_for() {
        let prompt = include_str!("../default_research.md");
        let by_headings = "## Answer\nYes.\n\n## Key findings\n- One.\n\n## Disagreements & Uncertainty\nNone.\n\n## Gaps\nMany.";
        let by_labels = "1. **Answer**: Yes.\n2. **Findings**: One.\n3. **Disagreement and uncertainty**: None.\n4. **Gaps:** Many.";
        let by_lines = "**Answer**\n\nYes.\n\n**Findings:**\n\n- One.\n\nDisagreement and uncertainty: none.\n\nGaps: many.";
        for answer in [by_headings, by_labels, by_lines] {
            assert_eq!(found(prompt, answer), [true; 5], "{answer}");
        }
        let without = format!("## Answer\nYes. {}", "word ".repeat(500));
        assert_eq!(found(prompt, &without), [true, false, false, false, false]);
    }

    #[test]
    fn sections_are_read_from_lists_lines_headings_and_templates() {
        for prompt in [
            "Sections: Summary, Risks, Next steps",
            "Use the following sections: Summary, Risks and Next steps.",
            "Write a brief with three sections: \"Summary\", \"Risks\" and \"Next steps\".",
            "Structure your answer as: 1. Summary 2. Risks 3. Next steps",
            "Structure your answer as follows:\n1. Summary\n2. Risks (three at most)\n3. Next steps: who does what",
            "Use these headings:\n- Summary\n- Risks\n- Next steps",
            "The report is structured like this:\n\n- **Summary**: two sentences\n- **Risks** – the worst first\n- **Next steps**",
            "## Output format\n1. **Summary**: two sentences.\n2. **Risks**: the worst first.\n3. **Next steps**: who does what.",
            "# Role\nAn analyst.\n# Output structure\n## Summary\nTwo sentences.\n## Risks\n### Detail\nThe worst first.\n## Next steps\n# Tools\nNone.",
            "Use this structure:\n\n```markdown\n# Summary\n<two sentences>\n# Risks\n# Next steps\n```",
            "Format your answer with this template:\n\n## Summary\n\n## Risks\n\n## Next steps",
            "Use the headings `## Summary`, `## Risks` and `## Next steps`.",
        ] {
            assert_eq!(sections(prompt), ["Summary", "Risks", "Next steps"], "{prompt}");
        }
        assert_eq!(sections("End with a section titled \"Sources\"."), ["Sources"]);
        assert_eq!(sections("Start with an \"Executive summary\" section."), ["Executive summary"]);
    }

    #[test]
    fn prompts_as_people_write_them_are_read() {
        assert_eq!(
            asked(
                "You are an AI analyst writing for C-level executives.\n\n## Output Format\n\n### Executive Summary\n\
                 2-3 sentences.\n\n### Key Developments\n- Bullet points with citations\n\n## Style\nProfessional, \
                 max 600 words."
            ),
            ["A section \"Executive Summary\"", "A section \"Key Developments\"", "At most 600 words"]
        );
        assert_eq!(
            asked(
                "Act as a market researcher. Provide:\n1. Overview\n2. Trends\n\nAlways cite sources inline as \
                 [Title](url). Keep responses under 500 words."
            ),
            ["At most 500 words"]
        );
        assert_eq!(
            asked(
                "# Output requirements\n- Start with a 2-sentence summary (max 60 words)\n- Then a table with the columns \
                 Date and Event\n- Total length: no more than 350 words\n- Close with a \"Confidence\" section"
            ),
            ["A section \"Confidence\"", "At most 350 words"]
        );
        assert_eq!(
            asked(
                "Do's:\n- Use headings and bullet points\n- Include at least one table comparing vendors\n\n\
                   Don'ts:\n- Don't exceed 700 words"
            ),
            ["Bullet points", "A table", "At most 700 words"]
        );
        assert_eq!(
            sections("Organize the report into these sections: Introduction; Market landscape; Outlook."),
            ["Introduction", "Market landscape", "Outlook"]
        );
        assert_eq!(
            sections(
                "Structure every answer in three parts: (1) What happened, (2) Why it matters, (3) What next."
            ),
            ["What happened", "Why it matters", "What next"]
        );
    }

    #[test]
    fn what_only_looks_like_sections_is_none() {
        for prompt in [
            "",
            "You are an analyst. Be brief and cite your sources.",
            "# Role\nAn analyst.\n# Research focus\n- Newer first.\n# Tools\n- Search first.\n# Quality\n- Cite.",
            "# Output\n- **Tone**: formal\n- **Length**: short\n- **Language**: English",
            "# Output\n1. **Tone**: formal\n2. **Audience**: executives",
            "Do not include a \"Conclusion\" section.",
            "If the question is broad, add a section \"Scope\".",
            "You may use these sections: Summary, Risks.",
            "For example, use sections: Summary, Risks.",
            "Format citations as follows:\n1. Outlet\n2. Date",
            "The articles have these sections:\nNothing follows.",
            "Topics to cover:\n- Regulation\n- Markets",
            "## Structure\n1. Start with the answer.\n2. Then give the evidence.\n3. Close with gaps.",
            "Write one section for each country, with headings that say what is in them.",
            "Use this structure:\n\n## [Country]\n\n## {Topic}",
            "Quote the \"Findings\" of each report.",
            "## Output format\nPlain text.",
            "# Role\nAn analyst.\n# Output\n# Quality\nCite.\n# Tools\nNone.",
            "# Output\n- **Answer first**: no preamble\n- **Evidence**: from the articles",
            "## Structure\n1. Answer the question.\n2. Evidence comes second.",
        ] {
            assert!(sections(prompt).is_empty(), "{prompt}: {:?}", sections(prompt));
        }
    }

    #[test]
    fn forms_are_read_when_they_are_asked_for() {
        for (prompt, form) in [
            ("Use bullet points.", "Bullet points"),
            ("Give three to five bullet points.", "Bullet points"),
            ("Summarise the findings as a bulleted list.", "Bullet points"),
            ("No more than five bullets.", "Bullet points"),
            ("List the steps as a numbered list.", "A numbered list"),
            ("Include a comparison table.", "A table"),
            ("Present the figures in a Markdown table.", "A table"),
            ("Respond only in JSON.", "JSON"),
            ("Return a JSON object with the fields a and b.", "JSON"),
            ("Your answer must be valid JSON.", "JSON"),
        ] {
            assert_eq!(asked(prompt), [form], "{prompt}");
        }
        for prompt in [
            "Do not use bullet points.",
            "Avoid tables and bullet points.",
            "Use prose instead of bullet points.",
            "Use a table if it helps.",
            "Use a bulleted list or a table.",
            "You can use a table.",
            "Use bullets or prose.",
            "Keep the table of contents short.",
            "The tools return JSON.",
            "The articles come in JSON.",
            "Put the facts on the table.",
            "Without a table.",
            "Don't write a table.",
        ] {
            assert!(asked(prompt).is_empty(), "{prompt}: {:?}", asked(prompt));
        }
    }

    #[test]
    fn forms_are_found_in_an_answer() {
        assert_eq!(found("Use bullet points.", "- a\n- b"), [true]);
        assert_eq!(found("Use bullet points.", "a\n\nb"), [false]);
        assert_eq!(found("Use a numbered list.", "1. a\n2. b"), [true]);
        assert_eq!(found("Use a numbered list.", "- a"), [false]);
        assert_eq!(found("Include a table.", "| a |\n|---|\n| b |"), [true]);
        assert_eq!(found("Include a table.", "a | b"), [false]);
        assert_eq!(found("Respond in JSON.", " {\"a\": [1]}\n"), [true]);
        assert_eq!(found("Respond in JSON.", "Here it is:\n```json\n[1, 2]\n```"), [true]);
        assert_eq!(found("Respond in JSON.", "{\"a\": "), [false]);
        assert_eq!(found("Respond in JSON.", "42"), [false]);
    }

    #[test]
    fn a_limit_of_words_on_the_whole_answer_is_read() {
        for (prompt, limit) in [
            ("At most 300 words.", "At most 300 words"),
            ("Write no more than 1,000 words.", "At most 1000 words"),
            ("Keep your answer under 250 words.", "At most 250 words"),
            ("Keep it to 250 words.", "At most 250 words"),
            ("Limit the report to 500 words.", "At most 500 words"),
            ("Answer in 200–300 words.", "200 to 300 words"),
            ("Write 200 to 300 words.", "200 to 300 words"),
            ("Write between 200 and 300 words.", "200 to 300 words"),
            ("The answer is 150 words or fewer.", "At most 150 words"),
            ("Maximum length: 400 words maximum.", "At most 400 words"),
            ("There is a 400-word limit.", "At most 400 words"),
            ("- **Length**: up to 400 words", "At most 400 words"),
            ("Write at least 800 words.", "At least 800 words"),
            ("The answer must not exceed 400 words.", "At most 400 words"),
            ("Be brief\nMax 200 words\nEach finding has a date", "At most 200 words"),
            ("Write at most 200\nwords", "At most 200 words"),
        ] {
            assert_eq!(asked(prompt), [limit], "{prompt}");
        }
    }

    #[test]
    fn a_limit_that_is_uncertain_or_on_a_part_is_left_out() {
        for prompt in [
            "No more than one page.",
            "About 300 words.",
            "Write 300 words.",
            "Begin with a summary of at most 50 words.",
            "Each finding has at most 30 words.",
            "1. **Answer**: at most 60 words.\n2. **Findings**: at most 100 words.",
            "At most 300 words. For a deep dive, no more than 900 words.",
            "If the question is simple, at most 100 words.",
            "In other words, be brief.",
            "Use a title under 10 words.",
            "Use this structure:\n\n## [Summary]\nAt most 100 words.",
        ] {
            assert!(asked(prompt).is_empty(), "{prompt}: {:?}", asked(prompt));
        }
    }

    #[test]
    fn a_limit_lets_pass_what_counting_otherwise_can_change() {
        let words = |count: usize| "word ".repeat(count);
        assert_eq!(found("At most 100 words.", &words(105)), [true]);
        assert_eq!(found("At most 100 words.", &words(106)), [false]);
        assert_eq!(found("Write 100 to 200 words.", &words(95)), [true]);
        assert_eq!(found("Write 100 to 200 words.", &words(94)), [false]);
    }

    #[test]
    fn a_title_is_compared_loosely() {
        let prompt = "Sections: Executive summary, Key risks, Next steps & owners";
        for answer in [
            "# EXECUTIVE SUMMARY\n## 2. Key Risks:\n### Next steps and owners",
            "**1. Executive Summary**\n\ntext\n\n**Key risk**\n\n**Next steps**",
            "Executive summary: text\n\n- **Risks**: text\n\n## III. Next Steps / Owners",
        ] {
            assert_eq!(found(prompt, answer), [true; 3], "{answer}");
        }
        assert_eq!(found(prompt, "## Overview\n## Risky business\n## Nothing next"), [false; 3]);
    }
}
