//! Deleting a topic: it is gone at once, nothing of it stays, and others' keep all they have.

use std::time::Duration;

use functions::jobs;
use reqwest::Method;
use serde_json::{Value, json};
use shared::corpus::{self, ImportStopped, Target};
use shared::domain::article::Article;
use shared::store::StoreError;
use tests::feed_server::FeedServer;
use tests::handlers::{self, Call};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{DRAFTS, PROMPT, Setup, Workshop};

use crate::deletion::{
    PLAIN, TOPIC, article, at, import, keys, later, lines, mortal, recover, remove, search, topic, traces,
    unattended, url,
};
use crate::eventually;

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
