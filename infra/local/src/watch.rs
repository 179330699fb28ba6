//! Each handler as a function of its own: a process of what is deployed, its
//! own binary, its settings from the environment, its stores over the wire,
//! events as Lambda gives them. No authorizer stands before it, so it checks
//! the token itself, against the key set of this machine's sign-in.
//!
//! A function is built and its process started when it is first called. After a
//! change of a source, cargo builds the functions that run, and those that
//! became others are started anew: calls under way end with the old process,
//! the next call starts the new one. Until then, and as long as it doesn't
//! compile, the old ones go on.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Bytes;
use futures::TryStreamExt;
use serde_json::Value;
use shared::config::Config;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::environment::environment;
use crate::process::{Build, Leash, Process};
use crate::runtime_api::{Answer, RuntimeApi};
use crate::sources::{self, Sources};

/// The workspace that the functions are built in.
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// How long a job may take, as the longest one when deployed.
const JOB_LIMIT: Duration = Duration::from_secs(900);
/// How long calls to an old process have to end, once there is a new one.
const OLD_LIMIT: Duration = Duration::from_secs(10);
/// How often it is looked for a binary that cargo is just putting in its
/// place, and the pause between.
const LOOKS: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The functions, each a process of its own.
pub(crate) struct Watch {
    api: RuntimeApi,
    workspace: PathBuf,
    binaries: PathBuf,
    settings: Vec<(String, String)>,
    group: i32,
    output: Output,
    state: Mutex<State>,
    /// Held while cargo builds: it does one thing at a time.
    building: Mutex<()>,
}

/// What runs, and of which sources. Functions are known by their names.
#[derive(Default)]
struct State {
    /// The processes that are called.
    running: HashMap<String, Arc<Process>>,
    /// Changes of sources since the start.
    changes: u64,
    /// After which change a function was last built.
    built: HashMap<String, u64>,
    /// After which change something didn't compile.
    broken: Option<u64>,
    /// Functions that are to be built together next.
    wanted: BTreeSet<String>,
}

impl State {
    /// The process of a function, if it is alive.
    async fn running(&self, name: &str) -> Option<Arc<Process>> {
        let process = self.running.get(name)?;
        process.is_alive().await.then(|| process.clone())
    }

    fn is_broken(&self) -> bool {
        self.broken == Some(self.changes)
    }

    /// Whether building it again would make nothing else of it.
    fn is_built(&self, name: &str) -> bool {
        self.is_broken() || self.built.get(name) == Some(&self.changes)
    }
}

/// What a watch has started. Without it all of that ends, also when this process is killed.
pub(crate) struct Watching {
    leash: Leash,
    building: JoinHandle<()>,
}

impl Watch {
    /// Watches the sources from now on; cargo looks at older changes when a
    /// function is first built. Functions get the settings that `config` has,
    /// and print into `log`, as cargo does.
    pub async fn start(config: &Config, log: Option<&Path>) -> anyhow::Result<(Arc<Self>, Watching)> {
        let workspace = Path::new(WORKSPACE).canonicalize()?;
        let leash = Leash::new()?;
        let watch = Arc::new(Self {
            api: RuntimeApi::start().await?,
            binaries: sources::binaries(&workspace).await?,
            settings: environment(config),
            group: leash.group,
            output: Output::to(log)?,
            state: Mutex::default(),
            building: Mutex::default(),
            workspace,
        });
        let mut sources = Sources::of(&watch.workspace).await;
        let builder = watch.clone();
        let building = tokio::spawn(async move {
            loop {
                sources.changed().await;
                if let Err(error) = builder.build_anew().await {
                    builder.output.tell(&format!("The functions can't be built: {error:#}"));
                }
            }
        });
        Ok((watch, Watching { leash, building }))
    }

    /// Gives an HTTP API's event to the function `name`. Its time is `limit`.
    pub async fn call(&self, name: &str, event: Bytes, limit: Duration) -> anyhow::Result<Answer> {
        self.process(name).await?.call(event, limit).await
    }

    /// Gives an event to the job `name`; its answer.
    pub async fn invoke(&self, name: &str, event: &Value) -> anyhow::Result<Value> {
        let event = Bytes::from(serde_json::to_vec(event)?);
        let answered = async {
            let pieces = self.call(name, event, JOB_LIMIT).await?.pieces;
            let whole: Vec<u8> =
                pieces.try_fold(Vec::new(), async |whole, piece| Ok([&whole, &piece[..]].concat())).await?;
            serde_json::from_slice(&whole)
                .with_context(|| format!("{name} answered something else than JSON"))
        };
        timeout(JOB_LIMIT, answered).await.with_context(|| format!("{name} took too long"))?
    }

    /// The process of a function; one that is started now, when none runs.
    async fn process(&self, name: &str) -> anyhow::Result<Arc<Process>> {
        let mut state = self.state.lock().await;
        loop {
            if let Some(process) = state.running(name).await {
                return Ok(process);
            }
            if state.is_built(name) {
                break;
            }
            drop(state);
            self.build([name.to_owned()]).await?;
            state = self.state.lock().await;
        }
        let process = self.start_process(name).await?;
        state.running.insert(name.to_owned(), process.clone());
        Ok(process)
    }

    async fn start_process(&self, name: &str) -> anyhow::Result<Arc<Process>> {
        let binary = self.binaries.join(name);
        let mut last = None;
        for _ in 0..LOOKS {
            let mut command = Command::new(&binary);
            command.envs(self.settings.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
            self.lead(&mut command)?;
            let place = self.api.place()?;
            match Build::of(&binary).and_then(|build| Process::start(name, build, command, place)) {
                Ok(process) => return Ok(process),
                Err(error) => last = Some(error),
            }
            sleep(LOOK_EVERY).await;
        }
        Err(last.unwrap_or_else(|| ErrorKind::NotFound.into()))
            .with_context(|| format!("{} can't be started", binary.display()))
    }

    /// Has what a command starts end with this process, and print where all print.
    fn lead(&self, command: &mut Command) -> anyhow::Result<()> {
        let (stdout, stderr) = self.output.both()?;
        command.process_group(self.group).stdout(stdout).stderr(stderr);
        Ok(())
    }

    /// Builds functions of the sources as they are now, together with those that others wait for.
    async fn build(&self, names: impl IntoIterator<Item = String>) -> anyhow::Result<()> {
        self.state.lock().await.wanted.extend(names);
        let _turn = self.building.lock().await;
        let mut state = self.state.lock().await;
        let changes = state.changes;
        let mut names = std::mem::take(&mut state.wanted);
        names.retain(|name| !state.is_built(name));
        drop(state);
        if names.is_empty() {
            return Ok(());
        }
        let mut command = sources::build(&self.workspace, &names);
        self.lead(&mut command)?;
        let ended = command.status().await.context("cargo can't be started")?;
        let mut state = self.state.lock().await;
        if ended.success() {
            state.built.extend(names.into_iter().map(|name| (name, changes)));
        } else {
            state.broken = Some(changes);
            self.output.tell("It doesn't compile. The functions go on as they were built before.");
        }
        Ok(())
    }

    /// Builds what runs after a change, and ends the processes of what became another.
    async fn build_anew(&self) -> anyhow::Result<()> {
        let mut state = self.state.lock().await;
        state.changes = state.changes.saturating_add(1);
        let running = state.running.clone();
        drop(state);
        let names: Vec<_> = running.keys().cloned().collect();
        self.output.tell(&format!("A source has changed. {} functions run.", names.len()));
        self.build(names).await?;
        if self.state.lock().await.is_broken() {
            return Ok(());
        }
        let binaries = self.binaries.clone();
        let others = tokio::task::spawn_blocking(move || {
            let is_old = |(name, process): &(String, Arc<Process>)| process.is_old(&binaries.join(name));
            running.into_iter().filter(|one| is_old(one).unwrap_or(true)).collect::<Vec<_>>()
        });
        let mut others = others.await?;
        let mut state = self.state.lock().await;
        // One may have died meanwhile, and another have its place.
        others.retain(|(name, old)| state.running.get(name).is_some_and(|now| Arc::ptr_eq(now, old)));
        for (name, _) in &others {
            state.running.remove(name);
        }
        drop(state);
        others.sort_by(|(one, _), (other, _)| one.cmp(other));
        let names: Vec<_> = others.iter().map(|(name, _)| name.as_str()).collect();
        self.output.tell(&match names[..] {
            [] => "Built. The functions that run are the same.".to_owned(),
            _ => format!("Built. The next call of each of these is to the new one: {}.", names.join(", ")),
        });
        for (_, old) in others {
            // It ends with its last call, which has this long.
            let old = Arc::downgrade(&old);
            tokio::spawn(async move {
                sleep(OLD_LIMIT).await;
                if let Some(old) = old.upgrade() {
                    old.end();
                }
            });
        }
        Ok(())
    }
}

impl Watching {
    /// Ends all of it.
    pub async fn stop(self) {
        self.building.abort();
        self.leash.stop().await;
    }
}

/// Where cargo and the functions print: this process's own, or a file.
struct Output(Option<File>);

impl Output {
    fn to(log: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| File::create(path).with_context(|| path.display().to_string());
        Ok(Self(log.map(open).transpose()?))
    }

    /// For a process's standard output and error.
    fn both(&self) -> anyhow::Result<(Stdio, Stdio)> {
        Ok(match &self.0 {
            Some(file) => (file.try_clone()?.into(), file.try_clone()?.into()),
            None => (Stdio::inherit(), Stdio::inherit()),
        })
    }

    /// Tells whoever watches. Nobody may.
    fn tell(&self, sentence: &str) {
        let _ = match &self.0 {
            Some(file) => writeln!(&*file, "watch: {sentence}"),
            None => writeln!(std::io::stderr(), "watch: {sentence}"),
        };
    }
}
