//! A function's process: started, given events, ended.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use axum::body::Bytes;
use futures::StreamExt;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::runtime_api::{Answer, Place};

/// How long a [`Leash`] has to end.
const STOPPING_LIMIT: Duration = Duration::from_secs(10);
/// Bytes of a binary that are compared at once.
const READ_AT_ONCE: usize = 256 * 1_024;
/// Lives as long as its standard input is open, and then kills its process
/// group, itself with it: also when this process was killed, and could end
/// nothing any more.
const LEASH: &str = "read -r _; kill -KILL 0";

/// What ends with this process, however it ends: a process group.
pub(crate) struct Leash {
    shell: Child,
    /// The group, for `process_group` of what is to end with it.
    pub group: i32,
}

impl Leash {
    /// A group of which nothing runs yet.
    pub fn new() -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", LEASH]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C goes to a whole group, and functions may have answers to finish first.
        let shell = command.process_group(0).spawn().context("sh can't be started")?;
        let id = shell.id().ok_or_else(|| anyhow!("sh ended at once"))?;
        Ok(Self { shell, group: id.try_into()? })
    }

    /// Ends all of it.
    pub async fn stop(mut self) {
        drop(self.shell.stdin.take());
        if timeout(STOPPING_LIMIT, self.shell.wait()).await.is_err() {
            let _ = self.shell.kill().await;
        }
    }
}

/// A function's process, of one build. Dropping this ends it.
pub(crate) struct Process {
    name: String,
    place: Arc<Place>,
    build: Build,
    /// How it ended, once that is known.
    ended: watch::Receiver<Option<String>>,
    /// Asks whether it is alive: what is sent along is dropped when it isn't.
    ask: mpsc::Sender<oneshot::Sender<()>>,
    stop: Arc<Notify>,
}

/// One build of a binary: its file as it was opened, whatever is put in its place.
pub(crate) struct Build(File);

impl Build {
    /// The one that is there now.
    pub fn of(binary: &Path) -> io::Result<Self> {
        File::open(binary).map(Self)
    }

    /// Whether another one has other contents. Cargo links all functions again
    /// when their library changes; most become what they were.
    fn is_other(&self, other: &Self) -> io::Result<bool> {
        let (here, there) = (self.0.metadata()?, other.0.metadata()?);
        if here.len() != there.len() {
            return Ok(true);
        }
        if here.modified()? == there.modified()? {
            return Ok(false);
        }
        let read = |file: &File| {
            let mut file = file.try_clone()?;
            file.rewind()?;
            io::Result::Ok(BufReader::with_capacity(READ_AT_ONCE, file))
        };
        let (mut here, mut there) = (read(&self.0)?, read(&other.0)?);
        loop {
            let (one, other) = (here.fill_buf()?, there.fill_buf()?);
            let bytes = one.len().min(other.len());
            if one.get(..bytes) != other.get(..bytes) {
                return Ok(true);
            }
            if bytes == 0 {
                return Ok(one.len() != other.len());
            }
            here.consume(bytes);
            there.consume(bytes);
        }
    }
}

impl Process {
    /// Starts the function `name`, whose binary `command` names, at `place`.
    pub fn start(name: &str, build: Build, mut command: Command, place: Place) -> io::Result<Arc<Self>> {
        command
            .env("AWS_LAMBDA_RUNTIME_API", &place.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        // It is there until the process has ended, which would take its absence for a fault.
        let place = Arc::new(place);
        let held = place.clone();
        let (tell, ended) = watch::channel(None);
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<()>>(1);
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        tokio::spawn(async move {
            let ended = loop {
                tokio::select! {
                    ended = child.wait() => break ended,
                    () = stopped.notified() => break child.kill().await.and(child.wait().await),
                    // The system knows sooner than it tells.
                    Some(alive) = asked.recv() => match child.try_wait() {
                        Ok(None) => _ = alive.send(()),
                        Ok(Some(status)) => break Ok(status),
                        Err(error) => break Err(error),
                    },
                }
            };
            drop(held);
            let _ =
                tell.send(Some(ended.map_or_else(|error| error.to_string(), |status| status.to_string())));
        });
        Ok(Arc::new(Self { name: name.to_owned(), place, build, ended, ask, stop }))
    }

    /// Whether it can be called, as the system knows it now.
    pub async fn is_alive(&self) -> bool {
        let (alive, answer) = oneshot::channel();
        self.ask.send(alive).await.is_ok() && answer.await.is_ok()
    }

    /// Whether another build than its own is there now. Files are read for it.
    pub fn is_old(&self, binary: &Path) -> io::Result<bool> {
        self.build.is_other(&Build::of(binary)?)
    }

    /// Gives it an event, once it has answered those before it. It lives until
    /// its answer is read to the end, or dropped.
    ///
    /// # Errors
    /// When it fails, or ends before it has answered.
    pub async fn call(self: Arc<Self>, event: Bytes, limit: Duration) -> anyhow::Result<Answer> {
        let mut ended = self.ended.clone();
        let outcome = tokio::select! {
            // It may answer and end.
            biased;
            outcome = self.place.invoke(event, limit) => outcome,
            ended = ended.wait_for(Option::is_some) => {
                let how = ended.ok().and_then(|how| how.clone()).unwrap_or_default();
                bail!("{} ended before it answered ({how})", self.name)
            }
        };
        match outcome? {
            Ok(Answer { streams, pieces }) => {
                let held = self.clone();
                let pieces = pieces.inspect(move |_| _ = &held).boxed();
                Ok(Answer { streams, pieces })
            }
            Err(told) => bail!("{} failed: {told}", self.name),
        }
    }

    /// Ends it, and what it is doing.
    pub fn end(&self) {
        self.stop.notify_one();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime_api::RuntimeApi;

    const LIMIT: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command
    }

    fn start(api: &RuntimeApi, script: &str) -> Arc<Process> {
        let build = Build::of(Path::new("/bin/sh")).unwrap();
        Process::start("scripted", build, shell(script), api.place().unwrap()).unwrap()
    }

    #[test]
    fn a_build_is_another_when_its_contents_are() {
        let file = std::env::temp_dir().join(format!("workshop-build-{}", std::process::id()));
        // As cargo puts a binary in its place.
        let put = |contents: &[u8]| {
            let _ = std::fs::remove_file(&file);
            std::fs::write(&file, contents).unwrap();
            Build::of(&file).unwrap()
        };
        let mut contents = vec![7; 3 * READ_AT_ONCE];
        let first = put(&contents);
        assert!(!first.is_other(&Build::of(&file).unwrap()).unwrap(), "it is the same file");
        std::thread::sleep(Duration::from_millis(20));
        let same = put(&contents);
        assert!(!first.is_other(&same).unwrap(), "it was built again to the same");
        *contents.last_mut().unwrap() = 8;
        let other = put(&contents);
        for _ in 0..2 {
            assert!(first.is_other(&other).unwrap(), "its last byte is another");
        }
        contents.push(8);
        assert!(other.is_other(&put(&contents)).unwrap(), "it is longer");
        std::fs::remove_file(file).unwrap();
    }

    #[tokio::test]
    async fn what_is_led_ends_with_its_leash() {
        let leash = Leash::new().unwrap();
        let mut led = shell("sleep 60 & wait").process_group(leash.group).spawn().unwrap();
        leash.stop().await;
        let ended = timeout(Duration::from_secs(5), led.wait()).await.unwrap().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9));
    }

    #[tokio::test]
    async fn a_call_is_told_how_its_process_ended() {
        let api = RuntimeApi::start().await.unwrap();
        let process = start(&api, "exit 3");
        let told = process.clone().call("{}".into(), LIMIT).await.err().unwrap().to_string();
        assert_eq!(told, "scripted ended before it answered (exit status: 3)");
        assert!(!process.is_alive().await);
    }

    #[tokio::test]
    async fn a_process_ends_when_it_is_told_to_or_no_longer_held() {
        let api = RuntimeApi::start().await.unwrap();
        let process = start(&api, "sleep 60");
        assert!(process.is_alive().await);
        let called = process.clone().call("{}".into(), LIMIT);
        process.end();
        let told = timeout(Duration::from_secs(5), called).await.unwrap().err().unwrap().to_string();
        assert_eq!(told, "scripted ended before it answered (signal: 9 (SIGKILL))");
        let process = start(&api, "sleep 60");
        let mut ended = process.ended.clone();
        drop(process);
        assert!(timeout(Duration::from_secs(5), ended.wait_for(Option::is_some)).await.unwrap().is_ok());
    }
}
