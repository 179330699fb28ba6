//! What was tried, how often, what came of it, and how long it took.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Faults that are told in full; the others are counted.
const FAULTS_TOLD: usize = 20;

/// One tally for all.
#[derive(Default)]
pub struct Tally(Mutex<Figures>);

#[derive(Default)]
struct Figures {
    requests: BTreeMap<&'static str, Requests>,
    events: BTreeMap<&'static str, u64>,
    faults: Vec<String>,
}

/// The requests of one kind.
#[derive(Default)]
struct Requests {
    millis: Vec<f64>,
    by_status: BTreeMap<u16, u64>,
    cut_off: u64,
}

impl Tally {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request was answered.
    pub fn answered(&self, kind: &'static str, status: u16, took: Duration) {
        let mut figures = self.figures();
        let requests = figures.requests.entry(kind).or_default();
        requests.millis.push(took.as_secs_f64() * 1_000.0);
        *requests.by_status.entry(status).or_default() += 1;
    }

    /// The machine died before its answer was whole.
    pub fn cut_off(&self, kind: &'static str) {
        self.figures().requests.entry(kind).or_default().cut_off += 1;
    }

    /// Something happened that is counted.
    pub fn count(&self, event: &'static str) {
        *self.figures().events.entry(event).or_default() += 1;
    }

    /// How often it did.
    pub fn counted(&self, event: &'static str) -> u64 {
        self.figures().events.get(event).copied().unwrap_or_default()
    }

    /// Something is not as it must be.
    pub fn fault(&self, what: String) {
        let mut figures = self.figures();
        if figures.faults.len() < FAULTS_TOLD {
            eprintln!("FAULT: {what}");
        }
        figures.faults.push(what);
    }

    /// How often something was not as it must be.
    pub fn faults(&self) -> usize {
        self.figures().faults.len()
    }

    /// All of it, as a table.
    pub fn print(&self, took: Duration) {
        let figures = self.figures();
        println!(
            "  {:<18} {:>7} {:>9} {:>9} {:>9} {:>8}  by status",
            "request", "count", "median", "p99", "longest", "cut off"
        );
        let mut all = 0;
        for (kind, requests) in &figures.requests {
            let at = |share| match requests.millis.as_slice() {
                [] => "-".to_owned(),
                millis => format!("{:.0} ms", tests::quantile(millis, share)),
            };
            let statuses: Vec<_> =
                requests.by_status.iter().map(|(status, count)| format!("{status}: {count}")).collect();
            println!(
                "  {kind:<18} {:>7} {:>9} {:>9} {:>9} {:>8}  {}",
                requests.millis.len(),
                at(0.5),
                at(0.99),
                at(1.0),
                requests.cut_off,
                statuses.join(", ")
            );
            all += requests.millis.len();
        }
        println!(
            "  {all} requests in {:.0} s: {:.0} a second",
            took.as_secs_f64(),
            all as f64 / took.as_secs_f64()
        );
        for (event, count) in &figures.events {
            println!("  {event}: {count}");
        }
        println!("  faults: {}", figures.faults.len());
    }
}
