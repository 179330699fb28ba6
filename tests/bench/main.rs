//! How fast it is, shown: `make bench` runs the chapters and prints a table of
//! figures, each against its bar, where there is one.
//!
//! `make bench ONLY="cost warm"` runs some chapters; `ACCEPT=yes` puts each
//! one's table into RESULTS.md as soon as it is measured, and that keeps the
//! last accepted ones. A chapter that fails leaves the others to be measured.

mod against;
mod asked;
mod building;
mod cold;
mod cost;
mod figures;
mod growth;
mod page;
mod process;
mod release;
mod results;
mod runtime_api;
mod search;
mod warm;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use figures::Table;

/// A chapter's word on the command line, its title, and what measures it.
type Chapter = (&'static str, &'static str, fn(&mut Table));

/// In the order they run and stand in the results.
const CHAPTERS: &[Chapter] = &[
    ("cold", "Cold start", cold::measure),
    ("warm", "Warm", warm::measure),
    ("against", "Against what one would use instead", against::measure),
    ("cost", "What it costs", cost::measure),
    ("growth", "Growth", growth::measure),
    ("search", "Imports and searches", search::measure),
    ("page", "The page", page::measure),
    ("building", "Building", building::measure),
];

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(word) = asked.iter().find(|word| CHAPTERS.iter().all(|(name, ..)| name != word)) {
        let names = CHAPTERS.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ");
        eprintln!("There is no chapter {word:?}. There are: {names}.");
        return ExitCode::FAILURE;
    }
    let (table, failed) = run(&asked);
    println!();
    for (title, text) in table.chapters() {
        println!("## {title}\n\n{text}");
    }
    let missed = table.missed();
    for (how, what) in [("MISSED", &missed), ("FAILED", &failed)] {
        if !what.is_empty() {
            println!("{how}: {}", what.join("; "));
        }
    }
    if missed.is_empty() && failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures the chapters that are asked for, or all: what there is of them, and which failed.
fn run(asked: &[String]) -> (Table, Vec<&'static str>) {
    let (mut table, mut failed) = (Table::default(), Vec::new());
    let accepts = std::env::var_os("ACCEPT").is_some_and(|accept| accept == "yes");
    // Before the first is accepted, which changes a file of git's.
    let origin = results::origin();
    for (name, title, measure) in CHAPTERS {
        if !asked.is_empty() && asked.iter().all(|word| word != name) {
            continue;
        }
        eprintln!("\n== {title}");
        table.begin(title);
        if catch_unwind(AssertUnwindSafe(|| measure(&mut table))).is_err() {
            table.note("It failed before its end: these are not all figures.");
            failed.push(*title);
        } else if accepts && let Some((title, figures)) = table.chapters().last() {
            results::accept(title, &figures, &origin);
        }
    }
    (table, failed)
}
