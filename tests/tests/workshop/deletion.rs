//! Taking back what was imported: topics and articles are gone at once, and nothing of them stays.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::jobs;
use local::ModelChoice;
use reqwest::Method;
use serde_json::{Value, json};
use shared::app::App;
use shared::corpus::{self, ImportStopped, Target};
use shared::domain::article::{Article, ArticleId};
use shared::domain::removal::QUIET_MS;
use shared::store::StoreError;
use tests::calls::Calls;
use tests::feed_server::FeedServer;
use tests::handlers::{self, Call};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Answer, Client, DRAFTS, PROMPT, Setup, Workshop};

use crate::{eventually, nobody_answers, percent_encoded, table_named, texts};

/// A topic's name, whose letters nothing else has.
const TOPIC: &str = "Zanzibar Ports";
/// The same for a handler that is called with it in the path as it is.
const PLAIN: &str = "Zanzibar";

/// One whose schedule doesn't come, with the sample or without.
async fn unattended(sample: bool, reachable: &[&FeedServer]) -> Workshop {
    let (model, recover_every) = (nobody_answers().await, Duration::from_secs(86_400));
    let reachable = reachable.iter().map(|server| server.address()).collect();
    Workshop::start_with(Setup { sample, model, recover_every, reachable, ..Setup::default() }).await
}

fn at(topic: &str) -> String {
    format!("/api/topics/{}", percent_encoded(topic))
}

fn of_article(topic: &str, url: &str) -> String {
    format!("{}/articles/{}", at(topic), ArticleId::of(url))
}

/// An article that is like no other but those of the same number.
fn article(number: usize) -> Article {
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

fn url(number: usize) -> String {
    format!("https://harbour.example/{number}")
}

fn lines(articles: impl IntoIterator<Item = Article>) -> String {
    let line = |article| format!("{}\n", serde_json::to_string(&article).expect("JSON"));
    articles.into_iter().map(line).collect()
}

async fn import(client: &Client, topic: &str, articles: impl IntoIterator<Item = Article>) -> Answer {
    let request = client.request(Method::POST, &format!("{}/articles", at(topic)));
    client.send(request.header("content-type", "application/x-ndjson").body(lines(articles))).await
}

async fn search(client: &Client, topic: &str, query: &str) -> Value {
    client.get(&format!("{}/articles?by=words&query={query}", at(topic))).await.expect(200)
}

async fn topic(client: &Client, name: &str) -> Option<Value> {
    let topics = client.get("/api/topics").await.expect(200);
    topics.as_array().expect("topics").iter().find(|topic| topic["name"] == name).cloned()
}

/// Calls `recover-runs` when what was deleted until now is due, as often as it takes on busy cores.
async fn remove(workshop: &Workshop) {
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
fn later(workshop: &Workshop) {
    workshop.machine.clock().advance(Duration::from_millis(QUIET_MS.unsigned_abs() + 1));
}

async fn recover(app: &'static App) {
    jobs::recover_runs::handle(app, Value::Null).await.expect("the store answers");
}

/// Every item of the articles' table in which any of these texts or bytes stands.
async fn traces(workshop: &Workshop, of: &[&str]) -> Vec<HashMap<String, AttributeValue>> {
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

fn keys(items: &[HashMap<String, AttributeValue>]) -> Vec<String> {
    let text =
        |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().expect("a text").clone();
    items.iter().map(|item| format!("{} {}", text(item, "pk"), text(item, "sk"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_topic_is_gone_at_once_and_nothing_of_it_stays() {
    let server = FeedServer::start().await;
    server.publish_rss("/rss", "Wire", &[("Cranes arrive", "https://wire.example/1", "Four cranes came.")]);
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let setup = Setup {
        model: model.only(),
        recover_every: Duration::from_secs(86_400),
        reachable: vec![server.address()],
        ..Setup::default()
    };
    let workshop = Workshop::start_with(setup).await;
    let (ada, bob) = (workshop.client("ada"), workshop.client("bob"));
    let copy = Article { url: "https://post.example/copy".to_owned(), ..article(3) };
    let imported = import(&ada, TOPIC, (0..60).map(article).chain([copy])).await.expect(200);
    assert_eq!((&imported["added"], &imported["duplicates"]), (&json!(60), &json!(1)), "{imported}");
    let feeds = format!("{}/feeds", at(TOPIC));
    let feed = bob.post(&feeds, json!({"url": server.url("/rss")})).await.expect(201);
    let draft = ada.draft(PROMPT).await;
    let test = ada.test(&draft, "Which cranes came?", TOPIC).await;
    let run = ada.finished(&draft, &test, 60).await;
    assert!(run["articles"].as_array().is_some_and(|used| !used.is_empty()), "{run}");
    assert_eq!(topic(&ada, TOPIC).await.expect("the topic")["may_delete"], true);
    assert_eq!(topic(&bob, TOPIC).await.expect("the topic")["may_delete"], false);

    // In other letters, as topics are compared.
    let deleted = ada.delete(&at("zanzibar  PORTS")).await.expect(200);
    assert_eq!(deleted["articles"], 61, "{deleted}");
    let message = deleted["message"].as_str().expect("a sentence");
    assert!(message.starts_with("Zanzibar Ports was deleted, with its 61 articles"), "{message}");

    assert_eq!(topic(&ada, TOPIC).await, None);
    for path in ["articles", "articles?query=cranes", "facets", "feeds"] {
        ada.get(&format!("{}/{path}", at(TOPIC))).await.expect_problem(404, "not-found");
    }
    let order = json!({"test_query": "Which cranes came?", "topic": TOPIC});
    ada.post(&format!("{DRAFTS}/{draft}/test"), order).await.expect_problem(422, "invalid");
    let feed = format!("{feeds}/{}", feed["id"].as_str().expect("an id"));
    bob.post(&format!("{feed}/collect"), json!({})).await.expect_problem(404, "not-found");
    bob.delete(&feed).await.expect_problem(404, "not-found");
    ada.delete(&at(TOPIC)).await.expect_problem(404, "not-found");
    ada.delete(&of_article(TOPIC, &url(1))).await.expect_problem(404, "not-found");
    for answer in
        [import(&bob, TOPIC, [article(1)]).await, bob.post(&feeds, json!({"url": server.url("/rss")})).await]
    {
        assert_eq!(answer.header("retry-after"), Some("120"));
        let problem = answer.expect_problem(409, "conflict");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("Nothing was imported")),
            "{problem}"
        );
    }

    // Not yet: an import that was under way could still add to it.
    recover(workshop.machine.app()).await;
    assert!(!traces(&workshop, &["zanzibar"]).await.is_empty());
    remove(&workshop).await;
    assert_eq!(keys(&traces(&workshop, &["zanzibar", "Zanzibar"]).await), [""; 0]);

    // Runs keep what they recorded, and others' topics all they have.
    assert_eq!(ada.get(&format!("{DRAFTS}/{draft}/tests/{test}")).await.expect(200), run);
    assert_eq!(ada.get("/api/topics").await.expect(200).as_array().map(Vec::len), Some(3));

    let anew = import(&bob, TOPIC, (0..60).map(article)).await.expect(200);
    assert_eq!(anew["added"], 60, "{anew}");
    recover(workshop.machine.app()).await;
    let shown = topic(&bob, TOPIC).await.expect("the topic");
    assert_eq!(
        (&shown["article_count"], &shown["may_delete"]),
        (&json!(60), &json!(true)),
        "it is bob's: {shown}"
    );
    assert_eq!(search(&bob, TOPIC, "report").await["total"], 60);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_maker_and_administrators_delete_a_topic_and_its_articles() {
    let server = FeedServer::start().await;
    server.publish_rss("/rss", "Wire", &[("Cranes arrive", "https://wire.example/1", "Four cranes came.")]);
    let workshop = unattended(true, &[&server]).await;
    let (ada, bob, local) = (workshop.client("ada"), workshop.client("bob"), workshop.client("local"));
    import(&ada, TOPIC, (0..3).map(article)).await.expect(200);
    import(&bob, TOPIC, (2..4).map(article)).await.expect(200);
    let mine = ["Quays", "Ferries"];
    bob.post(&format!("{}/feeds", at(mine[0])), json!({"url": server.url("/rss")})).await.expect(201);
    import(&bob, mine[1], [article(1)]).await.expect(200);
    // Whoever imports into a topic doesn't become its maker.
    for (client, topic) in
        [(&bob, TOPIC), (&bob, "AI Adoption"), (&ada, "AI Adoption"), (&ada, mine[0]), (&ada, mine[1])]
    {
        let problem = client.delete(&at(topic)).await.expect_problem(404, "not-found");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("topic of yours")),
            "{problem}"
        );
    }
    bob.delete(&of_article(TOPIC, &url(2))).await.expect_problem(404, "not-found");
    assert_eq!(topic(&ada, TOPIC).await.expect("the topic")["article_count"], 4);
    ada.delete(&of_article(TOPIC, &url(3))).await.expect(200);
    for topic in mine {
        bob.delete(&at(topic)).await.expect(200);
    }
    ada.delete(&of_article(TOPIC, "https://harbour.example/unknown")).await.expect_problem(404, "not-found");
    ada.delete(&format!("{}/articles/1", at(TOPIC))).await.expect_problem(404, "not-found");
    // The machine's own user is its administrator.
    assert_eq!(topic(&local, "AI Adoption").await.expect("the sample")["may_delete"], true);
    local.delete(&of_article(TOPIC, &url(2))).await.expect(200);
    assert_eq!(local.delete(&at(TOPIC)).await.expect(200)["articles"], 2);
    workshop.anonymous().delete(&at("AI Adoption")).await.expect(200);
    remove(&workshop).await;
    // Kept on purpose: that this topic of the sample isn't to be installed again.
    assert_eq!(
        keys(&traces(&workshop, &["ai adoption", "AI Adoption"]).await),
        ["REMOVALS SAMPLE#ai adoption"]
    );
    shared::install::install(workshop.machine.app()).await.expect("it is installed");
    assert_eq!(topic(&local, "AI Adoption").await, None);
    assert_eq!(local.get("/api/topics").await.expect(200).as_array().map(Vec::len), Some(2));
    workshop.stop().await;
}

/// An application that dies when told to, and its calls.
fn mortal(workshop: &Workshop) -> (&'static App, Calls) {
    let (app, calls) = workshop.watched();
    (Box::leak(Box::new(app)), calls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_removed_to_its_end_though_its_remover_dies_at_every_call() {
    let workshop = unattended(false, &[]).await;
    let ada = workshop.client("ada");
    let (app, calls) = mortal(&workshop);
    let feedless = |name: &str| (name.to_owned(), at(name));
    // The request: the topic is there whole, or gone.
    for survived in 0.. {
        let (name, path) = feedless(&format!("Zanzibar-{survived}"));
        import(&ada, &name, (0..3).map(article)).await.expect(200);
        calls.die_after(Some(survived));
        let call =
            Call { binary: "topics-delete", user: "ada", path: &[("topic", &name)], ..Call::default() };
        let answer = handlers::call(app, &call).await;
        calls.die_after(None);
        let there = topic(&ada, &name).await;
        assert_eq!(there.is_some(), answer.status != 200, "{} {}", answer.status, answer.text);
        if there.is_some() {
            assert_eq!(search(&ada, &name, "report").await["total"], 3);
            ada.delete(&path).await.expect(200);
        } else {
            break;
        }
    }
    remove(&workshop).await;
    assert_eq!(keys(&traces(&workshop, &["zanzibar", "Zanzibar"]).await), [""; 0]);

    // Its removal: each remover gets further than the one before, and dies.
    import(&ada, PLAIN, (0..40).map(article)).await.expect(200);
    ada.delete(&at(PLAIN)).await.expect(200);
    let (mut survived, mut deaths) = (0, 0);
    loop {
        later(&workshop);
        calls.die_after(Some(survived));
        let _dead = jobs::recover_runs::handle(app, Value::Null).await;
        let has_died = calls.has_died();
        calls.die_after(None);
        let left = traces(&workshop, &["zanzibar", "Zanzibar"]).await;
        // Until its removal has ended, the name is not free, and what is left is known to be.
        let is_known = keys(&left).contains(&"REMOVALS TOPIC#zanzibar".to_owned());
        assert_eq!(is_known, !left.is_empty(), "{:?}", keys(&left));
        if left.is_empty() {
            break;
        }
        import(&ada, PLAIN, [article(1)]).await.expect_problem(409, "conflict");
        assert!(has_died, "it ended with {} items left", left.len());
        deaths += 1;
        survived += 1 + survived / 8;
    }
    assert!(deaths > 20, "{deaths}");
    println!("a topic was removed by the {}th remover, the others having died", deaths + 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_is_removed_to_its_end_though_its_remover_dies_at_every_call() {
    let workshop = unattended(false, &[]).await;
    let ada = workshop.client("ada");
    let (app, calls) = mortal(&workshop);
    import(&ada, PLAIN, (0..40).map(article)).await.expect(200);
    let id = ArticleId::of(&url(7)).to_string();
    for survived in 0.. {
        calls.die_after(Some(survived));
        let path = [("topic", PLAIN), ("article_id", id.as_str())];
        let call = Call { binary: "articles-delete", user: "ada", path: &path, ..Call::default() };
        let answer = handlers::call(app, &call).await;
        calls.die_after(None);
        let count = topic(&ada, PLAIN).await.expect("the topic")["article_count"].clone();
        assert_eq!(count, if answer.status == 200 { 39 } else { 40 }, "{} {}", answer.status, answer.text);
        if answer.status == 200 {
            break;
        }
    }
    let mark = format!("TOPIC#zanzibar A#{id}");
    let (mut survived, mut deaths) = (0, 0);
    loop {
        later(&workshop);
        calls.die_after(Some(survived));
        let _dead = jobs::recover_runs::handle(app, Value::Null).await;
        calls.die_after(None);
        let left = traces(&workshop, &[&id]).await;
        let marked =
            left.iter().find(|item| keys(std::slice::from_ref(*item)) == [mark.clone()]).expect("its mark");
        if !marked.contains_key("due_sk") {
            assert_eq!(keys(&left), [mark]);
            break;
        }
        deaths += 1;
        survived += 1 + survived / 8;
    }
    assert!(deaths > 20, "{deaths}");
    assert_eq!(search(&ada, PLAIN, "report").await["total"], 39);
    println!("an article was removed by the {}th remover, the others having died", deaths + 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_ends_what_is_being_imported_and_a_new_topic_keeps_all_it_gets() {
    let workshop = unattended(false, &[]).await;
    let ada = workshop.client("ada");
    let app = workshop.machine.app();
    // Imports go on and on, from four at once, while the topic is deleted.
    let imports = (0..4_usize).map(|of| {
        tokio::spawn(async move {
            let mut target = Target::of_person(TOPIC, "ada");
            for round in 0.. {
                let first = 100_000 * of + 60 * round;
                let articles = (first..first + 60).map(article).collect();
                match corpus::import(app, &mut target, articles, app.now()).await {
                    Ok(_) => {}
                    // They meet each other, too.
                    Err(ImportStopped::Store(StoreError::Busy(busy))) => println!("busy: {busy}"),
                    Err(stopped) => return (round, stopped, target),
                }
            }
            unreachable!("imports end when their topic is deleted")
        })
    });
    let imports: Vec<_> = imports.collect();
    eventually("something is imported", 240, async || {
        topic(&ada, TOPIC).await.filter(|topic| topic["article_count"].as_u64() >= Some(120))
    })
    .await;
    ada.delete(&at(TOPIC)).await.expect(200);
    let mut targets = Vec::new();
    for import in imports {
        let (rounds, stopped, target) = import.await.expect("an import");
        assert!(matches!(stopped, ImportStopped::TopicGone), "after {rounds} rounds: {stopped}");
        targets.push(target);
    }
    // A removal that was taken up and left lying by who died.
    later(&workshop);
    let store = workshop.machine.store();
    let due = store.removals.due(app.now(), 10).await.expect("the store").remove(0);
    let dead = store.removals.take_up(due.clone(), app.now()).await.expect("the store").expect("it was due");
    recover(app).await;
    assert!(
        !traces(&workshop, &["zanzibar"]).await.is_empty(),
        "it is the dead one's until its time is over"
    );
    remove(&workshop).await;
    assert_eq!(keys(&traces(&workshop, &["zanzibar", "Zanzibar"]).await), [""; 0]);

    import(&ada, TOPIC, (0..80).map(article)).await.expect(200);
    // What comes late, or twice, does nothing to the new topic.
    for late in [due, dead] {
        assert!(store.removals.take_up(late.clone(), app.now()).await.expect("the store").is_none());
        store.removals.end(late).await.expect("the store");
    }
    for mut target in targets {
        let articles = vec![article(7), article(900_001)];
        let stopped = corpus::import(app, &mut target, articles, app.now()).await;
        assert!(matches!(stopped, Err(ImportStopped::TopicGone)), "{stopped:?}");
    }
    remove(&workshop).await;
    assert_eq!(topic(&ada, TOPIC).await.expect("the topic")["article_count"], 80);
    let found = search(&ada, TOPIC, "report").await;
    assert_eq!((&found["total"], &found["searched"]), (&json!(80), &json!(80)));
    for number in 0..80 {
        let word = format!("w{}", number * 7_919 + 104_729);
        let found = search(&ada, TOPIC, &word).await;
        assert_eq!(found["articles"][0]["url"], url(number), "{word}: {found}");
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_whose_topic_is_deleted_while_it_is_read_ends_and_says_so() {
    let workshop = unattended(false, &[]).await;
    let (ada, app) = (workshop.client("ada"), workshop.machine.app());
    // More than a batch, so that the import goes on after the first.
    let file = lines((0..6_000).map(article));
    let started =
        ada.post(&format!("{}/imports", at(TOPIC)), json!({"format": "jsonl", "bytes": file.len()})).await;
    let started = started.expect(201);
    let to: url::Url = started["upload"]["url"].as_str().expect("an address").parse().expect("an address");
    let nobody = ada.without_token();
    let put = nobody.request(Method::PUT, &to[url::Position::BeforePath..]).body(file);
    assert_eq!(nobody.send(put).await.status, 200);
    let path = format!("{}/imports/{}", at(TOPIC), started["import"]["id"].as_str().expect("an id"));
    ada.post(&format!("{path}/run"), json!({})).await.expect(202);
    eventually("the topic is there", 60, async || topic(&ada, TOPIC).await).await;
    ada.delete(&at(TOPIC)).await.expect(200);
    let ended = eventually("the import ends", 240, async || {
        let import = ada.get(&path).await.expect(200);
        matches!(import["status"].as_str(), Some("finished" | "failed")).then_some(import)
    })
    .await;
    assert_eq!(ended["status"], "failed", "{ended}");
    let sentence = ended["error"].as_str().expect("a sentence");
    assert!(sentence.starts_with("The topic was deleted while the file was read."), "{sentence}");
    recover(app).await;
    remove(&workshop).await;
    assert_eq!(topic(&ada, TOPIC).await, None);
    assert_eq!(keys(&traces(&workshop, &["zanzibar", "Zanzibar"]).await), [""; 0]);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_article_is_gone_and_only_a_person_brings_it_back() {
    let server = FeedServer::start().await;
    let item = ("Cranes arrive", "https://wire.example/cranes", "Four giant cranes came by sea this week.");
    let other =
        ("Ferries sail", "https://wire.example/ferries", "Three ferries sail to the islands each day.");
    server.publish_rss("/rss", "Wire", &[item, other]);
    let workshop = unattended(false, &[&server]).await;
    let ada = workshop.client("ada");
    let feeds = format!("{}/feeds", at(TOPIC));
    let feed = ada.post(&feeds, json!({"url": server.url("/rss")})).await.expect(201);
    let collect = format!("{feeds}/{}/collect", feed["id"].as_str().expect("an id"));
    let copy = Article { url: "https://post.example/copy".to_owned(), ..article(27) };
    import(&ada, TOPIC, (0..30).map(article).chain([copy.clone()])).await.expect(200);
    // One that was changed stands among the words of its earlier version, too.
    let changed = Article {
        summary: Some("Something else altogether, of amber.".to_owned()),
        published_at: "2026-10-05T08:00:00Z".parse().expect("a time"),
        ..article(27)
    };
    import(&ada, TOPIC, [changed]).await.expect(200);
    let shown = topic(&ada, TOPIC).await.expect("the topic");
    assert_eq!((&shown["article_count"], &shown["oldest"]), (&json!(32), &json!("2026-10-05T08:00:00.000Z")));

    let ids = ["https://wire.example/cranes", &url(27)].map(|url| ArticleId::of(url).to_string());
    let found = search(&ada, TOPIC, "cranes").await;
    assert_eq!(found["articles"][0]["id"], ids[0], "{found}");
    for id in &ids {
        let done = ada.delete(&format!("{}/articles/{id}", at(TOPIC))).await.expect(200);
        assert!(
            done["message"].as_str().is_some_and(|text| text.contains("deleted from Zanzibar Ports")),
            "{done}"
        );
        ada.delete(&format!("{}/articles/{id}", at(TOPIC))).await.expect_problem(404, "not-found");
    }
    let shown = topic(&ada, TOPIC).await.expect("the topic");
    assert_eq!(shown["article_count"], 30);
    assert_eq!(shown["oldest"], "2026-11-01T08:00:00.000Z", "that of October is gone: {shown}");
    let all = async |query: &str| {
        let found = ada.get(&format!("{}/articles?limit=50&{query}", at(TOPIC))).await.expect(200);
        texts(found["articles"].as_array().expect("articles"), "id")
    };
    for query in ["", "query=cranes", "query=amber", "by=meaning&query=giant%20cranes"] {
        let found = all(query).await;
        assert!(ids.iter().all(|id| !found.contains(id)), "{query}: {found:?}");
    }
    assert_eq!(ada.get(&format!("{}/facets", at(TOPIC))).await.expect(200)["articles"], 30);

    // Neither before the removal nor after it does the feed bring it back.
    for removed in [false, true] {
        if removed {
            remove(&workshop).await;
        }
        let news = if removed { "Barges rest in the lower lock." } else { "Tugs race to the outer light." };
        server.publish_rss(
            "/rss",
            "Wire",
            &[item, other, (news, &format!("https://wire.example/{removed}"), news)],
        );
        workshop.machine.clock().advance(Duration::from_secs(120));
        let collected = ada.post(&collect, json!({})).await.expect(200);
        assert_eq!(collected["last_added"], 1, "{collected}");
        assert!(!all("").await.contains(&ids[0]));
        if !removed {
            // The collection's two minutes have made the removal due.
            recover(workshop.machine.app()).await;
        }
    }
    let copied = ArticleId::of(&copy.url).to_string();
    let marks =
        [ids[0].clone(), ids[1].clone(), copied.clone()].map(|id| format!("TOPIC#zanzibar ports A#{id}"));
    let left = traces(&workshop, &[&ids[0], &ids[1], &copied]).await;
    let (mut left, mut marks) = (keys(&left), marks.to_vec());
    left.sort();
    marks.sort();
    assert_eq!(left, marks, "kept on purpose: that they were deleted");
    assert_eq!(search(&ada, TOPIC, "cranes").await["total"], 0);

    // A person does, by either address, and its words are there.
    let back = import(&ada, TOPIC, [copy.clone()]).await.expect(200);
    assert_eq!((&back["added"], &back["duplicates"]), (&json!(1), &json!(0)), "{back}");
    let back = import(&ada, TOPIC, [article(27)]).await.expect(200);
    assert_eq!((&back["added"], &back["duplicates"]), (&json!(0), &json!(1)), "it is a copy now: {back}");
    let word = format!("w{}", 27 * 7_919 + 104_729);
    let found = search(&ada, TOPIC, &word).await;
    assert_eq!((&found["total"], &found["articles"][0]["url"]), (&json!(1), &json!(copy.url)), "{found}");

    // Also while its removal waits: then there is nothing to be removed any more.
    ada.delete(&of_article(TOPIC, &url(5))).await.expect(200);
    assert_eq!(import(&ada, TOPIC, [article(5)]).await.expect(200)["added"], 1);
    remove(&workshop).await;
    let found = search(&ada, TOPIC, &format!("w{}", 5 * 7_919 + 104_729)).await;
    assert_eq!((&found["total"], &found["articles"][0]["url"]), (&json!(1), &json!(url(5))), "{found}");
    let by_meaning = all("by=meaning&query=Report%205%20of%20the%20harbour").await;
    assert!(by_meaning.contains(&ArticleId::of(&url(5)).to_string()));
    assert_eq!(topic(&ada, TOPIC).await.expect("the topic")["article_count"], 33);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_that_is_being_removed_is_not_imported_without_its_words() {
    let workshop = unattended(false, &[]).await;
    let ada = workshop.client("ada");
    let (store, app) = (workshop.machine.store(), workshop.machine.app());
    import(&ada, TOPIC, (0..5).map(article)).await.expect(200);
    ada.delete(&of_article(TOPIC, &url(2))).await.expect(200);
    later(&workshop);
    let due = store.removals.due(app.now(), 10).await.expect("the store").remove(0);
    let mine = store.removals.take_up(due, app.now()).await.expect("the store").expect("it was due");
    import(&ada, TOPIC, [article(2)]).await.expect_problem(503, "unavailable");
    store.removals.let_go(mine, app.now()).await.expect("the store");
    recover(app).await;
    assert_eq!(import(&ada, TOPIC, [article(2)]).await.expect(200)["added"], 1);
    assert_eq!(search(&ada, TOPIC, &format!("w{}", 2 * 7_919 + 104_729)).await["total"], 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_from_before_makers_were_kept_is_for_administrators() {
    let setup = Setup { model: Some(ModelChoice::None), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let (ada, local) = (workshop.client("ada"), workshop.client("local"));
    import(&ada, TOPIC, (0..3).map(article)).await.expect(200);
    let dynamodb = workshop.dynamodb();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let update = dynamodb.update_item().table_name(table_named(&dynamodb, "articles").await);
    let update = update.key("pk", text("TOPICS")).key("sk", text("TOPIC#zanzibar ports"));
    update.update_expression("REMOVE made_by, made_at").send().await.expect("the store");
    // It takes articles as before.
    assert_eq!(import(&ada, TOPIC, (2..6).map(article)).await.expect(200)["added"], 3);
    ada.delete(&of_article(TOPIC, &url(1))).await.expect_problem(404, "not-found");
    ada.delete(&at(TOPIC)).await.expect_problem(404, "not-found");
    local.delete(&of_article(TOPIC, &url(1))).await.expect(200);
    assert_eq!(local.delete(&at(TOPIC)).await.expect(200)["articles"], 5);
    workshop.stop().await;
}
