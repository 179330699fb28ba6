//! The main job under `cargo lambda watch`: each handler a process of its own,
//! called by the router table, its token checked in the function, the worker
//! given real SQS events; and a changed source that is served without a restart.
//!
//! `make test-watch` builds the functions first and has `cargo-lambda` on the PATH.

use std::path::PathBuf;
use std::time::Duration;

use local::{Handlers, ModelChoice};
use reqwest::Method;
use serde_json::json;
use shared::limits::Limits;
use tests::main_job::{Place, main_job};
use tests::news::Words;
use tests::{Client, DRAFTS, MESSAGE, START, Setup, Workshop, brief_small_model, root};
use tokio::time::{Instant, sleep};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_runs_under_cargo_lambda_watch() {
    let log = root().join("target/tmp/cargo-lambda-watch.log");
    std::fs::create_dir_all(log.parent().expect("a folder")).expect("the log's folder");
    let setup = Setup {
        model: Some(ModelChoice::Configured(vec![brief_small_model().await])),
        handlers: Handlers::Watched { port: 0, log: Some(log.clone()) },
        limits: Limits::default(),
        ..Setup::default()
    };
    let workshop = Workshop::start_with(setup).await;
    let (ada, ben) = (workshop.client("ada"), workshop.client("ben"));
    let place = Place {
        ada: &ada,
        ben: &ben,
        streams: true,
        dynamodb: workshop.dynamodb(),
        drafts_table: "workshop-drafts".to_owned(),
    };
    main_job(&place).await;
    functions_check_tokens(&workshop, &ada).await;
    functions_stay_small(&ada).await;
    a_changed_source_is_served(&ada).await;
    workshop.stop().await;

    let log = std::fs::read_to_string(log).expect("the log");
    for secret in [tests::PROMPT, "No sources."] {
        assert!(!log.contains(secret), "a log has a user's text in it");
    }
}

/// Past the machine's gateway, where nothing else checks them.
async fn functions_check_tokens(workshop: &Workshop, ada: &Client) {
    let url = workshop.machine.functions_url().expect("it is watched");
    let good = workshop.machine.token("ada").expect("a token");
    let straight = Client::new(&url, Some(good.clone()));
    straight.get(DRAFTS).await.expect(200);
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for refused in [straight.without_token(), straight.with_token(&forged), straight.with_token("a.b.c")] {
        refused.get(DRAFTS).await.expect_problem(401, "unauthorized");
        refused.post(START, json!({})).await.expect_problem(401, "unauthorized");
        refused
            .post(MESSAGE, json!({"chat_id": "x", "message": "?"}))
            .await
            .expect_problem(401, "unauthorized");
    }
    // Who sends no token to the machine is its own user, as without functions.
    let own = ada.without_token().get(DRAFTS).await.expect(200);
    assert_eq!(own["total"], 0, "the machine's user has no drafts of ada's");
    let nowhere = ada.send(ada.request(Method::GET, "/api/nothing")).await;
    nowhere.expect_problem(404, "not-found");
    eprintln!("  shown: no token, a forged one and nonsense are refused by the functions themselves");
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
    let of_process = |process: std::fs::DirEntry| {
        let running = std::fs::read_link(process.path().join("exe")).ok()?;
        (running.file_name()? == binary).then_some(())?;
        let status = std::fs::read_to_string(process.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
    };
    let processes = std::fs::read_dir("/proc").expect("the processes");
    processes.flatten().filter_map(of_process).max().unwrap_or_else(|| panic!("{binary} does not run"))
}

/// Changes a handler, asks until the change is served, and changes it back.
async fn a_changed_source_is_served(ada: &Client) {
    let source = Source::change(root().join("functions/src/health.rs"), "\"ok\"", "\"changed\"");
    let deadline = Instant::now() + Duration::from_secs(240);
    while ada.get("/api/health").await.text.contains("\"ok\"") {
        assert!(Instant::now() < deadline, "the changed handler was not served");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(ada.get("/api/health").await.expect(200)["status"], "changed");
    drop(source);
    eprintln!("  shown: a changed source is built and served without a restart");
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
