//! The wire of OpenAI's chat completions: what is asked, as strictly as the
//! strictest server takes it, and what is answered, as loosely as it can be
//! understood. What isn't needed can't make an answer unreadable.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::message::{ChatMessage, ChatRequest, Role};
use crate::domain::model::{SystemRole, Usage};

/// A server that counts more tokens than this for one call miscounts.
const TOKENS_MAX: u64 = 20_000_000;

/// What a model doesn't take, by the names of parameters and of what messages carry.
pub(super) type Without = BTreeSet<String>;

/// The name among [`Without`] of a role for instructions.
pub(super) const SYSTEM_ROLE: &str = "the role system";

/// What is sent in each request, whatever a server takes.
const ALWAYS: [&str; 4] = ["model", "messages", "tools", "max_completion_tokens"];

/// The body of a request to a model that doesn't take what `without` names.
pub(super) fn body(request: &ChatRequest<'_>, without: &Without) -> Map<String, Value> {
    let tools = request.tools;
    let mut body = Map::new();
    body.insert("model".to_owned(), request.model.name().into());
    body.insert("messages".to_owned(), messages(request, without).into());
    let mut add = |name: &str, value: Value| {
        let takes = !without.contains(name);
        if takes {
            body.insert(name.to_owned(), value);
        }
        takes
    };
    // OpenAI's reasoning models take the second name; every other server knows the first. One of them there has to be:
    // what an answer may cost depends on it.
    if !add("max_tokens", request.max_tokens.into()) {
        add("max_completion_tokens", request.max_tokens.into());
    }
    add("temperature", json!(rounded(request.temperature)));
    let streams = add("stream", true.into());
    if streams {
        add("stream_options", json!({"include_usage": true}));
    }
    if !tools.offered.is_empty() {
        if tools.over {
            add("tool_choice", "none".into());
        }
        body.insert("tools".to_owned(), tools.offered.into());
    }
    // As RFC 7396 has it: a null takes away.
    for (name, value) in &request.model.manner.parameters {
        if value.is_null() {
            body.remove(name);
        } else if !without.contains(name) {
            body.insert(name.clone(), value.clone());
        }
    }
    body
}

/// A number of 32 bits as a person would write it: 0.2, and not 0.20000000298.
fn rounded(number: f32) -> f64 {
    (f64::from(number) * 1_000.0).round() / 1_000.0
}

/// The parameters of `body` that can be done without, and what its messages carry.
pub(super) fn dispensable(body: &Map<String, Value>, request: &ChatRequest<'_>) -> Vec<String> {
    let carried = request.messages.iter().flat_map(|message| message.carried.keys());
    body.keys().filter(|name| !ALWAYS.contains(&name.as_str())).chain(carried).cloned().collect()
}

/// The messages, neighbours of one role joined: many models' templates refuse two in a row.
fn messages(request: &ChatRequest<'_>, without: &Without) -> Vec<Value> {
    let system =
        if without.contains(SYSTEM_ROLE) { SystemRole::User } else { request.model.manner.system_role };
    let mut joined: Vec<ChatMessage> = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let mut message = message.clone();
        message.carried.retain(|name, _| !without.contains(name));
        if message.role == Role::System && system == SystemRole::User {
            message.role = Role::User;
        }
        match joined.last_mut() {
            Some(last) if last.role == message.role && may_join(last) && may_join(&message) => {
                last.content = format!("{}\n\n{}", last.content, message.content);
            }
            _ => joined.push(message),
        }
    }
    let as_sent = |message: &ChatMessage| {
        let mut sent = json!(message);
        if message.role == Role::System
            && system == SystemRole::Developer
            && let Some(role) = sent.get_mut("role")
        {
            *role = "developer".into();
        }
        sent
    };
    joined.iter().map(as_sent).collect()
}

fn may_join(message: &ChatMessage) -> bool {
    message.role != Role::Tool && message.tool_calls.is_empty() && message.carried.is_empty()
}

/// One event of a stream, or a whole answer.
#[derive(Debug)]
pub(super) enum Event {
    /// An error in place of an answer, or after its beginning.
    Error(Value),
    /// The next piece of an answer.
    Piece(Box<Piece>),
}

/// What one event adds to an answer.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Piece {
    /// What the server counted so far, if it can be true.
    pub usage: Option<Usage>,
    /// Why the answer ends, in the server's word.
    pub finish: Option<String>,
    /// There is a choice, though it may be empty.
    pub has_choice: bool,
    /// What it says.
    pub text: String,
    /// What it thinks first.
    pub thought: String,
    /// Why it doesn't want to.
    pub refusal: String,
    /// What it calls.
    pub calls: Vec<CallPiece>,
    /// What of its thinking is to be sent back with its calls, by name.
    pub carried: Map<String, Value>,
}

/// A call, or a piece of one.
#[derive(Debug, Default, PartialEq)]
pub(super) struct CallPiece {
    /// Which call of the answer it is of.
    pub index: Option<u64>,
    /// Its id; never empty.
    pub id: Option<String>,
    /// Its tool, or a piece of that name; never empty.
    pub name: Option<String>,
    /// Its arguments, or a piece of them.
    pub arguments: String,
    /// What else it has.
    pub carried: Map<String, Value>,
    /// What else its function has.
    pub function_carried: Map<String, Value>,
}

/// Reads the data of an event, or a whole answer. `None` when it is neither a completion nor an error.
pub(super) fn read(data: &str) -> Option<Event> {
    let value: Value = serde_json::from_str(data).or_else(|_| serde_json::from_str(&mended(data))).ok()?;
    // Gemini wraps an error in a list.
    let value = match value {
        Value::Array(items) => items.into_iter().next()?,
        value => value,
    };
    let Value::Object(mut fields) = value else { return None };
    let has_choices = matches!(fields.get("choices"), Some(Value::Array(_)));
    let is_error = fields.get("error").is_some_and(|error| !error.is_null());
    let says_so = fields.get("object").and_then(Value::as_str) == Some("error");
    // FastAPI's and others' errors have no sign but their words.
    let is_bare = !has_choices && ["message", "detail"].iter().any(|name| fields.contains_key(*name));
    if is_error || says_so || is_bare {
        return Some(Event::Error(Value::Object(fields)));
    }
    let mut piece = Piece { usage: counted(&fields), ..Piece::default() };
    let choices = fields.remove("choices");
    if let Some(Value::Array(choices)) = choices {
        if let Some(Value::Object(choice)) = choices.into_iter().next() {
            take_choice(choice, &mut piece);
        }
    } else if !fields
        .keys()
        .any(|name| matches!(name.as_str(), "usage" | "x_groq" | "id" | "object" | "model" | "type"))
    {
        return None;
    }
    Some(Event::Piece(Box::new(piece)))
}

fn take_choice(mut choice: Map<String, Value>, piece: &mut Piece) {
    piece.has_choice = true;
    piece.finish = string(choice.remove("finish_reason")).filter(|reason| !reason.is_empty());
    let message = choice.remove("delta").filter(Value::is_object).or_else(|| choice.remove("message"));
    let Some(Value::Object(message)) = message else { return };
    for (name, value) in message {
        match name.as_str() {
            "content" => take_content(value, piece),
            "refusal" => piece.refusal = string(Some(value)).unwrap_or_default(),
            "tool_calls" => {
                let calls = if let Value::Array(calls) = value { calls } else { vec![value] };
                piece.calls = calls.into_iter().filter_map(call).collect();
            }
            name if (name.starts_with("reasoning") || name.starts_with("thinking")) && !value.is_null() => {
                // By two names at once it is the same.
                if piece.thought.is_empty()
                    && let Some(thought) = value.as_str()
                {
                    thought.clone_into(&mut piece.thought);
                }
                piece.carried.insert(name.to_owned(), value);
            }
            _ => {}
        }
    }
}

/// Content is text, or a list of parts, of which some may be thoughts.
fn take_content(content: Value, piece: &mut Piece) {
    match content {
        Value::String(text) => piece.text.push_str(&text),
        Value::Array(parts) => parts.into_iter().for_each(|part| take_content(part, piece)),
        Value::Object(mut part) => {
            let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
            if kind.starts_with("thinking") || kind.starts_with("reasoning") {
                let thought = ["thinking", "reasoning", "text"].iter().find_map(|name| part.remove(*name));
                let mut inner = Piece::default();
                take_content(thought.unwrap_or_default(), &mut inner);
                piece.thought.push_str(&inner.text);
                piece.thought.push_str(&inner.thought);
            } else if let Some(text) = part.remove("text") {
                take_content(text, piece);
            }
        }
        _ => {}
    }
}

fn call(value: Value) -> Option<CallPiece> {
    let Value::Object(mut fields) = value else { return None };
    let function = fields.remove("function");
    let index = fields.remove("index").and_then(|index| whole(&index));
    let id = string(fields.remove("id")).filter(|id| !id.is_empty());
    fields.remove("type");
    fields.retain(|_, value| !value.is_null());
    let mut piece = CallPiece { index, id, carried: fields, ..CallPiece::default() };
    if let Some(Value::Object(mut function)) = function {
        piece.name = string(function.remove("name")).filter(|name| !name.is_empty());
        piece.arguments = match function.remove("arguments") {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(arguments)) => arguments,
            // llama.cpp has them as they are meant.
            Some(arguments) => arguments.to_string(),
        };
        function.retain(|_, value| !value.is_null());
        piece.function_carried = function;
    }
    Some(piece)
}

fn string(value: Option<Value>) -> Option<String> {
    if let Some(Value::String(text)) = value { Some(text) } else { None }
}

/// A count, which some servers have as a fraction.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|number| (0.0..=TOKENS_MAX as f64).contains(number))?;
        Some(number.round() as u64)
    })
}

/// What the server counted, if it can be true: more tokens than any window holds would use up a user's day.
fn counted(fields: &Map<String, Value>) -> Option<Usage> {
    let usage = fields.get("usage").filter(|usage| usage.is_object());
    let usage = usage.or_else(|| fields.get("x_groq")?.get("usage"))?;
    let count = |name| whole(usage.get(name)?).filter(|tokens| *tokens <= TOKENS_MAX);
    Some(Usage { prompt_tokens: count("prompt_tokens")?, completion_tokens: count("completion_tokens")? })
}

/// JSON in which halves of surrogate pairs are escaped alone (half an emoji), with U+FFFD in their places.
fn mended(data: &str) -> String {
    let mut mended = String::with_capacity(data.len());
    let mut rest = data;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        mended.push_str(before);
        let unit = |from: usize| {
            let escape = escape.get(from..from + 6)?;
            u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
        };
        let length = match (unit(0), unit(6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push('\u{fffd}');
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            // A backslash and what it escapes.
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (whole, after) = escape.split_at(length);
        mended.push_str(whole);
        rest = after;
    }
    mended.push_str(rest);
    mended
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Manner, Model};
    use crate::llm::Tools;

    fn piece(data: &Value) -> Piece {
        match read(&data.to_string()) {
            Some(Event::Piece(piece)) => *piece,
            other => panic!("{data}: {other:?}"),
        }
    }

    fn of(delta: Value) -> Piece {
        piece(&json!({"choices": [{"delta": delta}]}))
    }

    #[test]
    fn text_is_found_in_every_form_that_content_has() {
        for content in [
            json!("Hi there"),
            json!([{"type": "text", "text": "Hi "}, {"type": "text", "text": "there"}]),
            json!(["Hi ", {"text": "there"}]),
            json!({"type": "text", "text": "Hi there"}),
        ] {
            assert_eq!(of(json!({"content": content})).text, "Hi there", "{content}");
            assert_eq!(piece(&json!({"choices": [{"message": {"content": content}}]})).text, "Hi there");
        }
        // Mistral's Magistral (litellm#16272).
        let thinks = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hi"}]);
        let read = of(json!({ "content": thinks }));
        assert_eq!((read.thought.as_str(), read.text.as_str()), ("Hm.", "Hi"));
        for nothing in [json!(null), json!(7), json!([]), json!([null, {"type": "image"}])] {
            assert_eq!(of(json!({"content": nothing})).text, "", "{nothing}");
        }
    }

    #[test]
    fn what_is_not_needed_makes_nothing_unreadable() {
        for odd in [
            json!({"prompt_tokens": 1.0, "completion_tokens": 2.0}),
            json!({"prompt_tokens": 1, "completion_tokens": 2}),
        ] {
            let read = piece(&json!({"choices": [], "usage": odd}));
            assert_eq!(read.usage, Some(Usage { prompt_tokens: 1, completion_tokens: 2 }));
        }
        for odd in
            [json!({"prompt_tokens": -1, "completion_tokens": 2}), json!("many"), json!(null), json!([])]
        {
            let read = piece(&json!({"choices": [{"delta": {"content": "Hi"}}], "usage": odd}));
            assert_eq!((read.text.as_str(), read.usage), ("Hi", None), "{odd}");
        }
        assert_eq!(piece(&json!({"choices": [{"delta": {"content": "Hi", "tool_calls": null, "audio": 7}, "index": "x", "logprobs": 1.5}]})).text, "Hi");
        for empty in [
            json!({"choices": []}),
            json!({"choices": [null]}),
            json!({"type": "ping"}),
            json!({"choices": [{"delta": null}]}),
        ] {
            assert_eq!(piece(&empty).text, "", "{empty}");
        }
        for unreadable in ["", "ping", "42", "[]", "{", "{}", "[1]", "\"text\""] {
            assert!(read(unreadable).is_none(), "{unreadable}");
        }
    }

    #[test]
    fn errors_are_known_without_an_error_key() {
        for error in [
            json!({"error": {"message": "no"}}),
            json!({"error": "no"}),
            json!([{"error": {"message": "no"}}]),
            // vLLM of old.
            json!({"object": "error", "message": "CUDA out of memory", "type": "x", "code": 500}),
            json!({"detail": [{"msg": "no"}]}),
        ] {
            assert!(matches!(read(&error.to_string()), Some(Event::Error(_))), "{error}");
        }
        assert_eq!(piece(&json!({"error": null, "choices": [{"delta": {"content": "Hi"}}]})).text, "Hi");
    }

    #[test]
    fn calls_keep_what_their_server_sent_and_wants_back() {
        // Gemini (openhuman#3548); llama.cpp#20198.
        let read = of(json!({"tool_calls": [
            {"index": 0, "id": "a", "type": "function", "function": {"name": "search", "arguments": {"query": "é"}},
                "extra_content": {"google": {"thought_signature": "sig"}}},
            {"id": "", "function": {"name": "", "arguments": null, "x": 1}},
            7,
        ]}));
        let [first, second] = read.calls.as_slice() else { panic!("{read:?}") };
        assert_eq!(
            (first.index, first.id.as_deref(), first.name.as_deref()),
            (Some(0), Some("a"), Some("search"))
        );
        assert_eq!(first.arguments, "{\"query\":\"é\"}");
        assert_eq!(first.carried["extra_content"]["google"]["thought_signature"], "sig");
        assert_eq!(
            (second.id.as_ref(), second.name.as_ref(), second.function_carried["x"].as_u64()),
            (None, None, Some(1))
        );
        let thinks = of(
            json!({"reasoning": "Hm", "reasoning_content": "Hm", "reasoning_details": [{"a": 1}], "thinking": null}),
        );
        assert_eq!(thinks.thought, "Hm");
        assert_eq!(
            thinks.carried.keys().collect::<Vec<_>>(),
            ["reasoning", "reasoning_content", "reasoning_details"]
        );
    }

    #[test]
    fn half_an_emoji_costs_one_character() {
        let half = r#"{"choices":[{"delta":{"content":"a \ud83d b \\ud83d \ud83d\ude00 \n \udc00"}}]}"#;
        let Some(Event::Piece(read)) = read(half) else { panic!("unreadable") };
        assert_eq!(read.text, "a \u{fffd} b \\ud83d 😀 \n \u{fffd}");
        for odd in ["\\", "\\u", "\\ud83", "é\\ud83d", "\\é", "\\ud83d\\u00", ""] {
            let _ = mended(odd);
        }
    }

    fn asked(model: &Model, messages: Vec<ChatMessage>, without: &[&str]) -> Value {
        let offered = [json!({"type": "function"})];
        let tools = Tools { offered: &offered, over: true };
        let request = ChatRequest { model, messages, max_tokens: 10, temperature: 0.2, tools };
        body(&request, &without.iter().map(|name| (*name).to_owned()).collect()).into()
    }

    fn model(manner: Manner) -> Model {
        Model { manner, ..Model::for_tests() }
    }

    #[test]
    fn what_a_model_does_not_take_is_left_out_and_what_its_settings_say_is_added() {
        let plain = model(Manner::default());
        let full = asked(&plain, Vec::new(), &[]);
        assert_eq!(full["temperature"], json!(0.2));
        assert_eq!((&full["max_tokens"], &full["tool_choice"]), (&json!(10), &json!("none")));
        let without = asked(&plain, Vec::new(), &["temperature", "max_tokens", "tool_choice", "stream"]);
        assert_eq!(
            without,
            json!({"model": "m", "messages": [], "max_completion_tokens": 10, "tools": [{"type": "function"}]})
        );
        let parameters =
            json!({"temperature": 1, "stream_options": null, "reasoning_effort": "low", "odd": 1});
        let Value::Object(parameters) = parameters else { return };
        let named = Manner { model: Some("gpt-5".to_owned()), ..Manner::default() };
        assert_eq!(asked(&model(named), Vec::new(), &[])["model"], "gpt-5");
        let told = asked(&model(Manner { parameters, ..Manner::default() }), Vec::new(), &["odd"]);
        assert_eq!((&told["temperature"], &told["reasoning_effort"]), (&json!(1), &json!("low")));
        assert!(told.get("stream_options").is_none() && told.get("odd").is_none(), "{told}");
    }

    #[test]
    fn neighbours_of_one_role_are_joined_and_calls_never() {
        let says = |role, text: &str| ChatMessage::new(role, text);
        let call = |id: &str| super::super::message::ToolCall {
            id: id.to_owned(),
            kind: "function",
            function: super::super::message::FunctionCall::default(),
            carried: Map::new(),
        };
        let carried: Map<_, _> = [("reasoning_content".to_owned(), json!("Hm"))].into_iter().collect();
        let messages = || {
            vec![
                says(Role::System, "Be brief."),
                says(Role::User, "One"),
                says(Role::User, "Two"),
                ChatMessage::calling("", vec![call("a"), call("b")], carried.clone()),
                ChatMessage::answering(&call("a"), "1"),
                ChatMessage::answering(&call("b"), "2"),
            ]
        };
        let roles = |body: &Value| -> Vec<(String, String)> {
            let of = |message: &Value, name| message[name].as_str().unwrap_or_default().to_owned();
            body["messages"].as_array().unwrap().iter().map(|m| (of(m, "role"), of(m, "content"))).collect()
        };
        let pair = |role: &str, text: &str| (role.to_owned(), text.to_owned());
        let plain = model(Manner::default());
        let sent = asked(&plain, messages(), &[]);
        assert_eq!(sent["messages"][2]["reasoning_content"], "Hm");
        assert_eq!(
            roles(&sent),
            [
                pair("system", "Be brief."),
                pair("user", "One\n\nTwo"),
                pair("assistant", ""),
                pair("tool", "1"),
                pair("tool", "2")
            ]
        );
        let sent = asked(&plain, messages(), &[SYSTEM_ROLE, "reasoning_content"]);
        assert!(sent["messages"][1].get("reasoning_content").is_none(), "{sent}");
        assert_eq!(roles(&sent)[0], pair("user", "Be brief.\n\nOne\n\nTwo"));
        let developer = model(Manner { system_role: SystemRole::Developer, ..Manner::default() });
        assert_eq!(roles(&asked(&developer, messages(), &[]))[0], pair("developer", "Be brief."));
        let user = model(Manner { system_role: SystemRole::User, ..Manner::default() });
        assert_eq!(roles(&asked(&user, messages(), &[]))[0], pair("user", "Be brief.\n\nOne\n\nTwo"));
    }
}
