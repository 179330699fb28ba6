//! The page in a real browser: what it loads, how soon it can be used, what a
//! key takes in the longest text and what the longest history does.
//!
//! tests/browser/bench.ts measures. Here is what it needs, and its figures'
//! place in the table; their bars stand beside what they are about, there.

use std::io::stderr;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::figures::{Bar, Estimate, Table};

/// The page's figures.
pub fn measure(table: &mut Table) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    // The machine that serves the page is built as this program is, and where this program is.
    let this = std::env::current_exe().expect("a path");
    let built = this.ancestors().nth(2).expect("a folder");
    let profile = if built.ends_with("debug") { "dev" } else { "bench" };
    let figures = built.join("page.json");

    let installed =
        ["tests/browser/node_modules/.installed", "tests/bench/lighthouse/node_modules/.installed"];
    run(Command::new("make").arg("page").args(installed).current_dir(root));
    run(Command::new("cargo")
        .args(["build", "--locked", "--profile", profile, "--package", "local", "--package", "tests"])
        .args(["--bin", "workshop", "--example", "seed_history"])
        // As benchmarks are always built, so that this one's dependencies serve.
        .env("CARGO_PROFILE_BENCH_PANIC", "unwind")
        .current_dir(root));
    run(Command::new("npm")
        .args(["--prefix", "tests/browser", "run", "--silent", "bench"])
        .env("WORKSHOP_BUILT", built)
        .env("BENCH_FIGURES", &figures)
        .current_dir(root));

    let measured = std::fs::read_to_string(&figures).expect("what the browser measured");
    let Measured { rows, remarks } = serde_json::from_str(&measured).expect("its form");
    table.note(
        "In headless Chromium with the machine beside it. Each sample is a visit in a browser context of its own, and \
         what is compared was visited in turn. Lighthouse runs three times only: the whole range stands there.",
    );
    remarks.into_iter().for_each(|remark| table.note(remark));
    rows.into_iter().for_each(|row| row.tell(table));
}

/// Runs a program that says what it does to the terminal, and must succeed.
fn run(command: &mut Command) {
    let status = command.stdout(stderr()).status();
    let status = status.unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"));
    assert!(status.success(), "{command:?} failed: {status}");
}

/// What bench.ts writes.
#[derive(Deserialize)]
struct Measured {
    rows: Vec<Row>,
    remarks: Vec<String>,
}

/// Samples of one figure; its bar is about their median.
#[derive(Deserialize)]
struct Row {
    what: String,
    unit: String,
    samples: Vec<f64>,
    /// What was measured in turn with them, when the figure is the ratio of both.
    over: Option<Vec<f64>>,
    most: Option<f64>,
    least: Option<f64>,
}

impl Row {
    fn tell(self, table: &mut Table) {
        let bar = match (self.most, self.least) {
            (Some(most), _) => Bar::AtMost(most),
            (_, Some(least)) => Bar::AtLeast(least),
            (None, None) => Bar::None,
        };
        match (self.over, self.samples.as_slice()) {
            (Some(over), samples) => {
                table.estimate(self.what, Estimate::of_ratios(samples, &over), &self.unit, bar);
            }
            (None, [once]) => table.figure(self.what, *once, &self.unit, bar),
            (None, samples) => table.estimate(self.what, Estimate::of(samples), &self.unit, bar),
        }
    }
}
