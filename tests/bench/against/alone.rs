//! A function against FastAPI, each one's store taken out: the function calls
//! a store that answers the same at once, through the SDK as ever; FastAPI
//! takes the same row from memory, with no call at all.
//!
//! So the function still pays for calling, and FastAPI doesn't. What the calls
//! take is measured beside it, by a function that does nothing else, and taken
//! out, too: that is what the bar is for.
//!
//! Both read the request, know the user, check what is sent and write the
//! answer. When deployed the gateway has checked the token before a function
//! is called. So FastAPI's check is off, as if it stood behind one, too; how
//! it is with the check on stands beside it.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local::ModelChoice;
use reqwest::Method;
use serde_json::{Value, json};
use tests::cost::text;
use tests::{DRAFTS, Setup, Workshop};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{Identity, Reference, USER};
use crate::figures::{Bar, Estimate, Table, millis};
use crate::process;
use crate::release::{build, file};
use crate::runtime_api::{Function, Program};

/// How often, in turn, each is asked, and for how long each time: processor time is told in hundredths of a second,
/// which so many slices even out.
const SLICES: usize = 44;
const SLICE: Duration = Duration::from_millis(500);
/// Starts of each, in turn, and for how long each is asked before its memory is read.
const STARTS: usize = 11;
const SLICE_OF_A_START: Duration = Duration::from_millis(200);
/// Over FastAPI's, at the most: processor time, memory, time to be ready.
const PROCESSOR_BAR: f64 = 0.5;
const MEMORY_BAR: f64 = 0.25;
const READY_BAR: f64 = 0.05;

/// What calls the store, and does nothing else.
const BARE: &str = "reference-store";
/// The draft's, as If-Match has it.
const REVISION: &str = "\"1\"";

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

    /// Calls to the store that a request makes: a get; a get and an update.
    fn calls(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Save => 2,
        }
    }
}

/// Measures both.
pub async fn measure(table: &mut Table, identity: &Identity, draft: &Draft) {
    table.note(format!(
        "Then each without its store, one request in flight: a function's process under a Runtime API, whose store \
         answers at once over DynamoDB's wire protocol with one draft as the product keeps it, and FastAPI with the \
         same draft in memory. FastAPI then has no calls, and the function still has: so what they take of it is \
         taken out, too. `{BARE}`, which asks the same store for the same draft with the bare SDK, was asked in turn, \
         with one GetItem a request and with two; the difference of both is what one takes, and was taken from the \
         function's processor time, for drafts-get once, for drafts-update twice. The second call of that is an \
         update, which writes more down than a get: what it takes beyond one is left in."
    ));
    build(&[Work::Read.binary(), Work::Save.binary(), BARE]);
    let store = Store::start(draft).await;
    for work in [Work::Read, Work::Save] {
        processor_time(table, identity, draft, &store, work).await;
    }
    starts(table, draft, &store).await;
}

async fn processor_time(table: &mut Table, identity: &Identity, draft: &Draft, store: &Store, work: Work) {
    let mut sides = [
        Side::Function(Called::route(work, draft, store).await),
        Side::Function(Called::bare(1, draft, store).await),
        Side::Function(Called::bare(2, draft, store).await),
        Side::FastApi(Asked::start(work, draft, None).await),
        Side::FastApi(Asked::start(work, draft, Some(identity)).await),
    ];
    let mut took: [Vec<f64>; 5] = Default::default();
    for number in 0..=SLICES {
        // Who is asked first, too, by turns: from the first to the last, then from the last to the first.
        for turn in 0..sides.len() {
            let who = if number % 2 == 0 { turn } else { sides.len() - 1 - turn };
            let slice = sides[who].slice(SLICE).await;
            // The first of each warms up.
            if number > 0 {
                took[who].push(slice);
            }
        }
    }
    let [ours, once, twice, theirs, with_check] = took;
    let calls = f64::from(work.calls());
    let without =
        ours.iter().zip(once.iter().zip(&twice)).map(|(ours, (once, twice))| ours - calls * (twice - once));
    let without: Vec<f64> = without.collect();
    // What the one with a call takes beyond that call: the Runtime API's two exchanges, as every function has them.
    let exchange: Vec<f64> = once.iter().zip(&twice).map(|(once, twice)| 2.0 * once - twice).collect();
    let title = format!("{}: processor time a request", work.binary());
    let figures = [
        (
            format!("{title} without its store calls, over FastAPI's"),
            Estimate::of_ratios(&without, &theirs),
            "×",
        ),
        ("  with them, over FastAPI's".to_owned(), Estimate::of_ratios(&ours, &theirs), "×"),
        (
            "  with them, over FastAPI's that checks the token".to_owned(),
            Estimate::of_ratios(&ours, &with_check),
            "×",
        ),
        ("  the function".to_owned(), Estimate::of(&ours), "µs"),
        ("  a GetItem with the bare SDK".to_owned(), Estimate::of_differences(&twice, &once), "µs"),
        (format!("  the function without {calls} of that"), Estimate::of(&without), "µs"),
        ("    the Runtime API's exchanges alone, of that".to_owned(), Estimate::of(&exchange), "µs"),
        ("  FastAPI".to_owned(), Estimate::of(&theirs), "µs"),
        ("  FastAPI that checks the token".to_owned(), Estimate::of(&with_check), "µs"),
    ];
    for (number, (what, estimate, unit)) in figures.into_iter().enumerate() {
        let bar = if number == 0 { Bar::AtMost(PROCESSOR_BAR) } else { Bar::None };
        table.estimate(what, estimate, unit, bar);
    }
}

async fn starts(table: &mut Table, draft: &Draft, store: &Store) {
    let (mut ready, mut theirs_ready) = (Vec::new(), Vec::new());
    let (mut held, mut theirs_held) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let called = Called::route(Work::Read, draft, store).await;
        ready.push(millis(called.ready()));
        held.push(Side::Function(called).peak().await);
        let asked = Asked::start(Work::Read, draft, None).await;
        theirs_ready.push(millis(asked.reference.ready));
        theirs_held.push(Side::FastApi(asked).peak().await);
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

/// One that is asked.
enum Side {
    Function(Called),
    FastApi(Asked),
}

impl Side {
    fn pid(&self) -> u32 {
        match self {
            Self::Function(called) => called.function.pid(),
            Self::FastApi(asked) => asked.reference.pid,
        }
    }

    /// Asks for a while: processor time a request, in microseconds.
    async fn slice(&mut self, slice: Duration) -> f64 {
        let before = process::processor_time(self.pid());
        let (mut requests, began) = (0, Instant::now());
        while began.elapsed() < slice {
            requests += 1;
            match self {
                Self::Function(called) => drop(called.ask().await),
                Self::FastApi(asked) => drop(asked.ask().await),
            }
        }
        let took = process::processor_time(self.pid()) - before;
        took.as_secs_f64() * 1e6 / f64::from(requests)
    }

    /// Asks for a while, and ends it: the most memory that it had.
    async fn peak(mut self) -> f64 {
        self.slice(SLICE_OF_A_START).await;
        let peak = process::peak(self.pid());
        match self {
            Self::Function(called) => called.function.end().await,
            Self::FastApi(asked) => asked.reference.stop().await,
        }
        peak
    }
}

/// A function's process, and what it is asked. It ends with its value.
struct Called {
    function: Function,
    event: String,
}

impl Called {
    /// The route's.
    async fn route(work: Work, draft: &Draft, store: &Store) -> Self {
        let program = Program { file: file(work.binary()), environment: settings(&store.address) };
        let mut called = Self::start(&program, work, draft).await;
        let answer = called.ask().await;
        is_right(work, answer["body"].as_str().expect("a body"));
        called
    }

    /// The one that gets the draft so many times a request, and does nothing else.
    async fn bare(calls: u32, draft: &Draft, store: &Store) -> Self {
        let mut environment = settings(&store.address);
        let of_draft = [
            ("REFERENCE_TABLE", "drafts".to_owned()),
            ("REFERENCE_KEY", format!("DRAFT#{}", draft.id)),
            ("REFERENCE_CALLS", calls.to_string()),
        ];
        environment.extend(of_draft.map(|(name, value)| (name.to_owned(), value)));
        let mut called = Self::start(&Program { file: file(BARE), environment }, Work::Read, draft).await;
        assert_eq!(called.ask().await["body"], format!("{} attributes", draft.attributes()));
        called
    }

    async fn start(program: &Program, work: Work, draft: &Draft) -> Self {
        Self { function: Function::start(program, None).await, event: event(work, &draft.id).to_string() }
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
}

/// FastAPI, and what it is asked.
struct Asked {
    reference: Reference,
    http: reqwest::Client,
    work: Work,
    path: String,
    token: Option<String>,
}

impl Asked {
    /// One that takes whom the gateway names, or that checks tokens.
    async fn start(work: Work, draft: &Draft, identity: Option<&Identity>) -> Self {
        let shown = draft.shown.to_string();
        let mut settings = identity.map(Identity::settings).unwrap_or_default();
        settings.push(("REFERENCE_DRAFT", &shown));
        let reference = Reference::start(&settings).await;
        let (path, token) = (path(&draft.id), identity.map(|identity| identity.token.clone()));
        let asked = Self { reference, http: super::http(), work, path, token };
        is_right(work, &asked.ask().await);
        asked
    }

    async fn ask(&self) -> String {
        let url = format!("{}{}", self.reference.url, self.path);
        let request = self.http.request(self.work.method(), url);
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request.header("x-user", USER),
        };
        let request = match self.work.body() {
            Some(body) => {
                request.header("content-type", "application/json").header("if-match", REVISION).body(body)
            }
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert_eq!(status, 200, "{text}");
        text
    }
}

/// Checks an answer by its fields.
fn is_right(work: Work, answer: &str) {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    match work {
        Work::Read => assert_eq!(answer["draft_content"], text(0), "{answer}"),
        Work::Save => assert_eq!(answer["message"], "Saved.", "{answer}"),
    }
}

fn path(draft: &str) -> String {
    format!("{DRAFTS}/{draft}")
}

/// The draft that both find: the product wrote it.
pub struct Draft {
    id: String,
    /// As an answer has it, and a row of FastAPI's.
    shown: Value,
    /// As the store's wire protocol has it: its text is packed.
    item: Value,
}

impl Draft {
    /// Has the local machine write one.
    pub async fn written() -> Self {
        let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
        let workshop = Workshop::start_with(setup).await;
        let client = workshop.client(USER);
        let id = client.draft(&text(0)).await;
        let shown = client.get(&path(&id)).await.expect(200);
        let key = |text: String| AttributeValue::S(text);
        let get = workshop.dynamodb().get_item().table_name(&workshop.machine.app().config.tables.drafts);
        let get = get.key("pk", key(format!("DRAFT#{id}"))).key("sk", key("META".to_owned()));
        let item = get.send().await.expect("the store answers").item.expect("the draft");
        workshop.stop().await;
        let item = item.iter().map(|(name, value)| (name.clone(), on_the_wire(value))).collect();
        Self { id, shown, item }
    }

    fn attributes(&self) -> usize {
        self.item.as_object().expect("an item").len()
    }
}

fn on_the_wire(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": STANDARD.encode(bytes)}),
        AttributeValue::Null(_) => json!({"NULL": true}),
        other => panic!("a draft has no {other:?}"),
    }
}

/// What API Gateway hands to the function (payload format 2.0).
fn event(work: Work, draft: &str) -> Value {
    let path = path(draft);
    let method = work.method().to_string();
    let mut event = json!({
        "version": "2.0",
        "routeKey": format!("{method} {DRAFTS}/{{id}}"),
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*", "content-type": "application/json", "host": "bench.invalid", "if-match": REVISION,
            "user-agent": "bench", "x-amzn-trace-id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
            "x-forwarded-for": "127.0.0.1", "x-forwarded-port": "443", "x-forwarded-proto": "https",
        },
        "pathParameters": {"id": draft},
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
    async fn start(draft: &Draft) -> Self {
        let found = json!({"Item": draft.item}).to_string();
        let changed = json!({"Attributes": draft.item}).to_string();
        let answer = move |headers: HeaderMap, asked: String| async move {
            let is_get =
                headers.get("x-amz-target").is_some_and(|target| target == "DynamoDB_20120810.GetItem");
            let answer = match (is_get, asked.contains(r#""ReturnValues":"ALL_NEW""#)) {
                (true, _) => found,
                (false, true) => changed,
                (false, false) => "{}".to_owned(),
            };
            ([("content-type", "application/x-amz-json-1.0")], answer)
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
