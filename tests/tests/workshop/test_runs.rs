//! Test runs, with the real small model.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::run::{Order, Run, State};
use shared::store::{RESTORED_MAX, Started};
use tests::{Client, DRAFTS, PROMPT, Setup, Workshop};

use crate::{
    MODEL_SECONDS, eventually, get_with, nobody_answers, post_with, texts, walk, with_the_small_model,
};

const TOPIC: &str = "AI Adoption";
const QUERY: &str = "How do hospitals use AI?";

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_runs_against_the_text_it_was_started_with_and_is_recorded_whole() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let draft_path = format!("{DRAFTS}/{draft}");
    let revision = client.get(&draft_path).await.expect(200)["revision"].clone();

    let order = json!({"test_query": QUERY, "topic": TOPIC, "limit": 5, "notes": "the first one"});
    let started =
        post_with(&client, &format!("{draft_path}/test"), order.clone(), "Idempotency-Key", "t-1").await;
    let location = started.header("location").expect("a Location").to_owned();
    let started = started.expect(202);
    let test = started["test_id"].as_str().expect("an id").to_owned();
    assert_eq!(location, format!("{draft_path}/tests/{test}"));
    assert!(["queued", "running"].contains(&started["status"].as_str().expect("a status")), "{started}");
    let repeat = post_with(&client, &format!("{draft_path}/test"), order, "Idempotency-Key", "t-1").await;
    assert_eq!(repeat.expect(202)["test_id"], test, "the same start again is the same run");

    let draft_now = client.get(&draft_path).await.expect(200);
    assert_eq!((&draft_now["status"], &draft_now["test_count"]), (&json!("testing"), &json!(1)));
    client.put(&draft_path, json!({"draft_content": format!("{PROMPT} Written later.")})).await.expect(200);

    let (run, states) = watched(&client, &location).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let order = ["queued", "running", "succeeded"];
    let expected: Vec<_> =
        order.into_iter().filter(|state| states.iter().any(|seen| seen == state)).collect();
    assert_eq!(states, expected);
    assert!(states.contains(&"running".to_owned()), "{states:?}");

    assert_eq!(run["test_id"], test);
    assert_eq!(run["test_query"], QUERY);
    assert_eq!(run["topic"], TOPIC);
    assert!(run["model"].as_str().is_some_and(|model| model.contains("smollm2")), "{run}");
    assert_eq!(run["draft_revision"], revision, "the run keeps the revision it was started with");
    assert!(
        run.to_string().contains("say plainly what the articles do not tell"),
        "the text that ran: {run}"
    );
    assert!(!run.to_string().contains("Written later"), "{run}");
    assert!(run["error"].is_null() && run["user_rating"].is_null(), "{run}");
    assert_eq!(run["notes"], "the first one");

    let answer = run["full_response"].as_str().expect("the answer");
    assert!(!answer.is_empty());
    assert_eq!(run["response_length"], answer.chars().count());
    assert_eq!(run["response_preview"], answer.chars().take(500).collect::<String>());
    assert!(run["tools_used"].is_array(), "{run}");

    let articles = run["articles"].as_array().expect("the articles");
    assert_eq!(run["article_count"], articles.len());
    assert!((1..=5).contains(&articles.len()), "{run}");
    for article in articles {
        let url = article["url"].as_str().expect("an address");
        assert_eq!(article["cited"], answer.contains(url), "{article} in: {answer}");
        assert!(article["title"].is_string() && article["sample"] == true, "{article}");
        time(&article["published_at"]);
    }

    assert!(run["tokens_in"].as_u64() > Some(100) && run["tokens_out"].as_u64() > Some(0), "{run}");
    let (began, ended) = (time(&run["started_at"]), time(&run["finished_at"]));
    assert!(time(&run["created_at"]) <= began && began < ended);
    let milliseconds = run["execution_time_ms"].as_i64().expect("a time");
    assert!((milliseconds - (ended.as_millisecond() - began.as_millisecond())).abs() < 1_000, "{run}");

    finished_runs_are_not_sent_again_until_they_are_rated(&client, &location, &run).await;
    workshop.stop().await;
    drop(turn);
}

/// Polls a run to its end: the run and the states it went through.
async fn watched(client: &Client, path: &str) -> (Value, Vec<String>) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(MODEL_SECONDS);
    let mut states = Vec::new();
    loop {
        let run = client.get(path).await.expect(200);
        let state = run["status"].as_str().expect("a status").to_owned();
        let ended = ["succeeded", "failed", "cancelled"].contains(&&*state);
        if states.last() != Some(&state) {
            states.push(state);
        }
        if ended {
            return (run, states);
        }
        assert!(tokio::time::Instant::now() < deadline, "{run}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The second half of the first test, with its run: polling, rating, taking back.
async fn finished_runs_are_not_sent_again_until_they_are_rated(client: &Client, path: &str, run: &Value) {
    let etag = client.get(path).await.header("etag").expect("an ETag").to_owned();
    let again = get_with(client, path, "If-None-Match", &etag).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));

    let rated = client.patch(path, json!({"user_rating": 4, "notes": "Cites nothing."})).await.expect(200);
    assert_eq!((&rated["user_rating"], &rated["notes"]), (&json!(4), &json!("Cites nothing.")));
    let shown = get_with(client, path, "If-None-Match", &etag).await.expect(200);
    assert_eq!((&shown["user_rating"], &shown["notes"]), (&json!(4), &json!("Cites nothing.")));
    assert_eq!(shown["full_response"], run["full_response"]);

    let changed = client.patch(path, json!({"user_rating": 2})).await.expect(200);
    assert_eq!((&changed["user_rating"], &changed["notes"]), (&json!(2), &json!("Cites nothing.")));
    for rating in [json!(0), json!(6), json!(2.5), json!("4")] {
        client.patch(path, json!({ "user_rating": rating })).await.expect_problem(422, "invalid");
    }
    client.patch(path, json!({"notes": "n".repeat(501)})).await.expect_problem(422, "invalid");
    client.patch(path, json!({"user_rating": null})).await.expect(200);
    let shown = client.get(path).await.expect(200);
    assert_eq!((&shown["user_rating"], &shown["notes"]), (&Value::Null, &json!("Cites nothing.")));
    client.patch(path, json!({"notes": null})).await.expect(200);
    assert_eq!(client.get(path).await.expect(200)["notes"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_waits_gets_the_finished_run() {
    let workshop = Workshop::start_with(Setup { model: nobody_answers().await, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let order = json!({"test_query": QUERY, "topic": TOPIC, "user_rating": 3, "notes": "expected little"});
    let waited = post_with(&client, &format!("{DRAFTS}/{draft}/test"), order, "Prefer", "wait=25").await;
    let run = waited.expect(200);
    assert_eq!(run["status"], "failed", "{run}");
    assert_eq!((&run["user_rating"], &run["notes"]), (&json!(3), &json!("expected little")));
    let test = run["test_id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("{DRAFTS}/{draft}/tests/{test}")).await.expect(200), run);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_takes_longer_than_the_wait_goes_on_and_may_keep_only_its_preview() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let order = json!({"test_query": QUERY, "topic": TOPIC, "limit": 5, "store_full_response": false});
    let waited = post_with(&client, &format!("{DRAFTS}/{draft}/test"), order, "Prefer", "wait=1").await;
    let location = waited.header("location").expect("a Location").to_owned();
    let test = waited.expect(202)["test_id"].as_str().expect("an id").to_owned();
    assert!(location.ends_with(&test), "{location}");
    let run = client.finished(&draft, &test, MODEL_SECONDS).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    let preview = run["response_preview"].as_str().expect("a preview");
    assert!(!preview.is_empty() && preview.chars().count() <= 500);
    assert!(run["response_length"].as_u64() >= Some(preview.chars().count() as u64), "{run}");
    assert_eq!(run["full_response"], "", "only the preview is kept: {run}");
    workshop.stop().await;
    drop(turn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_test_that_is_cancelled_ends_soon() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    // Forty articles take the model ten seconds and more to read.
    let order = json!({"test_query": QUERY, "topic": TOPIC, "limit": 40});
    let started = client.post(&format!("{DRAFTS}/{draft}/test"), order).await.expect(202);
    let test = started["test_id"].as_str().expect("an id").to_owned();
    let path = format!("{DRAFTS}/{draft}/tests/{test}");
    let running = async || (client.get(&path).await.expect(200)["status"] == "running").then_some(());
    eventually("the run starts", 20, running).await;
    let cancelled = client.post(&format!("{path}/cancel"), json!({})).await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.text);
    let run = client.finished(&draft, &test, 8).await;
    assert_eq!(run["status"], "cancelled", "{run}");
    assert!(run["finished_at"].is_string(), "{run}");

    // It stays cancelled, and can be rated like any finished run.
    client.patch(&path, json!({"user_rating": 1})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let run = client.get(&path).await.expect(200);
    assert_eq!((&run["status"], &run["user_rating"]), (&json!("cancelled"), &json!(1)));
    workshop.stop().await;
    drop(turn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_shows_every_run_once_and_the_newest_first() {
    let workshop = Workshop::start_with(Setup { model: nobody_answers().await, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}/tests");
    let empty = client.get(&path).await.expect(200);
    assert_eq!(empty, json!({"draft_id": draft, "test_results": [], "total_tests": 0, "next_cursor": null}));
    let mut tests = Vec::new();
    for number in 0..5 {
        tests.push(client.test(&draft, &format!("Question number {number}?"), TOPIC).await);
        workshop.machine.clock().advance(Duration::from_secs(1));
    }
    for test in &tests {
        let run = client.finished(&draft, test, 60).await;
        assert_eq!(run["status"], "failed");
        assert!(run["error"].as_str().is_some_and(|error| error.len() > 20), "a sentence: {run}");
    }
    tests.reverse();
    let (runs, sizes) = walk(&client, &path, "test_results", 2).await;
    assert_eq!(texts(&runs, "test_id"), tests);
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(runs[0]["test_query"], "Question number 4?");
    assert_eq!(client.get(&format!("{path}?limit=2")).await.expect(200)["total_tests"], 5);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_history_from_elsewhere_is_shown_counted_and_rated_like_ones_own() {
    let workshop = Workshop::start_with(Setup { model: nobody_answers().await, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let id = client.draft(PROMPT).await;
    let (store, now) = (workshop.machine.store(), workshop.machine.clock().now());
    let draft = store.drafts.get("ana", id.parse().expect("an id"), now).await.expect("a store");
    let draft = draft.expect("the draft");
    let order: Order = serde_json::from_value(json!({"test_query": "What changed?", "topic": "AI Adoption"}))
        .expect("an order");
    let ended: Vec<_> = (0..RESTORED_MAX as u128)
        .map(|number| {
            let finished = Run {
                status: State::Succeeded,
                finished_at: Some(now),
                ..Run::queued(uuid::Uuid::from_u128(number), &draft, &order, "model", now)
            };
            (finished, format!("Answer {number}."))
        })
        .collect();
    assert_eq!(store.runs.restore(&draft, &ended, now).await.expect("a store"), Started::Started);

    let path = format!("{DRAFTS}/{id}");
    let shown = client.get(&path).await.expect(200);
    assert_eq!((&shown["test_count"], &shown["status"]), (&json!(RESTORED_MAX), &json!("testing")));
    assert_eq!(client.get(&format!("{DRAFTS}?status_filter=testing")).await.expect(200)["total"], 1);
    let (runs, sizes) = walk(&client, &format!("{path}/tests"), "test_results", 20).await;
    assert_eq!(sizes, [20, 20, RESTORED_MAX - 40]);
    let newest = format!("{path}/tests/{}", runs[0]["test_id"].as_str().expect("an id"));
    let full = client.get(&newest).await.expect(200);
    assert_eq!(
        (&full["full_response"], &full["prompt_text"]),
        (&json!(format!("Answer {}.", RESTORED_MAX - 1)), &json!(PROMPT))
    );
    client.patch(&newest, json!({"user_rating": 4})).await.expect(200);
    // One's own come on top.
    client.test(&id, "What changed since?", "AI Adoption").await;
    assert_eq!(client.get(&format!("{path}/tests")).await.expect(200)["total_tests"], RESTORED_MAX + 1);
    // Runs that are there already are not counted twice.
    let draft = store.drafts.get("ana", draft.summary.id, now).await.expect("a store").expect("the draft");
    assert_eq!(store.runs.restore(&draft, &ended, now).await.expect("a store"), Started::Exists);
    workshop.stop().await;
}
