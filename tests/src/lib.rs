//! The workshop under test: the local machine, whole, in this process, and a
//! client that goes in through its front door.

pub mod calls;
pub mod chance;
pub mod cost;
pub mod feed_server;
pub mod handlers;
pub mod main_job;
pub mod news;
pub mod processes;
pub mod refusals;
pub mod scripted_model;
pub mod simulation;
pub mod site;
pub mod tokens;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use local::{BundledModel, Handlers, MODEL_ID, Machine, ModelChoice, Options};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::app::{App, Clock};
use shared::config::{Config, EmbeddingService};
use shared::domain::model::{ApiKey, Manner, Model};
use shared::limits::Limits;
use shared::llm::{Patience, Readiness};
use shared::queue::Queue;
use shared::store::Store;
use tokio::sync::OnceCell;

use crate::calls::Calls;

/// The machine's file of the key that it signs tokens with.
const SIGN_IN_KEY: &str = "sign-in-key.der";

/// The workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Puts a store with the sample collection into a new machine's folder: it is
/// installed once a process, which takes as long as many a test.
async fn copy_sample(to: &Path) {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let from = INSTALLED
        .get_or_init(|| async {
            let data_dir = std::env::temp_dir().join(format!("workshop-sample-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&data_dir);
            let options = options(data_dir.clone(), ModelChoice::None, Setup::default());
            Machine::start(options).await.expect("the machine starts").stop().await;
            data_dir
        })
        .await;
    std::fs::create_dir_all(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("the sample's folder") {
        let file = file.expect("a file");
        let name = file.file_name().to_string_lossy().into_owned();
        // SQLite makes its shared memory anew.
        if name.starts_with("dynamodb") && !name.ends_with("-shm") {
            std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
        }
    }
}

/// Puts a key to sign tokens with into a new machine's folder: it is made once a process, which takes as long as many a
/// request.
fn keep_a_key(data_dir: &Path) {
    static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        AsDer::<Pkcs8V1Der>::as_der(&key).expect("its PKCS #8").as_ref().to_vec()
    });
    std::fs::create_dir_all(data_dir).expect("a folder");
    std::fs::write(data_dir.join(SIGN_IN_KEY), &*KEY).expect("the key is kept");
}

/// A machine of its own, with an empty store and the sample collection.
pub struct Workshop {
    /// The machine.
    pub machine: Machine,
    data_dir: PathBuf,
}

/// What a test may want otherwise.
pub struct Setup {
    /// Which model answers; the real small one when nothing is said.
    pub model: Option<ModelChoice>,
    /// How long it is waited for.
    pub patience: Patience,
    /// Who turns texts into vectors; the workshop's own embeddings when nothing is said.
    pub embeddings: Option<EmbeddingService>,
    /// Limits; high ones when nothing is said.
    pub limits: Limits,
    /// How often runs that got stuck are looked for.
    pub recover_every: Duration,
    /// Addresses of feeds that may be fetched besides public ones.
    pub reachable: Vec<SocketAddr>,
    /// Whether the sample collection is installed.
    pub sample: bool,
    /// The machine's time. The store removes expired items by the system's,
    /// so a clock that starts in the past makes items that it removes now.
    pub clock: Clock,
    /// Where the handlers run.
    pub handlers: Handlers,
    /// The page's built files.
    pub site: Option<PathBuf>,
    /// Who sends the requests without a token.
    pub user: Option<String>,
}

impl Default for Setup {
    fn default() -> Self {
        let limits = Limits { runs_per_minute: 1_000, messages_per_minute: 1_000, ..Limits::default() };
        Self {
            model: None,
            patience: Patience::default(),
            embeddings: None,
            limits,
            recover_every: Duration::from_secs(1),
            reachable: Vec::new(),
            sample: true,
            clock: Clock::default(),
            handlers: Handlers::Here,
            site: None,
            user: Some("local".to_owned()),
        }
    }
}

/// A machine in `data_dir` as `setup` says, on any free ports.
fn options(data_dir: PathBuf, model: ModelChoice, setup: Setup) -> Options {
    Options {
        port: 0,
        dynamodb_port: 0,
        sqs_port: 0,
        data_dir,
        user: setup.user,
        model,
        patience: setup.patience,
        embeddings: setup.embeddings,
        limits: setup.limits,
        recover_every: setup.recover_every,
        reachable: setup.reachable,
        sample: setup.sample,
        handlers: setup.handlers,
        clock: setup.clock,
        site: setup.site,
    }
}

impl Workshop {
    /// Starts one with the real small model, shared by all tests of a process.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts one as `setup` says.
    pub async fn start_with(mut setup: Setup) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let data_dir = std::env::temp_dir().join(format!("workshop-test-{}-{number}", std::process::id()));
        let model = setup.model.take().unwrap_or_else(|| ModelChoice::Shared(small_model()));
        // The sample's dates count from the clock's day.
        let is_today = Clock::default().now().millis_since(setup.clock.now()).abs() < 60_000;
        if setup.sample && is_today {
            copy_sample(&data_dir).await;
        }
        keep_a_key(&data_dir);
        let machine =
            Machine::start(options(data_dir.clone(), model, setup)).await.expect("the machine starts");
        Self { machine, data_dir }
    }

    /// Stops the machine and starts it again over the same data, as `setup` says.
    pub async fn again(self, mut setup: Setup) -> Self {
        let Self { machine, data_dir } = self;
        machine.stop().await;
        let model = setup.model.take().unwrap_or(ModelChoice::None);
        let machine = Machine::start(options(data_dir.clone(), model, setup)).await;
        Self { machine: machine.expect("the machine starts again"), data_dir }
    }

    /// Where the machine keeps everything.
    pub fn folder(&self) -> &Path {
        &self.data_dir
    }

    /// A client signed in as `user`.
    pub fn client(&self, user: &str) -> Client {
        let token = self.machine.token(user).expect("a token");
        Client::new(&self.machine.url(), Some(token))
    }

    /// The key that the machine signs tokens with, as it is kept (PKCS #8).
    pub fn sign_in_key(&self) -> Vec<u8> {
        std::fs::read(self.data_dir.join(SIGN_IN_KEY)).expect("the key")
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.machine.url(), None)
    }

    /// The AWS SDK's client of the machine's store: past the product.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.dynamodb_config().build())
    }

    fn dynamodb_config(&self) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .endpoint_url(self.machine.dynamodb_url())
    }

    /// An application over the machine's tables, and the calls it makes of the store and the queues.
    pub fn watched(&self) -> (App, Calls) {
        self.watched_with(self.machine.app().config.clone())
    }

    /// The same with other settings: other tables or queues of the same machine.
    pub fn watched_with(&self, config: Config) -> (App, Calls) {
        let calls = Calls::default();
        let region = Region::new("us-east-1");
        let credentials = Credentials::new("local", "local", None, None, "test");
        let mut sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(credentials.clone())
            .interceptor(calls.clone());
        sqs.set_endpoint_url(config.endpoints.sqs.clone());
        let sqs = aws_sdk_sqs::Client::from_conf(sqs.build());
        let store =
            aws_sdk_dynamodb::Client::from_conf(self.dynamodb_config().interceptor(calls.clone()).build());
        let store = Store::new(store, config.tables.clone(), &config.cursor_key, config.dimensions());
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(region)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let runs = Queue::new(sqs.clone(), config.queue_url.clone());
        let imports = Queue::new(sqs, config.imports_queue_url.clone());
        let app = App::new(config, sdk, self.machine.clock().clone());
        (app.with_store(store).with_queues(runs, imports), calls)
    }

    /// Calls `collect-feeds` as the schedule does.
    pub async fn collect_feeds(&self) {
        self.machine.collect_feeds().await.expect("feeds are collected");
    }

    /// Stops the machine and removes its data.
    pub async fn stop(self) {
        self.machine.stop().await;
        let _ = std::fs::remove_dir_all(self.data_dir);
    }
}

fn http(base: &str) -> reqwest::Client {
    let mut client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(300));
    // Names under localhost are this machine (RFC 6761, 6.3), which not every resolver knows.
    let host = base.trim_start_matches("http://").split(['/', ':']).next().unwrap_or_default();
    if host.ends_with(".localhost") {
        client = client.resolve(host, (std::net::Ipv4Addr::LOCALHOST, 0).into());
    }
    client.build().expect("a client")
}

/// The real small model's server, started once a process. It runs on a thread
/// of its own, since each test's runtime ends with the test.
pub fn small_model() -> &'static BundledModel {
    static MODEL: OnceLock<(tokio::runtime::Runtime, BundledModel)> = OnceLock::new();
    let (_, model) = MODEL.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let entered = runtime.enter();
        let model =
            BundledModel::start(root().join(".workshop/model"), false).expect("the small model starts");
        drop(entered);
        (runtime, model)
    });
    model
}

/// The real small model, loaded, as a model that is configured. Its answers
/// are kept short, where their length is not what is tested.
pub async fn brief_small_model() -> Model {
    let mut readiness = small_model().readiness();
    let settled = readiness.wait_for(|readiness| !matches!(readiness, Readiness::Starting { .. })).await;
    assert_eq!(*settled.expect("the model's task runs"), Readiness::Ready);
    Model {
        id: MODEL_ID.to_owned(),
        label: "The small model, brief".to_owned(),
        base_url: small_model().base_url().to_owned(),
        api_key: ApiKey::None,
        slow: false,
        context_window: 4_096,
        max_output_tokens: 128,
        supports_tools: false,
        price_in: 0.0,
        price_out: 0.0,
        manner: Manner::default(),
    }
}

/// An HTTP client for one user.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body, as it came.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|_| panic!("{} is not JSON: {}", self.status, self.text))
    }

    /// The body as JSON, of an answer that must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem of this status and code, with all its fields in place.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        let content_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        assert_eq!(content_type, Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["type"], json!(format!("urn:prompt-workshop:problem:{code}")), "{problem}");
        assert_eq!(problem["status"], json!(status));
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        assert!(problem["title"].is_string() && problem["instance"].is_string(), "{problem}");
        problem
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Where drafts are.
pub const DRAFTS: &str = "/api/auspex/prompts/workshop/drafts";
/// Where prompts are.
pub const PROMPTS: &str = "/api/auspex/prompts";
/// Where a workshop starts.
pub const START: &str = "/api/auspex/prompts/workshop/start";
/// Where messages go.
pub const MESSAGE: &str = "/api/auspex/chat/message";

/// A prompt long enough to be tested.
pub const PROMPT: &str = "You are a research analyst. Answer from the given articles only, cite each claim as a \
    Markdown link to its article, keep it under 100 words, and say plainly what the articles do not tell.";

impl Client {
    /// A client of the workshop at `base`, without a slash at its end, with an access token.
    pub fn new(base: &str, token: Option<String>) -> Self {
        Self { http: http(base), base: base.to_owned(), token }
    }

    /// The same without its token.
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The same with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// A request to a path of the workshop's, or to a whole address, to be
    /// added to; the token is in it.
    pub fn request(&self, method: Method, to: &str) -> reqwest::RequestBuilder {
        let base = if to.starts_with('/') { &self.base } else { "" };
        let request = self.http.request(method, format!("{base}{to}"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads its answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a body") }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Starts a draft with a text; its id.
    pub async fn draft(&self, content: &str) -> String {
        let started = self.post(START, json!({"starting_prompt": content})).await.expect(201);
        started["draft_id"].as_str().expect("an id").to_owned()
    }

    /// Starts a test of a draft; its id.
    pub async fn test(&self, draft: &str, query: &str, topic: &str) -> String {
        let order = json!({"test_query": query, "topic": topic, "limit": 5});
        let started = self.post(&format!("{DRAFTS}/{draft}/test"), order).await.expect(202);
        started["test_id"].as_str().expect("an id").to_owned()
    }

    /// The run, once it has ended; a test that waits longer than `seconds` fails.
    pub async fn finished(&self, draft: &str, test: &str, seconds: u64) -> Value {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
        loop {
            let run = self.get(&format!("{DRAFTS}/{draft}/tests/{test}")).await.expect(200);
            if matches!(run["status"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
                return run;
            }
            assert!(tokio::time::Instant::now() < deadline, "the run did not end in {seconds} s: {run}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends a message and reads the answer's events to their end.
    pub async fn say(&self, draft: &str, message: &str) -> Vec<Value> {
        let answer = self.post(MESSAGE, json!({"chat_id": draft, "message": message})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        events(&answer.text)
    }
}

/// The `data:` lines of an event stream, as JSON.
pub fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data.trim()).expect("each event is JSON")).collect()
}

/// The text of an answer's events, put together.
pub fn spoken(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["content"].as_str()).collect()
}

/// The value that this share of `figures` doesn't exceed.
pub fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
