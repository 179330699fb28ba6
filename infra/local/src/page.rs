//! The page's files, with the headers that a browser must see on them.
//!
//! A build leaves `index.html`, files under `assets/` whose names have a hash
//! of their content, and a few whose names don't, such as the service worker.
//! Text files have a `.br` and a `.gz` beside them.

use std::path::Path;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use lambda_http::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use shared::http::{Code, Problem};
use tower::ServiceExt;
use tower_http::services::{ServeDir, ServeFile};

/// What the page may load and do (CSP Level 3): its own files and the API, and
/// nothing inline. Text becomes HTML only through the Trusted Types policies
/// named last, so that a model's answer can't become a script by a mistake of
/// the page's.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types dompurify workshop";
/// The plain page that stands in while there are no files has its styles inline.
const PLAIN_PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// A hashed name stands for one content, for ever.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Others are asked for anew each time, which takes a 304 when nothing changed.
const ASK_AGAIN: &str = "no-cache";

/// Answers a request for one of the files in `site`. The page's own paths get
/// `index.html`; what names a file that isn't there gets 404, since a tab that
/// is older than the build must not take HTML for a script.
pub(crate) async fn serve(site: Option<&Path>, request: Request) -> Result<Response, Problem> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Problem::new(Code::MethodNotAllowed, "Only the API takes this."));
    }
    let path = request.uri().path().to_owned();
    let Some(site) = site.filter(|site| site.join("index.html").exists()) else {
        return if path == "/" { Ok(plain_page()) } else { Err(nothing_here()) };
    };
    let files =
        ServeDir::new(site).append_index_html_on_directories(false).precompressed_br().precompressed_gzip();
    let served = if names_a_file(&path) {
        files.oneshot(request).await
    } else {
        let index = ServeFile::new(site.join("index.html")).precompressed_br().precompressed_gzip();
        files.fallback(index).oneshot(request).await
    };
    let mut response = match served {
        Ok(response) => response.map(Body::new),
        Err(impossible) => match impossible {},
    };
    match response.status() {
        StatusCode::NOT_FOUND => return Err(nothing_here()),
        status if status.is_server_error() => return Err(Problem::internal("a page's file can't be read")),
        _ => {}
    }
    let kept = if path.starts_with("/assets/") { FOR_EVER } else { ASK_AGAIN };
    set(&mut response, header::CACHE_CONTROL, kept);
    set(&mut response, header::VARY, "accept-encoding");
    protect(&mut response, CONTENT_SECURITY_POLICY);
    Ok(response)
}

fn names_a_file(path: &str) -> bool {
    let path = percent_decode_str(path).decode_utf8_lossy();
    path.starts_with("/assets/") || path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "Nothing is at this address.")
}

/// What stands at `/` while the page is not built.
fn plain_page() -> Response {
    let mut response = Response::new(Body::from(include_str!("without_page.html")));
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    set(&mut response, header::CACHE_CONTROL, ASK_AGAIN);
    protect(&mut response, PLAIN_PAGE_POLICY);
    response
}

/// Keeps other sites out of the page, and the page to what it needs.
fn protect(response: &mut Response, policy: &'static str) {
    set(response, header::CONTENT_SECURITY_POLICY, policy);
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(response, header::REFERRER_POLICY, "no-referrer");
    set(response, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(response, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(response, HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
