//! What is measured, after the main job was done once.

use serde_json::{Value, json};
use tests::{DRAFTS, MESSAGE, PROMPT, PROMPTS};

use crate::{MODEL_SECONDS, with_the_small_model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_shows_in_the_figures() {
    let (workshop, turn) = with_the_small_model().await;
    let client = workshop.client("ana");
    let nothing = client.get("/api/metrics?days=7").await.expect(200);
    assert_eq!(figure(&nothing, "workshops_started"), 0, "{nothing}");

    // Converse, draft, test, rate, commit, clone; and a second draft that comes to nothing.
    let draft = client.draft(PROMPT).await;
    let answer = client.post(MESSAGE, json!({"chat_id": draft, "message": "Is this a good prompt?"})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let test = client.test(&draft, "What do schools fear about AI?", "AI Adoption").await;
    let run = client.finished(&draft, &test, MODEL_SECONDS).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    client.patch(&format!("{DRAFTS}/{draft}/tests/{test}"), json!({"user_rating": 5})).await.expect(200);
    let body = json!({"name": "school_brief", "title": "Brief for schools"});
    client.post(&format!("{DRAFTS}/{draft}/commit"), body).await.expect(201);
    workshop.client("ben").post(&format!("{PROMPTS}/school_brief/clone"), json!({})).await.expect(201);

    let metrics = client.get("/api/metrics?days=7").await.expect(200);
    let expected = [
        ("workshops_started", 2),
        ("tests_started", 1),
        ("tests_succeeded", 1),
        ("tests_failed", 0),
        ("tests_cancelled", 0),
        ("drafts_committed", 1),
        ("clones", 1),
        ("messages", 1),
    ];
    for (name, value) in expected {
        assert_eq!(figure(&metrics, name), value, "{name}: {metrics}");
    }
    let said = tests::events(&answer.text).pop().expect("an event");
    for (figure, of_run, of_message) in
        [("tokens_in", "tokens_in", "prompt_tokens"), ("tokens_out", "tokens_out", "completion_tokens")]
    {
        let sum =
            run[of_run].as_u64().expect("a count") + said["usage"][of_message].as_u64().expect("a count");
        assert_eq!(metrics["totals"][figure], sum, "{figure}: {metrics}");
    }
    assert_eq!(metrics["totals"]["test_ms"], run["execution_time_ms"], "{metrics}");

    // The days add up to the totals, and the most cloned prompt is named.
    let days = metrics["days"].as_array().expect("a series");
    assert_eq!(days.len(), 7, "{metrics}");
    let started: u64 = days.iter().map(|day| day["workshops_started"].as_u64().unwrap_or_default()).sum();
    assert_eq!(started, 2, "{metrics}");
    assert_eq!(metrics["most_cloned"][0]["name"], "school_brief", "{metrics}");
    workshop.stop().await;
    drop(turn);
}

fn figure(metrics: &Value, name: &str) -> u64 {
    metrics["totals"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {metrics}"))
}
