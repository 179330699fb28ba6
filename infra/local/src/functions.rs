//! Where the handlers run: in this process, or each as a function of its own
//! under `cargo lambda watch`, which builds it anew when its source changes.
//!
//! A watched function is what is deployed: its own binary, its settings from
//! the environment, its stores over the wire, events as Lambda gives them. No
//! authorizer stands before it, so it checks the token itself, against the key
//! set of this machine's sign-in.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use aws_lambda_events::sqs::SqsBatchResponse;
use axum::body::Body;
use axum::response::Response;
use lambda_http::http::{HeaderMap, header};
use serde_json::{Value, json};
use shared::app::App;
use shared::config::{Config, EmbeddingService};
use shared::domain::model::{ApiKey, Model};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::guard::listen;
use crate::machine::{CREDENTIALS, REGION};

/// The workspace, whose `Cargo.toml` has the router.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What functions are built from.
const SOURCES: [&str; 2] = ["functions", "shared"];
/// `cargo lambda watch` starts within a second or two; this is for a machine that is very busy.
const STARTING_LIMIT: Duration = Duration::from_secs(60);
/// How long a function may take. Its first call builds it.
const INVOCATION_LIMIT: Duration = Duration::from_secs(900);
/// How long its processes have to end.
const STOPPING_LIMIT: Duration = Duration::from_secs(10);
/// Lives as long as its standard input is open, and takes all it started with
/// it: also when this process is killed.
const LEASH: &str = r#"("$@"; kill -TERM 0) </dev/null & cat >/dev/null; kill -TERM 0"#;

/// Where the handlers are to run.
pub enum Handlers {
    /// In this process.
    Here,
    /// Under `cargo lambda watch`.
    Watched {
        /// The port that it takes; 0 for any.
        port: u16,
        /// Where what it prints is written; with nothing, where this process prints.
        log: Option<PathBuf>,
    },
}

/// The functions, wherever they run.
#[derive(Clone)]
pub(crate) enum Functions {
    Here(&'static App),
    Watched(Arc<Watch>),
}

impl Functions {
    /// Gives a queue's messages to the worker.
    pub async fn run_test(&self, event: Value) -> anyhow::Result<SqsBatchResponse> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("a message doesn't make an event")?;
                // A task of its own: a worker that panics must not stop the pump. Its
                // message stays hidden and its run is recovered, as after a crash.
                let worked = tokio::spawn(functions::jobs::run_test::handle(app, event)).await;
                worked.context("the worker died")?.map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => Ok(serde_json::from_value(watch.invoke("run-test", &event).await?)?),
        }
    }

    /// Gives a queue's messages to the imports' worker.
    pub async fn import_articles(&self, event: Value) -> anyhow::Result<SqsBatchResponse> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("a message doesn't make an event")?;
                // A task of its own, as that of a run.
                let worked = tokio::spawn(functions::jobs::import_articles::handle(app, event)).await;
                worked.context("the worker died")?.map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => {
                Ok(serde_json::from_value(watch.invoke("import-articles", &event).await?)?)
            }
        }
    }

    /// Looks for runs and imports that fell between.
    pub async fn recover_runs(&self) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let recovered = functions::jobs::recover_runs::handle(app, Value::Null).await;
                recovered.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("recover-runs", &scheduled()).await.map(drop),
        }
    }

    /// Collects the feeds that are due.
    pub async fn collect_feeds(&self) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let collected = functions::jobs::collect_feeds::handle(app, Value::Null).await;
                collected.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("collect-feeds", &scheduled()).await.map(drop),
        }
    }

    /// Tells of records of the drafts table's stream.
    pub async fn drafts_cleanup(&self, event: Value) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("records make no event")?;
                let cleaned = functions::jobs::drafts_cleanup::handle(app, event).await;
                cleaned.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("drafts-cleanup", &event).await.map(drop),
        }
    }
}

/// `cargo lambda watch`, running.
pub(crate) struct Watch {
    base: String,
    http: reqwest::Client,
}

/// Its process; dropping this ends it and all functions.
pub(crate) struct Leash {
    child: Child,
}

impl Watch {
    /// Starts it with the settings that `config` has: one call of each function
    /// at a time, since each further one is a process and a run of cargo. The
    /// functions should have been built before: cargo can lock itself up when
    /// several are first called at the same time. `folder` is its own.
    pub async fn start(
        config: &Config,
        folder: &Path,
        port: u16,
        log: Option<PathBuf>,
    ) -> anyhow::Result<(Self, Leash)> {
        // Taken, so that a port that isn't free is told of, and let go again.
        let setting = "--functions-port or WORKSHOP_FUNCTIONS_PORT";
        let port = listen(port, "the functions", setting).await?.local_addr()?.port();
        let workspace = Path::new(WORKSPACE).canonicalize()?;
        lead_to_sources(folder, &workspace)?;
        let mut command = Command::new("sh");
        command
            .args(["-c", LEASH, "watch", "cargo-lambda", "lambda", "watch"])
            .arg("--manifest-path")
            .arg(workspace.join("Cargo.toml"))
            .args(["--package", "functions", "--disable-cors"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port", &port.to_string()])
            .current_dir(folder)
            .envs(environment(config))
            .stdin(Stdio::piped())
            // Ctrl-C goes to the whole process group; the functions may have answers to finish first.
            .process_group(0);
        if let Some(path) = log {
            let file = std::fs::File::create(&path).with_context(|| path.display().to_string())?;
            command.stdout(file.try_clone()?).stderr(file);
        }
        let mut child = command.spawn().context("cargo lambda watch can't be started")?;
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + STARTING_LIMIT;
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = child.try_wait()? {
                bail!(
                    "cargo lambda watch ended ({status}). Is cargo-lambda on the PATH? `make watch` installs it."
                );
            }
            ensure!(Instant::now() < deadline, "cargo lambda watch doesn't answer on {base}");
            sleep(Duration::from_millis(100)).await;
        }
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok((Self { base, http }, Leash { child }))
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Calls a route's function, which the router table finds, and passes its
    /// answer on as it comes.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path_and_query: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> anyhow::Result<Response> {
        let mut headers = headers;
        for name in [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let url = format!("{}{path_and_query}", self.base);
        let answer = self.http.request(method, url).headers(headers).body(body).send().await?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        response.headers_mut().remove(header::CONNECTION);
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }

    /// Gives an event to the function `name`, as Lambda's `Invoke` does.
    async fn invoke(&self, name: &str, event: &Value) -> anyhow::Result<Value> {
        let url = format!("{}/2015-03-31/functions/{name}/invocations", self.base);
        let answer = self.http.post(url).timeout(INVOCATION_LIMIT).json(event).send().await?;
        let status = answer.status();
        let failed = answer.headers().contains_key("x-amz-function-error");
        let body = answer.text().await?;
        ensure!(status.is_success() && !failed, "{name} failed with {status}: {body}");
        serde_json::from_str(&body).with_context(|| format!("{name} answered something else than JSON"))
    }
}

impl Leash {
    /// Ends it, and waits until all its processes have.
    pub async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(STOPPING_LIMIT, self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

/// It watches the folder that it is started in, once for each function: in the
/// workspace that would be more folders than systems allow, with those of
/// `target` and `node_modules`, and functions would restart for every change of
/// the page. So it is started in one that only leads to their sources.
fn lead_to_sources(folder: &Path, workspace: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in SOURCES {
        let link = folder.join(name);
        if link.is_symlink() {
            std::fs::remove_file(&link)?;
        }
        std::os::unix::fs::symlink(workspace.join(name), &link)
            .with_context(|| format!("{} can't be made", link.display()))?;
    }
    Ok(())
}

/// What a schedule sends.
fn scheduled() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}

/// What the functions read from their environment: the settings that `config` has.
pub fn environment(config: &Config) -> Vec<(String, String)> {
    let mut settings = vec![
        ("WORKSHOP_DRAFTS_TABLE", config.tables.drafts.clone()),
        ("WORKSHOP_LIBRARY_TABLE", config.tables.library.clone()),
        ("WORKSHOP_ARTICLES_TABLE", config.tables.articles.clone()),
        ("WORKSHOP_USAGE_TABLE", config.tables.usage.clone()),
        ("WORKSHOP_QUEUE_URL", config.queue_url.clone()),
        ("WORKSHOP_IMPORTS_QUEUE_URL", config.imports_queue_url.clone()),
        ("WORKSHOP_UPLOADS_URL", config.uploads_url.clone()),
        ("WORKSHOP_ISSUER", config.issuer.clone()),
        ("WORKSHOP_CLIENT_ID", config.client_id.clone()),
        ("WORKSHOP_CURSOR_KEY", config.cursor_key.reveal().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", CREDENTIALS.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", config.endpoints.dynamodb.clone().unwrap_or_default()),
        ("AWS_ENDPOINT_URL_SQS", config.endpoints.sqs.clone().unwrap_or_default()),
    ];
    settings.extend(config.limits.settings().map(|(name, value)| (name, value.to_string())));
    let mut settings: Vec<_> = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (models, keys) = models(&config.models);
    settings.push(("WORKSHOP_MODELS".to_owned(), models));
    settings.extend(keys);
    settings.extend(config.embeddings.iter().flat_map(embeddings));
    settings
}

/// `WORKSHOP_EMBEDDINGS`, and the variable that holds its key.
fn embeddings(service: &EmbeddingService) -> Vec<(String, String)> {
    const KEY: &str = "WORKSHOP_EMBEDDINGS_KEY";
    let (key_parameter, key) = match &service.api_key {
        ApiKey::None => (None, None),
        ApiKey::Parameter(name) => (Some(name.as_str()), None),
        ApiKey::Known(key) => (Some(KEY), Some(key.reveal().to_owned())),
    };
    let setting = json!({
        "base_url": service.base_url, "model": service.model, "key_parameter": key_parameter,
        "dimensions": service.dimensions, "least_similarity": service.least_similarity,
    });
    let key = key.map(|key| (KEY.to_owned(), key));
    std::iter::once(("WORKSHOP_EMBEDDINGS".to_owned(), setting.to_string())).chain(key).collect()
}

/// `WORKSHOP_MODELS`, and the variables that hold the keys it names.
fn models(models: &[Model]) -> (String, Vec<(String, String)>) {
    let mut keys = Vec::new();
    let list: Vec<_> = models
        .iter()
        .map(|model| {
            let key_parameter = match &model.api_key {
                ApiKey::None => None,
                ApiKey::Parameter(name) => Some(name.clone()),
                ApiKey::Known(key) => {
                    let name = format!("WORKSHOP_MODEL_KEY_{}", keys.len());
                    keys.push((name.clone(), key.reveal().to_owned()));
                    Some(name)
                }
            };
            json!({
                "id": model.id, "label": model.label, "base_url": model.base_url,
                "key_parameter": key_parameter, "context_window": model.context_window,
                "max_output_tokens": model.max_output_tokens, "slow": model.slow,
                "supports_tools": model.supports_tools,
                "price_in": model.price_in, "price_out": model.price_out,
            })
        })
        .collect();
    (json!(list).to_string(), keys)
}

#[cfg(test)]
mod tests {
    use shared::config::{parse_embeddings, parse_models};
    use shared::domain::model::Secret;

    use super::*;

    #[test]
    fn a_watched_function_reads_the_embeddings_as_they_are_here() {
        let there = EmbeddingService {
            base_url: "http://127.0.0.1:1/v1".into(),
            model: "m".into(),
            api_key: ApiKey::Known(Secret::new("sk-1")),
            dimensions: 64,
            least_similarity: 0.5,
        };
        let settings = embeddings(&there);
        let lookup =
            |name: &str| settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let read = parse_embeddings(&lookup("WORKSHOP_EMBEDDINGS").unwrap(), &lookup).unwrap();
        assert_eq!(format!("{read:?}"), format!("{there:?}"));
        assert!(matches!(&read.api_key, ApiKey::Known(key) if key.reveal() == "sk-1"));
    }

    #[test]
    fn a_watched_function_reads_the_models_as_they_are_here() {
        let there = vec![Model {
            id: "m".into(),
            label: "M".into(),
            base_url: "http://127.0.0.1:1/v1".into(),
            api_key: ApiKey::Known(Secret::new("sk-1")),
            slow: true,
            context_window: 4_096,
            max_output_tokens: 320,
            supports_tools: true,
            price_in: 0.5,
            price_out: 2.0,
        }];
        let (json, keys) = models(&there);
        assert!(!json.contains("sk-1"));
        let lookup = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let read = parse_models(&json, &lookup).unwrap();
        assert_eq!(format!("{read:?}"), format!("{there:?}"));
        assert!(matches!(&read[0].api_key, ApiKey::Known(key) if key.reveal() == "sk-1"));
    }
}
