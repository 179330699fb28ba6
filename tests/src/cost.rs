//! What each route and job costs: the read and write units that DynamoDB
//! counts, the requests of SQS that it makes, and its time. The same data each
//! time, so the units are the same each time.
//!
//! The handlers and jobs run over tables and queues of their own on a machine,
//! so that what the machine does by itself is not counted. A condition that
//! fails costs units, too, and doesn't tell them: nothing here meets one.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use functions::jobs::{self, JOBS};
use functions::routes;
use lambda_http::Error;
use local::ModelChoice;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::app::App;
use shared::config::Tables;
use shared::corpus::{self, Target};
use shared::domain::article::ArticleId;
use shared::domain::sample::TOPICS;
use shared::domain::time::Timestamp;
use shared::feeds::Fetcher;
use shared::limits::Limits;
use shared::store::tables;

use crate::calls::{Calls, Kind};
use crate::feed_server::FeedServer;
use crate::handlers::{self, Call};
use crate::news::Words;
use crate::scripted_model::{Play, ScriptedModel};
use crate::{PROMPT, Setup, Workshop};

/// Letters of the draft whose saves are measured.
pub const LETTERS: usize = 4_096;
/// When the articles are installed, in milliseconds: they are so many days old, and what the index of time takes
/// depends on the days.
const DAY_MS: i64 = 1_790_000_000_000;
const TOPIC: &str = "Banks";
const USER: &str = "ada";

/// What one call of a function costs.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// The function's binary, and what is special about the call.
    pub what: &'static str,
    /// Read units.
    pub reads: f64,
    /// Write units.
    pub writes: f64,
    /// Requests of SQS. Lambda makes two more for each message that it delivers.
    pub queue: usize,
    /// How long it took.
    pub took: Duration,
}

impl Cost {
    /// The binary.
    pub fn binary(&self) -> &'static str {
        self.what.split([',', ':']).next().unwrap_or_default()
    }
}

struct Meter {
    app: &'static App,
    calls: Calls,
    queues: aws_sdk_sqs::Client,
    costs: Vec<Cost>,
}

/// Calls every route and every job, and tells what each cost.
pub async fn measure() -> Vec<Cost> {
    let setup = Setup {
        model: Some(ModelChoice::None),
        sample: false,
        recover_every: Duration::from_secs(3_600),
        ..Setup::default()
    };
    let workshop = Workshop::start_with(setup).await;
    let model = ScriptedModel::start([Play::answer(ANSWER)]).await;
    let publisher = FeedServer::start().await;
    let mut meter = Meter::new(&workshop, &model, &publisher).await;
    meter.main_job().await;
    meter.lists_and_ends().await;
    meter.corpus(&publisher).await;
    meter.at_rest().await;
    meter.deleted_topic().await;
    meter.deleted_article().await;
    workshop.stop().await;
    meter.costs
}

/// What the model says: a prompt in a fence, as the assistant proposes one.
const ANSWER: &str = "Here is a prompt:\n\n```\nYou are a research analyst who briefs executives on banks.\n```\n\nWhat \
    shall it do when the articles do not tell?";

impl Meter {
    async fn new(workshop: &Workshop, model: &ScriptedModel, publisher: &FeedServer) -> Self {
        let mut config = workshop.machine.app().config.clone();
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .endpoint_url(config.endpoints.sqs.clone().expect("the machine's queues"));
        let queues = aws_sdk_sqs::Client::from_conf(sqs.build());
        let queue = async |name: &str| {
            let made = queues.create_queue().queue_name(name).send().await.expect("a queue");
            made.queue_url.expect("its address")
        };
        config.tables = Tables::with_prefix("cost");
        config.queue_url = queue("cost-runs").await;
        config.imports_queue_url = queue("cost-imports").await;
        config.models = vec![model.model("scripted")];
        config.limits = Limits { runs_per_minute: 1_000, messages_per_minute: 1_000, ..Limits::default() };
        let (app, calls) = workshop.watched_with(config);
        let fetcher = Fetcher::new(vec![publisher.address()]).expect("certificates");
        let mut app = app.with_fetcher(fetcher);
        // What is kept of a growing answer depends on how long the answer takes, and a machine can stall.
        app.flush_every = Duration::from_secs(3_600);
        let app: &'static App = Box::leak(Box::new(app));
        tables::create_missing(&workshop.dynamodb(), &app.config.tables, app.config.dimensions())
            .await
            .expect("tables");
        let articles = TOPICS[0].articles(Timestamp::from_millis(DAY_MS));
        let mut target = Target::of_person(TOPIC, USER);
        corpus::import(app, &mut target, articles, app.now()).await.expect("articles");
        Self { app, calls, queues, costs: Vec::new() }
    }

    fn note(&mut self, what: &'static str, took: Duration) {
        let calls = self.calls.take();
        let of = |kind| calls.iter().filter(move |call| call.kind == kind);
        // The sum of nothing is -0 otherwise.
        let units = |kind| of(kind).fold(0.0, |sum, call| sum + call.units);
        let queue = of(Kind::Queue).count();
        self.costs.push(Cost { what, reads: units(Kind::Read), writes: units(Kind::Write), queue, took });
    }

    /// Calls the route that `what` names; it must answer with this status.
    async fn call(&mut self, what: &'static str, path: &[(&str, &str)], body: Value, status: u16) -> Value {
        self.call_with(what, Call { path, body, ..Call::default() }, status).await
    }

    async fn call_with(&mut self, what: &'static str, call: Call<'_>, status: u16) -> Value {
        let binary = what.split(',').next().unwrap_or_default();
        self.calls.take();
        let started = Instant::now();
        let answered = handlers::call(self.app, &Call { binary, user: USER, ..call }).await;
        let took = started.elapsed();
        assert_eq!(answered.status, status, "{what}: {}", answered.text);
        self.note(what, took);
        answered.json()
    }

    /// Calls the job that `what` names with an event.
    async fn job<E: DeserializeOwned, R>(
        &mut self,
        what: &'static str,
        handle: impl AsyncFn(&'static App, E) -> Result<R, Error>,
        event: Value,
    ) {
        let event = serde_json::from_value(event).expect("an event");
        self.calls.take();
        let started = Instant::now();
        assert!(handle(self.app, event).await.is_ok(), "{what} fails");
        let took = started.elapsed();
        self.note(what, took);
    }

    /// The event that delivers the next message of a queue.
    async fn delivered(&self, queue: &str) -> Value {
        let received = self.queues.receive_message().queue_url(queue).wait_time_seconds(5).send().await;
        let message = received.expect("the queue").messages.unwrap_or_default().remove(0);
        let receipt = message.receipt_handle.expect("a receipt");
        self.queues.delete_message().queue_url(queue).receipt_handle(&receipt).send().await.expect("deleted");
        json!({"Records": [{"messageId": "1", "receiptHandle": receipt, "body": message.body}]})
    }

    /// From a need to a committed prompt that is cloned.
    async fn main_job(&mut self) {
        self.call("topics-list", &[], Value::Null, 200).await;
        let requirements = json!({"requirements": "Weekly briefs on banks for executives, with sources."});
        let started = self.call("drafts-start", &[], requirements, 201).await;
        let id = started["draft_id"].as_str().expect("an id").to_owned();
        let draft = [("id", id.as_str())];
        self.call("chat-send", &[], json!({"chat_id": id, "message": "Make it short."}), 200).await;
        self.call("chat-history", &[("chat_id", &id)], Value::Null, 200).await;
        self.call("chat-stop", &[("chat_id", &id)], json!({}), 202).await;

        self.call("drafts-update, its first text", &draft, json!({"draft_content": text(0)}), 200).await;
        self.call("drafts-update", &draft, json!({"draft_content": text(1)}), 200).await;
        let read = self.call("drafts-get", &draft, Value::Null, 200).await;
        let etag = format!("\"{}\"", read["revision"]);
        let known = Call { path: &draft, headers: &[("if-none-match", &etag)], ..Call::default() };
        self.call_with("drafts-get, unchanged", known, 304).await;
        self.call("drafts-list", &[], Value::Null, 200).await;

        for what in ["tests-start", "tests-start, the next"] {
            let order =
                json!({"test_query": "What changed for banks this year?", "topic": TOPIC, "limit": 5});
            let run = self.call(what, &draft, order, 202).await;
            let test = run["test_id"].as_str().expect("an id").to_owned();
            let path = [("id", id.as_str()), ("test_id", test.as_str())];
            if what == "tests-start" {
                self.call("tests-get, while it waits", &path, Value::Null, 200).await;
                let event = self.delivered(&self.app.config.queue_url).await;
                self.job("run-test", async |app, event| jobs::run_test::handle(app, event).await, event)
                    .await;
                let run = self.call("tests-get", &path, Value::Null, 200).await;
                assert_eq!(run["status"], "succeeded", "{run}");
                self.call("tests-rate", &path, json!({"user_rating": 4, "notes": "Short."}), 200).await;
            } else {
                self.call("tests-cancel", &path, json!({}), 202).await;
                let event = self.delivered(&self.app.config.queue_url).await;
                let handle = async |app, event| jobs::run_test::handle(app, event).await;
                self.job("run-test, of what was cancelled", handle, event).await;
            }
        }
        self.call("tests-list", &draft, Value::Null, 200).await;

        let commit = json!({"name": "bank_briefs", "title": "Bank briefs"});
        self.call("drafts-commit", &draft, commit, 201).await;
        self.call("prompts-list", &[], Value::Null, 200).await;
        self.call("prompts-get", &[("name", "bank_briefs")], Value::Null, 200).await;
        let known = [("if-none-match", "*")];
        let known = Call { path: &[("name", "bank_briefs")], headers: &known, ..Call::default() };
        self.call_with("prompts-get, unchanged", known, 304).await;
        self.call("prompts-versions", &[("name", "bank_briefs")], Value::Null, 200).await;
        let clone = self.call("prompts-clone", &[("name", "bank_briefs")], json!({}), 201).await;
        let clone = clone["draft_id"].as_str().expect("an id").to_owned();
        self.call("drafts-delete", &[("id", &clone)], Value::Null, 200).await;
        let image = json!({
            "pk": {"S": format!("DRAFT#{clone}")}, "sk": {"S": "META"}, "user_id": {"S": USER},
            "status": {"S": "draft"},
        });
        let keys = json!({"pk": image["pk"], "sk": image["sk"]});
        let removed = json!({"Records": [{
            "eventID": "1", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {"Keys": keys, "OldImage": image, "SequenceNumber": "1", "SizeBytes": 1,
                "StreamViewType": "OLD_IMAGE", "ApproximateCreationDateTime": 0.0},
        }]});
        let handle = async |app, event| jobs::drafts_cleanup::handle(app, event).await;
        self.job("drafts-cleanup", handle, removed).await;
    }

    /// What is asked now and then.
    async fn lists_and_ends(&mut self) {
        self.call("models-list", &[], Value::Null, 200).await;
        self.call("metrics-get", &[], Value::Null, 200).await;
        self.call("health", &[], Value::Null, 200).await;
        self.call("openapi-get", &[], Value::Null, 200).await;
        self.call("prompts-delete", &[("name", "bank_briefs")], Value::Null, 200).await;
    }

    /// Topics, articles, feeds and files.
    async fn corpus(&mut self, publisher: &FeedServer) {
        let topic = [("topic", TOPIC)];
        self.call("topics-facets", &topic, Value::Null, 200).await;
        self.call("articles-search, the newest", &topic, Value::Null, 200).await;
        let query = [("query", "interest rates of savings"), ("limit", "20")];
        self.call_with("articles-search", Call { path: &topic, query: &query, ..Call::default() }, 200).await;
        let lines = |count| Words::default().items(count);
        let one = lines(1);
        let file = Some(("application/x-ndjson", one.as_str()));
        let import = Call { path: &[("topic", "News")], file, ..Call::default() };
        self.call_with("articles-import, of one", import, 200).await;

        let items = [("Banks lend more", "https://wire.example/1", "Banks lend more to small firms.")];
        publisher.publish_rss("/feed", "The wire", &items);
        let url = json!({"url": publisher.url("/feed")});
        let feed = self.call("feeds-follow", &topic, url, 201).await;
        let feed = feed["id"].as_str().expect("an id").to_owned();
        self.call("feeds-list", &topic, Value::Null, 200).await;
        self.app.clock.advance(Duration::from_secs(120));
        let path = [("topic", TOPIC), ("feed_id", feed.as_str())];
        self.call("feeds-collect, nothing new", &path, json!({}), 200).await;
        self.call("feeds-unfollow", &path, Value::Null, 200).await;

        let file = lines(10);
        let order = json!({"format": "jsonl", "bytes": file.len()});
        let started = self.call("imports-start", &[("topic", "News")], order, 201).await;
        let upload = started["upload"]["url"].as_str().expect("an address").to_owned();
        let sent =
            reqwest::Client::builder().no_proxy().build().expect("a client").put(upload).body(file).send();
        assert!(sent.await.expect("an answer").status().is_success());
        let import = started["import"]["id"].as_str().expect("an id").to_owned();
        let path = [("topic", "News"), ("import_id", import.as_str())];
        self.call("imports-run", &path, json!({}), 202).await;
        let event = self.delivered(&self.app.config.imports_queue_url).await;
        let handle = async |app, event| jobs::import_articles::handle(app, event).await;
        self.job("import-articles, of ten", handle, event).await;
        let import = self.call("imports-get", &path, Value::Null, 200).await;
        assert_eq!(import["status"], "finished", "{import}");
    }

    /// A topic.
    async fn deleted_topic(&mut self) {
        self.call("topics-delete", &[("topic", "News")], Value::Null, 200).await;
        self.removals("recover-runs, of a topic of ten").await;
    }

    /// An article of a topic.
    async fn deleted_article(&mut self) {
        let articles = TOPICS[0].articles(Timestamp::from_millis(DAY_MS));
        let id = ArticleId::of(&articles[0].url).to_string();
        self.call("articles-delete", &[("topic", TOPIC), ("article_id", &id)], Value::Null, 200).await;
        self.removals("recover-runs, of an article").await;
    }

    /// Calls `recover-runs` when the remains of what was deleted last are due.
    async fn removals(&mut self, what: &'static str) {
        self.app.clock.advance(Duration::from_secs(61));
        let recover = async |app, event: Value| jobs::recover_runs::handle(app, event).await;
        self.job(what, recover, json!({})).await;
    }

    /// What runs although nobody does anything.
    async fn at_rest(&mut self) {
        let nothing = json!({"Records": []});
        self.job("dead-letters", async |app, event| jobs::dead_letters::handle(app, event).await, nothing)
            .await;
        let recover = async |app, event: Value| jobs::recover_runs::handle(app, event).await;
        self.job("recover-runs, at rest", recover, json!({})).await;
        let collect = async |app, event: Value| jobs::collect_feeds::handle(app, event).await;
        self.job("collect-feeds, at rest", collect, json!({})).await;
        let reindex = async |app, event: Value| jobs::reindex::handle(app, event).await;
        self.job("reindex, with nothing left", reindex, json!({})).await;
        self.job("install", async |app, event: Value| jobs::install::handle(app, event).await, json!({}))
            .await;
    }
}

/// A prompt of [`LETTERS`] letters in English; another for each number. It is
/// prose that doesn't repeat itself, since the store packs texts: one sentence
/// again and again would take next to nothing there.
pub fn text(number: usize) -> String {
    static PROSE: LazyLock<String> = LazyLock::new(|| {
        let articles = TOPICS.iter().flat_map(|topic| topic.articles(Timestamp::from_millis(DAY_MS)));
        let bodies: Vec<_> = articles.map(|article| article.body().to_owned()).collect();
        bodies.join("\n").chars().filter(char::is_ascii).take(LETTERS).collect()
    });
    let mut text = format!("{number}. {PROMPT}\n\n{}", *PROSE);
    text.truncate(LETTERS);
    text
}

/// From a need to a committed prompt, as often as a person does each thing: a conversation of four messages,
/// a draft that saves itself twenty times, three tests that are each looked at five times while they run.
pub const MAIN_JOB: &[(&str, u32)] = &[
    ("topics-list", 1),
    ("models-list", 1),
    ("drafts-start", 1),
    ("chat-send", 4),
    ("chat-history", 1),
    ("drafts-update, its first text", 1),
    ("drafts-update", 20),
    ("drafts-get", 1),
    ("tests-start", 1),
    ("tests-start, the next", 2),
    ("run-test", 3),
    ("tests-get, while it waits", 15),
    ("tests-get", 3),
    ("tests-list", 1),
    ("tests-rate", 3),
    ("drafts-commit", 1),
    ("prompts-list", 1),
];

/// The cost of what has this name.
pub fn named<'a>(costs: &'a [Cost], what: &str) -> &'a Cost {
    costs.iter().find(|cost| cost.what == what).unwrap_or_else(|| panic!("{what} is not measured"))
}

/// What calls cost together, each so often: read units, write units, requests of SQS.
pub fn sum(costs: &[Cost], calls: &[(&str, u32)]) -> (f64, f64, u64) {
    calls.iter().fold((0.0, 0.0, 0), |(reads, writes, queue), (what, times)| {
        let (cost, times) = (named(costs, what), *times);
        (
            reads + f64::from(times) * cost.reads,
            writes + f64::from(times) * cost.writes,
            queue + u64::from(times) * cost.queue as u64,
        )
    })
}

/// Functions whose cost was not measured.
pub fn unmeasured(costs: &[Cost]) -> Vec<&'static str> {
    let measured: BTreeSet<&str> = costs.iter().map(Cost::binary).collect();
    let all = routes().map(|route| route.binary).chain(JOBS.iter().map(|placed| placed.job.binary));
    all.filter(|binary| !measured.contains(binary)).collect()
}
