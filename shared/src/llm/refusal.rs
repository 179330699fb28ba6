//! What the refusal of a model's server means. Servers agree on little: the same
//! refusal has another status, another shape and other words with each. So it is
//! known by what it names, wherever in its body that stands.

use std::fmt;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::error::ModelError;
use super::shown::shown;
use super::wire::SYSTEM_ROLE;

/// How deep a body is read: a gateway's error within a gateway's error.
const DEPTH_MAX: usize = 8;
/// Characters of a body's words that are looked through.
const WORDS_MAX: usize = 8_000;
/// What comes before the request where it is sent back within the words, as pydantic does.
const ECHOES: [&str; 3] = ["'input':", "\"input\":", "input_value="];
/// One of these stands in words about a parameter that isn't taken.
const REFUSING: [&str; 17] = [
    "unsupported",
    "not supported",
    "not support",
    "n't support",
    "unknown",
    "unrecognized",
    "unrecognised",
    "unexpected",
    "extra",
    "deprecated",
    "not allowed",
    "not permitted",
    "only",
    "invalid",
    "must be",
    "not available",
    "cannot",
];
/// One of these stands in words about something that has to be there.
const DEMANDING: [&str; 7] = [
    "required",
    "requires",
    "missing",
    "must be set",
    "must be provided",
    "must be specified",
    "must include",
];
/// One of these stands in words of a server that streams alone.
const ONLY_STREAMS: [&str; 5] =
    ["non-streaming", "only supports stream", "only support stream", "requires stream", "must stream"];
/// Characters of one name in a [`Cause`].
const NAME_MAX: usize = 64;

/// A refusal by its status, code, type and parameter. Nothing that it displays
/// was written by a person, so that may be logged; its words may be shown alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The HTTP status, or the one that an error within a stream stands for.
    pub status: u16,
    /// Its code, type and parameter, as far as it has them.
    pub names: Vec<String>,
    /// The beginning of its server's words, for whoever runs the workshop and for no log; mostly empty.
    pub words: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        self.names.iter().try_for_each(|name| write!(f, ", {name}"))
    }
}

/// A refusal, read.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    retry_after: Option<Duration>,
    /// What it calls itself: the values of `code`, `type`, `status` and `reason`.
    kinds: Vec<String>,
    /// What it names as its place: the values of `param`, and the words of `loc`.
    places: Vec<String>,
    /// All that it says, in lower case.
    words: String,
    /// The beginning of what it says, where that may be shown.
    shown: String,
}

impl Refusal {
    /// Reads the body of a response that is no success, or an error that came with a success.
    pub(super) fn read(status: StatusCode, body: &Value, retry_after: Option<Duration>) -> Self {
        let status = status.as_u16();
        let mut refusal = Self {
            status,
            retry_after,
            kinds: Vec::new(),
            places: Vec::new(),
            words: String::new(),
            shown: String::new(),
        };
        refusal.collect("", body, 0);
        refusal.shown = refusal.words.clone();
        refusal.words.make_ascii_lowercase();
        refusal
    }

    /// Keeps of its words only those that may be shown: the beginning, without what is the request's `own`. Of one
    /// that has names, none are needed.
    pub(super) fn show<'a>(&mut self, own: impl Iterator<Item = &'a str>) {
        let words = std::mem::take(&mut self.shown);
        if self.cause().names.is_empty() {
            self.shown = shown(&words, own);
        }
    }

    /// Whether it says the same as another.
    pub(super) fn is_the_same_as(&self, other: &Self) -> bool {
        (self.status, &self.kinds, &self.places, &self.words)
            == (other.status, &other.kinds, &other.places, &other.words)
    }

    /// The one among `left_out` that it says has to be there, or that it names although it wasn't sent.
    pub(super) fn demands<'a>(&self, left_out: &[&'a str]) -> Option<&'a str> {
        if !matches!(self.status, 400 | 422) || self.is_too_long() {
            return None;
        }
        let placed = self.places.iter().flat_map(|place| place.split(['.', '[', ']']));
        let named = placed.filter_map(|place| left_out.iter().find(|name| **name == place).copied()).next();
        named.or_else(|| {
            let is_demanded = |name: &&&str| match **name {
                "stream" => self.says(&ONLY_STREAMS),
                SYSTEM_ROLE => {
                    position_of(&self.words, "system").is_some()
                        && self.says(&DEMANDING)
                        && !self.is_of_the_system_role()
                }
                name => position_of(&self.words, name).is_some() && self.says(&DEMANDING),
            };
            left_out.iter().find(is_demanded).copied()
        })
    }

    fn collect(&mut self, name: &str, value: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| self.collect(name, value, depth + 1));
            }
            Value::Array(items) => items.iter().for_each(|item| self.collect(name, item, depth + 1)),
            Value::String(text) => self.take(name, text, depth),
            Value::Number(number) if matches!(name, "code" | "status") => self.kinds.push(number.to_string()),
            _ => {}
        }
    }

    fn take(&mut self, name: &str, text: &str, depth: usize) {
        match name {
            "code" | "type" | "status" | "reason" => return self.kinds.push(text.to_owned()),
            "param" | "loc" => return self.places.push(text.to_owned()),
            // What was sent may be sent back; it says nothing about the refusal.
            "input" | "failed_generation" => return,
            _ => {}
        }
        // A gateway hands on its provider's body as text.
        if text.trim_start().starts_with(['{', '['])
            && let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        {
            return self.collect(name, &inner, depth + 1);
        }
        let said = ECHOES.iter().filter_map(|echo| text.find(echo)).min().unwrap_or(text.len());
        let room = WORDS_MAX.saturating_sub(self.words.len()).min(said);
        self.words.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        self.words.push('\n');
    }

    /// Its names, for logs and whoever runs the workshop.
    pub(super) fn cause(&self) -> Cause {
        let is_name = |name: &&String| {
            (1..=NAME_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
                && **name != self.status.to_string()
        };
        let mut names: Vec<String> = Vec::new();
        for name in self.kinds.iter().chain(&self.places).filter(is_name) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names.truncate(6);
        Cause { status: self.status, names, words: self.shown.clone() }
    }

    /// The one among `sent` that it names as what it can't take: in `param`, in `loc`, or else in its words.
    pub(super) fn parameter<'a>(&self, sent: &[&'a str]) -> Option<&'a str> {
        if !matches!(self.status, 400 | 422) || self.is_too_long() {
            return None;
        }
        let placed = self.places.iter().flat_map(|place| place.split(['.', '[', ']']));
        placed
            .filter_map(|place| sent.iter().find(|name| **name == place).copied())
            .next()
            // The first that is named: later ones are mostly what to use in its place.
            .or_else(|| {
                if !self.says(&REFUSING) {
                    return None;
                }
                let place = |name: &str| match name {
                    "stream" => position_of(&self.words, name).or_else(|| self.position_of_streaming()),
                    _ => position_of(&self.words, name),
                };
                let named = sent.iter().filter_map(|name| Some((place(name)?, *name)));
                named.min_by_key(|(position, _)| *position).map(|(_, name)| name)
            })
    }

    /// Whether it is about instructions that stand in a role of their own, when there were some. Neighbours of one
    /// role are joined, so that only those can keep two roles from taking turns.
    pub(super) fn is_of_the_system_role(&self) -> bool {
        let of_roles =
            position_of(&self.words, "role").is_some() || position_of(&self.words, "roles").is_some();
        let of_system = position_of(&self.words, "system").is_some()
            && (of_roles || self.says(&["system message"]))
            && self.says(&["not supported", "unsupported", "not allowed", "invalid", "should be"]);
        let of_turns = of_roles && self.says(&["must alternate", "only user and assistant"]);
        matches!(self.status, 400 | 422 | 500) && (of_system || of_turns)
    }

    /// Whether it is about how much was asked for, and not about asking for it.
    pub(super) fn is_of_an_amount(&self) -> bool {
        self.is(&["invalid_value", "integer_above_max_value"])
            || self.says(&[
                "too large",
                "at most",
                "less than or equal",
                "should be [",
                "should be in",
                "at least",
            ])
    }

    /// Where it speaks of streaming, unless that is all it takes.
    fn position_of_streaming(&self) -> Option<usize> {
        if self.says(&ONLY_STREAMS) { None } else { position_of(&self.words, "streaming") }
    }

    fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|words| self.words.contains(words))
    }

    fn is(&self, names: &[&str]) -> bool {
        self.kinds.iter().any(|kind| names.iter().any(|name| kind.eq_ignore_ascii_case(name)))
    }

    fn is_too_long(&self) -> bool {
        // OpenAI; llama.cpp; Anthropic.
        self.is(&["context_length_exceeded", "exceed_context_size_error", "request_too_large"])
            || (self.status != 429 && !self.is(&RATE) && self.says(&TOO_LONG))
    }

    /// What it means.
    pub(super) fn error(&self) -> ModelError {
        let (status, retry_after) = (self.status, self.retry_after);
        // Azure; OpenAI; DashScope; DeepSeek; and moderation whose 403 would be a key's.
        if self.is(&["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"])
            || self.is(&["invalid_prompt", "data_inspection_failed"])
            || self.says(&["content exists risk", "usage policy", "usage guidelines"])
            || (status == 403 && self.says(&["moderation", "flagged"]))
        {
            return ModelError::Filtered;
        }
        if self.is_too_long() {
            return ModelError::TooLong;
        }
        // A 429 in OpenAI's hands, and Anthropic's 400, but no waiting and no other setting helps.
        if status == 402
            || self.is(&["insufficient_quota", "billing_not_active", "exceeded_current_quota_error"])
            || self.says(&["credit balance is too low", "insufficient credits", "insufficient balance"])
        {
            return ModelError::NoCredit(self.cause());
        }
        if self.is(&RATE) {
            return ModelError::RateLimited { retry_after };
        }
        // Gemini's and xAI's are a 400.
        if self.is(&["invalid_api_key", "API_KEY_INVALID", "authentication_error", "permission_error"])
            || self.says(&["api key not valid", "incorrect api key", "invalid api key"])
        {
            return ModelError::Refused(self.cause());
        }
        if self.says(&["does not support tools", "support tool use", "tool calling is not supported"])
            || self.says(&["\"auto\" tool choice requires", "tool use is not supported"])
        {
            return ModelError::NoTools(self.cause());
        }
        if self.is(&["model_not_found", "not_found_error"]) {
            return ModelError::UnknownModel;
        }
        // Groq's models write a call that they can't read themselves; the next time they mostly can.
        if self.is(&["tool_use_failed"]) {
            return ModelError::Overloaded { status, retry_after };
        }
        match status {
            401 | 403 => ModelError::Refused(self.cause()),
            404 => ModelError::UnknownModel,
            413 => ModelError::TooLong,
            429 => ModelError::RateLimited { retry_after },
            408 | 500.. => ModelError::Overloaded { status, retry_after },
            300..=399 => ModelError::Redirects { status },
            _ => ModelError::Rejected(self.cause()),
        }
    }
}

/// Why one try failed.
pub(super) enum Failure {
    /// The server said so.
    Refused(Refusal),
    /// Otherwise.
    Error(ModelError),
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::Error(error)
    }
}

/// Words for a request that is longer than the model's window.
const TOO_LONG: [&str; 22] = [
    // OpenAI, vLLM; Anthropic; Bedrock; xAI; Gemini; SGLang; LM Studio; Together; Mistral; Moonshot; DashScope.
    "maximum context length",
    "prompt is too long",
    "input is too long",
    "maximum prompt length",
    "input token count",
    "longer than the model's context",
    "greater than the context length",
    "larger context length",
    "exceeds the context",
    "exceed context window",
    "exceeds the available context",
    "exceeds the model's context",
    "exceeds the maximum allowed token",
    "too large for model",
    "context length exceeded",
    "context window exceed",
    "context size has been exceeded",
    "exceeds maximum context",
    "exceeded model token limit",
    "range of input length",
    "inputs` tokens + `max_new_tokens`",
    "max_tokens must be at least 1",
];

/// What servers call too many requests.
const RATE: [&str; 3] = ["rate_limit_exceeded", "rate_limit_error", "too_many_requests"];

/// Where `name` stands in `words` as a word of its own.
fn position_of(words: &str, name: &str) -> Option<usize> {
    let is_of_a_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    words.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = words.get(..*at).and_then(|before| before.chars().next_back());
        let after = words.get(at + name.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(is_of_a_name) && !after.is_some_and(is_of_a_name)
    })
}

/// An error that came with a success: within a stream, or in place of an answer.
/// Its own code is the status that it stands for.
pub(super) fn named(error: &Value) -> Refusal {
    let own = error.get("error").unwrap_or(error);
    let status = ["code", "status"]
        .iter()
        .filter_map(|name| own.get(name))
        .find_map(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Refusal::read(status, error, None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(status: u16, body: &Value) -> Refusal {
        Refusal::read(StatusCode::from_u16(status).unwrap(), body, None)
    }

    const SENT: [&str; 5] = ["max_tokens", "temperature", "tools", "tool_choice", "stream_options"];

    /// The bodies are those of the threads named beside them.
    #[test]
    fn the_parameter_is_found_wherever_it_is_named() {
        let cases = [
            // OpenHands/software-agent-sdk#1837
            (
                json!({"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model.",
                    "type": "invalid_request_error", "param": "temperature", "code": null}}),
                Some("temperature"),
            ),
            // RooCode#12162
            (
                json!({"error": {"code": "invalid_request_error", "type": "invalid_request_error", "param": null,
                    "message": "`temperature` is deprecated for this model."}}),
                Some("temperature"),
            ),
            // openhuman#2082
            (
                json!({"error": {"type": "invalid_request_error",
                    "message": "invalid temperature: only 1 is allowed for this model"}}),
                Some("temperature"),
            ),
            // litellm-vscode-chat#18
            (
                json!({"error": {"code": "400", "type": null, "param": null, "message":
                    "litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0.2. Only temperature=1 is supported. For gpt-5.1, temperature is supported when reasoning_effort='none'."}}),
                Some("temperature"),
            ),
            // openai-agents-python#442
            (
                json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden",
                    "loc": ["body", "stream_options", "include_usage"], "msg": "Extra inputs are not permitted",
                    "input": true}]}, "type": "invalid_request_error", "param": null, "code": null}),
                Some("stream_options"),
            ),
            // OpenRouter hands its provider's words on as text.
            (
                json!({"error": {"code": 400, "message": "Provider returned error", "metadata": {
                    "raw": "{\"error\":{\"message\":\"bad\",\"param\":\"temperature\"}}"}}}),
                Some("temperature"),
            ),
            // What is to be used instead stands later.
            (
                json!({"error": {"message":
                    "Unsupported parameter: 'max_tokens'. Without it, temperature may be used."}}),
                Some("max_tokens"),
            ),
            // Too long is too long, though it names the limit.
            (
                json!({"error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the messages, 1000 in max_tokens)."}}),
                None,
            ),
            (json!({"error": {"message": "The temperatures of this winter"}}), None),
            (json!("Bad Request"), None),
            (json!(null), None),
        ];
        for (body, expected) in cases {
            assert_eq!(read(400, &body).parameter(&SENT), expected, "{body}");
            assert_eq!(read(401, &body).parameter(&SENT), None, "{body}");
        }
    }

    #[test]
    fn what_is_nested_is_read_to_a_depth_and_a_length() {
        let mut deep = json!({"param": "temperature"});
        for _ in 0..2 * DEPTH_MAX {
            deep = json!({"error": deep});
        }
        assert_eq!(read(400, &deep).parameter(&SENT), None);
        let long = json!({"message": format!("{} temperature", "é".repeat(WORDS_MAX))});
        assert_eq!(read(400, &long).parameter(&SENT), None);
        // What it sends back of the request is no part of what it says (vllm#31870).
        let echoed = "1 validation error: {'type': 'missing', 'input': {'temperature': 0.2, 'text': 'is not supported'}}";
        assert_eq!(read(400, &json!({ "message": echoed })).parameter(&SENT), None);
        assert_eq!(read(422, &json!({"detail": [{"input": "temperature"}]})).parameter(&SENT), None);
    }

    #[test]
    fn streaming_that_is_not_supported_is_its_parameter_and_one_that_is_demanded_is_not() {
        let of = |words: &str| read(400, &json!({"error": {"message": words}}));
        for words in ["Streaming is not supported for this model.", "This model does not support streaming"] {
            assert_eq!(of(words).parameter(&["temperature", "stream"]), Some("stream"), "{words}");
        }
        for words in ["Non-streaming calls are not supported", "This model only supports streaming"] {
            assert_eq!(of(words).parameter(&["stream"]), None, "{words}");
            assert_eq!(of(words).demands(&["temperature", "stream"]), Some("stream"), "{words}");
        }
    }

    #[test]
    fn what_was_left_out_wrongly_is_demanded() {
        let of = |body: Value| read(400, &body).demands(&["max_tokens", SYSTEM_ROLE]).map(str::to_owned);
        let says = |words: &str| of(json!({"error": {"message": words}}));
        assert_eq!(says("max_tokens: Field required").as_deref(), Some("max_tokens"));
        assert_eq!(of(json!({"error": {"param": "max_tokens"}})).as_deref(), Some("max_tokens"));
        assert_eq!(says("A system message is required").as_deref(), Some(SYSTEM_ROLE));
        assert_eq!(says("temperature is required"), None);
        assert_eq!(says("max_tokens is too large"), None);
        assert_eq!(says("System role not supported, a user message is required"), None);
    }

    #[test]
    fn a_cause_has_names_and_no_words() {
        let body = json!({"error": {"message": "secret words", "type": "invalid_request_error",
            "param": "messages.0.content", "code": "a b"}});
        let cause = read(400, &body).cause();
        assert_eq!(cause.to_string(), "status 400, invalid_request_error, messages.0.content");
        let gemini =
            json!([{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}]);
        assert_eq!(read(400, &gemini).cause().to_string(), "status 400, INVALID_ARGUMENT");
    }

    #[test]
    fn wrong_key_no_credit_filter_too_long_busy_and_no_tools_are_told_apart() {
        let is = |status, body: Value| read(status, &body).error();
        let message = |text: &str| json!({"error": {"message": text}});
        let rate_limited = ModelError::RateLimited { retry_after: None };

        // Azure; OpenRouter's moderation.
        let filter = json!({"error": {"code": "content_filter", "status": 400, "message": "The response was filtered"}});
        assert_eq!(is(400, filter), ModelError::Filtered);
        assert_eq!(is(403, message("Your input was flagged by moderation")), ModelError::Filtered);
        assert_eq!(is(400, message("Content Exists Risk")), ModelError::Filtered);
        assert_eq!(
            is(400, json!({"error": {"code": "invalid_prompt", "message": "x"}})),
            ModelError::Filtered
        );
        // Gemini; xAI.
        for body in [
            message("API key not valid. Please pass a valid API key."),
            message("Incorrect API key provided"),
        ] {
            assert!(matches!(is(400, body.clone()), ModelError::Refused(_)), "{body}");
        }
        assert!(matches!(is(401, json!(null)), ModelError::Refused(_)));
        assert!(matches!(is(403, json!(null)), ModelError::Refused(_)));
        // Anthropic; DeepSeek; OpenAI.
        assert!(matches!(
            is(400, message("Your credit balance is too low to access the Anthropic API.")),
            ModelError::NoCredit(_)
        ));
        assert!(matches!(is(402, message("Insufficient Balance")), ModelError::NoCredit(_)));
        assert!(matches!(is(429, json!({"error": {"code": "insufficient_quota"}})), ModelError::NoCredit(_)));
        // OpenAI; llama.cpp; Anthropic; Gemini; xAI; SGLang; LM Studio; Together; Bedrock.
        for words in [
            "This model's maximum context length is 8 tokens.",
            "the request exceeds the available context size",
            "prompt is too long: 250000 tokens > 200000 maximum",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough. Try to load the model with a larger context length, or provide a shorter input",
            "max_tokens must be at least 1, got -186.",
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193.",
        ] {
            assert_eq!(is(400, message(words)), ModelError::TooLong, "{words}");
        }
        assert_eq!(is(413, json!(null)), ModelError::TooLong);
        // Groq: 413 for what a minute holds.
        let groq = json!({"error": {"message": "Request too large for model `m` on tokens per minute (TPM)", "code": "rate_limit_exceeded"}});
        assert_eq!(is(413, groq), rate_limited);
        assert_eq!(is(429, json!("just text")), rate_limited);
        // Ollama; OpenRouter; vLLM.
        for (status, words) in [
            (400, "registry.ollama.ai/library/gemma:2b does not support tools"),
            (404, "No endpoints found that support tool use"),
            (400, "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set"),
        ] {
            assert!(matches!(is(status, message(words)), ModelError::NoTools(_)), "{words}");
        }
        assert_eq!(
            is(400, json!({"error": {"code": "tool_use_failed"}})),
            ModelError::Overloaded { status: 400, retry_after: None }
        );
        assert_eq!(is(404, json!(null)), ModelError::UnknownModel);
        assert_eq!(is(302, json!(null)), ModelError::Redirects { status: 302 });
        assert_eq!(is(529, json!(null)), ModelError::Overloaded { status: 529, retry_after: None });
        let rejected = is(400, message("a bad day"));
        let words = "a bad day\n".to_owned();
        assert_eq!(rejected, ModelError::Rejected(Cause { status: 400, words, ..Cause::default() }));
    }

    #[test]
    fn a_missing_system_role_is_known_by_its_words() {
        // Gemma's template under vLLM and llama.cpp; an API that says which roles it has.
        for (status, words) in [
            (400, "System role not supported"),
            (500, "Value is not callable: System role not supported at row 1"),
            (422, "Input should be 'user' or 'assistant': invalid role 'system'"),
        ] {
            assert!(read(status, &json!({"error": {"message": words}})).is_of_the_system_role(), "{words}");
        }
        // Mistral's first templates (vllm#2080).
        let turns = json!({"message": "Conversation roles must alternate user/assistant/user/assistant/..."});
        assert!(read(400, &turns).is_of_the_system_role());
        for words in ["The system is not supported at this hour", "Its role in this system: 9"] {
            assert!(!read(400, &json!({"error": {"message": words}})).is_of_the_system_role(), "{words}");
        }
    }

    #[test]
    fn an_error_with_a_success_stands_for_the_status_that_it_names() {
        let cases = [
            (json!({"code": 429, "message": "slow down"}), ModelError::RateLimited { retry_after: None }),
            (json!({"error": {"code": "503"}}), ModelError::Overloaded { status: 503, retry_after: None }),
            (json!("out of memory"), ModelError::Overloaded { status: 500, retry_after: None }),
            (
                json!({"object": "error", "code": 40}),
                ModelError::Overloaded { status: 500, retry_after: None },
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(named(&error).error(), expected, "{error}");
        }
    }
}
