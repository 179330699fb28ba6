//! Lambda's Runtime API, and functions that are started against it: processes
//! that ask it for events and answer them, one process at a time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// How long a function may take for a step. The slowest start under the
/// smallest quota takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where version 2018-06-01 of the API has its events.
const INVOCATION: &str = "/2018-06-01/runtime/invocation";

/// What a function says.
enum Said {
    /// That it is ready for an event, which is sent where it waits for it.
    Next(oneshot::Sender<String>),
    /// Its answer to the event.
    Answer(Bytes),
    /// Anything else: it could not start, or could not answer.
    Failure(String),
}

/// Something said, and when.
type Heard = (Instant, Said);

/// The API, for one function. It ends with its value.
struct RuntimeApi {
    address: SocketAddr,
    heard: mpsc::UnboundedReceiver<Heard>,
    serving: JoinHandle<()>,
}

/// What is started, and how.
#[derive(Clone)]
pub struct Program {
    /// The file.
    pub file: PathBuf,
    /// Its environment, without Lambda's own part of it.
    pub environment: Vec<(String, String)>,
}

/// A function that runs and waits for an event. Dropping it ends it.
pub struct Function {
    api: RuntimeApi,
    name: String,
    child: Child,
    next: oneshot::Sender<String>,
    /// When it was started.
    pub started: Instant,
    /// When it first asked for an event.
    pub ready: Instant,
}

/// How an event was answered.
pub struct Answered {
    /// When it was handed out.
    pub from: Instant,
    /// When its answer was there.
    pub to: Instant,
    /// The answer.
    pub answer: Value,
}

impl RuntimeApi {
    /// Serves it on a port of its own.
    async fn start() -> Self {
        let (say, heard) = mpsc::unbounded_channel();
        let router = Router::new()
            .route(&format!("{INVOCATION}/next"), get(next))
            .route(&format!("{INVOCATION}/{{id}}/response"), post(answered))
            .fallback(failed)
            .with_state(say);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, heard, serving }
    }

    async fn ready(&mut self, name: &str, child: &mut Child) -> (Instant, oneshot::Sender<String>) {
        match self.hear(name, child).await {
            (at, Said::Next(next)) => (at, next),
            (_, Said::Answer(answer)) => panic!("{name} answered nothing with {answer:?}"),
            (_, Said::Failure(why)) => panic!("{name} failed: {why}"),
        }
    }

    async fn hear(&mut self, name: &str, child: &mut Child) -> Heard {
        tokio::select! {
            heard = self.heard.recv() => heard.expect("the API is served"),
            ended = child.wait() => panic!("{name} ended: {ended:?}"),
            () = tokio::time::sleep(PATIENCE) => panic!("{name} says nothing"),
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Function {
    /// Starts one, within a quota if there is one, and waits until it asks for an event.
    pub async fn start(program: &Program, quota: Option<&Quota>) -> Self {
        let mut api = RuntimeApi::start().await;
        let mut command = match quota {
            None => Command::new(&program.file),
            Some(quota) => quota.command(&program.file),
        };
        command
            .env_clear()
            .envs(program.environment.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn().expect("the function starts");
        let name = program.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (ready, next) = api.ready(&name, &mut child).await;
        Self { api, name, child, next, started, ready }
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Hands it an event and waits for the answer, and until it asks for the next one.
    pub async fn answer(&mut self, event: &str) -> Answered {
        let (unasked, _) = oneshot::channel();
        let next = std::mem::replace(&mut self.next, unasked);
        let from = Instant::now();
        next.send(event.to_owned()).expect("it waits for an event");
        let (to, answer) = match self.api.hear(&self.name, &mut self.child).await {
            (to, Said::Answer(answer)) => (to, answer),
            (_, Said::Next(_)) => panic!("{} did not answer", self.name),
            (_, Said::Failure(why)) => panic!("{} failed: {why}", self.name),
        };
        (_, self.next) = self.api.ready(&self.name, &mut self.child).await;
        Answered { from, to, answer: serde_json::from_slice(&answer).expect("an answer is JSON") }
    }

    /// Ends it.
    pub async fn end(mut self) {
        self.child.kill().await.expect("it can be ended");
    }
}

async fn next(State(say): State<mpsc::UnboundedSender<Heard>>) -> Response {
    let (next, event) = oneshot::channel();
    let _ = say.send((Instant::now(), Said::Next(next)));
    let Ok(event) = event.await else { return StatusCode::GONE.into_response() };
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        // In the year 2100.
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:function"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        ("content-type", "application/json"),
    ];
    (headers, event).into_response()
}

async fn answered(State(say): State<mpsc::UnboundedSender<Heard>>, answer: Bytes) -> StatusCode {
    let _ = say.send((Instant::now(), Said::Answer(answer)));
    StatusCode::ACCEPTED
}

async fn failed(State(say): State<mpsc::UnboundedSender<Heard>>, request: Request) -> StatusCode {
    let said = request.uri().path().to_owned();
    let body = axum::body::to_bytes(request.into_body(), 100_000).await.unwrap_or_default();
    let _ = say.send((Instant::now(), Said::Failure(format!("{said} {}", String::from_utf8_lossy(&body)))));
    StatusCode::ACCEPTED
}

/// A share of one core: a group of processes that Linux lets run so long in
/// every period and no longer. It ends with its value.
pub struct Quota {
    folder: PathBuf,
}

/// In microseconds.
const PERIOD: f64 = 20_000.0;

impl Quota {
    /// None where this user may not make one.
    pub fn of(share: f64) -> Option<Self> {
        let quota = format!("{:.0}", share * PERIOD);
        // Version 2 of cgroups, and version 1, which calls its settings otherwise.
        let ways = [
            ("/sys/fs/cgroup", vec![("cpu.max", format!("{quota} {PERIOD}"))]),
            (
                "/sys/fs/cgroup/cpu",
                vec![("cpu.cfs_period_us", PERIOD.to_string()), ("cpu.cfs_quota_us", quota)],
            ),
        ];
        ways.into_iter().find_map(|(above, settings)| {
            let above = Path::new(above);
            // Elsewhere it would be any folder.
            std::fs::metadata(above.join("cgroup.procs")).ok()?;
            // Another for each share: one goes only when the last process in it has gone.
            let folder = above.join(format!("workshop-bench-{}-{:.0}", std::process::id(), 1_000.0 * share));
            std::fs::create_dir(&folder).ok()?;
            let made = Self { folder };
            let set =
                settings.iter().all(|(name, value)| std::fs::write(made.folder.join(name), value).is_ok());
            set.then_some(made)
        })
    }

    /// Runs a program in it, by way of a shell that joins it first.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"echo 0 >"$0" && exec "$1""#])
            .arg(self.folder.join("cgroup.procs"))
            .arg(program);
        command
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.folder);
    }
}
