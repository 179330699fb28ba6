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
    script: Vec<Play>,
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
    let row = |name, play, ended, answer, thinking, told| {
        let script = vec![play];
        Row { name, script, ended, answer, thinking, told }
    };
    // A server that takes the request once it is as it wants it.
    let refusing = |name, status, refusals: &[Value]| {
        let refused = refusals.iter().map(|refusal| Play::Says(status, refusal.to_string()));
        let script = refused.chain([stream(&[says(WHOLE)], "stop")]).collect();
        Row { name, script, ended: "complete", answer: WHOLE, thinking: "", told: "" }
    };
    let unsupported =
        |name: &str| json!({"error": {"message": format!("Unsupported parameter: '{name}'"), "param": name}});
    let part = |reason| stream(&[says(PART)], reason);
    let thinks = |text: &str| stream(&piecewise(text), "stop");
    vec![
        // M1: gpt-5; Anthropic's newer models; Kimi; LiteLLM. M2: Mistral.
        refusing("max_tokens and temperature", 400, &["max_tokens", "temperature"].map(unsupported)),
        refusing(
            "a deprecated temperature",
            400,
            &[
                json!({"error": {"code": "invalid_request_error", "param": null, "message": "`temperature` is deprecated for this model."}}),
            ],
        ),
        refusing(
            "only one temperature",
            400,
            &[json!({"error": {"message": "invalid temperature: only 1 is allowed for this model"}})],
        ),
        refusing(
            "a gateway's temperature",
            400,
            &[
                json!({"error": {"code": "400", "message": "litellm.UnsupportedParamsError: gpt-5 models don't support temperature=0.2. Only temperature=1"}}),
            ],
        ),
        refusing(
            "stream_options",
            422,
            &[
                json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"], "msg": "Extra inputs are not permitted"}]}}),
            ],
        ),
        // M8: Gemma's template.
        refusing(
            "no role for instructions",
            400,
            &[json!({"error": {"message": "System role not supported"}})],
        ),
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
        let serve = || ScriptedModel::start(row.script.clone());
        servers.push([serve().await, serve().await]);
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

/// M8: a server that wants roles in turn answers after one that failed wordlessly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_answer_that_failed_the_roles_still_take_turns() {
    let model = ScriptedModel::start([Play::status(503)]).await;
    let setup = Setup { model: model.only(), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    send(&ada, &draft, Some(SAID), "scripted").await;
    model.perform([Play::answer("Here.")]);
    assert_eq!(spoken(&ada.say(&draft, "And now?").await), "Here.");
    let said = model.last_asked().body["messages"].as_array().expect("messages").clone();
    let roles: Vec<_> = said.iter().map(|message| message["role"].as_str().unwrap_or_default()).collect();
    assert!(roles.windows(2).all(|pair| pair[0] != pair[1]), "{roles:?}");
    assert!(said.last().is_some_and(|last| last["content"] == format!("{SAID}\n\nAnd now?")), "{said:?}");
    // Each of the two is stored with what came of it.
    let kept = messages(&ada, &draft).await;
    let ends: Vec<_> = kept.iter().rev().take(3).map(|message| message["ended"].clone()).collect();
    assert_eq!(ends, [json!("complete"), Value::Null, json!("server")], "{kept:?}");
    workshop.stop().await;
}

/// M3 and M4: Gemini's layer numbers all calls 0, and its signatures have to come back; DeepSeek's thoughts, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_calls_and_what_they_carry_are_stored_and_sent_back() {
    let call = |id: &str, name: &str, arguments: &str| {
        json!({"tool_calls": [{"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
            "extra_content": {"google": {"thought_signature": "c2ln"}}}]})
    };
    let turn = stream(
        &[
            json!({"reasoning_content": "First, a look."}),
            call("a", "enhanced_database_search", "{\"query\": \"AI adoption\"}"),
            call("b", "get_topic_articles", "{\"limit\": 2}"),
        ],
        "tool_calls",
    );
    let answer = stream(&[json!({"reasoning_content": "Now, the answer."}), says(WHOLE)], "stop");
    let model = ScriptedModel::start([turn, answer]).await;
    let workshop = Workshop::start_with(Setup { model: model.with_tools(), ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let run = ada.finished(&draft, &ada.test(&draft, QUERY, TOPIC).await, 60).await;
    assert_eq!((&run["status"], &run["full_response"]), (&json!("succeeded"), &json!(WHOLE)), "{run}");
    let names: Vec<_> =
        run["tool_calls"].as_array().expect("calls").iter().map(|call| &call["name"]).collect();
    assert_eq!(names, ["enhanced_database_search", "get_topic_articles"], "{run}");
    assert!(run["article_count"].as_u64() > Some(0), "{run}");
    assert_eq!(run["thinking"], "First, a look.\n\nNow, the answer.", "{run}");
    let said = model.last_asked().body["messages"].as_array().expect("messages").clone();
    let called = said.iter().find(|message| message["tool_calls"].is_array()).expect("the calls");
    assert_eq!(called["reasoning_content"], "First, a look.");
    for call in called["tool_calls"].as_array().expect("calls") {
        assert_eq!(call["extra_content"]["google"]["thought_signature"], "c2ln", "{call}");
    }
    workshop.stop().await;
}

/// A model whose settings say that it takes tools, and that doesn't.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_refuses_tools_is_given_articles_and_its_run_says_so() {
    let refusal = json!({"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools"}});
    let model = ScriptedModel::start([Play::Says(400, refusal.to_string()), Play::answer(WHOLE)]).await;
    let workshop = Workshop::start_with(Setup { model: model.with_tools(), ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let run = ada.finished(&draft, &ada.test(&draft, QUERY, TOPIC).await, 60).await;
    assert_eq!((&run["status"], &run["full_response"]), (&json!("succeeded"), &json!(WHOLE)), "{run}");
    assert!(run["article_count"].as_u64() > Some(0), "{run}");
    assert!(
        run["notice"].as_str().is_some_and(|said| said.starts_with("This model takes no tools")),
        "{run}"
    );
    let asked = model.last_asked();
    assert!(
        asked.body.get("tools").is_none() && asked.said_by("user").contains("<article"),
        "{:?}",
        asked.body
    );
    workshop.stop().await;
}
