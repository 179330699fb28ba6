//! The ways in which a model's server misbehaves, each by name, and what comes of it: what the user of a test run
//! and of a message is told, what is kept of the answer, what is counted, and that the next try goes well.
//!
//! Prints it all as a table, which `--nocapture` shows.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::StreamExt;
use local::ModelChoice;
use serde_json::{Map, Value, json};
use shared::domain::model::Model;
use shared::llm::{Deadlines, Patience};
use tests::scripted_model::{INTERNALS, KEY, Play, ScriptedModel, model_at, unreachable_model};
use tests::{DRAFTS, PROMPT, Setup, Workshop, events, spoken};

use crate::model_faults::{
    QUERY, SAID, TOPIC, assert_models_fault, assert_worded, messages, problem_of, saying, send,
};
use crate::{eventually, partition};

/// What arrives before an answer goes wrong.
const HALF: &str = "The first half — of naïve 😀 ";
const RIGHT: &str = "Here is a shorter one.";

/// A way to misbehave, and its outcome.
struct Case {
    name: &'static str,
    at: At,
    script: Vec<Play>,
    run: Outcome,
    message: Outcome,
}

/// Where the model is.
#[derive(Clone, Copy)]
enum At {
    Scripted,
    /// There too, and it can call tools.
    WithTools,
    /// On a port where nobody listens.
    NoPort,
    /// Under a name that nobody has (RFC 6761, section 6.4).
    NoName,
    /// `https`, and the server speaks `http`.
    NoTls,
    /// Behind a certificate that nobody vouches for.
    SelfSigned,
}

/// What a user is told, and what is kept.
#[derive(Clone, Copy)]
enum Outcome {
    /// A failure: what its sentence says of what happened and of what to do.
    Fails {
        told: [&'static str; 2],
        kept: &'static str,
        /// The model worked for it, which counts against the user's day.
        counts: bool,
    },
    /// An answer that begins so.
    Answers { begins: &'static str, truncated: bool },
}

use Outcome::{Answers, Fails};

impl Case {
    fn new(name: &'static str, script: Vec<Play>, outcome: Outcome) -> Self {
        Self { name, at: At::Scripted, script, run: outcome, message: outcome }
    }

    /// One that ends before a word of an answer.
    fn wordless(name: &'static str, play: Play, told: [&'static str; 2]) -> Self {
        Self::new(name, vec![play], Fails { told, kept: "", counts: false })
    }

    /// One that ends in the middle of an answer.
    fn halfway(name: &'static str, play: Play, told: [&'static str; 2]) -> Self {
        Self::new(name, vec![play], Fails { told, kept: HALF, counts: true })
    }

    /// One that does not let itself be asked.
    fn unreachable(name: &'static str, at: At) -> Self {
        let told = ["The model cannot be reached.", "Try again in a moment, or choose another model."];
        Self { at, ..Self::wordless(name, Play::answer("I was reached."), told) }
    }
}

const BROKE: [&str; 2] = ["broke before its answer was complete", "Try again."];
const UNREADABLE: [&str; 2] = ["answered in a way this workshop cannot read", "check the model's address"];
const OUT_OF_ORDER: [&str; 2] =
    ["overloaded or out of order", "Try again in a few minutes, or choose another model."];
const BARRED: &str = "did not accept this workshop's key";
const WORDLESS: Outcome = Fails {
    told: ["ended without writing anything", "Try again, or choose another model."],
    kept: "",
    counts: true,
};

fn cases() -> Vec<Case> {
    let refusal = |status, retry_after| Play::Refusal { status, retry_after };
    let broken_calls = Play::Calls(vec![
        ("enhanced_database_search".to_owned(), "{\"query\": ".to_owned()),
        ("get_topic_articles".to_owned(), "[1]".to_owned()),
        ("".to_owned(), "\u{0}".to_owned()),
    ]);
    let thought = b"data: {\"choices\": [{\"delta\": {\"reasoning_content\": \"Hm.\"}}]}\n\n".to_vec();
    let one_call = Play::call("get_topic_articles", &json!({"limit": 1}));
    let limited = ["takes no more requests for now", "Try again in a minute, or choose another model."];
    vec![
        Case::unreachable("refused connection", At::NoPort),
        Case::unreachable("DNS failure", At::NoName),
        Case::unreachable("TLS failure: no TLS there", At::NoTls),
        Case::unreachable("TLS failure: self-signed", At::SelfSigned),
        Case::wordless(
            "401",
            Play::status(401),
            [BARRED, "Choose another model, or ask whoever runs this workshop"],
        ),
        Case::wordless(
            "404: no such model",
            Play::status(404),
            ["does not know this model", "Choose another model, or ask whoever runs this workshop"],
        ),
        Case::wordless(
            "429, Retry-After an hour",
            refusal(429, Some(3_600)),
            ["takes no more requests for now", "Try again in 60 minutes, or choose another model."],
        ),
        Case::wordless("429 without Retry-After", refusal(429, None), limited),
        Case {
            run: Fails { told: limited, kept: "", counts: true },
            at: At::WithTools,
            ..Case::new("429 amid research", vec![one_call, refusal(429, None)], WORDLESS)
        },
        Case::wordless("500", Play::status(500), OUT_OF_ORDER),
        Case::wordless("529", Play::status(529), OUT_OF_ORDER),
        Case::wordless("a connection closed before a word", Play::CutOff(String::new()), BROKE),
        Case::halfway("a connection closed amid the answer", Play::CutOff(HALF.to_owned()), BROKE),
        Case::new(
            "a connection closed amid thoughts",
            vec![Play::Bytes(String::new(), thought)],
            Fails { told: BROKE, kept: "", counts: true },
        ),
        Case::halfway(
            "a stream cut inside a character",
            Play::Bytes(HALF.to_owned(), b"data: {\"choices\": [{\"delta\": {\"content\": \"na\xc3".to_vec()),
            BROKE,
        ),
        Case::wordless(
            "invalid JSON",
            Play::Bytes(String::new(), b"data: {\"choices\": [{\"delta\n\n".to_vec()),
            UNREADABLE,
        ),
        Case::halfway(
            "invalid JSON amid the answer",
            Play::Bytes(HALF.to_owned(), b"data: {\"choices\": [{\"delta\n\n".to_vec()),
            UNREADABLE,
        ),
        Case::wordless("a web page", Play::WebPage, UNREADABLE),
        Case::halfway("a 50 MB line", Play::LongLine(HALF.to_owned(), 50_000_000), UNREADABLE),
        Case::new("nothing said", vec![Play::answer("")], WORDLESS),
        Case::new(
            "an endless answer",
            vec![Play::Endless(HALF.to_owned())],
            Answers { begins: HALF, truncated: true },
        ),
        Case {
            run: Answers { begins: RIGHT, truncated: false },
            at: At::WithTools,
            ..Case::new("tool calls with broken arguments", vec![broken_calls, Play::answer(RIGHT)], WORDLESS)
        },
        Case::new(
            "usage missing",
            vec![Play::Uncounted(RIGHT.to_owned())],
            Answers { begins: RIGHT, truncated: false },
        ),
    ]
}

/// Those that only time ends.
fn slow_cases() -> Vec<Case> {
    let second = Duration::from_secs(1);
    let late = ["did not begin to answer within 3 seconds", "Try again, or choose a faster model."];
    vec![
        Case::wordless("headers, then silence", Play::Silence(String::new()), late),
        Case::halfway(
            "silence amid the answer",
            Play::Silence(HALF.to_owned()),
            ["fell silent for 3 seconds", "Try again."],
        ),
        // Each byte is a sign of life, up to the end of the whole.
        Case::wordless(
            "one byte a second",
            Play::Trickle(String::new(), second),
            ["did not finish within 5 seconds", "Ask for a shorter answer, or choose a faster model."],
        ),
        Case::halfway(
            "one byte a second amid the answer",
            Play::Trickle(HALF.to_owned(), second),
            ["did not finish within 5 seconds", "Ask for a shorter answer, or choose a faster model."],
        ),
    ]
}

/// Models wait their turn for seconds, not minutes.
fn brief() -> Patience {
    let (first_token, total) = (Duration::from_secs(3), Duration::from_secs(5));
    Patience {
        call: Deadlines { first_token, thinking: first_token, silence: first_token, total },
        ..Patience::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_model_does_its_user_is_told_what_happened_what_is_kept_and_what_to_do() {
    let at_once = Patience { rate_limit: Duration::from_secs(1), ..Patience::default() };
    let quick = walk(cases(), at_once).await;
    let slow = walk(slow_cases(), brief()).await;
    println!("\n| misbehaviour | run | message |\n|---|---|---|");
    for row in quick.into_iter().chain(slow) {
        println!("{row}");
    }
}

/// Plays each case against a run and a message; the table's rows.
async fn walk(cases: Vec<Case>, patience: Patience) -> Vec<String> {
    let right = ScriptedModel::start([Play::answer(RIGHT)]).await;
    let mut models = vec![right.model("right")];
    let mut playing = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for asked_by in ["run", "message"] {
            let script = case.script.clone();
            let server = match case.at {
                At::SelfSigned => ScriptedModel::start_self_signed(script).await,
                _ => ScriptedModel::start(script).await,
            };
            let id = format!("{asked_by}-{number}");
            let there = server.model(&id);
            models.push(match case.at {
                At::Scripted | At::SelfSigned => there,
                At::WithTools => Model { supports_tools: true, ..there },
                At::NoPort => unreachable_model(&id).await,
                At::NoName => model_at("http://model.invalid/v1", &id),
                At::NoTls => model_at(&there.base_url.replace("http:", "https:"), &id),
            });
            playing.push(server);
        }
    }
    let model = Some(ModelChoice::Configured(models.clone()));
    let workshop = Workshop::start_with(Setup { model, patience, ..Setup::default() }).await;

    let (machine, models, playing) = (&workshop, &models, &playing);
    let rows = cases.iter().enumerate().map(|(number, case)| async move {
        let [by_run, by_message] = [0, 1].map(|side| 2 * number + side);
        let (run, message) = futures::join!(
            told_by_a_run(machine, case, &models[by_run + 1], &playing[by_run]),
            told_by_a_message(machine, case, &models[by_message + 1], &playing[by_message]),
        );
        format!("| {} | {run} | {message} |", case.name)
    });
    let rows: Vec<String> = futures::stream::iter(rows).buffered(8).collect().await;
    assert_settled(&workshop, models).await;
    assert_goes_on(&workshop, &models[1].id).await;
    workshop.stop().await;
    rows
}

async fn told_by_a_run(workshop: &Workshop, case: &Case, model: &Model, server: &ScriptedModel) -> String {
    let name = case.name;
    let user = workshop.client(&model.id);
    let draft = user.draft(PROMPT).await;
    let order = json!({"test_query": QUERY, "topic": TOPIC, "limit": 5, "model": model.id});
    let started = user.post(&format!("{DRAFTS}/{draft}/test"), order).await.expect(202);
    let run = user.finished(&draft, started["test_id"].as_str().expect("an id"), 60).await;
    assert_nothing_inside(name, &run.to_string(), model);
    assert!(run["finished_at"].is_string(), "{name}: {run}");

    let answer = run["full_response"].as_str().expect("a text");
    let (status, truncated) = match case.run {
        Fails { told, kept, .. } => {
            assert_told(name, &run["error"], told);
            assert_eq!(answer, kept, "{name}: {run}");
            ("failed", !kept.is_empty())
        }
        Answers { begins, truncated } => {
            assert_eq!(run["error"].is_string(), truncated, "{name}: {run}");
            assert!(answer.starts_with(begins), "{name}: {run}");
            ("succeeded", truncated)
        }
    };
    assert_eq!((&run["status"], &run["truncated"]), (&json!(status), &json!(truncated)), "{name}: {run}");
    assert_eq!(run["ended"], case.run.ended(), "{name}: {run}");
    assert_eq!(run["response_length"], answer.chars().count(), "{name}: {run}");

    // What was set aside is settled: the day has what the run says it took.
    let count = |field: &str| run[field].as_u64().expect("a count");
    let took = Day {
        tokens: count("tokens_in") + count("tokens_out"),
        micros: count("tokens_in") + 2 * count("tokens_out"),
    };
    assert_eq!(used_today(workshop, &model.id).await, took, "{name}: {run}");
    assert_eq!(took.tokens > 0, case.run.counts(), "{name}: {run}");
    assert_treatment(case, server).await;
    cell(status, run["error"].as_str(), answer, took)
}

async fn told_by_a_message(
    workshop: &Workshop,
    case: &Case,
    model: &Model,
    server: &ScriptedModel,
) -> String {
    let name = case.name;
    let user = workshop.client(&model.id);
    let draft = user.draft(PROMPT).await;
    let before = messages(&user, &draft).await.len();
    let told = send(&user, &draft, Some(SAID), &model.id).await;
    assert_nothing_inside(name, &told.text, model);
    let answer = spoken(&events(&told.text));
    let (status, error) = match case.message {
        Fails { told: words, kept, .. } => {
            let problem = problem_of(&told);
            assert_models_fault(&problem);
            assert_told(name, &problem["detail"], words);
            assert_eq!(answer, kept, "{name}: {}", told.text);
            ("failed", problem["detail"].as_str().map(str::to_owned))
        }
        Answers { begins, truncated } => {
            let done = events(&told.text).pop().expect("an event");
            assert_eq!(
                (&done["done"], &done["truncated"]),
                (&json!(true), &json!(truncated)),
                "{name}: {done}"
            );
            assert!(answer.starts_with(begins), "{name}: {}", told.text);
            ("succeeded", None)
        }
    };
    let took = used_today(workshop, &model.id).await;
    assert_eq!(took.tokens > 0, case.message.counts(), "{name}: {took:?}");
    assert_treatment(case, server).await;

    // The message is kept, once, and so is what arrived of its answer, marked for what it is.
    let after = messages(&user, &draft).await;
    assert_eq!(saying(&after, "user", SAID).len(), 1, "{name}: {after:?}");
    let marked = after.last().expect("a message");
    // Of some there is nothing but what the model thought.
    let is_there = !answer.is_empty() || marked["thinking"].is_string();
    assert_eq!(after.len(), before + 1 + usize::from(is_there), "{name}: {after:?}");
    let is_whole = matches!(case.message, Answers { truncated: false, .. });
    let says_why = marked["problem"].as_str();
    assert_eq!(marked["ended"], case.message.ended(), "{name}: {marked}");
    assert_eq!(marked["role"], if is_there { "assistant" } else { "user" }, "{name}: {marked}");
    assert_eq!(says_why.is_some(), case.message.ended() != "complete", "{name}: {marked}");
    assert!(error.is_none() || says_why == error.as_deref(), "{name}: {marked}");
    let kept = saying(&after, "assistant", &answer);
    assert!(kept.iter().all(|message| message["truncated"] == json!(!is_whole)), "{name}: {kept:?}");

    // Unless it was answered it waits for that, and is answered when it is asked for again.
    let again = send(&user, &draft, None, "right").await;
    if status == "failed" {
        assert_eq!(spoken(&events(&again.text)), RIGHT, "{name}: {}", again.text);
        let after = messages(&user, &draft).await;
        assert_eq!(saying(&after, "user", SAID).len(), 1, "{name}: {after:?}");
        assert_eq!(saying(&after, "assistant", RIGHT).len(), 1, "{name}: {after:?}");
    } else {
        again.expect_problem(409, "conflict");
    }
    cell(status, error.as_deref(), &answer, took)
}

impl Outcome {
    fn counts(self) -> bool {
        !matches!(self, Fails { counts: false, .. })
    }

    /// How the run or the message is said to have ended.
    fn ended(self) -> &'static str {
        match self {
            Answers { truncated: false, .. } => "complete",
            Answers { truncated: true, .. } => "length",
            Fails { told: [happened, _], .. } => match happened.split(' ').next() {
                Some("broke") => "cut",
                Some("did" | "fell") if happened != BARRED => "slow",
                Some("ended") => "empty",
                _ => "server",
            },
        }
    }
}

/// A sentence for a person: what happened, that something is kept, and what to do.
#[track_caller]
fn assert_told(name: &str, sentence: &Value, [happened, to_do]: [&str; 2]) {
    assert_worded(sentence);
    let sentence = sentence.as_str().unwrap_or_default();
    let places = [sentence.find(happened), sentence.find(" is kept. "), sentence.find(to_do)];
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {sentence}");
}

#[track_caller]
fn assert_nothing_inside(name: &str, text: &str, model: &Model) {
    let address = model.base_url.trim_end_matches("/v1");
    let host = address.rsplit('/').next().unwrap_or_default();
    for inside in [host, INTERNALS, KEY, "model.invalid"] {
        assert!(!text.contains(inside), "{name}: {inside:?} in {text}");
    }
}

/// How the server was treated. One that isn't who it should be is told nothing; it is asked so often and no more; it
/// is shown no call that it couldn't read; and what has no end is hung up on rather than read.
async fn assert_treatment(case: &Case, server: &ScriptedModel) {
    match case.at {
        At::Scripted | At::WithTools => {
            assert!((1..=9).contains(&server.asked().len()), "{}: {}", case.name, server.asked().len());
            let asked = server.last_asked().body;
            let said = asked["messages"].as_array().expect("messages").iter();
            for call in said.filter_map(|message| message["tool_calls"].as_array()).flatten() {
                let arguments = call["function"]["arguments"].as_str().expect("a text");
                let read: Result<Map<String, Value>, _> = serde_json::from_str(arguments);
                assert!(read.is_ok(), "{}: {arguments}", case.name);
            }
        }
        _ => assert!(server.asked().is_empty(), "{}: {:?}", case.name, server.asked()),
    }
    if let [Play::Endless(_) | Play::LongLine(..)] = case.script.as_slice() {
        eventually("the client hangs up", 10, || async { (server.left() == 1).then_some(()) }).await;
    }
}

/// What counts against a user's day, or everyone's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Day {
    tokens: u64,
    micros: u64,
}

async fn used_today(workshop: &Workshop, user: &str) -> Day {
    counted(workshop, &format!("QUOTA#{user}")).await
}

/// The counters of a partition's days together: midnight may pass.
async fn counted(workshop: &Workshop, partition_key: &str) -> Day {
    let items = partition(workshop, "usage", partition_key).await;
    let days = items.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk.starts_with("DAY#")));
    days.fold(Day::default(), |sum, item| {
        let number =
            |name| item.get(name).and_then(|value: &AttributeValue| value.as_n().ok()?.parse::<u64>().ok());
        let (tokens, micros) = (number("tokens").unwrap_or_default(), number("micros").unwrap_or_default());
        Day { tokens: sum.tokens + tokens, micros: sum.micros + micros }
    })
}

/// A draft whose test failed is as it was, and with a model that does its work the same test succeeds.
async fn assert_goes_on(workshop: &Workshop, user: &str) {
    let user = workshop.client(user);
    let drafts = user.get(DRAFTS).await.expect(200);
    let draft = drafts["drafts"][0]["id"].as_str().expect("a draft");
    let saved = user.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    assert_eq!(saved["draft_content"], json!(PROMPT));
    let test = user.test(draft, QUERY, TOPIC).await;
    assert_eq!(user.finished(draft, &test, 60).await["full_response"], RIGHT);
}

/// Nothing stays set aside: all users' days together are what the figures tell, and so is the deployment's.
async fn assert_settled(workshop: &Workshop, models: &[Model]) {
    let mut sum = Day::default();
    for model in models {
        let day = used_today(workshop, &model.id).await;
        sum = Day { tokens: sum.tokens + day.tokens, micros: sum.micros + day.micros };
    }
    let figures = workshop.client("someone").get("/api/metrics").await.expect(200)["totals"].clone();
    let figure = |name: &str| figures[name].as_u64().expect("a count");
    let told = Day { tokens: figure("tokens_in") + figure("tokens_out"), micros: figure("cost_micros") };
    assert_eq!(sum, told, "{figures}");
    assert_eq!(counted(workshop, "DEPLOYMENT").await.micros, told.micros, "{figures}");
}

/// A cell of the table.
fn cell(status: &str, error: Option<&str>, answer: &str, took: Day) -> String {
    let told = error.map(|error| format!(": {error}")).unwrap_or_default();
    format!("{status}{told} ({} characters kept, {} tokens counted)", answer.chars().count(), took.tokens)
}
