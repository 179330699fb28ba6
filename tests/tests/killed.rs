//! `kill -9` of the whole machine at any moment, then a new start: what was acknowledged is there, and every
//! run ends by itself.
//!
//! The machine is the real binary; the small model beside it goes on, as one elsewhere would. The moments are
//! drawn from a seed, which a failure prints; `WORKSHOP_TEST_SEED` sets another one.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use shared::llm::Readiness;
use tests::chance::Chance;
use tests::site::Site;
use tests::{DRAFTS, MESSAGE, PROMPT, PROMPTS, START};
use tokio::time::{Instant, sleep};

/// Kills while people are at work; there is one more while the first start installs.
const KILLS: usize = 4;
/// A dead worker's lease is 30 s, a lost message is missed after 60 s, and then the model has to answer.
const RUNS_END_WITHIN: Duration = Duration::from_secs(150);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_machine_loses_nothing_that_it_acknowledged() {
    let mut moments = Chance::seeded();
    let mut model = tests::small_model().readiness();
    let settled = model.wait_for(|model| !matches!(model, Readiness::Starting { .. })).await;
    assert_eq!(*settled.expect("the model's task runs"), Readiness::Ready);

    let site = Site::new("killed", models());
    let first = site.spawn();
    sleep(moments.between(20, 400)).await;
    site.kill(first).await;

    let mut machine = site.start().await;
    let client = Visitor::new(site.url());
    for topic in client.get("/api/topics").await.as_array().expect("topics") {
        assert!(topic["article_count"].as_u64() >= Some(40), "the sample is whole after all: {topic}");
    }
    let drafts = Drafts::begin(&client).await;
    let said = Mutex::new(Acknowledged::default());
    for round in 0..KILLS {
        let work = work(&client, &drafts, &said, round);
        let killing = async {
            if round % 2 == 1 {
                an_answer_streams(&said, round).await;
                sleep(moments.between(0, 1_500)).await;
            } else {
                sleep(moments.between(300, 4_000)).await;
            }
            site.kill(machine).await;
        };
        tokio::join!(work, killing);
        machine = site.start().await;
        check(&client, &drafts, &acknowledged(&said)).await;
    }

    let mut said = acknowledged(&said);
    eprintln!("acknowledged: {said:?}");
    assert!(said.saves > 0 && said.ratings > 0 && !said.prompts.is_empty(), "too little happened: {said:?}");
    assert!(!said.messages.is_empty() && !said.runs.is_empty(), "too little happened: {said:?}");
    every_run_ends(&client, &drafts.tests).await;
    the_conversation_goes_on(&client, &drafts, &mut said).await;

    site.kill(machine).await;
    let machine = site.start().await;
    check(&client, &drafts, &said).await;
    for test in &said.runs {
        let run = client.get(&format!("{DRAFTS}/{}/tests/{test}", drafts.tests)).await;
        assert!(is_final(&run), "it stays as it ended: {run}");
    }
    site.kill(machine).await;
}

/// The small model, with short answers: how long they take is not what is tested here.
fn models() -> Value {
    let base_url = tests::small_model().base_url();
    json!([{"id": "smollm2-135m-instruct", "base_url": base_url, "context_window": 4_096, "max_output_tokens": 64}])
}

/// A client of the local machine, where no token is needed.
#[derive(Clone)]
struct Visitor {
    http: reqwest::Client,
    base: String,
}

impl Visitor {
    fn new(base: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build();
        Self { http: http.expect("a client"), base }
    }

    /// Sends a request; nothing when the machine died before its answer was whole.
    async fn send(&self, method: Method, path: &str, body: Value) -> Option<(u16, Value)> {
        let request = self.http.request(method, format!("{}{path}", self.base)).json(&body);
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}{path}", self.base)).send().await.expect("an answer");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}

/// The drafts that are worked on, one for each kind of work.
struct Drafts {
    saves: String,
    /// One for each round: an answer that was cut off holds its conversation for a while.
    chats: Vec<String>,
    tests: String,
    rated: String,
    rated_test: String,
}

impl Drafts {
    async fn begin(client: &Visitor) -> Self {
        let draft = async || {
            let started = client.send(Method::POST, START, json!({"starting_prompt": PROMPT})).await;
            let (status, started) = started.expect("an answer");
            assert_eq!(status, 201, "{started}");
            started["draft_id"].as_str().expect("an id").to_owned()
        };
        let (saves, tests, rated) = (draft().await, draft().await, draft().await);
        let mut chats = Vec::new();
        for _ in 0..KILLS {
            chats.push(draft().await);
        }
        let rated_test = start_test(client, &rated).await.expect("a run");
        every_run_ends(client, &rated).await;
        Self { saves, chats, tests, rated, rated_test }
    }
}

async fn start_test(client: &Visitor, draft: &str) -> Option<String> {
    let order = json!({"test_query": "How do hospitals use AI?", "topic": "AI Adoption", "limit": 5});
    let (status, started) = client.send(Method::POST, &format!("{DRAFTS}/{draft}/test"), order).await?;
    assert_eq!(status, 202, "{started}");
    Some(started["test_id"].as_str().expect("an id").to_owned())
}

/// What the machine said that it had.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    /// The number of the last save, and of the last one sent.
    saves: u64,
    saves_sent: u64,
    /// The number of the last rating, and of the last one sent.
    ratings: u64,
    ratings_sent: u64,
    /// By round and message: what was heard of the answer once it had begun.
    messages: BTreeMap<(usize, String), Heard>,
    runs: Vec<String>,
    prompts: Vec<String>,
}

/// What was heard of an answer.
#[derive(Clone, Debug, Default)]
struct Heard {
    text: String,
    /// The answer's id, when it was heard to its end.
    id: Option<String>,
}

impl Heard {
    /// What a stream has told so far.
    fn from(stream: &str) -> Self {
        let events = tests::events(&stream[..stream.rfind("\n\n").map_or(0, |end| end + 2)]);
        let id = events.last().and_then(|event| event["message_id"].as_str()).map(str::to_owned);
        Self { text: tests::spoken(&events), id }
    }
}

fn acknowledged(said: &Mutex<Acknowledged>) -> Acknowledged {
    said.lock().expect("no panic").clone()
}

/// Waits until words of this round's answer arrive.
async fn an_answer_streams(said: &Mutex<Acknowledged>, round: usize) {
    let heard =
        || acknowledged(said).messages.iter().any(|((of, _), heard)| *of == round && !heard.text.is_empty());
    let deadline = Instant::now() + Duration::from_secs(120);
    while !heard() {
        assert!(Instant::now() < deadline, "no answer streams");
        sleep(Duration::from_millis(20)).await;
    }
}

fn saved_text(number: u64) -> String {
    format!("Save number {number}. {PROMPT}")
}

/// Works on everything at once until the machine dies.
async fn work(client: &Visitor, drafts: &Drafts, said: &Mutex<Acknowledged>, round: usize) {
    let saving = async {
        loop {
            let number = {
                let mut said = said.lock().expect("no panic");
                said.saves_sent += 1;
                said.saves_sent
            };
            let body = json!({"draft_content": saved_text(number)});
            let path = format!("{DRAFTS}/{}", drafts.saves);
            let Some((status, saved)) = client.send(Method::PUT, &path, body).await else { return };
            assert_eq!(status, 200, "{saved}");
            said.lock().expect("no panic").saves = number;
            sleep(Duration::from_millis(10)).await;
        }
    };
    let rating = async {
        loop {
            let number = {
                let mut said = said.lock().expect("no panic");
                said.ratings_sent += 1;
                said.ratings_sent
            };
            let body = json!({"user_rating": 1 + number % 5, "notes": number.to_string()});
            let path = format!("{DRAFTS}/{}/tests/{}", drafts.rated, drafts.rated_test);
            let Some((status, rated)) = client.send(Method::PATCH, &path, body).await else { return };
            assert_eq!(status, 200, "{rated}");
            said.lock().expect("no panic").ratings = number;
            sleep(Duration::from_millis(10)).await;
        }
    };
    let committing = async {
        for number in 0.. {
            let name = format!("kept_{round}_{number}");
            let start = json!({"starting_prompt": format!("{name}: {PROMPT}")});
            let Some((status, started)) = client.send(Method::POST, START, start).await else { return };
            assert_eq!(status, 201, "{started}");
            let path = format!("{DRAFTS}/{}/commit", started["draft_id"].as_str().expect("an id"));
            let body = json!({"name": name, "title": "Kept whatever comes"});
            let Some((status, committed)) = client.send(Method::POST, &path, body).await else { return };
            assert_eq!(status, 201, "{committed}");
            said.lock().expect("no panic").prompts.push(name);
            sleep(Duration::from_millis(100)).await;
        }
    };
    let testing = async {
        for _ in 0..2 - round % 2 {
            let Some(test) = start_test(client, &drafts.tests).await else { return };
            said.lock().expect("no panic").runs.push(test);
            sleep(Duration::from_millis(700)).await;
        }
    };
    tokio::join!(saving, rating, committing, testing, converse(client, drafts, said, round));
}

/// Sends messages and reads their answers until the machine dies.
async fn converse(client: &Visitor, drafts: &Drafts, said: &Mutex<Acknowledged>, round: usize) {
    for number in 0.. {
        let message = format!("Question {round}.{number}: which tone suits a board?");
        let body = json!({"chat_id": drafts.chats[round], "message": message});
        let request = client.http.post(format!("{}{MESSAGE}", client.base)).json(&body);
        let Ok(mut response) = request.send().await else { return };
        assert_eq!(response.status(), 200);
        let mut stream = String::new();
        loop {
            let heard = Heard::from(&stream);
            said.lock().expect("no panic").messages.insert((round, message.clone()), heard);
            match response.chunk().await {
                Ok(Some(chunk)) => stream.push_str(&String::from_utf8_lossy(&chunk)),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// What was acknowledged is there.
async fn check(client: &Visitor, drafts: &Drafts, said: &Acknowledged) {
    // A save that was on its way may have arrived, or not.
    let draft = client.get(&format!("{DRAFTS}/{}", drafts.saves)).await;
    let content = draft["draft_content"].as_str().expect("a text");
    let possible = said.saves..=said.saves_sent;
    assert!(
        said.saves == 0 || possible.clone().any(|number| content == saved_text(number)),
        "acknowledged {possible:?}, found: {content}"
    );

    let run = client.get(&format!("{DRAFTS}/{}/tests/{}", drafts.rated, drafts.rated_test)).await;
    let found = run["notes"].as_str().and_then(|notes| notes.parse().ok()).unwrap_or(0);
    assert!((said.ratings..=said.ratings_sent).contains(&found), "{} was acknowledged: {run}", said.ratings);
    assert!(
        found == 0 || run["user_rating"] == 1 + found % 5,
        "a rating and its notes are one change: {run}"
    );

    for name in &said.prompts {
        let prompt = client.get(&format!("{PROMPTS}/{name}")).await;
        assert_eq!(prompt["version"], 1, "{prompt}");
        assert_eq!(prompt["content"], format!("{name}: {PROMPT}"));
    }
    for test in &said.runs {
        let run = client.get(&format!("{DRAFTS}/{}/tests/{test}", drafts.tests)).await;
        assert_eq!(run["test_id"], **test);
    }
    check_conversation(client, drafts, said).await;
}

async fn check_conversation(client: &Visitor, drafts: &Drafts, said: &Acknowledged) {
    for ((round, message), heard) in &said.messages {
        let chat = &drafts.chats[*round];
        let history = client.get(&format!("/api/auspex/chat/sessions/{chat}/messages")).await;
        let messages = history["messages"].as_array().expect("messages");
        assert_eq!(history["total_messages"], messages.len());
        let at = messages.iter().position(|kept| kept["role"] == "user" && kept["content"] == **message);
        let at = at.unwrap_or_else(|| panic!("{message:?} was acknowledged: {history}"));
        let reply = messages.get(at + 1).filter(|reply| reply["role"] == "assistant");
        match (reply, &heard.id) {
            (Some(reply), Some(id)) => {
                assert_eq!((&reply["id"], &reply["content"]), (&json!(id), &json!(heard.text)), "{history}");
            }
            (None, Some(_)) => panic!("the answer to {message:?} was heard to its end: {history}"),
            // Cut off: what is kept of it says so, unless it is the whole answer whose end was not heard.
            (Some(reply), None) => {
                let content = reply["content"].as_str().expect("a text");
                let whole = content.starts_with(&heard.text);
                assert!(reply["truncated"] == true || whole, "heard {:?}: {history}", heard.text);
                assert!(whole || heard.text.starts_with(content), "heard {:?}: {history}", heard.text);
            }
            (None, None) => {}
        }
    }
}

/// Every run of a draft reaches a final state without anyone's help.
async fn every_run_ends(client: &Visitor, draft: &str) {
    let deadline = Instant::now() + RUNS_END_WITHIN;
    loop {
        let tests = client.get(&format!("{DRAFTS}/{draft}/tests?limit=100")).await;
        let runs = tests["test_results"].as_array().expect("runs").clone();
        let open: Vec<_> = runs.iter().filter(|run| !is_final(run)).collect();
        if open.is_empty() {
            for run in &runs {
                eprintln!("run {}: {} {}", run["test_id"], run["status"], run["error"]);
            }
            return;
        }
        assert!(Instant::now() < deadline, "still open after {RUNS_END_WITHIN:?}: {open:?}");
        sleep(Duration::from_millis(300)).await;
    }
}

fn is_final(run: &Value) -> bool {
    matches!(run["status"].as_str(), Some("succeeded" | "failed" | "cancelled"))
}

/// An answer that was cut off doesn't keep its conversation for itself: the last round's takes a message again.
async fn the_conversation_goes_on(client: &Visitor, drafts: &Drafts, said: &mut Acknowledged) {
    let round = KILLS - 1;
    let message = "Are you still there?";
    let deadline = Instant::now() + RUNS_END_WITHIN;
    loop {
        let body = json!({"chat_id": drafts.chats[round], "message": message});
        let request = client.http.post(format!("{}{MESSAGE}", client.base)).json(&body);
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let stream = response.text().await.expect("a body");
        if status == 200 {
            let heard = Heard::from(&stream);
            assert!(heard.id.is_some(), "{stream}");
            said.messages.insert((round, message.to_owned()), heard);
            return;
        }
        assert_eq!(status, 409, "{stream}");
        assert!(Instant::now() < deadline, "the conversation stays busy: {stream}");
        sleep(Duration::from_millis(500)).await;
    }
}
