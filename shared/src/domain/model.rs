//! Language models that a deployment is configured with.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A key that must not be shown: it prints as three stars.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for the one header it belongs in.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a model's server asks for before it answers.
#[derive(Clone, Debug, Default)]
pub enum ApiKey {
    /// Nothing.
    #[default]
    None,
    /// This bearer key.
    Known(Secret),
    /// The bearer key that this parameter of SSM Parameter Store holds.
    Parameter(String),
}

/// One model, as `WORKSHOP_MODELS` describes it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its name in this product's API, and in all that is stored; also what its server calls it, unless
    /// [`Manner::model`] says otherwise.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// The root of an OpenAI-compatible API, with its `/v1`, without a final slash.
    pub base_url: String,
    /// Its key.
    pub api_key: ApiKey,
    /// It runs on the cores of this machine: it may take minutes to begin, and
    /// long pauses while it reads for someone else.
    pub slow: bool,
    /// Tokens that prompt and answer may take together.
    pub context_window: u32,
    /// The longest answer asked for, in tokens.
    pub max_output_tokens: u32,
    /// Whether it takes tool definitions and calls them.
    pub supports_tools: bool,
    /// US dollars a million prompt tokens.
    pub price_in: f64,
    /// US dollars a million answer tokens.
    pub price_out: f64,
    /// How its server wants to be asked.
    pub manner: Manner,
}

/// How a model's server wants to be asked, where its settings say so.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// What its server calls it, where that isn't its id: so one model can be had from several providers.
    pub model: Option<String>,
    /// Parameters of each request, in place of the usual ones; a null leaves its parameter out (RFC 7396).
    pub parameters: Map<String, Value>,
    /// Headers of each request. `{key}` in one stands for the key, which then stands nowhere else.
    pub headers: Vec<(String, Secret)>,
    /// How long the first bytes of an answer may take, and how long the model may think after them.
    pub first_token: Option<Duration>,
    /// How long an answer may pause.
    pub silence: Option<Duration>,
    /// In which role it is given its instructions.
    pub system_role: SystemRole,
}

/// In which role a model is given its instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SystemRole {
    /// As most servers know it.
    #[default]
    System,
    /// OpenAI's newer name for it.
    Developer,
    /// At the head of the first message, for models that have no such role.
    User,
}

/// Tokens that one call took, as the model's server counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize, schemars::JsonSchema)]
pub struct Usage {
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
}

impl Model {
    /// A model that needs no words about itself.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            id: "m".into(),
            label: "M".into(),
            base_url: "http://127.0.0.1/v1".into(),
            api_key: ApiKey::None,
            slow: false,
            context_window: 8192,
            max_output_tokens: 1024,
            supports_tools: false,
            price_in: 0.0,
            price_out: 0.0,
            manner: Manner::default(),
        }
    }

    /// What its server calls it.
    pub fn name(&self) -> &str {
        self.manner.model.as_deref().unwrap_or(&self.id)
    }

    /// What `usage` costs, in millionths of a US dollar.
    pub fn cost_micros(&self, usage: Usage) -> u64 {
        let cost =
            self.price_in * usage.prompt_tokens as f64 + self.price_out * usage.completion_tokens as f64;
        cost.max(0.0).round() as u64
    }
}

/// A careful guess at how many tokens `text` takes: one for three bytes, which
/// is more than common tokenizers need for English and near for other scripts.
pub fn estimate_tokens(text: &str) -> u32 {
    u32::try_from(text.len().div_ceil(3)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("sk-123")), "***");
    }

    #[test]
    fn prices_are_for_a_million_tokens() {
        let model = Model { price_in: 2.0, price_out: 8.0, ..Model::for_tests() };
        let usage = Usage { prompt_tokens: 1_000, completion_tokens: 500 };
        assert_eq!(model.cost_micros(usage), 6_000);
    }
}
