//! How fast articles come in and are found: short news items in one topic,
//! 7,600 of them, for which there are bars, then 100,000.
//!
//! A search's store calls are timed within the search, so that what it takes
//! is compared with what it waited for in the same moment.

use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use local::ModelChoice;
use reqwest::Method;
use serde_json::json;
use shared::app::App;
use shared::corpus::{Question, search};
use tests::calls::Calls;
use tests::news::Words;
use tests::{Client, Setup, Workshop};

use crate::figures::{Bar, Estimate, Table, millis};

/// How many items, how many searches among them, and whether there are bars.
const SIZES: [(usize, usize, bool); 2] = [(7_600, 100, true), (100_000, 20, false)];
/// Searches that don't count, of each size.
const WARM_UP: usize = 5;
/// Articles a second that an import takes in, at the least.
const IMPORT_BAR: f64 = 500.0;
/// A search's own work at the median, in milliseconds.
const OWN_BAR: f64 = 10.0;
/// End to end against the slowest of its store calls.
const RATIO_BAR: f64 = 1.3;

/// Imports and searches, for each size.
pub fn measure(table: &mut Table) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    for (items, searches, has_bars) in SIZES {
        runtime.block_on(among(items, searches)).tell(table, items, has_bars);
    }
}

/// What was measured, times in milliseconds.
struct Figures {
    /// Items a second.
    import: f64,
    /// Searches through the front door.
    end_to_end: Vec<f64>,
    /// The slowest store call of each.
    slowest: Vec<f64>,
    /// What a search computes; what it writes down for the store, and reads of it, is in that.
    own: Vec<f64>,
    /// Read units of the topic and its words, and of the articles.
    units: [Vec<f64>; 2],
}

impl Figures {
    fn tell(&self, table: &mut Table, items: usize, has_bars: bool) {
        let bar = |bar: Bar| if has_bars { bar } else { Bar::None };
        table.figure(
            format!("{items} articles: imported a second"),
            self.import,
            "",
            bar(Bar::AtLeast(IMPORT_BAR)),
        );
        let ratio = Estimate::of_ratios(&self.end_to_end, &self.slowest);
        table.estimate(
            format!("{items} articles: a search, over its slowest store call"),
            ratio,
            "×",
            bar(Bar::AtMost(RATIO_BAR)),
        );
        table.estimate("  the search, end to end", Estimate::of(&self.end_to_end), "ms", Bar::None);
        table.estimate("  its own work", Estimate::of(&self.own), "ms", bar(Bar::AtMost(OWN_BAR)));
        table.estimate("  read units for words", Estimate::of(&self.units[0]), "", Bar::None);
        table.estimate("  read units for articles", Estimate::of(&self.units[1]), "", Bar::None);
    }
}

async fn among(items: usize, searches: usize) -> Figures {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let client = workshop.client("bench");
    let mut words = Words::default();
    let file = words.items(items);
    let started = Instant::now();
    import(&client, file, items).await;
    let import = items as f64 / started.elapsed().as_secs_f64();

    let (app, calls) = workshop.watched();
    let (mut end_to_end, mut slowest, mut own, mut units) =
        (Vec::new(), Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for round in 0..WARM_UP + searches {
        let query = [(); 3].map(|()| words.word().to_owned()).join(" ");
        let started = Instant::now();
        let path = format!("/api/topics/Bench/articles?limit=20&query={}", query.replace(' ', "%20"));
        client.get(&path).await.expect(200);
        let took = millis(started.elapsed());
        let (computed, waited, read) = within(&app, &calls, query).await;
        if round >= WARM_UP {
            end_to_end.push(took);
            slowest.push(waited);
            own.push(computed);
            units.iter_mut().zip(read).for_each(|(all, units)| all.push(units));
        }
    }
    workshop.stop().await;
    Figures { import, end_to_end, slowest, own, units }
}

/// Imports a file the way its size asks for.
async fn import(client: &Client, file: String, items: usize) {
    let topic = "/api/topics/Bench";
    let imported = if file.len() <= 5_000_000 {
        let sent = client
            .request(Method::POST, &format!("{topic}/articles"))
            .header("content-type", "application/x-ndjson")
            .timeout(Duration::from_secs(600))
            .body(file);
        client.send(sent).await.expect(200)
    } else {
        let order = json!({"format": "jsonl", "bytes": file.len()});
        let started = client.post(&format!("{topic}/imports"), order).await.expect(201);
        let url = started["upload"]["url"].as_str().expect("an address");
        let nobody = client.without_token();
        assert_eq!(nobody.send(nobody.request(Method::PUT, url).body(file)).await.status, 200);
        let import = format!("{topic}/imports/{}", started["import"]["id"].as_str().expect("an id"));
        client.post(&format!("{import}/run"), json!({})).await.expect(202);
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let import = client.get(&import).await.expect(200);
            assert_ne!(import["status"], "failed", "{import}");
            if import["status"] == "finished" {
                break import;
            }
        }
    };
    assert_eq!(imported["added"].as_u64(), Some(items as u64), "{imported}");
}

/// A search's own work and its slowest store call in milliseconds, and the read
/// units of words and articles.
async fn within(app: &App, calls: &Calls, query: String) -> (f64, f64, [f64; 2]) {
    let question = Question { topic: "Bench".to_owned(), query, limit: 20, ..Question::default() };
    calls.take();
    let mut computed = Duration::ZERO;
    let mut searching = pin!(search(app, &question, app.now()));
    let results = std::future::poll_fn(|context| {
        let started = Instant::now();
        let polled: Poll<_> = searching.as_mut().poll(context);
        computed += started.elapsed();
        polled
    });
    let results = results.await.expect("the store answers").expect("the topic");
    assert!(results.by_meaning);
    let calls = calls.take();
    let slowest = calls.iter().map(|call| call.took).max().expect("a call");
    let units = |articles: bool| {
        let of = calls.iter().filter(|call| (call.operation == "BatchGetItem") == articles);
        of.map(|call| call.units).sum()
    };
    (millis(computed), millis(slowest), [units(false), units(true)])
}
