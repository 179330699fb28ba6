//! Flags and environment variables of `workshop`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{CommandFactory, Parser, Subcommand};
use serde::Deserialize;
use shared::app::Clock;
use shared::config::{key_of, parse_embeddings, parse_models};
use shared::domain::model::{ApiKey, Manner, Model, Secret};
use shared::limits::Limits;
use shared::llm::Patience;

use crate::functions::Handlers;
use crate::machine::{ModelChoice, Options};

/// The model asked for with `OPENAI_API_KEY` alone.
const OPENAI_MODEL: &str = "gpt-5-mini";
/// Words in the ids of models that embed, rank, hear, speak, draw or judge, and don't answer.
const OTHER_MODELS: &[&str] = &[
    "bge",
    "gte",
    "minilm",
    "rerank",
    "reranker",
    "colbert",
    "whisper",
    "transcribe",
    "tts",
    "dall",
    "image",
    "moderation",
    "guard",
    "sora",
    "realtime",
    "audio",
    "ocr",
];
/// Where Ollama usually listens.
const OLLAMA: &str = "http://127.0.0.1:11434";
/// How long is looked for a server on this machine that may not be there.
const LOOK: Duration = Duration::from_millis(400);
/// How long a server that was named may take to say what it has.
const ANSWER: Duration = Duration::from_secs(10);

/// The Prompt Workshop, whole, on this machine: design a system prompt in
/// conversation, test it on articles, rate the results, commit it to a library.
#[derive(Debug, Parser)]
#[command(name = "workshop", version, after_help = MODELS_HELP)]
pub struct Settings {
    /// Port of the workshop, on 127.0.0.1
    #[arg(long, env = "WORKSHOP_PORT", default_value_t = 9090)]
    pub port: u16,

    /// Folder that keeps drafts, prompts, articles and the small model
    #[arg(long, env = "WORKSHOP_DATA_DIR", default_value = ".workshop")]
    pub data_dir: PathBuf,

    /// Port of the embedded DynamoDB: any AWS tool can look in
    #[arg(long, env = "WORKSHOP_DYNAMODB_PORT", default_value_t = 9091)]
    pub dynamodb_port: u16,

    /// Port of the embedded SQS
    #[arg(long, env = "WORKSHOP_SQS_PORT", default_value_t = 9092)]
    pub sqs_port: u16,

    /// Who you are when a request carries no token; empty: nobody, and it is refused, as when deployed
    #[arg(long, env = "WORKSHOP_USER", default_value = "local")]
    pub user: String,

    /// An OpenAI-compatible server, with its /v1
    #[arg(long, env = "WORKSHOP_LLM_URL")]
    pub llm_url: Option<String>,

    /// The model to ask it for; its first when absent
    #[arg(long, env = "WORKSHOP_LLM_MODEL")]
    pub llm_model: Option<String>,

    /// Its key; better in the environment than on the command line
    #[arg(long, env = "WORKSHOP_LLM_API_KEY", hide_env_values = true)]
    pub llm_api_key: Option<String>,

    /// Seconds between searches for runs that got stuck
    #[arg(long, env = "WORKSHOP_RECOVER_EVERY", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    pub recover_every: u64,

    /// Run each handler as a function of its own, built anew when its source changes
    #[arg(long, env = "WORKSHOP_WATCH")]
    pub watch: bool,

    /// Addresses (IP:PORT) of this machine's network whose feeds may be fetched: for trying a feed of your own
    #[arg(long, env = "WORKSHOP_REACHABLE", value_delimiter = ',')]
    pub reachable: Vec<SocketAddr>,

    /// The page's built files
    #[arg(long, env = "WORKSHOP_SITE", default_value = "static-site/dist")]
    pub site: PathBuf,

    /// A command to run instead of the workshop
    #[command(subcommand)]
    pub instead: Option<Instead>,
}

/// The other commands.
#[derive(Debug, Subcommand)]
pub enum Instead {
    /// Write all that the data folder keeps into one file, also while the workshop runs
    Backup {
        /// The file, which must not be there yet
        file: PathBuf,
    },
    /// Put a backup in the place of what the data folder keeps, which is put aside
    Restore {
        /// The backup
        file: PathBuf,
    },
}

const MODELS_HELP: &str = "\
Which model answers, the first of these that is set or found:
  WORKSHOP_LLM_URL    an OpenAI-compatible server (with WORKSHOP_LLM_MODEL, WORKSHOP_LLM_API_KEY)
  WORKSHOP_MODELS     several models, as JSON (see README.md)
  OPENAI_API_KEY      OpenAI (WORKSHOP_LLM_MODEL chooses the model)
  Ollama              when it listens on 127.0.0.1:11434
  otherwise           SmolLM2-135M, downloaded once (130 MB, needs Python 3) and run on this machine";

impl Settings {
    /// What to start, once it is known which model answers.
    ///
    /// # Errors
    /// When the settings contradict themselves or name a server that does not answer.
    pub async fn options(self) -> anyhow::Result<(Options, String)> {
        let ports = [
            ("WORKSHOP_PORT", self.port),
            ("WORKSHOP_DYNAMODB_PORT", self.dynamodb_port),
            ("WORKSHOP_SQS_PORT", self.sqs_port),
        ];
        for (at, (name, port)) in ports.iter().enumerate() {
            if let Some((other, _)) = ports.iter().skip(at + 1).find(|(_, other)| other == port && *port != 0)
            {
                bail!("{name} and {other} are both {port}. Give each a port of its own.");
            }
        }
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (model, told) = self.model(&environment).await?;
        let options = Options {
            port: self.port,
            dynamodb_port: self.dynamodb_port,
            sqs_port: self.sqs_port,
            data_dir: self.data_dir,
            user: Some(self.user).filter(|user| !user.is_empty()),
            model,
            patience: Patience::default(),
            embeddings: environment("WORKSHOP_EMBEDDINGS")
                .map(|json| parse_embeddings(&json, &environment))
                .transpose()?,
            limits: Limits::read(environment)?,
            recover_every: Duration::from_secs(self.recover_every),
            reachable: self.reachable,
            sample: true,
            handlers: if self.watch { Handlers::Watched { log: None } } else { Handlers::Here },
            clock: Clock::default(),
            site: Some(self.site),
        };
        Ok((options, told))
    }

    /// What of the environment and of the settings will surprise whoever set it, in sentences.
    pub fn surprises(&self, variables: impl Iterator<Item = String>) -> Vec<String> {
        let mut known: Vec<String> = vec!["WORKSHOP_MODELS".to_owned(), "WORKSHOP_EMBEDDINGS".to_owned()];
        known.extend(Limits::default().settings().map(|(name, _)| name.to_owned()));
        let command = Self::command();
        let named = command.get_arguments().filter_map(|argument| argument.get_env());
        known.extend(named.filter_map(|name| name.to_str()).map(str::to_owned));
        let mut told: Vec<String> = variables
            .filter(|name| name.starts_with("WORKSHOP_") && !known.contains(name))
            .map(|name| {
                let near = known.iter().map(|known| (strsim::jaro_winkler(known, &name), known));
                match near.max_by(|(one, _), (other, _)| one.total_cmp(other)) {
                    Some((like, known)) if like > 0.93 => {
                        format!("{name} is set, and this machine does not read it. Is {known} meant?")
                    }
                    _ => format!(
                        "{name} is set, and this machine does not read it. --help lists what is read."
                    ),
                }
            })
            .collect();
        if !self.site.join("index.html").is_file() {
            let site = self.site.display();
            told.push(format!(
                "{site} has no page in it: only the API is served. `make page` builds the page."
            ));
        }
        told
    }

    async fn model(
        &self,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> anyhow::Result<(ModelChoice, String)> {
        let named = self.llm_model.as_deref().map(str::trim).filter(|id| !id.is_empty());
        if let Some(url) = self.llm_url.as_ref().filter(|url| !url.is_empty()) {
            let url = url.trim().trim_end_matches('/');
            if !url.starts_with("http://") && !url.starts_with("https://") {
                bail!("WORKSHOP_LLM_URL is not an http address. It is one such as http://127.0.0.1:8000/v1.");
            }
            let key = match self.llm_api_key.as_deref().filter(|key| !key.is_empty()) {
                Some(key) => Some(key_of(key).map_err(|why| anyhow!("WORKSHOP_LLM_API_KEY {why}."))?),
                None => None,
            };
            let id = match named {
                Some(id) => id.to_owned(),
                None => first_model(url, key.as_ref()).await?,
            };
            let told = format!("{id}, at {}", without_secrets(url));
            return Ok((ModelChoice::Configured(vec![one(&id, url, key)]), told));
        }
        if let Some(json) = environment("WORKSHOP_MODELS") {
            let models = parse_models(&json, environment)?;
            let Some(first) = models.first() else { bail!("WORKSHOP_MODELS has no model in it.") };
            let told = format!("{} (of {} configured)", first.label, models.len());
            return Ok((ModelChoice::Configured(models), told));
        }
        if let Some(key) = environment("OPENAI_API_KEY") {
            let id = named.unwrap_or(OPENAI_MODEL);
            let key = key_of(&key).map_err(|why| anyhow!("OPENAI_API_KEY {why}."))?;
            let model = Model {
                context_window: 128_000,
                max_output_tokens: 8_192,
                ..one(id, "https://api.openai.com/v1", Some(key))
            };
            return Ok((ModelChoice::Configured(vec![model]), format!("{id}, at OpenAI")));
        }
        let url = format!("{OLLAMA}/v1");
        if let Ok(found) = listed(&url, None, LOOK).await
            && let Some(first) = found.iter().find(|id| can_chat(id))
        {
            let told = format!("{first}, by Ollama");
            let models = found.iter().filter(|id| can_chat(id)).map(|id| one(id, &url, None)).collect();
            return Ok((ModelChoice::Configured(models), told));
        }
        let told =
            "SmolLM2-135M, on this machine: real but tiny, and often silly. See --help for better ones";
        Ok((ModelChoice::Bundled { progress: true }, told.to_owned()))
    }
}

fn one(id: &str, url: &str, key: Option<Secret>) -> Model {
    Model {
        id: id.to_owned(),
        label: id.to_owned(),
        base_url: url.to_owned(),
        api_key: key.map_or(ApiKey::None, ApiKey::Known),
        // A server of this machine loads its model first, and reads long prompts on its processor.
        slow: is_of_this_machine(url),
        context_window: 8_192,
        max_output_tokens: 2_048,
        supports_tools: false,
        price_in: 0.0,
        price_out: 0.0,
        manner: Manner::default(),
    }
}

async fn first_model(url: &str, key: Option<&Secret>) -> anyhow::Result<String> {
    let told = without_secrets(url);
    let found = listed(url, key, ANSWER).await.with_context(|| {
        format!("{told} does not say which models it has. Name one with --llm-model or WORKSHOP_LLM_MODEL")
    })?;
    found.into_iter().find(|id| can_chat(id)).with_context(|| {
        format!("{told} has no model that talks. Name one with --llm-model or WORKSHOP_LLM_MODEL")
    })
}

/// An address without what may be a secret of it: a user and password, a query.
fn without_secrets(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else { return "its address".to_owned() };
    // Only an address without a host has no place for them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

fn is_of_this_machine(url: &str) -> bool {
    let host =
        url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// Whether a model is one that answers in words, by the words of its id: a list has no other sign of it.
fn can_chat(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let mut words = id.split(|character: char| !character.is_ascii_alphanumeric());
    !words.any(|word| {
        word.starts_with("embed")
            || OTHER_MODELS.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
    })
}

/// The models of an OpenAI-compatible server.
async fn listed(url: &str, key: Option<&Secret>, patience: Duration) -> anyhow::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct List {
        data: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        id: String,
    }
    let client = reqwest::Client::builder().no_proxy().timeout(patience).build()?;
    let mut request = client.get(format!("{url}/models"));
    if let Some(key) = key {
        request = request.bearer_auth(key.reveal());
    }
    let list = async { request.send().await?.error_for_status()?.json::<List>().await };
    let list = list.await.map_err(reqwest::Error::without_url)?;
    Ok(list.data.into_iter().map(|entry| entry.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_and_read_by_nobody_is_told() {
        let settings = Settings::parse_from(["workshop", "--site", "/nowhere"]);
        let names = ["WORKSHOP_PROT", "WORKSHOP_PORT", "WORKSHOP_LIMIT_RUNS_PER_DAY", "WORKSHOP_ODD", "HOME"];
        assert_eq!(
            settings.surprises(names.map(str::to_owned).into_iter()),
            [
                "WORKSHOP_PROT is set, and this machine does not read it. Is WORKSHOP_PORT meant?",
                "WORKSHOP_ODD is set, and this machine does not read it. --help lists what is read.",
                "/nowhere has no page in it: only the API is served. `make page` builds the page.",
            ]
        );
    }

    #[tokio::test]
    async fn ports_that_are_alike_are_told_before_anything_begins() {
        let settings = Settings::parse_from(["workshop", "--port", "9091"]);
        let told = settings.options().await.err().map(|error| error.to_string());
        assert_eq!(
            told.as_deref(),
            Some("WORKSHOP_PORT and WORKSHOP_DYNAMODB_PORT are both 9091. Give each a port of its own.")
        );
    }

    #[test]
    fn an_address_is_told_without_its_secrets() {
        let told = without_secrets("http://user:sk-1@127.0.0.1:8000/v1?key=sk-2");
        assert_eq!(told, "http://127.0.0.1:8000/v1");
    }

    #[tokio::test]
    async fn a_server_that_lists_no_models_is_named_without_the_secrets_of_its_address() {
        // Nobody listens on port 1.
        let error = first_model("http://user:sk-1@127.0.0.1:1/v1?key=sk-2", None).await.unwrap_err();
        let told = format!("{error:#}");
        assert!(told.starts_with("http://127.0.0.1:1/v1 does not say") && !told.contains("sk-"), "{told}");
    }

    #[test]
    fn a_model_that_talks_is_known_by_its_name() {
        for id in [
            "gpt-5-mini",
            "qwen3:8b",
            "SmolLM2-135M-Instruct",
            "mistralai/Magistral-Small",
            "command-r",
            "gemma3:e4b",
        ] {
            assert!(can_chat(id), "{id}");
        }
        for id in [
            "nomic-embed-text:latest",
            "text-embedding-3-small",
            "mxbai-embed-large",
            "bge-m3:latest",
            "all-minilm",
            "whisper-1",
            "gpt-4o-transcribe",
            "tts-1-hd",
            "dall-e-3",
            "gpt-image-1",
            "omni-moderation-latest",
            "snowflake-arctic-embed2",
            "qwen3-reranker",
            "llama-guard3",
        ] {
            assert!(!can_chat(id), "{id}");
        }
    }

    #[test]
    fn the_flags_are_sound_and_explained() {
        let mut command = Settings::command();
        command.clone().debug_assert();
        let help = command.render_long_help().to_string();
        for word in ["WORKSHOP_PORT", "WORKSHOP_MODELS", "SmolLM2-135M", "[default: 9090]"] {
            assert!(help.contains(word), "{word} is not in\n{help}");
        }
    }
}
