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
