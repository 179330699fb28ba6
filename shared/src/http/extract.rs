//! Reading a request, with a problem that says what is wrong where it can't be read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lambda_http::RequestExt;
use lambda_http::http::{HeaderName, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::problem::{Code, Problem};
use super::respond::Request;
use crate::domain::text::FieldError;

/// The largest JSON body, in bytes. The longest draft, every character
/// escaped, takes 1.2 MB.
pub const JSON_MAX: usize = 2 * 1024 * 1024;
/// Entries of a page when nothing is said, and at the most.
const PAGE_LIMIT: (u32, u32) = (20, 100);
/// The longest a caller may wait for a run, in seconds: under API Gateway's 29.
const WAIT_MAX: u64 = 25;

/// The JSON body as a `T`. An empty body reads as `{}`.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > JSON_MAX {
        return Err(Problem::new(
            Code::TooLarge,
            "The body is larger than 2 MB. Nothing was saved; shorten it.",
        ));
    }
    if !body.is_empty() && !is_json(request) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send the body as JSON, with the header Content-Type: application/json.",
        ));
    }
    let body = if body.is_empty() { b"{}" } else { body };
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|error| {
        Problem::new(
            Code::Malformed,
            format!(
                "The body is not valid JSON (line {}, column {}). Nothing was saved.",
                error.line(),
                error.column()
            ),
        )
    })?;
    // A derived type would take an array for its fields in order.
    if !value.is_object() {
        return Err(FieldError::new("", "The body must be a JSON object, such as {}.").into());
    }
    serde_path_to_error::deserialize(value).map_err(|error| Problem::from(field_error(&error)))
}

fn is_json(request: &Request) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence =
        content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Where a value did not fit its type, and why. Serde's messages name fields
/// and expected types, and quote at most the wrong scalar the caller sent.
fn field_error(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let message = error.inner().to_string();
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&escaped(key));
            }
            serde_path_to_error::Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            _ => {}
        }
    }
    let named = |prefix: &str| {
        message.strip_prefix(prefix).and_then(|rest| rest.split('`').next()).map(str::to_owned)
    };
    if let Some(field) = named("missing field `") {
        return FieldError {
            pointer: format!("{pointer}/{field}"),
            detail: "This field is required.".to_owned(),
        };
    }
    if let Some(field) = named("unknown field `") {
        let place = format!("/{}", escaped(&field));
        if !pointer.ends_with(&place) {
            pointer.push_str(&place);
        }
        return FieldError { pointer, detail: "There is no field of this name.".to_owned() };
    }
    FieldError { pointer, detail: format!("This value does not fit: {}.", in_plain_words(&message)) }
}

/// Serde names numbers by their Rust types.
fn in_plain_words(message: &str) -> String {
    match message.rsplit_once("expected ") {
        Some((found, "u8" | "u32" | "u64" | "i64")) => format!("{found}expected a whole number"),
        _ => message.to_owned(),
    }
}

/// The path parameter `name` as an id. What is not an id names nothing.
pub fn path_id(request: &Request, name: &str, what: &str) -> Result<Uuid, Problem> {
    let parameters = request.path_parameters_ref();
    let text = parameters.and_then(|parameters| parameters.first(name)).unwrap_or_default();
    parse_id(text).ok_or_else(|| Problem::not_found(what))
}

/// An id as this product writes it: lower case, with hyphens. Other spellings
/// of a UUID would be other keys in the store.
fn parse_id(text: &str) -> Option<Uuid> {
    let id: Uuid = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

/// The path parameter `name`, decoded. AWS and the local gateway decode it;
/// `cargo lambda watch` passes it on as it stands in the path, and so it is told.
pub fn path_text(request: &Request, name: &str) -> String {
    let parameters = request.path_parameters_ref();
    let value = parameters.and_then(|parameters| parameters.first(name)).unwrap_or_default();
    let is_encoded = value.contains('%') && request.uri().path().split('/').any(|segment| segment == value);
    if is_encoded {
        return percent_decode_str(value).decode_utf8_lossy().into_owned();
    }
    value.to_owned()
}

/// The query parameter `name`; an empty one is none, as forms send them.
pub fn query<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let value = request.query_string_parameters_ref().and_then(|parameters| parameters.first(name));
    value.filter(|value| !value.is_empty())
}

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// 1 to 100.
    pub limit: u32,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Page {
    /// Reads `limit` and `cursor`.
    pub fn of(request: &Request) -> Result<Self, Problem> {
        let limit = match query(request, "limit") {
            None => PAGE_LIMIT.0,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=PAGE_LIMIT.1).contains(&limit) => limit,
                _ => {
                    return Err(Problem::from(FieldError {
                        pointer: "?limit".to_owned(),
                        detail: format!("A page has 1 to {} entries.", PAGE_LIMIT.1),
                    }));
                }
            },
        };
        Ok(Self { limit, cursor: query(request, "cursor").map(str::to_owned) })
    }
}

fn header(request: &Request, name: HeaderName) -> Result<Option<&str>, Problem> {
    let Some(value) = request.headers().get(&name) else { return Ok(None) };
    let text = value
        .to_str()
        .map_err(|_| Problem::new(Code::Malformed, format!("The header {name} is not text.")))?;
    Ok(Some(text.trim()))
}

/// The revision a write is conditional on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Whatever it is now.
    Any,
    /// This one only.
    Revision(u64),
}

/// Reads `If-Match` (RFC 9110, section 13.1.1), which names one revision.
pub fn if_match(request: &Request) -> Result<IfMatch, Problem> {
    let Some(text) = header(request, header::IF_MATCH)? else { return Ok(IfMatch::Any) };
    if text == "*" {
        return Ok(IfMatch::Any);
    }
    let number = text.strip_prefix("W/").unwrap_or(text).trim_matches('"');
    number.parse().map(IfMatch::Revision).map_err(|_| {
        Problem::new(
            Code::Malformed,
            "If-Match must name one revision, such as \"3\", as the draft's ETag gave it.",
        )
    })
}

/// Whether the caller already has what `etag` (with its quotes) names:
/// `If-None-Match` (RFC 9110, section 13.1.2).
pub fn not_modified(request: &Request, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = request.headers().get_all(header::IF_NONE_MATCH).iter();
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|tag| {
        let tag = bare(tag);
        tag == "*" || tag == bare(etag)
    })
}

/// An ETag that tells of `content`: 96 bits of its hash.
pub fn content_tag(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default()))
}

/// The `Idempotency-Key`: 1 to 200 visible ASCII characters.
pub fn idempotency_key(request: &Request) -> Result<Option<String>, Problem> {
    let Some(key) = header(request, HeaderName::from_static("idempotency-key"))? else { return Ok(None) };
    if (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Ok(Some(key.to_owned()));
    }
    Err(Problem::new(Code::Malformed, "An Idempotency-Key has 1 to 200 ASCII characters."))
}

/// Seconds that `Prefer: wait=N` (RFC 7240, section 4.3) asks to wait, held to 25.
pub fn prefer_wait(request: &Request) -> Option<u64> {
    let values = request.headers().get_all("prefer").iter();
    let mut preferences =
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    preferences.find_map(|preference| {
        let (name, seconds) = preference.split_once('=')?;
        let seconds = seconds.trim().trim_matches('"').parse::<u64>().ok()?;
        name.trim().eq_ignore_ascii_case("wait").then_some(seconds.min(WAIT_MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::draft::Edit;
    use lambda_http::Body;

    fn post(content_type: &str, body: &str) -> Request {
        let request = lambda_http::http::Request::post("/").header("content-type", content_type);
        request.body(Body::from(body.to_owned())).unwrap()
    }

    fn pointer_and_status(body: &str) -> (u16, String) {
        let problem = json::<Edit>(&post("application/json", body)).unwrap_err().body("r");
        (problem.status, problem.errors.first().map(|e| e.pointer.clone()).unwrap_or_default())
    }

    #[test]
    fn a_path_parameter_is_decoded_once_whoever_passes_it_on() {
        let told = |path: &str, value: &str| {
            let request = lambda_http::http::Request::get(path).body(Body::Empty).unwrap();
            let parameters = std::collections::HashMap::from([("topic".to_owned(), value.to_owned())]);
            path_text(&request.with_path_parameters(parameters), "topic")
        };
        // As it stands in the path, then decoded.
        for value in ["AI%20Adoption", "AI Adoption"] {
            assert_eq!(told("/api/topics/AI%20Adoption/feeds", value), "AI Adoption");
        }
        assert_eq!(told("/api/topics/50%2525/feeds", "50%25"), "50%25", "decoded already");
        assert_eq!(told("/api/topics/100%25/feeds", "100%"), "100%");
    }

    #[test]
    fn each_kind_of_bad_body_gets_its_problem() {
        assert_eq!(pointer_and_status("{"), (400, String::new()));
        assert_eq!(pointer_and_status(r#"{"draft_name":"\ud800"}"#), (400, String::new()));
        assert_eq!(pointer_and_status(r#"{"draft_nmae":"x"}"#), (422, "/draft_nmae".into()));
        assert_eq!(pointer_and_status(r#"{"draft_name":7}"#), (422, "/draft_name".into()));
        assert_eq!(pointer_and_status(r#"{"status":"done"}"#), (422, "/status".into()));
        assert_eq!(pointer_and_status("[]"), (422, String::new()));
        let deep = "[".repeat(200);
        assert_eq!(pointer_and_status(&deep), (400, String::new()));
    }

    #[test]
    fn a_missing_field_is_named() {
        let problem = json::<crate::domain::prompt::Commit>(&post("application/json", r#"{"name":"abc"}"#));
        assert_eq!(problem.unwrap_err().body("r").errors[0].pointer, "/title");
    }

    #[test]
    fn only_json_is_read_as_json() {
        assert_eq!(json::<Edit>(&post("text/plain", "{}")).unwrap_err().code(), Code::UnsupportedMediaType);
        assert!(json::<Edit>(&post("application/json; charset=utf-8", "{}")).is_ok());
        let large = format!(r#"{{"draft_content":"{}"}}"#, "x".repeat(JSON_MAX));
        assert_eq!(json::<Edit>(&post("application/json", &large)).unwrap_err().code(), Code::TooLarge);
    }

    #[test]
    fn an_id_has_one_spelling() {
        let id = "0193a5b0-7e1c-7d6a-9c3e-0123456789ab";
        assert!(parse_id(id).is_some());
        assert!(parse_id(&id.to_uppercase()).is_none());
        assert!(parse_id(&id.replace('-', "")).is_none());
        assert!(parse_id("../META").is_none());
    }

    fn with(name: &'static str, value: &str) -> Request {
        lambda_http::http::Request::get("/").header(name, value).body(Body::Empty).unwrap()
    }

    #[test]
    fn revisions_are_read_from_if_match() {
        assert_eq!(if_match(&with("if-match", "\"7\"")).unwrap(), IfMatch::Revision(7));
        assert_eq!(if_match(&with("if-match", "*")).unwrap(), IfMatch::Any);
        assert!(if_match(&with("if-match", "\"seven\"")).is_err());
    }

    #[test]
    fn waiting_is_held_to_what_a_gateway_allows() {
        assert_eq!(prefer_wait(&with("prefer", "respond-async, wait=90")), Some(25));
        assert_eq!(prefer_wait(&with("prefer", "wait=3")), Some(3));
        assert_eq!(prefer_wait(&with("prefer", "return=minimal")), None);
    }

    #[test]
    fn if_none_match_takes_lists_and_weak_tags() {
        assert!(not_modified(&with("if-none-match", "\"1\", W/\"2\""), "\"2\""));
        assert!(!not_modified(&with("if-none-match", "\"1\""), "\"2\""));
    }
}
