//! The main job from end to end, through whatever front door the workshop has:
//! every route is called, by its owner and by someone else, and what comes of
//! it is looked at. One machine, `cargo lambda watch` and a deployment are held
//! to the same.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{Client, DRAFTS, MESSAGE, PROMPT, PROMPTS, START};

/// How long an answer of the real small model may take on busy cores.
const MODEL_SECONDS: u64 = 240;

/// Where the job is done.
pub struct Place<'a> {
    /// A user.
    pub ada: &'a Client,
    /// Another.
    pub ben: &'a Client,
    /// Whether the front door passes an answer on as it is written.
    pub streams: bool,
    /// The store, to see what is left of a deleted draft.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// The drafts table's name.
    pub drafts_table: String,
}

/// Does it. Each step says what it has shown.
pub async fn main_job(place: &Place<'_>) {
    let (ada, ben) = (place.ada, place.ben);
    open_doors(ada).await;
    a_file_is_imported(ada, ben).await;

    let requirements = json!({"requirements": "Weekly briefs on AI adoption, with sources."});
    let started = ada.post(START, requirements).await.expect(201);
    assert_eq!((&started["reply_pending"], &started["status"]), (&json!(true), &json!("draft")));
    let draft = text(&started, "draft_id");
    shown("a workshop is started");

    answer_streams(ada, &draft, place.streams).await;
    let history = ada.get(&format!("/api/auspex/chat/sessions/{draft}/messages")).await.expect(200);
    let roles: Vec<_> =
        history["messages"].as_array().expect("messages").iter().map(|said| text(said, "role")).collect();
    assert_eq!(roles, ["assistant", "user", "assistant"], "{history}");
    ada.post(&format!("/api/auspex/chat/sessions/{draft}/stop"), json!({})).await;

    save(ada, &draft).await;
    let test = tested(ada, &draft).await;
    others_see_nothing(ben, &draft, &test).await;
    cancelled(ada, &draft).await;
    let prompt = committed(ada, &draft).await;
    let clone = cloned(ben, &prompt).await;

    deleted(ada, ben, &prompt, &draft, &clone).await;
    cleaned_up(place, &draft).await;
    figures(ada).await;
}

fn shown(what: &str) {
    eprintln!("  shown: {what}");
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// What is open to all, and what a signed-in user finds there.
async fn open_doors(ada: &Client) {
    let anyone = ada.without_token();
    assert_eq!(anyone.get("/api/health").await.expect(200)["status"], "ok");
    let document = anyone.get("/api/openapi.json").await.expect(200);
    assert!(document["paths"].as_object().is_some_and(|paths| paths.len() > 15));
    let models = ada.get("/api/models").await.expect(200);
    assert_eq!(models[0]["default"], true, "{models}");
    let topics = ada.get("/api/topics").await.expect(200);
    assert!(
        topics.as_array().expect("topics").iter().any(|topic| topic["name"] == "AI Adoption"),
        "{topics}"
    );
    let article = json!({
        "title": "Ports count robots", "url": "https://news.example/ports", "summary": "Port robots doubled.",
        "published_at": "2026-11-01T08:00:00Z",
    });
    let import = ada
        .request(Method::POST, "/api/topics/Ports%20%26%20ships/articles")
        .header("content-type", "application/x-ndjson")
        .body(format!("{article}\n{{\"title\": \"no address\"}}\n"));
    let imported = ada.send(import).await.expect(200);
    assert_eq!((&imported["added"], &imported["rejected"][0]["line"]), (&json!(1), &json!(2)), "{imported}");
    let found = ada.get("/api/topics/Ports%20%26%20ships/articles?query=robots").await.expect(200);
    assert_eq!(found["articles"][0]["title"], "Ports count robots", "{found}");
    let facets = ada.get("/api/topics/AI%20Adoption/facets").await.expect(200);
    assert!(facets["categories"].as_array().is_some_and(|names| names.len() > 3), "{facets}");
    let meant = "/api/topics/AI%20Adoption/articles?by=meaning&query=machines%20replacing%20office%20workers";
    let found = ada.get(meant).await.expect(200);
    assert!(found["articles"][0]["meaning_rank"].as_u64() == Some(1), "{found}");
    shown("health, document, models, topics, an import with one bad line, searches by words and meaning");
    feeds(ada).await;
}

/// What can be shown of feeds wherever the workshop runs: its guard. (A test's
/// own feed is on loopback, which no deployed function fetches.)
async fn feeds(ada: &Client) {
    let path = "/api/topics/AI%20Adoption/feeds";
    for url in ["http://127.0.0.1:9/feed", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd"] {
        let refused = ada.post(path, json!({"url": url})).await.expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["pointer"], "/url", "{refused}");
    }
    assert_eq!(ada.get(path).await.expect(200)["feeds"], json!([]));
    let unknown = format!("{path}/0123456789abcdef");
    ada.post(&format!("{unknown}/collect"), json!({})).await.expect_problem(404, "not-found");
    ada.delete(&unknown).await.expect_problem(404, "not-found");
    shown("addresses within the network are refused as feeds");
}

/// A file that is uploaded past the API, imported by the queue's worker, and
/// watched; what is another's, does not exist.
async fn a_file_is_imported(ada: &Client, ben: &Client) {
    let file = "\u{feff}title,url,summary\r\n\
        \"Cranes, \"\"tall\"\" ones\",https://news.example/cranes,\"They stand\r\nat the quay.\"\r\n\
        No address,,Nothing\r\n";
    let imports = "/api/topics/Ports%20%26%20ships/imports";
    let started = ada.post(imports, json!({"format": "csv", "bytes": file.len()})).await.expect(201);
    let import = format!("{imports}/{}", text(&started["import"], "id"));
    ada.post(&format!("{import}/run"), json!({})).await.expect_problem(409, "conflict");
    let nobody = ada.without_token();
    let sent = nobody.send(nobody.request(Method::PUT, &text(&started["upload"], "url")).body(file)).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    ada.post(&format!("{import}/run"), json!({})).await.expect(202);
    let deadline = Instant::now() + Duration::from_secs(120);
    let import = loop {
        ben.get(&import).await.expect_problem(404, "not-found");
        let import = ada.get(&import).await.expect(200);
        if import["finished_at"].is_string() {
            break import;
        }
        assert!(Instant::now() < deadline, "the import did not end: {import}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((&import["status"], &import["added"]), (&json!("finished"), &json!(1)), "{import}");
    assert_eq!(import["rejected"][0]["line"], 4, "{import}");
    let found = ada.get("/api/topics/Ports%20%26%20ships/articles?query=cranes").await.expect(200);
    assert_eq!(found["articles"][0]["title"], "Cranes, \"tall\" ones", "{found}");
    shown("a file is uploaded, imported in the background, and found");
}

/// The pending answer of a draft, by its events; as it is written, where the door lets it.
pub async fn answer_streams(ada: &Client, draft: &str, streams: bool) {
    let asked = ada.request(Method::POST, MESSAGE).json(&json!({"chat_id": draft}));
    let answer = asked.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/event-stream"))
    );
    let (mut pieces, mut whole) = (answer.bytes_stream(), Vec::new());
    let mut arrivals = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece.expect("the stream goes on to its end");
        if piece.windows(10).any(|bytes| bytes == b"{\"content\"") {
            arrivals.push(Instant::now());
        }
        whole.extend(piece);
    }
    let whole = String::from_utf8(whole).expect("UTF-8");
    let events = crate::events(&whole);
    assert!(!crate::spoken(&events).trim().is_empty(), "{whole}");
    assert_eq!(events.last().expect("an end")["done"], true, "{whole}");
    if streams {
        let spread = arrivals.last().zip(arrivals.first()).map(|(last, first)| *last - *first);
        assert!(
            arrivals.len() > 3 && spread > Some(Duration::from_millis(100)),
            "it came at once: {spread:?}"
        );
    }
    shown(if streams { "an answer streams as it is written" } else { "an answer, whole" });
}

async fn save(ada: &Client, draft: &str) {
    let path = format!("{DRAFTS}/{draft}");
    let put = |revision: &str, body: Value| {
        ada.send(ada.request(Method::PUT, &path).header("if-match", revision).json(&body))
    };
    let saved =
        put("\"1\"", json!({"draft_content": PROMPT, "draft_name": "Weekly brief"})).await.expect(200);
    assert_eq!(saved["revision"], 2, "{saved}");
    let stale =
        put("\"1\"", json!({"draft_content": "Too late."})).await.expect_problem(412, "stale-revision");
    assert_eq!(stale["current"]["draft_content"], PROMPT);
    let listed = ada.get(DRAFTS).await.expect(200);
    assert_eq!(listed["drafts"][0]["id"], draft, "{listed}");
    let read = ada.get(&path).await;
    let etag = read.header("etag").expect("an ETag").to_owned();
    assert_eq!(read.expect(200)["draft_content"], PROMPT);
    let again = ada.send(ada.request(Method::GET, &path).header("if-none-match", etag)).await;
    assert_eq!(again.status, 304);
    shown("a save, a stale save refused with the current draft, the list, an unchanged draft");
}

/// A test through the queue to the worker and the real model, rated.
async fn tested(ada: &Client, draft: &str) -> String {
    let test = ada.test(draft, "What do surveys say about AI adoption?", "AI Adoption").await;
    let run = ada.finished(draft, &test, MODEL_SECONDS).await;
    assert_eq!(run["status"], "succeeded", "{run}");
    assert!(run["response_length"].as_u64() > Some(0) && run["article_count"].as_u64() > Some(0), "{run}");
    assert!(run["tokens_in"].as_u64().or(run["prompt_tokens"].as_u64()) > Some(0), "{run}");
    assert_eq!(run["prompt_text"], PROMPT, "{run}");
    let path = format!("{DRAFTS}/{draft}/tests/{test}");
    let rated = ada.patch(&path, json!({"user_rating": 2, "notes": "No sources."})).await.expect(200);
    assert_eq!((&rated["user_rating"], &rated["notes"]), (&json!(2), &json!("No sources.")));
    let list = ada.get(&format!("{DRAFTS}/{draft}/tests")).await.expect(200);
    assert_eq!(
        (&list["total_tests"], &list["test_results"][0]["user_rating"]),
        (&json!(1), &json!(2)),
        "{list}"
    );
    shown("a test through the queue, the worker and the model; its rating; the history");
    test
}

async fn others_see_nothing(ben: &Client, draft: &str, test: &str) {
    for path in [
        format!("{DRAFTS}/{draft}"),
        format!("{DRAFTS}/{draft}/tests"),
        format!("{DRAFTS}/{draft}/tests/{test}"),
        format!("/api/auspex/chat/sessions/{draft}/messages"),
    ] {
        ben.get(&path).await.expect_problem(404, "not-found");
    }
    ben.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": "Mine."}))
        .await
        .expect_problem(404, "not-found");
    ben.post(MESSAGE, json!({"chat_id": draft, "message": "Hello?"})).await.expect_problem(404, "not-found");
    assert_eq!(ben.get(DRAFTS).await.expect(200)["total"], 0);
    shown("another user's draft does not exist");
}

/// Whatever the worker does first, the run ends.
async fn cancelled(ada: &Client, draft: &str) {
    let test = ada.test(draft, "Which companies are named in the news?", "AI Adoption").await;
    let path = format!("{DRAFTS}/{draft}/tests/{test}");
    let answer = ada.post(&format!("{path}/cancel"), json!({})).await;
    assert!([202, 409].contains(&answer.status.as_u16()), "{}", answer.text);
    let run = ada.finished(draft, &test, MODEL_SECONDS).await;
    assert!(run["status"] == "cancelled" || answer.status == 409, "{run}");
    shown("a test is cancelled");
}

async fn committed(ada: &Client, draft: &str) -> String {
    let name = format!("brief_{}", &draft.replace('-', "")[20..]);
    let key = format!("commit-{draft}");
    let commit = || {
        let order = json!({"name": name, "title": "Weekly brief", "description": "For executives."});
        let path = format!("{DRAFTS}/{draft}/commit");
        ada.send(ada.request(Method::POST, &path).header("idempotency-key", key.clone()).json(&order))
    };
    let first = commit().await.expect(201);
    assert_eq!(first["version"], 1, "{first}");
    assert_eq!(commit().await.expect(201), first, "a repeat gets the first answer");
    let versions = ada.get(&format!("{PROMPTS}/{name}/versions")).await.expect(200);
    assert_eq!(versions["versions"].as_array().map(Vec::len), Some(1), "{versions}");
    shown("a commit, and its repeat with the same key");
    name
}

async fn cloned(ben: &Client, prompt: &str) -> String {
    let names: BTreeSet<_> = ben.get(PROMPTS).await.expect(200)["prompts"]
        .as_array()
        .expect("prompts")
        .iter()
        .map(|prompt| text(prompt, "name"))
        .collect();
    assert!(names.len() >= 2 && names.contains(prompt), "the default one and this: {names:?}");
    let read = ben.get(&format!("{PROMPTS}/{prompt}")).await.expect(200);
    assert_eq!(read["content"], PROMPT);
    let clone = ben.post(&format!("{PROMPTS}/{prompt}/clone"), json!({})).await.expect(201);
    let draft = text(&clone, "draft_id");
    let copy = ben.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    assert_eq!((&copy["draft_content"], &copy["parent_prompt_name"]), (&json!(PROMPT), &json!(prompt)));
    shown("the library, and a clone of another user's prompt");
    draft
}

async fn deleted(ada: &Client, ben: &Client, prompt: &str, draft: &str, clone: &str) {
    ben.delete(&format!("{PROMPTS}/{prompt}")).await.expect_problem(404, "not-found");
    ada.delete(&format!("{PROMPTS}/{prompt}")).await.expect(200);
    ada.get(&format!("{PROMPTS}/{prompt}")).await.expect_problem(404, "not-found");
    ben.get(&format!("{DRAFTS}/{clone}")).await.expect(200);
    ada.delete(&format!("{DRAFTS}/{draft}")).await.expect(200);
    ada.get(&format!("{DRAFTS}/{draft}")).await.expect_problem(404, "not-found");
    shown("a prompt is its owner's to delete, its clone stays; a draft is deleted");
}

/// The stream tells `drafts-cleanup`, which removes conversation and runs.
async fn cleaned_up(place: &Place<'_>, draft: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let left = belongings(&place.dynamodb, &place.drafts_table, draft).await;
        if left == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{left} items of the deleted draft are left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    shown("the stream has what belonged to the draft removed");
}

/// How many items a draft's partition has: read past the product.
pub async fn belongings(dynamodb: &aws_sdk_dynamodb::Client, table: &str, draft: &str) -> usize {
    let query = dynamodb
        .query()
        .table_name(table)
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("DRAFT#{draft}")));
    query.send().await.expect("the table is there").items().len()
}

async fn figures(ada: &Client) {
    let metrics = ada.get("/api/metrics?days=2").await.expect(200);
    let total = |name: &str| metrics["totals"][name].as_u64().unwrap_or_default();
    assert!(total("tests_succeeded") >= 1 && total("drafts_committed") >= 1, "{metrics}");
    shown("the figures count it");
}
