//! The conversation with the workshop assistant, answered by the real small model.

use serde_json::{Value, json};
use tests::{Client, DRAFTS, MESSAGE, PROMPT, events, spoken};

use crate::{MODEL_SECONDS, eventually, post_with, with_the_small_model};

pub(crate) async fn history(client: &Client, chat: &str) -> Value {
    client.get(&format!("/api/auspex/chat/sessions/{chat}/messages")).await.expect(200)
}

/// Sends a message and reads only the beginning of its answer.
pub(crate) async fn begin(client: &Client, body: Value, key: &str) -> (reqwest::Response, String) {
    let request = client.request(reqwest::Method::POST, MESSAGE).header("Idempotency-Key", key).json(&body);
    let mut response = request.send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let content_type = response.headers()["content-type"].to_str().expect("a text").to_owned();
    assert!(content_type.starts_with("text/event-stream"), "{content_type}");
    let mut text = String::new();
    while !text.contains("\"content\"") || !text.ends_with("\n\n") {
        let chunk = response.chunk().await.expect("a chunk").expect("the answer goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    (response, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_streams_once_and_is_kept() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let before = history(&client, &draft).await["total_messages"].as_u64().expect("a number");
    let message = "Name three tones that suit a brief for executives. 🙂";
    let body = json!({"chat_id": draft, "message": message, "limit": 50});

    let (mut response, mut text) = begin(&client, body.clone(), "message-1").await;
    // It arrived in pieces, so the rest is still being written.
    let second = client.post(MESSAGE, json!({"chat_id": draft, "message": "And one more thing."})).await;
    second.expect_problem(409, "conflict");
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    let answer = events(&text);
    assert!(answer.len() >= 3, "word by word: {text}");
    let (done, contents) = answer.split_last().expect("events");
    assert!(contents.iter().all(|event| event["content"].is_string()), "{text}");
    assert_eq!(done["done"], true);
    assert!(done["usage"].is_object(), "{done}");

    let kept = history(&client, &draft).await;
    assert_eq!(kept["total_messages"], before + 2, "the refused message is not kept: {kept}");
    let [.., question, reply] = kept["messages"].as_array().expect("messages").as_slice() else {
        panic!("two messages: {kept}");
    };
    assert_eq!((&question["role"], &question["content"]), (&json!("user"), &json!(message)));
    assert_eq!((&reply["role"], &reply["content"]), (&json!("assistant"), &json!(spoken(&answer))));
    assert_eq!(reply["id"], done["message_id"]);
    assert_eq!(reply["truncated"], done["truncated"], "an answer that reached its length limit says so");
    assert!(reply["model"].as_str().is_some_and(|model| model.contains("smollm2")), "{reply}");
    assert!(reply["created_at"].as_str() >= question["created_at"].as_str());

    // The answer was lost on its way: the client asks again and gets the same one.
    let repeat = post_with(&client, MESSAGE, body, "Idempotency-Key", "message-1").await;
    assert_eq!(repeat.status, 200, "{}", repeat.text);
    let repeat = events(&repeat.text);
    assert_eq!(spoken(&repeat), spoken(&answer));
    assert_eq!(repeat.last().expect("events")["message_id"], done["message_id"]);
    assert_eq!(history(&client, &draft).await, kept);
    workshop.stop().await;
    drop(turn);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_whose_reader_has_gone_away_is_still_saved() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let before = history(&client, &draft).await["total_messages"].as_u64().expect("a number");
    let body = json!({"chat_id": draft, "message": "Write a long list of questions for my readers."});
    let (response, seen) = begin(&client, body, "message-1").await;
    drop(response);
    drop(client);

    let client = workshop.client("ana");
    let seen = spoken(&events(&seen));
    let reply = eventually("the answer is saved", MODEL_SECONDS, async || {
        let kept = history(&client, &draft).await;
        assert!(kept["total_messages"].as_u64() > Some(before), "the question is kept at once: {kept}");
        let last = kept["messages"].as_array().expect("messages").last().expect("a message").clone();
        // What it took is known at its end, and not before.
        (last["role"] == "assistant" && last["usage"].is_object())
            .then_some((last, kept["total_messages"].clone()))
    });
    let (reply, total) = reply.await;
    assert_eq!(total, before + 2);
    let content = reply["content"].as_str().expect("a text").to_owned();
    assert!(content.starts_with(&seen), "{content}");
    assert!(content.len() > seen.len(), "it went on without its reader: {seen} … {content}");

    // The conversation is free again, and the draft as it was.
    let whole = client.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    assert_eq!(whole["draft_content"], PROMPT);
    workshop.stop().await;
    drop(turn);
}
