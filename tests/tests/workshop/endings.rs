//! How answers end on the wires of real servers, row by row: what was sent, and what is stored of it and told, of a
//! message and of a run. The rows are those of model faults M1 to M11, where something is stored.

use futures::StreamExt;
use local::ModelChoice;
use serde_json::{Value, json};
use shared::domain::model::Model;
use tests::scripted_model::{Asked, Play, ScriptedModel};
use tests::{PROMPT, Setup, Workshop, events, spoken};

use crate::model_faults::{QUERY, SAID, TOPIC, messages, send};

/// What a server sends, and what is to be stored.
struct Row {
    name: &'static str,
    play: Play,
    /// How it ended.
    ended: &'static str,
    /// The answer that is stored.
    answer: &'static str,
    /// The thinking that is stored.
    thinking: &'static str,
    /// What the sentence beside it says; empty when there is none.
    told: &'static str,
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": {"prompt_tokens": 9, "completion_tokens": 5}})
}

/// These deltas, and this reason to end.
fn stream(deltas: &[Value], reason: &str) -> Play {
    let events = deltas.iter().cloned().map(delta).chain([finish(reason)]);
    Play::Events(events.collect())
}

fn says(text: &str) -> Value {
    json!({ "content": text })
}

/// The text a few characters at a time.
fn piecewise(text: &str) -> Vec<Value> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(3).map(|piece| says(&piece.iter().collect::<String>())).collect()
}

const PART: &str = "Adoption rose in every survey ";
const WHOLE: &str = "Adoption rose. See the survey.";
const FILTERED: &str = "A filter of the model's provider stopped it.";
const THOUGHT_ALL: &str = "thought through all of its 1,024 tokens";

fn rows() -> Vec<Row> {
    let row = |name, play, ended, answer, thinking, told| Row { name, play, ended, answer, thinking, told };
    let part = |reason| stream(&[says(PART)], reason);
    let thinks = |text: &str| stream(&piecewise(text), "stop");
    vec![
        // M5: OpenAI, Azure; OpenRouter; Mistral; a word that nobody knows; vLLM of old.
        row("content_filter", part("content_filter"), "filter", PART, "", FILTERED),
        row("finish_reason error", part("error"), "server", PART, "", "out of order"),
        row("model_length", part("model_length"), "length", PART, "", "reached the 1,024 tokens"),
        row("max_tokens", part("max_tokens"), "length", PART, "", "Raise max_output_tokens"),
        row("a word of its own", part("sense"), "other", PART, "", "ended the answer early"),
        row(
            "an error amid the text",
            Play::Events(vec![
                delta(says(PART)),
                json!({"object": "error", "message": "CUDA out of memory", "code": 500}),
            ]),
            "server",
            PART,
            "",
            "out of order",
        ),
        // M6: servers without a parser for it; a template that opens it; by fields of its own; Magistral's parts.
        row(
            "think tags",
            thinks(&format!("<think>\nHm, so.\n</think>\n\n{WHOLE}")),
            "complete",
            WHOLE,
            "Hm, so.",
            "",
        ),
        row(
            "thinking tags",
            thinks(&format!(" <Thinking>Hm.</THINKING>{WHOLE}")),
            "complete",
            WHOLE,
            "Hm.",
            "",
        ),
        row(
            "think without its beginning",
            thinks(&format!("Hm, so.\n</think>\n{WHOLE}")),
            "complete",
            WHOLE,
            "Hm, so.",
            "",
        ),
        row(
            "think without its end",
            stream(&piecewise("<think>Hm, so on and"), "length"),
            "length",
            "",
            "Hm, so on and",
            THOUGHT_ALL,
        ),
        row(
            "a text about such tags",
            thinks("Ask for <think> and </think> around it."),
            "complete",
            "Ask for <think> and </think> around it.",
            "",
            "",
        ),
        row(
            "reasoning_content",
            stream(
                &[json!({"reasoning_content": "Hm, "}), json!({"reasoning_content": "so."}), says(WHOLE)],
                "stop",
            ),
            "complete",
            WHOLE,
            "Hm, so.",
            "",
        ),
        row(
            "content in parts",
            stream(
                &[json!({"content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": WHOLE},
                ]})],
                "stop",
            ),
            "complete",
            WHOLE,
            "Hm.",
            "",
        ),
        // M9: what isn't needed doesn't end an answer.
        row(
            "a ping amid the text",
            Play::Events(vec![delta(says(WHOLE)), json!({"type": "ping"}), finish("stop")]),
            "complete",
            WHOLE,
            "",
            "",
        ),
        // M10: an empty answer is explained.
        row(
            "thinking to the limit",
            stream(&[json!({"reasoning_content": "Hm, so"})], "length"),
            "length",
            "",
            "Hm, so",
            THOUGHT_ALL,
        ),
        row("a filter before a word", stream(&[says("")], "content_filter"), "filter", "", "", FILTERED),
        row(
            "a refusal",
            stream(&[json!({"refusal": "I can't help with that."})], "stop"),
            "refusal",
            "",
            "",
            "The model declined: \"I can't help with that.\"",
        ),
        row("nothing at all", stream(&[], "stop"), "empty", "", "", "without writing anything"),
        // M11: the cause of a refusal; a filter of the question; a window.
        row(
            "a refusal by names",
            Play::Says(400, json!({"error": {"code": "bad_day", "param": "moon"}}).to_string()),
            "server",
            "",
            "",
            "Its server said: status 400, bad_day, moon.",
        ),
        row(
            "a filter of the question",
            Play::Says(400, json!({"error": {"code": "content_filter"}}).to_string()),
            "filter",
            "",
            "",
            FILTERED,
        ),
        row(
            "a question too long",
            Play::Says(
                400,
                json!({"error": {"message": "prompt is too long: 9 tokens > 8 maximum"}}).to_string(),
            ),
            "server",
            "",
            "",
            "more text than the model can read",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_wires_end_is_stored_and_told_of_a_message_and_of_a_run() {
    let rows = rows();
    let mut servers = Vec::new();
    for row in &rows {
        servers.push([
            ScriptedModel::start([row.play.clone()]).await,
            ScriptedModel::start([row.play.clone()]).await,
        ]);
    }
    let models: Vec<Model> = servers
        .iter()
        .enumerate()
        .flat_map(|(at, [one, other])| {
            [one.model(&format!("message-{at}")), other.model(&format!("run-{at}"))]
        })
        .collect();
    let setup = Setup { model: Some(ModelChoice::Configured(models)), ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let machine = &workshop;
    futures::stream::iter(rows.iter().enumerate())
        .for_each_concurrent(4, |(at, row)| async move {
            stored_of_a_message(machine, row, &format!("message-{at}")).await;
            stored_of_a_run(machine, row, &format!("run-{at}")).await;
        })
        .await;
    workshop.stop().await;
}

#[track_caller]
fn assert_told(row: &Row, sentence: &Value) {
    let told = sentence.as_str().unwrap_or_default();
    assert_eq!(told.is_empty(), row.told.is_empty(), "{}: {sentence}", row.name);
    assert!(told.contains(row.told), "{}: {sentence}", row.name);
}

async fn stored_of_a_message(workshop: &Workshop, row: &Row, model: &str) {
    let name = row.name;
    let user = workshop.client(model);
    let draft = user.draft(PROMPT).await;
    let told = events(&send(&user, &draft, Some(SAID), model).await.text);
    // What is told while it is written comes to the same as what is stored.
    let (mut answer, mut thinking) = (String::new(), String::new());
    for event in &told {
        if event["all_thinking"] == true {
            thinking.push_str(&std::mem::take(&mut answer));
        }
        thinking.push_str(event["thinking"].as_str().unwrap_or_default());
        answer.push_str(event["content"].as_str().unwrap_or_default());
    }
    assert_eq!((answer.as_str(), thinking.trim()), (row.answer, row.thinking), "{name}: {told:?}");
    assert_eq!(told.last().expect("an event")["ended"], row.ended, "{name}: {told:?}");

    let after = messages(&user, &draft).await;
    let last = after.last().expect("a message");
    let stored = |field: &str| last[field].as_str().unwrap_or_default().trim().to_owned();
    assert_eq!(last["ended"], row.ended, "{name}: {last}");
    assert_told(row, &last["problem"]);
    assert_eq!(stored("thinking"), row.thinking, "{name}: {last}");
    if row.answer.is_empty() && row.thinking.is_empty() {
        assert_eq!(stored("content"), SAID, "{name}: {last}");
    } else {
        assert_eq!(last["content"], row.answer, "{name}: {last}");
        assert_eq!(last["truncated"], row.ended != "complete", "{name}: {last}");
    }
}

async fn stored_of_a_run(workshop: &Workshop, row: &Row, model: &str) {
    let name = row.name;
    let user = workshop.client(model);
    let draft = user.draft(PROMPT).await;
    let order = json!({"test_query": QUERY, "topic": TOPIC, "limit": 5, "model": model});
    let started = user.post(&format!("{}/{draft}/test", tests::DRAFTS), order).await.expect(202);
    let run = user.finished(&draft, started["test_id"].as_str().expect("an id"), 60).await;
    let is_answer = matches!(row.ended, "complete" | "length" | "other") && !row.answer.is_empty();
    assert_eq!(run["status"], if is_answer { "succeeded" } else { "failed" }, "{name}: {run}");
    assert_eq!(run["ended"], row.ended, "{name}: {run}");
    assert_eq!(
        (&run["full_response"], &run["thinking"]),
        (&json!(row.answer), &json!(row.thinking)),
        "{name}: {run}"
    );
    assert_eq!(run["truncated"], row.ended != "complete" && !row.answer.is_empty(), "{name}: {run}");
    assert_told(row, &run["error"]);
    // What was thought is no part of what is checked.
    if let Some(words) = run["checks"]["words"].as_u64() {
        let own = row.answer.split_whitespace().filter(|word| !word.starts_with('<'));
        assert_eq!(words, own.count() as u64, "{name}: {run}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_model_thought_is_not_sent_back_with_the_conversation() {
    let first = stream(&piecewise(&format!("<think>A secret plan.</think>{WHOLE}")), "stop");
    let model = ScriptedModel::start([first, Play::answer("Again.")]).await;
    let setup = Setup { model: model.only(), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    ada.say(&draft, SAID).await;
    assert_eq!(spoken(&ada.say(&draft, "And again?").await), "Again.");
    let Asked { body, .. } = model.last_asked();
    assert!(body.to_string().contains(WHOLE) && !body.to_string().contains("secret plan"), "{body}");
    workshop.stop().await;
}
