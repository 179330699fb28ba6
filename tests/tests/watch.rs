//! Each handler a process of its own: the main job with functions that are
//! started, built anew and ended by the machine (`make watch`), and under
//! `cargo lambda watch`, called by its router table.
//!
//! `make test-watch` builds the functions first and has `cargo-lambda` on the PATH.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use local::{Handlers, ModelChoice};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::model::Model;
use shared::limits::Limits;
use tests::main_job::{Place, main_job};
use tests::news::Words;
use tests::{Client, DRAFTS, MESSAGE, START, Setup, Workshop, brief_small_model, processes, root};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long cargo may take to build what was changed, on a machine that does other things, too.
const BUILT_WITHIN: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_runs_with_each_handler_a_process() {
    let log = log("watch.log");
    let workshop = workshop(Handlers::Watched { log: Some(log.clone()) }).await;
    let (ada, ben) = (workshop.client("ada"), workshop.client("ben"));
    main_job(&place(&workshop, &ada, &ben)).await;
    tokens_are_checked(&workshop, &ada).await;
    functions_stay_small(&ada).await;
    workshop.stop().await;
    for binary in ["health", "chat-send", "recover-runs"] {
        assert!(own(binary).is_empty(), "{binary} ends with the machine");
    }
    no_user_text_is_in(&log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_is_built_and_started_anew() {
    let log = log("watch-anew.log");
    let handlers = Handlers::Watched { log: Some(log.clone()) };
    let workshop =
        Workshop::start_with(Setup { model: Some(ModelChoice::None), handlers, ..Setup::default() }).await;
    let ada = workshop.client("ada");
    a_function_that_dies_is_started_anew(&ada).await;
    a_changed_source_is_served(&ada, &log).await;
    no_socket_answers_a_page().await;
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_runs_under_cargo_lambda_watch() {
    let workshop = workshop(Handlers::Here).await;
    let log = log("cargo-lambda-watch.log");
    let functions = CargoLambda::start(&workshop, &log).await;
    let client =
        |user: &str| Client::new(&functions.url, Some(workshop.machine.token(user).expect("a token")));
    let (ada, ben) = (client("ada"), client("ben"));
    main_job(&place(&workshop, &ada, &ben)).await;
    tokens_are_checked(&workshop, &ada).await;
    for refused in [DRAFTS, "/api/models"] {
        ada.without_token().get(refused).await.expect_problem(401, "unauthorized");
    }
    let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}});
    let recovered = ada.post("/2015-03-31/functions/recover-runs/invocations", event).await;
    assert_eq!(recovered.status, 200, "{}", recovered.text);
    assert!(recovered.header("x-amz-function-error").is_none(), "{}", recovered.text);
    eprintln!("  shown: a job takes what a schedule sends");
    drop(functions);
    workshop.stop().await;
    no_user_text_is_in(&log);
}

/// The binary itself, as `make watch` starts it, killed: nothing of it is left.
#[tokio::test]
async fn all_that_was_started_ends_with_a_machine_that_is_killed() {
    let data = std::env::temp_dir().join(format!("workshop-killed-watch-{}", std::process::id()));
    // Which nobody asks.
    let models = json!([
        {"id": "none", "base_url": "http://127.0.0.1:9/v1", "context_window": 4_096, "max_output_tokens": 64}
    ]);
    let mut machine = Command::new(built("workshop"))
        .args(["--watch", "--port", "0", "--dynamodb-port", "0", "--sqs-port", "0", "--data-dir"])
        .arg(&data)
        .env("WORKSHOP_MODELS", models.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(log("killed-watch.log")).expect("a log"))
        .kill_on_drop(true)
        .spawn()
        .expect("the machine starts");
    let mut lines = BufReader::new(machine.stdout.take().expect("piped")).lines();
    let line = timeout(BUILT_WITHIN, lines.next_line()).await.expect("it is up soon").expect("a line");
    let line = line.expect("it tells its address");
    let url = line.split_whitespace().last().expect("an address").to_owned();
    assert_eq!(Client::new(&url, None).get("/api/health").await.expect(200)["status"], "ok");
    let family = processes::family(machine.id().expect("it runs"));
    assert_eq!(processes::running(&family, "health").len(), 1, "{family:?}");
    machine.kill().await.expect("it is killed");
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Some(left) = family.iter().find(|id| processes::is_alive(**id)) {
        assert!(Instant::now() < deadline, "{left} goes on");
        sleep(Duration::from_millis(50)).await;
    }
    let _ = std::fs::remove_dir_all(data);
    eprintln!("  shown: the {} processes of a machine end with it when it is killed", family.len());
}

fn log(name: &str) -> PathBuf {
    let folder = built("tmp");
    std::fs::create_dir_all(&folder).expect("the log's folder");
    folder.join(name)
}

/// A file that cargo has built beside this test.
fn built(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    this.ancestors().nth(2).expect("a folder").join(name)
}

async fn workshop(handlers: Handlers) -> Workshop {
    // On a machine that does other things, too, it may take its time.
    let model = Model { slow: true, ..brief_small_model().await };
    let model = Some(ModelChoice::Configured(vec![model]));
    Workshop::start_with(Setup { model, handlers, limits: Limits::default(), ..Setup::default() }).await
}

fn place<'a>(workshop: &Workshop, ada: &'a Client, ben: &'a Client) -> Place<'a> {
    let (dynamodb, drafts_table) = (workshop.dynamodb(), "workshop-drafts".to_owned());
    Place { ada, ben, streams: true, dynamodb, drafts_table }
}

/// This test's processes that run `binary`.
fn own(binary: &str) -> Vec<u32> {
    processes::running(&processes::family(std::process::id()), binary)
}

fn no_user_text_is_in(log: &Path) {
    let log = std::fs::read_to_string(log).expect("the log");
    for secret in [tests::PROMPT, "No sources."] {
        assert!(!log.contains(secret), "a log has a user's text in it");
    }
}

/// By the functions themselves: nothing before them does.
async fn tokens_are_checked(workshop: &Workshop, ada: &Client) {
    ada.get(DRAFTS).await.expect(200);
    let good = workshop.machine.token("ada").expect("a token");
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for refused in [ada.with_token(&forged), ada.with_token("a.b.c")] {
        refused.get(DRAFTS).await.expect_problem(401, "unauthorized");
        refused.post(START, json!({})).await.expect_problem(401, "unauthorized");
        refused
            .post(MESSAGE, json!({"chat_id": "x", "message": "?"}))
            .await
            .expect_problem(401, "unauthorized");
    }
    // Who sends no token to the machine is its own user, as without functions.
    let own = workshop.anonymous().get(DRAFTS).await.expect(200);
    assert_eq!(own["total"], 0, "the machine's user has no drafts of ada's");
    let nowhere = workshop.anonymous().get("/api/nothing").await;
    nowhere.expect_problem(404, "not-found");
    eprintln!("  shown: forged tokens and nonsense are refused by the functions themselves");
}

/// What Lambda would have to give the functions that hold the most: 128 MB is
/// the least there is. Each is a process here, whose peak the system knows.
async fn functions_stay_small(ada: &Client) {
    // As much as one request takes: some batches of articles, and lines that are quickly refused.
    let articles = 2_500;
    let mut file = Words::default().items(articles);
    let line = format!("{{\"title\": \"{}\"}}\n", "x".repeat(210_000));
    while file.len() + line.len() <= 5_242_880 {
        file.push_str(&line);
    }
    assert!(file.len() > 5_000_000, "{}", file.len());
    let topic = "/api/topics/Small%20functions";
    let sent = ada.request(Method::POST, &format!("{topic}/articles"));
    let sent = sent.header("content-type", "application/x-ndjson").body(file.clone());
    let imported = ada.send(sent).await.expect(200);
    assert_eq!(imported["added"], articles, "{imported}");
    let found = ada.get(&format!("{topic}/articles?limit=50&query=energy%20companies")).await.expect(200);
    assert_eq!(found["articles"].as_array().map(Vec::len), Some(50), "{found}");

    let topic = "/api/topics/Small%20worker";
    let order = json!({"format": "jsonl", "bytes": file.len()});
    let started = ada.post(&format!("{topic}/imports"), order).await.expect(201);
    let nobody = ada.without_token();
    let url = started["upload"]["url"].as_str().expect("an address");
    assert_eq!(nobody.send(nobody.request(Method::PUT, url).body(file)).await.status, 200);
    let import = format!("{topic}/imports/{}", started["import"]["id"].as_str().expect("an id"));
    ada.post(&format!("{import}/run"), json!({})).await.expect(202);
    let deadline = Instant::now() + Duration::from_secs(240);
    while ada.get(&import).await.expect(200)["status"] != "finished" {
        assert!(Instant::now() < deadline, "the import did not end");
        sleep(Duration::from_millis(500)).await;
    }
    for binary in ["articles-import", "articles-search", "import-articles"] {
        let peak = peak_of(binary);
        eprintln!("  shown: {binary} had {} MB at its peak", peak / 1_000_000);
        assert!(peak < 128 * 1_024 * 1_024, "{binary}: {peak} bytes");
    }
}

/// The most memory that the function's process ever had, in bytes (`VmHWM` of proc(5)).
fn peak_of(binary: &str) -> u64 {
    let peak = |id: &u32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
    };
    own(binary).iter().filter_map(peak).max().unwrap_or_else(|| panic!("{binary} does not run"))
}

/// Each socket that this machine and its functions listen on, by the system's
/// list: a page of another site, and a name that was made to point here, are
/// refused, whatever is asked.
async fn no_socket_answers_a_page() {
    let sockets = processes::listening(&processes::family(std::process::id()));
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let paths = [
        "/",
        "/api/topics",
        "/2015-03-31/functions/recover-runs/invocations",
        "/.rt/recover-runs/2018-06-01/runtime/invocation/next",
    ];
    for socket in &sockets {
        assert!(socket.ip().is_loopback(), "{socket} can be reached from elsewhere");
        for path in paths {
            let url = format!("http://{socket}{path}");
            let tool = http.post(&url).send().await.expect("an answer").status();
            assert_ne!(tool, 403, "{url}: tools are let in, so it is pages that are refused");
            for (name, value) in [
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site"),
                ("host", "evil.example"),
            ] {
                let answer = http.post(&url).header(name, value).send().await.expect("an answer");
                assert_eq!(answer.status(), 403, "{url} answers a page ({name}: {value})");
            }
        }
    }
    // Gateway, DynamoDB, SQS, the functions' API.
    assert!(sockets.len() >= 4, "{sockets:?}");
    eprintln!("  shown: none of {} sockets answers a page of another site", sockets.len());
}

/// Killed at rest, its next call is to a new one; killed within a call, that one is told at once.
async fn a_function_that_dies_is_started_anew(ada: &Client) {
    let running = || match own("health")[..] {
        [id] => id,
        ref other => panic!("health runs as {other:?}"),
    };
    ada.get("/api/health").await.expect(200);
    let first = running();
    processes::signal(first, "KILL");
    until("it has ended", async || !processes::is_alive(first)).await;
    ada.get("/api/health").await.expect(200);
    let second = running();
    assert_ne!(first, second);
    // Stopped, it can't answer, so the call is under way when it dies.
    processes::signal(second, "STOP");
    let called = ada.get("/api/health");
    let killed = async {
        sleep(Duration::from_millis(500)).await;
        processes::signal(second, "KILL");
        Instant::now()
    };
    let (told, killed) = tokio::join!(called, killed);
    assert!(killed.elapsed() < Duration::from_secs(5), "it is told after {:?}", killed.elapsed());
    told.expect_problem(503, "unavailable");
    ada.get("/api/health").await.expect(200);
    eprintln!("  shown: a function that is killed is started anew, and who waits for it is told at once");
}

/// Changes a handler so that it compiles, so that it doesn't, and back.
async fn a_changed_source_is_served(ada: &Client, log: &Path) {
    let path = root().join("functions/src/health.rs");
    let source = Source::change(path.clone(), "\"ok\"", "\"changed\"");
    let began = Instant::now();
    until("the changed handler is served", async || health(ada).await == "changed").await;
    eprintln!(
        "  shown: a changed source is served without a restart, after {:.1} s",
        began.elapsed().as_secs_f32()
    );
    drop(source);
    until("the handler is served as it was", async || health(ada).await == "ok").await;

    let told = || std::fs::read_to_string(log).expect("the log").matches("doesn't compile").count();
    let before = told();
    let broken = Source::change(path.clone(), "\"ok\"", "\"broken\" + nothing");
    until("it is told", async || told() > before).await;
    assert_eq!(health(ada).await, "ok", "the old one goes on");
    drop(broken);
    let mended = Source::change(path, "\"ok\"", "\"mended\"");
    until("the mended handler is served", async || health(ada).await == "mended").await;
    drop(mended);
    until("the handler is served as it was", async || health(ada).await == "ok").await;
    eprintln!(
        "  shown: what doesn't compile is told of, the old function goes on, and a mended one is served"
    );
}

/// What the function says. It answers throughout.
async fn health(ada: &Client) -> Value {
    ada.get("/api/health").await.expect(200)["status"].take()
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + BUILT_WITHIN;
    while !is_so().await {
        assert!(Instant::now() < deadline, "{what}: not within {BUILT_WITHIN:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Lambda's APIs as `cargo lambda watch` serves them, with the router table of
/// CargoLambda.toml, and all functions called through them. They end with this.
struct CargoLambda {
    url: String,
    _processes: Vec<Child>,
}

impl CargoLambda {
    async fn start(workshop: &Workshop, log: &Path) -> Self {
        let output = std::fs::File::create(log).expect("the log");
        let start = |mut command: Command| {
            let (stdout, stderr) =
                (output.try_clone().expect("the log"), output.try_clone().expect("the log"));
            command.stdin(Stdio::null()).stdout(stdout).stderr(stderr).kill_on_drop(true);
            command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
        };
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let mut command = Command::new("cargo-lambda");
        command
            .args(["lambda", "watch", "--only-lambda-apis", "--package", "functions", "--disable-cors"])
            .args(["--invoke-address", "127.0.0.1", "--invoke-port", &address.port().to_string()])
            .current_dir(root());
        let mut server = start(command);
        let deadline = Instant::now() + Duration::from_secs(60);
        while tokio::net::TcpStream::connect(address).await.is_err() {
            let ended = server.try_wait().expect("its state");
            assert!(ended.is_none(), "cargo lambda watch ended, see {}", log.display());
            assert!(Instant::now() < deadline, "cargo lambda watch doesn't answer");
            sleep(Duration::from_millis(100)).await;
        }
        let settings = local::environment(&workshop.machine.app().config);
        let function = |name: &str| {
            let mut command = Command::new(built(name));
            command
                .envs(settings.iter().map(|(name, value)| (name, value)))
                .env("AWS_LAMBDA_RUNTIME_API", format!("http://{address}/.rt/{name}"))
                .env("AWS_LAMBDA_FUNCTION_NAME", name)
                .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256");
            start(command)
        };
        let mut processes: Vec<_> = functions::routes().map(|route| function(route.binary)).collect();
        processes.extend([function("recover-runs"), server]);
        Self { url: format!("http://{address}"), _processes: processes }
    }
}

/// A source file that is as it was when this is dropped.
struct Source {
    path: PathBuf,
    before: String,
}

impl Source {
    fn change(path: PathBuf, from: &str, to: &str) -> Self {
        let before = std::fs::read_to_string(&path).expect("the source");
        assert!(before.contains(from), "{} has no {from}", path.display());
        std::fs::write(&path, before.replacen(from, to, 1)).expect("the source is changed");
        Self { path, before }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        std::fs::write(&self.path, &self.before).expect("the source is as it was");
    }
}
