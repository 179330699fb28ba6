//! The handlers, called as the gateway calls them: with the claims of a token
//! that it has checked. For what a test wants to be done elsewhere than in the
//! machine: with other settings, at a given moment, or in a process that dies.

use std::collections::HashMap;

use functions::route::{Handle, Route};
use http_body_util::BodyExt;
use lambda_http::RequestExt;
use lambda_http::http::response::Parts;
use lambda_http::request::RequestContext;
use serde_json::{Value, json};
use shared::app::App;
use shared::http::{Request, answer, streamed};

/// A call of a route.
#[derive(Clone, Debug, Default)]
pub struct Call<'a> {
    /// The route's binary.
    pub binary: &'a str,
    /// Who calls.
    pub user: &'a str,
    /// Path parameters.
    pub path: &'a [(&'a str, &'a str)],
    /// Query parameters.
    pub query: &'a [(&'a str, &'a str)],
    /// Headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The JSON body; none when it is null.
    pub body: Value,
    /// A body that isn't JSON: its media type and itself.
    pub file: Option<(&'a str, &'a str)>,
}

/// What a handler answered, read whole.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub text: String,
}

impl Answered {
    /// The body as JSON; null when it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// Calls a route's handler.
pub async fn call(app: &'static App, call: &Call<'_>) -> Answered {
    handled(app, call.binary, request(call)).await
}

/// What a route's handler answers to a request.
pub async fn handled(app: &'static App, binary: &str, request: Request) -> Answered {
    let (parts, text) = respond(app, route(binary), request).await;
    let retry_after = parts.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Answered { status: parts.status.as_u16(), retry_after, text }
}

/// Answers a request as a route's function does; its body is read whole.
pub async fn respond(app: &'static App, route: &Route, request: Request) -> (Parts, String) {
    match route.handle {
        Handle::Whole(handler) => {
            let (parts, body) = answer(app, request, |request| handler(app, request)).await.into_parts();
            (parts, String::from_utf8_lossy(body.as_ref()).into_owned())
        }
        Handle::Streaming(handler) => {
            let response = streamed(app, request, |request| handler(app, request)).await;
            let (parts, body) = response.into_parts();
            let Ok(body) = body.collect().await;
            (parts, String::from_utf8_lossy(&body.to_bytes()).into_owned())
        }
    }
}

fn route(binary: &str) -> &'static Route {
    functions::routes().find(|route| route.binary == binary).expect("a route")
}

/// A call as its handler gets it.
pub fn request(call: &Call<'_>) -> Request {
    let route = route(call.binary);
    let claims = json!({"sub": call.user, "token_use": "access"});
    let context = json!({
        "requestId": "called-by-a-test", "routeKey": "", "stage": "$default", "apiId": "tests", "time": "",
        "timeEpoch": 0, "http": {"method": route.method.as_str(), "path": route.path},
        "authorizer": {"jwt": {"claims": claims, "scopes": []}},
    });
    let context = serde_json::from_value(context).map(RequestContext::ApiGatewayV2).expect("a context");
    let mut uri = route.path.to_owned();
    for (name, value) in call.path {
        uri = uri.replace(&format!("{{{name}}}"), value);
    }
    let mut request = lambda_http::http::Request::builder().method(route.method.http()).uri(uri);
    for (name, value) in call.headers {
        request = request.header(*name, *value);
    }
    let (kind, body) = match call.file {
        Some((kind, text)) => (kind, text.to_owned()),
        None if call.body.is_null() => ("application/json", String::new()),
        None => ("application/json", call.body.to_string()),
    };
    let request: Request = request.header("content-type", kind).body(body.into()).expect("a request");
    request
        .with_path_parameters(parameters(call.path))
        .with_query_string_parameters(parameters(call.query))
        .with_request_context(context)
}

fn parameters(named: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    named.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}
