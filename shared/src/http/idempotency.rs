//! `Idempotency-Key`: a repeat of a request is given the first answer.

use lambda_http::http::{HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::extract::idempotency_key;
use super::problem::{Code, Problem};
use super::respond::{Request, Response};
use crate::app::App;
use crate::auth::User;
use crate::domain::text::FieldError;
use crate::store::{Claim, Held, Stored};

/// A first request, or a repeat of one.
#[derive(Debug)]
pub enum Attempt {
    /// Do it; what it makes gets this id.
    First(Idempotent),
    /// It was answered: this is the answer.
    Repeat(Response),
}

/// A request that is being answered for the first time.
#[derive(Debug)]
pub struct Idempotent {
    /// The id for what the request makes. Stable over repeats, so that one
    /// whose first try died half-way finds what that try made.
    pub id: Uuid,
    held: Option<Held>,
}

/// Looks at the request's key, if it has one.
pub async fn begin(
    app: &App,
    user: &User,
    route: &'static str,
    request: &Request,
) -> Result<Attempt, Problem> {
    let fresh = app.new_id();
    let Some(key) = idempotency_key(request)? else {
        return Ok(Attempt::First(Idempotent { id: fresh, held: None }));
    };
    let claim =
        app.store().idempotency.claim(&user.id, route, &key, &fingerprint(request), fresh, app.now()).await?;
    match claim {
        Claim::Mine(held) => Ok(Attempt::First(Idempotent { id: held.made_id, held: Some(held) })),
        Claim::Answered(stored) => Ok(Attempt::Repeat(replay(stored)?)),
        Claim::AtWork => Err(Problem::new(
            Code::Conflict,
            "The first request with this Idempotency-Key is still being answered. Try again shortly.",
        )
        .with_retry_after(2)),
        Claim::Different => Err(FieldError {
            pointer: "Idempotency-Key".to_owned(),
            detail:
                "This Idempotency-Key was used for a different request. Use a new key; nothing was changed."
                    .to_owned(),
        }
        .into()),
    }
}

/// Answers a request by `make`, which is given the id for what it makes; or,
/// when the request is a repeat, by the first answer. A repeat whose first try
/// died is answered by `made`, which is given the same id and looks for what
/// that try had made: the world may have changed since, so that it could not be
/// made again.
pub async fn once<D, Made, F, Fut>(
    app: &App,
    user: &User,
    route: &'static str,
    request: &Request,
    made: D,
    make: F,
) -> Result<Response, Problem>
where
    D: FnOnce(Uuid) -> Made,
    Made: Future<Output = Result<Option<Response>, Problem>>,
    F: FnOnce(Uuid) -> Fut,
    Fut: Future<Output = Result<Response, Problem>>,
{
    let first = match begin(app, user, route, request).await? {
        Attempt::Repeat(response) => return Ok(response),
        Attempt::First(first) => first,
    };
    let found = if first.takes_over() { made(first.id).await } else { Ok(None) };
    let result = match found {
        Ok(Some(response)) => Ok(response),
        Ok(None) => make(first.id).await,
        Err(problem) => Err(problem),
    };
    first.conclude(app, result).await
}

impl Idempotent {
    /// Whether an earlier try of the same request died or failed, which may
    /// have made what it was to make.
    fn takes_over(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.taken_over)
    }

    /// Stores what `result` answers for repeats. A refusal (4xx) made nothing:
    /// its key may be used again. After a failure the next repeat takes over
    /// at once. When the record can't be written the answer stands all the
    /// same: what was done was done.
    pub async fn conclude(self, app: &App, result: Result<Response, Problem>) -> Result<Response, Problem> {
        let Some(held) = self.held else { return result };
        let records = &app.store().idempotency;
        let recorded = match &result {
            Ok(response) => records.answer(&held, &stored(response)).await,
            Err(problem) if problem.code().status().is_client_error() && !held.taken_over => {
                records.forget(&held).await
            }
            Err(_) => records.release(&held).await,
        };
        if let Err(error) = recorded {
            tracing::warn!(%error, "the answer to a repeatable request could not be recorded");
        }
        result
    }

    /// Lets a repeat take over: something was made, and then this try failed.
    pub async fn fail(self, app: &App) {
        let Some(held) = self.held else { return };
        if let Err(error) = app.store().idempotency.release(&held).await {
            tracing::warn!(%error, "a repeatable request could not be released");
        }
    }
}

fn stored(response: &Response) -> Stored {
    let location = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    Stored {
        status: response.status().as_u16(),
        body: String::from_utf8_lossy(response.body().as_ref()).into_owned(),
        location: location.map(str::to_owned),
    }
}

fn replay(stored: Stored) -> Result<Response, Problem> {
    let mut response = Response::new(stored.body.into());
    *response.status_mut() = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    if let Some(location) = stored.location.and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::LOCATION, location);
    }
    Ok(response)
}

/// What a request asks for: its path, query and body.
fn fingerprint(request: &Request) -> String {
    let mut hash = Sha256::new();
    for part in [request.uri().path().as_bytes(), request.uri().query().unwrap_or_default().as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let body: &[u8] = request.body().as_ref();
    hash.update(body);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
