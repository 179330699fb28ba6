//! Answers that their user stops.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Client, MESSAGE, PROMPT, Setup, Workshop, events, spoken};

use crate::conversation::{begin, history};
use crate::{eventually, post_with};

/// The writer looks every two seconds; the rest is for busy machines.
const SOON: Duration = Duration::from_secs(8);

async fn workshop(play: Play) -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start([play]).await;
    let setup = Setup { model: model.only(), sample: false, ..Setup::default() };
    (Workshop::start_with(setup).await, model)
}

/// An answer of this many words, ten a second.
fn words(count: usize) -> Play {
    Play::Slowly("word ".repeat(count), Duration::from_millis(100))
}

async fn stop(client: &Client, chat: &str) -> String {
    let stopped = client.post(&format!("/api/auspex/chat/sessions/{chat}/stop"), json!({})).await.expect(202);
    stopped["message"].as_str().expect("a sentence").to_owned()
}

/// The rest of an answer, to its end.
async fn rest(mut response: reqwest::Response, mut text: String) -> Vec<Value> {
    while let Some(chunk) = response.chunk().await.expect("a chunk") {
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    events(&text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_answer_is_kept_as_far_as_it_was_written() {
    let (workshop, model) = workshop(words(600)).await;
    let ana = workshop.client("ana");
    let body = |draft: &str| json!({"chat_id": draft, "message": "Write at length, please."});
    // Stopped before any part of it was kept, and after.
    for wait_until_kept in [false, true] {
        let draft = ana.draft(PROMPT).await;
        let before = history(&ana, &draft).await["total_messages"].as_u64().expect("a number");
        let (response, text) = begin(&ana, body(&draft), &draft).await;
        if wait_until_kept {
            let kept = async || (history(&ana, &draft).await["total_messages"] == before + 2).then_some(());
            eventually("a part is kept", 10, kept).await;
            let growing = history(&ana, &draft).await;
            let last = growing["messages"].as_array().expect("messages").last().expect("a message").clone();
            assert_eq!((&growing["is_answering"], &last["ended"]), (&json!(true), &Value::Null), "{growing}");
        }
        let began = Instant::now();
        assert!(stop(&ana, &draft).await.starts_with("The assistant is stopping."));
        let told = rest(response, text).await;
        assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());

        let done = told.last().expect("an event");
        assert_eq!(
            (&done["done"], &done["stopped"], &done["truncated"]),
            (&json!(true), &json!(true), &json!(true))
        );
        assert!(done["usage"]["completion_tokens"].as_u64() > Some(0), "{done}");
        let kept = history(&ana, &draft).await;
        assert_eq!(kept["total_messages"], before + 2, "{kept}");
        let [.., question, part] = kept["messages"].as_array().expect("messages").as_slice() else {
            panic!("two messages: {kept}");
        };
        assert_eq!(question["content"], "Write at length, please.");
        assert_eq!((&part["id"], &part["truncated"]), (&done["message_id"], &json!(true)));
        assert_eq!((&part["ended"], &done["ended"]), (&json!("stopped"), &json!("stopped")));
        assert_eq!(kept["is_answering"], false, "the conversation is free at once: {kept}");
        assert_eq!(part["content"], spoken(&told));

        // A repeat of the request gets what there is.
        let repeat = post_with(&ana, MESSAGE, body(&draft), "Idempotency-Key", &draft).await;
        assert_eq!(spoken(&events(&repeat.text)), spoken(&told));
        assert_eq!(history(&ana, &draft).await, kept);
    }
    eventually("the model is hung up on", 5, async || (model.left() == 2).then_some(())).await;
    assert_eq!(model.asked().len(), 2);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_answer_after_a_stopped_one_is_written_at_once_and_to_its_end() {
    let (workshop, model) = workshop(words(600)).await;
    let ana = workshop.client("ana");
    let draft = ana.draft(PROMPT).await;
    let (response, text) = begin(&ana, json!({"chat_id": draft, "message": "Go on."}), "1").await;
    stop(&ana, &draft).await;
    rest(response, text).await;

    // The message waits for an answer: it is asked for again, and then followed by another. Both answers
    // take longer than a writer needs to notice that it is to stop.
    model.perform([words(40)]);
    let answer = ana.post(MESSAGE, json!({"chat_id": draft})).await;
    let told = events(&answer.text);
    assert_eq!(spoken(&told), "word ".repeat(40), "{}", answer.text);
    let done = told.last().expect("an event");
    assert_eq!((&done["stopped"], &done["truncated"]), (&json!(false), &json!(false)));

    // A stop that comes after the end of an answer stops no later one.
    assert!(stop(&ana, &draft).await.starts_with("Nothing is being written."));
    let told = ana.say(&draft, "And another.").await;
    assert_eq!(
        (spoken(&told), &told.last().expect("an event")["stopped"]),
        ("word ".repeat(40), &json!(false))
    );
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_has_not_said_a_word_is_stopped_too() {
    let (workshop, model) = workshop(Play::Silence(String::new())).await;
    let ana = workshop.client("ana");
    let draft = ana.draft(PROMPT).await;
    let before = history(&ana, &draft).await["total_messages"].as_u64().expect("a number");
    let waiting = ana.say(&draft, "Anyone there?");
    let stopping = async {
        eventually("the model is asked", 5, async || (!model.asked().is_empty()).then_some(())).await;
        let began = Instant::now();
        stop(&ana, &draft).await;
        began
    };
    let (told, began) = futures::join!(waiting, stopping);
    assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
    let [done] = told.as_slice() else { panic!("one event: {told:?}") };
    assert_eq!(
        (&done["done"], &done["stopped"], &done["message_id"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    eventually("the model is hung up on", 5, async || (model.left() == 1).then_some(())).await;

    let kept = history(&ana, &draft).await;
    assert_eq!(kept["total_messages"], before + 1, "{kept}");
    let question = kept["messages"].as_array().expect("messages").last().expect("a message");
    assert_eq!((&question["role"], &question["ended"]), (&json!("user"), &json!("stopped")), "{kept}");
    model.perform([Play::answer("Here.")]);
    let answer = ana.post(MESSAGE, json!({"chat_id": draft})).await;
    assert_eq!(spoken(&events(&answer.text)), "Here.");
    workshop.stop().await;
}
