//! Errors as clients see them: `application/problem+json` (RFC 9457).
//!
//! Inner layers know no HTTP: they return outcomes and errors of their own,
//! and handlers say here what those mean. What the client sees (`detail`) and
//! what the log sees (`cause`) are two fields, so that an inner error's text
//! can't reach a client by accident.

use std::fmt::Display;

use lambda_http::http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::respond::Response;
use crate::domain::text::FieldError;
use crate::limits::Limited;
use crate::llm::ModelError;
use crate::store::StoreError;

/// What went wrong, as `type` tells it. A contract with clients, so few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The request can't be read.
    Malformed,
    /// No token, or one that is not valid.
    Unauthorized,
    /// Another site's page sent it; only the local machine answers so.
    Forbidden,
    /// It does not exist, or not for this user.
    NotFound,
    /// The path exists, the verb does not.
    MethodNotAllowed,
    /// The state of the thing does not allow it.
    Conflict,
    /// A prompt of that name exists.
    NameTaken,
    /// The draft was saved by someone else in between.
    StaleRevision,
    /// The body is too large.
    TooLarge,
    /// The body is of the wrong type.
    UnsupportedMediaType,
    /// Fields are wrong; `errors` says which.
    Invalid,
    /// A limit was reached; `Retry-After` says until when.
    RateLimited,
    /// Something broke here.
    Internal,
    /// The model failed.
    ModelFailed,
    /// A part that is needed can't be reached now.
    Unavailable,
    /// The model took too long.
    ModelTimeout,
}

impl Code {
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request can't be read"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "Not found"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not possible here")
            }
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "Not possible now"),
            Self::NameTaken => (StatusCode::CONFLICT, "name-taken", "The name is taken"),
            Self::StaleRevision => {
                (StatusCode::PRECONDITION_FAILED, "stale-revision", "The draft has changed since")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "Wrong content type")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Some fields need another value"),
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "A limit was reached"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke here"),
            Self::ModelFailed => (StatusCode::BAD_GATEWAY, "model-failed", "The model failed"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now"),
            Self::ModelTimeout => (StatusCode::GATEWAY_TIMEOUT, "model-timeout", "The model took too long"),
        }
    }

    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        self.parts().0
    }
}

/// The body of an error.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProblemBody {
    /// The code, as a URN.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code, for a person.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, what was kept and what to do, for a person.
    pub detail: String,
    /// The request's id, to ask about it.
    pub instance: String,
    /// Each field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub errors: Vec<FieldError>,
    /// With `stale-revision`: the draft as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Value>,
}

/// An error on its way to a client.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    current: Option<Box<Value>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
}

impl Problem {
    /// What happened, what was kept and what to do, for a person.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same in other words.
    pub fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// A problem with a sentence for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            current: None,
            headers: Vec::new(),
            cause: None,
        }
    }

    /// The thing is absent or someone else's: both look the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("There is no such {what}. It may have been deleted or have expired."),
        )
    }

    /// Fields that are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => one.detail.clone(),
            many => format!("{} fields need another value. Nothing was changed.", many.len()),
        };
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// The draft was saved in between; `current` is it as clients see it, at
    /// `revision`.
    pub fn stale(current: &impl Serialize, revision: u64) -> Self {
        let sentence = format!(
            "This draft was saved elsewhere in between and is now at revision {revision}. Your text was not saved \
             over it: merge the two and save again."
        );
        let current = serde_json::to_value(current).ok().map(Box::new);
        let problem = Self { current, ..Self::new(Code::StaleRevision, sentence) };
        problem.with_header(header::ETAG, &format!("\"{revision}\""))
    }

    /// A limit was reached.
    pub fn limited(limit: Limited, now: crate::domain::time::Timestamp) -> Self {
        Self::new(Code::RateLimited, limit.sentence()).with_retry_after(limit.retry_after(now))
    }

    /// Something that must not happen happened. The client learns only that.
    pub fn internal(cause: impl Display) -> Self {
        Self::new(
            Code::Internal,
            "Something broke on our side. What was saved before is safe; please try again.",
        )
        .with_cause(cause)
    }

    /// Tells the client when to come back, in seconds.
    pub fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, &seconds.max(1).to_string())
    }

    /// Names the verbs that the path takes.
    pub fn with_allow(self, verbs: &str) -> Self {
        self.with_header(header::ALLOW, verbs)
    }

    fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// What the log is told.
    pub fn with_cause(self, cause: impl Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Logs what only we may know, once, here where it is handled.
    pub fn log(&self) {
        if self.code == Code::Unauthorized {
            tracing::info!(
                cause = self.cause.as_deref().unwrap_or("none given"),
                "a request was not signed in"
            );
        }
        if self.code.status().is_server_error() {
            tracing::error!(
                code = self.code.parts().1,
                cause = self.cause.as_deref().unwrap_or("none given"),
                "a request failed"
            );
        }
    }

    /// The body for the request named `instance`.
    pub fn body(&self, instance: &str) -> ProblemBody {
        let (status, code, title) = self.code.parts();
        ProblemBody {
            kind: format!("urn:prompt-workshop:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
            instance: instance.to_owned(),
            errors: self.errors.clone(),
            current: self.current.as_deref().cloned(),
        }
    }

    /// The whole response to the request named `instance`.
    pub fn response(&self, instance: &str) -> Response {
        let body = serde_json::to_string(&self.body(instance)).unwrap_or_default();
        let mut response = Response::new(body.into());
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.extend(self.headers.iter().cloned());
        response
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        Self::invalid(errors)
    }
}

impl From<FieldError> for Problem {
    fn from(error: FieldError) -> Self {
        Self::invalid(vec![error])
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Cursor => {
                Self::new(Code::Malformed, "The cursor is not one of this list. Begin again without it.")
            }
            StoreError::Busy(cause) => Self::new(
                Code::Unavailable,
                "The store is busy. What was saved before is safe; please try again in a moment.",
            )
            .with_retry_after(1)
            .with_cause(cause),
            StoreError::Broken(cause) => Self::internal(cause),
        }
    }
}

impl From<&ModelError> for Problem {
    fn from(error: &ModelError) -> Self {
        let code = match error {
            ModelError::TooSlow { .. } => Code::ModelTimeout,
            ModelError::Unreachable(_) | ModelError::Overloaded { .. } | ModelError::RateLimited { .. } => {
                Code::Unavailable
            }
            _ => Code::ModelFailed,
        };
        let problem = Self::new(code, error.sentence()).with_cause(error);
        match error.retry_after() {
            Some(wait) => problem.with_retry_after(wait.as_secs().min(86_400)),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_500_tells_the_client_nothing_internal() {
        let problem = Problem::internal("password=hunter2 at db:5432");
        let body = serde_json::to_string(&problem.body("r1")).unwrap();
        assert!(!body.contains("hunter2"), "{body}");
        assert_eq!(problem.response("r1").status(), 500);
    }

    #[test]
    fn a_field_error_names_its_place() {
        let body = Problem::from(FieldError::new("limit", "A test uses 5 to 200 articles.")).body("r1");
        assert_eq!(body.status, 422);
        assert_eq!(body.errors[0].pointer, "/limit");
        assert_eq!(body.detail, "A test uses 5 to 200 articles.");
    }

    #[test]
    fn retry_after_is_never_nought() {
        let response = Problem::new(Code::RateLimited, "Wait.").with_retry_after(0).response("r1");
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
