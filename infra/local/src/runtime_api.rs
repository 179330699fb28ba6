//! Lambda's Runtime API: a function's process asks for its next event, and
//! posts its answer or its error (AWS Lambda Developer Guide, "Using the Lambda
//! runtime API for custom runtimes").
//!
//! Each process has a path of its own, by a token that only it is told. Requests
//! that a browser sends are refused, as the engines refuse them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use uuid::Uuid;

use crate::guard::{from_a_page, listen};

/// The largest error that a function tells, in bytes. What is longer is cut off.
const ERROR_MAX: usize = 64 * 1_024;
/// Pieces of an answer that wait for whoever reads it; the function waits with the next one.
const PIECES_MAX: usize = 16;
/// Events that wait for one process. A caller waits with the next one.
const EVENTS_MAX: usize = 100;

/// The API of all processes. It ends with its value.
pub(crate) struct RuntimeApi {
    address: SocketAddr,
    seats: Seats,
    serving: JoinHandle<()>,
}

/// The processes by their tokens.
type Seats = Arc<Mutex<HashMap<String, Arc<Seat>>>>;

/// One process, as the API sees it.
struct Seat {
    events: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    /// Who waits for the answers to the events that it was given, by the events' ids.
    waiting: Mutex<HashMap<String, oneshot::Sender<Outcome>>>,
}

/// An event on its way.
struct Invocation {
    event: Bytes,
    /// The time that the function has from when it takes the event.
    limit: Duration,
    answer: oneshot::Sender<Outcome>,
}

/// An answer, or the function's own error, as it told it.
pub(crate) type Outcome = Result<Answer, String>;

/// A function's answer, as it comes.
pub(crate) struct Answer {
    /// Whether it is HTTP's head and body, one after the other, instead of JSON.
    pub streams: bool,
    /// It, in pieces. An error means that the function died.
    pub pieces: Pieces,
}

/// Bytes as they come.
pub(crate) type Pieces = BoxStream<'static, io::Result<Bytes>>;

/// A process's place at the API. Dropping it takes it away.
pub(crate) struct Place {
    /// What the process is told as `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    token: String,
    seats: Seats,
    events: mpsc::Sender<Invocation>,
}

impl RuntimeApi {
    /// Serves it on a port that is free.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = listen(0, "the functions", "nothing").await?;
        let address = listener.local_addr()?;
        let seats = Seats::default();
        let invocation = "/{token}/2018-06-01/runtime/invocation";
        let router = Router::new()
            .route(&format!("{invocation}/next"), get(next))
            .route(&format!("{invocation}/{{id}}/response"), post(answered))
            .route(&format!("{invocation}/{{id}}/error"), post(failed))
            .layer(middleware::from_fn(guard))
            .with_state(seats.clone());
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the functions' API ended");
            }
        });
        Ok(Self { address, seats, serving })
    }

    /// A place for one more process.
    pub fn place(&self) -> anyhow::Result<Place> {
        let token = random_id()?.simple().to_string();
        let (events, taken) = mpsc::channel(EVENTS_MAX);
        let seat = Seat { events: tokio::sync::Mutex::new(taken), waiting: Mutex::default() };
        locked(&self.seats).insert(token.clone(), Arc::new(seat));
        let address = format!("http://{}/{token}", self.address);
        Ok(Place { address, token, seats: self.seats.clone(), events })
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Place {
    /// Gives the process an event, once it has answered those before it.
    pub async fn invoke(&self, event: Bytes, limit: Duration) -> anyhow::Result<Outcome> {
        let (answer, outcome) = oneshot::channel();
        let sent = self.events.send(Invocation { event, limit, answer }).await;
        sent.map_err(|_| anyhow!("no process takes it"))?;
        outcome.await.context("the process has gone")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.seats).remove(&self.token);
    }
}

/// Refuses what a page sends, before it is looked at.
async fn guard(request: Request, next: Next) -> Response {
    if from_a_page(request.headers()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

async fn next(State(seats): State<Seats>, Path(token): Path<String>) -> Response {
    let Some(seat) = seat(&seats, &token) else { return StatusCode::NOT_FOUND.into_response() };
    let mut events = seat.events.lock().await;
    let invocation = loop {
        match events.recv().await {
            // Nobody waits for it any more, and nothing of it was done.
            Some(given_up) if given_up.answer.is_closed() => {}
            Some(invocation) => break invocation,
            None => return StatusCode::GONE.into_response(),
        }
    };
    let Ok(id) = random_id() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let id = id.to_string();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = (since_epoch + invocation.limit).as_millis();
    locked(&seat.waiting).insert(id.clone(), invocation.answer);
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:local".into(),
        ),
        ("content-type", "application/json".into()),
    ];
    (headers, invocation.event).into_response()
}

/// Takes an answer to its end, whether or not anyone still reads it.
async fn answered(
    State(seats): State<Seats>,
    Path((token, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let Some(answer) = waiting(&seats, &token, &id) else { return StatusCode::NOT_FOUND };
    let streams =
        headers.get("lambda-runtime-function-response-mode").is_some_and(|mode| mode == "streaming");
    let (pieces, read) = mpsc::channel(PIECES_MAX);
    let _ = answer.send(Ok(Answer { streams, pieces: ReceiverStream::new(read).boxed() }));
    let mut body = body.into_data_stream();
    while let Some(piece) = body.next().await {
        let is_cut = piece.is_err();
        let _ = pieces.send(piece.map_err(io::Error::other)).await;
        if is_cut {
            return StatusCode::BAD_REQUEST;
        }
    }
    StatusCode::ACCEPTED
}

async fn failed(
    State(seats): State<Seats>,
    Path((token, id)): Path<(String, String)>,
    body: Body,
) -> StatusCode {
    let Some(answer) = waiting(&seats, &token, &id) else { return StatusCode::NOT_FOUND };
    let told = axum::body::to_bytes(body, ERROR_MAX).await.unwrap_or_default();
    let _ = answer.send(Err(String::from_utf8_lossy(&told).into_owned()));
    StatusCode::ACCEPTED
}

fn seat(seats: &Seats, token: &str) -> Option<Arc<Seat>> {
    locked(seats).get(token).cloned()
}

/// Who waits for the answer to an event: nobody, when it is answered already.
fn waiting(seats: &Seats, token: &str, id: &str) -> Option<oneshot::Sender<Outcome>> {
    let seat = seat(seats, token)?;
    locked(&seat.waiting).remove(id)
}

fn random_id() -> anyhow::Result<Uuid> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn http() -> reqwest::Client {
        reqwest::Client::builder().no_proxy().build().unwrap()
    }

    fn url(place: &Place, path: &str) -> String {
        format!("{}/2018-06-01/runtime/invocation/{path}", place.address)
    }

    /// Asks for the next event as a function does: its id and the event.
    async fn next(http: &reqwest::Client, place: &Place) -> (String, String) {
        let event = http.get(url(place, "next")).send().await.unwrap().error_for_status().unwrap();
        let id = event.headers()["lambda-runtime-aws-request-id"].to_str().unwrap().to_owned();
        (id, event.text().await.unwrap())
    }

    async fn read(answer: Answer) -> Vec<io::Result<Bytes>> {
        answer.pieces.collect().await
    }

    #[tokio::test]
    async fn events_are_taken_in_turn_and_answers_reach_who_waits_for_them() {
        let api = RuntimeApi::start().await.unwrap();
        let (place, http) = (api.place().unwrap(), http());
        let process = async {
            let (id, event) = next(&http, &place).await;
            assert_eq!(event, "1");
            let answered =
                http.post(url(&place, &format!("{id}/response"))).body("one").send().await.unwrap();
            assert_eq!(answered.status(), 202);
            let again = http.post(url(&place, &format!("{id}/response"))).body("other").send().await.unwrap();
            assert_eq!(again.status(), 404, "it is answered already");
            let (id, event) = next(&http, &place).await;
            assert_eq!(event, "2");
            http.post(url(&place, &format!("{id}/error"))).body("no").send().await.unwrap();
        };
        let callers = async {
            let first = place.invoke("1".into(), LIMIT).await.unwrap().unwrap();
            assert!(!first.streams);
            assert_eq!(read(first).await.pop().unwrap().unwrap(), "one");
            assert_eq!(place.invoke("2".into(), LIMIT).await.unwrap().err().unwrap(), "no");
        };
        tokio::join!(process, callers);
    }

    #[tokio::test]
    async fn an_answer_is_passed_on_as_it_comes_and_taken_to_its_end_though_nobody_reads() {
        let api = RuntimeApi::start().await.unwrap();
        let (place, http) = (api.place().unwrap(), http());
        let (write, pieces) = mpsc::channel::<io::Result<Bytes>>(1);
        let process = async {
            let (id, _) = next(&http, &place).await;
            let streamed = http
                .post(url(&place, &format!("{id}/response")))
                .header("lambda-runtime-function-response-mode", "streaming")
                .body(reqwest::Body::wrap_stream(ReceiverStream::new(pieces)));
            assert_eq!(streamed.send().await.unwrap().status(), 202);
        };
        let caller = async {
            let mut answer = place.invoke("1".into(), LIMIT).await.unwrap().unwrap();
            assert!(answer.streams);
            // The first is here before the second is written.
            for piece in ["first", "second"] {
                write.send(Ok(piece.into())).await.unwrap();
                assert_eq!(answer.pieces.next().await.unwrap().unwrap(), piece);
            }
            drop(answer);
            for _ in 0..3 * PIECES_MAX {
                write.send(Ok("more".into())).await.unwrap();
            }
            drop(write);
        };
        tokio::join!(process, caller);
    }

    #[tokio::test]
    async fn an_event_that_nobody_waits_for_is_not_handed_out() {
        let api = RuntimeApi::start().await.unwrap();
        let (place, http) = (api.place().unwrap(), http());
        let given_up = tokio::time::timeout(Duration::from_millis(50), place.invoke("1".into(), LIMIT));
        assert!(given_up.await.is_err());
        let waits = place.invoke("2".into(), LIMIT);
        let process = async { assert_eq!(next(&http, &place).await.1, "2") };
        tokio::select! {
            _ = waits => panic!("nothing was answered"),
            () = process => {}
        }
    }

    #[tokio::test]
    async fn a_page_or_a_stranger_takes_no_event() {
        let api = RuntimeApi::start().await.unwrap();
        let (place, http) = (api.place().unwrap(), http());
        let stranger = url(&place, "next").replace(&place.token, "0123456789abcdef0123456789abcdef");
        assert_eq!(http.get(stranger).send().await.unwrap().status(), 404);
        let pages =
            [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("host", "evil.example")];
        let tried = async {
            for (name, value) in pages {
                let refused = http.get(url(&place, "next")).header(name, value).send().await.unwrap();
                assert_eq!(refused.status(), 403, "{name}: {value}");
            }
            assert_eq!(next(&http, &place).await.1, "1", "it is still there for the function");
        };
        tokio::select! {
            _ = place.invoke("1".into(), LIMIT) => panic!("nothing was answered"),
            () = tried => {}
        }
        let url = url(&place, "next");
        drop(place);
        assert_eq!(http.get(url).send().await.unwrap().status(), 404, "a place goes with its process");
    }
}
