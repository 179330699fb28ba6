//! How long building takes: the local machine from nothing, the same after one
//! handler was changed, until it answers, and all functions for AWS.
//!
//! It happens in a copy of the workspace, with a target folder of its own. The
//! release build takes most of an hour; `BUILDING="clean incremental"` leaves it
//! out, as any of the three can be.

use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::figures::{Bar, Estimate, Table};

/// Which builds there are.
const BUILDS: [&str; 3] = ["clean", "incremental", "release"];
/// How often the handler is changed.
const ROUNDS: usize = 7;
/// From a handler's change to the machine's first answer, in seconds.
const INCREMENTAL_BAR: f64 = 10.0;
/// All functions for AWS, in minutes.
const RELEASE_BAR: f64 = 30.0;
/// What stands before the first line of the handler that is changed.
const OPENING: &str = "pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {\n";

/// The builds' figures.
pub fn measure(table: &mut Table) {
    let asked = std::env::var("BUILDING").unwrap_or_else(|_| BUILDS.join(" "));
    let asked: Vec<&str> = asked.split_whitespace().collect();
    if let Some(word) = asked.iter().find(|word| !BUILDS.contains(word)) {
        panic!("There is no build {word:?}. There are: {}.", BUILDS.join(", "));
    }
    let is_asked = |build| asked.contains(&build);
    table.note(
        "In a copy of the workspace, with the crates' sources there and nothing built. What the build itself \
         downloads, the embeddings, is counted.",
    );
    let left_out: Vec<&str> = BUILDS.into_iter().filter(|build| !is_asked(build)).collect();
    if !left_out.is_empty() {
        table.note(format!("Only in part: BUILDING left out {}.", left_out.join(" and ")));
    }

    let copy = Copy::of_the_workspace();
    let clean = is_asked("clean").then(|| copy.clean());
    if let Some(took) = clean {
        table.figure("A clean build of the local machine", took, "s", Bar::None);
    }
    if is_asked("incremental") {
        let Changes { built, answered } = copy.changes();
        let whole: Vec<f64> = built.iter().zip(&answered).map(|(built, answered)| built + answered).collect();
        let bar = Bar::AtMost(INCREMENTAL_BAR);
        table.estimate("From a handler's change to a machine that answers", Estimate::of(&whole), "s", bar);
        table.estimate("  its build", Estimate::of(&built), "s", Bar::None);
        table.estimate("  its start", Estimate::of(&answered), "s", Bar::None);
        if let Some(clean) = clean {
            table.estimate("  the build over a clean one", over(&built, clean), "×", Bar::None);
        }
    }
    if is_asked("release") {
        let took = copy.release();
        let what = "All functions for AWS, release, on two cores";
        table.figure(what, took / 60.0, "min", Bar::AtMost(RELEASE_BAR));
        if let Some(clean) = clean {
            table.figure("  over a clean build of the local machine", took / clean, "×", Bar::None);
        }
    }
}

fn over(measured: &[f64], once: f64) -> Estimate {
    Estimate::of_ratios(measured, &vec![once; measured.len()])
}

/// A copy of the workspace, which can be changed.
struct Copy {
    original: PathBuf,
    folder: PathBuf,
    target: PathBuf,
}

/// Seconds that each change took.
#[derive(Default)]
struct Changes {
    /// Until it was built.
    built: Vec<f64>,
    /// From then on until it answered.
    answered: Vec<f64>,
}

impl Copy {
    /// Every file that git has or would take, as it is now.
    fn of_the_workspace() -> Self {
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned();
        let place = crate::release::target().join("bench-building");
        let (folder, target) = (place.join("workspace"), place.join("target"));
        remove(&folder);
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listed = Command::new("git").args(list).current_dir(&original).output().expect("git");
        assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
        let listed = String::from_utf8(listed.stdout).expect("names");
        // What was deleted is listed, too, until that is committed.
        for file in listed.split_terminator('\0').filter(|file| original.join(file).exists()) {
            let copied = folder.join(file);
            std::fs::create_dir_all(copied.parent().expect("a folder")).expect("a folder");
            std::fs::copy(original.join(file), copied).expect("a copy");
        }
        let copy = Self { original, folder, target };
        run(&mut copy.command("cargo", "fetch --locked"));
        copy
    }

    /// The local machine from nothing, in seconds.
    fn clean(&self) -> f64 {
        remove(&self.target.join("debug"));
        timed(self.command("cargo", "build --workspace --bin workshop --locked"))
    }

    /// A handler changes, again and again.
    fn changes(&self) -> Changes {
        let handler = self.folder.join("functions/src/drafts/get.rs");
        let source = std::fs::read_to_string(&handler).expect("the handler");
        assert!(source.contains(OPENING), "{} has another opening", handler.display());
        let data = self.target.join("data");
        remove(&data);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut changes = Changes::default();
        for round in 0..=ROUNDS {
            let log = format!("{OPENING}    tracing::debug!(\"change {round}\");\n");
            std::fs::write(&handler, source.replacen(OPENING, &log, 1)).expect("it is written");
            let built = timed(self.command("cargo", "build --workspace --bin workshop --locked"));
            let started = Instant::now();
            runtime.block_on(self.answer(&data));
            // The first builds what isn't built yet, and its machine makes the tables and the sample.
            if round > 0 {
                changes.built.push(built);
                changes.answered.push(started.elapsed().as_secs_f64());
            }
        }
        std::fs::write(&handler, source).expect("it is written");
        changes
    }

    /// Starts the machine that was built, and ends it when it has answered.
    async fn answer(&self, data: &Path) {
        // Nobody asks it for anything. Without one, the small model would be installed.
        let model = json!([{
            "id": "none", "label": "None", "base_url": "http://127.0.0.1:9/v1", "context_window": 8_192,
            "max_output_tokens": 1_024, "supports_tools": false, "price_in": 0, "price_out": 0,
        }]);
        let mut machine = tokio::process::Command::new(self.target.join("debug/workshop"))
            .env("WORKSHOP_PORT", "0")
            .env("WORKSHOP_DYNAMODB_PORT", "0")
            .env("WORKSHOP_SQS_PORT", "0")
            .env("WORKSHOP_DATA_DIR", data)
            .env("WORKSHOP_MODELS", model.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the machine starts");
        let mut lines = BufReader::new(machine.stdout.take().expect("piped")).lines();
        let address = loop {
            let line = lines.next_line().await.expect("a line").expect("the machine goes on");
            if let Some((_, address)) = line.split_once(" is at ") {
                break address.to_owned();
            }
        };
        let health = reqwest::get(format!("{address}/api/health")).await.expect("it answers");
        assert!(health.status().is_success(), "{}", health.status());
        machine.kill().await.expect("it ends");
    }

    /// All functions as `make deploy` builds them (infra/deploy.py) from nothing, in seconds.
    fn release(&self) -> f64 {
        let mut tools = Command::new("make");
        run(tools.args(["--silent", ".venv/.deploy-tools"]).current_dir(&self.original));
        for built in ["release", "aarch64-unknown-linux-gnu", "lambda"] {
            remove(&self.target.join(built));
        }
        // Where Rust didn't come with rustup, the target has to be there.
        let _ = self.command("rustup", "--quiet target add aarch64-unknown-linux-gnu").status();
        let cargo_lambda = self.original.join(".venv/bin/cargo-lambda");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut build = self.command(
            cargo_lambda.to_str().expect("a path"),
            "lambda build --release --locked --package functions --arm64",
        );
        // cargo-lambda's linker stands beside it.
        build.env("PATH", format!("{}:{path}", self.original.join(".venv/bin").display()));
        build.env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1").env("CARGO_BUILD_JOBS", "2");
        let took = timed(build);
        for built in ["release", "aarch64-unknown-linux-gnu", "lambda"] {
            remove(&self.target.join(built));
        }
        took
    }

    fn command(&self, program: &str, arguments: &str) -> Command {
        let mut command = Command::new(program);
        command.args(arguments.split_whitespace()).current_dir(&self.folder).stdout(stderr());
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }
}

/// How many seconds a program takes.
fn timed(mut command: Command) -> f64 {
    let started = Instant::now();
    run(&mut command);
    started.elapsed().as_secs_f64()
}

/// Runs a program, which must succeed.
fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    assert!(status.success(), "{command:?} failed: {status}");
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
}
