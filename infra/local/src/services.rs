//! DynamoDB and SQS, embedded, served on loopback ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use dynoxide::Database;
use hyper_util::rt::TokioIo;
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
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
    /// Where its wire protocol is served.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl DynamoDb {
    /// Opens the database file and serves it until `stop` changes.
    pub fn start(
        file: &Path,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let path = file.to_str().ok_or_else(|| anyhow!("The data folder's path is not UTF-8."))?;
        let database =
            Database::new(path).map_err(|error| anyhow!("The database {path} can't be opened: {error:?}"))?;
        let address = listener.local_addr()?;
        let served = database.clone();
        let serving = tokio::spawn(async move {
            let stopped = async move {
                let _ = stop.wait_for(|stop| *stop).await;
            };
            if let Err(error) = dynoxide::server::serve_with_shutdown(listener, served, stopped).await {
                tracing::error!(error, "the embedded DynamoDB ended");
            }
        });
        Ok(Self { database, address, serving })
    }

    /// Waits for the last request.
    pub async fn ended(self) {
        let ended = tokio::time::timeout(std::time::Duration::from_secs(3), self.serving).await;
        if ended.is_err() {
            tracing::debug!("connections to the embedded DynamoDB were still open");
        }
    }
}

/// Serves the embedded SQS until `stop` changes. Its queues are in memory.
pub fn start_sqs(listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let service = SqsHttpService::new(handler, SqsHttpConfig::default());
    tokio::spawn(async move {
        loop {
            let connection = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            let Ok((stream, _)) = connection else { continue };
            let service = service.clone();
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
