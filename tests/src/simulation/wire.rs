//! What stands before the embedded store, in the AWS SDK's client: each call
//! waits at a gate until the schedule lets it pass, and is answered as the
//! schedule says. What passes goes over the wire to the real engine; SQS is
//! the schedule's own queue, so that it alone decides what is delivered when.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

tokio::task_local! {
    /// Whose calls these are. Calls of nobody pass at once.
    pub static ACTOR: usize;
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is made and answered.
    Passes,
    /// It is refused, since there is too much to do.
    Throttled,
    /// It is refused, since another transaction is under way on the same item.
    InConflict,
    /// The service fails before it has done anything.
    Fails,
    /// The service does it and then fails.
    FailsAfter,
    /// It is not made, and nothing is heard.
    TimesOut,
    /// It is made, and its answer is lost.
    AnswerLost,
    /// Its caller dies before it is made.
    CallerDies,
    /// It is made, and its caller dies before the answer.
    CallerDiesAfter,
}

/// All faults that leave the caller alive.
pub const FAULTS: [Fate; 6] =
    [Fate::Throttled, Fate::InConflict, Fate::Fails, Fate::FailsAfter, Fate::TimesOut, Fate::AnswerLost];

impl Fate {
    fn is_made(self) -> bool {
        matches!(self, Self::Passes | Self::FailsAfter | Self::AnswerLost | Self::CallerDiesAfter)
    }

    /// What it is called where faults are counted, as it befalls what waits as `what`; nothing when it is none.
    pub fn fault(self, what: &str) -> Option<&'static str> {
        let is = |operations: &[&str]| operations.iter().any(|operation| what.starts_with(operation));
        match self {
            Self::Throttled | Self::InConflict if is(&["Batch"]) => Some("batch handed back"),
            Self::InConflict if is(&["TransactWriteItems", "UpdateItem"]) => Some("in conflict"),
            Self::Throttled | Self::InConflict => Some("throttled"),
            Self::Fails => Some("500 before"),
            Self::FailsAfter => Some("500 after"),
            Self::TimesOut => Some("timed out"),
            Self::AnswerLost => Some("answer lost"),
            Self::Passes | Self::CallerDies | Self::CallerDiesAfter => None,
        }
    }

    /// Whether its caller dies of it.
    pub fn kills(self) -> bool {
        matches!(self, Self::CallerDies | Self::CallerDiesAfter)
    }
}

/// A call, or a step of the model's, that waits.
pub struct Waiting {
    /// Whose.
    pub actor: usize,
    /// What it is, for whoever reads the schedule.
    pub what: String,
    pass: oneshot::Sender<Fate>,
}

/// The gates.
#[derive(Clone, Default)]
pub struct Gates(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
    died: Vec<usize>,
    queue: Vec<Sent>,
}

/// What was sent to the queue.
pub enum Sent {
    /// A message.
    Message(String),
    /// The message of this receipt is to come again after so many seconds.
    Postponed(String, i64),
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Gates")
    }
}

impl Gates {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the schedule says what becomes of this.
    pub async fn wait(&self, actor: usize, what: String) -> Fate {
        let (pass, passed) = oneshot::channel();
        {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.waiting.insert(number, Waiting { actor, what, pass });
        }
        self.0.changed.notify_one();
        match passed.await {
            Ok(fate) => fate,
            // Its caller is dead.
            Err(_) => std::future::pending().await,
        }
    }

    /// Tells the schedule that something has changed.
    pub fn changed(&self) {
        self.0.changed.notify_one();
    }

    /// Until something changes.
    pub async fn change(&self) {
        self.0.changed.notified().await;
    }

    /// What waits: its number and whose it is, oldest first.
    pub fn waiting(&self) -> Vec<(u64, usize, String)> {
        let state = self.state();
        state.waiting.iter().map(|(number, waiting)| (*number, waiting.actor, waiting.what.clone())).collect()
    }

    /// Lets what waits under `number` go on.
    pub fn pass(&self, number: u64, fate: Fate) {
        if let Some(waiting) = self.state().waiting.remove(&number) {
            let _ = waiting.pass.send(fate);
        }
    }

    /// Forgets what an actor waits for.
    pub fn forget(&self, actor: usize) {
        self.state().waiting.retain(|_, waiting| waiting.actor != actor);
    }

    /// Those that have died since this was asked last.
    pub fn died(&self) -> Vec<usize> {
        std::mem::take(&mut self.state().died)
    }

    /// What was sent to the queue since this was asked last.
    pub fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.state().queue)
    }

    /// Begins anew.
    pub fn clear(&self) {
        *self.state() = State::default();
    }
}

/// The SDK's way to the services.
#[derive(Clone, Debug)]
pub struct Wire {
    gates: Gates,
    http: reqwest::Client,
}

impl Wire {
    /// A way through `gates`.
    pub fn new(gates: Gates) -> Self {
        Self { gates, http: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    async fn call(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let operation = operation.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let actor = ACTOR.try_with(|actor| *actor).ok();
        let fate = match actor {
            Some(actor) => self.gates.wait(actor, format!("{operation} {}", place(&body))).await,
            None => Fate::Passes,
        };
        let answer = match fate.is_made() {
            true => Some(self.make(&operation, request.uri(), &request, body).await),
            false => None,
        };
        if fate.kills() {
            self.gates.state().died.extend(actor);
            self.gates.changed();
            std::future::pending::<()>().await;
        }
        match (fate, answer) {
            (Fate::Passes, Some(answer)) => answer,
            (Fate::Throttled, _) if operation == "TransactWriteItems" => {
                Ok(cancelled("ThrottlingError", &request))
            }
            (Fate::InConflict, _) if operation == "TransactWriteItems" => {
                Ok(cancelled("TransactionConflict", &request))
            }
            (Fate::Throttled | Fate::InConflict, _) if operation.starts_with("Batch") => {
                Ok(handed_back(&operation, &request))
            }
            (Fate::InConflict, _) if operation == "UpdateItem" => {
                Ok(refusal(400, "TransactionConflictException"))
            }
            (Fate::Throttled | Fate::InConflict, _) => {
                Ok(refusal(400, "ProvisionedThroughputExceededException"))
            }
            (Fate::Fails | Fate::FailsAfter, _) => Ok(refusal(500, "InternalServerError")),
            (Fate::AnswerLost, _) => Err(ConnectorError::io("the connection was reset".into())),
            _ => Err(ConnectorError::timeout("nothing was heard".into())),
        }
    }

    async fn make(
        &self,
        operation: &str,
        uri: &str,
        request: &HttpRequest,
        body: Vec<u8>,
    ) -> Result<HttpResponse, ConnectorError> {
        if let "SendMessage" | "ChangeMessageVisibility" = operation {
            return Ok(self.enqueue(operation, &body));
        }
        let mut call = self.http.post(uri).body(body);
        for (name, value) in request.headers().iter() {
            call = call.header(name, value);
        }
        let failed = |error: reqwest::Error| ConnectorError::io(error.into());
        let answer = call.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let content_type =
            answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = answer.bytes().await.map_err(failed)?;
        let mut response = response(status, SdkBody::from(bytes.to_vec()));
        if let Some(content_type) = content_type {
            response.headers_mut().insert("content-type", content_type);
        }
        Ok(response)
    }

    fn enqueue(&self, operation: &str, body: &[u8]) -> HttpResponse {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| asked[name].as_str().unwrap_or_default().to_owned();
        let sent = match operation {
            "SendMessage" => Sent::Message(text("MessageBody")),
            _ => Sent::Postponed(
                text("ReceiptHandle"),
                asked["VisibilityTimeout"].as_i64().unwrap_or_default(),
            ),
        };
        self.gates.state().queue.push(sent);
        response(200, SdkBody::from(json!({"MessageId": "scripted"}).to_string()))
    }
}

fn response(status: u16, body: SdkBody) -> HttpResponse {
    HttpResponse::new(StatusCode::try_from(status).expect("a status"), body)
}

/// What DynamoDB answers.
fn answered(status: u16, body: &Value) -> HttpResponse {
    let mut response = response(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

fn asked(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default()
}

/// A refusal as DynamoDB words it.
fn refusal(status: u16, name: &str) -> HttpResponse {
    let kind = format!("com.amazonaws.dynamodb.v20120810#{name}");
    answered(status, &json!({"__type": kind, "message": "scripted"}))
}

/// A batch of which DynamoDB does nothing for want of room: no error, but all of it handed back.
fn handed_back(operation: &str, request: &HttpRequest) -> HttpResponse {
    let mut asked = asked(request);
    let left = asked["RequestItems"].take();
    let body = match operation {
        "BatchGetItem" => json!({"Responses": {}, "UnprocessedKeys": left}),
        _ => json!({"UnprocessedItems": left}),
    };
    answered(200, &body)
}

/// A transaction that was cancelled for its first item's sake.
fn cancelled(reason: &str, request: &HttpRequest) -> HttpResponse {
    let parts = asked(request)["TransactItems"].as_array().map_or(1, Vec::len);
    let reasons: Vec<Value> = (0..parts)
        .map(|part| json!({"Code": if part == 0 { reason } else { "None" }, "Message": "scripted"}))
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "scripted", "CancellationReasons": reasons,
    });
    answered(400, &body)
}

/// The sort key that a call is about, or the first of them.
fn place(body: &[u8]) -> String {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let of = |item: &Value| item["sk"]["S"].as_str().map(|sk| sk.chars().take(16).collect::<String>());
    let part = |part: &Value| {
        ["Update", "Put", "Delete"].iter().find_map(|kind| of(&part[kind]["Key"]).or(of(&part[kind]["Item"])))
    };
    let first = asked["TransactItems"].as_array().and_then(|parts| parts.first()).and_then(part);
    first.or_else(|| of(&asked["Key"])).or_else(|| of(&asked["Item"])).unwrap_or_default()
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().call(request))
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
