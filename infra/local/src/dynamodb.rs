//! DynamoDB, embedded: its engine in this process, and its wire protocol on a
//! guarded loopback port, for the functions and for tools.
//!
//! The engine has a server of its own, which answers any page in a browser. So
//! requests are read here, and the engine is called in the process.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use dynoxide::auth_material::{self, AuthMaterial};
use dynoxide::{Database, DynoxideError};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::disk::Disk;
use crate::guard::from_a_page;
use crate::serving;
use crate::trouble::{Kind, Trouble};

/// The longest request, in bytes: 16 MB, as DynamoDB takes. A longer one is answered with 413.
const REQUEST_MAX: usize = 16 * 1_024 * 1_024;
/// How long open requests may take once the machine stops.
const GRACE: Duration = Duration::from_secs(3);

/// The embedded DynamoDB.
pub struct DynamoDb {
    /// The engine, for what its wire doesn't offer: the TTL sweep and streams.
    pub database: Database,
    /// The engine's file.
    pub disk: Arc<Disk>,
    /// Told of each write.
    pub written: Arc<Notify>,
    /// The trouble with its disk, if there is any.
    pub trouble: Arc<Trouble>,
    /// Where its wire protocol is served.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the database file and serves it until `stop` changes.
    pub async fn start(
        file: &Path,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let path = file.to_str().ok_or_else(|| anyhow!("The data folder's path is not UTF-8."))?;
        let trouble = Trouble::in_folder(file.parent().unwrap_or(file).to_owned());
        let cant = |why: String| match Kind::of(&why) {
            Some(kind) => anyhow!("The database {path} can't be opened. {}", trouble.sentence(kind)),
            None => anyhow!("The database {path} can't be opened: {why}"),
        };
        Disk::prepare(file).map_err(|error| cant(error.to_string()))?;
        let database = Database::new(path).map_err(|error| cant(format!("{error:?}")))?;
        let disk = Arc::new(Disk::open(file).map_err(|error| cant(error.to_string()))?);
        let written = Arc::new(Notify::new());
        let trouble = Arc::new(trouble);
        let address = listener.local_addr()?;
        let served = database.clone();
        let noted = Noted { written: written.clone(), trouble: trouble.clone() };
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let serving = tokio::spawn(serve_noting(listener, served, Some(noted), stopped));
        Ok(Self { database, disk, written, trouble, address, serving })
    }

    /// Waits for the last request.
    pub async fn ended(self) {
        if tokio::time::timeout(GRACE, self.serving).await.is_err() {
            tracing::debug!("connections to the embedded DynamoDB were still open");
        }
    }
}

/// Serves the wire protocol of `database` until `stopped`, and the requests
/// that are under way then to their end.
pub async fn serve(listener: TcpListener, database: Database, stopped: impl Future<Output = ()>) {
    serve_noting(listener, database, None, stopped).await;
}

/// What requests report to: their writes, and errors of the disk.
#[derive(Clone)]
struct Noted {
    written: Arc<Notify>,
    trouble: Arc<Trouble>,
}

async fn serve_noting(
    listener: TcpListener,
    database: Database,
    noted: Option<Noted>,
    stopped: impl Future<Output = ()>,
) {
    let router = Router::new().fallback(move |request| respond(database.clone(), noted.clone(), request));
    serving::serve(listener, TowerToHyperService::new(router), stopped).await;
}

async fn respond(database: Database, noted: Option<Noted>, request: Request) -> Response {
    if from_a_page(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST || parts.uri.path() != "/" {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(body) = to_bytes(body, REQUEST_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let (status, answer) = match answer(&database, &parts.headers, parts.uri.query(), &body) {
        Ok(answer) => {
            if let Some(noted) = noted.filter(|_| writes(&parts.headers)) {
                noted.written.notify_one();
                noted.trouble.is_over();
            }
            (StatusCode::OK, answer)
        }
        Err(Refusal(status, answer)) => {
            if let Some(noted) = noted.filter(|_| status >= 500) {
                noted.trouble.note(&answer);
            }
            (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), answer)
        }
    };
    let sum = HeaderValue::from(crc32fast::hash(answer.as_bytes()));
    let id = HeaderValue::from_str(&Uuid::new_v4().simple().to_string());
    let mut response = Response::new(Body::from(answer));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    headers.insert("x-amz-crc32", sum);
    if let Ok(id) = id {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// An error's HTTP status and its body.
struct Refusal(u16, String);

impl From<DynoxideError> for Refusal {
    fn from(error: DynoxideError) -> Self {
        Self(error.status_code(), error.to_json())
    }
}

/// The answer to one request, as DynamoDB's JSON 1.0 protocol has it: the
/// operation in `X-Amz-Target`, credentials that must be there and are not
/// checked, and the input in the body.
fn answer(
    database: &Database,
    headers: &HeaderMap,
    query: Option<&str>,
    body: &[u8],
) -> Result<String, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let target = text("x-amz-target").unwrap_or_default();
    let operation = target
        .split_once('.')
        .filter(|(service, _)| matches!(*service, "DynamoDB_20120810" | "DynamoDBStreams_20120810"));
    let Some((_, operation)) = operation else { return Err(unknown_operation()) };
    let material = AuthMaterial {
        authorization: text("authorization"),
        query: query.unwrap_or_default(),
        has_date_header: headers.contains_key("x-amz-date") || headers.contains_key("date"),
    };
    if let Some(refusal) = auth_material::validate(material) {
        return Err(Refusal(400, refusal));
    }
    call(database, operation, body)
}

fn writes(headers: &HeaderMap) -> bool {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit_once('.').map_or(target, |(_, operation)| operation);
    !["BatchGet", "Describe", "Get", "List", "Query", "Scan", "Search", "TransactGet"]
        .iter()
        .any(|reads| operation.starts_with(reads))
}

fn unknown_operation() -> Refusal {
    Refusal(400, r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned())
}

fn call(database: &Database, operation: &str, body: &[u8]) -> Result<String, Refusal> {
    macro_rules! call {
        ($($name:literal => $method:ident,)*) => {
            match operation {
                $($name => answered(operation, body, |input| database.$method(input)),)*
                _ => Err(unknown_operation()),
            }
        };
    }
    call! {
        "BatchExecuteStatement" => batch_execute_statement,
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "CreateTable" => create_table,
        "DeleteItem" => delete_item,
        "DeleteTable" => delete_table,
        "DescribeStream" => describe_stream,
        "DescribeTable" => describe_table,
        "DescribeTimeToLive" => describe_time_to_live,
        "ExecuteStatement" => execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "GetItem" => get_item,
        "GetRecords" => get_records,
        "GetShardIterator" => get_shard_iterator,
        "ListStreams" => list_streams,
        "ListTables" => list_tables,
        "ListTagsOfResource" => list_tags_of_resource,
        "PutItem" => put_item,
        "Query" => query,
        "Scan" => scan,
        "SearchVectors" => search_vectors,
        "TagResource" => tag_resource,
        "TransactGetItems" => transact_get_items,
        "TransactWriteItems" => transact_write_items,
        "UntagResource" => untag_resource,
        "UpdateItem" => update_item,
        "UpdateTable" => update_table,
        "UpdateTimeToLive" => update_time_to_live,
    }
}

fn answered<I: DeserializeOwned, O: Serialize>(
    operation: &str,
    body: &[u8],
    call: impl FnOnce(I) -> dynoxide::Result<O>,
) -> Result<String, Refusal> {
    let input = serde_json::from_slice(body).map_err(|error| unreadable(operation, &error))?;
    let output = call(input)?;
    serde_json::to_string(&output)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()).into())
}

/// The refusal of an input that can't be read. The engine's types begin their
/// messages with the kind of refusal, such as `VALIDATION:`; `serde_json` ends
/// each with the place.
fn unreadable(operation: &str, error: &serde_json::Error) -> Refusal {
    let told = error.to_string();
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
    let marked = told
        .split_once(':')
        .filter(|(kind, _)| kind.starts_with("VALIDATION") || kind.starts_with("SERIALIZATION"));
    let (kind, told) = marked.unwrap_or(("", told));
    let is_type = kind.is_empty() && !told.starts_with("missing field") && !told.contains("type: null");
    let refusal = if !error.is_data() || kind.starts_with("SERIALIZATION") || is_type {
        DynoxideError::SerializationException(told.to_owned())
    } else if kind == "VALIDATION_REQUEST" && matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") {
        DynoxideError::ValidationException(format!("1 validation error detected: {told}"))
    } else {
        DynoxideError::ValidationException(told.to_owned())
    };
    refusal.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(operation: &str, body: &str) -> (u16, String) {
        let database = Database::memory().unwrap();
        match call(&database, operation, body.as_bytes()) {
            Ok(answer) => (200, answer),
            Err(Refusal(status, answer)) => (status, answer),
        }
    }

    #[test]
    fn an_input_that_cannot_be_read_is_refused_as_dynamodb_refuses_it() {
        let refusals = [
            ("PutItem", "not JSON", "SerializationException"),
            ("PutItem", "{}", "ValidationException"),
            ("GetItem", r#"{"TableName": 3, "Key": {}}"#, "SerializationException"),
            ("PutItem", r#"{"TableName": "t-1", "Item": {"pk": {"SS": []}}}"#, "ValidationException"),
            ("PutItem", r#"{"TableName": "t-1", "Item": {"pk": {"N": "x"}}}"#, "ValidationException"),
            ("DropTable", "{}", "UnknownOperationException"),
        ];
        for (operation, body, kind) in refusals {
            let (status, answer) = told(operation, body);
            assert_eq!(status, 400, "{operation} {body}: {answer}");
            assert!(answer.contains(kind), "{operation} {body}: {answer}");
            for mark in ["VALIDATION:", "VALIDATION_", "SERIALIZATION:", " at line "] {
                assert!(!answer.contains(mark), "{operation} {body}: {answer}");
            }
        }
        assert_eq!(told("ListTables", "{}"), (200, r#"{"TableNames":[]}"#.to_owned()));
    }
}
