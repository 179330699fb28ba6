//! Settings of the functions, by the names of environment variables. (`limits`
//! names its own.)
//!
//! Read once, when a function starts. The local machine fills the same struct
//! by hand.

use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::domain::model::{ApiKey, Manner, Model, Secret, SystemRole};
use crate::limits::Limits;

/// Everything a function is told from outside.
#[derive(Clone, Debug)]
pub struct Config {
    /// The tables' names.
    pub tables: Tables,
    /// Where runs are queued (`WORKSHOP_QUEUE_URL`).
    pub queue_url: String,
    /// Where imports of uploaded files are queued (`WORKSHOP_IMPORTS_QUEUE_URL`).
    pub imports_queue_url: String,
    /// What the addresses of uploaded files begin with, without a slash at its
    /// end (`WORKSHOP_UPLOADS_URL`): on AWS
    /// `https://BUCKET.s3.REGION.amazonaws.com/uploads`.
    pub uploads_url: String,
    /// Who signs tokens (`WORKSHOP_ISSUER`).
    pub issuer: String,
    /// Where the issuer's keys are (RFC 7517): under the issuer, as Cognito has
    /// them, or where `WORKSHOP_KEY_SET_URL` says.
    pub key_set_url: String,
    /// For whom tokens are made (`WORKSHOP_CLIENT_ID`).
    pub client_id: String,
    /// Signs cursors, so that they can't be tampered with (`WORKSHOP_CURSOR_KEY`,
    /// at least 32 characters).
    pub cursor_key: Secret,
    /// The models, the default one first (`WORKSHOP_MODELS`).
    pub models: Vec<Model>,
    /// Who turns texts into vectors (`WORKSHOP_EMBEDDINGS`); the workshop's own
    /// static embeddings when absent.
    pub embeddings: Option<EmbeddingService>,
    /// What one user and the whole deployment may use.
    pub limits: Limits,
    /// The deployment's name, which its figures are told under
    /// (`WORKSHOP_DEPLOYMENT`). Without one, none are told.
    pub deployment: Option<String>,
    /// Where the services are, when they are not AWS's own. (The SDK's
    /// `AWS_ENDPOINT_URL` variables work besides.)
    pub endpoints: Endpoints,
}

/// Addresses of services that stand in for AWS's.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// DynamoDB.
    pub dynamodb: Option<String>,
    /// SQS.
    pub sqs: Option<String>,
}

/// The tables' names: `WORKSHOP_DRAFTS_TABLE` and so on.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Drafts with their conversations and runs.
    pub drafts: String,
    /// Prompts and their versions.
    pub library: String,
    /// Topics and articles.
    pub articles: String,
    /// Quotas, idempotency records and daily counters.
    pub usage: String,
}

impl Tables {
    /// Names that begin with `prefix`.
    pub fn with_prefix(prefix: &str) -> Self {
        let name = |table: &str| format!("{prefix}-{table}");
        Self {
            drafts: name("drafts"),
            library: name("library"),
            articles: name("articles"),
            usage: name("usage"),
        }
    }
}

/// A server that speaks OpenAI's `/v1/embeddings`.
#[derive(Clone, Debug)]
pub struct EmbeddingService {
    /// What stands before `/embeddings`.
    pub base_url: String,
    /// The model's id.
    pub model: String,
    /// The key that its server asks for.
    pub api_key: ApiKey,
    /// Numbers of a vector, 1 to 4,096: asked for, and what the index holds.
    pub dimensions: u32,
    /// Articles that are less similar (cosine) to a query than this were not found.
    pub least_similarity: f64,
}

/// The region that Lambda runs this in (`AWS_REGION`).
pub fn aws_region() -> Option<String> {
    std::env::var("AWS_REGION").or_else(|_| std::env::var("AWS_DEFAULT_REGION")).ok()
}

/// Other addresses of AWS's services, by the variables that its SDKs share:
/// `AWS_ENDPOINT_URL`, and for one service such as `AWS_ENDPOINT_URL_SQS`
/// (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
#[derive(Debug)]
pub struct ServiceAddresses;

impl LoadServiceConfig for ServiceAddresses {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        service_address(key.env(), key.service_id())
    }
}

/// The setting `name` for one service, or for all of them.
pub fn service_address(name: &str, service_id: &str) -> Option<String> {
    let service = service_id.to_uppercase().replace(' ', "_");
    std::env::var(format!("{name}_{service}")).or_else(|_| std::env::var(name)).ok()
}

impl Config {
    /// Numbers of a vector of the embeddings in use.
    pub fn dimensions(&self) -> u32 {
        self.embeddings.as_ref().map_or(embedding::DIMENSIONS as u32, |service| service.dimensions)
    }
}

/// A setting is missing or can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nothing is set under this name.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// What is set can't be used.
    #[error("the environment variable {name} can't be used: {why}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What is wrong with it; never its value.
        why: String,
    },
}

/// Why a setting in JSON can't be read, without any of its values: one may be a key that was pasted there.
fn unreadable(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let told = error.to_string();
    match error.classify() {
        Category::Data
            if ["missing field", "unknown field", "unknown variant"]
                .iter()
                .any(|known| told.starts_with(known)) =>
        {
            told
        }
        Category::Data => {
            format!(
                "what ends at line {line}, column {column} is of another type than it should be; README has an example"
            )
        }
        _ => format!(
            "it is no JSON: it can't be read on at line {line}, column {column}; README has an example"
        ),
    }
}

impl Config {
    /// Reads the settings that `lookup` finds by name.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let need = |name: &'static str| {
            lookup(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
        };
        let issuer = need("WORKSHOP_ISSUER")?;
        let cursor_key = need("WORKSHOP_CURSOR_KEY")?;
        if cursor_key.len() < 32 {
            return Err(ConfigError::Invalid {
                name: "WORKSHOP_CURSOR_KEY",
                why: "it needs at least 32 characters".to_owned(),
            });
        }
        Ok(Self {
            tables: Tables {
                drafts: need("WORKSHOP_DRAFTS_TABLE")?,
                library: need("WORKSHOP_LIBRARY_TABLE")?,
                articles: need("WORKSHOP_ARTICLES_TABLE")?,
                usage: need("WORKSHOP_USAGE_TABLE")?,
            },
            queue_url: lookup("WORKSHOP_QUEUE_URL").unwrap_or_default(),
            imports_queue_url: lookup("WORKSHOP_IMPORTS_QUEUE_URL").unwrap_or_default(),
            uploads_url: lookup("WORKSHOP_UPLOADS_URL").unwrap_or_default().trim_end_matches('/').to_owned(),
            key_set_url: lookup("WORKSHOP_KEY_SET_URL")
                .filter(|url| !url.is_empty())
                .unwrap_or_else(|| format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'))),
            issuer,
            client_id: need("WORKSHOP_CLIENT_ID")?,
            cursor_key: Secret::new(cursor_key),
            models: match lookup("WORKSHOP_MODELS") {
                Some(json) => parse_models(&json, &lookup)?,
                None => Vec::new(),
            },
            embeddings: match lookup("WORKSHOP_EMBEDDINGS").filter(|json| !json.is_empty()) {
                Some(json) => Some(parse_embeddings(&json, &lookup)?),
                None => None,
            },
            limits: Limits::read(&lookup)?,
            deployment: lookup("WORKSHOP_DEPLOYMENT").filter(|name| !name.is_empty()),
            endpoints: Endpoints::default(),
        })
    }

    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|name| std::env::var(name).ok())
    }
}

/// Tokens that a model has to read at least, of a prompt and its answer together.
const WINDOW_MIN: u32 = 1_024;

/// Numbers that a vector has at most: DynamoDB's vector indexes take no more.
const DIMENSIONS_MAX: u32 = 4_096;

/// The JSON schemas of `WORKSHOP_MODELS`' models and of `WORKSHOP_EMBEDDINGS`, by the template's parameters that set
/// them: infra/deploy.py refuses what no function could read, before anything is built.
pub fn schemas() -> [(&'static str, Schema); 2] {
    [("Models", schema_for!(ModelSetting)), ("Embeddings", schema_for!(EmbeddingSetting))]
}

/// `WORKSHOP_EMBEDDINGS`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EmbeddingSetting {
    #[schemars(regex(pattern = "^https?://"), example = "https://api.openai.com/v1")]
    base_url: String,
    #[schemars(length(min = 1), example = "text-embedding-3-small")]
    model: String,
    /// As a model's.
    key_parameter: Option<String>,
    #[serde(default = "default_dimensions")]
    #[schemars(range(min = 1, max = DIMENSIONS_MAX))]
    dimensions: u32,
    #[serde(default = "default_similarity")]
    least_similarity: f64,
}

fn default_dimensions() -> u32 {
    embedding::DIMENSIONS as u32
}

fn default_similarity() -> f64 {
    0.3
}

/// Reads `WORKSHOP_EMBEDDINGS`: a JSON object such as
/// `{"base_url": "https://models.example/v1", "model": "text-embedding-3-small", "key_parameter": "KEY"}`.
pub fn parse_embeddings(
    json: &str,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<EmbeddingService, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid { name: "WORKSHOP_EMBEDDINGS", why };
    let setting: EmbeddingSetting =
        serde_json::from_str(json).map_err(|error| invalid(unreadable(&error)))?;
    if !setting.base_url.starts_with("http://") && !setting.base_url.starts_with("https://") {
        return Err(invalid("the base_url is not an http address".to_owned()));
    }
    if !(1..=DIMENSIONS_MAX).contains(&setting.dimensions) {
        return Err(invalid(format!("dimensions are 1 to {DIMENSIONS_MAX}")));
    }
    let api_key = api_key(setting.key_parameter.as_deref(), lookup)
        .map_err(|why| invalid(format!("the key_parameter {why}")))?;
    Ok(EmbeddingService {
        base_url: setting.base_url.trim_end_matches('/').to_owned(),
        model: setting.model,
        api_key,
        dimensions: setting.dimensions,
        least_similarity: setting.least_similarity,
    })
}

/// Where the key is that `parameter` names, or what is wrong with it.
fn api_key(parameter: Option<&str>, lookup: &impl Fn(&str) -> Option<String>) -> Result<ApiKey, String> {
    let name = match parameter {
        None => return Ok(ApiKey::None),
        Some(name) if name.starts_with('/') => return Ok(ApiKey::Parameter(name.to_owned())),
        Some(name) => name,
    };
    let key = lookup(name).ok_or_else(|| {
        // Who pasted the key itself must not find it in a log.
        if is_variable(name) {
            format!("names {name}, which is not set")
        } else {
            "is no name of an environment variable or, with a slash before it, of a parameter in SSM. \
             The key itself does not belong there"
                .to_owned()
        }
    })?;
    Ok(ApiKey::Known(key_of(&key)?))
}

/// The key that a person set, without the line end that a file may have left on it; or what is wrong with it.
pub fn key_of(text: &str) -> Result<Secret, String> {
    let key = text.trim();
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("holds no key: one has letters, digits and signs, and no blank".to_owned());
    }
    Ok(Secret::new(key))
}

/// Whether this looks like a variable's name and not like a key.
fn is_variable(name: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.bytes().all(is_of_one) && (name.contains('_') || name.len() <= 12)
}

/// How a model's server wants to be asked, or what is wrong with it.
fn manner(setting: &ModelSetting) -> Result<Manner, String> {
    let mut parameters = setting.parameters.clone();
    if let Some(name) = OWN_PARAMETERS.iter().find(|name| parameters.contains_key(**name)) {
        return Err(format!("parameters has {name}, which each request has of its own"));
    }
    if let Some(temperature) = setting.temperature {
        if !(0.0..=2.0).contains(&temperature) {
            return Err("temperature is not from 0 to 2".to_owned());
        }
        parameters.insert("temperature".to_owned(), temperature.into());
    }
    for (name, value) in &setting.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() || HeaderValue::from_str(value).is_err() {
            return Err("headers has one that HTTP doesn't allow".to_owned());
        }
    }
    let seconds = |told: Option<u32>| {
        told.map(|told| match told {
            1..=SECONDS_MAX => Ok(Duration::from_secs(told.into())),
            _ => Err(format!("deadlines are 1 to {SECONDS_MAX} seconds")),
        })
        .transpose()
    };
    if setting.model.as_ref().is_some_and(|model| model.trim().is_empty()) {
        return Err("model is empty".to_owned());
    }
    Ok(Manner {
        model: setting.model.clone(),
        parameters,
        headers: setting.headers.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect(),
        first_token: seconds(setting.deadlines.first_token)?,
        silence: seconds(setting.deadlines.silence)?,
        system_role: setting.roles.system,
    })
}

/// One model in `WORKSHOP_MODELS`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelSetting {
    #[schemars(length(min = 1), example = "gpt-5-mini")]
    id: String,
    label: Option<String>,
    /// What its server calls it, when that isn't its id: one model can stand twice, from two providers.
    #[schemars(length(min = 1))]
    model: Option<String>,
    #[schemars(regex(pattern = "^https?://"), example = "https://api.openai.com/v1")]
    base_url: String,
    /// What holds the key, never the key itself: a parameter of SSM Parameter
    /// Store when it begins with a slash, otherwise an environment variable.
    key_parameter: Option<String>,
    #[serde(default = "default_window")]
    #[schemars(range(min = WINDOW_MIN))]
    context_window: u32,
    max_output_tokens: Option<u32>,
    #[serde(default)]
    slow: bool,
    #[serde(default)]
    supports_tools: bool,
    #[serde(default)]
    price_in: f64,
    #[serde(default)]
    price_out: f64,
    /// In place of the workshop's own: 0.2 for tests and 0.5 in conversation.
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f64>,
    /// Parameters of each request, such as `{"reasoning_effort": "low"}`; a null leaves its parameter out.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// Headers of each request. `{key}` in one stands for the key, as in `{"api-key": "{key}"}`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    deadlines: DeadlinesSetting,
    #[serde(default)]
    roles: RolesSetting,
}

/// How long a model is waited for, in seconds.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeadlinesSetting {
    /// Until the first bytes of an answer; 60 when absent.
    #[schemars(range(min = 1, max = SECONDS_MAX))]
    first_token: Option<u32>,
    /// Between two pieces of an answer; 30 when absent.
    #[schemars(range(min = 1, max = SECONDS_MAX))]
    silence: Option<u32>,
}

/// By which names a model's server knows who speaks.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RolesSetting {
    /// Who gives the instructions; as `user`, they stand at the head of the first message.
    #[serde(default)]
    system: SystemRole,
}

/// Seconds that a model is waited for at most: a function has 15 minutes.
const SECONDS_MAX: u32 = 900;
/// What a request has of its own, whatever a model's settings say.
const OWN_PARAMETERS: [&str; 4] = ["model", "messages", "tools", "tool_choice"];

fn default_window() -> u32 {
    8_192
}

/// Reads `WORKSHOP_MODELS`: a JSON array, the default model first.
///
/// ```
/// let json = r#"[{"id": "gpt-5-mini", "base_url": "https://models.example/v1", "key_parameter": "MODEL_KEY"}]"#;
/// let models = shared::config::parse_models(json, &|_: &str| Some("sk-1".to_owned())).unwrap();
/// assert_eq!(models[0].label, "gpt-5-mini");
/// ```
pub fn parse_models(json: &str, lookup: &impl Fn(&str) -> Option<String>) -> Result<Vec<Model>, ConfigError> {
    let invalid = |why: String| ConfigError::Invalid { name: "WORKSHOP_MODELS", why };
    let settings: Vec<ModelSetting> =
        serde_json::from_str(json).map_err(|error| invalid(unreadable(&error)))?;
    let mut models = Vec::with_capacity(settings.len());
    for setting in settings {
        if setting.id.is_empty() || models.iter().any(|model: &Model| model.id == setting.id) {
            return Err(invalid(format!(
                "the id \"{}\" is empty or stands twice; for one model from two providers, give each an id of its own, \
                 and say in \"model\" what its server calls it",
                setting.id
            )));
        }
        if !setting.base_url.starts_with("http://") && !setting.base_url.starts_with("https://") {
            return Err(invalid(format!("the base_url of \"{}\" is not an http address", setting.id)));
        }
        if setting.context_window < WINDOW_MIN {
            return Err(invalid(format!(
                "the context_window of \"{}\" is under {WINDOW_MIN} tokens",
                setting.id
            )));
        }
        let api_key = api_key(setting.key_parameter.as_deref(), lookup)
            .map_err(|why| invalid(format!("the key_parameter of \"{}\" {why}", setting.id)))?;
        let manner = manner(&setting).map_err(|why| invalid(format!("of \"{}\", {why}", setting.id)))?;
        models.push(Model {
            label: setting.label.unwrap_or_else(|| setting.id.clone()),
            base_url: setting.base_url.trim_end_matches('/').to_owned(),
            api_key,
            slow: setting.slow,
            max_output_tokens: setting
                .max_output_tokens
                .unwrap_or(4_096)
                .clamp(64, setting.context_window / 2),
            context_window: setting.context_window,
            supports_tools: setting.supports_tools,
            price_in: setting.price_in.max(0.0),
            price_out: setting.price_out.max(0.0),
            manner,
            id: setting.id,
        });
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(name: &str) -> Option<String> {
        match name {
            "WORKSHOP_MODELS" => Some(r#"[{"id":"m","base_url":"http://127.0.0.1:1/v1/"}]"#.into()),
            name if name.starts_with("WORKSHOP_LIMIT") || name == "WORKSHOP_EMBEDDINGS" => None,
            _ => Some("x".repeat(40)),
        }
    }

    #[test]
    fn a_setting_that_is_no_json_is_told_without_its_values() {
        let told = |json: &str| parse_models(json, &|_| None).unwrap_err().to_string();
        assert!(told("gpt-5").contains("it is no JSON: it can't be read on at line 1"), "{}", told("gpt-5"));
        assert!(told("[{\"id\": \"a\"}]").contains("missing field"), "{}", told("[{\"id\": \"a\"}]"));
        for pasted in ["\"sk-SECRET\"", "[{\"id\": \"a\", \"slow\": \"sk-SECRET\"}]"] {
            let told = told(pasted);
            assert!(told.contains("another type") && !told.contains("SECRET"), "{told}");
        }
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error =
            Config::read(|name| if name == "WORKSHOP_ISSUER" { None } else { full(name) }).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable WORKSHOP_ISSUER is not set");
    }

    #[test]
    fn models_are_read_with_their_defaults() {
        let config = Config::read(full).unwrap();
        assert_eq!(config.models[0].base_url, "http://127.0.0.1:1/v1");
        assert_eq!(config.models[0].max_output_tokens, 4_096);
    }

    #[test]
    fn a_model_whose_key_is_not_set_is_named_and_the_key_is_not() {
        let json = r#"[{"id":"m","base_url":"https://a.example/v1","key_parameter":"KEY_OF_M"}]"#;
        let error = parse_models(json, &|_: &str| None).unwrap_err().to_string();
        assert!(error.contains("KEY_OF_M"), "{error}");
        let models = parse_models(json, &|_: &str| Some("secret\r\n".into())).unwrap();
        assert!(!format!("{models:?}").contains("secret"));
        assert!(matches!(&models[0].api_key, ApiKey::Known(key) if key.reveal() == "secret"));
        for no_key in ["", " ", "two words", "k\u{e9}y"] {
            assert!(parse_models(json, &|_: &str| Some(no_key.into())).is_err(), "{no_key:?}");
        }
    }

    #[test]
    fn a_key_that_was_pasted_where_its_name_belongs_is_not_printed() {
        for pasted in [
            "sk-proj-SECRETSECRET",
            "AIzaSySECRETSECRET",
            "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "AKIASECRETSECRET",
        ] {
            let json =
                format!(r#"[{{"id":"m","base_url":"https://a.example/v1","key_parameter":"{pasted}"}}]"#);
            let error = parse_models(&json, &|_: &str| None).unwrap_err().to_string();
            assert!(!error.contains(&pasted[6..]) && error.contains("does not belong there"), "{error}");
        }
    }

    #[test]
    fn how_a_server_wants_to_be_asked_can_be_written_down() {
        let of = |more: &str| {
            parse_models(
                &format!(r#"[{{"id":"m","base_url":"https://a.example/v1",{more}}}]"#),
                &|_: &str| None,
            )
        };
        let told = of(r#""temperature":1,"parameters":{"top_p":0.9,"stream_options":null},
            "headers":{"api-key":"{key}"},"deadlines":{"first_token":300},"roles":{"system":"developer"}"#);
        let Manner { model, parameters, headers, first_token, silence, system_role } =
            told.unwrap().remove(0).manner;
        assert_eq!(
            Value::Object(parameters),
            serde_json::json!({"temperature": 1.0, "top_p": 0.9, "stream_options": null})
        );
        assert_eq!((headers[0].0.as_str(), headers[0].1.reveal()), ("api-key", "{key}"));
        assert_eq!((first_token, silence), (Some(Duration::from_secs(300)), None));
        assert_eq!((model, system_role), (None, SystemRole::Developer));
        for (wrong, named) in [
            (r#""temperature":3"#, "temperature"),
            (r#""parameters":{"messages":[]}"#, "messages"),
            (r#""headers":{"a b":"c"}"#, "headers"),
            (r#""deadlines":{"silence":0}"#, "deadlines"),
            (r#""deadlines":{"silense":1}"#, "silense"),
            (r#""roles":{"system":"boss"}"#, "boss"),
            (r#""model":" ""#, "model is empty"),
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn one_model_can_be_had_from_two_providers() {
        let json = r#"[{"id":"gpt-5","base_url":"https://a.example/v1"},
            {"id":"gpt-5 at b","label":"GPT-5 (b)","model":"gpt-5","base_url":"https://b.example/v1"}]"#;
        let models = parse_models(json, &|_: &str| None).unwrap();
        let told: Vec<_> =
            models.iter().map(|model| (model.id.as_str(), model.name(), model.label.as_str())).collect();
        assert_eq!(told, [("gpt-5", "gpt-5", "gpt-5"), ("gpt-5 at b", "gpt-5", "GPT-5 (b)")]);
        let twice = json.replace("gpt-5 at b", "gpt-5");
        let error = parse_models(&twice, &|_: &str| None).unwrap_err().to_string();
        assert!(error.contains("stands twice") && error.contains("\"model\""), "{error}");
    }

    #[test]
    fn a_key_whose_name_begins_with_a_slash_is_a_parameter_that_is_read_when_it_is_needed() {
        let json = r#"[{"id":"m","base_url":"https://a.example/v1","key_parameter":"/workshop/m"}]"#;
        let models = parse_models(json, &|_: &str| None).unwrap();
        assert!(matches!(&models[0].api_key, ApiKey::Parameter(name) if name == "/workshop/m"));
    }

    #[test]
    fn a_misspelt_field_is_refused() {
        assert!(parse_models(r#"[{"id":"m","base_url":"http://a","windw":1}]"#, &|_: &str| None).is_err());
    }
}
