//! The results that were accepted last: RESULTS.md, a section a chapter, each
//! with the machine and the state of the code that it came from.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use shared::app::Clock;

use crate::CHAPTERS;

const INTRODUCTION: &str = "# Results\n\n\
    What `make bench ACCEPT=yes` measured last, chapter by chapter. Figures are ratios where they can be, taken in \
    turn within one run: a time by itself tells more of the machine than of the workshop.\n";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bench/RESULTS.md")
}

/// The figure that was accepted last for what stands in a row of this name.
pub fn accepted(what: &str) -> Option<f64> {
    figure(&std::fs::read_to_string(file()).ok()?, what)
}

fn figure(results: &str, what: &str) -> Option<f64> {
    let mut rows = results.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        Some((cells.next()?, cells.next()?))
    });
    let (_, figure) = rows.find(|(name, _)| *name == what)?;
    figure.split(' ').next()?.parse().ok()
}

/// Puts a chapter's figures in place of those that it had, and keeps the other chapters.
pub fn accept(measured: &str, figures: &str, origin: &str) {
    let file = file();
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let mut text = INTRODUCTION.to_owned();
    for (_, title, _) in CHAPTERS {
        let heading = format!("\n## {title}\n");
        let section = if *title == measured {
            format!("\n{figures}\n{origin}\n")
        } else {
            let Some((_, rest)) = kept.split_once(&heading) else { continue };
            rest.split("\n## ").next().unwrap_or_default().to_owned()
        };
        let _ = write!(text, "{heading}{section}");
    }
    match std::fs::write(&file, text) {
        Ok(()) => eprintln!("  {measured} is accepted: {}", file.display()),
        Err(error) => eprintln!("  {} can't be written: {error}", file.display()),
    }
}

/// The day, the commit and the machine.
pub fn origin() -> String {
    let day = Clock::default().now().to_string().chars().take(10).collect::<String>();
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let commit = said("git", &["describe", "--always", "--dirty"]);
    let rustc = said("rustc", &["--version"]);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let processor = value(&read("/proc/cpuinfo"), "model name");
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let gigabytes = memory.trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) / 1e6;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "Measured on {day} at {commit}: {} ({}), {cores} cores of {processor}, {gigabytes:.0} GB, {rustc}.",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}
