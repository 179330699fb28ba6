//! What a model is asked: a conversation, tools, limits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::model::{Model, estimate_tokens};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The instructions that the conversation stands under.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool that it called.
    Tool,
}

/// One message of a conversation, as a model reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
    /// The tools that the model calls with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The call that this answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// What its server sent with it and wants to have back, such as `reasoning_content`.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

impl ChatMessage {
    /// A message of words alone.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self {
            role,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: None,
            carried: Map::new(),
        }
    }

    /// What the model said when it called tools. Arguments that are no JSON object
    /// are left out: llama.cpp and vLLM read each call of a conversation, and
    /// refuse all of it for one that they can't.
    pub fn calling(
        content: impl Into<String>,
        mut tool_calls: Vec<ToolCall>,
        carried: Map<String, Value>,
    ) -> Self {
        for call in &mut tool_calls {
            if serde_json::from_str::<Map<String, Value>>(&call.function.arguments).is_err() {
                call.function.arguments = "{}".to_owned();
            }
        }
        Self { tool_calls, carried, ..Self::new(Role::Assistant, content) }
    }

    /// What a call is answered.
    pub fn answering(call: &ToolCall, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(call.id.clone()), ..Self::new(Role::Tool, content) }
    }

    /// Tokens it takes, as a guess from its length.
    pub fn tokens(&self) -> u32 {
        let calls = self.tool_calls.iter().map(|call| &call.function);
        let of_calls: u32 = calls.map(|f| estimate_tokens(&f.name) + estimate_tokens(&f.arguments)).sum();
        let carried: u32 = self.carried.values().map(|value| estimate_tokens(&value.to_string())).sum();
        estimate_tokens(&self.content) + of_calls + carried
    }
}

/// A call of a tool, as the wire has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolCall {
    /// What its answer refers to.
    pub id: String,
    /// `function`, always.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What is called.
    pub function: FunctionCall,
    /// What else its server sent with it and wants to have back, such as Gemini's signature of its thoughts.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

/// What a call asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FunctionCall {
    /// The tool's name.
    pub name: String,
    /// JSON, or what the model takes for it.
    pub arguments: String,
    /// As a call's.
    #[serde(flatten)]
    pub carried: Map<String, Value>,
}

/// Tools that a model is offered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tools<'a> {
    /// What they are, as the wire describes them: `{type: "function", function: {…}}`.
    pub offered: &'a [Value],
    /// They are described, since the conversation has calls of them, but no more
    /// are to be called.
    pub over: bool,
}

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct ChatRequest<'a> {
    /// Which model answers, and where it is.
    pub model: &'a Model,
    /// The conversation, oldest first. It has to fit into the model's window.
    pub messages: Vec<ChatMessage>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// From 0 (always the likeliest word) to 2. Left out where a model takes none.
    pub temperature: f32,
    /// What it may call.
    pub tools: Tools<'a>,
}
