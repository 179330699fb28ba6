//! What each route and one whole main job cost, and from that a month of a
//! team of ten, and one in which nobody comes.
//!
//! The units are those that `tests/workshop/cost.rs` holds exactly. The prices
//! are AWS's of us-east-1, on demand, without what is free each month but for
//! SQS's first million requests; models are not in it, they cost what they cost.

use std::collections::BTreeMap;

use tests::cost::{self, Cost, LETTERS, MAIN_JOB, named, sum};

use crate::figures::{Bar, Estimate, Table, millis};

/// Times everything is done, for the milliseconds.
const ROUNDS: usize = 7;
/// Write units of an autosave, at the most.
const AUTOSAVE_BAR: f64 = 6.0;

/// Dollars for a million of each.
const READ_UNITS: f64 = 0.125;
const WRITE_UNITS: f64 = 0.625;
const QUEUE_REQUESTS: f64 = 0.40;
const API_REQUESTS: f64 = 1.00;
const INVOCATIONS: f64 = 0.20;
/// Dollars for a gigabyte of memory for a second, on arm64.
const GIGABYTE_SECOND: f64 = 0.000_013_333_4;
/// Gigabytes that a function has (`infra/template.yaml`), with that part of a processor: as many of 1,769 MB.
const MEMORY: f64 = 0.25;
const SHARE_OF_A_PROCESSOR: f64 = 256.0 / 1_769.0;
/// Seconds that a model takes to answer, which are paid while a function waits.
const MODEL_SECONDS: f64 = 15.0;
/// Of a month.
const MINUTES: f64 = 43_200.0;

/// What one person does in a working day.
const DAY: &[(&str, u32)] = &[
    ("topics-list", 4),
    ("models-list", 4),
    ("drafts-list", 10),
    ("drafts-start", 2),
    ("chat-send", 12),
    ("chat-history", 6),
    ("drafts-update", 80),
    ("drafts-get", 10),
    ("tests-start, the next", 12),
    ("run-test", 12),
    ("tests-get, while it waits", 80),
    ("tests-get", 12),
    ("tests-list", 10),
    ("tests-rate", 10),
    ("articles-search", 4),
    ("drafts-commit", 1),
    ("prompts-list", 4),
    ("prompts-get", 4),
    ("prompts-clone", 1),
    ("metrics-get", 1),
];
const PEOPLE: f64 = 10.0;
const WORKING_DAYS: f64 = 21.0;

/// The chapter.
pub fn measure(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let rounds: Vec<Vec<Cost>> = (0..ROUNDS).map(|_| runtime.block_on(cost::measure())).collect();
    let Some(costs) = rounds.first() else { return };
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for cost in rounds.iter().flatten() {
        times.entry(cost.what).or_default().push(millis(cost.took));
    }
    for cost in costs {
        let queue = if cost.queue > 0 { format!(", {} of SQS", cost.queue) } else { String::new() };
        let what = format!("{}: {} read units, {} write units{queue}", cost.what, cost.reads, cost.writes);
        table.estimate(what, Estimate::of(&times[cost.what]), "ms", Bar::None);
    }
    let what = format!("An autosave of {LETTERS} letters, write units");
    table.figure(what, named(costs, "drafts-update").writes, "", Bar::AtMost(AUTOSAVE_BAR));
    let (reads, writes, queue) = sum(costs, MAIN_JOB);
    table.figure("A main job, from a need to a committed prompt: read units", reads, "", Bar::None);
    table.figure("  write units", writes, "", Bar::None);
    table.figure("  requests of SQS", queue as f64, "", Bar::None);
    let whole: Vec<f64> = rounds.iter().map(|costs| took(costs, MAIN_JOB)).collect();
    table.estimate("  all of it, without what a model takes", Estimate::of(&whole), "ms", Bar::None);
    let busy: BTreeMap<&str, f64> =
        times.iter().map(|(what, times)| (*what, Estimate::of(times).median / 1_000.0)).collect();
    table.figure("  all of it, for a thousand", 1_000.0 * calls(costs, MAIN_JOB, &busy), "$", Bar::None);
    let month = PEOPLE * WORKING_DAYS * calls(costs, DAY, &busy);
    table.figure("A team of ten, its work of a month", month, "$", Bar::None);
    table.figure("A month in which nobody comes", at_rest(costs, &busy), "$", Bar::None);
    table.note(format!(
        "Milliseconds are of one process with a whole processor, the store's included. Dollars: a function has a \
         {:.0}th of a processor and is taken to need that much longer; for an answer it waits {MODEL_SECONDS} s. \
         Left out of them: what models cost, searches among vectors, which have no units, what is stored (items and \
         their vectors, files, logs), the writing of logs, alarms, the sign-in, the page's delivery and all that is \
         sent to the internet. A working day of one person: {}.",
        1.0 / SHARE_OF_A_PROCESSOR,
        DAY.iter().map(|(what, times)| format!("{times} {what}")).collect::<Vec<_>>().join("; ")
    ));
}

/// Milliseconds of calls, each so often.
fn took(costs: &[Cost], calls: &[(&str, u32)]) -> f64 {
    calls.iter().map(|(what, times)| f64::from(*times) * millis(named(costs, what).took)).sum()
}

/// Dollars for calls of functions, each so often; `busy` has the seconds of each.
fn calls(costs: &[Cost], calls: &[(&str, u32)], busy: &BTreeMap<&str, f64>) -> f64 {
    let (reads, writes, queue) = sum(costs, calls);
    let of_calls = calls.iter().map(|(what, times)| {
        let waits = if matches!(*what, "chat-send" | "run-test") { MODEL_SECONDS } else { 0.0 };
        let seconds = busy[what] / SHARE_OF_A_PROCESSOR + waits;
        f64::from(*times) * ((API_REQUESTS + INVOCATIONS) / 1e6 + seconds * MEMORY * GIGABYTE_SECOND)
    });
    // Lambda receives and deletes each message, besides.
    reads * READ_UNITS / 1e6
        + writes * WRITE_UNITS / 1e6
        + 3.0 * queue as f64 * QUEUE_REQUESTS / 1e6
        + of_calls.sum::<f64>()
}

/// Dollars for a month in which only schedules run, and Lambda asks three
/// queues, each by five connections that wait for 20 seconds (AWS Lambda
/// Developer Guide, "Polling and batching streams").
fn at_rest(costs: &[Cost], busy: &BTreeMap<&str, f64>) -> f64 {
    let scheduled = [("recover-runs, at rest", MINUTES), ("collect-feeds, at rest", MINUTES / 5.0)];
    let schedules = scheduled.iter().map(|(what, times)| {
        let reads = sum(costs, &[(what, 1)]).0;
        let seconds = busy[what] / SHARE_OF_A_PROCESSOR;
        times * ((reads * READ_UNITS + INVOCATIONS) / 1e6 + seconds * MEMORY * GIGABYTE_SECOND)
    });
    let asked = 3.0 * 5.0 * 3.0 * MINUTES - 1e6;
    schedules.sum::<f64>() + asked * QUEUE_REQUESTS / 1e6
}
