//! Warm requests, one in flight, as on Lambda: what each route takes over the
//! calls to the services that it makes, which are timed within it, by the SDK's
//! clients. Writing a call's request down and reading its answer is the call's,
//! and so is what the SDK does around that, as bare calls between the requests
//! tell; everything else, and what the watching takes, is the route's own.
//!
//! And the processor's instructions of some requests (`instructions.rs`), which
//! tell of a regression on any machine. They are held to the fewest that were
//! ever accepted, which stand in a row of their own: held to the last ones, they
//! could grow a little with each acceptance. Who means a request to take more
//! takes that row out of RESULTS.md.

use std::process::{Command, Stdio};
use std::time::Duration;

use functions::routes;
use serde_json::{Value, json};
use shared::app::App;
use shared::domain::article::ArticleId;
use tests::cost::text;
use tests::feed_server::FeedServer;
use tests::scripted_model::{Play, ScriptedModel};
use tests::{PROMPT, Setup, Workshop};

use crate::asked::{Asked, Took, UNLIMITED, Watched, watched};
use crate::figures::{Bar, Estimate, Table, millis};
use crate::results;

/// How often each route is asked, and how often before that counts.
const ROUNDS: usize = 100;
const WARM_UP: usize = 10;
/// A route's own time at the median, in milliseconds.
const BAR: f64 = 0.2;
/// Instructions may be so many times the fewest that were accepted.
const REGRESSION: f64 = 1.05;
/// Requests whose instructions are counted: those of `instructions.rs`.
const COUNTED: f64 = 5.0;
/// Whose everything is.
const USER: &str = "ada";
/// Of the sample collection; and as a path has it.
const TOPIC: &str = "AI Adoption";
const TOPIC_IN_PATH: &str = "AI%20Adoption";

/// Routes that wait for others than the AWS services, whom no bar is for.
const APART: &[&str] = &["chat-send", "feeds-follow", "feeds-collect", "imports-run"];
/// Routes that turn texts into vectors themselves: shown, without the bar.
const EMBEDDING: &[&str] = &["articles-import", "articles-search"];

/// Each route's own time, and instructions of some.
pub fn measure(table: &mut Table) {
    table.note(format!(
        "One request in flight on one thread; {ROUNDS} of each route, in turn. A figure is the time that a request \
         takes over its calls to DynamoDB and SQS. Not measured, since they wait for a model, a feed's server or \
         the bucket: {}. Without the bar, since they compute embeddings: {}.",
        APART.join(", "),
        EMBEDDING.join(", "),
    ));
    let machines = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let lambda = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let running = machines.block_on(Running::start());
    let routes: Vec<_> = routes().map(|route| route.binary).filter(|name| !APART.contains(name)).collect();
    let mut took = vec![Vec::new(); routes.len()];
    let mut around = Vec::new();
    lambda.block_on(async {
        let place = Place::prepare(&running).await;
        for round in 0..WARM_UP + ROUNDS {
            for (binary, took) in routes.iter().zip(&mut took) {
                let asked = prepared(&place, binary, round).await;
                let bare = place.watched.around_a_call().await;
                let request = asked.time(&place.watched).await;
                if round >= WARM_UP {
                    around.push(millis(bare));
                    took.push(request);
                }
            }
        }
    });
    machines.block_on(running.workshop.stop());
    let around = Estimate::of(&around);
    table.estimate("The SDK around a call, which is the call's", around, "ms", Bar::None);
    for (binary, took) in routes.iter().zip(&took) {
        let whole: Vec<_> = took.iter().map(|took| millis(took.whole)).collect();
        let raw = took.iter().map(|Took { waited: (waited, stretches), .. }| {
            millis(*waited) + f64::from(*stretches) * around.median
        });
        let own = Estimate::of_differences(&whole, &raw.collect::<Vec<_>>());
        let bar = if EMBEDDING.contains(binary) { Bar::None } else { Bar::AtMost(BAR) };
        table.estimate(*binary, own, "ms", bar);
    }
    count_instructions(table);
}

/// The machine, and whom it talks to.
struct Running {
    workshop: Workshop,
    _model: ScriptedModel,
    feeds: FeedServer,
}

impl Running {
    async fn start() -> Self {
        let model =
            ScriptedModel::start([Play::Answer("Ask for **sources** of each claim. ".repeat(20))]).await;
        let feeds = FeedServer::start().await;
        let setup = Setup {
            model: model.only(),
            limits: UNLIMITED,
            // Runs that are left waiting are not taken up.
            recover_every: Duration::from_secs(86_400),
            reachable: vec![feeds.address()],
            ..Setup::default()
        };
        Self { workshop: Workshop::start_with(setup).await, _model: model, feeds }
    }
}

/// Where requests go, and what they are about.
struct Place<'a> {
    app: &'static App,
    watched: Watched,
    running: &'a Running,
    /// With a long text, 20 messages and 25 finished runs.
    draft: String,
    /// The newest run.
    test: String,
    /// Has 25 versions.
    prompt: String,
    /// Of a file that was not uploaded.
    import: String,
}

impl<'a> Place<'a> {
    async fn prepare(running: &'a Running) -> Self {
        let watched = watched(&running.workshop, "workshop").await;
        let app = watched.app;
        let client = running.workshop.client(USER);
        let draft = client.draft(&text(0)).await;
        for _ in 0..10 {
            client.say(&draft, "What should it do better?").await;
        }
        let mut test = String::new();
        for _ in 0..25 {
            test = client.test(&draft, "What do surveys say about AI adoption?", TOPIC).await;
            let run = client.finished(&draft, &test, 60).await;
            assert_eq!(run["status"], "succeeded", "{run}");
        }
        let mut place =
            Self { app, watched, running, draft, test, prompt: "brief".to_owned(), import: String::new() };
        let versioned = place.started().await;
        for version in 1..=25 {
            let body = json!({"draft_content": text(version)});
            place.ask("drafts-update", 200).about("id", &versioned).with(body).tell(app).await;
            place.commit(&versioned, "brief").tell(app).await;
        }
        for number in 0..5 {
            place.followed(&format!("lasting-{number}")).await;
        }
        let order = json!({"format": "jsonl", "bytes": 1_000_000});
        let started =
            place.ask("imports-start", 201).about("topic", TOPIC_IN_PATH).with(order).tell(app).await;
        place.import = text_of(&started["import"], "id");
        place
    }

    fn ask(&self, binary: &'static str, status: u16) -> Asked {
        Asked { binary, user: USER.to_owned(), status, ..Asked::default() }
    }

    /// A new draft.
    async fn started(&self) -> String {
        let asked = self.ask("drafts-start", 201).with(json!({"starting_prompt": PROMPT}));
        text_of(&asked.tell(self.app).await, "draft_id")
    }

    fn commit(&self, draft: &str, name: &str) -> Asked {
        let order = json!({"name": name, "title": "Weekly brief", "description": "For executives."});
        self.ask("drafts-commit", 201).about("id", draft).with(order)
    }

    /// A run of the draft that waits.
    async fn queued(&self) -> String {
        text_of(&self.test_of_draft().tell(self.app).await, "test_id")
    }

    fn test_of_draft(&self) -> Asked {
        let order =
            json!({"test_query": "What do surveys say about AI adoption?", "topic": TOPIC, "limit": 5});
        self.ask("tests-start", 202).about("id", &self.draft).with(order)
    }

    /// The id of the one article of a topic that is made for it.
    async fn have_article(&self, topic: &str) -> String {
        let url = format!("https://news.example/{topic}");
        let article = json!({"title": "Ports count robots", "summary": "Port robots doubled.", "url": url});
        let file = Some(("application/x-ndjson", format!("{article}\n")));
        Asked { file, ..self.ask("articles-import", 200).about("topic", topic) }.tell(self.app).await;
        ArticleId::of(&url).to_string()
    }

    /// A feed that the topic follows.
    async fn followed(&self, name: &str) -> String {
        let path = format!("/{name}");
        self.running.feeds.publish_rss(&path, name, &[]);
        let url = json!({"url": self.running.feeds.url(&path)});
        let feed = self.ask("feeds-follow", 201).about("topic", TOPIC_IN_PATH).with(url);
        // The machine's own handlers may reach the server.
        text_of(&feed.tell(self.running.workshop.machine.app()).await, "id")
    }
}

/// A round's request to a route: what it needs is made here and not timed.
async fn prepared(place: &Place<'_>, binary: &'static str, round: usize) -> Asked {
    let app = place.app;
    let ask = |status| place.ask(binary, status);
    let of_draft = |status| ask(status).about("id", &place.draft);
    let of_test = |test: &str, status| of_draft(status).about("test_id", test);
    let of_prompt = |name: &str, status| ask(status).about("name", name);
    let of_topic = |status| ask(status).about("topic", TOPIC_IN_PATH);
    // As the page sends it.
    let once = format!("{binary}-{round}");
    match binary {
        "drafts-start" => ask(201).with(json!({"starting_prompt": PROMPT})).header("idempotency-key", &once),
        "drafts-get" => of_draft(200),
        "drafts-update" => {
            let id = place.draft.parse().expect("an id");
            let draft = app.store().drafts.get(USER, id, app.now()).await.expect("the store answers");
            let revision = draft.expect("the draft").summary.revision;
            let save = of_draft(200).with(json!({"draft_content": text(round + 1)}));
            save.header("if-match", &format!("\"{revision}\""))
        }
        "drafts-delete" => ask(200).about("id", &place.started().await),
        "drafts-commit" => {
            place.commit(&place.started().await, &format!("brief_{round}")).header("idempotency-key", &once)
        }
        "tests-start" => place.test_of_draft().header("idempotency-key", &once),
        "tests-list" => of_draft(200),
        "tests-get" => of_test(&place.test, 200),
        "tests-rate" => of_test(&place.test, 200).with(json!({"user_rating": 1 + round % 5, "notes": once})),
        "tests-cancel" => of_test(&place.queued().await, 202),
        "chat-stop" => ask(202).about("chat_id", &place.draft),
        "chat-history" => ask(200).about("chat_id", &place.draft),
        "prompts-get" | "prompts-versions" => of_prompt(&place.prompt, 200),
        "prompts-delete" => {
            let name = format!("gone_{round}");
            place.commit(&place.started().await, &name).tell(app).await;
            of_prompt(&name, 200)
        }
        "prompts-clone" => of_prompt(&place.prompt, 201).header("idempotency-key", &once),
        "articles-import" => {
            let article = json!({
                "title": format!("Ports count robots, part {round}"), "summary": "Port robots doubled.",
                "url": format!("https://news.example/{round}"), "published_at": "2026-11-01T08:00:00Z",
            });
            let file = Some(("application/x-ndjson", format!("{article}\n")));
            Asked { file, ..ask(200).about("topic", "Ports") }
        }
        "topics-delete" => {
            let topic = format!("gone-{round}");
            place.have_article(&topic).await;
            ask(200).about("topic", &topic)
        }
        "articles-delete" => {
            let topic = format!("kept-{round}");
            let id = place.have_article(&topic).await;
            ask(200).about("topic", &topic).about("article_id", &id)
        }
        "articles-search" => of_topic(200).query("query", "surveys of companies"),
        "topics-facets" | "feeds-list" => of_topic(200),
        "feeds-unfollow" => of_topic(200).about("feed_id", &place.followed(&once).await),
        "imports-start" => of_topic(201).with(json!({"format": "csv", "bytes": 6_000_000})),
        "imports-get" => of_topic(200).about("import_id", &place.import),
        "drafts-list" | "prompts-list" | "topics-list" | "models-list" | "metrics-get" | "health"
        | "openapi-get" => ask(200),
        new => panic!("say here how {new} is asked"),
    }
}

fn text_of(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// Counts the instructions in a process of its own under callgrind. Where they
/// can't be counted, that is a bar missed: nothing was told of them.
fn count_instructions(table: &mut Table) {
    let profile = if cfg!(debug_assertions) { "dev" } else { "bench" };
    let script = tests::root().join("tests/bench/instructions.sh");
    let counted = Command::new(script).arg(profile).stderr(Stdio::inherit()).output().expect("a shell");
    let summaries = String::from_utf8_lossy(if counted.status.success() { &counted.stdout } else { &[] });
    let summaries: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_str(&summaries).into_iter().collect();
    let summaries = summaries.expect("summaries as JSON");
    for summary in &summaries {
        tell_instructions(table, summary);
    }
    let what = "Requests whose instructions were counted";
    table.figure(what, summaries.len() as f64, "", Bar::Exactly(COUNTED));
}

fn tell_instructions(table: &mut Table, summary: &Value) {
    let what = format!("{}, instructions of a request", text_of(summary, "id").replace('_', "-"));
    let counted = summary.pointer("/profiles/0/data/total/metrics/Ir/values/new").and_then(Value::as_f64);
    let counted = counted.unwrap_or_else(|| panic!("no count in {summary}"));
    let fewest_name = format!("{what}, the fewest accepted");
    let fewest = results::accepted(&fewest_name);
    table.figure(what, counted, "", fewest.map_or(Bar::None, |fewest| Bar::AtMost(fewest * REGRESSION)));
    table.figure(fewest_name, fewest.map_or(counted, |fewest| fewest.min(counted)), "", Bar::None);
}
