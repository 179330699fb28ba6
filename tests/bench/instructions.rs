//! Instructions of the processor that main requests take, counted by callgrind:
//! wherever the same program runs, about the same. What the store answers is
//! canned in the SDK's client, so that only the handlers' code and the SDK's
//! count.

#![allow(missing_docs, reason = "the macros' own items have none")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::Region;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use gungraun::prelude::*;
use gungraun::{Callgrind, main};
use local::{MODEL_ID, ModelChoice};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::app::{App, Clock, sdk_loader};
use shared::config::{Config, Endpoints, Tables};
use shared::domain::model::Secret;
use shared::domain::run::{Order, Run, State};
use shared::http::Request;
use shared::limits::Limits;
use shared::store::Store;
use tests::cost::text;
use tests::handlers::{Call, handled, request};
use tests::{DRAFTS, Setup, Workshop};
use tokio::runtime::{Builder, Runtime};

/// Requests before the one that counts.
const WARM_UP: usize = 5;
/// What a call to the store may take.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// Drafts, and so entries of a page.
const LISTED: usize = 20;
/// Whose everything is.
const USER: &str = "ada";

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"]));
    setup = record();
    library_benchmark_groups = routes
);

library_benchmark_group!(name = routes, benchmarks = answers);

#[library_benchmark(setup = ready)]
#[bench::drafts_list("drafts-list")]
#[bench::drafts_get("drafts-get")]
#[bench::drafts_update("drafts-update")]
#[bench::tests_get("tests-get")]
#[bench::prompts_get("prompts-get")]
fn answers(ready: Ready) -> (Runtime, u16) {
    let Ready { runtime, app, binary, request } = ready;
    let answered = runtime.block_on(handled(app, binary, request));
    // What is handed back is dropped after the count.
    (runtime, answered.status)
}

/// A request that is about to be made.
struct Ready {
    runtime: Runtime,
    app: &'static App,
    binary: &'static str,
    request: Request,
}

/// A request, and what the store answered to the calls that it led to.
#[derive(Debug, Serialize, Deserialize)]
struct Recorded {
    path: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Value,
    answers: Vec<Kept>,
}

/// A call to the store and its answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    operation: String,
    status: u16,
    answer: String,
}

/// Where requests and answers are between two processes: the one that records
/// them, at full speed, and the one that is counted.
const RECORDS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/answers.json");

/// A request over the answers that were recorded, made before a few times.
fn ready(binary: &'static str) -> Ready {
    let records = std::fs::read(RECORDS).expect("what was recorded");
    let mut records: BTreeMap<String, Recorded> =
        serde_json::from_slice(&records).expect("as it was written");
    let recorded = records.remove(binary).expect("the request");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answers = Answers(Arc::new(Mutex::new(recorded.answers.clone())));
    let app = runtime.block_on(over("http://127.0.0.1:9", answers));
    for _ in 0..WARM_UP {
        let answered = runtime.block_on(handled(app, binary, recorded.request(binary)));
        assert_eq!(answered.status, 200, "{binary}: {}", answered.text);
    }
    let request = recorded.request(binary);
    Ready { runtime, app, binary, request }
}

impl Recorded {
    fn request(&self, binary: &str) -> Request {
        fn pairs(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
        }
        let (path, headers, body) = (pairs(&self.path), pairs(&self.headers), self.body.clone());
        request(&Call { binary, user: USER, path: &path, headers: &headers, body, ..Call::default() })
    }
}

/// Has a real store answer each request, and keeps what it answers.
fn record() {
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let records = runtime.block_on(recorded());
    std::fs::write(RECORDS, serde_json::to_vec(&records).expect("JSON")).expect("a file");
}

async fn recorded() -> BTreeMap<&'static str, Recorded> {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let app = workshop.machine.app();
    let client = workshop.client(USER);
    let mut draft = String::new();
    for number in 0..LISTED {
        draft = client.draft(&text(number)).await;
    }
    let commit = json!({"name": "brief", "title": "Weekly brief", "description": "For executives."});
    client.post(&format!("{DRAFTS}/{draft}/commit"), commit).await.expect(201);
    let test = tested(app, &draft).await;

    let save = json!({"draft_content": text(LISTED)});
    let of_draft = vec![("id", draft.clone())];
    let of_test = vec![("id", draft), ("test_id", test)];
    let requests = [
        ("drafts-list", vec![], vec![], Value::Null),
        ("drafts-get", of_draft.clone(), vec![], Value::Null),
        ("drafts-update", of_draft, vec![("if-match", "\"1\"".to_owned())], save),
        ("tests-get", of_test, vec![], Value::Null),
        ("prompts-get", vec![("name", "brief".to_owned())], vec![], Value::Null),
    ];
    let mut records = BTreeMap::new();
    let store = app.config.endpoints.dynamodb.clone().expect("the machine's own");
    for (binary, path, headers, body) in requests {
        let owned = |pairs: Vec<(&str, String)>| {
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Vec<_>>()
        };
        let (path, headers) = (owned(path), owned(headers));
        let mut recorded = Recorded { path, headers, body, answers: Vec::new() };
        let answers = Answers::default();
        let recording = over(&store, Recorder::new(answers.clone())).await;
        let answered = handled(recording, binary, recorded.request(binary)).await;
        assert_eq!(answered.status, 200, "{binary}: {}", answered.text);
        recorded.answers = std::mem::take(&mut *answers.lock());
        records.insert(binary, recorded);
    }
    workshop.stop().await;
    records
}

/// A finished run of the draft.
async fn tested(app: &App, draft: &str) -> String {
    let (store, now) = (app.store(), app.now());
    let draft = store.drafts.get(USER, draft.parse().expect("an id"), now).await.expect("the store answers");
    let draft = draft.expect("the draft");
    let order = Order {
        test_query: "What do surveys say about AI adoption?".to_owned(),
        topic: "AI Adoption".to_owned(),
        limit: None,
        model: None,
        store_full_response: None,
        user_rating: Some(4),
        notes: None,
    };
    let run = Run {
        status: State::Succeeded,
        started_at: Some(now),
        finished_at: Some(now),
        ..Run::queued(app.new_id(), &draft, &order, MODEL_ID, now)
    };
    let test = run.test_id.to_string();
    let answer = "The articles say it, and **what they do not**. ".repeat(40);
    store.runs.restore(&draft, &[(run, answer)], now).await.expect("the store answers");
    test
}

/// An application whose store is at `endpoint`, behind `http`.
async fn over(endpoint: &str, http: impl HttpClient + 'static) -> &'static App {
    let sdk = sdk_loader()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "bench"))
        .load()
        .await;
    // Under callgrind everything takes fifty times as long, so no time-out is met.
    let patient = TimeoutConfig::builder().operation_timeout(PATIENCE).operation_attempt_timeout(PATIENCE);
    let client = aws_sdk_dynamodb::config::Builder::from(&sdk)
        .endpoint_url(endpoint)
        .http_client(http)
        .timeout_config(patient.build());
    let client = aws_sdk_dynamodb::Client::from_conf(client.build());
    let (tables, key) = (Tables::with_prefix("workshop"), Secret::new("no cursor is read"));
    let store = Store::new(client, tables.clone(), &key, 256);
    let config = Config {
        tables,
        queue_url: String::new(),
        imports_queue_url: String::new(),
        uploads_url: String::new(),
        key_set_url: String::new(),
        issuer: String::new(),
        client_id: String::new(),
        cursor_key: key,
        models: Vec::new(),
        embeddings: None,
        limits: Limits::default(),
        deployment: None,
        endpoints: Endpoints { dynamodb: None, sqs: None },
    };
    Box::leak(Box::new(App::new(config, sdk, Clock::default()).with_store(store)))
}

/// Answers calls of each kind as the store did, one after another.
#[derive(Clone, Debug, Default)]
struct Answers(Arc<Mutex<Vec<Kept>>>);

/// Asks the store, and keeps what it answers.
#[derive(Clone, Debug)]
struct Recorder {
    answers: Answers,
    http: reqwest::Client,
}

fn operation(request: &HttpRequest) -> &str {
    request.headers().get("x-amz-target").unwrap_or_default()
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body))
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let mut kept = self.lock();
        let next = kept.iter().position(|kept| kept.operation == operation(request));
        let next = next.ok_or_else(|| ConnectorError::other("it was not asked before".into(), None))?;
        let told = response(kept[next].status, &kept[next].answer);
        // Its turn comes again when the others of its kind were told.
        kept[next..].rotate_left(1);
        Ok(told)
    }
}

impl Recorder {
    fn new(answers: Answers) -> Self {
        Self { answers, http: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    async fn ask(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = operation(&request).to_owned();
        let asked = request.body().bytes().unwrap_or_default().to_vec();
        let mut call = self.http.post(request.uri()).body(asked);
        for (name, value) in request.headers().iter() {
            call = call.header(name, value);
        }
        let failed = |error: reqwest::Error| ConnectorError::io(error.into());
        let answered = call.send().await.map_err(failed)?;
        let status = answered.status().as_u16();
        let answer = answered.text().await.map_err(failed)?;
        let told = response(status, &answer);
        self.answers.lock().push(Kept { operation, status, answer });
        Ok(told)
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().ask(request))
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Answers {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl HttpClient for Answers {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
