//! SQS, embedded: its wire protocol on a guarded loopback port. Its queues are in memory.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response, StatusCode};
use rustack_sqs_core::config::SqsConfig;
use rustack_sqs_core::handler::RustackSqsHandler;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_http::body::SqsResponseBody;
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::guard::from_a_page;
use crate::serving;

/// Serves it until `stop` changes; where.
pub fn start(listener: TcpListener, mut stop: watch::Receiver<bool>) -> anyhow::Result<SocketAddr> {
    let address = listener.local_addr()?;
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let handler = Arc::new(RustackSqsHandler::new(Arc::new(RustackSqs::new(config))));
    let engine = SqsHttpService::new(handler, SqsHttpConfig::default());
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
    tokio::spawn(async move {
        // A long poll would be waited for.
        tokio::select! {
            () = serving::serve(listener, service, pending()) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });
    Ok(address)
}
