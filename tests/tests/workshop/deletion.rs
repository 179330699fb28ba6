//! The removal of what was deleted, under the routes that delete (`deletion_of_topics`,
//! `deletion_of_articles`), and what their tests share.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::jobs;
use local::ModelChoice;
use reqwest::Method;
use serde_json::{Value, json};
use shared::app::App;
use shared::corpus::{self, Removed, Target};
use shared::domain::article::{Article, ArticleId};
use shared::domain::removal::{Asker, QUIET_MS};
use shared::store::{BUCKETS, Removal};
use tests::calls::Calls;
use tests::feed_server::FeedServer;
use tests::{Answer, Client, Setup, Workshop};
use tokio::time::Instant;

use crate::{nobody_answers, percent_encoded, table_named};

/// A topic's name, whose letters nothing else has.
pub(super) const TOPIC: &str = "Zanzibar Ports";
/// The same for a handler that is called with it in the path as it is.
pub(super) const PLAIN: &str = "Zanzibar";

/// One whose schedule doesn't come, with the sample or without.
pub(super) async fn unattended(sample: bool, reachable: &[&FeedServer]) -> Workshop {
    let (model, recover_every) = (nobody_answers().await, Duration::from_secs(86_400));
    let reachable = reachable.iter().map(|server| server.address()).collect();
    Workshop::start_with(Setup { sample, model, recover_every, reachable, ..Setup::default() }).await
}

pub(super) fn at(topic: &str) -> String {
    format!("/api/topics/{}", percent_encoded(topic))
}

/// An article that is like no other but those of the same number.
pub(super) fn article(number: usize) -> Article {
    let words: Vec<_> =
        (1..30_usize).map(|word| format!("w{}", number * 7_919 + word * word * 104_729)).collect();
    Article {
        title: format!("Report {number} of the harbour"),
        url: url(number),
        source: Some("Harbour Post".to_owned()),
        published_at: format!("2026-11-{:02}T08:00:00Z", 1 + number % 28).parse().expect("a time"),
        summary: Some(words.join(" ")),
        text: None,
        category: Some("Harbours".to_owned()),
        sentiment: None,
        tags: Vec::new(),
        language: None,
        sample: false,
    }
}

pub(super) fn url(number: usize) -> String {
    format!("https://harbour.example/{number}")
}

pub(super) fn lines(articles: impl IntoIterator<Item = Article>) -> String {
    let line = |article| format!("{}\n", serde_json::to_string(&article).expect("JSON"));
    articles.into_iter().map(line).collect()
}

pub(super) async fn import(
    client: &Client,
    topic: &str,
    articles: impl IntoIterator<Item = Article>,
) -> Answer {
    let request = client.request(Method::POST, &format!("{}/articles", at(topic)));
    client.send(request.header("content-type", "application/x-ndjson").body(lines(articles))).await
}

pub(super) async fn search(client: &Client, topic: &str, query: &str) -> Value {
    client.get(&format!("{}/articles?by=words&query={query}", at(topic))).await.expect(200)
}

pub(super) async fn topic(client: &Client, name: &str) -> Option<Value> {
    let topics = client.get("/api/topics").await.expect(200);
    topics.as_array().expect("topics").iter().find(|topic| topic["name"] == name).cloned()
}

/// Calls `recover-runs` when what was deleted until now is due, as often as it takes on busy cores.
pub(super) async fn remove(workshop: &Workshop) {
    let (app, store) = (workshop.machine.app(), workshop.machine.store());
    later(workshop);
    for _ in 0..20 {
        recover(app).await;
        if store.removals.due(app.now(), 1).await.expect("the store").is_empty() {
            return;
        }
    }
    panic!("removals have no end");
}

/// Moves the clock to where what was deleted until now is due, and what was taken up is free.
pub(super) fn later(workshop: &Workshop) {
    workshop.machine.clock().advance(Duration::from_millis(QUIET_MS.unsigned_abs() + 1));
}

pub(super) async fn recover(app: &'static App) {
    jobs::recover_runs::handle(app, Value::Null).await.expect("the store answers");
}

/// Every item of the articles' table in which any of these texts or bytes stands.
pub(super) async fn traces(workshop: &Workshop, of: &[&str]) -> Vec<HashMap<String, AttributeValue>> {
    let dynamodb = workshop.dynamodb();
    let table = table_named(&dynamodb, "articles").await;
    let (mut found, mut start) = (Vec::new(), None);
    loop {
        let scan = dynamodb.scan().table_name(&table).consistent_read(true).set_exclusive_start_key(start);
        let output = scan.send().await.expect("items");
        found.extend(output.items.unwrap_or_default().into_iter().filter(|item| has_any(item, of)));
        start = output.last_evaluated_key;
        if start.is_none() {
            return found;
        }
    }
}

fn has_any(item: &HashMap<String, AttributeValue>, of: &[&str]) -> bool {
    let in_bytes = |bytes: &[u8], text: &str| {
        // An article's id stands in sets as its eight bytes.
        let id = text.parse::<ArticleId>().ok().filter(|_| text.len() == 16).map(ArticleId::to_bytes);
        id.is_some_and(|id| bytes.windows(8).any(|window| window == id))
    };
    item.values().any(|value| match value {
        AttributeValue::S(found) => of.iter().any(|text| found.contains(text)),
        AttributeValue::Bs(set) => set.iter().any(|blob| of.iter().any(|text| in_bytes(blob.as_ref(), text))),
        _ => false,
    })
}

pub(super) fn keys(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    let text =
        |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().expect("a text").clone();
    items.iter().map(|item| format!("{} {}", text(item, "pk"), text(item, "sk"))).collect()
}

/// An application that dies when told to, and its calls.
pub(super) fn mortal(workshop: &Workshop) -> (&'static App, Calls) {
    let (app, calls) = workshop.watched();
    (Box::leak(Box::new(app)), calls)
}

/// Who asks as `user`, and is no administrator.
fn by(user: &str) -> Asker<'_> {
    Asker { user_id: user, administrator: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_goes_in_a_bounded_number_of_calls_and_takes_nothing_of_others() {
    const ARTICLES: usize = 400;
    let workshop = unattended(false, &[]).await;
    let (app, calls) = mortal(&workshop);
    // Their names begin as the other's keys do.
    let others = ["Zanzibar#00", "Zanzibar Ports", "Zanzi"];
    for other in others {
        import(&workshop.client("ada"), other, (0..5).map(article)).await.expect(200);
    }
    let before = keys(&traces(&workshop, &["zanzi"]).await);
    let mut target = Target::of_person(PLAIN, "ada");
    let articles = (0..ARTICLES).map(article).collect();
    corpus::import(app, &mut target, articles, app.now()).await.expect("articles");
    let items = traces(&workshop, &["zanzi"]).await.len() - before.len();

    let store = workshop.machine.store();
    let deleted = store.removals.delete_topic(PLAIN, by("ada"), app.now()).await.expect("the store");
    assert_eq!(deleted.map(|topic| topic.articles), Some(ARTICLES as u64));
    assert_eq!(topic(&workshop.client("ada"), PLAIN).await, None);
    later(&workshop);
    calls.take();
    let began = Instant::now();
    // As long as it takes on busy cores: how many calls that are doesn't depend on it.
    let removed = corpus::remove_due(app, began + Duration::from_secs(600)).await.expect("the store");
    assert_eq!((removed.topics, removed.left), (1, 0));
    let calls = calls.take();
    let units: f64 = calls.iter().map(|call| call.units).sum();
    let (count, took) = (calls.len(), began.elapsed());
    println!("{ARTICLES} articles, {items} items: {count} calls, {took:.1?}, {units} units");
    // 512 buckets, each with a page and the deletion of its segments; of the articles' partition, 25 in each batch,
    // and a page for many of those.
    assert!(count <= 2 * BUCKETS + items / 25 + items / 100 + 20, "{count} calls");
    assert_eq!(keys(&traces(&workshop, &["zanzi"]).await), before);
    for other in others {
        let found = search(&workshop.client("ada"), other, "report").await;
        assert_eq!(found["total"], 5, "{other}: {found}");
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_runs_out_of_time_goes_on_where_it_stopped_and_behind_the_others() {
    let workshop = unattended(false, &[]).await;
    let (ada, app, store) = (workshop.client("ada"), workshop.machine.app(), workshop.machine.store());
    import(&ada, TOPIC, (0..60).map(article)).await.expect(200);
    import(&ada, PLAIN, (0..20).map(article)).await.expect(200);
    let ids = [3, 7].map(|number| ArticleId::of(&url(number)));
    for id in ids {
        let deleted = store.removals.delete_article(TOPIC, id, by("ada"), app.now()).await;
        assert_eq!(deleted.expect("the store").as_deref(), Some(TOPIC));
    }
    store.removals.delete_topic(PLAIN, by("ada"), app.now()).await.expect("the store").expect("the topic");
    later(&workshop);

    // One that was begun, and others that have waited since before: those come first.
    let due = store.removals.due(app.now(), 10).await.expect("the store");
    let remains = |due: &[Removal]| due.iter().map(|one| one.remains.clone()).collect::<Vec<_>>();
    assert_eq!(due.len(), 3);
    let first =
        store.removals.take_up(due[0].clone(), app.now()).await.expect("the store").expect("it is due");
    store.removals.let_go(first, app.now()).await.expect("the store");
    let again = store.removals.due(app.now(), 10).await.expect("the store");
    assert_eq!(remains(&again), remains(&[due[1].clone(), due[2].clone(), due[0].clone()]));

    // Without any time nothing is begun, and all is due as before.
    let none = corpus::remove_due(app, Instant::now()).await.expect("the store");
    assert_eq!(none, Removed::default());
    assert_eq!(remains(&store.removals.due(app.now(), 10).await.expect("the store")), remains(&again));

    // Then there is a little more each time, until all is done; what is cleared stays so.
    let mark = |id: ArticleId| format!("TOPIC#zanzibar ports A#{id}");
    let (mut cleared, mut turns) = (0, 0);
    for millis in (1..).map(|turn: u64| 4 * turn * turn) {
        later(&workshop);
        corpus::remove_due(app, Instant::now() + Duration::from_millis(millis)).await.expect("the store");
        let marks = traces(&workshop, &[&ids[0].to_string()]).await;
        let of_first = marks.iter().find(|item| keys(std::slice::from_ref(*item)) == [mark(ids[0])]);
        let of_first = of_first.expect("its mark");
        let now = match of_first.get("cleared") {
            Some(AttributeValue::N(number)) => number.parse().expect("a number"),
            _ if of_first.contains_key("due_sk") => 0,
            _ => BUCKETS,
        };
        assert!(now >= cleared, "{now} after {cleared}");
        turns += usize::from(now > cleared);
        cleared = now;
        if store.removals.due(app.now().plus_millis(QUIET_MS), 1).await.expect("the store").is_empty() {
            break;
        }
    }
    assert_eq!(cleared, BUCKETS);
    // No turn has the time to read 512 buckets after one that cleared none: it is longer by too little.
    assert!(turns > 1, "it went on where it had stopped");
    println!("an article was removed in {turns} turns");
    for id in ids {
        assert_eq!(keys(&traces(&workshop, &[&id.to_string()]).await), [mark(id)]);
    }
    assert_eq!(search(&ada, TOPIC, "report").await["total"], 58);
    assert_eq!(search(&ada, TOPIC, &format!("w{}", 7_919 + 104_729)).await["total"], 1);
    import(&ada, PLAIN, [article(1)]).await.expect(200);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copys_address_comes_back_by_import_though_its_article_never_told_of_it() {
    let workshop = unattended(false, &[]).await;
    let (ada, app, store) = (workshop.client("ada"), workshop.machine.app(), workshop.machine.store());
    let copy = |number: usize| Article { url: format!("https://copies.example/{number}"), ..article(4) };
    // An article tells of ten other addresses.
    let imported = import(&ada, TOPIC, (0..8).map(article).chain((0..13).map(copy))).await.expect(200);
    assert_eq!((&imported["added"], &imported["duplicates"]), (&json!(8), &json!(13)), "{imported}");
    let id = ArticleId::of(&url(4));
    store.removals.delete_article(TOPIC, id, by("ada"), app.now()).await.expect("the store").expect("a name");
    // A feed brings none of them back.
    let articles = (0..13).map(copy).collect();
    let by_feed = corpus::import(app, &mut Target::of_feed(TOPIC), articles, app.now()).await;
    assert_eq!(by_feed.expect("the topic").added, 0);
    remove(&workshop).await;
    let back = import(&ada, TOPIC, [copy(12)]).await.expect(200);
    assert_eq!((&back["added"], &back["duplicates"]), (&json!(1), &json!(0)), "{back}");
    let back = import(&ada, TOPIC, [copy(11)]).await.expect(200);
    assert_eq!((&back["added"], &back["duplicates"]), (&json!(0), &json!(1)), "{back}");
    let found = search(&ada, TOPIC, &format!("w{}", 4 * 7_919 + 104_729)).await;
    assert_eq!((&found["total"], &found["articles"][0]["url"]), (&json!(1), &json!(copy(12).url)), "{found}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_embeddings_of_other_dimensions_what_was_deleted_stays_so() {
    let none = || Setup { model: Some(ModelChoice::None), ..Setup::default() };
    let workshop = Workshop::start_with(none()).await;
    let (app, store) = (workshop.machine.app(), workshop.machine.store());
    let ada = workshop.client("ada");
    import(&ada, TOPIC, (0..4).map(article)).await.expect(200);
    let gone = ArticleId::of(&url(2));
    store
        .removals
        .delete_article(TOPIC, gone, by("ada"), app.now())
        .await
        .expect("the store")
        .expect("a name");
    let administrator = Asker { user_id: "bob", administrator: true };
    let sample = store.removals.delete_topic("AI Adoption", administrator, app.now()).await;
    assert!(sample.expect("the store").is_some());
    let before = ada.get("/api/topics").await.expect(200);

    let embeddings = shared::config::EmbeddingService {
        base_url: "http://127.0.0.1:9/v1".to_owned(),
        model: "other".to_owned(),
        api_key: shared::domain::model::ApiKey::None,
        dimensions: 64,
        least_similarity: 0.3,
    };
    let workshop = workshop.again(Setup { embeddings: Some(embeddings), ..none() }).await;
    let ada = workshop.client("ada");
    let after = ada.get("/api/topics").await.expect(200);
    assert_eq!(after, before, "its maker may delete it, and the sample is not installed again");
    let app = workshop.machine.app();
    let articles = (0..5).map(article).collect();
    let by_feed = corpus::import(app, &mut Target::of_feed(TOPIC), articles, app.now()).await;
    assert_eq!(by_feed.expect("the topic").added, 1, "the fifth is new, and the third was deleted");
    assert_eq!(import(&ada, TOPIC, [article(2)]).await.expect(200)["added"], 1);
    workshop.stop().await;
}
