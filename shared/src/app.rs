//! What a handler is given: settings, clients, time and randomness.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use uuid::Uuid;

use crate::config::{Config, EmbeddingService};
use crate::domain::model::{ApiKey, Model};
use crate::domain::time::Timestamp;
use crate::feeds::Fetcher;
use crate::llm::{ModelError, ModelKeys, Models};
use crate::parameters::Parameters;
use crate::queue::Queue;
use crate::store::Store;
use crate::telemetry::{self, Figure};
use crate::uploads::Uploads;

/// One process's clients and settings. Each client is made when it is first
/// asked for and kept, so that a function carries only those it uses: what no
/// handler calls is not linked.
pub struct App {
    /// What the process was told from outside.
    pub config: Config,
    /// The time.
    pub clock: Clock,
    /// A growing answer, a run's or the assistant's, is recorded at most this often.
    pub flush_every: Duration,
    /// Whether the embeddings' server refuses what is optional in a request: it is left out from then on.
    pub plain_embeddings: AtomicBool,
    /// Keys of the sign-in, once fetched.
    pub keys: crate::auth::KeyCache,
    sdk: SdkConfig,
    store: OnceLock<Store>,
    queue: OnceLock<Queue>,
    imports_queue: OnceLock<Queue>,
    uploads: OnceLock<Uploads>,
    models: OnceLock<Models>,
    fetcher: OnceLock<Option<Fetcher>>,
    model_keys: ModelKeys,
    embedding_keys: ModelKeys,
}

impl App {
    /// An application over settings and the AWS SDK's configuration.
    pub fn new(config: Config, sdk: SdkConfig, clock: Clock) -> Self {
        Self {
            config,
            clock,
            flush_every: Duration::from_secs(1),
            plain_embeddings: AtomicBool::new(false),
            keys: crate::auth::KeyCache::default(),
            sdk,
            store: OnceLock::new(),
            queue: OnceLock::new(),
            imports_queue: OnceLock::new(),
            uploads: OnceLock::new(),
            models: OnceLock::new(),
            fetcher: OnceLock::new(),
            model_keys: ModelKeys::default(),
            embedding_keys: ModelKeys::default(),
        }
    }

    /// The same with models that may not be ready yet.
    pub fn with_models(self, models: Models) -> Self {
        Self { models: OnceLock::from(models), ..self }
    }

    /// The same with a fetcher of feeds that may reach other addresses.
    pub fn with_fetcher(self, fetcher: Fetcher) -> Self {
        Self { fetcher: OnceLock::from(Some(fetcher)), ..self }
    }

    /// The same over a store whose client is another, such as one that is watched.
    pub fn with_store(self, store: Store) -> Self {
        Self { store: OnceLock::from(store), ..self }
    }

    /// The same over queues whose client is another.
    pub fn with_queues(self, runs: Queue, imports: Queue) -> Self {
        Self { queue: OnceLock::from(runs), imports_queue: OnceLock::from(imports), ..self }
    }

    /// The tables.
    pub fn store(&self) -> &Store {
        self.store.get_or_init(|| {
            let (tables, dimensions) = (self.config.tables.clone(), self.config.dimensions());
            Store::new(self.dynamodb_client(), tables, &self.config.cursor_key, dimensions)
        })
    }

    /// A client for DynamoDB. Handlers use the [`store`](Self::store).
    pub fn dynamodb_client(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.sdk);
        if let Some(url) = &self.config.endpoints.dynamodb {
            config.set_endpoint_url(Some(url.clone()));
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// The queue of runs.
    pub fn queue(&self) -> &Queue {
        self.queue.get_or_init(|| Queue::new(self.sqs_client(), self.config.queue_url.clone()))
    }

    /// The queue of imports of uploaded files.
    pub fn imports_queue(&self) -> &Queue {
        self.imports_queue
            .get_or_init(|| Queue::new(self.sqs_client(), self.config.imports_queue_url.clone()))
    }

    fn sqs_client(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.sdk);
        if let Some(url) = &self.config.endpoints.sqs {
            config.set_endpoint_url(Some(url.clone()));
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// Uploaded files.
    pub fn uploads(&self) -> &Uploads {
        self.uploads.get_or_init(|| Uploads::new(&self.sdk, self.config.uploads_url.clone()))
    }

    /// The models.
    pub fn models(&self) -> &Models {
        self.models.get_or_init(|| Models::ready(self.config.models.clone()))
    }

    /// `model` with the key that its server asks for.
    ///
    /// # Errors
    /// [`ModelError::NoKey`] when the key can't be read from where it is kept.
    pub async fn keyed(&self, model: &Model) -> Result<Model, ModelError> {
        let parameters = || Parameters::new(&self.sdk);
        self.model_keys.keyed(parameters, self.models().all(), model, self.now()).await
    }

    /// What fetches feeds; none where the machine's certificates can't be loaded.
    pub fn fetcher(&self) -> Option<&Fetcher> {
        let made = self.fetcher.get_or_init(|| {
            Fetcher::new(Vec::new())
                .inspect_err(|error| tracing::error!(%error, "feeds can't be fetched"))
                .ok()
        });
        made.as_ref()
    }

    /// The key of the embeddings' server.
    ///
    /// # Errors
    /// [`ModelError::NoKey`] when the key can't be read from where it is kept.
    pub async fn keyed_service(&self, service: &EmbeddingService) -> Result<ApiKey, ModelError> {
        let parameters = || Parameters::new(&self.sdk);
        self.embedding_keys.key(parameters, [&service.api_key], &service.api_key, self.now()).await
    }

    /// What the person who waits for a model's answer is told of its failure: on their own machine, with what only
    /// whoever runs it can mend.
    pub fn told_of(&self, error: &ModelError) -> String {
        if self.config.deployment.is_none() { error.sentence_with_its_cause() } else { error.sentence() }
    }

    /// Tells figures to whoever operates the deployment; on one machine, nobody.
    pub fn tell(&self, figures: &[(Figure, u64)]) {
        if let Some(deployment) = &self.config.deployment {
            telemetry::tell(deployment, self.now(), figures);
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id: a UUIDv7 (RFC 9562) of the clock's time, so that ids sort by time.
    pub fn new_id(&self) -> Uuid {
        self.new_id_at(self.now())
    }

    /// A new id of the instant `at`.
    pub fn new_id_at(&self, at: Timestamp) -> Uuid {
        let mut random = [0; 10];
        // Without the operating system's randomness nothing here is safe to run;
        // it fails only before Linux 3.17 or in a broken sandbox.
        if getrandom::fill(&mut random).is_err() {
            std::process::abort();
        }
        let millis = u64::try_from(at.as_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// A random number from 0 to 1, for the jitter of retries.
    pub fn jitter(&self) -> f64 {
        (self.new_id().as_u128() % 10_000) as f64 / 10_000.0
    }
}

/// The AWS SDK's configuration in a function, where all of it stands in the
/// environment (AWS Lambda Developer Guide, "Defined runtime environment
/// variables"). The other places where the SDK looks for credentials by itself
/// (profiles, containers, the instance's metadata, STS) have nothing to tell
/// there, and are not linked.
pub fn sdk_config() -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(crate::config::aws_region().map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(crate::config::ServiceAddresses)
        .retry_config(retries())
        .timeout_config(timeouts())
        .build()
}

/// The same elsewhere: by the SDK's own ways, to be pointed somewhere before
/// it is loaded.
pub fn sdk_loader() -> aws_config::ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest()).retry_config(retries()).timeout_config(timeouts())
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4)
}

/// They fit within a function's own.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

/// The time, which tests may move forward.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that is `ahead_ms` milliseconds ahead of the system's, or behind it.
    pub fn shifted(ahead_ms: i64) -> Self {
        Self { ahead_ms: Arc::new(AtomicI64::new(ahead_ms)) }
    }

    /// The instant now.
    pub fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(millis.saturating_add(self.ahead_ms.load(Ordering::Relaxed)))
    }

    /// Moves this clock, and every clone of it, forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.ahead_ms.fetch_add(millis, Ordering::Relaxed);
    }
}
