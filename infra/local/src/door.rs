//! A guarded port in front of a server that listens on a Unix socket.
//!
//! No page can open a Unix socket, so the port is the only way in.

use std::future::pending;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::guard::from_a_page;
use crate::serving;

/// Passes requests on to the server at `socket`, and its answers back as they
/// grow, until it is dropped. A page's request is answered with 403; while the
/// server can't be reached, every other is answered with 503.
pub async fn keep(door: TcpListener, socket: &Path) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().unix_socket(socket).build()?;
    let router = Router::new().fallback(move |request| pass(client.clone(), request));
    serving::serve(door, TowerToHyperService::new(router), pending()).await;
    Ok(())
}

async fn pass(client: reqwest::Client, request: Request) -> Response {
    if from_a_page(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let passed = client
        .request(parts.method, format!("http://127.0.0.1{path}"))
        .headers(parts.headers)
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await;
    match passed {
        Ok(response) => hyper::Response::from(response).map(Body::new),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
