//! The real binary on data and ports that outlive it: to be killed at any moment, and started again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Where the machine lives: its data and ports outlive it.
pub struct Site {
    /// The gateway's port.
    pub port: u16,
    binary: PathBuf,
    data: PathBuf,
    dynamodb_port: u16,
    sqs_port: u16,
    /// As `WORKSHOP_MODELS` has them; the small model when there are none.
    models: Option<Value>,
    pid: AtomicU32,
    life: AtomicU64,
}

impl Site {
    /// A place for a machine that has these `models` (as `WORKSHOP_MODELS` has them), with nothing in it yet.
    pub fn new(name: &str, models: Value) -> Self {
        Self::at(name, Some(models))
    }

    /// A place for a machine that starts the small model, as it does for a person; the model is installed already.
    pub fn with_the_small_model(name: &str) -> Self {
        let site = Self::at(name, None);
        std::fs::create_dir_all(&site.data).expect("a folder");
        let installed = crate::root().join(".workshop/model");
        std::fs::create_dir_all(&installed).expect("a folder");
        std::os::unix::fs::symlink(installed.canonicalize().expect("a path"), site.data.join("model"))
            .expect("a link");
        site
    }

    fn at(name: &str, models: Option<Value>) -> Self {
        let this = std::env::current_exe().expect("a path");
        let binary = this.ancestors().nth(2).expect("a folder").join("workshop");
        assert!(
            binary.exists(),
            "{} is missing: run `cargo build --workspace --bin workshop` first",
            binary.display()
        );
        let data = std::env::temp_dir().join(format!("workshop-{name}-{}", std::process::id()));
        let [port, dynamodb_port, sqs_port] = free_ports();
        let (pid, life) = (AtomicU32::new(0), AtomicU64::new(0));
        Self { port, binary, data, dynamodb_port, sqs_port, models, pid, life }
    }

    /// Where the workshop is, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the machine, which is not ready yet.
    pub fn spawn(&self) -> Child {
        let mut machine = Command::new(&self.binary);
        match &self.models {
            Some(models) => machine.env("WORKSHOP_MODELS", models.to_string()),
            None => machine.env_remove("WORKSHOP_MODELS"),
        };
        let machine = machine
            .env("WORKSHOP_PORT", self.port.to_string())
            .env("WORKSHOP_DYNAMODB_PORT", self.dynamodb_port.to_string())
            .env("WORKSHOP_SQS_PORT", self.sqs_port.to_string())
            .env("WORKSHOP_DATA_DIR", &self.data)
            .env("WORKSHOP_RECOVER_EVERY", "1")
            .env("WORKSHOP_LIMIT_RUNS_PER_MINUTE", "1000")
            .env("WORKSHOP_LIMIT_MESSAGES_PER_MINUTE", "1000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log())
            .kill_on_drop(true)
            .spawn()
            .expect("the machine starts");
        self.pid.store(machine.id().unwrap_or_default(), Ordering::Relaxed);
        machine
    }

    fn log(&self) -> std::fs::File {
        let path = self.data.with_extension("log");
        std::fs::File::options().create(true).append(true).open(path).expect("a log")
    }

    /// Starts the machine and waits until it prints its address.
    pub async fn start(&self) -> Child {
        let mut machine = self.spawn();
        let mut lines = BufReader::new(machine.stdout.take().expect("piped")).lines();
        let address = self.url();
        let printed = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                if line.contains(&address) {
                    return;
                }
            }
            panic!("the machine ended; see {}", self.data.with_extension("log").display());
        };
        timeout(Duration::from_secs(30), printed).await.expect("the address is printed within 30 s");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.life.fetch_add(1, Ordering::SeqCst);
        machine
    }

    /// SIGKILL, which nothing can catch.
    pub async fn kill(&self, mut machine: Child) {
        // First, so that nobody whose connection breaks finds the machine said to be alive.
        self.life.fetch_add(1, Ordering::SeqCst);
        machine.start_kill().expect("it runs");
        machine.wait().await.expect("it ended");
    }

    /// Which of its lives the machine is in; while it is dead or starts, none.
    pub fn life(&self) -> Option<u64> {
        let changes = self.life.load(Ordering::SeqCst);
        (changes % 2 == 1).then_some(changes)
    }

    /// Memory that the machine holds, in MB; none when it is dead.
    pub fn resident(&self) -> Option<f64> {
        memory(self.pid.load(Ordering::Relaxed), "VmRSS:")
    }
}

/// Memory of a process in MB: the line of this name in its status under /proc (proc_pid_status(5)); none when it
/// has ended.
pub fn memory(pid: u32, name: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    // What it calls kB are 1,024 bytes.
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1_024.0 / 1e6)
}

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            remove(&self.data);
        }
    }
}

fn remove(data: &Path) {
    let _ = std::fs::remove_dir_all(data);
    let _ = std::fs::remove_file(data.with_extension("log"));
}

fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
