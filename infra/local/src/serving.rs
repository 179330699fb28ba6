//! Serving HTTP/1.1 on a loopback port.

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// How long a connection may take to send the head of its next request; then it is closed. Silent connections would
/// otherwise use up the files that a process may open.
const HEAD: Duration = Duration::from_secs(30);
/// The pause after a connection that couldn't be taken, mostly since too many are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives each connection to a clone of `service` until `stopped`, and waits then for the requests that are under way.
pub async fn serve<S, B>(listener: TcpListener, service: S, stopped: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let open = GracefulShutdown::new();
    let mut stopped = pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => break,
        };
        let Ok((stream, _)) = accepted else {
            sleep(PAUSE).await;
            continue;
        };
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .serve_connection(TokioIo::new(stream), service.clone());
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // An error ends this connection only, and its client sees it.
            let _ = connection.await;
        });
    }
    open.shutdown().await;
}
