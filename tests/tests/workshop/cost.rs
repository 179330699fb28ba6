//! What each route and job costs in units of DynamoDB and requests of SQS,
//! exactly. Whoever changes one of these changes what the workshop costs, and
//! should mean it.

use std::time::{Duration, Instant};

use local::ModelChoice;
use serde_json::{Value, json};
use tests::cost::{MAIN_JOB, measure, sum, text, unmeasured};
use tests::handlers::{self, Call};
use tests::{Setup, Workshop, calls};

/// Function and circumstance, read units, write units, requests of SQS.
const COSTS: &[(&str, f64, f64, usize)] = &[
    ("topics-list", 2.0, 0.0, 0),
    ("drafts-start", 0.0, 13.0, 0),
    ("chat-send", 3.0, 27.0, 0),
    ("chat-history", 3.0, 0.0, 0),
    ("chat-stop", 1.0, 0.0, 0),
    ("drafts-update, its first text", 1.0, 5.0, 0),
    ("drafts-update", 1.0, 5.0, 0),
    ("drafts-get", 1.0, 0.0, 0),
    ("drafts-get, unchanged", 1.0, 0.0, 0),
    ("drafts-list", 2.0, 0.0, 0),
    ("tests-start", 2.0, 27.0, 1),
    ("tests-get, while it waits", 5.0, 0.0, 0),
    ("run-test", 9.0, 27.0, 0),
    ("tests-get", 5.0, 0.0, 0),
    ("tests-rate", 2.0, 11.0, 0),
    ("tests-start, the next", 2.0, 24.0, 1),
    ("tests-cancel", 3.0, 11.0, 0),
    ("run-test, of what was cancelled", 1.0, 0.0, 0),
    ("tests-list", 2.0, 0.0, 0),
    ("drafts-commit", 2.0, 26.0, 0),
    ("prompts-list", 1.5, 0.0, 0),
    ("prompts-get", 3.0, 0.0, 0),
    ("prompts-get, unchanged", 1.0, 0.0, 0),
    ("prompts-versions", 2.0, 0.0, 0),
    ("prompts-clone", 3.0, 20.0, 0),
    ("drafts-delete", 1.0, 9.0, 0),
    ("drafts-cleanup", 4.0, 2.0, 0),
    ("models-list", 0.0, 0.0, 0),
    ("metrics-get", 1.0, 0.0, 0),
    ("health", 0.0, 0.0, 0),
    ("openapi-get", 0.0, 0.0, 0),
    ("prompts-delete", 1.0, 14.0, 0),
    ("topics-facets", 2.0, 0.0, 0),
    ("articles-search, the newest", 17.5, 0.0, 0),
    ("articles-search", 9.5, 0.0, 0),
    ("articles-import, of one", 6.0, 38.0, 0),
    ("feeds-follow", 5.0, 25.0, 0),
    ("feeds-list", 2.0, 0.0, 0),
    ("feeds-collect, nothing new", 0.0, 5.0, 0),
    ("feeds-unfollow", 0.0, 5.0, 0),
    ("imports-start", 0.0, 2.0, 0),
    ("imports-run", 3.0, 4.0, 1),
    ("import-articles, of ten", 38.0, 220.0, 0),
    ("imports-get", 1.0, 0.0, 0),
    ("dead-letters", 0.0, 0.0, 0),
    ("recover-runs, at rest", 1.5, 0.0, 0),
    ("collect-feeds, at rest", 0.5, 0.0, 0),
    ("reindex, with nothing left", 0.5, 0.0, 0),
    ("topics-delete", 1.0, 5.0, 0),
    ("recover-runs, of a topic of ten", 519.0, 207.0, 0),
    ("articles-delete", 2.0, 12.0, 0),
    ("recover-runs, of an article", 515.0, 68.0, 0),
];
/// All of a main job.
const WHOLE: (f64, f64, u64) = (173.5, 441.0, 3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_function_takes_the_units_that_are_written_here_and_no_more() {
    let costs = measure().await;
    assert_eq!(unmeasured(&costs), [""; 0], "functions whose cost isn't measured");
    // The deployment's own step installs the sample as of today, so what its index of time takes varies.
    let counted = costs.iter().filter(|cost| cost.binary() != "install");
    let measured: Vec<_> = counted.map(|cost| (cost.what, cost.reads, cost.writes, cost.queue)).collect();
    let table: String = measured.iter().map(|cost| format!("    {cost:?},\n")).collect();
    let differing: Vec<_> = measured.iter().filter(|cost| !COSTS.contains(cost)).collect();
    assert_eq!(measured, COSTS, "differing: {differing:?}; measured:\n{table}");
    assert_eq!(sum(&costs, MAIN_JOB), WHOLE, "a main job");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autosave_asks_for_no_item_but_its_draft() {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let draft = workshop.client("ada").draft(&text(0)).await;
    let (app, calls) = workshop.watched();
    let save = Call {
        binary: "drafts-update",
        user: "ada",
        path: &[("id", &draft)],
        headers: &[("if-match", "\"1\"")],
        body: json!({"draft_content": text(1)}),
        ..Call::default()
    };
    let saved = handlers::call(Box::leak(Box::new(app)), &save).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    let asked = calls.take().into_iter().map(|call| {
        let asked: Value = serde_json::from_str(&call.asked).expect("JSON");
        (call.operation, asked["TableName"].clone(), asked["Key"].clone())
    });
    let table = json!(workshop.machine.app().config.tables.drafts);
    let key = json!({"pk": {"S": format!("DRAFT#{draft}")}, "sk": {"S": "META"}});
    let of_draft = ["GetItem", "UpdateItem"].map(|call| (call.to_owned(), table.clone(), key.clone()));
    assert_eq!(asked.collect::<Vec<_>>(), of_draft);
    workshop.stop().await;
}

/// By `waited`, the bench tells how long a request waits for its stores.
#[test]
fn calls_that_overlap_are_waited_for_once() {
    let start = Instant::now();
    let call = |from: u64, to: u64| calls::Call {
        operation: "GetItem".to_owned(),
        asked: String::new(),
        kind: calls::Kind::Read,
        began: start + Duration::from_millis(from),
        took: Duration::from_millis(to - from),
        units: 0.0,
    };
    assert_eq!(calls::waited(&[]), (Duration::ZERO, 0));
    // One within another, one that goes on after it, and one apart.
    let calls = [call(20, 25), call(0, 10), call(2, 5), call(8, 12)];
    assert_eq!(calls::waited(&calls), (Duration::from_millis(17), 2));
}
