//! The workshop through its front door, as a client sees it that was written from the interface's table.
//!
//! One process runs all of it, so that the real small model is started once. Each test has a machine of its
//! own; those that make the model answer take turns (`with_the_small_model`).

mod authorisation;
mod bad_input;
mod conversation;
mod cost;
mod cross_user;
mod deletion;
mod deletion_of_articles;
mod deletion_of_topics;
mod disk;
mod drafts;
mod embeddings;
mod endings;
mod expiry;
mod feeds;
mod front_door;
mod imports;
mod library;
mod limits;
mod metrics;
mod misbehaviour;
mod model_faults;
mod races;
mod read_units;
mod repeats;
mod research;
mod retrieval;
mod start;
mod stopped;
mod test_runs;
mod topics;

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use local::ModelChoice;
use reqwest::Method;
use serde_json::Value;
use shared::app::App;
use tests::scripted_model::unreachable_model;
use tests::{Answer, Client, Setup, Workshop, brief_small_model};

/// How long an answer of the real small model may take: five seconds on two free cores, and more on busy ones.
const MODEL_SECONDS: u64 = 100;

/// A workshop with the real small model, loaded, which belongs to one test at a time: two cores answer one
/// reader soon enough. Its answers are kept short, since their length is never what is tested.
async fn with_the_small_model() -> (Workshop, tokio::sync::MutexGuard<'static, ()>) {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let turn = TURN.lock().await;
    let model = Some(ModelChoice::Configured(vec![brief_small_model().await]));
    (Workshop::start_with(Setup { model, ..Setup::default() }).await, turn)
}

/// Asks again, ten times a second, until there is something; fails when `seconds` have passed without.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, seconds: u64, ask: impl Fn() -> F) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: not within {seconds} s");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Moves the machine's clock to where a minute has just begun, so that what is counted by the minute isn't
/// counted across two.
fn begin_a_minute(app: &App) {
    let into = app.now().as_millis().rem_euclid(60_000);
    app.clock.advance(Duration::from_millis((60_000 - into).unsigned_abs()));
}

/// GET with one more header.
async fn get_with(client: &Client, path: &str, header: &str, value: &str) -> Answer {
    client.send(client.request(Method::GET, path).header(header, value)).await
}

/// POST with one more header.
async fn post_with(client: &Client, path: &str, body: Value, header: &str, value: &str) -> Answer {
    client.send(client.request(Method::POST, path).header(header, value).json(&body)).await
}

/// Every item of a list, page after page of `limit`, and the size of each page.
async fn walk(client: &Client, path: &str, field: &str, limit: usize) -> (Vec<Value>, Vec<usize>) {
    let (mut items, mut sizes, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit={limit}{cursor}")).await.expect(200);
        let part = page[field].as_array().expect("a page").clone();
        sizes.push(part.len());
        items.extend(part);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", percent_encoded(next)),
            None => return (items, sizes),
        }
        assert!(sizes.len() < 1_000, "the walk has no end");
    }
}

/// Text as a part of an address.
fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// The values of a field, in order.
fn texts(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
}

/// What the store holds for a draft, by sort key: read past the product.
async fn stored(workshop: &Workshop, draft: &str) -> Vec<String> {
    let items = partition(workshop, "drafts", &format!("DRAFT#{draft}")).await;
    items.iter().map(|item| item["sk"].as_s().expect("a text").clone()).collect()
}

/// The items of one partition of a table, with the AWS SDK.
async fn partition(workshop: &Workshop, table: &str, pk: &str) -> Vec<HashMap<String, AttributeValue>> {
    let dynamodb = workshop.dynamodb();
    let query = dynamodb.query().table_name(table_named(&dynamodb, table).await).consistent_read(true);
    let query = query.key_condition_expression("pk = :pk");
    let query = query.expression_attribute_values(":pk", AttributeValue::S(pk.to_owned()));
    query.send().await.expect("items").items.unwrap_or_default()
}

async fn table_named(dynamodb: &aws_sdk_dynamodb::Client, end: &str) -> String {
    let tables = dynamodb.list_tables().send().await.expect("tables").table_names.unwrap_or_default();
    tables.into_iter().find(|name| name.ends_with(end)).expect("the table")
}

/// A model that nobody answers for: every run ends soon, and every message is kept without an answer.
async fn nobody_answers() -> Option<ModelChoice> {
    Some(ModelChoice::Configured(vec![unreachable_model("unreachable").await]))
}
