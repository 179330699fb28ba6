//! Deleting an article, and who may delete it or its topic.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use functions::jobs;
use local::ModelChoice;
use serde_json::{Value, json};
use shared::domain::article::{Article, ArticleId};
use tests::feed_server::FeedServer;
use tests::handlers::{self, Call};
use tests::{Setup, Workshop};

use crate::deletion::{
    PLAIN, TOPIC, article, at, import, keys, later, mortal, recover, remove, search, topic, traces,
    unattended, url,
};
use crate::{table_named, texts};

fn of_article(topic: &str, url: &str) -> String {
    format!("{}/articles/{}", at(topic), ArticleId::of(url))
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
