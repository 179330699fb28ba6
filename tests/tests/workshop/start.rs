//! Beginning: blank, with a text, with requirements, or from a prompt of the library.

use jiff::Timestamp;
use serde_json::json;
use tests::{DRAFTS, MESSAGE, PROMPT, PROMPTS, START, Setup, Workshop, events, spoken};

use crate::{post_with, with_the_small_model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_start_opens_a_conversation_about_an_empty_draft() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let before = Timestamp::now();
    let started = client.post(START, json!({"draft_name": "Briefs for executives"})).await.expect(201);
    let id = started["draft_id"].as_str().expect("an id");
    assert_eq!(started["chat_id"], started["draft_id"]);
    assert_eq!(started["draft_name"], "Briefs for executives");
    assert_eq!(started["status"], "draft");
    assert_eq!(started["reply_pending"], false);
    assert!(started["revision"].is_u64());
    let opening = started["initial_message"].as_str().expect("an opening");
    assert!(opening.len() > 40, "{opening}");
    let created: Timestamp = started["created_at"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!(created.duration_since(before).as_secs().abs() <= 5, "{created} is not about {before}");

    let draft = client.get(&format!("{DRAFTS}/{id}")).await.expect(200);
    assert_eq!(draft["id"], started["draft_id"]);
    assert_eq!(draft["draft_name"], "Briefs for executives");
    assert_eq!(draft["draft_content"], "");
    assert_eq!(draft["user_id"], "ana");
    assert_eq!(draft["workshop_chat_id"], started["chat_id"]);
    assert_eq!(draft["revision"], started["revision"]);
    for absent in ["parent_prompt_name", "committed_prompt_name", "committed_version"] {
        assert!(draft[absent].is_null(), "{absent}: {draft}");
    }

    let history = client.get(&format!("/api/auspex/chat/sessions/{id}/messages")).await.expect(200);
    assert_eq!(history["chat_id"], started["chat_id"]);
    assert_eq!(history["total_messages"], 1, "{history}");
    assert_eq!(history["messages"][0]["role"], "assistant");
    assert_eq!(history["messages"][0]["content"], opening);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_starting_prompt_becomes_the_drafts_text_and_a_name_is_found_for_it() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let text = "Zwölf Boxkämpfer 🥊 say:\n\n```\nno { } or \\ is lost\n```\n";
    let started = client.post(START, json!({"starting_prompt": text})).await.expect(201);
    let id = started["draft_id"].as_str().expect("an id");
    assert!(started["draft_name"].as_str().is_some_and(|name| name.chars().count() >= 3), "{started}");
    let draft = client.get(&format!("{DRAFTS}/{id}")).await.expect(200);
    assert_eq!(draft["draft_content"], text);
    assert_eq!(draft["content_length"], text.chars().count());
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requirements_become_the_first_message_and_their_answer_is_fetched_without_one() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let requirements = "I want short briefs on AI adoption for executives, with sources.";
    let started = client.post(START, json!({"requirements": requirements})).await.expect(201);
    let id = started["draft_id"].as_str().expect("an id");
    assert_eq!(started["reply_pending"], true);
    let path = format!("/api/auspex/chat/sessions/{id}/messages");
    let history = client.get(&path).await.expect(200);
    let said: Vec<_> = history["messages"].as_array().expect("messages").iter().collect();
    let last = said.last().expect("a message");
    assert_eq!((&last["role"], &last["content"]), (&json!("user"), &json!(requirements)), "{history}");

    let answer = client.post(MESSAGE, json!({"chat_id": id})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = events(&answer.text);
    let done = answer.last().expect("events");
    assert_eq!(done["done"], true, "{done}");
    assert!(!spoken(&answer).is_empty());

    let history = client.get(&path).await.expect(200);
    assert_eq!(history["total_messages"], said.len() + 1, "{history}");
    let kept = history["messages"].as_array().expect("messages").last().expect("a message").clone();
    assert_eq!(kept["role"], "assistant");
    assert_eq!(kept["id"], done["message_id"]);
    assert_eq!(kept["content"], spoken(&answer));

    // Nothing is pending any more.
    let again = client.post(MESSAGE, json!({"chat_id": id})).await;
    assert!(again.status.is_client_error(), "{} {}", again.status, again.text);
    workshop.stop().await;
    drop(turn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_from_a_library_prompt_brings_its_text_and_keeps_its_name() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let prompts = client.get(PROMPTS).await.expect(200);
    let default =
        prompts["prompts"].as_array().expect("prompts").iter().find(|prompt| prompt["is_default"] == true);
    let name = default.expect("a default prompt")["name"].as_str().expect("a name").to_owned();
    let prompt = client.get(&format!("{PROMPTS}/{name}")).await.expect(200);

    let started = client.post(START, json!({"parent_prompt_name": name})).await.expect(201);
    let id = started["draft_id"].as_str().expect("an id");
    assert_eq!(started["reply_pending"], false);
    let draft = client.get(&format!("{DRAFTS}/{id}")).await.expect(200);
    assert_eq!(draft["draft_content"], prompt["content"]);
    assert_eq!(draft["parent_prompt_name"], name);

    let blank = client.post(START, json!({})).await.expect(201);
    assert_ne!(started["initial_message"], blank["initial_message"], "the opening fits the case");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_start_with_the_same_key_is_one_draft() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let body = json!({"starting_prompt": PROMPT, "draft_name": "Once only"});
    let first = post_with(&client, START, body.clone(), "Idempotency-Key", "start-1").await.expect(201);
    let repeat = post_with(&client, START, body.clone(), "Idempotency-Key", "start-1").await.expect(201);
    assert_eq!(repeat, first);
    assert_eq!(client.get(DRAFTS).await.expect(200)["total"], 1);

    // Another key, or the same key of another person, is another start.
    let other = post_with(&client, START, body.clone(), "Idempotency-Key", "start-2").await.expect(201);
    assert_ne!(other["draft_id"], first["draft_id"]);
    let ben = post_with(&workshop.client("ben"), START, body, "Idempotency-Key", "start-1").await.expect(201);
    assert_ne!(ben["draft_id"], first["draft_id"]);
    workshop.stop().await;
}
