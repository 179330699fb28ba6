//! Starting and stopping everything.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::functions::jobs::{collect_feeds, reindex};
use anyhow::{Context, anyhow, bail};
use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use axum::Router;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use shared::app::{App, Clock, sdk_loader};
use shared::auth::{KeyCache, KeySet};
use shared::config::{Config, EmbeddingService, Endpoints, Tables};
use shared::domain::model::{ApiKey, Manner, Model, Secret};
use shared::feeds::Fetcher;
use shared::limits::Limits;
use shared::llm::{Models, Patience};
use shared::store::{Store, tables};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::bucket::{self, Bucket};
use crate::dynamodb::DynamoDb;
use crate::events::Stream;
use crate::functions::{Functions, Handlers, scheduled};
use crate::gateway::Gateway;
use crate::guard::listen;
use crate::model::{BundledModel, MODEL_ID};
use crate::pump::Queue;
use crate::sign_in::{CLIENT_ID, SignIn};
use crate::watch::{Watch, Watching};
use crate::{events, migrate, pump, serving, sqs};

/// Tokens that the small model is asked to read and write together. It could
/// read more; on two cores that would take most of a minute.
const SMALL_MODEL_WINDOW: u32 = 4_096;
/// Tokens of its answers.
const SMALL_MODEL_ANSWER: u32 = 320;
/// Watched functions wait for the model's download, this long at the most.
const MODEL_PATIENCE: Duration = Duration::from_secs(600);
/// The region that the services are taken to be in.
pub(crate) const REGION: &str = "us-east-1";
/// The id and the secret of the functions. DynamoDB and SQS take any; the
/// bucket holds signatures to them. Whoever may use this machine's loopback may
/// know them.
pub(crate) const CREDENTIALS: (&str, &str) = ("local", "local");
/// How long open connections may take when the machine stops.
const GRACE: Duration = Duration::from_secs(3);

/// How to start a machine.
pub struct Options {
    /// The gateway's port; 0 for any.
    pub port: u16,
    /// DynamoDB's port; 0 for any.
    pub dynamodb_port: u16,
    /// SQS's port; 0 for any.
    pub sqs_port: u16,
    /// Where everything is kept; made if it isn't there.
    pub data_dir: PathBuf,
    /// Who sends the requests that carry no token; nobody, and they are refused, when `None`.
    pub user: Option<String>,
    /// Which model answers.
    pub model: ModelChoice,
    /// How long it is waited for by the handlers that run here.
    pub patience: Patience,
    /// Who turns texts into vectors; the workshop's own embeddings when `None`.
    pub embeddings: Option<EmbeddingService>,
    /// What users may use.
    pub limits: Limits,
    /// How often runs that got stuck are looked for.
    pub recover_every: Duration,
    /// Addresses of feeds that may be fetched besides public ones: a test's own server.
    pub reachable: Vec<SocketAddr>,
    /// Whether the sample collection and the default prompt are installed.
    pub sample: bool,
    /// Where the handlers run.
    pub handlers: Handlers,
    /// The time.
    pub clock: Clock,
    /// The page's built files.
    pub site: Option<PathBuf>,
}

/// Which model answers.
pub enum ModelChoice {
    /// The small one, installed and started here; with a progress bar or without.
    Bundled {
        /// Whether its download shows on standard error.
        progress: bool,
    },
    /// A small one that runs already.
    Shared(&'static BundledModel),
    /// Those that are configured, the default one first.
    Configured(Vec<Model>),
    /// None.
    None,
}

/// The file of a data folder that keeps everything but the keys.
pub(crate) const DATABASE: &str = "dynamodb.sqlite";

/// A machine that runs.
pub struct Machine {
    app: &'static App,
    address: SocketAddr,
    dynamodb: DynamoDb,
    sign_in: Arc<SignIn>,
    model: Option<BundledModel>,
    functions: Functions,
    watching: Option<Watching>,
    background: JoinSet<()>,
    serving: JoinHandle<()>,
    stop_gateway: watch::Sender<bool>,
    stop_services: watch::Sender<bool>,
    _lock: File,
}

impl Machine {
    /// Starts everything and returns when the gateway listens. The model may
    /// still be loading: `models-list` and the runs say so.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let data_dir = options.data_dir;
        std::fs::create_dir_all(&data_dir)
            .with_context(|| format!("The data folder {} can't be made", data_dir.display()))?;
        let lock = lock(&data_dir)?;
        let listener = listen(options.port, "the workshop", "--port or WORKSHOP_PORT").await?;
        let dynamodb_listener =
            listen(options.dynamodb_port, "DynamoDB", "--dynamodb-port or WORKSHOP_DYNAMODB_PORT").await?;
        let sqs_listener = listen(options.sqs_port, "SQS", "--sqs-port or WORKSHOP_SQS_PORT").await?;

        let (stop_services, stopping) = watch::channel(false);
        let dynamodb = DynamoDb::start(&data_dir.join(DATABASE), dynamodb_listener, stopping.clone()).await?;
        let endpoints = Endpoints {
            dynamodb: Some(format!("http://{}", dynamodb.address)),
            sqs: Some(format!("http://{}", sqs::start(sqs_listener, stopping)?)),
        };
        let sdk = local_sdk().await;
        let queues = {
            let mut config = aws_sdk_sqs::config::Builder::from(&sdk);
            config.set_endpoint_url(endpoints.sqs.clone());
            // Long polls outlast what is right for other calls.
            config.set_timeout_config(Some(pump::timeouts()));
            // It would look ten times a second whether the answer to a long poll has begun.
            let protection = aws_sdk_sqs::config::StalledStreamProtectionConfig::disabled();
            config.set_stalled_stream_protection(Some(protection));
            aws_sdk_sqs::Client::from_conf(config.build())
        };
        let queue =
            async |queue| pump::create_queue(&queues, queue).await.context("The queues can't be made");
        let (queue_url, imports_queue_url) = (queue(Queue::RUNS).await?, queue(Queue::IMPORTS).await?);

        let address = listener.local_addr()?;
        let bucket = Bucket::open(&data_dir.join("uploads"), &address.to_string())?;
        let sign_in = SignIn::open(&data_dir, format!("http://{address}"))?;
        let sign_in = Arc::new(sign_in.with_administrator(options.user.clone()));
        let (models, bundled, workers) = models(options.model, &data_dir)?;
        let models = models.with_patience(options.patience);
        let config = Config {
            tables: Tables::with_prefix("workshop"),
            queue_url: queue_url.clone(),
            imports_queue_url: imports_queue_url.clone(),
            uploads_url: format!("http://{address}{}", bucket::PATH.trim_end_matches('/')),
            key_set_url: format!("http://{address}/.well-known/jwks.json"),
            issuer: sign_in.issuer.clone(),
            client_id: CLIENT_ID.to_owned(),
            cursor_key: cursor_key(&data_dir)?,
            models: models.all().to_vec(),
            embeddings: options.embeddings,
            limits: options.limits,
            deployment: None,
            endpoints,
        };
        let fetcher = Fetcher::new(options.reachable).context("Feeds can't be fetched")?;
        let mut app = App::new(config, sdk, options.clock).with_models(models).with_fetcher(fetcher);
        let keys =
            KeySet::parse(sign_in.key_set().to_string().as_bytes()).map_err(|error| anyhow!("{error}"))?;
        app.keys = KeyCache::holding(keys);
        // A machine lives as long as its process, or as a test.
        let app: &'static App = Box::leak(Box::new(app));

        let client = app.dynamodb_client();
        migrate::put_aside(app, &client, &data_dir).await.context("The articles can't be brought over")?;
        tables::create_missing(&client, &app.config.tables, app.config.dimensions())
            .await
            .context("The tables can't be made")?;
        migrate::bring_over(app, &data_dir).await.context("The articles can't be brought over")?;
        if options.sample {
            shared::install::install(app).await.context("The sample collection can't be installed")?;
        }

        let (functions, watching) = match options.handlers {
            Handlers::Here => (Functions::Here(app), None),
            Handlers::Watched { log } => {
                // A function in a process of its own can't see the model start.
                let readiness = app.models().settled(MODEL_PATIENCE).await;
                tracing::info!(?readiness, "the functions begin");
                let (watch, watching) = Watch::start(&app.config, log.as_deref()).await?;
                (Functions::Watched(watch), Some(watching))
            }
        };
        let mut background = JoinSet::new();
        for _ in 0..workers {
            background.spawn(pump::run(functions.clone(), queues.clone(), Queue::RUNS, queue_url.clone()));
        }
        // The embedded store writes one thing at a time: so does this.
        background.spawn(pump::run(functions.clone(), queues, Queue::IMPORTS, imports_queue_url));
        background.spawn(events::recover(functions.clone(), options.recover_every));
        background.spawn(events::collect(functions.clone()));
        background.spawn(events::reindex(functions.clone(), app.config.embeddings.is_some()));
        background.spawn(events::sweep_expired(dynamodb.database.clone(), dynamodb.written.clone()));
        background.spawn(events::read_stream(
            functions.clone(),
            Stream {
                database: dynamodb.database.clone(),
                disk: dynamodb.disk.clone(),
                written: dynamodb.written.clone(),
                table: app.config.tables.drafts.clone(),
                position: data_dir.join("stream-position"),
            },
        ));
        let (stop_gateway, stopping) = watch::channel(false);
        let gateway = Arc::new(Gateway::new(
            app,
            functions.clone(),
            sign_in.clone(),
            bucket,
            options.user,
            options.site,
            dynamodb.trouble.clone(),
        )?);
        let serving = tokio::spawn(serve(listener, gateway, stopping));
        Ok(Self {
            app,
            address,
            dynamodb,
            sign_in,
            model: bundled,
            functions,
            watching,
            background,
            serving,
            stop_gateway,
            stop_services,
            _lock: lock,
        })
    }

    /// Where the workshop is, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where DynamoDB's wire protocol is served.
    pub fn dynamodb_url(&self) -> String {
        format!("http://{}", self.dynamodb.address)
    }

    /// The time, which may be moved forward.
    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// What the handlers are given.
    pub fn app(&self) -> &'static App {
        self.app
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        self.app.store()
    }

    /// An access token for `user`, for an hour.
    pub fn token(&self, user: &str) -> anyhow::Result<String> {
        self.sign_in.access_token(user, self.app.now(), Duration::from_secs(3_600), self.app.new_id())
    }

    /// Gives articles without meaning theirs, as far as the embeddings' server does.
    pub async fn reindex(&self) -> anyhow::Result<Value> {
        self.functions.invoke(&reindex::JOB, scheduled()).await
    }

    /// Collects the feeds that are due, as the schedule does.
    pub async fn collect_feeds(&self) -> anyhow::Result<()> {
        self.functions.invoke(&collect_feeds::JOB, scheduled()).await.map(drop)
    }

    /// Removes expired items now, by the system's time; how many.
    pub async fn sweep(&self) -> anyhow::Result<usize> {
        events::sweep(self.dynamodb.database.clone(), &self.dynamodb.written).await
    }

    /// Stops everything. What was acknowledged is kept; what was under way is
    /// taken up at the next start.
    pub async fn stop(mut self) {
        let _ = self.stop_gateway.send(true);
        if tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            self.serving.abort();
        }
        self.background.shutdown().await;
        if let Some(watching) = self.watching {
            watching.stop().await;
        }
        if let Some(model) = self.model {
            model.stop().await;
        }
        let _ = self.stop_services.send(true);
        self.dynamodb.ended().await;
    }
}

async fn serve(listener: TcpListener, gateway: Arc<Gateway>, mut stopping: watch::Receiver<bool>) {
    let router = Router::new().fallback(move |request| gateway.clone().serve(request));
    let stopped = async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    serving::serve(listener, TowerToHyperService::new(router), stopped).await;
}

/// The SDK for services that take any credentials.
async fn local_sdk() -> SdkConfig {
    sdk_loader()
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(CREDENTIALS.0, CREDENTIALS.1, None, None, "local"))
        .load()
        .await
}

/// Keeps a second machine off the same data.
pub(crate) fn lock(data_dir: &Path) -> anyhow::Result<File> {
    let lock = File::create(data_dir.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => bail!(
            "Another workshop uses the data folder {}. Stop that one, or choose another folder with --data-dir or \
             WORKSHOP_DATA_DIR.",
            data_dir.display()
        ),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// The key that signs cursors, made on the first start.
fn cursor_key(data_dir: &Path) -> anyhow::Result<Secret> {
    let path = data_dir.join("cursor-key");
    if let Ok(key) = std::fs::read_to_string(&path)
        && key.len() == 64
    {
        return Ok(Secret::new(key));
    }
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    let key: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    std::io::Write::write_all(&mut file, key.as_bytes())?;
    Ok(Secret::new(key))
}

/// The models, the small one if it is to be started, and how many runs they
/// answer at a time. The small one answers one: its other slot is for the
/// conversation, and a run that waits is better told as queued than as slow.
fn models(choice: ModelChoice, data_dir: &Path) -> anyhow::Result<(Models, Option<BundledModel>, usize)> {
    Ok(match choice {
        ModelChoice::Bundled { progress } => {
            let model = BundledModel::start(data_dir.join("model"), progress)?;
            (Models::starting(vec![small(model.base_url())], model.readiness()), Some(model), 1)
        }
        ModelChoice::Shared(model) => {
            (Models::starting(vec![small(model.base_url())], model.readiness()), None, 1)
        }
        ModelChoice::Configured(list) => (Models::ready(list), None, 4),
        ModelChoice::None => (Models::ready(Vec::new()), None, 1),
    })
}

fn small(base_url: &str) -> Model {
    Model {
        id: MODEL_ID.to_owned(),
        label: "SmolLM2 135M (built in: tiny, for trying things out)".to_owned(),
        base_url: base_url.to_owned(),
        api_key: ApiKey::None,
        slow: true,
        context_window: SMALL_MODEL_WINDOW,
        max_output_tokens: SMALL_MODEL_ANSWER,
        supports_tools: false,
        price_in: 0.0,
        price_out: 0.0,
        manner: Manner::default(),
    }
}
