//! Drafts: the list, reading, saving, deleting.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::{Client, DRAFTS, PROMPT, START, Setup, Workshop};

use crate::{eventually, get_with, stored, texts, walk};

async fn workshop() -> Workshop {
    Workshop::start_with(Setup { sample: false, ..Setup::default() }).await
}

/// Drafts of these names, a second apart, so that their order in time is certain.
async fn named_drafts(workshop: &Workshop, client: &Client, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let body = json!({"draft_name": format!("Draft {number}"), "starting_prompt": PROMPT});
        let started = client.post(START, body).await.expect(201);
        ids.push(started["draft_id"].as_str().expect("an id").to_owned());
        workshop.machine.clock().advance(Duration::from_secs(1));
    }
    ids
}

async fn save(client: &Client, draft: &str, body: serde_json::Value, revision: &str) -> tests::Answer {
    let path = format!("{DRAFTS}/{draft}");
    client.send(client.request(Method::PUT, &path).header("If-Match", revision).json(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_shows_summaries_with_the_newest_change_first() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let ids = named_drafts(&workshop, &client, 3).await;
    client
        .put(&format!("{DRAFTS}/{}", ids[0]), json!({"draft_description": "For the board"}))
        .await
        .expect(200);

    let list = client.get(DRAFTS).await.expect(200);
    let drafts = list["drafts"].as_array().expect("drafts");
    assert_eq!(texts(drafts, "id"), [&*ids[0], &*ids[2], &*ids[1]]);
    assert_eq!(list["total"], 3);
    assert!(list["next_cursor"].is_null());

    let first = &drafts[0];
    let whole = client.get(&format!("{DRAFTS}/{}", ids[0])).await.expect(200);
    for field in [
        "id",
        "draft_name",
        "draft_description",
        "status",
        "parent_prompt_name",
        "content_length",
        "test_count",
        "revision",
        "created_at",
        "updated_at",
        "expires_at",
    ] {
        assert_eq!(first.get(field), whole.get(field), "{field}");
        assert!(first.get(field).is_some(), "{field} is missing: {first}");
    }
    assert_eq!(first["content_length"], PROMPT.chars().count());
    assert_eq!(first["test_count"], 0);
    assert!(!list.to_string().contains("research analyst"), "a list carries no content: {list}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_through_the_pages_meets_every_draft_once() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let mut ids = named_drafts(&workshop, &client, 7).await;
    ids.reverse();

    let (drafts, sizes) = walk(&client, DRAFTS, "drafts", 3).await;
    assert_eq!(texts(&drafts, "id"), ids);
    assert_eq!(sizes, [3, 3, 1]);
    let page = client.get(&format!("{DRAFTS}?limit=3")).await.expect(200);
    assert_eq!(page["total"], 7, "the total counts all pages");
    let other = workshop.client("ben").get(DRAFTS).await.expect(200);
    assert_eq!((&other["drafts"], &other["total"]), (&json!([]), &json!(0)));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_filtered_by_status_meets_every_draft_of_that_status_once() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let ids = named_drafts(&workshop, &client, 10).await;
    for id in ids.iter().step_by(2) {
        client.put(&format!("{DRAFTS}/{id}"), json!({"status": "ready"})).await.expect(200);
        workshop.machine.clock().advance(Duration::from_secs(1));
    }

    let (mut ready, mut cursor) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = client.get(&format!("{DRAFTS}?status_filter=ready&limit=2{cursor}")).await.expect(200);
        ready.extend(texts(page["drafts"].as_array().expect("drafts"), "id"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", crate::percent_encoded(next)),
            None => break,
        }
    }
    assert_eq!(ready, [&*ids[8], &*ids[6], &*ids[4], &*ids[2], &*ids[0]]);
    let none = client.get(&format!("{DRAFTS}?status_filter=committed")).await.expect(200);
    assert_eq!(none["drafts"], json!([]));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unchanged_draft_is_not_sent_again() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let id = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{id}");
    let first = client.get(&path).await;
    let etag = first.header("etag").expect("an ETag").to_owned();
    assert_eq!(etag, format!("\"{}\"", first.json()["revision"]), "the ETag is the revision");

    let again = get_with(&client, &path, "If-None-Match", &etag).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));

    client.put(&path, json!({"draft_name": "Another name"})).await.expect(200);
    let changed = get_with(&client, &path, "If-None-Match", &etag).await;
    assert_ne!(changed.header("etag"), Some(&*etag));
    assert_eq!(changed.expect(200)["draft_name"], "Another name");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_field_is_saved_by_itself_and_raises_the_revision() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let id = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{id}");
    let mut expected = client.get(&path).await.expect(200);
    let longest = "ß".repeat(100_000);
    let saves = [
        ("draft_content", "too short to test, never too short to save"),
        ("draft_content", ""),
        ("draft_content", &longest),
        ("draft_name", "Risks by region"),
        ("draft_description", "What the board asks for"),
        ("draft_description", ""),
        ("status", "testing"),
        ("status", "ready"),
        ("status", "draft"),
    ];
    for (field, value) in saves {
        let saved = client.put(&path, json!({ field: value })).await.expect(200);
        assert!(saved["revision"].as_u64() > expected["revision"].as_u64(), "{field}: {saved}");
        assert!(saved["message"].as_str().is_some_and(|message| !message.is_empty()), "{saved}");
        expected[field] = json!(value);
        for (name, value) in [("revision", &saved["revision"]), ("updated_at", &saved["updated_at"])] {
            expected[name] = value.clone();
        }
        expected["expires_at"] = saved["expires_at"].clone();
        if field == "draft_content" {
            expected["content_length"] = json!(value.chars().count());
        }
        assert_eq!(client.get(&path).await.expect(200), expected, "after saving {field}");
    }
    let days = |field: &str| expected[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let left = days("expires_at").duration_since(days("updated_at")).as_hours();
    assert!((30 * 24 - 1..=30 * 24 + 24).contains(&left), "it expires after {left} hours");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_save_is_refused_and_shows_the_current_draft() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let id = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{id}");
    let first = client.get(&path).await;
    let etag = first.header("etag").expect("an ETag").to_owned();

    let saved = save(&client, &id, json!({"draft_content": "from one tab"}), &etag).await;
    let newer = format!("\"{}\"", saved.expect(200)["revision"]);
    let stale = save(&client, &id, json!({"draft_content": "from another tab"}), &etag).await;
    let problem = stale.json();
    assert_eq!(stale.status, 412, "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 20), "{problem}");
    assert_eq!(problem["current"]["draft_content"], "from one tab");
    let now = client.get(&path).await.expect(200);
    assert_eq!(problem["current"], now, "nothing was written, and the current draft is shown whole");

    let merged = save(&client, &id, json!({"draft_content": "from both tabs"}), &newer).await;
    assert!(merged.expect(200)["revision"].as_u64() > now["revision"].as_u64());
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_draft_that_is_edited_is_a_draft_again() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let id = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{id}");
    let body = json!({"name": "board_brief", "title": "Brief for the board"});
    client.post(&format!("{path}/commit"), body).await.expect(201);
    let committed = client.get(&path).await.expect(200);
    assert_eq!(committed["status"], "committed");
    assert_eq!(committed["committed_prompt_name"], "board_brief");
    assert_eq!(committed["committed_version"], 1);

    client.put(&path, json!({"draft_content": format!("{PROMPT} Be brief.")})).await.expect(200);
    let edited = client.get(&path).await.expect(200);
    assert_eq!(edited["status"], "draft");
    assert_eq!(edited["committed_prompt_name"], "board_brief", "it is still a draft of that prompt");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_draft_takes_its_conversation_and_runs_along_and_nothing_else() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let body = json!({"starting_prompt": PROMPT, "requirements": "Briefs on storms and heat."});
    let started = client.post(START, body).await.expect(201);
    let id = started["draft_id"].as_str().expect("an id");
    let test = client.test(id, "Which cities plan for heat?", "Climate Technology").await;
    client.post(&format!("{DRAFTS}/{id}/tests/{test}/cancel"), json!({})).await.expect(202);
    client.finished(id, &test, 20).await;
    let other = client.draft(PROMPT).await;
    let others = stored(&workshop, &other).await;
    assert!(stored(&workshop, id).await.len() >= 4, "a draft, its messages, its run");

    let deleted = client.delete(&format!("{DRAFTS}/{id}")).await.expect(200);
    assert!(deleted["message"].is_string());
    for path in [
        format!("{DRAFTS}/{id}"),
        format!("{DRAFTS}/{id}/tests"),
        format!("{DRAFTS}/{id}/tests/{test}"),
        format!("/api/auspex/chat/sessions/{id}/messages"),
    ] {
        client.get(&path).await.expect_problem(404, "not-found");
    }
    client.delete(&format!("{DRAFTS}/{id}")).await.expect_problem(404, "not-found");
    let list = client.get(DRAFTS).await.expect(200);
    assert_eq!(texts(list["drafts"].as_array().expect("drafts"), "id"), [&*other]);
    assert_eq!(list["total"], 1);

    let left = async || stored(&workshop, id).await.is_empty().then_some(());
    eventually("what belonged to the draft is removed", 20, left).await;
    assert_eq!(stored(&workshop, &other).await, others);
    workshop.stop().await;
}
