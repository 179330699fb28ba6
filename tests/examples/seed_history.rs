//! Gives a draft a long history of tests, for trying how the page scrolls one:
//!
//! ```sh
//! cargo run -p tests --example seed_history -- \
//!     --dynamodb http://127.0.0.1:9091 --user local --draft DRAFT_ID --runs 10000
//! ```

use anyhow::{Context, ensure};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use clap::Parser;
use local::MODEL_ID;
use shared::app::Clock;
use shared::config::Tables;
use shared::domain::draft::Draft;
use shared::domain::ending::Ending;
use shared::domain::model::Secret;
use shared::domain::run::{Order, Run, State, preview};
use shared::domain::time::Timestamp;
use shared::store::{RESTORED_MAX, Started, Store};

/// From the newest run to the one before it, and so on, in milliseconds.
const APART_MS: i64 = 7 * 60_000;

#[derive(Parser)]
struct Settings {
    /// Where DynamoDB answers
    #[arg(long, default_value = "http://127.0.0.1:9091")]
    dynamodb: String,
    /// Whose draft it is
    #[arg(long, default_value = "local")]
    user: String,
    /// The draft's id
    #[arg(long)]
    draft: uuid::Uuid,
    /// How many runs
    #[arg(long, default_value_t = 10_000)]
    runs: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&settings.dynamodb)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "seed"));
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    // No cursor is made here, so its key doesn't matter.
    let store = Store::new(client, Tables::with_prefix("workshop"), &Secret::new("unused"), 256);
    let now = Clock::default().now();
    let numbers: Vec<usize> = (1..=settings.runs).collect();
    for numbers in numbers.chunks(RESTORED_MAX) {
        let draft = store.drafts.get(&settings.user, settings.draft, now).await?;
        let draft = draft.with_context(|| format!("{} has no draft {}", settings.user, settings.draft))?;
        let ended: Vec<_> = numbers.iter().map(|number| run(&draft, *number, now)).collect();
        let started = store.runs.restore(&draft, &ended, now).await?;
        ensure!(started == Started::Started, "the draft changed meanwhile: {started:?}");
    }
    println!("{} runs more for draft {}", settings.runs, settings.draft);
    Ok(())
}

/// The run `number` of the history, 1 for the newest, with its answer. All of
/// it follows from the number.
fn run(draft: &Draft, number: usize, now: Timestamp) -> (Run, String) {
    let at = now.plus_millis(-APART_MS * number as i64);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(number as u64).to_be_bytes());
    let id = uuid::Builder::from_unix_timestamp_millis(at.as_millis().unsigned_abs(), &random).into_uuid();
    let order = Order {
        test_query: format!(
            "Question {number}: what changed for hospitals in the last {} days?",
            7 + number % 90
        ),
        topic: "AI Adoption".to_owned(),
        limit: Some(5 + (number % 40) as u32),
        model: None,
        store_full_response: None,
        user_rating: None,
        notes: None,
    };
    let status = match number % 10 {
        3 => State::Failed,
        7 => State::Cancelled,
        _ => State::Succeeded,
    };
    let sentence = format!("Answer {number} says what the articles tell, and **what they do not**. ");
    let answer = match status {
        State::Failed => String::new(),
        State::Cancelled => sentence,
        _ => sentence.repeat(1 + number % 23),
    };
    let rated = status == State::Succeeded && number.is_multiple_of(2);
    let took = 900 + (number as u64 * 137) % 30_000;
    let run = Run {
        status,
        response_preview: preview(&answer),
        response_length: answer.chars().count() as u64,
        truncated: status == State::Cancelled,
        ended: Some(match status {
            State::Failed => Ending::Slow,
            State::Cancelled => Ending::Stopped,
            _ => Ending::Complete,
        }),
        article_count: 5 + (number % 40) as u32,
        tokens_in: 1_200 + (number as u64 * 31) % 3_000,
        tokens_out: answer.len() as u64 / 4,
        execution_time_ms: Some(took),
        started_at: Some(at.plus_millis(40)),
        finished_at: Some(at.plus_millis(40 + took as i64)),
        cancel_requested: status == State::Cancelled,
        user_rating: rated.then_some(1 + (number / 2 % 5) as u8),
        notes: (rated && number.is_multiple_of(3))
            .then(|| format!("Note on run {number}: cite the source of each figure.")),
        error: (status == State::Failed)
            .then(|| "The model did not finish in time. What you wrote is kept. Try again.".to_owned()),
        ..Run::queued(id, draft, &order, MODEL_ID, at)
    };
    (run, answer)
}
