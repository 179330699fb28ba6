//! Every schedule of the workshop's work, one a seed: people at work, workers,
//! `recover-runs`, the cleanup, TTL, the queue, the stream and the clocks take
//! their turns in an order that the seed decides, one call to the store at a
//! time, while calls fail, answers are lost and functions die between any two
//! side effects. What must hold then is looked at in `checks`.
//!
//! The handlers and jobs are the real ones, the store is the embedded engine
//! over its wire. Scripted are what decides when something happens: the queue,
//! the model, the stream's deliveries and the clocks.
//!
//! The same seed gives the same choices. Ids are random and real milliseconds
//! pass, so a replay could in theory differ; what holds must hold in both.

mod checks;
mod ledger;
mod model;
mod schedule;
mod wire;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials, Region};
use dynoxide::Database;
use dynoxide::storage_backend::Clock as EngineClock;
use shared::app::{App, Clock, sdk_loader};
use shared::config::{Config, Endpoints, Tables};
use shared::corpus;
use shared::domain::model::{ApiKey, Model, Secret};
use shared::domain::sample::TOPICS;
use shared::limits::Limits;
use shared::store::tables;
use tokio::net::TcpListener;

use model::Script;
use wire::{Gates, Wire};

/// Where functions run: as many at the same time, each with a clock that is
/// this many milliseconds off.
const PLACES: [i64; 3] = [0, -2_500, 3_000];
/// The topic there is.
pub(crate) const TOPIC: &str = "Banks";
/// The model.
const MODEL: &str = "scripted";
/// Tokens a run may take.
const WINDOW: u32 = 8_192;
/// Simulated time begins here, each seed on a later day.
const DAY_MS: i64 = 86_400_000;

/// What the narrow limits admit: runs a day of one user, and reservations that
/// fit into the deployment's day at the same time.
pub(crate) const NARROW: (u64, u64) = (2, 3);

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Tally {
    fn count(&mut self, what: &'static str, times: u64) {
        *self.0.entry(what).or_default() += times;
    }

    /// Both together.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            self.count(what, *times);
        }
    }
}

/// A seed after which something did not hold.
#[derive(Debug)]
pub struct Broken {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
    /// What happened, step by step.
    pub schedule: Vec<String>,
}

/// A place where functions run, with wide limits and with narrow ones.
struct Place {
    wide: &'static App,
    narrow: &'static App,
    /// The model's key here.
    key: String,
}

impl Place {
    fn app(&self, narrow: bool) -> &'static App {
        if narrow { self.narrow } else { self.wide }
    }
}

/// What all seeds of a thread share: an engine, the functions' processes, and
/// a store with a few articles that each seed begins with.
pub struct World {
    gates: Gates,
    script: Rc<RefCell<Script>>,
    database: Database,
    begin: PathBuf,
    clock: Clock,
    places: Vec<Place>,
}

struct Time(Clock);

impl EngineClock for Time {
    fn now_unix_secs(&self) -> u64 {
        u64::try_from(self.0.now().as_seconds()).unwrap_or(0)
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_millis() as f64 / 1_000.0
    }
}

impl World {
    /// A new one. Only on a runtime of one thread, within a `LocalSet`.
    pub async fn new(name: &str) -> Self {
        let gates = Gates::default();
        let script = Rc::new(RefCell::new(Script::default()));
        let clock = Clock::default();
        let database =
            Database::memory_with_clock(std::sync::Arc::new(Time(clock.clone()))).expect("a store");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let engine = listener.local_addr().expect("an address");
        tokio::task::spawn_local(dynoxide::server::serve_with_shutdown(
            listener,
            database.clone(),
            std::future::pending(),
        ));
        let model = model::serve(gates.clone(), Rc::clone(&script)).await;
        let sdk = sdk_loader()
            .http_client(Wire::new(gates.clone()))
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "simulation"))
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(2)
                    .with_initial_backoff(Duration::from_millis(1))
                    .with_max_backoff(Duration::from_millis(2)),
            )
            .timeout_config(TimeoutConfig::disabled())
            .load()
            .await;
        let mut places = Vec::new();
        for (number, ahead) in PLACES.iter().enumerate() {
            let key = format!("sk-place-{number}");
            let app = |limits: Limits| -> &'static App {
                let config = Config {
                    tables: Tables::with_prefix("workshop"),
                    queue_url: "http://127.0.0.1:9/runs".to_owned(),
                    imports_queue_url: "http://127.0.0.1:9/imports".to_owned(),
                    uploads_url: "http://127.0.0.1:9/uploads".to_owned(),
                    issuer: "http://127.0.0.1:9".to_owned(),
                    key_set_url: "http://127.0.0.1:9/keys".to_owned(),
                    client_id: "simulation".to_owned(),
                    cursor_key: Secret::new("a key of a simulation, 32 letters"),
                    models: vec![scripted(model, &key)],
                    embeddings: None,
                    limits,
                    deployment: None,
                    endpoints: Endpoints {
                        dynamodb: Some(format!("http://{engine}")),
                        sqs: Some("http://127.0.0.1:9".to_owned()),
                    },
                };
                let mut app = App::new(config, sdk.clone(), behind(&clock, *ahead));
                app.flush_every = Duration::from_millis(1);
                Box::leak(Box::new(app))
            };
            let (wide, narrow) = (app(wide_limits()), app(narrow_limits()));
            places.push(Place { wide, narrow, key });
        }
        let app = places[0].wide;
        tables::create_missing(&app.dynamodb_client(), &app.config.tables, app.config.dimensions())
            .await
            .expect("tables");
        let articles = TOPICS[0].articles(app.now()).into_iter().take(6).collect();
        corpus::import(app, TOPIC, articles, false, app.now()).await.expect("articles");
        let begin = std::env::temp_dir().join(format!("workshop-simulation-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&begin);
        database.vacuum_into(begin.to_str().expect("a path")).expect("a copy");
        Self { gates, script, database, begin, clock, places }
    }

    /// Runs what `seed` decides, and looks at what came of it.
    pub async fn run(&mut self, seed: u64) -> Result<Tally, Broken> {
        self.gates.clear();
        *self.script.borrow_mut() = Script::default();
        self.database.restore_from(self.begin.to_str().expect("a path")).expect("the store as it began");
        self.to_the_next_day();
        schedule::run(self, seed).await
    }

    /// Moves all clocks to the next day's noon.
    fn to_the_next_day(&self) {
        let now = self.clock.now().as_millis();
        let noon = (now / DAY_MS + 1) * DAY_MS + DAY_MS / 2;
        self.advance(Duration::from_millis(u64::try_from(noon - now).unwrap_or(0)));
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        for place in &self.places {
            place.wide.clock.advance(by);
            place.narrow.clock.advance(by);
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.begin);
    }
}

/// A clock of its own that shows what `clock` does, and `ahead` milliseconds more.
fn behind(clock: &Clock, ahead: i64) -> Clock {
    let system = Clock::default().now();
    Clock::shifted(clock.now().millis_since(system) + ahead)
}

fn scripted(address: std::net::SocketAddr, key: &str) -> Model {
    Model {
        id: MODEL.to_owned(),
        label: "Scripted".to_owned(),
        base_url: format!("http://{address}/v1"),
        api_key: ApiKey::Known(Secret::new(key)),
        slow: false,
        context_window: WINDOW,
        max_output_tokens: 512,
        supports_tools: false,
        price_in: 1.0,
        price_out: 2.0,
    }
}

fn wide_limits() -> Limits {
    Limits { runs_per_minute: 1_000, messages_per_minute: 1_000, ..Limits::default() }
}

/// Few runs a day, and little money for all together.
fn narrow_limits() -> Limits {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    let estimate = shared::llm::runner::estimate(&scripted(address, "")).micros;
    Limits { runs_per_day: NARROW.0, deployment_micros_per_day: NARROW.1 * estimate, ..wide_limits() }
}
