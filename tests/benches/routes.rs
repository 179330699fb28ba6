//! How long routes take on the local machine, over HTTP, against what they
//! can't be faster than: a call to the store they make, and a route that makes
//! none. Interleaved in one run, so that a noisy machine disturbs all alike.
//!
//! `make bench` prints the figures and fails when a bar is missed.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use local::ModelChoice;
use serde_json::json;
use tests::{Client, DRAFTS, PROMPT, START, Setup, Workshop, quantile};

/// Rounds that count; a few more go first.
const ROUNDS: usize = 400;
const WARM_UP: usize = 40;

/// What is timed, in the order of each round.
const TIMED: [&str; 6] = [
    "store: put of 4 KB",
    "GET health",
    "POST start",
    "PUT draft, 4 KB",
    "GET draft, 4 KB",
    "GET drafts, a page of 20",
];
/// The bars: the place in `TIMED` and milliseconds at the median.
const BARS: [(usize, f64); 2] = [(2, 20.0), (3, 15.0)];

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let figures = runtime.block_on(measure());
    let medians: Vec<f64> = figures.iter().map(|times| quantile(times, 0.5)).collect();
    println!("{:<28} {:>9} {:>9} {:>9}   against the put", "", "median", "p95", "p99");
    for ((name, times), median) in TIMED.iter().zip(&figures).zip(&medians) {
        let (p95, p99) = (quantile(times, 0.95), quantile(times, 0.99));
        println!("{name:<28} {median:>6.2} ms {p95:>6.2} ms {p99:>6.2} ms   {:>6.2} x", median / medians[0]);
    }
    let mut missed = false;
    for (place, bar) in BARS {
        let met = medians[place] <= bar;
        missed |= !met;
        println!("{:<28} at most {bar} ms: {}", TIMED[place], if met { "met" } else { "MISSED" });
    }
    if missed {
        std::process::exit(1);
    }
}

async fn measure() -> Vec<Vec<f64>> {
    let setup = Setup { model: Some(ModelChoice::None), ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let client = workshop.client("bench");
    let store = store(&workshop).await;
    let text = PROMPT.repeat(4_096 / PROMPT.len() + 1)[..4_096].to_owned();
    let draft = client.draft(&text).await;
    let path = format!("{DRAFTS}/{draft}");
    let mut figures = vec![Vec::with_capacity(ROUNDS); TIMED.len()];
    for round in 0..WARM_UP + ROUNDS {
        let other = format!("{text} {round}");
        let timed = [
            time(put(&store, &other)).await,
            time(get(&client, "/api/health", 200)).await,
            time(async { drop(client.post(START, json!({"starting_prompt": PROMPT})).await.expect(201)) })
                .await,
            time(async { drop(client.put(&path, json!({"draft_content": other})).await.expect(200)) }).await,
            time(get(&client, &path, 200)).await,
            time(get(&client, DRAFTS, 200)).await,
        ];
        if round >= WARM_UP {
            figures.iter_mut().zip(timed).for_each(|(times, took)| times.push(took));
        }
    }
    workshop.stop().await;
    figures
}

/// A client of the store's wire, as a handler has one.
async fn store(workshop: &Workshop) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(
            "local", "local", None, None, "bench",
        ))
        .endpoint_url(workshop.machine.dynamodb_url());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

async fn put(store: &aws_sdk_dynamodb::Client, content: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put =
        store.put_item().table_name("workshop-usage").item("pk", text("BENCH")).item("sk", text("BENCH"));
    put.item("content", text(content)).send().await.expect("a put");
}

async fn get(client: &Client, path: &str, status: u16) {
    client.get(path).await.expect(status);
}

/// Milliseconds that `work` takes.
async fn time(work: impl Future<Output = ()>) -> f64 {
    let started = Instant::now();
    work.await;
    started.elapsed().div_duration_f64(Duration::from_millis(1))
}
