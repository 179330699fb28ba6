//! A list costs what its page costs, however long the list is, and a search what
//! its words' part of the index costs. An answer doesn't say what it cost, so
//! the store is asked.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::{StreamExt, stream};
use local::ModelChoice;
use reqwest::Method;
use serde_json::json;
use shared::corpus::{Question, search};
use shared::domain::draft::Status;
use tests::calls::Call;
use tests::{DRAFTS, PROMPT, Setup, Workshop};

use crate::table_named;

/// The store reads one entry more than a page has, to know whether more follow;
/// with this, both pages that are measured are full even for the short list.
const PAGE: u32 = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_drafts_takes_the_same_read_units_with_20_drafts_and_with_5000() {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    have_drafts(&workshop, "few", 20).await;
    have_drafts(&workshop, "many", 5_000).await;
    for status in [None, Some(Status::Draft)] {
        let (few, many) = (pages(&workshop, "few", status).await, pages(&workshop, "many", status).await);
        assert_eq!(few, many, "the units of the first and the second page of {status:?}");
        assert!(few.iter().all(|units| *units > 0.0), "{few:?}");
    }
    // The copies are what a user sees: the list of the many really is long.
    assert_eq!(drafts_seen(&workshop, "few").await, 20);
    assert_eq!(drafts_seen(&workshop, "many").await, 5_000);
    workshop.stop().await;
}

/// Read units of the first and the second page.
async fn pages(workshop: &Workshop, owner: &str, status: Option<Status>) -> [f64; 2] {
    let (drafts, now) = (&workshop.machine.store().drafts, workshop.machine.clock().now());
    let first = drafts.list(owner, status, PAGE, None, now).await.expect("a page");
    assert_eq!(first.drafts.len(), PAGE as usize);
    let second = drafts.list(owner, status, PAGE, first.next_cursor.as_deref(), now).await.expect("a page");
    assert_eq!(second.drafts.len(), PAGE as usize);
    assert!(second.next_cursor.is_some());
    [first.read_units, second.read_units]
}

async fn drafts_seen(workshop: &Workshop, owner: &str) -> usize {
    let client = workshop.client(owner);
    let (mut seen, mut cursor) = (0, String::new());
    loop {
        let page = client.get(&format!("{DRAFTS}?limit=100{cursor}")).await.expect(200);
        seen += page["drafts"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

/// Starts one draft and puts copies of its item beside it: 5,000 starts would
/// take two minutes.
async fn have_drafts(workshop: &Workshop, owner: &str, count: usize) {
    let id = workshop.client(owner).draft(PROMPT).await;
    let client = workshop.dynamodb();
    let table = &table_named(&client, "drafts").await;
    let found = client.scan().table_name(table).send().await.expect("the items").items.unwrap_or_default();
    let item = found.into_iter().find(|item| item.get("id") == Some(&AttributeValue::S(id.clone())));
    let item = item.expect("the draft's item");

    let numbers: Vec<usize> = (1..count).collect();
    let batches = numbers.chunks(25).map(|numbers| {
        let puts = numbers.iter().map(|number| {
            let put = PutRequest::builder().set_item(Some(copy(&item, &id, *number))).build().expect("a put");
            WriteRequest::builder().put_request(put).build()
        });
        client.batch_write_item().request_items(table, puts.collect()).send()
    });
    let written: Vec<_> = stream::iter(batches).buffer_unordered(4).collect().await;
    for output in written {
        let left = output.expect("a batch").unprocessed_items.unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The item of another draft: the same with another id wherever the id stands.
fn copy(item: &HashMap<String, AttributeValue>, id: &str, number: usize) -> HashMap<String, AttributeValue> {
    let other = format!("{}{number:012x}", &id[..24]);
    let replaced = |value: &AttributeValue| match value {
        AttributeValue::S(text) => AttributeValue::S(text.replace(id, &other)),
        value => value.clone(),
    };
    item.iter().map(|(name, value)| (name.clone(), replaced(value))).collect()
}

/// Words of an article that no other article has, beside those that all have.
const OWN_WORDS: usize = 20;
/// Bytes that a word takes in the index for an article: a posting, and what
/// precedes the postings of a word when there is but one.
const POSTING: f64 = 17.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_reads_the_same_articles_and_a_256th_of_the_words_however_many_there_are() {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let (few, many) = (300, 2_400);
    have_articles(&workshop, "Few", few).await;
    have_articles(&workshop, "Many", many).await;
    let [few_calls, many_calls] = [calls(&workshop, "Few").await, calls(&workshop, "Many").await];
    let units = |calls: &[Call], operation: &str| -> f64 {
        calls.iter().filter(|call| call.operation == operation).map(|call| call.units).sum()
    };
    let operations = |calls: &[Call]| {
        let mut names: Vec<_> = calls.iter().map(|call| call.operation.clone()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(operations(&few_calls), ["BatchGetItem", "GetItem", "Query", "SearchVectors"]);
    assert_eq!(operations(&many_calls), operations(&few_calls));
    for operation in ["GetItem", "BatchGetItem"] {
        let (few, many) = (units(&few_calls, operation), units(&many_calls, operation));
        assert!(few > 0.0 && many <= few, "{operation}: {few} units, then {many}");
    }
    // Half a unit is 4 KB, read without strong consistency.
    let own = (many - few) as f64 * OWN_WORDS as f64 * POSTING / 256.0 / 4_096.0 / 2.0;
    let grown = units(&many_calls, "Query") - units(&few_calls, "Query");
    assert!(grown <= 1.5 * own + 0.5, "words: {grown} more, where the index grew by {own}");
    workshop.stop().await;
}

/// What a search for a word of one article reads.
async fn calls(workshop: &Workshop, topic: &str) -> Vec<Call> {
    let (app, calls) = workshop.watched();
    let question =
        Question { topic: topic.to_owned(), query: "w7x3".to_owned(), limit: 20, ..Question::default() };
    let results = search(&app, &question, app.now()).await.expect("the store answers").expect("the topic");
    assert_eq!((results.total, results.found.len(), results.by_meaning), (1, 20, true), "in {topic}");
    calls.take()
}

async fn have_articles(workshop: &Workshop, topic: &str, count: usize) {
    let line = |number: usize| {
        let own: Vec<_> = (0..OWN_WORDS).map(|word| format!("w{number}x{word}")).collect();
        let article = json!({
            "title": format!("Report {number} of the harbour"), "summary": own.join(" "),
            "url": format!("https://harbour.example/{number}"), "published_at": "2026-11-01T08:00:00Z",
        });
        format!("{article}\n")
    };
    let client = workshop.client("ana");
    let file: String = (0..count).map(line).collect();
    let sent = client.request(Method::POST, &format!("/api/topics/{topic}/articles"));
    let sent = sent.header("content-type", "application/x-ndjson").body(file);
    let imported = client.send(sent).await.expect(200);
    assert_eq!(imported["added"], count, "{imported}");
}
