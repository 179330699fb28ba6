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
//! The same seed draws the same row of numbers. A replay can differ all the
//! same, by what is real: a worker's beat, the order in which reads that one
//! function makes at the same time are answered, random ids, milliseconds.
//! What holds must hold in each.

mod checks;
mod ledger;
mod model;
mod schedule;
mod wire;

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Credentials, Region};
use dynoxide::Database;
use dynoxide::storage_backend::Clock as EngineClock;
use futures::FutureExt;
use shared::app::{App, Clock, sdk_loader};
use shared::config::{Config, Endpoints, Tables};
use shared::corpus::{self, Target};
use shared::domain::model::{ApiKey, Manner, Model, Secret};
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
/// What a token costs that was read, and one that was written, in millionths of a US dollar.
const PRICES: (i64, i64) = (1, 2);
/// Simulated time begins here, each seed on a later day.
const DAY_MS: i64 = 86_400_000;

/// What the narrow limits admit: runs a day of one user, and reservations that
/// fit into the deployment's day at the same time.
pub(crate) const NARROW: (u64, u64) = (2, 3);
/// What little money leaves beside one reservation, in millionths of a US
/// dollar: as much as one run costs and a second does not.
const SPARE_MICROS: u64 = 450;

/// What the limits leave room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Everything.
    Wide,
    /// Few runs a day.
    FewRuns,
    /// One reservation of money at a time, and few runs' costs a day.
    LittleMoney,
}

/// What has to be met by someone for a range of seeds to show anything: of
/// each kind the tally tells how often it was.
const KINDS: [&str; 27] = [
    "throttled",
    "batch handed back",
    "in conflict",
    "500 before",
    "500 after",
    "timed out",
    "answer lost",
    "deaths",
    "deliveries again",
    "two workers of one message",
    "workers past their lease",
    "leases run out",
    "expired items removed late",
    "functions with a clock off",
    "two savers of one draft",
    "cleanup against renewal",
    "commit against delete",
    "clone against delete",
    "two commits of one name",
    "refused: runs",
    "refused: deployment",
    "model answers",
    "model breaks off",
    "model limits its rate",
    "model refuses",
    "faults",
    "seeds",
];

/// What a seed came to.
#[derive(Clone, Debug)]
pub struct Tally(pub BTreeMap<&'static str, u64>);

impl Default for Tally {
    fn default() -> Self {
        Self(KINDS.iter().map(|kind| (*kind, 0)).collect())
    }
}

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

    /// What never was, so that nothing is known of it.
    pub fn missed(&self) -> Vec<&'static str> {
        self.0.iter().filter(|(_, times)| **times == 0).map(|(what, _)| *what).collect()
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

/// A place where functions run, with each kind of limits.
struct Place {
    wide: &'static App,
    few_runs: &'static App,
    little_money: &'static App,
    /// The model's key here.
    key: String,
}

impl Place {
    fn app(&self, room: Room) -> &'static App {
        match room {
            Room::Wide => self.wide,
            Room::FewRuns => self.few_runs,
            Room::LittleMoney => self.little_money,
        }
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
        tokio::task::spawn_local(local::serve_dynamodb(listener, database.clone(), std::future::pending()));
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
            let (wide, few_runs, little_money) = (app(wide_limits()), app(few_runs()), app(little_money()));
            places.push(Place { wide, few_runs, little_money, key });
        }
        let app = places[0].wide;
        tables::create_missing(&app.dynamodb_client(), &app.config.tables, app.config.dimensions())
            .await
            .expect("tables");
        let articles = TOPICS[0].articles(app.now()).into_iter().take(6).collect();
        let mut target = Target::of_person(TOPIC, "ada");
        corpus::import(app, &mut target, articles, app.now()).await.expect("articles");
        let begin = std::env::temp_dir().join(format!("workshop-simulation-{}-{name}", std::process::id()));
        let _ = std::fs::remove_file(&begin);
        database.vacuum_into(begin.to_str().expect("a path")).expect("a copy");
        Self { gates, script, database, begin, clock, places }
    }

    /// Runs what `seed` decides, and looks at what came of it. A panic on the way is what did not hold;
    /// after one this world is not to be used again.
    pub async fn run_caught(&mut self, seed: u64) -> Result<Tally, Broken> {
        let ran = AssertUnwindSafe(self.run(seed)).catch_unwind().await;
        ran.unwrap_or_else(|panic| {
            let what = format!("it panicked: {}", said(panic.as_ref()));
            Err(Broken { seed, what, schedule: Vec::new() })
        })
    }

    /// Runs what `seed` decides, and looks at what came of it.
    async fn run(&mut self, seed: u64) -> Result<Tally, Broken> {
        self.gates.clear();
        *self.script.borrow_mut() = Script::default();
        self.database.restore_from(self.begin.to_str().expect("a path")).expect("the store as it began");
        self.to_the_next_day();
        schedule::run(self, seed).await
    }

    /// What all together may spend a day, in millionths of a US dollar.
    fn cap(&self, room: Room) -> u64 {
        self.places[0].app(room).config.limits.deployment_micros_per_day
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
            for app in [place.wide, place.few_runs, place.little_money] {
                app.clock.advance(by);
            }
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
        price_in: PRICES.0 as f64,
        price_out: PRICES.1 as f64,
        manner: Manner::default(),
    }
}

fn wide_limits() -> Limits {
    Limits { runs_per_minute: 1_000, messages_per_minute: 1_000, ..Limits::default() }
}

/// Few runs a day, and money for a few more at a time.
fn few_runs() -> Limits {
    Limits {
        runs_per_day: NARROW.0,
        deployment_micros_per_day: NARROW.1 * reserved_micros(),
        ..wide_limits()
    }
}

/// Money for one run at a time.
fn little_money() -> Limits {
    Limits { deployment_micros_per_day: reserved_micros() + SPARE_MICROS, ..wide_limits() }
}

/// What is set aside for a run.
fn reserved_micros() -> u64 {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 9));
    shared::llm::runner::estimate(&scripted(address, "")).micros
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("nothing that could be read")
}
