//! What handlers are given and answer with, and what every answer has.

use std::convert::Infallible;
use std::future::Future;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use serde::Serialize;
use tracing::Instrument;

use super::problem::Problem;
use crate::app::App;

/// A request with its path parameters and the gateway's context.
pub type Request = lambda_http::Request;
/// A response that is sent whole.
pub type Response = lambda_http::Response<Body>;
/// A response that is sent as it grows.
pub type StreamingResponse = lambda_http::Response<BoxBody<Bytes, Infallible>>;

/// `value` as JSON.
pub fn json_response(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_string(value).map_err(Problem::internal)?;
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The id that the gateway gave the request, or a new one.
pub fn request_id(app: &App, request: &Request) -> String {
    let given = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.request_id.clone(),
        _ => None,
    };
    given.unwrap_or_else(|| app.new_id().to_string())
}

/// Lets `handle` answer `request`, turns a problem into a response, and gives
/// the response what every one has.
pub async fn answer<F, Fut>(app: &App, request: Request, handle: F) -> Response
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Result<Response, Problem>>,
{
    let id = request_id(app, &request);
    let span = tracing::info_span!("request", request_id = %id);
    let result = handle(request).instrument(span.clone()).await;
    let mut response = result.unwrap_or_else(|problem| {
        span.in_scope(|| problem.log());
        problem.response(&id)
    });
    finish(response.headers_mut(), &id);
    response
}

/// The same for a response that is sent as it grows.
pub async fn streamed<F, Fut>(app: &App, request: Request, handle: F) -> StreamingResponse
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Result<StreamingResponse, Problem>>,
{
    let id = request_id(app, &request);
    let span = tracing::info_span!("request", request_id = %id);
    let result = handle(request).instrument(span.clone()).await;
    let mut response = result.unwrap_or_else(|problem| {
        span.in_scope(|| problem.log());
        problem.response(&id).map(|body| Full::new(Bytes::copy_from_slice(body.as_ref())).boxed())
    });
    finish(response.headers_mut(), &id);
    response
}

/// Adds the request's id; keeps shared caches and the browser's from storing
/// what belongs to one user and changes often; and stops content sniffing.
fn finish(headers: &mut lambda_http::http::HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", value);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
