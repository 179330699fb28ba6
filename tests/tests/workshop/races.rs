//! Requests that meet: exactly one wins where one must, none is lost where
//! all count, and nobody is told two different things.

use std::time::Duration;

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use shared::app::Clock;
use shared::limits::Limits;
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Answer, Client, DRAFTS, MESSAGE, PROMPT, PROMPTS, START, Setup, Workshop, events, spoken};

use super::{begin_a_minute, eventually, stored};

/// A race is run this often: one that is lost now and then is still lost.
const ROUNDS: usize = 8;

async fn workshop() -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    (workshop, model)
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

async fn save(client: &Client, draft: &str, text: &str, revision: Option<u64>) -> Answer {
    let mut request =
        client.request(Method::PUT, &format!("{DRAFTS}/{draft}")).json(&json!({"draft_content": text}));
    if let Some(revision) = revision {
        request = request.header("if-match", format!("\"{revision}\""));
    }
    client.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_saves_of_one_revision_one_wins_and_the_other_is_shown_the_draft() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    for round in 0..ROUNDS {
        let before = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
        let revision = before["revision"].as_u64().expect("a revision");
        let texts = [format!("{round}: from the left window"), format!("{round}: from the right window")];
        let (left, right) = join(
            save(&ada, &draft, &texts[0], Some(revision)),
            save(&ada, &draft, &texts[1], Some(revision)),
        )
        .await;
        let (won, lost, text) =
            if left.status == 200 { (left, right, &texts[0]) } else { (right, left, &texts[1]) };
        assert_eq!(won.expect(200)["revision"], json!(revision + 1));
        let etag = lost.header("etag").map(str::to_owned);
        let problem = lost.expect_problem(412, "stale-revision");
        assert_eq!(problem["current"]["draft_content"], json!(text), "{problem}");
        assert_eq!(problem["current"]["revision"], json!(revision + 1));
        assert_eq!(etag, Some(format!("\"{}\"", revision + 1)));
        let after = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
        assert_eq!((&after["draft_content"], &after["revision"]), (&json!(text), &json!(revision + 1)));
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_saves_at_once_without_a_revision_all_count() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let before =
        ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200)["revision"].as_u64().expect("a number");
    let texts: Vec<String> = (0..20).map(|number| format!("Text {number}")).collect();
    let answers = join_all(texts.iter().map(|text| save(&ada, &draft, text, None))).await;
    let mut revisions: Vec<u64> = answers
        .into_iter()
        .map(|answer| answer.expect(200)["revision"].as_u64().expect("a number"))
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (before + 1..=before + 20).collect::<Vec<u64>>());
    let after = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    assert_eq!(after["revision"], json!(before + 20));
    assert!(texts.iter().any(|text| after["draft_content"] == json!(text)), "{after}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_commits_of_one_name_one_is_made_and_the_other_is_told() {
    let (workshop, _model) = workshop().await;
    for round in 0..ROUNDS {
        let name = format!("wanted_by_both_{round}");
        let commit = async |user: &str| {
            let client = workshop.client(user);
            let draft = client.draft(&format!("{PROMPT} For {user}.")).await;
            let order = json!({"name": name, "title": format!("For {user}")});
            (client.post(&format!("{DRAFTS}/{draft}/commit"), order).await, client, draft)
        };
        let (first, second) = join(commit("ada"), commit("bob")).await;
        let (won, lost) = if first.0.status == 201 { (first, second) } else { (second, first) };
        won.0.expect(201);
        lost.0.expect_problem(409, "name-taken");
        let prompt = lost.1.get(&format!("{PROMPTS}/{name}")).await.expect(200);
        let text = won.1.get(&format!("{DRAFTS}/{}", won.2)).await.expect(200);
        assert_eq!((&prompt["content"], &prompt["version"]), (&text["draft_content"], &json!(1)));
        assert_eq!(text["status"], "committed");
        // The loser's draft is as it was, and can be committed under another name.
        let draft = lost.1.get(&format!("{DRAFTS}/{}", lost.2)).await.expect(200);
        assert_eq!((&draft["status"], &draft["committed_prompt_name"]), (&json!("draft"), &Value::Null));
        let again = json!({"name": format!("{name}_too"), "title": "Another name"});
        lost.1.post(&format!("{DRAFTS}/{}/commit", lost.2), again).await.expect(201);
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_commits_of_one_draft_no_version_is_lost_or_made_twice() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    for round in 0..ROUNDS {
        let draft = ada.draft(PROMPT).await;
        let order = json!({"name": format!("twice_{round}"), "title": "Committed twice"});
        let path = format!("{DRAFTS}/{draft}/commit");
        let answers = join_all((0..2).map(|_| ada.post(&path, order.clone()))).await;
        let made: Vec<u64> = answers
            .iter()
            .filter(|answer| answer.status == 201)
            .map(|answer| answer.json()["version"].as_u64().expect("a version"))
            .collect();
        assert!(!made.is_empty(), "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 201 | 409)), "{answers:?}");
        let prompt = ada.get(&format!("{PROMPTS}/twice_{round}")).await.expect(200);
        let draft = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
        assert_eq!(prompt["version"].as_u64(), made.iter().max().copied(), "{answers:?}");
        assert_eq!(draft["committed_version"], prompt["version"]);
        assert_eq!(draft["status"], "committed");
    }
    workshop.stop().await;
}

/// Whoever names no revision commits what is there; whoever names one, that or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_goes_through_while_saves_come_in() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    for round in 0..ROUNDS {
        let draft = ada.draft(PROMPT).await;
        let saves = async {
            for text in 0..10 {
                save(&ada, &draft, &format!("{PROMPT} {text}"), None).await.expect(200);
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
        };
        let order = json!({"name": format!("busy_{round}"), "title": "Committed while it was written"});
        let path = format!("{DRAFTS}/{draft}/commit");
        let (committed, ()) = join(ada.post(&path, order.clone()), saves).await;
        committed.expect(201);
        let prompt = ada.get(&format!("{PROMPTS}/busy_{round}")).await.expect(200);
        let content = prompt["content"].as_str().expect("a text");
        assert!(content.starts_with(PROMPT), "{prompt}");

        let stale = ada.request(Method::POST, &path).header("if-match", "\"1\"").json(&order);
        ada.send(stale).await.expect_problem(412, "stale-revision");
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_messages_at_once_one_is_answered_and_the_other_refused() {
    let slow = Play::Slowly(
        "one two three four five six seven eight nine ten".to_owned(),
        Duration::from_millis(60),
    );
    let model = ScriptedModel::start([slow]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    let ada = workshop.client("ada");
    for _ in 0..3 {
        let draft = ada.draft(PROMPT).await;
        let send = async |text: &str| {
            (ada.post(MESSAGE, json!({"chat_id": draft, "message": text})).await, text.to_owned())
        };
        let (first, second) = join(send("From the left window."), send("From the right window.")).await;
        let (won, lost) = if first.0.status == 200 { (first, second) } else { (second, first) };
        let told = events(&won.0.text);
        assert_eq!(spoken(&told), "one two three four five six seven eight nine ten", "{}", won.0.text);
        assert_eq!(told.last().map(|event| event["done"].clone()), Some(json!(true)));
        lost.0.expect_problem(409, "conflict");
        let said = said_by_user(&ada, &draft).await;
        assert_eq!(said, [won.1], "the message that was refused was not taken");
        ada.say(&draft, "And now?").await;
        assert_eq!(said_by_user(&ada, &draft).await.len(), 2);
    }
    workshop.stop().await;
}

async fn said_by_user(client: &Client, draft: &str) -> Vec<String> {
    let history =
        client.get(&format!("/api/auspex/chat/sessions/{draft}/messages?limit=100")).await.expect(200);
    let messages = history["messages"].as_array().expect("a list");
    let users = messages.iter().filter(|message| message["role"] == "user");
    users.filter_map(|message| message["content"].as_str().map(str::to_owned)).collect()
}

/// Sends one request five times at once under one key, and once more after.
async fn five_times(client: &Client, path: &str, body: &Value) -> Vec<Answer> {
    let send = || {
        let request = client.request(Method::POST, path).json(body);
        client.send(request.header("idempotency-key", format!("key of {path}")))
    };
    let mut answers = join_all((0..5).map(|_| send())).await;
    answers.push(send().await);
    answers
}

/// All answers but those that came while the first was at work are the first one.
#[track_caller]
fn one_answer(answers: &[Answer], status: u16) -> String {
    let last = answers.last().expect("an answer");
    assert_eq!(last.status.as_u16(), status, "the repeat after the answer: {}", last.text);
    for answer in answers {
        if answer.status == 409 {
            assert!(answer.header("retry-after").is_some(), "a repeat at work says when to come back");
        } else {
            assert_eq!((answer.status, &answer.text), (last.status, &last.text));
        }
    }
    last.text.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idempotency_key_makes_one_thing_however_often_it_is_sent_at_once() {
    let (workshop, model) = workshop().await;
    let ada = workshop.client("ada");

    one_answer(&five_times(&ada, START, &json!({"starting_prompt": PROMPT})).await, 201);
    let drafts = ada.get(DRAFTS).await.expect(200);
    assert_eq!(drafts["total"], 1);
    let draft = drafts["drafts"][0]["id"].as_str().expect("an id").to_owned();

    let order = json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5});
    let answers = five_times(&ada, &format!("{DRAFTS}/{draft}/test"), &order).await;
    one_answer(&answers, 202);
    let location =
        answers.last().and_then(|answer| answer.header("location")).expect("a location").to_owned();
    let tests = ada.get(&format!("{DRAFTS}/{draft}/tests")).await.expect(200);
    assert_eq!(tests["total_tests"], 1, "{tests}");
    let test = tests["test_results"][0]["test_id"].as_str().expect("an id");
    assert!(location.ends_with(test), "{location}");
    ada.finished(&draft, test, 30).await;
    assert_eq!(model.asked().len(), 1, "the run was executed once");

    let answers = five_times(&ada, MESSAGE, &json!({"chat_id": draft, "message": "Make it shorter."})).await;
    let first = answers.iter().find(|answer| answer.status == 200).expect("an answer");
    let done = events(&first.text).pop().expect("an event");
    let repeated = events(&answers.last().expect("a repeat").text);
    assert_eq!(spoken(&repeated), "The articles do not tell.");
    assert_eq!(repeated.last().map(|event| &event["message_id"]), Some(&done["message_id"]));
    for answer in &answers {
        assert!(matches!(answer.status.as_u16(), 200 | 409), "{answer:?}");
    }
    assert_eq!(said_by_user(&ada, &draft).await, ["Make it shorter."]);
    assert_eq!(model.asked().len(), 2, "the message was answered once");

    let commit = json!({"name": "made_once", "title": "Made once"});
    let text = one_answer(&five_times(&ada, &format!("{DRAFTS}/{draft}/commit"), &commit).await, 201);
    assert!(text.contains("\"version\":1"), "{text}");
    let prompt = ada.get(&format!("{PROMPTS}/made_once")).await.expect(200);
    assert_eq!(prompt["version"], 1);

    one_answer(&five_times(&ada, &format!("{PROMPTS}/made_once/clone"), &json!({})).await, 201);
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 2);
    let prompt = ada.get(&format!("{PROMPTS}/made_once")).await.expect(200);
    assert_eq!(prompt["clone_count"], 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_tests_started_at_once_the_limit_admits_exactly_its_number() {
    let limits = Limits { runs_per_minute: 5, ..Limits::default() };
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), limits, ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let order = json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5});
    let path = format!("{DRAFTS}/{draft}/test");
    begin_a_minute(workshop.machine.app());
    let answers = join_all((0..12).map(|_| ada.post(&path, order.clone()))).await;
    let left = 60 - workshop.machine.app().now().as_seconds().rem_euclid(60);
    let expected: Vec<u16> = [vec![202; 5], vec![429; 7]].concat();
    assert_eq!(statuses(&answers), expected);
    for answer in answers.into_iter().filter(|answer| answer.status == 429) {
        let wait: i64 = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((left..=60).contains(&wait), "{wait} where {left} are left");
        answer.expect_problem(429, "rate-limited");
    }
    let tests = ada.get(&format!("{path}s")).await.expect(200);
    assert_eq!(tests["total_tests"], 5);
    // Another user's minute is their own.
    let bob = workshop.client("bob");
    let draft = bob.draft(PROMPT).await;
    bob.post(&format!("{DRAFTS}/{draft}/test"), order).await.expect(202);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clone_that_meets_a_deletion_is_whole_or_not_there() {
    let (workshop, _model) = workshop().await;
    let (ada, ben) = (workshop.client("ada"), workshop.client("ben"));
    let (mut whole, mut total) = (0, 0);
    for round in 0..2 * ROUNDS as u64 {
        let draft = ada.draft(PROMPT).await;
        let commit = json!({"name": "cloned_once", "title": "Cloned once"});
        ada.post(&format!("{DRAFTS}/{draft}/commit"), commit).await.expect(201);
        let deletion = async {
            // Sooner and later in the course of the other.
            tokio::time::sleep(Duration::from_millis(round)).await;
            ada.delete(&format!("{PROMPTS}/cloned_once")).await
        };
        let (path, nothing) = (format!("{PROMPTS}/cloned_once/clone"), json!({}));
        let (cloned, deleted) = join(ben.post(&path, nothing), deletion).await;
        deleted.expect(200);
        if cloned.status == 201 {
            let clone = cloned.json()["draft_id"].as_str().expect("an id").to_owned();
            let clone = ben.get(&format!("{DRAFTS}/{clone}")).await.expect(200);
            assert_eq!((&clone["draft_content"], &clone["status"]), (&json!(PROMPT), &json!("draft")));
            whole += 1;
        } else {
            cloned.expect_problem(404, "not-found");
        }
        total += 1;
        ada.get(&format!("{PROMPTS}/cloned_once")).await.expect_problem(404, "not-found");
        assert_eq!(ben.get(DRAFTS).await.expect(200)["total"], whole, "after {total}");
    }
    assert!(whole > 0, "every deletion came first");
    workshop.stop().await;
}

/// A draft is saved at about the instant at which it expires, while the store removes what has expired and the
/// stream's job what belonged to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_that_meets_the_removal_of_its_draft_keeps_all_of_it_or_comes_too_late() {
    // The store removes by the system's time: so the drafts are made in the past, by the machine's clock.
    let (month, ahead) = (Duration::from_secs(30 * 86_400), Duration::from_secs(4));
    let behind = i64::try_from((month - ahead).as_millis()).expect("a month");
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let setup = Setup { model: model.only(), clock: Clock::shifted(-behind), ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let mut drafts = Vec::new();
    for _ in 0..12 {
        drafts.push(workshop.client("ada").draft(PROMPT).await);
    }
    workshop.machine.clock().advance(month - ahead);
    let ada = workshop.client("ada");
    let sweeping = async {
        for _ in 0..60 {
            workshop.machine.sweep().await.expect("the sweep runs");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let saving = join_all(drafts.iter().zip(0_i64..).map(async |(draft, number)| {
        let shown = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
        let expires: jiff::Timestamp =
            shown["expires_at"].as_str().expect("a time").parse().expect("RFC 3339");
        // From a second before what is shown, the second of which counts, to a quarter after it.
        let at = expires.as_millisecond() - 1_000 + 113 * number;
        let wait = at - workshop.machine.app().now().as_millis();
        tokio::time::sleep(Duration::from_millis(wait.max(0).unsigned_abs())).await;
        save(&ada, draft, "Saved at the last moment.", None).await
    }));
    let (saved, ()) = join(saving, sweeping).await;
    let mut kept = 0;
    for (draft, answer) in drafts.iter().zip(saved) {
        if answer.status == 200 {
            let shown = ada.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
            assert_eq!(shown["draft_content"], "Saved at the last moment.");
            let history = ada.get(&format!("/api/auspex/chat/sessions/{draft}/messages")).await.expect(200);
            assert_eq!(history["total_messages"], 1);
            kept += 1;
        } else {
            answer.expect_problem(404, "not-found");
            eventually("nothing is left of it", 20, async || {
                workshop.machine.sweep().await.expect("the sweep runs");
                stored(&workshop, draft).await.is_empty().then_some(())
            })
            .await;
        }
    }
    assert!(kept > 0 && kept < drafts.len(), "{kept} of {} were saved in time", drafts.len());
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], kept);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_meets_a_deletion_is_made_whole_or_not_at_all() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    for round in 0..ROUNDS {
        let draft = format!("{DRAFTS}/{}", ada.draft(PROMPT).await);
        let order = json!({"name": format!("met_a_deletion_{round}"), "title": "Met a deletion"});
        let commit_path = format!("{draft}/commit");
        let (committed, deleted) = join(ada.post(&commit_path, order), ada.delete(&draft)).await;
        deleted.expect(200);
        ada.get(&draft).await.expect_problem(404, "not-found");
        let prompt = ada.get(&format!("{PROMPTS}/met_a_deletion_{round}")).await;
        if committed.status == 201 {
            assert_eq!(prompt.expect(200)["content"], json!(PROMPT));
        } else {
            committed.expect_problem(404, "not-found");
            prompt.expect_problem(404, "not-found");
        }
    }
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 0);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_or_a_message_that_meets_a_deletion_leaves_nothing_behind() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    for _ in 0..ROUNDS {
        let id = ada.draft(PROMPT).await;
        let draft = format!("{DRAFTS}/{id}");
        let order = json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5});
        let test_path = format!("{draft}/test");
        let deletion = async {
            // Somewhere in the middle of the two others.
            tokio::time::sleep(Duration::from_millis(5)).await;
            ada.delete(&draft).await
        };
        let message = ada.post(MESSAGE, json!({"chat_id": id, "message": "Shorter."}));
        let ((started, sent), deleted) = join(join(ada.post(&test_path, order), message), deletion).await;
        deleted.expect(200);
        assert!(matches!(started.status.as_u16(), 202 | 404), "{started:?}");
        assert!(matches!(sent.status.as_u16(), 200 | 404), "{sent:?}");
        ada.get(&draft).await.expect_problem(404, "not-found");
        ada.get(&format!("{draft}/tests")).await.expect_problem(404, "not-found");
        let history = ada.get(&format!("/api/auspex/chat/sessions/{id}/messages")).await;
        history.expect_problem(404, "not-found");
        if started.status == 202 {
            let test = started.json()["test_id"].as_str().expect("an id").to_owned();
            ada.get(&format!("{draft}/tests/{test}")).await.expect_problem(404, "not-found");
        }
    }
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 0);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clones_made_at_once_are_all_made_and_all_counted() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let commit = json!({"name": "much_cloned", "title": "Much cloned"});
    ada.post(&format!("{DRAFTS}/{draft}/commit"), commit).await.expect(201);
    let users: Vec<Client> = (0..10).map(|number| workshop.client(&format!("user-{number}"))).collect();
    let path = format!("{PROMPTS}/much_cloned/clone");
    for answer in join_all(users.iter().map(|user| user.post(&path, json!({})))).await {
        answer.expect(201);
    }
    assert_eq!(ada.get(&format!("{PROMPTS}/much_cloned")).await.expect(200)["clone_count"], 10);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saves_messages_and_tests_of_one_draft_do_not_undo_each_other() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}");
    let order = json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5});
    let test_path = format!("{path}/test");
    let saves = join_all((0..5).map(|_| save(&ada, &draft, PROMPT, None)));
    let tests = join_all((0..5).map(|_| ada.post(&test_path, order.clone())));
    let message = ada.post(MESSAGE, json!({"chat_id": draft, "message": "Shorter."}));
    let ((saved, started), sent) = join(join(saves, tests), message).await;
    assert_eq!(statuses(&saved), vec![200; 5]);
    assert_eq!(statuses(&started), vec![202; 5]);
    let ended = events(&sent.text).pop().expect("an event");
    assert_eq!(ended["done"], json!(true), "{}", sent.text);
    let after = ada.get(&path).await.expect(200);
    assert_eq!((&after["test_count"], &after["status"]), (&json!(5), &json!("testing")), "{after}");
    assert_eq!(ada.get(&format!("{path}/tests")).await.expect(200)["total_tests"], 5);
    assert_eq!(ada.get(&format!("{DRAFTS}?status_filter=testing")).await.expect(200)["total"], 1);
    assert_eq!(ada.get(&format!("{DRAFTS}?status_filter=draft")).await.expect(200)["total"], 0);
    workshop.stop().await;
}
