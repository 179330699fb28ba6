//! SQS, embedded: its wire protocol on a guarded loopback port. Its queues are in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
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

use crate::guard::from_a_page;

/// Serves it until `stop` changes; where.
pub fn start(listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<SocketAddr> {
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
