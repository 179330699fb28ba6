//! Feeds that a topic follows, from a real web server into the search.

use std::time::Duration;

use local::ModelChoice;
use serde_json::{Value, json};
use tests::feed_server::FeedServer;
use tests::{Client, Setup, Workshop};

const FEEDS: &str = "/api/topics/Ports/feeds";

async fn workshop(server: &FeedServer) -> Workshop {
    let setup = Setup {
        model: Some(ModelChoice::None),
        sample: false,
        reachable: vec![server.address()],
        ..Setup::default()
    };
    Workshop::start_with(setup).await
}

async fn follow(client: &Client, url: &str) -> Value {
    client.post(FEEDS, json!({"url": url})).await.expect(201)
}

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let found = client.get(&format!("/api/topics/Ports/articles?query={query}")).await.expect(200);
    let articles = found["articles"].as_array().expect("articles");
    articles.iter().filter_map(|article| article["title"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_collected_at_once_and_its_articles_are_found() {
    let server = FeedServer::start().await;
    server.publish_rss(
        "/rss",
        "Harbour Wire",
        &[
            (
                "Cranes arrive",
                "https://wire.example/cranes?utm_source=rss",
                "<p>Four <b>cranes</b> came.</p>",
            ),
            ("Ferry strike ends", "https://wire.example/ferry", "The crews went back to work."),
            ("No address", "", "It has none."),
        ],
    );
    let workshop = workshop(&server).await;
    let client = workshop.client("ana");
    let feed = follow(&client, &server.url("/rss")).await;
    assert_eq!((&feed["status"], &feed["title"]), (&json!("working"), &json!("Harbour Wire")), "{feed}");
    assert_eq!((&feed["last_added"], &feed["last_rejected"]), (&json!(2), &json!(1)), "{feed}");
    assert_eq!(titles(&client, "cranes").await.first().map(String::as_str), Some("Cranes arrive"));
    let found = client.get("/api/topics/Ports/articles?query=cranes").await.expect(200);
    assert_eq!(found["articles"][0]["url"], "https://wire.example/cranes", "tracking is gone: {found}");
    assert_eq!(found["articles"][0]["summary"], "Four cranes came.");
    assert_eq!(found["articles"][0]["source"], "Harbour Wire");

    client.post(FEEDS, json!({"url": server.url("/rss")})).await.expect_problem(409, "conflict");
    let listed = client.get(FEEDS).await.expect(200);
    assert_eq!(listed["feeds"], json!([feed]));
    let one = format!("{FEEDS}/{}", feed["id"].as_str().expect("an id"));
    client.delete(&one).await.expect(200);
    client.delete(&one).await.expect_problem(404, "not-found");
    assert_eq!(client.get(FEEDS).await.expect(200)["feeds"], json!([]));
    assert!(!titles(&client, "cranes").await.is_empty(), "its articles stay");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_is_looked_at_again_in_time_and_politely() {
    let server = FeedServer::start().await;
    let first = ("Cranes arrive", "https://wire.example/cranes", "Four cranes came by sea this week.");
    server.publish_rss("/rss", "Harbour Wire", &[first]);
    let workshop = workshop(&server).await;
    let client = workshop.client("ana");
    let feed = follow(&client, &server.url("/rss")).await;
    let collect = format!("{FEEDS}/{}/collect", feed["id"].as_str().expect("an id"));

    let soon = client.post(&collect, json!({})).await;
    assert!(soon.header("retry-after").is_some_and(|seconds| seconds.parse::<u64>().is_ok()));
    soon.expect_problem(429, "rate-limited");

    workshop.machine.clock().advance(Duration::from_secs(120));
    let again = client.post(&collect, json!({})).await.expect(200);
    assert_eq!((&again["status"], &again["last_added"]), (&json!("working"), &json!(0)), "{again}");
    let asked = server.asked();
    assert!(asked.last().is_some_and(|head| head.to_lowercase().contains("if-none-match")), "{asked:?}");

    let second = ("Ferry strike ends", "https://wire.example/ferry", "The crews went back to work.");
    server.publish_rss("/rss", "Harbour Wire", &[first, second]);
    workshop.machine.clock().advance(Duration::from_secs(45 * 60));
    workshop.collect_feeds().await;
    let listed = client.get(FEEDS).await.expect(200);
    assert_eq!(listed["feeds"][0]["last_added"], 1, "the schedule found it due: {listed}");
    assert_eq!(listed["feeds"][0]["articles_added"], 2);
    let before = server.asked().len();
    workshop.collect_feeds().await;
    assert_eq!(server.asked().len(), before, "and not due a moment later");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_fails_says_so_and_costs_the_others_nothing() {
    let server = FeedServer::start().await;
    let item = ("Cranes arrive", "https://wire.example/cranes", "Four cranes came by sea this week.");
    server.publish_rss("/good", "Good", &[item]);
    server.publish_rss("/bad", "Bad", &[item]);
    let workshop = workshop(&server).await;
    let client = workshop.client("ana");
    follow(&client, &server.url("/good")).await;
    follow(&client, &server.url("/bad")).await;
    server.publish("/bad", 200, "text/html", "<!doctype html><html><body>It moved.</body></html>");
    let other = ("Ferry strike ends", "https://wire.example/ferry", "The crews went back to work.");
    server.publish_rss("/good", "Good", &[item, other]);
    workshop.machine.clock().advance(Duration::from_secs(45 * 60));
    workshop.collect_feeds().await;
    let feeds = client.get(FEEDS).await.expect(200)["feeds"].clone();
    let of =
        |title: &str| feeds.as_array().expect("feeds").iter().find(|feed| feed["title"] == title).cloned();
    let (good, bad) = (of("Good").expect("good"), of("Bad").expect("bad"));
    assert_eq!((&good["status"], &good["last_added"]), (&json!("working"), &json!(1)), "{good}");
    assert_eq!((&bad["status"], &bad["failures"]), (&json!("failing"), &json!(1)), "{bad}");
    assert!(bad["problem"].as_str().is_some_and(|problem| problem.contains("web page")), "{bad}");
    assert!(!bad["last_worked_at"].is_null());
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_feed_is_refused_and_what_cannot_be_reached_is_followed() {
    let server = FeedServer::start().await;
    server.publish(
        "/page",
        200,
        "text/html",
        "<html><head><link rel=alternate type=application/rss+xml href=/rss></head><body>Hello</body></html>",
    );
    server.publish("/busy", 503, "text/plain", "Later.");
    let workshop = workshop(&server).await;
    let client = workshop.client("ana");
    for url in ["http://[::1]/feed", "http://localhost/feed", "ftp://wire.example/feed", "not an address", ""]
    {
        client.post(FEEDS, json!({"url": url})).await.expect_problem(422, "invalid");
    }
    let page = client.post(FEEDS, json!({"url": server.url("/page")})).await.expect_problem(422, "invalid");
    let detail = page["errors"][0]["detail"].as_str().expect("a sentence");
    assert!(detail.contains(&server.url("/rss")), "it names the page's own feed: {detail}");
    client.get(FEEDS).await.expect_problem(404, "not-found");

    let busy = follow(&client, &server.url("/busy")).await;
    assert_eq!((&busy["status"], &busy["failures"]), (&json!("failing"), &json!(1)), "{busy}");
    let item = ("Cranes arrive", "https://wire.example/cranes", "Four cranes came by sea this week.");
    server.publish_rss("/busy", "Not busy any more", &[item]);
    workshop.machine.clock().advance(Duration::from_secs(45 * 60));
    workshop.collect_feeds().await;
    let feeds = client.get(FEEDS).await.expect(200);
    assert_eq!(feeds["feeds"][0]["status"], "working", "{feeds}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_story_under_two_addresses_is_one_article() {
    let server = FeedServer::start().await;
    let text = "The harbour board of Kestrel Bay voted on Tuesday to close the old northern quay for repairs \
                that will take eleven months and cost four million crowns, its chair Ilse Marn said.";
    server.publish_rss("/one", "Wire", &[("Kestrel Bay closes quay", "https://wire.example/quay", text)]);
    server.publish_rss("/two", "Post", &[("Kestrel Bay closes quay", "https://post.example/a/77", text)]);
    let workshop = workshop(&server).await;
    let client = workshop.client("ana");
    follow(&client, &server.url("/one")).await;
    let second = follow(&client, &server.url("/two")).await;
    assert_eq!(second["last_added"], 0, "{second}");
    let found = client.get("/api/topics/Ports/articles?query=quay").await.expect(200);
    assert_eq!(found["articles"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["articles"][0]["also_at"], json!(["https://post.example/a/77"]));
    assert_eq!(client.get("/api/topics").await.expect(200)[0]["article_count"], 1);
    workshop.stop().await;
}
