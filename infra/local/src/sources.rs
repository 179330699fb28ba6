//! What the functions are built from: a change of it is seen, and cargo builds.
//!
//! The files are looked at twice a second. To be told of changes by the system
//! would need a library, and inotify, of which most systems give a user 128
//! watchers, and editors take many. A look at 200 files takes 2 ms.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::sleep;

/// Folders of sources, with all that is in them, and single files.
const SOURCES: [&str; 4] = ["functions", "shared", "Cargo.toml", "Cargo.lock"];
/// How often they are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A change is built when nothing has changed for this time: an editor writes
/// several files, or one by way of another.
const SETTLED: Duration = Duration::from_millis(100);
/// Looks at a change that doesn't settle. Then it is built all the same.
const UNSETTLED_MAX: usize = 50;
/// What cargo is told, besides names. As `make functions` does, this asks for the
/// features of the whole workspace, so that nothing is built twice.
const BUILD: [&str; 3] = ["build", "--locked", "--workspace"];

/// The sources of a workspace, as they were when they were last looked at.
pub(crate) struct Sources {
    workspace: PathBuf,
    seen: Files,
}

/// When each file was changed, and its bytes.
type Files = HashMap<PathBuf, (Option<SystemTime>, u64)>;

impl Sources {
    /// Changes count from now on.
    pub async fn of(workspace: &Path) -> Self {
        let workspace = workspace.to_owned();
        Self { seen: look(workspace.clone()).await, workspace }
    }

    /// Waits for a change since the last one that this told of, until all of it is there.
    pub async fn changed(&mut self) {
        loop {
            let now = look(self.workspace.clone()).await;
            if now != self.seen {
                self.seen = now;
                break;
            }
            sleep(LOOK_EVERY).await;
        }
        for _ in 0..UNSETTLED_MAX {
            sleep(SETTLED).await;
            let now = look(self.workspace.clone()).await;
            if now == self.seen {
                break;
            }
            self.seen = now;
        }
    }
}

/// All sources, on a thread that may wait for the disk.
async fn look(workspace: PathBuf) -> Files {
    let looked = tokio::task::spawn_blocking(move || {
        let mut files = Files::new();
        for source in SOURCES {
            look_at(workspace.join(source), &mut files);
        }
        files
    });
    looked.await.unwrap_or_default()
}

/// What can't be read isn't there: it may just be replaced.
fn look_at(path: PathBuf, files: &mut Files) {
    // What editors keep beside their files, and a folder's own secrets, is nothing that is built.
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.starts_with(['.', '#']) || name.ends_with('~') {
        return;
    }
    let Ok(metadata) = path.symlink_metadata() else { return };
    if metadata.is_dir() {
        let inside = path.read_dir().into_iter().flatten().flatten();
        inside.for_each(|entry| look_at(entry.path(), files));
    } else {
        files.insert(path, (metadata.modified().ok(), metadata.len()));
    }
}

/// The command that builds these functions of a workspace.
pub(crate) fn build(workspace: &Path, names: &BTreeSet<String>) -> Command {
    let mut command = cargo(workspace);
    command.args(BUILD);
    for name in names {
        command.args(["--bin", name]);
    }
    command
}

/// Where cargo puts the functions' binaries: it may be told elsewhere than in the workspace.
pub(crate) async fn binaries(workspace: &Path) -> anyhow::Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let asked = cargo(workspace)
        .args(["metadata", "--format-version", "1", "--no-deps", "--locked"])
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("cargo can't be started")?;
    ensure!(asked.status.success(), "cargo doesn't tell where its target folder is");
    let metadata: Metadata = serde_json::from_slice(&asked.stdout).context("cargo's metadata")?;
    Ok(metadata.target_directory.join("debug"))
}

fn cargo(workspace: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(workspace).stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn it_is_built_as_make_builds_it() {
        let makefile = include_str!("../../../Makefile");
        let line = format!("\nCARGO_BUILD := cargo {}\n", BUILD.join(" "));
        assert!(makefile.contains(&line), "the Makefile has no {line:?}");
    }

    #[tokio::test]
    async fn changes_of_sources_are_told_of_together_and_once() {
        let root = std::env::temp_dir().join(format!("workshop-sources-{}", std::process::id()));
        std::fs::create_dir_all(root.join("functions/src/deep")).unwrap();
        let write = |file: &str, text: &str| std::fs::write(root.join(file), text).unwrap();
        write("functions/src/deep/old.rs", "1");
        let mut sources = Sources::of(&root).await;
        let mut is_told = async || timeout(3 * LOOK_EVERY, sources.changed()).await.is_ok();

        write("README.md", "no source");
        write("functions/src/.deep.swp", "an editor's");
        write("functions/src/deep/old.rs~", "12");
        assert!(!is_told().await, "no source has changed");
        // As editors write: beside and renamed over the old one.
        std::fs::rename(root.join("functions/src/deep/old.rs~"), root.join("functions/src/deep/old.rs"))
            .unwrap();
        write("Cargo.toml", "3");
        assert!(is_told().await, "sources have changed");
        assert!(!is_told().await, "that was told");
        std::fs::create_dir_all(root.join("shared/made")).unwrap();
        write("shared/made/later.rs", "4");
        assert!(is_told().await, "a file is new");
        write("shared/made/later.rs", "56");
        assert!(is_told().await, "and it counts, too");
        std::fs::remove_file(root.join("functions/src/deep/old.rs")).unwrap();
        assert!(is_told().await, "a file has gone");
        std::fs::remove_dir_all(root).unwrap();
    }
}
