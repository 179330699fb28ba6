//! Drafts that nobody works on are gone after 30 days, with what belongs to them and nothing else.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use shared::app::Clock;
use tests::{Client, DRAFTS, MESSAGE, PROMPT, START, Setup, Workshop};

use crate::{eventually, nobody_answers, stored, texts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn expires_at(client: &Client, draft: &str) -> Timestamp {
    let draft = client.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    draft["expires_at"].as_str().expect("a time").parse().expect("RFC 3339")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_left_alone_for_30_days_is_gone_before_the_store_removes_it() {
    let workshop = Workshop::start_with(Setup { model: nobody_answers().await, ..Setup::default() }).await;
    let (left, test) = worked_on(&workshop).await;
    let kept = workshop.client("ana").draft(PROMPT).await;

    workshop.machine.clock().advance(29 * DAY);
    let client = workshop.client("ana");
    client.get(&format!("{DRAFTS}/{left}")).await.expect(200);
    client.put(&format!("{DRAFTS}/{kept}"), json!({"draft_name": "Still at it"})).await.expect(200);

    workshop.machine.clock().advance(DAY + Duration::from_secs(60 * 60));
    let client = workshop.client("ana");
    for path in [
        format!("{DRAFTS}/{left}"),
        format!("{DRAFTS}/{left}/tests"),
        format!("{DRAFTS}/{left}/tests/{test}"),
        format!("/api/auspex/chat/sessions/{left}/messages"),
    ] {
        client.get(&path).await.expect_problem(404, "not-found");
    }
    let gone = format!("{DRAFTS}/{left}");
    let order = json!({"test_query": "Which ports grow?", "topic": "AI Adoption"});
    for answer in [
        client.put(&gone, json!({"draft_content": "too late"})).await,
        client.post(&format!("{gone}/test"), order).await,
        client.post(&format!("{gone}/commit"), json!({"name": "too_late", "title": "Too late"})).await,
        client.patch(&format!("{gone}/tests/{test}"), json!({"user_rating": 1})).await,
        client.post(MESSAGE, json!({"chat_id": left, "message": "Anyone there?"})).await,
        client.delete(&gone).await,
    ] {
        answer.expect_problem(404, "not-found");
    }
    for query in ["", "?status_filter=draft", "?limit=1"] {
        let list = client.get(&format!("{DRAFTS}{query}")).await.expect(200);
        assert_eq!(texts(list["drafts"].as_array().expect("drafts"), "id"), [&*kept], "{query}: {list}");
    }
    assert!(!stored(&workshop, &left).await.is_empty(), "the store has not removed it yet");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belonged_to_an_expired_draft_is_removed_and_nothing_else() {
    // The store removes by the system's time, so the draft is made in the past.
    let clock = Clock::shifted(-31 * 24 * 60 * 60 * 1_000);
    let model = nobody_answers().await;
    let workshop = Workshop::start_with(Setup { model, clock, ..Setup::default() }).await;
    let (left, _) = worked_on(&workshop).await;
    workshop.machine.clock().advance(31 * DAY);
    let (kept, kept_test) = worked_on(&workshop).await;
    let kept_items = stored(&workshop, &kept).await;
    assert!(kept_items.len() >= 4, "a draft, its messages, its run: {kept_items:?}");

    workshop.machine.sweep().await.expect("the sweep runs");
    let removed = async || stored(&workshop, &left).await.is_empty().then_some(());
    eventually("nothing of the expired draft is left", 20, removed).await;
    assert_eq!(stored(&workshop, &kept).await, kept_items, "another draft's items are untouched");

    let client = workshop.client("ana");
    let list = client.get(DRAFTS).await.expect(200);
    assert_eq!(texts(list["drafts"].as_array().expect("drafts"), "id"), [&*kept]);
    assert_eq!(list["total"], 1);
    let tests = client.get(&format!("{DRAFTS}/{kept}/tests")).await.expect(200);
    assert_eq!((&tests["total_tests"], &tests["test_results"][0]["test_id"]), (&json!(1), &json!(kept_test)));
    workshop.stop().await;
}

/// A draft of Ana's with a conversation and a run, and the run.
async fn worked_on(workshop: &Workshop) -> (String, String) {
    let client = workshop.client("ana");
    let body = json!({"starting_prompt": PROMPT, "requirements": "Briefs on ports."});
    let started = client.post(START, body).await.expect(201);
    let draft = started["draft_id"].as_str().expect("an id").to_owned();
    let test = client.test(&draft, "Which ports grow fastest?", "AI Adoption").await;
    client.finished(&draft, &test, 60).await;
    (draft, test)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activity_of_any_kind_renews_a_draft() {
    let workshop = Workshop::start_with(Setup { model: nobody_answers().await, ..Setup::default() }).await;
    let draft = workshop.client("ana").draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}");
    let mut before = expires_at(&workshop.client("ana"), &draft).await;
    let mut test = String::new();
    for activity in ["a save", "a message", "a test", "a rating"] {
        workshop.machine.clock().advance(20 * DAY);
        let client = workshop.client("ana");
        match activity {
            "a save" => {
                drop(client.put(&path, json!({"draft_content": format!("{PROMPT}!")})).await.expect(200))
            }
            "a message" => drop(client.say(&draft, "Make it shorter, please.").await),
            "a test" => {
                test = client.test(&draft, "Which ports grow fastest?", "AI Adoption").await;
                client.finished(&draft, &test, 60).await;
            }
            _ => drop(
                client.patch(&format!("{path}/tests/{test}"), json!({"user_rating": 2})).await.expect(200),
            ),
        }
        let after = expires_at(&client, &draft).await;
        let renewed = after.duration_since(before).as_hours();
        assert!((19 * 24..=21 * 24).contains(&renewed), "{activity} renews by {renewed} hours");
        before = after;
    }

    // Looking at it is no activity.
    workshop.machine.clock().advance(DAY);
    let client = workshop.client("ana");
    for path in [path.clone(), format!("{path}/tests"), DRAFTS.to_owned()] {
        client.get(&path).await.expect(200);
    }
    assert_eq!(expires_at(&client, &draft).await, before);
    let list = client.get(DRAFTS).await.expect(200);
    let shown: Timestamp =
        list["drafts"][0]["expires_at"].as_str().expect("a time").parse().expect("RFC 3339");
    assert_eq!(shown, before, "the list says the same");
    workshop.stop().await;
}
