//! How fast it is, shown: `make bench` runs the chapters and prints a table of
//! figures, each against its bar, where there is one.
//!
//! `make bench ONLY="cost warm"` runs some chapters; `ACCEPT=yes` puts their
//! tables into RESULTS.md, which keeps the last accepted ones.

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
    let mut table = Table::default();
    for (name, title, measure) in CHAPTERS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            eprintln!("\n== {title}");
            table.begin(title);
            measure(&mut table);
        }
    }
    println!();
    for (title, text) in table.chapters() {
        println!("## {title}\n\n{text}");
    }
    if std::env::var_os("ACCEPT").is_some_and(|accept| accept == "yes") {
        results::accept(&table);
    }
    let missed = table.missed();
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("MISSED: {}", missed.join("; "));
    ExitCode::FAILURE
}
