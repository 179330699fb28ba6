//! A function against FastAPI, each one's store taken out: the function calls
//! a store that answers the same at once, through the SDK as ever; FastAPI
//! takes the same row from memory, with no call at all.
//!
//! Both read the request, know the user, check what is sent and write the
//! answer. When deployed the gateway has checked the token before a function
//! is called. So FastAPI's check is off, as if it stood behind one, too; how
//! it is with the check on stands beside it.

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::HeaderMap;
use reqwest::Method;
use serde_json::{Value, json};
use tests::DRAFTS;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Identity, Reference, USER, text};
use crate::figures::{Bar, Estimate, Table, millis};
use crate::process;
use crate::release::{build, file};
use crate::runtime_api::{Function, Program};

/// How often, in turn, each is asked, and for how long each time: processor time is told in hundredths of a second.
const SLICES: usize = 12;
const SLICE: Duration = Duration::from_millis(1_500);
/// Starts of each, in turn, and for how long each is asked before its memory is read.
const STARTS: usize = 11;
const SLICE_OF_A_START: Duration = Duration::from_millis(200);
/// Over FastAPI's, at the most: processor time, memory, time to be ready.
const PROCESSOR_BAR: f64 = 0.5;
const MEMORY_BAR: f64 = 0.25;
const READY_BAR: f64 = 0.05;

const DRAFT: &str = "0193a5b0-7e1c-7d6a-9c3e-0123456789ab";

/// What is asked for.
#[derive(Clone, Copy)]
enum Work {
    Read,
    Save,
}

impl Work {
    fn binary(self) -> &'static str {
        match self {
            Self::Read => "drafts-get",
            Self::Save => "drafts-update",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Read => Method::GET,
            Self::Save => Method::PUT,
        }
    }

    fn body(self) -> Option<String> {
        match self {
            Self::Read => None,
            Self::Save => Some(json!({"draft_content": text(1)}).to_string()),
        }
    }
}

/// Measures both.
pub async fn measure(table: &mut Table, identity: &Identity) {
    table.note(
        "Then each without its store: a function's process under a Runtime API, whose store answers the same at \
         once over DynamoDB's wire protocol, and FastAPI with the row in memory. One request in flight.",
    );
    build(&[Work::Read, Work::Save].map(Work::binary));
    for work in [Work::Read, Work::Save] {
        processor_time(table, identity, work).await;
    }
    starts(table).await;
}

async fn processor_time(table: &mut Table, identity: &Identity, work: Work) {
    let mut function = Called::start(work).await;
    let mut unchecked = Asked::start(work, None).await;
    let mut checked = Asked::start(work, Some(identity)).await;
    let (mut ours, mut theirs, mut with_check) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=SLICES {
        let one = function.slice(SLICE).await;
        let other = unchecked.slice(SLICE).await;
        let third = checked.slice(SLICE).await;
        // The first of each warms up.
        if number > 0 {
            ours.push(one);
            theirs.push(other);
            with_check.push(third);
        }
    }
    let title = format!("{}: processor time a request", work.binary());
    let (ratio, checked) = (Estimate::of_ratios(&ours, &theirs), Estimate::of_ratios(&ours, &with_check));
    table.estimate(format!("{title}, over FastAPI's"), ratio, "×", Bar::AtMost(PROCESSOR_BAR));
    table.estimate("  over FastAPI's that checks the token", checked, "×", Bar::None);
    table.estimate("  the function", Estimate::of(&ours), "µs", Bar::None);
    table.estimate("  FastAPI", Estimate::of(&theirs), "µs", Bar::None);
    table.estimate("  FastAPI that checks the token", Estimate::of(&with_check), "µs", Bar::None);
}

async fn starts(table: &mut Table) {
    let (mut ready, mut theirs_ready) = (Vec::new(), Vec::new());
    let (mut held, mut theirs_held) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let mut function = Called::start(Work::Read).await;
        function.slice(SLICE_OF_A_START).await;
        ready.push(millis(function.ready()));
        held.push(process::peak(function.function.pid()));
        drop(function);
        let mut asked = Asked::start(Work::Read, None).await;
        asked.slice(SLICE_OF_A_START).await;
        theirs_ready.push(millis(asked.reference.ready));
        theirs_held.push(process::peak(asked.reference.pid));
        asked.reference.stop().await;
    }
    let ratio = Estimate::of_ratios(&held, &theirs_held);
    table.estimate("peak memory of a function, over FastAPI's", ratio, "×", Bar::AtMost(MEMORY_BAR));
    table.estimate("  the function", Estimate::of(&held), "MB", Bar::None);
    table.estimate("  FastAPI", Estimate::of(&theirs_held), "MB", Bar::None);
    let ratio = Estimate::of_ratios(&ready, &theirs_ready);
    table.estimate("time to be ready, over FastAPI's", ratio, "×", Bar::AtMost(READY_BAR));
    table.estimate("  the function, to its first /next", Estimate::of(&ready), "ms", Bar::None);
    table.estimate("  FastAPI, to its first answer", Estimate::of(&theirs_ready), "ms", Bar::None);
}

/// A function's process, and what it is asked. It ends with its value.
struct Called {
    function: Function,
    event: String,
    _store: Store,
}

impl Called {
    async fn start(work: Work) -> Self {
        let store = Store::start().await;
        let program = Program { file: file(work.binary()), environment: settings(&store.address) };
        let function = Function::start(&program, None).await;
        let mut called = Self { function, event: event(work).to_string(), _store: store };
        let answer = called.ask().await;
        is_right(work, answer["body"].as_str().expect("a body"));
        called
    }

    /// From its start until it asked for an event.
    fn ready(&self) -> Duration {
        self.function.ready - self.function.started
    }

    /// Its answer to the event, once it asks for the next one: then all its work is done.
    async fn ask(&mut self) -> Value {
        let answer = self.function.answer(&self.event).await.answer;
        assert_eq!(answer["statusCode"], 200, "{answer}");
        answer
    }

    /// Asks for a while: processor time a request, in microseconds.
    async fn slice(&mut self, slice: Duration) -> f64 {
        let before = process::processor_time(self.function.pid());
        let (mut requests, began) = (0, Instant::now());
        while began.elapsed() < slice {
            requests += 1;
            self.ask().await;
        }
        micros(process::processor_time(self.function.pid()) - before, requests)
    }
}

/// FastAPI, and what it is asked.
struct Asked {
    reference: Reference,
    http: reqwest::Client,
    work: Work,
    token: Option<String>,
}

impl Asked {
    /// One that takes whom the gateway names, or that checks tokens.
    async fn start(work: Work, identity: Option<&Identity>) -> Self {
        let draft = draft().to_string();
        let mut settings = identity.map(Identity::settings).unwrap_or_default();
        settings.push(("REFERENCE_DRAFT", &draft));
        let reference = Reference::start(&settings).await;
        let token = identity.map(|identity| identity.token.clone());
        let asked = Self { reference, http: super::http(), work, token };
        is_right(work, &asked.ask().await);
        asked
    }

    async fn ask(&self) -> String {
        let url = format!("{}{DRAFTS}/{DRAFT}", self.reference.url);
        let request = self.http.request(self.work.method(), url);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request.header("x-user", USER),
        };
        let request = match self.work.body() {
            Some(body) => {
                request.header("content-type", "application/json").header("if-match", "\"7\"").body(body)
            }
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert_eq!(status, 200, "{text}");
        text
    }

    /// Asks for a while: processor time a request, in microseconds.
    async fn slice(&mut self, slice: Duration) -> f64 {
        let before = process::processor_time(self.reference.pid);
        let (mut requests, began) = (0, Instant::now());
        while began.elapsed() < slice {
            requests += 1;
            self.ask().await;
        }
        micros(process::processor_time(self.reference.pid) - before, requests)
    }
}

fn micros(took: Duration, requests: u32) -> f64 {
    took.as_secs_f64() * 1e6 / f64::from(requests)
}

/// Checks an answer by its fields.
fn is_right(work: Work, answer: &str) {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    match work {
        Work::Read => assert_eq!(answer["draft_content"], text(0), "{answer}"),
        Work::Save => assert_eq!(answer["message"], "Saved.", "{answer}"),
    }
}

/// The draft that both find, as it is shown.
fn draft() -> Value {
    json!({
        "id": DRAFT, "workshop_chat_id": DRAFT, "user_id": USER, "draft_name": "Draft 0", "draft_description": "",
        "status": "draft", "parent_prompt_name": null, "content_length": super::TEXT, "test_count": 0,
        "revision": 7, "created_at": "2026-11-21T09:30:00.000Z", "updated_at": "2026-11-21T09:30:00.000Z",
        "expires_at": "9000-01-01T00:00:00.000Z", "draft_content": text(0), "committed_prompt_name": null,
        "committed_version": null, "committed_revision": null,
    })
}

/// What API Gateway hands to the function (payload format 2.0).
fn event(work: Work) -> Value {
    let path = format!("{DRAFTS}/{DRAFT}");
    let method = work.method().to_string();
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {DRAFTS}/{{id}}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*", "content-type": "application/json", "host": "bench.invalid", "if-match": "\"7\"",
            "user-agent": "bench", "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "pathParameters": {"id": DRAFT},
        "requestContext": {
            "accountId": "123456789012", "apiId": "bench", "domainName": "bench.invalid", "domainPrefix": "bench",
            "authorizer": {"jwt": {"claims": {"sub": USER, "token_use": "access"}, "scopes": null}},
            "http": {
                "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                "userAgent": "bench",
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": format!("{method} {DRAFTS}/{{id}}"), "stage": "$default",
            "time": "21/Nov/2026:09:30:00 +0000", "timeEpoch": 1_795_253_400_000_u64,
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = work.body() {
        event["body"] = json!(body);
    }
    event
}

/// A store that answers every call at once with the same item. It ends with its value.
struct Store {
    address: String,
    serving: JoinHandle<()>,
}

impl Store {
    async fn start() -> Self {
        let (found, saved) = (json!({"Item": item()}).to_string(), json!({"Attributes": item()}).to_string());
        let answer = move |headers: HeaderMap| async move {
            let is_read =
                headers.get("x-amz-target").is_some_and(|target| target == "DynamoDB_20120810.GetItem");
            ([("content-type", "application/x-amz-json-1.0")], if is_read { found } else { saved })
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let router = Router::new().fallback(answer);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, serving }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The draft as it stands in the table.
fn item() -> Value {
    let mut item = json!({
        "pk": format!("DRAFT#{DRAFT}"), "sk": "META", "list_pk": format!("OWNER#{USER}#draft"),
        "list_sk": format!("2026-11-21T09:30:00.000Z#{DRAFT}"), "ttl": 221_845_392_000_u64, "work_ms": 0,
    });
    let fields = draft();
    let fields = fields.as_object().expect("fields").iter().filter(|(name, _)| *name != "workshop_chat_id");
    item.as_object_mut().expect("fields").extend(fields.map(|(name, value)| (name.clone(), value.clone())));
    let attribute = |value: &Value| match value {
        Value::String(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        _ => json!({"NULL": true}),
    };
    item.as_object().expect("fields").iter().map(|(name, value)| (name.clone(), attribute(value))).collect()
}

/// What a function reads from its environment, with its store at `address`.
fn settings(address: &str) -> Vec<(String, String)> {
    let store = format!("http://{address}");
    let settings = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "bench"),
        ("AWS_SECRET_ACCESS_KEY", "bench"),
        ("AWS_ENDPOINT_URL_DYNAMODB", &store),
        ("WORKSHOP_DRAFTS_TABLE", "drafts"),
        ("WORKSHOP_LIBRARY_TABLE", "library"),
        ("WORKSHOP_ARTICLES_TABLE", "articles"),
        ("WORKSHOP_USAGE_TABLE", "usage"),
        ("WORKSHOP_ISSUER", "https://issuer.invalid"),
        ("WORKSHOP_CLIENT_ID", "workshop"),
        ("WORKSHOP_CURSOR_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
