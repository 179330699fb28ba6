//! Reading an answer as it arrives.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use bytes::Bytes;
use reqwest::Response;
use serde_json::{Map, Value};

use super::deadlines::Clock;
use super::error::ModelError;
use super::message::{ChatRequest, FunctionCall, ToolCall};
use super::refusal::{self, Failure, Refusal};
use super::sse;
use super::thinking::{Part, Splitter};
use super::wire::{self, CallPiece, Event, Piece};
use crate::domain::model::{Usage, estimate_tokens};

/// The longest answer that is read, in bytes, whatever was asked for: it fits
/// into one DynamoDB item (400 KB, names and keys included).
pub const ANSWER_MAX_BYTES: usize = 400_000;
/// The longest body read as one piece, in bytes; a longer one is nonsense.
const BODY_MAX: usize = 1_000_000;
/// Calls of one turn; those beyond are not made.
const CALLS_MAX: usize = 8;
/// The longest name of a call, in characters; the rest is cut off.
const CALL_NAME_MAX: usize = 64;
/// The longest word for why an answer ended, in characters; the rest is cut off.
const FINISH_MAX: usize = 64;
/// Characters of a model's words for why it declined; the rest is cut off.
const REFUSAL_MAX: usize = 500;
/// The fields of a block of thoughts that a stream has in pieces.
const BLOCK_TEXTS: [&str; 4] = ["text", "thinking", "data", "summary"];
/// Bytes that an answer carries for its server, to be sent back with its calls; with more, nothing is carried.
const CARRIED_MAX: usize = 1_000_000;

/// One piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The next words. Never empty.
    Text(String),
    /// What the model thinks before it answers, by a way of its own or in the text. Never empty.
    Thought(String),
    /// All text until here was thinking: its end came without its beginning.
    AllThought,
    /// The answer is complete; nothing follows.
    End {
        /// Tokens the call took.
        usage: Usage,
        /// The server did not count: `usage` is a guess from the texts' lengths.
        usage_estimated: bool,
        /// Why the answer ended.
        finish: Finish,
        /// The tools it calls; it goes on when they are answered.
        calls: Vec<ToolCall>,
        /// What has to be sent back with them.
        carried: Map<String, Value>,
    },
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model had said what it wanted to.
    Stop,
    /// It reached the longest answer.
    Length,
    /// It waits for the tools that it called.
    ToolCalls,
    /// A filter of its provider stopped it.
    Filter,
    /// Its provider failed.
    Error,
    /// The server's own word; up to 64 characters.
    Other(String),
}

impl Finish {
    /// What a server's word means.
    fn of(reason: &str) -> Self {
        let reason = reason.to_ascii_lowercase();
        // Gemini's layer has words after a colon.
        match reason.split(':').next().unwrap_or_default().trim() {
            "stop" | "end_turn" | "stop_sequence" | "eos" | "eos_token" | "complete" => Self::Stop,
            "length" | "max_tokens" | "model_length" | "max_output_tokens" => Self::Length,
            "tool_calls" | "tool_use" | "function_call" => Self::ToolCalls,
            "content_filter"
            | "content-filter"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "refusal"
            | "guardrail_intervened"
            | "sensitive" => Self::Filter,
            "error"
            | "abort"
            | "network_error"
            | "insufficient_system_resource"
            | "function_call_filter"
            | "malformed_function_call" => Self::Error,
            _ => Self::Other(reason.chars().take(FINISH_MAX).collect()),
        }
    }
}

/// What a piece of text is for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The reader; what is thinking in it is told apart.
    Text,
    /// The reader who wants to know what the model thinks.
    Thought,
    /// The limit and the estimate alone.
    Hidden,
}

/// A call that has begun.
struct Begun {
    /// Its server's number of it, which need not be its place.
    index: Option<u64>,
    /// Its id is its server's.
    has_id: bool,
    call: ToolCall,
}

/// An answer on its way. Dropping it hangs up, which stops the model.
pub struct Answer {
    /// None once the answer has ended.
    response: Option<Response>,
    parser: sse::Parser,
    clock: Clock,
    ready: VecDeque<Result<Chunk, ModelError>>,
    /// All the model wrote, its reasoning included: for the limit and the estimate.
    written: String,
    written_max: usize,
    calls: Vec<Begun>,
    /// What of its thinking is to be sent back with its calls.
    carried: Map<String, Value>,
    carried_bytes: usize,
    /// Its words, when it didn't want to.
    refusal: String,
    has_choice: bool,
    /// It may call tools.
    has_tools: bool,
    /// It called more than are made.
    has_too_many: bool,
    /// A word of it was for its reader.
    has_said: bool,
    /// Tells the thinking in its text apart.
    splitter: Splitter,
    /// The last event was neither a completion nor an error.
    has_unreadable: bool,
    /// What an error in place of its beginning says.
    refused: Option<Refusal>,
    max_tokens: u32,
    prompt_tokens_estimate: u64,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

impl Answer {
    pub(super) fn new(request: &ChatRequest<'_>, clock: Clock) -> Self {
        // No tokenizer averages 16 bytes a token over an answer; the rest lets
        // short answers be odd.
        let asked_for = (request.max_tokens as usize).saturating_mul(16).saturating_add(4096);
        Self {
            response: None,
            parser: sse::Parser::default(),
            clock,
            ready: VecDeque::new(),
            written: String::new(),
            written_max: asked_for.min(ANSWER_MAX_BYTES),
            calls: Vec::new(),
            carried: Map::new(),
            carried_bytes: 0,
            refusal: String::new(),
            has_choice: false,
            has_tools: !request.tools.offered.is_empty(),
            has_too_many: false,
            has_said: false,
            splitter: Splitter::default(),
            has_unreadable: false,
            refused: None,
            max_tokens: request.max_tokens,
            prompt_tokens_estimate: request.messages.iter().map(|m| u64::from(m.tokens())).sum(),
            usage: None,
            finish: None,
        }
    }

    /// The next piece. After [`Chunk::End`] or an error there is none.
    ///
    /// Can be dropped while it waits and called again: nothing is lost, and
    /// deadlines go on from where they were.
    pub async fn next(&mut self) -> Option<Result<Chunk, ModelError>> {
        while self.ready.is_empty() && self.response.is_some() {
            self.read().await;
        }
        self.ready.pop_front()
    }

    /// What the call took so far, as far as is known, and whether that is an
    /// estimate: what to settle with when the answer ends in an error.
    pub fn usage_so_far(&self) -> (Usage, bool) {
        let estimate = Usage {
            prompt_tokens: self.prompt_tokens_estimate,
            completion_tokens: u64::from(estimate_tokens(&self.written)),
        };
        (self.usage.unwrap_or(estimate), self.usage.is_none())
    }

    /// Reads to the first token, or to an end or error without one.
    ///
    /// Whether it is a stream is known by how it begins: not every server says so, and some say what isn't.
    pub(super) async fn begin(&mut self, response: Response, media_type: &str) -> Result<(), Failure> {
        self.response = Some(response);
        let mut first = Vec::new();
        let is_whole = loop {
            let Some(bytes) = self.read_bytes().await? else {
                return Err(match media_type {
                    "text/event-stream" => ModelError::CutOff.into(),
                    _ => ModelError::Nonsense("the body is empty").into(),
                });
            };
            first.extend_from_slice(&bytes);
            if first.len() > BODY_MAX {
                return Err(ModelError::Nonsense("it begins with blanks alone").into());
            }
            match first.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => {}
                Some(b'<') => return Err(ModelError::Nonsense("a page in place of an answer").into()),
                _ if media_type == "text/html" => {
                    return Err(ModelError::Nonsense("a page in place of an answer").into());
                }
                Some(begins) => break matches!(begins, b'{' | b'['),
            }
        };
        if is_whole {
            while let Some(bytes) = self.read_bytes().await? {
                first.extend_from_slice(&bytes);
                if first.len() > BODY_MAX {
                    return Err(ModelError::Nonsense("the body is too long").into());
                }
            }
            return self.take_whole(&first);
        }
        if let ControlFlow::Break(outcome) = self.take_bytes(&first) {
            self.close(outcome);
        }
        while !self.clock.has_heard() && self.response.is_some() {
            self.read().await;
        }
        match self.refused.take() {
            Some(refusal) => Err(Failure::Refused(refusal)),
            None => self.begun_well(),
        }
    }

    /// Takes an answer that came in one piece.
    fn take_whole(&mut self, body: &[u8]) -> Result<(), Failure> {
        let taken = match wire::read(&String::from_utf8_lossy(body)) {
            None => return Err(ModelError::Nonsense("the body is not a completion").into()),
            Some(Event::Error(error)) => return Err(Failure::Refused(refusal::named(&error))),
            Some(Event::Piece(piece)) => self.take_piece(*piece),
        };
        if !self.has_choice {
            return Err(ModelError::Nonsense("the completion has no choice").into());
        }
        self.close(match taken {
            ControlFlow::Break(outcome) => outcome,
            ControlFlow::Continue(()) => Ok(()),
        });
        self.begun_well()
    }

    /// An answer that failed before its first word, in a way that may pass, is asked for again. Any other has been paid
    /// for, and ends with what it took.
    fn begun_well(&self) -> Result<(), Failure> {
        match self.ready.front() {
            Some(Err(error)) if self.written.is_empty() && (error.may_retry() || self.usage.is_none()) => {
                Err(error.clone().into())
            }
            _ => Ok(()),
        }
    }

    async fn read(&mut self) {
        let flow = match self.read_bytes().await {
            Ok(Some(bytes)) => self.take_bytes(&bytes),
            Ok(None) | Err(ModelError::CutOff) => ControlFlow::Break(Err(self.cut_off())),
            Err(error) => ControlFlow::Break(Err(error)),
        };
        if let ControlFlow::Break(outcome) = flow {
            self.close(outcome);
        }
    }

    /// Why a stream ends before its end: the last that came may have been somebody else's words.
    fn cut_off(&self) -> ModelError {
        if self.has_unreadable {
            ModelError::Nonsense("an event is not a completion")
        } else {
            ModelError::CutOff
        }
    }

    async fn read_bytes(&mut self) -> Result<Option<Bytes>, ModelError> {
        let Some(response) = &mut self.response else {
            return Ok(None);
        };
        let bytes = self.clock.wait(response.chunk()).await?.map_err(|_| ModelError::CutOff)?;
        self.clock.arrived();
        Ok(bytes)
    }

    fn take_bytes(&mut self, bytes: &[u8]) -> ControlFlow<Result<(), ModelError>> {
        let mut events = Vec::new();
        let parsed = self.parser.push(bytes, |data| events.push(data));
        for data in events {
            self.take_event(&data)?;
        }
        match parsed {
            Ok(()) => ControlFlow::Continue(()),
            Err(sse::TooLong) => ControlFlow::Break(Err(ModelError::Nonsense("a line or event is too long"))),
        }
    }

    fn take_event(&mut self, data: &str) -> ControlFlow<Result<(), ModelError>> {
        if data.trim() == "[DONE]" {
            let is_whole = self.finish.is_some() || !self.has_unreadable;
            return ControlFlow::Break(if is_whole { Ok(()) } else { Err(self.cut_off()) });
        }
        match wire::read(data) {
            Some(Event::Piece(piece)) => {
                self.has_unreadable = false;
                self.take_piece(*piece)
            }
            Some(Event::Error(error)) => {
                let refusal = refusal::named(&error);
                let error = refusal.error();
                if !self.clock.has_heard() {
                    self.refused = Some(refusal);
                }
                ControlFlow::Break(Err(error))
            }
            // One that can't be read may be a sign of life; what follows can be.
            None => {
                self.has_unreadable |= !data.trim().is_empty();
                ControlFlow::Continue(())
            }
        }
    }

    fn take_piece(&mut self, piece: Piece) -> ControlFlow<Result<(), ModelError>> {
        self.usage = piece.usage.or(self.usage);
        self.has_choice |= piece.has_choice;
        if let Some(reason) = piece.finish {
            self.finish = Some(Finish::of(&reason));
        }
        self.carry(piece.carried);
        self.take_text(piece.thought, Kind::Thought)?;
        for call in piece.calls {
            self.take_call(call)?;
        }
        if !piece.refusal.is_empty() {
            self.refusal.push_str(&piece.refusal);
            self.take_text(piece.refusal, Kind::Hidden)?;
        }
        self.take_text(piece.text, Kind::Text)
    }

    /// Puts what it carries together: text and lists grow, of all else the last counts.
    fn carry(&mut self, carried: Map<String, Value>) {
        for (name, value) in carried {
            if !self.may_carry(value.to_string().len()) {
                return;
            }
            match (self.carried.get_mut(&name), value) {
                (Some(Value::String(text)), Value::String(more)) => text.push_str(&more),
                (Some(Value::Array(items)), Value::Array(more)) => {
                    more.into_iter().for_each(|item| add_block(items, item));
                }
                (_, value) => {
                    self.carried.insert(name, value);
                }
            }
        }
    }

    /// Whether so many bytes more are carried: only where calls can send them back, and up to [`CARRIED_MAX`]. Then
    /// nothing is: a part would be refused.
    fn may_carry(&mut self, bytes: usize) -> bool {
        self.carried_bytes = self.carried_bytes.saturating_add(bytes);
        let may = self.has_tools && self.carried_bytes <= CARRIED_MAX;
        if !may {
            self.carried.clear();
        }
        may
    }

    /// A call comes whole, or in pieces: its name first, then its arguments.
    fn take_call(&mut self, piece: CallPiece) -> ControlFlow<Result<(), ModelError>> {
        // They count as written: for the limit and the estimate.
        self.clock.answered();
        self.take_text(piece.arguments.clone(), Kind::Hidden)?;
        let place = match self.begun(&piece) {
            Some(place) => place,
            None if self.calls.len() < CALLS_MAX => {
                let id = format!("call_{}", self.calls.len());
                self.calls.push(Begun {
                    index: piece.index,
                    has_id: false,
                    call: ToolCall {
                        id,
                        kind: "function",
                        function: FunctionCall::default(),
                        carried: Map::new(),
                    },
                });
                self.calls.len() - 1
            }
            None => {
                self.has_too_many = true;
                return ControlFlow::Continue(());
            }
        };
        let bytes =
            |map: &Map<String, Value>| map.values().map(|value| value.to_string().len()).sum::<usize>();
        let carries = self.may_carry(bytes(&piece.carried) + bytes(&piece.function_carried));
        let Some(Begun { has_id, call, .. }) = self.calls.get_mut(place) else {
            return ControlFlow::Continue(());
        };
        if let Some(id) = piece.id.filter(|_| !*has_id) {
            (call.id, *has_id) = (id, true);
        }
        // Some servers repeat the name with each piece of the arguments.
        if let Some(name) =
            piece.name.filter(|name| call.function.arguments.is_empty() && *name != call.function.name)
        {
            let room = CALL_NAME_MAX.saturating_sub(call.function.name.chars().count());
            call.function.name.extend(name.chars().take(room));
        }
        call.function.arguments.push_str(&piece.arguments);
        if carries {
            call.carried.extend(piece.carried);
            call.function.carried.extend(piece.function_carried);
        }
        ControlFlow::Continue(())
    }

    /// The call that a piece goes on with. One with a name, or with another id, begins a new call when the one before
    /// has all its arguments; one with both does in any case. Not every server numbers its calls, some number all of
    /// them 0, and some give each piece an id.
    fn begun(&self, piece: &CallPiece) -> Option<usize> {
        let last = match piece.index {
            Some(_) => self.calls.iter().rposition(|begun| begun.index == piece.index)?,
            // What follows a call too many is of that one.
            None if self.has_too_many => return None,
            None => self.calls.len().checked_sub(1)?,
        };
        let Begun { has_id, call, .. } = self.calls.get(last)?;
        let is_named = piece.name.is_some();
        let has_another_id = *has_id && piece.id.as_ref().is_some_and(|id| *id != call.id);
        let has_the_same_id = *has_id && piece.id.as_ref() == Some(&call.id);
        let begins = (is_named && has_another_id)
            || (!has_the_same_id && (is_named || has_another_id) && is_whole(&call.function.arguments));
        (!begins).then_some(last)
    }

    fn take_text(&mut self, mut text: String, kind: Kind) -> ControlFlow<Result<(), ModelError>> {
        let room = self.written_max.saturating_sub(self.written.len());
        let over = text.len() > room;
        text.truncate(text.floor_char_boundary(room));
        if !text.is_empty() {
            self.clock.answered();
            self.written.push_str(&text);
            match kind {
                Kind::Text => {
                    let parts = self.splitter.push(&text);
                    self.hand_over(parts);
                }
                Kind::Thought => {
                    self.splitter.thinks_apart();
                    self.ready.push_back(Ok(Chunk::Thought(text)));
                }
                Kind::Hidden => {}
            }
        }
        if over {
            self.finish = Some(Finish::Length);
            return ControlFlow::Break(Ok(()));
        }
        ControlFlow::Continue(())
    }

    fn hand_over(&mut self, parts: Vec<Part>) {
        for part in parts {
            self.ready.push_back(Ok(match part {
                Part::Text(text) => {
                    self.has_said |= !text.trim().is_empty();
                    Chunk::Text(text)
                }
                Part::Thought(text) => Chunk::Thought(text),
                Part::AllThought => {
                    self.has_said = false;
                    Chunk::AllThought
                }
            }));
        }
    }

    /// Hangs up. Whatever went wrong after the finish reason, the answer is whole.
    fn close(&mut self, outcome: Result<(), ModelError>) {
        self.response = None;
        let rest = self.splitter.end();
        self.hand_over(rest);
        let finish = match (outcome, self.finish.take()) {
            (Ok(()), finish) => finish.unwrap_or(Finish::Stop),
            (Err(_), Some(finish)) => finish,
            (Err(error), None) => return self.ready.push_back(Err(error)),
        };
        if let Some(error) = self.untold(&finish) {
            return self.ready.push_back(Err(error));
        }
        let (usage, usage_estimated) = self.usage_so_far();
        // What it called before it was cut off may be half a call.
        let calls = if finish == Finish::Length { Vec::new() } else { std::mem::take(&mut self.calls) };
        let calls = calls.into_iter().map(|begun| begun.call).collect();
        let carried = std::mem::take(&mut self.carried);
        self.ready.push_back(Ok(Chunk::End { usage, usage_estimated, finish, calls, carried }));
    }

    /// Why an answer that came to its end is none, or none that counts.
    fn untold(&self, finish: &Finish) -> Option<ModelError> {
        if !self.refusal.trim().is_empty() {
            let words = self.refusal.trim();
            let end = words.char_indices().nth(REFUSAL_MAX).map_or(words.len(), |(at, _)| at);
            return Some(ModelError::Declined(words.get(..end).unwrap_or_default().to_owned()));
        }
        match finish {
            Finish::Filter => Some(ModelError::Filtered),
            Finish::Error => Some(ModelError::Overloaded { status: 502, retry_after: None }),
            Finish::Length if !self.has_said => Some(ModelError::ThoughtOnly { max_tokens: self.max_tokens }),
            _ => None,
        }
    }
}

/// Adds a block of thoughts to those before. A stream has one in pieces, of one type and index: their texts grow, and
/// its signature comes last. (Some repeat the whole text with it.)
fn add_block(blocks: &mut Vec<Value>, block: Value) {
    let (Some(Value::Object(last)), Value::Object(piece)) = (blocks.last_mut(), &block) else {
        return blocks.push(block);
    };
    if piece.get("index").is_none()
        || ["type", "index"].iter().any(|name| last.get(*name) != piece.get(*name))
    {
        return blocks.push(block);
    }
    for (name, value) in piece {
        match (last.get_mut(name), value) {
            (Some(Value::String(text)), Value::String(more)) if BLOCK_TEXTS.contains(&name.as_str()) => {
                if text != more {
                    text.push_str(more);
                }
            }
            (_, Value::Null) => {}
            (_, value) => {
                last.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Whether a call has all its arguments.
fn is_whole(arguments: &str) -> bool {
    serde_json::from_str::<Map<String, Value>>(arguments).is_ok()
}
