//! Topics: the sample collection, importing, searching.

use jiff::{Timestamp, ToSpan};
use reqwest::Method;
use serde_json::{Value, json};
use shared::corpus::Question;
use shared::domain::search::By;
use shared::store::Store;
use tests::{Answer, Client, Setup, Workshop};

use crate::{nobody_answers, percent_encoded, texts};

async fn topics(client: &Client) -> Vec<Value> {
    client.get("/api/topics").await.expect(200).as_array().expect("an array").clone()
}

async fn import(client: &Client, topic: &str, content_type: &str, body: String) -> Answer {
    let path = format!("/api/topics/{}/articles", percent_encoded(topic));
    client.send(client.request(Method::POST, &path).header("content-type", content_type).body(body)).await
}

async fn search(client: &Client, topic: &str, query: &str) -> Value {
    let path = format!("/api/topics/{}/articles?{query}", percent_encoded(topic));
    client.get(&path).await.expect(200)
}

fn found(result: &Value) -> Vec<Value> {
    result["articles"].as_array().expect("articles").clone()
}

/// A JSON line of an article that is `days` old.
fn line(title: &str, url: &str, days: i64) -> String {
    let published = (Timestamp::now() - (days * 24).hours()).to_string();
    let article = json!({"title": title, "url": url, "summary": format!("{title}, in short."),
        "source": "Harbour Post", "published_at": published});
    format!("{article}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_sample_topics_are_there_from_the_start_and_marked_as_a_sample() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let topics = topics(&client).await;
    let mut names = texts(&topics, "name");
    names.sort();
    assert_eq!(names, ["AI Adoption", "Climate Technology", "Cybersecurity"]);
    for topic in &topics {
        assert!(topic["article_count"].as_u64() >= Some(40), "{topic}");
        assert_eq!(topic["sample"], true, "{topic}");
        let day =
            |field: &str| topic[field].as_str().expect("a time").parse::<Timestamp>().expect("RFC 3339");
        assert!(day("oldest") < day("newest"));
        let age = Timestamp::now().duration_since(day("oldest")).as_hours() / 24;
        assert!((30..=92).contains(&age), "within the last 90 days: {topic}");
        assert!(Timestamp::now().duration_since(day("newest")).as_hours() < 8 * 24, "{topic}");

        let name = topic["name"].as_str().expect("a name");
        let articles = found(&search(&client, name, "limit=5").await);
        assert_eq!(articles.len(), 5);
        assert!(articles.iter().all(|article| article["sample"] == true), "{articles:?}");
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_makes_the_topic_and_a_bad_line_rejects_that_line_only() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let client = workshop.client("ana");
    assert!(topics(&client).await.is_empty());
    let topic = "Häfen & Seewege / 2026";
    let lines = line("Rotterdam widens its quay", "https://harbour.example/quay", 2)
        + "{\"title\": \"No address\", \"summary\": \"It has no url.\"}\n"
        + "not JSON\n"
        + &line("Gdansk orders cranes", "https://harbour.example/cranes", 40);
    let imported = import(&client, topic, "application/x-ndjson", lines).await.expect(200);
    assert_eq!((&imported["added"], &imported["updated"]), (&json!(2), &json!(0)), "{imported}");
    let rejected = imported["rejected"].as_array().expect("the rejected");
    assert_eq!(rejected.iter().map(|line| line["line"].as_u64()).collect::<Vec<_>>(), [Some(2), Some(3)]);
    assert!(rejected.iter().all(|line| line["detail"].as_str().is_some_and(|detail| detail.len() > 5)));

    let csv = "title,url,summary,published_at,tags,sentiment\n\
        \"Antwerp, Ghent merge offices\",https://harbour.example/merge,One harbour now.,2026-01-02,mergers;flanders,neutral\n\
        Odesa reopens,https://harbour.example/reopens,Ships return.,yesterday-ish,,\n";
    let imported = import(&client, topic, "text/csv; charset=utf-8", csv.to_owned()).await.expect(200);
    assert_eq!(imported["added"], 1, "{imported}");
    assert_eq!(imported["rejected"][0]["line"], 3, "{imported}");

    let topics = topics(&client).await;
    let [shown] = topics.as_slice() else { panic!("one topic: {topics:?}") };
    assert_eq!((&shown["name"], &shown["article_count"]), (&json!(topic), &json!(3)));
    assert_ne!(shown["sample"], true);
    assert!(shown["oldest"].as_str().is_some_and(|oldest| oldest.starts_with("2026-01-02")), "{shown}");
    let merged = found(&search(&client, topic, "query=Antwerp%20merge").await);
    assert_eq!(merged[0]["title"], "Antwerp, Ghent merge offices");
    assert_eq!(merged[0]["tags"], json!(["mergers", "flanders"]));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_address_twice_is_one_article() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let url = "https://harbour.example/quay";
    let first =
        import(&client, "Ports", "application/x-ndjson", line("Rotterdam plans a quay", url, 9)).await;
    assert_eq!(first.expect(200)["added"], 1);
    let again = line("Rotterdam opens a quay", url, 1);
    let second = import(&client, "Ports", "application/x-ndjson", again).await.expect(200);
    assert_eq!((&second["added"], &second["updated"]), (&json!(0), &json!(1)), "{second}");
    let both =
        line("Oslo first", "https://oslo.example/a", 3) + &line("Oslo second", "https://oslo.example/a", 3);
    let third = import(&client, "Ports", "application/x-ndjson", both).await.expect(200);
    assert_eq!(third["added"].as_u64(), Some(1), "{third}");

    assert_eq!(topics(&client).await[0]["article_count"], 2);
    let quay = found(&search(&client, "Ports", "query=Rotterdam%20quay").await);
    let titles = texts(&quay, "title");
    assert!(titles.contains(&"Rotterdam opens a quay".to_owned()), "{titles:?}");
    assert!(!titles.contains(&"Rotterdam plans a quay".to_owned()), "{titles:?}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_finds_by_words_keeps_to_a_period_and_admits_when_nothing_matches() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let client = workshop.client("ana");
    let lines = line("Ferry strike ends in Piraeus", "https://harbour.example/piraeus", 1)
        + &line("Ferry strike begins in Split", "https://harbour.example/split", 30)
        + &line("New lighthouse lamp for Skagen", "https://harbour.example/skagen", 3)
        + &line("Cable laid below the Sound", "https://harbour.example/sound", 80);
    import(&client, "Ports", "application/x-ndjson", lines).await.expect(200);

    let ferries = found(&search(&client, "Ports", "query=ferry%20strike").await);
    let titles = texts(&ferries, "title");
    let first_two: Vec<_> = titles.iter().take(2).filter(|title| title.starts_with("Ferry")).collect();
    assert_eq!(first_two.len(), 2, "what matches comes first: {titles:?}");

    for query in ["query=ferry%20strike%20in%20the%20last%207%20days", "query=ferry%20strike&days=7"] {
        let recent = found(&search(&client, "Ports", query).await);
        let titles = texts(&recent, "title");
        assert_eq!(titles.first().map(String::as_str), Some("Ferry strike ends in Piraeus"), "{query}");
        assert!(!titles.iter().any(|title| title.contains("Split") || title.contains("Cable")), "{titles:?}");
    }
    let one = found(&search(&client, "Ports", "query=ferry%20strike&limit=1").await);
    assert_eq!(one.len(), 1);

    let nothing = search(&client, "Ports", "query=zebra%20quagga%20okapi").await;
    let notice = nothing["notice"].as_str().unwrap_or_default();
    assert!(notice.len() > 20, "it says that nothing matches: {nothing}");
    let something = search(&client, "Ports", "query=lighthouse").await;
    assert!(something["notice"].is_null(), "{something}");
    client.get("/api/topics/Nowhere/articles?query=anything").await.expect_problem(404, "not-found");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_that_ends_before_it_begins_finds_nothing_and_says_so() {
    let workshop = Workshop::start().await;
    let ana = workshop.client("ana");
    let found = ana
        .get("/api/topics/AI%20Adoption/articles?query=prices%20before%202020-01-01&days=7")
        .await
        .expect(200);
    assert_eq!(found["articles"], serde_json::json!([]));
    assert!(found["notice"].as_str().is_some_and(|notice| notice.contains("No article")), "{found}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_whose_name_is_not_utf_8_is_refused_and_not_made() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let ana = workshop.client("ana");
    let import = ana
        .request(Method::POST, "/api/topics/%ff%fe/articles")
        .header("content-type", "application/x-ndjson");
    ana.send(import.body("{\"title\":\"T\",\"url\":\"https://a.example/1\",\"summary\":\"S\"}"))
        .await
        .expect_problem(404, "not-found");
    assert_eq!(ana.get("/api/topics").await.expect(200), json!([]));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_embeddings_of_other_dimensions_every_article_is_still_there() {
    let none = || Setup { model: Some(local::ModelChoice::None), ..Setup::default() };
    let workshop = Workshop::start_with(none()).await;
    let client = workshop.client("ana");
    let lines = line("Ferry strike ends in Piraeus", "https://harbour.example/piraeus", 1);
    import(&client, "Ports", "application/x-ndjson", lines).await.expect(200);
    let before = topics(&client).await;

    // Nobody answers there: what can't be embedded is found by its words.
    let embeddings = shared::config::EmbeddingService {
        base_url: "http://127.0.0.1:9/v1".to_owned(),
        model: "other".to_owned(),
        api_key: shared::domain::model::ApiKey::None,
        dimensions: 64,
        least_similarity: 0.3,
    };
    let workshop = workshop.again(Setup { embeddings: Some(embeddings), ..none() }).await;
    let client = workshop.client("ana");
    assert_eq!(topics(&client).await, before);
    let found = search(&client, "Ports", "query=ferry%20strike").await;
    assert_eq!(found["articles"][0]["title"], "Ferry strike ends in Piraeus", "{found}");
    assert_eq!(found["by_meaning"], false);
    assert!(
        found["notice"].as_str().is_some_and(|notice| notice.contains("by their words alone")),
        "{found}"
    );

    // And back, when meaning can be compared again.
    let workshop = workshop.again(none()).await;
    let client = workshop.client("ana");
    assert_eq!(topics(&client).await, before);
    let found =
        search(&client, "AI Adoption", "by=meaning&query=machines%20replacing%20office%20workers").await;
    assert_eq!(found["articles"][0]["meaning_rank"], 1, "{found}");
    workshop.stop().await;
}

/// As while DynamoDB fills an index: there is none of that name yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_index_of_vectors_a_search_goes_by_words_and_says_so() {
    let workshop =
        Workshop::start_with(Setup { sample: false, model: nobody_answers().await, ..Setup::default() })
            .await;
    let lines = line("Ferry strike ends in Piraeus", "https://harbour.example/piraeus", 1);
    import(&workshop.client("ana"), "Ports", "application/x-ndjson", lines).await.expect(200);
    let (app, _) = workshop.watched();
    let (tables, key) = (app.config.tables.clone(), app.config.cursor_key.clone());
    let app = app.with_store(Store::new(workshop.dynamodb(), tables, &key, 99));
    let question = |by| Question {
        topic: "Ports".to_owned(),
        query: "ferry strike".to_owned(),
        limit: 5,
        by,
        ..Question::default()
    };
    let found = shared::corpus::search(&app, &question(By::Both), app.now()).await;
    let found = found.expect("the words are there").expect("the topic");
    assert_eq!((found.found.len(), found.matched, found.by_meaning), (1, true, false));
    let by_meaning = shared::corpus::search(&app, &question(By::Meaning), app.now()).await;
    assert!(by_meaning.is_err(), "what was asked for by meaning alone has no answer");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_name_is_one_topic_whatever_its_form_and_one_from_before_is_found() {
    let workshop =
        Workshop::start_with(Setup { sample: false, model: nobody_answers().await, ..Setup::default() })
            .await;
    let client = workshop.client("ana");
    let kind = "application/x-ndjson";
    for (name, at) in [("Cafe\u{301}", 1), ("Café", 2), ("ＣＡＦÉ", 3), ("\u{feff}ca\u{200b}fé", 4)] {
        let lines = line(&format!("Report {at} of a café"), &format!("https://cafe.example/{at}"), at);
        import(&client, name, kind, lines).await.expect(200);
    }
    let list = topics(&client).await;
    assert_eq!((texts(&list, "name"), &list[0]["article_count"]), (vec!["Café".to_owned()], &json!(4)));
    assert_eq!(found(&search(&client, "cafe\u{301}", "").await).len(), 4);

    for (name, says) in [("\u{200b}", "can be seen"), ("\u{3164}", "can be seen"), ("．．", "address")] {
        let lines = line("Report", "https://cafe.example/5", 1);
        let refused = import(&client, name, kind, lines).await;
        let told = refused.expect_problem(422, "invalid");
        assert!(told.to_string().contains(says), "{name:?}: {told}");
    }

    // Kept by a name in another form, as before there was one form, or one that can't be seen.
    let (app, _) = workshop.watched();
    for name in ["Nai\u{308}ve", "\u{3164}"] {
        app.store().articles.topic_or_new(name, Some("ana"), false, app.now()).await.expect("a topic");
        let lines = line("Report of before", "https://cafe.example/6", 1);
        import(&client, name, kind, lines).await.expect(200);
        assert_eq!(found(&search(&client, name, "").await).len(), 1);
        client.delete(&format!("/api/topics/{}", percent_encoded(name))).await.expect(200);
    }
    workshop.stop().await;
}
