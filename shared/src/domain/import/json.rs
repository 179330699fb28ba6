//! JSON: the fields of one object, and the objects of a document that holds articles somewhere, while it comes in pieces.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::{Field, Paths};
use super::fields::Cell;
use crate::domain::records::{Mark, RECORD_MAX};

/// How deep the fields of an object may be nested.
const NESTED_MAX: usize = 4;

/// Calls `take` with the path and the value of each field that has one: `source.name` is one of these.
pub(super) fn each_field(object: Map<String, Value>, take: &mut impl FnMut(&str, Cell)) {
    for (name, value) in object {
        field(&name, value, 1, take);
    }
}

fn field(path: &str, value: Value, depth: usize, take: &mut impl FnMut(&str, Cell)) {
    match value {
        Value::Object(object) if depth < NESTED_MAX => {
            for (name, value) in object {
                // `{"date-parts": [[2026, 11, 21]]}`, of CSL.
                if name == "date-parts" {
                    take(path, Cell::One(date_parts(&value)));
                } else {
                    field(&format!("{path}.{name}"), value, depth + 1, take);
                }
            }
        }
        Value::Array(list) => take(path, Cell::Many(list.into_iter().filter_map(named).collect())),
        value => take(path, Cell::One(plain(value).unwrap_or_default())),
    }
}

/// The text of a value that has no parts.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// What names an entry of a list.
fn named(entry: Value) -> Option<String> {
    const NAMES: [&str; 12] = [
        "name", "tag", "term", "label", "title", "webTitle", "value", "text", "href", "url", "content",
        "rendered",
    ];
    match entry {
        // Where both stand there, the name is what kind of value it is.
        Value::Object(mut object) if object.contains_key("name") && object.contains_key("value") => {
            object.remove("value").and_then(plain)
        }
        Value::Object(mut object) => NAMES.iter().find_map(|name| object.remove(*name).and_then(plain)),
        entry => plain(entry),
    }
}

fn date_parts(value: &Value) -> String {
    let parts = value.get(0).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let number = |part: &Value| part.as_u64().or_else(|| part.as_str()?.parse().ok());
    let parts: Vec<String> = parts.iter().filter_map(number).map(|part| format!("{part:02}")).collect();
    parts.join("-")
}

/// A step from a document's root to its articles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// The member of this name.
    Member(String),
    /// Each member.
    Members,
    /// Each element.
    Elements,
}

/// Whether an object has what an article needs at the least, and is no collection of such objects.
pub(super) fn is_article(object: &Map<String, Value>, paths: &mut Paths) -> bool {
    let (mut has_title, mut has_url) = (false, false);
    each_field(object.clone(), &mut |path, cell| {
        if !cell.is_blank() {
            let field = paths.slot(path).map(|(field, _)| field);
            has_title |= field == Some(Field::Title);
            // What is deeper belongs to something within.
            has_url |= field == Some(Field::Url) && path.matches('.').count() < 2;
        }
    });
    has_title && has_url && !is_collection(object, paths)
}

/// Whether the members are articles: most of them, since one or another lacks something.
fn is_collection(object: &Map<String, Value>, paths: &mut Paths) -> bool {
    if object.is_empty() || !object.values().all(Value::is_object) {
        return false;
    }
    let members = object.values().filter_map(Value::as_object).take(Ways::LOOKED_AT);
    let (mut all, mut articles) = (0, 0);
    for member in members {
        all += 1;
        articles += usize::from(is_article(member, paths));
    }
    2 * articles > all
}

/// The way to a document's articles, judged by how it begins, and how many of them were seen there.
pub(super) fn way(head: &str, is_whole: bool, paths: &mut Paths) -> Option<(Vec<Step>, usize)> {
    let value = if is_whole { serde_json::from_str(head).ok() } else { None };
    let value = value.or_else(|| beginning(head))?;
    let mut found = Ways::default();
    found.look(&value, &mut Vec::new(), paths);
    found.best()
}

/// The part of a document that is whole, with what it leaves open closed.
fn beginning(head: &str) -> Option<Value> {
    const TRIES: usize = 3;
    let mut head = head;
    for _ in 0..TRIES {
        let closed = closed(head)?;
        let mut values = serde_json::Deserializer::from_str(&closed).into_iter::<Value>();
        match values.next()? {
            Ok(value) => return Some(value),
            // What is before the mistake is enough.
            Err(error) => {
                let before: usize =
                    closed.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
                head = prefix(head, (before + error.column()).saturating_sub(1));
            }
        }
    }
    None
}

fn prefix(text: &str, mut end: usize) -> &str {
    end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The text up to its last closing bracket, with the brackets that are open there closed.
fn closed(head: &str) -> Option<String> {
    let (mut open, mut in_text, mut escaped) = (Vec::new(), false, false);
    let mut last = None;
    for (at, byte) in head.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' => {
                open.pop();
                // Behind the last one, only more are opened.
                last = Some((at + 1, open.len()));
                if open.is_empty() {
                    break;
                }
            }
            _ => {}
        }
    }
    let (end, left) = last?;
    let mut closed = head.get(..end)?.to_owned();
    closed.extend(open.iter().take(left).rev());
    Some(closed)
}

/// The ways that lead to objects.
#[derive(Default)]
struct Ways {
    /// With how many articles and how many objects are there.
    found: Vec<(Vec<Step>, usize, usize)>,
}

impl Ways {
    /// Levels that are looked into.
    const DEPTH_MAX: usize = 8;
    /// Elements of a list that are looked at.
    const LOOKED_AT: usize = 50;
    /// Ways that are told apart; of more, the first ones.
    const WAYS_MAX: usize = 500;

    fn look(&mut self, value: &Value, way: &mut Vec<Step>, paths: &mut Paths) {
        if way.len() > Self::DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(list) => {
                way.push(Step::Elements);
                self.look_at_each(list.iter(), way, paths);
                way.pop();
            }
            Value::Object(object) => {
                if is_collection(object, paths) {
                    way.push(Step::Members);
                    self.look_at_each(object.values(), way, paths);
                    way.pop();
                    return;
                }
                self.count(way, usize::from(is_article(object, paths)), 1);
                for (name, value) in object {
                    way.push(Step::Member(name.clone()));
                    self.look(value, way, paths);
                    way.pop();
                }
            }
            _ => {}
        }
    }

    fn look_at_each<'a>(
        &mut self,
        values: impl Iterator<Item = &'a Value>,
        way: &mut Vec<Step>,
        paths: &mut Paths,
    ) {
        for value in values.take(Self::LOOKED_AT) {
            match value {
                Value::Object(object) if is_article(object, paths) => self.count(way, 1, 1),
                value => self.look(value, way, paths),
            }
        }
    }

    fn count(&mut self, way: &[Step], articles: usize, objects: usize) {
        let has_room = self.found.len() < Self::WAYS_MAX;
        match self.found.iter_mut().find(|(one, ..)| one == way) {
            Some((_, all_articles, all_objects)) => {
                *all_articles += articles;
                *all_objects += objects;
            }
            None if has_room => self.found.push((way.to_vec(), articles, objects)),
            None => {}
        }
    }

    /// The way with the most articles, of a list rather than alone; without any, the shortest to a list, so that it can
    /// be said what its objects lack.
    fn best(self) -> Option<(Vec<Step>, usize)> {
        let rank = |(way, articles, objects): &(Vec<Step>, usize, usize)| {
            let is_list = matches!(way.last(), Some(Step::Elements | Step::Members));
            (*articles > 0 && is_list, *articles, is_list, Reverse(way.len()), *objects)
        };
        let mut best: Option<(Vec<Step>, usize, usize)> = None;
        for one in self.found {
            if best.as_ref().is_none_or(|best| rank(&one) > rank(best)) {
                best = Some(one);
            }
        }
        best.map(|(way, articles, _)| (way, articles))
    }
}

/// The articles of a document, at the end of one way from its root. What is elsewhere is passed over and not held.
pub(super) struct Documents {
    way: Vec<Step>,
    here: Mark,
    /// Behind the last article.
    end: Mark,
    /// Where the article begins that is being read, or was read last.
    start: Mark,
    /// The containers that are open: which, and how far along the way they are.
    open: Vec<Container>,
    in_text: bool,
    escaped: bool,
    /// A member's name, as far as it is read.
    name: Option<Vec<u8>>,
    /// Containers that are open within the article that is being read.
    depth: usize,
    held: Vec<u8>,
    is_long: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    Whole,
}

struct Container {
    is_object: bool,
    /// Steps that lead to it; none when it isn't on the way.
    steps: Option<usize>,
    /// Before a member's name.
    is_before_name: bool,
    /// Whether the member that was named last is the next step.
    is_next: bool,
}

/// The longest name that is compared.
const NAME_MAX: usize = 1_000;

impl Documents {
    /// Reads on from `mark`: at the file's beginning, or behind an article.
    pub fn from(mark: Mark, way: Vec<Step>, is_behind_an_article: bool) -> Self {
        let mut open = Vec::new();
        if is_behind_an_article {
            for (at, step) in way.iter().enumerate() {
                let is_object = *step != Step::Elements;
                open.push(Container { is_object, steps: Some(at), is_before_name: false, is_next: false });
            }
        }
        Self {
            way,
            here: mark,
            end: mark,
            start: mark,
            open,
            in_text: false,
            escaped: false,
            name: None,
            depth: 0,
            held: Vec::new(),
            is_long: false,
            state: State::Outside,
        }
    }

    /// Takes an article from the front of `input`; false when that is used up.
    pub fn advance(&mut self, input: &mut &[u8]) -> bool {
        if self.state == State::Whole {
            self.state = State::Outside;
        }
        self.here.pass_byte_order_mark(input);
        while self.state != State::Whole && !input.is_empty() {
            if self.state == State::Inside { self.inside(input) } else { self.outside(input) }
        }
        self.state == State::Whole
    }

    /// Whether the file ended within an article.
    pub fn close(&mut self) -> bool {
        let is_within = self.state == State::Inside;
        if is_within {
            self.state = State::Whole;
        }
        self.end = self.here;
        is_within
    }

    /// The article's bytes; nothing when there are too many.
    pub fn bytes(&self) -> Option<&[u8]> {
        (!self.is_long).then_some(&self.held)
    }

    /// The number of the line it begins on.
    pub fn number(&self) -> u64 {
        self.start.line
    }

    /// Behind the last article.
    pub fn mark(&self) -> Mark {
        self.end
    }

    fn pass(&mut self, byte: u8) {
        self.here.offset += 1;
        self.here.line += u64::from(byte == b'\n');
    }

    /// Takes what of `input` belongs to the article.
    fn inside(&mut self, input: &mut &[u8]) {
        let mut taken = 0;
        for byte in *input {
            taken += 1;
            self.here.line += u64::from(*byte == b'\n');
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth -= 1,
                _ => {}
            }
            if self.depth == 0 {
                self.state = State::Whole;
                break;
            }
        }
        let (part, rest) = input.split_at_checked(taken).unwrap_or((input, &[]));
        *input = rest;
        self.here.offset += part.len() as u64;
        self.is_long |= self.held.len() + part.len() > RECORD_MAX;
        if self.is_long {
            self.held.clear();
        } else {
            self.held.extend_from_slice(part);
        }
        if self.state == State::Whole {
            self.end = self.here;
        }
    }

    /// Takes bytes up to where an article begins.
    fn outside(&mut self, input: &mut &[u8]) {
        while let [byte, rest @ ..] = *input {
            let byte = *byte;
            if self.in_text {
                self.text(byte);
            } else {
                match byte {
                    b'"' => {
                        self.in_text = true;
                        self.name = self.open.last().is_some_and(|one| one.is_before_name).then(Vec::new);
                    }
                    b'{' | b'[' => {
                        let steps = self.steps();
                        // A member has one value.
                        if let Some(one) = self.open.last_mut() {
                            one.is_next = false;
                        }
                        if byte == b'{' && steps == Some(self.way.len()) {
                            self.begin();
                            return;
                        }
                        let is_object = byte == b'{';
                        // Deeper than any way, and any nesting that a person wrote.
                        if self.open.len() < 10_000 {
                            self.open.push(Container {
                                is_object,
                                steps,
                                is_before_name: is_object,
                                is_next: false,
                            });
                        }
                    }
                    b'}' | b']' => {
                        self.open.pop();
                    }
                    b',' => {
                        if let Some(one) = self.open.last_mut() {
                            one.is_before_name = one.is_object;
                        }
                    }
                    _ => {}
                }
            }
            self.pass(byte);
            *input = rest;
        }
    }

    fn begin(&mut self) {
        self.start = self.here;
        self.held.clear();
        (self.is_long, self.depth, self.state) = (false, 0, State::Inside);
    }

    /// A byte of a text that belongs to no article.
    fn text(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_text = false;
                if let (Some(name), Some(one)) = (self.name.take(), self.open.last_mut()) {
                    one.is_before_name = false;
                    one.is_next = match one.steps.and_then(|steps| self.way.get(steps)) {
                        Some(Step::Members) => true,
                        Some(Step::Member(wanted)) => is_name(&name, wanted),
                        _ => false,
                    };
                }
                return;
            }
            _ => {}
        }
        if let Some(name) = self.name.as_mut().filter(|name| name.len() < NAME_MAX) {
            name.push(byte);
        }
    }

    /// How many steps lead to the value that begins here; none when it isn't on the way.
    fn steps(&self) -> Option<usize> {
        let Some(one) = self.open.last() else {
            return Some(0);
        };
        let steps = one.steps?;
        let is_next = match self.way.get(steps)? {
            Step::Elements => !one.is_object,
            _ => one.is_object && one.is_next,
        };
        is_next.then_some(steps + 1)
    }
}

/// Whether a name, as it is written with its escapes, is the one that is wanted.
fn is_name(written: &[u8], wanted: &str) -> bool {
    if written == wanted.as_bytes() {
        return true;
    }
    let quoted = [b"\"", written, b"\""].concat();
    written.contains(&b'\\') && serde_json::from_slice::<String>(&quoted).is_ok_and(|name| name == wanted)
}
