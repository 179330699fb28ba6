//! DynamoDB and SQS, embedded, served on loopback ports. (`bucket` has S3.)
//!
//! Both engines take any credentials, answer browsers' preflights and allow
//! every origin: any page that is open on this machine could read and write
//! everything. So requests that a browser sends are refused before they reach
//! an engine. DynamoDB's server can't be wrapped: it listens on a port of its
//! own, which is not told, behind a door on the port that is.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use dynoxide::Database;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A listener on loopback, or a sentence about the port.
pub async fn listen(port: u16, what: &str, setting: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "Port {port}, for {what}, is taken by another program, perhaps another workshop. \
             Stop that one, or choose another port with {setting}."
        ),
        Err(error) => Err(error).with_context(|| format!("Port {port}, for {what}, can't be listened on")),
    }
}

/// The embedded DynamoDB.
pub struct DynamoDb {
    /// The engine, for what its wire doesn't offer: the TTL sweep and streams.
    pub database: Database,
    /// Where the engine's own server listens: for the functions.
    pub engine: SocketAddr,
    /// Where its wire protocol is served to tools.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the database file and serves it until `stop` changes.
    pub async fn start(
        file: &Path,
        door: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let path = file.to_str().ok_or_else(|| anyhow!("The data folder's path is not UTF-8."))?;
        let database =
            Database::new(path).map_err(|error| anyhow!("The database {path} can't be opened: {error:?}"))?;
        index_streams(file)?;
        let listener = listen(0, "DynamoDB's engine", "nothing").await?;
        let (engine, address) = (listener.local_addr()?, door.local_addr()?);
        tokio::spawn(keep_door(door, engine, stop.clone()));
        let served = database.clone();
        let serving = tokio::spawn(async move {
            let stopped = async move {
                let _ = stop.wait_for(|stop| *stop).await;
            };
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, served, stopped).await {
                tracing::error!(error, "the embedded DynamoDB ended");
            }
        });
        Ok(Self { database, engine, address, serving })
    }

    /// Waits for the last request.
    pub async fn ended(self) {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(3), self.serving).await;
        if ended.is_err() {
            tracing::debug!("connections to the embedded DynamoDB were still open");
        }
    }
}

/// At each write the engine looks for the newest record of the table's stream
/// among all there ever were. With an index that doesn't take longer each time.
fn index_streams(file: &Path) -> anyhow::Result<()> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS stream_records_in_order \
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )?;
    Ok(())
}

/// Passes requests on to the engine, but for a browser's.
async fn keep_door(door: TcpListener, engine: SocketAddr, mut stop: watch::Receiver<bool>) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
    let router = axum::Router::new()
        .fallback(move |request: axum::extract::Request| pass(client.clone(), engine, request));
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(door, router).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the door to the embedded DynamoDB ended");
    }
}

async fn pass(
    client: reqwest::Client,
    engine: SocketAddr,
    request: axum::extract::Request,
) -> axum::response::Response {
    let answer = |status: StatusCode| {
        let mut response = axum::response::Response::new(axum::body::Body::empty());
        *response.status_mut() = status;
        response
    };
    if from_a_page(request.headers()) {
        return answer(StatusCode::FORBIDDEN);
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let passed = client
        .request(parts.method, format!("http://{engine}{path}"))
        .headers(parts.headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await;
    match passed {
        Ok(response) => Response::from(response).map(axum::body::Body::new),
        Err(_) => answer(StatusCode::BAD_GATEWAY),
    }
}

/// Whether a request was sent by a page in a browser, or to a name that was
/// made to point here (DNS rebinding). Tools send neither header.
pub fn from_a_page(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    from_a_browser(headers) || !is_loopback(host)
}

/// Whether a request was sent by a page in a browser.
pub fn from_a_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Whether a Host names this machine by its loopback names.
pub fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    matches!(name.map_or(host, |(name, _)| name), "127.0.0.1" | "localhost" | "[::1]")
}

/// Serves the embedded SQS until `stop` changes. Its queues are in memory.
pub fn start_sqs(listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let engine = SqsHttpService::new(handler, SqsHttpConfig::default());
    tokio::spawn(async move {
        loop {
            let connection = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let Ok((stream, _)) = connection else { continue };
            let engine = engine.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let engine = engine.clone();
                async move {
                    if from_a_page(request.headers()) {
                        let mut refusal = Response::new(SqsResponseBody::empty());
                        *refusal.status_mut() = StatusCode::FORBIDDEN;
                        return Ok(refusal);
                    }
                    engine.call(request).await
                }
            });
            let mut stop = stop.clone();
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    _ = connection => {}
                    _ = stop.wait_for(|stop| *stop) => {}
                }
            });
        }
    });
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tools_on_this_machine_reach_the_engines() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        assert!(!from_a_page(&headers(&[("host", "127.0.0.1:9091")])));
        assert!(!from_a_page(&headers(&[("host", "localhost")])));
        assert!(from_a_page(&headers(&[("host", "127.0.0.1:9091"), ("origin", "http://a.example")])));
        assert!(from_a_page(&headers(&[("host", "127.0.0.1:9091"), ("sec-fetch-site", "cross-site")])));
        assert!(from_a_page(&headers(&[("host", "rebound.example:9091")])));
        assert!(from_a_page(&headers(&[])));
    }

    #[test]
    fn the_newest_record_of_a_stream_is_found_by_an_index() {
        let folder = std::env::temp_dir().join(format!("workshop-streams-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("dynamodb.sqlite");
        let _engine = Database::new(file.to_str().unwrap()).unwrap();
        // At each start, so more than once.
        index_streams(&file).unwrap();
        index_streams(&file).unwrap();
        let database = rusqlite::Connection::open(&file).unwrap();
        database
            .execute_batch(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                 INSERT INTO _stream_records
                     (table_name, event_name, keys_json, sequence_number, shard_id, created_at)
                 SELECT 'drafts', 'INSERT', '{}', i, 's', 0 FROM n",
            )
            .unwrap();
        // As the engine asks.
        let mut newest = database
            .prepare(
                "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                 WHERE table_name = ?1",
            )
            .unwrap();
        let next: i64 = newest.query_row(["drafts"], |row| row.get(0)).unwrap();
        let steps = newest.get_status(rusqlite::StatementStatus::VmStep);
        assert_eq!(next, 1_001);
        assert!(steps < 100, "{steps} steps for 1,000 records");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
