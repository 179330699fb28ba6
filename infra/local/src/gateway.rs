//! What API Gateway does: matches the route, fills the path parameters, checks
//! the token, puts its claims into the request's context, and calls the
//! function. Besides: the sign-in, uploads (`bucket.rs`) and the page (`page.rs`).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::functions::route::{Access, Handle, Route};
use ::functions::routes;
use axum::body::Body as AxumBody;
use axum::extract::Request as AxumRequest;
use axum::response::Response as AxumResponse;
use http_body_util::BodyExt;
use lambda_http::http::{HeaderValue, Method, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, RequestExt};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use shared::app::App;
use shared::auth::{Claims, bearer, refused};
use shared::http::{Code, Problem, Request, Response, answer, streamed};

use crate::bucket::{self, Bucket};
use crate::functions::Functions;
use crate::guard::is_loopback;
use crate::rest::Rest;
use crate::sign_in::SignIn;
use crate::trouble::Trouble;
use crate::watch::Watch;
use crate::{page, payload};

/// The largest request that a Lambda function takes.
const BODY_MAX: usize = 6 * 1024 * 1024;
/// API Gateway gives up on a function after 30 seconds. The embedded store
/// takes longer for the largest import, whose answer is worth waiting for.
const FUNCTION_TIMEOUT: Duration = Duration::from_secs(120);
/// What is said then.
const TOOK_TOO_LONG: &str = "This took too long. It may still be done: look before you try again.";
/// Tokens of the local sign-in hold as long as Cognito's.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);

/// The gateway.
pub struct Gateway {
    app: &'static App,
    functions: Functions,
    router: matchit::Router<Vec<&'static Route>>,
    sign_in: Arc<SignIn>,
    bucket: Bucket,
    user: Option<String>,
    site: Option<PathBuf>,
    trouble: Arc<Trouble>,
}

/// Path parameters by name, as Lambda has them.
type PathParameters = HashMap<String, Vec<String>>;

impl Gateway {
    /// A gateway to all routes, which takes requests without a token to be
    /// `user`'s or refuses them, and serves the page from `site`.
    pub fn new(
        app: &'static App,
        functions: Functions,
        sign_in: Arc<SignIn>,
        bucket: Bucket,
        user: Option<String>,
        site: Option<PathBuf>,
        trouble: Arc<Trouble>,
    ) -> anyhow::Result<Self> {
        let mut by_path: HashMap<&str, Vec<&Route>> = HashMap::new();
        for route in routes() {
            by_path.entry(route.path).or_default().push(route);
        }
        let mut router = matchit::Router::new();
        for (path, routes) in by_path {
            router.insert(path, routes)?;
        }
        Ok(Self { app, functions, router, sign_in, bucket, user, site, trouble })
    }

    /// Answers one request. A refusal is sent only after the rest of the body is read.
    pub async fn serve(self: Arc<Self>, request: AxumRequest) -> AxumResponse {
        let (request, rest) = Rest::of(request);
        let (id, trouble) = (self.app.new_id().to_string(), self.trouble.clone());
        let response = self.answer(request, &id).await;
        if response.status().is_client_error() {
            rest.read().await;
        }
        // "Try again in a moment" doesn't make room on a disk.
        match trouble.told().filter(|_| response.status().is_server_error()) {
            Some(sentence) => refuse(&Problem::new(Code::Unavailable, sentence), &id),
            None => response,
        }
    }

    async fn answer(self: Arc<Self>, request: AxumRequest, id: &str) -> AxumResponse {
        if let Err(problem) = same_site(&request) {
            return refuse(&problem, id);
        }
        let path = request.uri().path().to_owned();
        match (request.method(), path.as_str()) {
            (&Method::GET, "/.well-known/jwks.json") => json_answer(&self.sign_in.key_set()),
            (&Method::GET, "/.well-known/openid-configuration") => json_answer(&self.sign_in.discovery()),
            // What the page reads to know how people sign in: here, nobody has to.
            (&Method::GET | &Method::HEAD, "/config.json") => json_answer(&json!({"oidc": null})),
            (&Method::POST, "/local/token") => self.token(request, id).await,
            (_, path) if path == "/api" || path.starts_with("/api/") => self.call(request, id).await,
            (_, path) if path.starts_with(bucket::PATH) => {
                self.bucket.serve(request).await.unwrap_or_else(|problem| refuse(&problem, id))
            }
            _ => page::serve(self.site.as_deref(), request)
                .await
                .unwrap_or_else(|problem| refuse(&problem, id)),
        }
    }

    /// `POST /local/token {"user": "ada"}`: a token for anyone, for trying out.
    async fn token(&self, request: AxumRequest, id: &str) -> AxumResponse {
        let token = async {
            let request = self.request(request, HashMap::new()).await?;
            let asked: Value = shared::http::json(&request)?;
            let user = asked.get("user").and_then(Value::as_str).unwrap_or_default();
            let issued = self.sign_in.access_token(user, self.app.now(), TOKEN_LIFETIME, self.app.new_id());
            issued.map_err(|error| {
                Problem::from(shared::domain::text::FieldError::new("user", error.to_string()))
            })
        };
        match token.await {
            Ok(token) => json_answer(&json!({
                "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFETIME.as_secs(),
            })),
            Err(problem) => refuse(&problem, id),
        }
    }

    /// Finds the function and calls it as Lambda does: to its end, whether or
    /// not the caller is still there.
    async fn call(self: Arc<Self>, request: AxumRequest, id: &str) -> AxumResponse {
        let (route, parameters) = match self.find(&request) {
            Ok(found) => found,
            Err(problem) => return refuse(&problem, id),
        };
        let request = match self.request(request, parameters).await {
            Ok(request) => request,
            Err(problem) => return refuse(&problem, id),
        };
        if let Functions::Watched(watch) = &self.functions {
            return self.pass_on(watch.clone(), route, request, id).await;
        }
        let claims = match self.claims(route, &request).await {
            Ok(claims) => claims,
            Err(problem) => return refuse(&problem, id),
        };
        let request = match serde_json::from_value(context(&request, route, claims, id)) {
            Ok(context) => request.with_request_context(RequestContext::ApiGatewayV2(context)),
            Err(error) => return refuse(&Problem::internal(error), id),
        };
        let app = self.app;
        let called = tokio::spawn(async move {
            match route.handle {
                Handle::Whole(handler) => whole(answer(app, request, |request| handler(app, request)).await),
                Handle::Streaming(handler) => {
                    streamed(app, request, |request| handler(app, request)).await.map(AxumBody::new)
                }
            }
        });
        match tokio::time::timeout(FUNCTION_TIMEOUT, called).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => refuse(&Problem::internal(error), id),
            Err(_) => refuse(&Problem::new(Code::Unavailable, TOOK_TOO_LONG), id),
        }
    }

    /// Has a watched function answer, which checks the token itself: the
    /// machine's one user, if it has one, gets one.
    async fn pass_on(
        &self,
        watch: Arc<Watch>,
        route: &'static Route,
        mut request: Request,
        id: &str,
    ) -> AxumResponse {
        if let Some(user) = &self.user
            && route.access != Access::Open
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            let token = self.sign_in.access_token(user, self.app.now(), TOKEN_LIFETIME, self.app.new_id());
            let bearer = token.and_then(|token| Ok(HeaderValue::from_str(&format!("Bearer {token}"))?));
            match bearer {
                Ok(bearer) => request.headers_mut().insert(header::AUTHORIZATION, bearer),
                Err(error) => return refuse(&Problem::internal(error), id),
            };
        }
        let event = match payload::event(&request, &context(&request, route, None, id)) {
            Ok(event) => event,
            Err(error) => return refuse(&Problem::internal(error), id),
        };
        // A task of its own: the caller may leave, the function goes on.
        let called = tokio::spawn(async move {
            payload::response(watch.call(route.binary, event, FUNCTION_TIMEOUT).await?).await
        });
        match tokio::time::timeout(FUNCTION_TIMEOUT, called).await {
            Ok(Ok(Ok(response))) => response,
            Ok(Ok(Err(error))) => {
                let sentence = "The function failed. It may have done a part: look before you try again. What it \
                                printed says why.";
                refuse(&Problem::new(Code::Unavailable, sentence).with_cause(format!("{error:#}")), id)
            }
            Ok(Err(error)) => refuse(&Problem::internal(error), id),
            Err(_) => refuse(&Problem::new(Code::Unavailable, TOOK_TOO_LONG), id),
        }
    }

    fn find(&self, request: &AxumRequest) -> Result<(&'static Route, PathParameters), Problem> {
        let Ok(found) = self.router.at(request.uri().path()) else {
            let sentence = "Nothing is at this address. The routes are in /api/openapi.json.";
            return Err(Problem::new(Code::NotFound, sentence));
        };
        let Some(route) = found.value.iter().find(|route| route.method.http() == *request.method()) else {
            let verbs: Vec<_> = found.value.iter().map(|route| route.method.as_str()).collect();
            let verbs = verbs.join(", ");
            let sentence = format!("This address takes {verbs} only.");
            return Err(Problem::new(Code::MethodNotAllowed, sentence).with_allow(&verbs));
        };
        let mut parameters = PathParameters::new();
        for (name, value) in found.params.iter() {
            let value = percent_decode_str(value)
                .decode_utf8()
                .map_err(|_| Problem::new(Code::NotFound, "Nothing is at this address: it is not UTF-8."))?;
            parameters.insert(name.to_owned(), vec![value.into_owned()]);
        }
        Ok((route, parameters))
    }

    /// The request as the function gets it.
    async fn request(&self, request: AxumRequest, parameters: PathParameters) -> Result<Request, Problem> {
        let (parts, body) = request.into_parts();
        let body = read(body).await?;
        let body = match String::from_utf8(body) {
            Ok(text) if text.is_empty() => Body::Empty,
            Ok(text) => Body::Text(text),
            Err(error) => Body::Binary(error.into_bytes()),
        };
        let mut queries: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            queries.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        let request = Request::from_parts(parts, body);
        Ok(request.with_path_parameters(parameters).with_query_string_parameters(queries))
    }

    /// The claims of the request's token; of the machine's one user, if it has
    /// one, when there is none; nothing on a route that is open.
    async fn claims(&self, route: &Route, request: &Request) -> Result<Option<Value>, Problem> {
        if route.access == Access::Open {
            return Ok(None);
        }
        if !request.headers().contains_key(header::AUTHORIZATION) {
            let user = self.user.as_deref().ok_or_else(|| refused("no token"))?;
            return Ok(Some(claims(user, &self.sign_in.groups(user))));
        }
        let token = bearer(request).ok_or_else(|| refused("not a bearer token"))?;
        let Claims { sub, groups, .. } = self.app.keys.verify(self.app, token).await?;
        Ok(Some(claims(&sub, &groups)))
    }
}

/// The whole body, or the refusal of one that is too large.
async fn read(body: AxumBody) -> Result<Vec<u8>, Problem> {
    let mut body = body;
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Problem::new(Code::Malformed, "The request ended before its body did. Nothing was changed.")
                .with_cause(error)
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if kept.len() + data.len() > BODY_MAX {
            return Err(Problem::new(Code::TooLarge, "The body is larger than 6 MB. Nothing was changed."));
        }
        kept.extend_from_slice(&data);
    }
    Ok(kept)
}

/// A browser sends what any page asks it to. This machine has no sign-in
/// screen, so it answers its own page only: requests from other sites are
/// refused, and names that were made to point here (DNS rebinding) too.
fn same_site(request: &AxumRequest) -> Result<(), Problem> {
    let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(header::HOST)
        .or(request.uri().authority().map(|authority| authority.as_str()))
        .unwrap_or_default();
    let site = request.headers().get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let origin_is_foreign = text(header::ORIGIN)
        .is_some_and(|origin| origin.strip_prefix("http://").is_none_or(|from| from != host));
    let navigates = *request.method() == Method::GET && !request.uri().path().starts_with("/api/");
    // Another port of a loopback name is the same site, and not this one.
    let site_is_foreign = matches!(site, Some("cross-site" | "same-site"));
    if !is_loopback(host) || ((origin_is_foreign || site_is_foreign) && !navigates) {
        let sentence =
            "This workshop runs on this machine for its own page. Requests from other sites are refused.";
        return Err(Problem::new(Code::Forbidden, sentence));
    }
    Ok(())
}

/// Claims as the HTTP API's JWT authorizer writes them: a list is one text.
fn claims(sub: &str, groups: &[impl Borrow<str>]) -> Value {
    json!({"sub": sub, "token_use": "access", "cognito:groups": format!("[{}]", groups.join(" "))})
}

/// The context that the HTTP API's JWT authorizer gives (payload format 2.0).
fn context(request: &Request, route: &Route, claims: Option<Value>, id: &str) -> Value {
    let authorizer = claims.map(|claims| json!({"jwt": {"claims": claims, "scopes": []}}));
    json!({
        "requestId": id,
        "routeKey": format!("{} {}", route.method, route.path),
        "stage": "$default",
        "apiId": "local",
        "time": "",
        "timeEpoch": 0,
        "authorizer": authorizer,
        "http": {"method": request.method().as_str(), "path": request.uri().path(), "sourceIp": "127.0.0.1"},
    })
}

fn whole(response: Response) -> AxumResponse {
    response.map(|body| match body {
        Body::Text(text) => AxumBody::from(text),
        Body::Binary(bytes) => AxumBody::from(bytes),
        _ => AxumBody::empty(),
    })
}

fn refuse(problem: &Problem, id: &str) -> AxumResponse {
    tracing::info_span!("request", request_id = id).in_scope(|| problem.log());
    let mut response = whole(problem.response(id));
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert("x-request-id", id);
    }
    own(response)
}

/// An answer of the gateway's own: nobody keeps it or takes it for something else.
fn own(mut response: AxumResponse) -> AxumResponse {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn json_answer(value: &Value) -> AxumResponse {
    let mut response = AxumResponse::new(AxumBody::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    own(response)
}
