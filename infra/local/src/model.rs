//! The bundled model: SmolLM2-135M, really run, so that the workshop answers without an account or a key.
//!
//! Two packages are installed once into a virtual environment of their own (`model/requirements.txt`: the
//! weights, and llama.cpp with its OpenAI-compatible server), then `model/serve.py` serves them on a Unix
//! socket, behind a guarded loopback port ([`door`]). Both files are inside the binary; all it needs is Python. The folder holds:
//!
//! | name | what |
//! |---|---|
//! | `venv/` | the environment, with `installed` in it once it is complete |
//! | `lock` | held while installing, so that two workshops on one folder take turns |
//! | `model.log` | what pip and the server wrote since the last start |
//! | `serve.py`, `requirements.txt`, `pip.txt` | copies of what is in `model/` |

use std::convert::Infallible;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, IsTerminal, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::num::NonZero;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use shared::llm::Readiness;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::door;

/// The id that the bundled model answers to.
pub const MODEL_ID: &str = "smollm2-135m-instruct";

/// Tokens that one request and its answer may have together: what the model was trained with.
pub const CONTEXT_TOKENS: u32 = 8192;

/// Requests that are answered at the same time; more wait for their turn.
pub const SLOTS: u32 = 2;

const REQUIREMENTS: &str = include_str!("../model/requirements.txt");
const PIP: &str = include_str!("../model/pip.txt");
const SERVE: &str = include_str!("../model/serve.py");

/// The wheels of `requirements.txt` together; llama.cpp's is smaller on macOS. pip names a wheel's size only
/// when it starts on it.
const DOWNLOAD_BYTES: u64 = if cfg!(target_os = "macos") { 105_000_000 } else { 127_000_000 };

/// Loading takes a second or two; this is for a machine that is very busy or very slow.
const LOADING_LIMIT: Duration = Duration::from_secs(180);

/// The pauses before the restarts of a server that stopped, and how long it has to serve to earn them anew.
const RESTART_PAUSES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20)];
const STEADY: Duration = Duration::from_secs(10 * 60);

const WITHOUT_IT: &str = "Everything except the assistant's answers and test runs works without it. To use \
                          another model, set WORKSHOP_LLM_URL and WORKSHOP_LLM_MODEL, or OPENAI_API_KEY, or \
                          install Ollama, and start the workshop again.";

/// The bundled model, being installed, loaded or served in the background. Dropping it ends it.
pub struct BundledModel {
    base_url: String,
    readiness: watch::Receiver<Readiness>,
    task: JoinHandle<()>,
}

impl BundledModel {
    /// Starts installing, if need be, and serving; returns at once, and [`Self::readiness`] tells how it goes.
    /// Must be called inside a tokio runtime.
    ///
    /// `folder` is made if it isn't there, and belongs to the model. With `progress`, the download shows on
    /// standard error: as a bar on a terminal, else as a line each tenth.
    ///
    /// # Errors
    /// When this machine has no free port on loopback. Whatever fails later is [`Readiness::Failed`].
    pub fn start(folder: PathBuf, progress: bool) -> anyhow::Result<Self> {
        let host = Host { folder, pythons: ["python3", "python"], pauses: RESTART_PAUSES };
        Self::start_on(host, Display::new(progress))
    }

    fn start_on(host: Host, display: Display) -> anyhow::Result<Self> {
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("No port is free on 127.0.0.1.")?;
        door.set_nonblocking(true)?;
        let base_url = format!("http://{}/v1", door.local_addr()?);
        let door = tokio::net::TcpListener::from_std(door)?;
        let socket = Socket::new().context("The small model has no place for its socket.")?;
        let (sender, readiness) = watch::channel(starting("Starting the small model"));
        let task = tokio::spawn(async move {
            let mut reporter = Reporter { sender: &sender, display };
            let error = tokio::select! {
                Err(error) = host.run(&socket, &mut reporter) => error,
                Err(error) = door::keep(door, &socket.path) => error,
                else => return,
            };
            tracing::error!(error = format!("{error:#}"), "the bundled model failed");
            sender.send_replace(Readiness::Failed { detail: format!("{error} {WITHOUT_IT}") });
        });
        Ok(Self { base_url, readiness, task })
    }

    /// Where the model answers once it is ready: fixed from the start, such as `http://127.0.0.1:40071/v1`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where the model stands, now and from here on.
    pub fn readiness(&self) -> watch::Receiver<Readiness> {
        self.readiness.clone()
    }

    /// Ends the model, or its installation, which the next start does again.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for BundledModel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Threads that the model computes with: one core stays free, for the workshop and the browser.
///
/// llama.cpp's threads wait for each other, spinning, after each operation. Where one of them has to share its core,
/// all of them stand still: on two cores with one other busy process, two threads write 1.3 tokens a second, and
/// one thread 44.
fn threads(cores: usize) -> usize {
    cores.saturating_sub(1).max(1)
}

fn starting(detail: impl Into<String>) -> Readiness {
    Readiness::Starting { detail: detail.into() }
}

/// The Unix socket that the server listens on, in a folder that only this user
/// may enter. It is removed when this is dropped.
struct Socket {
    path: PathBuf,
}

impl Socket {
    /// In the system's folder for temporary files: a socket's path has room for
    /// some hundred characters (`sun_path` of unix(7)), and a data folder's may be longer.
    fn new() -> anyhow::Result<Self> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| anyhow!("no randomness: {error}"))?;
        let folder = std::env::temp_dir().join(format!("workshop-{:016x}", u64::from_ne_bytes(random)));
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        // llama.cpp takes an address that ends so for a socket's path.
        Ok(Self { path: folder.join("model.sock") })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(folder) = self.path.parent() {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// What the model has to work with. The children that it starts end with it (`kill_on_drop`).
struct Host {
    folder: PathBuf,
    pythons: [&'static str; 2],
    pauses: [Duration; 3],
}

impl Host {
    /// Runs until it is dropped or fails; the error's first line is a sentence for the user.
    async fn run(&self, socket: &Socket, reporter: &mut Reporter<'_>) -> anyhow::Result<Infallible> {
        self.install(reporter).await?;
        let mut pauses = self.pauses.into_iter();
        loop {
            reporter.report("Loading the small model");
            let started = Instant::now();
            let Err(error) = self.serve(socket, reporter.sender).await;
            if started.elapsed() > STEADY {
                pauses = self.pauses.into_iter();
            }
            let Some(pause) = pauses.next() else {
                return Err(error.context(format!(
                    "The small model stopped and could not be started again; {} says more.",
                    self.log_path().display()
                )));
            };
            tracing::warn!(error = format!("{error:#}"), "the bundled model stopped");
            reporter.report("The small model stopped and is being started again");
            sleep(pause).await;
        }
    }

    /// Serves until the server stops.
    async fn serve(
        &self,
        socket: &Socket,
        readiness: &watch::Sender<Readiness>,
    ) -> anyhow::Result<Infallible> {
        // A server that was killed has left it.
        let _ = fs::remove_file(&socket.path);
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let mut server = Command::new(self.venv_python())
            .arg("-I")
            .arg(self.folder.join("serve.py"))
            .arg("--socket")
            .arg(&socket.path)
            .args(["--context", &CONTEXT_TOKENS.to_string()])
            .args(["--slots", &SLOTS.to_string()])
            .args(["--threads", &threads(cores).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.log()?)
            // Ctrl-C goes to the whole process group; the workshop may have answers to finish first.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("Python did not start")?;
        // Held open to the end: the server lives as long as this does, even if the workshop is killed.
        let _stdin = server.stdin.take();
        let stdout = server.stdout.take().context("the server has no standard output")?;
        let mut lines = BufReader::new(stdout).lines();

        let listening = async {
            while let Some(line) = lines.next_line().await? {
                if line.starts_with("listening ") {
                    return Ok(());
                }
            }
            bail!("the server ended before it listened");
        };
        timeout(LOADING_LIMIT, listening).await.context("the server took too long to load the model")??;
        readiness.send_replace(Readiness::Ready);

        while lines.next_line().await?.is_some() {}
        let status = server.wait().await?;
        bail!("the server ended: {status}");
    }

    /// Installs the packages unless they are. An installation that was interrupted is thrown away and done
    /// again; what pip had downloaded is in its cache.
    async fn install(&self, reporter: &mut Reporter<'_>) -> anyhow::Result<()> {
        let written = "The small model's folder can't be written.";
        fs::create_dir_all(&self.folder).context(written)?;
        let lock = self.lock(reporter).await?;
        File::create(self.log_path()).context(written)?;
        for (name, text) in [("serve.py", SERVE), ("requirements.txt", REQUIREMENTS), ("pip.txt", PIP)] {
            let path = self.folder.join(name);
            // Left alone when it is right: another workshop's Python may be reading it.
            if !fs::read_to_string(&path).is_ok_and(|present| present == text) {
                fs::write(&path, text).context(written)?;
            }
        }

        // The version is in it because the packages are in a folder named after it: an environment whose
        // Python was replaced by the next version has lost them.
        let stamp = self.venv().join("installed");
        let stamp_for = |version: (u32, u32)| format!("Python {}.{}\n{REQUIREMENTS}", version.0, version.1);
        if let Some(version) = python_version(&self.venv_python()).await
            && fs::read_to_string(&stamp).is_ok_and(|text| text == stamp_for(version))
        {
            return Ok(());
        }
        match fs::remove_file(&stamp) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context(written),
            _ => {}
        }

        let (python, version) = self.find_python().await?;
        let preparing = "Preparing Python for the small model";
        let mut venv = Command::new(python);
        venv.args(["-I", "-m", "venv", "--clear"]).arg(self.venv());
        self.run_step(preparing, venv, &lock, reporter).await.with_context(|| {
            format!(
                "Python could not make a virtual environment for the small model (on Debian and Ubuntu, the \
                 package python3-venv is needed); {} says more.",
                self.log_path().display()
            )
        })?;
        let steps = [("pip.txt", preparing), ("requirements.txt", "Installing the small model")];
        for (requirements, detail) in steps {
            let pip = self.pip_install(requirements);
            self.run_step(detail, pip, &lock, reporter).await.with_context(|| {
                format!(
                    "The small model could not be downloaded; {} says why, and the next start tries again.",
                    self.log_path().display()
                )
            })?;
        }
        fs::write(stamp, stamp_for(version)).context(written)
    }

    fn pip_install(&self, requirements: &str) -> Command {
        let mut pip = Command::new(self.venv_python());
        pip.args(["-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
            .args(["--require-hashes", "--no-deps", "--only-binary=:all:"])
            .arg("-r")
            .arg(self.folder.join(requirements));
        if requirements == "requirements.txt" {
            pip.args(["--progress-bar", "raw"]);
        }
        pip
    }

    /// Runs one step of the installation. The lock is its standard input: so it stays locked until the step
    /// has ended, even if the workshop is killed meanwhile.
    async fn run_step(
        &self,
        detail: &str,
        mut command: Command,
        lock: &File,
        reporter: &mut Reporter<'_>,
    ) -> anyhow::Result<()> {
        reporter.report(detail);
        let mut log = self.log()?;
        let mut child = command
            .stdin(lock.try_clone()?)
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut download = Download::default();
        while let Some(line) = lines.next_line().await? {
            if let Some(done) = download.advance(&line) {
                reporter.report_download(done);
                continue;
            }
            if line.starts_with("Installing collected packages") {
                reporter.report(detail);
            }
            writeln!(log, "{line}")?;
        }
        let status = child.wait().await?;
        ensure!(status.success(), "{status}");
        Ok(())
    }

    /// Takes the lock, waiting for whoever has it. Polled: a thread blocked in `File::lock` could not be
    /// stopped.
    async fn lock(&self, reporter: &mut Reporter<'_>) -> anyhow::Result<File> {
        let unlockable = "The small model's folder can't be locked.";
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(self.folder.join("lock"))
            .context(unlockable)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    reporter.report("Waiting for another start to finish installing the small model");
                    sleep(Duration::from_millis(200)).await;
                }
                Err(TryLockError::Error(error)) => return Err(error).context(unlockable),
            }
        }
    }

    async fn find_python(&self) -> anyhow::Result<(&'static str, (u32, u32))> {
        let mut too_old = None;
        for python in self.pythons {
            match python_version(Path::new(python)).await {
                Some(version) if version >= (3, 10) => return Ok((python, version)),
                Some(version) => too_old = too_old.or(Some(version)),
                None => {}
            }
        }
        let found = too_old.map_or("none was found".to_owned(), |(major, minor)| {
            format!("only Python {major}.{minor} was found")
        });
        Err(anyhow!(
            "The small model needs Python 3.10 or newer, and {found}. Install it and start the workshop again."
        ))
    }

    fn venv(&self) -> PathBuf {
        self.folder.join("venv")
    }

    fn venv_python(&self) -> PathBuf {
        self.venv().join("bin/python")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("model.log")
    }

    fn log(&self) -> std::io::Result<File> {
        OpenOptions::new().append(true).create(true).open(self.log_path())
    }
}

/// Major and minor version of a Python; none when it isn't there or doesn't run.
async fn python_version(python: &Path) -> Option<(u32, u32)> {
    let output = Command::new(python)
        .args(["-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Adds up the downloads that pip reports with `--progress-bar raw`: lines of `Progress <bytes> of <bytes>`,
/// starting again with each file.
#[derive(Default)]
struct Download {
    finished: u64,
    current: u64,
    size: u64,
}

impl Download {
    /// The bytes downloaded by now, if `line` tells.
    fn advance(&mut self, line: &str) -> Option<u64> {
        let (done, size) = line.strip_prefix("Progress ")?.split_once(" of ")?;
        let (done, size) = (done.trim().parse().ok()?, size.trim().parse().ok()?);
        if size != self.size || done < self.current {
            self.finished += self.current;
        }
        (self.current, self.size) = (done, size);
        Some(self.finished + done)
    }
}

/// Tells how the start goes: to whoever watches the readiness, and on standard error.
struct Reporter<'a> {
    sender: &'a watch::Sender<Readiness>,
    display: Display,
}

impl Reporter<'_> {
    fn report(&mut self, detail: &str) {
        self.display.clear();
        self.sender.send_replace(starting(detail));
    }

    fn report_download(&mut self, done: u64) {
        let total = DOWNLOAD_BYTES.max(done);
        let detail = format!("Downloading the small model: {} of {} MB", done / 1_000_000, total / 1_000_000);
        self.display.show(&detail, done, total);
        self.sender.send_replace(starting(detail));
    }
}

enum Display {
    Nothing,
    /// The tenths that have been written.
    Lines(u64),
    Bar(ProgressBar),
}

impl Display {
    fn new(progress: bool) -> Self {
        if !progress {
            return Self::Nothing;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines(0);
        }
        let bar = ProgressBar::new(DOWNLOAD_BYTES);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}") {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    fn show(&mut self, detail: &str, done: u64, total: u64) {
        match self {
            Self::Nothing => {}
            Self::Lines(written) => {
                let tenths = done * 10 / total;
                if tenths > *written {
                    *written = tenths;
                    eprintln!("{detail}");
                }
            }
            Self::Bar(bar) => {
                if bar.is_finished() {
                    bar.reset();
                }
                bar.set_message(detail.to_owned());
                bar.set_length(total);
                bar.set_position(done);
            }
        }
    }

    fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in for Python, pip and the server. What it is asked goes to `calls`, beside it; a file
    /// `pip-fails` or `server-ends` there makes that go wrong.
    const FAKE_PYTHON: &str = r#"#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
case "$*" in
*version_info*) cat "$here/version"; exit ;;
esac
echo "$*" >> "$here/calls"
case "$*" in
*"-m venv"*) for folder; do :; done; rm -rf "$folder"; mkdir -p "$folder/bin"
    ln -s "$here/python" "$folder/bin/python" ;;
*"-m pip"*) echo "Progress 100 of 1000"; [ ! -e "$here/pip-fails" ] ;;
*serve.py*) [ -e "$here/server-ends" ] && exit 1
    echo $$ > "$here/server"; echo "listening http://127.0.0.1"; cat > "$here/stdin" ;;
esac
"#;

    struct Machine(PathBuf);

    impl Machine {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("model-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("version"), "3.12\n").unwrap();
            // By another process: Linux runs no file that this one, or a child just forked, has open.
            let status = std::process::Command::new("sh")
                .args(["-c", r#"printf %s "$1" > "$2" && chmod +x "$2""#, "sh", FAKE_PYTHON])
                .arg(folder.join("python"))
                .status();
            assert!(status.unwrap().success());
            Self(folder)
        }

        fn start(&self) -> BundledModel {
            let python: &'static str = self.0.join("python").to_str().unwrap().to_owned().leak();
            let host = Host {
                folder: self.0.join("model"),
                pythons: ["no-such-python", python],
                pauses: [Duration::ZERO; 3],
            };
            BundledModel::start_on(host, Display::Nothing).unwrap()
        }

        fn calls(&self, of: &str) -> usize {
            let calls = fs::read_to_string(self.0.join("calls")).unwrap_or_default();
            calls.lines().filter(|line| line.contains(of)).count()
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.0.join(name), text).unwrap();
        }

        fn server(&self) -> String {
            fs::read_to_string(self.0.join("server")).unwrap().trim().to_owned()
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    async fn settled(model: &BundledModel) -> Readiness {
        let mut readiness = model.readiness();
        let settled = readiness.wait_for(|now| !matches!(now, Readiness::Starting { .. }));
        timeout(Duration::from_secs(30), settled).await.unwrap().unwrap().clone()
    }

    async fn failure(model: &BundledModel) -> String {
        match settled(model).await {
            Readiness::Failed { detail } => detail,
            other => panic!("{other:?}"),
        }
    }

    async fn has_ended(process: &str) -> bool {
        for _ in 0..500 {
            let alive = Command::new("kill").args(["-0", process]).stderr(Stdio::null()).status().await;
            if !alive.unwrap().success() {
                return true;
            }
            sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn packages_are_installed_once_and_the_server_ends_with_the_workshop() {
        let machine = Machine::new("once");
        for _ in 0..2 {
            let model = machine.start();
            assert_eq!(settled(&model).await, Readiness::Ready);
            assert!(model.base_url().starts_with("http://127.0.0.1:"), "{}", model.base_url());
            model.stop().await;
            assert!(has_ended(&machine.server()).await);
        }
        assert_eq!((machine.calls("-m venv"), machine.calls("-m pip"), machine.calls("serve.py")), (1, 2, 2));
    }

    #[tokio::test]
    async fn a_failed_installation_says_so_and_is_done_again_by_the_next_start() {
        let machine = Machine::new("again");
        machine.put("pip-fails", "");
        let detail = failure(&machine.start()).await;
        assert!(detail.starts_with("The small model could not be downloaded; "), "{detail}");
        assert!(detail.contains("WORKSHOP_LLM_URL"), "{detail}");

        fs::remove_file(machine.0.join("pip-fails")).unwrap();
        let model = machine.start();
        assert_eq!(settled(&model).await, Readiness::Ready);
        assert_eq!(machine.calls("-m venv"), 2);
        model.stop().await;
    }

    #[tokio::test]
    async fn packages_are_installed_again_for_another_version_of_python() {
        let machine = Machine::new("version");
        let model = machine.start();
        assert_eq!(settled(&model).await, Readiness::Ready);
        model.stop().await;

        machine.put("version", "3.13\n");
        let model = machine.start();
        assert_eq!(settled(&model).await, Readiness::Ready);
        assert_eq!(machine.calls("-m venv"), 2);
        model.stop().await;
    }

    #[tokio::test]
    async fn two_starts_on_one_folder_install_once() {
        let machine = Machine::new("two");
        let (one, other) = (machine.start(), machine.start());
        assert_eq!((settled(&one).await, settled(&other).await), (Readiness::Ready, Readiness::Ready));
        assert_eq!((machine.calls("-m venv"), machine.calls("-m pip")), (1, 2));
        one.stop().await;
        other.stop().await;
    }

    #[tokio::test]
    async fn a_server_that_keeps_ending_is_given_up_after_three_restarts() {
        let machine = Machine::new("ends");
        machine.put("server-ends", "");
        let detail = failure(&machine.start()).await;
        assert!(detail.starts_with("The small model stopped and could not be started again; "), "{detail}");
        assert_eq!(machine.calls("serve.py"), 4);
    }

    #[tokio::test]
    async fn a_server_that_is_killed_is_started_again() {
        let machine = Machine::new("killed");
        let model = machine.start();
        assert_eq!(settled(&model).await, Readiness::Ready);
        let mut readiness = model.readiness();
        readiness.mark_unchanged();
        let killed = machine.server();
        assert!(Command::new("kill").args(["-9", &killed]).status().await.unwrap().success());
        readiness.changed().await.unwrap();
        assert_eq!(settled(&model).await, Readiness::Ready);
        assert_ne!(machine.server(), killed);
        model.stop().await;
    }

    #[tokio::test]
    async fn without_a_new_enough_python_it_says_what_to_do() {
        let machine = Machine::new("old");
        machine.put("version", "3.9\n");
        let detail = failure(&machine.start()).await;
        assert!(
            detail.starts_with("The small model needs Python 3.10 or newer, and only Python 3.9"),
            "{detail}"
        );
        machine.put("version", "");
        let detail = failure(&machine.start()).await;
        assert!(detail.contains("none was found. Install it"), "{detail}");
    }

    #[test]
    fn the_model_leaves_a_core_to_the_workshop() {
        assert_eq!([1, 2, 8].map(threads), [1, 1, 7]);
    }

    #[test]
    fn downloads_add_up_over_files() {
        let mut download = Download::default();
        let lines = [
            "Progress 0 of 100",
            "Progress 100 of 100",
            "Collecting x",
            "Progress 0 of 40",
            "Progress 30 of 40",
        ];
        let seen: Vec<_> = lines.iter().map(|line| download.advance(line)).collect();
        assert_eq!(seen, [Some(0), Some(100), None, Some(100), Some(130)]);
        assert_eq!(download.advance("Progress x of y"), None);
    }
}
