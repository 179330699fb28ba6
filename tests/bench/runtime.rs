//! The Runtime API that Lambda gives a function (version 2018-06-01): a
//! function's binary runs as a process of its own, asks for an event, and
//! posts its answer.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as PathParameters, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A function that takes longer is taken for broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server for one function, which has one request in flight.
pub struct Runtime {
    address: String,
    asked: mpsc::UnboundedReceiver<Instant>,
    events: mpsc::UnboundedSender<Bytes>,
    answers: mpsc::UnboundedReceiver<Result<Bytes, Bytes>>,
    serving: JoinHandle<()>,
}

/// What the routes share.
struct Channels {
    asked: mpsc::UnboundedSender<Instant>,
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    answers: mpsc::UnboundedSender<Result<Bytes, Bytes>>,
}

impl Runtime {
    /// Starts one on a port of its own; it ends with its value.
    pub async fn start() -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        let (events, handed) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let channels = Arc::new(Channels { asked: asks, events: Mutex::new(handed), answers: answer });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/2018-06-01/runtime/init/error", post(failed))
            .with_state(channels);
        let (address, serving) = serve(router).await;
        Self { address, asked, events, answers, serving }
    }

    /// Starts a function's binary, which knows only this environment besides Lambda's own.
    pub fn spawn(&self, binary: &Path, environment: &[(&str, &str)]) -> Child {
        Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", &self.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", binary.display()))
    }

    /// Waits until the function asks for an event: when it did.
    pub async fn asked(&mut self) -> Instant {
        let asked = timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("the function asks for an event").expect("the server runs")
    }

    /// Hands an event to the function, which has asked for one, and waits for its answer.
    pub async fn invoke(&mut self, event: Bytes) -> Bytes {
        self.events.send(event).expect("the server runs");
        let answer = timeout(PATIENCE, self.answers.recv()).await.expect("the function answers");
        answer.expect("the server runs").unwrap_or_else(|error| panic!("{}", String::from_utf8_lossy(&error)))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn next(State(channels): State<Arc<Channels>>) -> impl IntoResponse {
    let _ = channels.asked.send(Instant::now());
    let event = channels.events.lock().await.recv().await;
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench"),
        (
            "lambda-runtime-trace-id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        ),
        ("content-type", "application/json"),
    ];
    event.map(|event| (headers, event)).ok_or(StatusCode::GONE)
}

async fn answered(
    State(channels): State<Arc<Channels>>,
    PathParameters(_): PathParameters<String>,
    answer: Bytes,
) -> StatusCode {
    let _ = channels.answers.send(Ok(answer));
    StatusCode::ACCEPTED
}

async fn failed(State(channels): State<Arc<Channels>>, error: Bytes) -> StatusCode {
    let _ = channels.answers.send(Err(error));
    StatusCode::ACCEPTED
}

/// Serves `router` on a port of its own: its address, without a scheme, and the task that serves it.
pub async fn serve(router: Router) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
    (address, serving)
}

/// A binary that was built beside this program: in the folder of the profile that it was built in.
pub fn built(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let binary = this.ancestors().nth(2).expect("a folder").join(name);
    assert!(binary.exists(), "{} is missing: `make bench` builds it", binary.display());
    binary
}

/// What a function of the workshop's reads from its environment, with its store at `address`.
pub fn settings(store: &str) -> Vec<(&'static str, String)> {
    let named = [
        ("WORKSHOP_DRAFTS_TABLE", "drafts"),
        ("WORKSHOP_LIBRARY_TABLE", "library"),
        ("WORKSHOP_ARTICLES_TABLE", "articles"),
        ("WORKSHOP_USAGE_TABLE", "usage"),
        ("WORKSHOP_ISSUER", "https://issuer.invalid"),
        ("WORKSHOP_CLIENT_ID", "workshop"),
        ("WORKSHOP_CURSOR_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let mut settings: Vec<_> = named.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    settings.push(("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{store}")));
    settings
}
