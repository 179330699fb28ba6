//! Against what one would use instead: FastAPI with SQLite on uvicorn
//! (`reference.py`), the same routes, asked by the same client for the same.
//!
//! First the whole of both: the local machine, whose every store call goes
//! over DynamoDB's real wire protocol, and FastAPI with SQLite in its process.
//! Then both without their stores, as a function would stand in for FastAPI:
//! what a request takes of a processor, memory, and the time to be ready.

mod alone;
mod whole;

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::figures::Table;

/// How often a server that starts is asked whether it answers.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who asks.
const USER: &str = "bench";

/// Both comparisons.
pub fn measure(table: &mut Table) {
    let machines = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let draft = machines.block_on(alone::Draft::written());
    drop(machines);
    // The client keeps to one thread, so that it leaves the other processor to who answers.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let identity = whole::measure(table).await;
        alone::measure(table, &identity, &draft).await;
    });
}

/// A token of the local machine's, and what one needs to check it: FastAPI takes the same.
struct Identity {
    token: String,
    issuer: String,
    key_set: String,
}

impl Identity {
    /// What FastAPI reads from its environment.
    fn settings(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("REFERENCE_KEY_SET", &self.key_set),
            ("REFERENCE_ISSUER", &self.issuer),
            ("REFERENCE_CLIENT_ID", "workshop"),
        ]
    }
}

/// FastAPI on uvicorn, one process of it. It ends with its value.
struct Reference {
    url: String,
    pid: u32,
    /// From its start to its first answer.
    ready: Duration,
    process: Child,
}

impl Reference {
    /// Starts it as it would be started to be fast: uvicorn's event loop and parser in C, no access log.
    async fn start(environment: &[(&str, &str)]) -> Self {
        let uvicorn = tests::root().join(".venv/bench/bin/uvicorn");
        assert!(uvicorn.exists(), "{} is missing: `make bench` installs it", uvicorn.display());
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port().to_string();
        let began = Instant::now();
        let process = Command::new(uvicorn)
            .args(["reference:app", "--host", "127.0.0.1", "--port", &port])
            .args(["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"])
            // What every answer of the workshop's has, too.
            .args(["--header", "cache-control:no-store", "--header", "x-content-type-options:nosniff"])
            .arg("--app-dir")
            .arg(tests::root().join("tests/bench"))
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("uvicorn starts");
        let url = format!("http://127.0.0.1:{port}");
        answers(&url, began).await;
        let pid = process.id().expect("it runs");
        Self { url, pid, ready: began.elapsed(), process }
    }

    /// Ends it, and waits until it has.
    async fn stop(mut self) {
        self.process.kill().await.expect("it ends");
    }
}

/// Waits until a server that was started at `began` answers.
async fn answers(url: &str, began: Instant) {
    let http = http();
    let health = format!("{url}/api/health");
    while !http.get(&health).send().await.is_ok_and(|answer| answer.status() == 200) {
        assert!(began.elapsed() < PATIENCE, "{url} doesn't answer");
        sleep(ASK_EVERY).await;
    }
}

/// A client that keeps its connections.
fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}
