//! Limits that hold: exactly as many as they admit, however many ask at once; what was set aside is given back
//! by whoever is left when its worker dies; and where they can't be read, no model is called.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use shared::app::App;
use shared::domain::ending::Ending;
use shared::domain::run::{ATTEMPTS_MAX, LEASE_MS, Run, State};
use shared::limits::Limits;
use shared::llm::runner::estimate;
use shared::store::{Claimed, Demand};
use tests::handlers::{Call, call};
use tests::scripted_model::{PROMPT_TOKENS, Play, ScriptedModel};
use tests::{Answer, Client, DRAFTS, MESSAGE, PROMPT, Setup, Workshop, events};

use super::{begin_a_minute, eventually, partition, post_with, stored};

const ANSWER: &str = "The articles do not tell.";

fn order() -> Value {
    json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5})
}

async fn workshop(limits: Limits, script: impl IntoIterator<Item = Play>) -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start(script).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), limits, ..Setup::default() }).await;
    (workshop, model)
}

fn statuses(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status.as_u16() == status).count()
}

/// The sum of a counter over the days in a partition of the usage table.
async fn used(workshop: &Workshop, pk: &str, counter: &str) -> i64 {
    let items = partition(workshop, "usage", pk).await;
    let days = items.iter().filter(|item| item["sk"].as_s().is_ok_and(|sk| sk.starts_with("DAY#")));
    let counts = days.filter_map(|day| day.get(counter)?.as_n().ok()?.parse::<i64>().ok());
    counts.sum()
}

/// Seconds until the day of the machine's clock ends.
fn until_midnight(app: &App) -> u64 {
    (86_400 - app.now().as_seconds().rem_euclid(86_400)).unsigned_abs()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_admits_exactly_its_number_of_runs_and_says_when_the_next_begins() {
    let limits = Limits { runs_per_day: 5, runs_per_minute: 1_000, ..Limits::default() };
    let (workshop, _model) = workshop(limits, [Play::answer(ANSWER)]).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}/test");
    // Not across midnight.
    let app = workshop.machine.app();
    if until_midnight(app) < 60 {
        app.clock.advance(Duration::from_secs(60));
    }
    let answers = join_all((0..12).map(|_| ada.post(&path, order()))).await;
    assert_eq!((statuses(&answers, 202), statuses(&answers, 429)), (5, 7), "{answers:?}");
    assert_eq!(ada.get(&format!("{path}s")).await.expect(200)["total_tests"], 5);
    assert_eq!(used(&workshop, "QUOTA#ada", "runs").await, 5);

    let refused = ada.post(&path, order()).await;
    let wait: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
    let midnight = until_midnight(app);
    assert!((midnight..=midnight + 5).contains(&wait), "{wait} where {midnight} are left");
    let problem = refused.expect_problem(429, "rate-limited");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("midnight UTC")), "{problem}");
    // Whoever comes back a little too early is refused once more, and who waits as told is not.
    app.clock.advance(Duration::from_secs(midnight - 10));
    let ada = workshop.client("ada");
    ada.post(&path, order()).await.expect_problem(429, "rate-limited");
    app.clock.advance(Duration::from_secs(10));
    ada.post(&path, order()).await.expect(202);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_spend_never_passes_the_cap_and_what_was_not_used_is_free_again() {
    let model = ScriptedModel::start([Play::Slowly(ANSWER.to_owned(), Duration::from_millis(400))]).await;
    let one = estimate(&model.model("scripted")).micros;
    let limits =
        Limits { deployment_micros_per_day: 3 * one + one / 2, runs_per_minute: 1_000, ..Limits::default() };
    let setup = Setup { model: model.only(), limits, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let users: Vec<Client> = (0..5).map(|number| workshop.client(&format!("user-{number}"))).collect();
    let mut paths = Vec::new();
    for user in &users {
        paths.push(format!("{DRAFTS}/{}/test", user.draft(PROMPT).await));
    }
    let asked = users
        .iter()
        .zip(&paths)
        .flat_map(|(user, path)| [user.post(path, order()), user.post(path, order())]);
    let answers = join_all(asked).await;
    assert_eq!((statuses(&answers, 202), statuses(&answers, 429)), (3, 7), "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status == 429) {
        let problem = answer.expect_problem(429, "rate-limited");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("whole workshop")),
            "{problem}"
        );
    }
    // A start that was refused left nothing with its user.
    let mut runs = 0;
    for number in 0..5 {
        runs += used(&workshop, &format!("QUOTA#user-{number}"), "runs").await;
    }
    assert_eq!(runs, 3);
    // A message is held to the same cap, and is not kept.
    let draft = users[4].draft(PROMPT).await;
    let refused = users[4].post(MESSAGE, json!({"chat_id": draft, "message": "Shorter."})).await;
    refused.expect_problem(429, "rate-limited");
    let kept = stored(&workshop, &draft).await.into_iter().filter(|sk| sk.starts_with("MSG#")).count();
    assert_eq!(kept, 1, "the opening alone");

    let words = ANSWER.split_whitespace().count() as u64;
    let cost = i64::try_from(PROMPT_TOKENS + 2 * words).expect("a few");
    eventually("the runs are settled", 60, async || {
        (used(&workshop, "DEPLOYMENT", "micros").await == 3 * cost).then_some(())
    })
    .await;
    users[4].post(&paths[4], order()).await.expect(202);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_admits_exactly_its_number_of_messages_and_keeps_no_other() {
    let limits = Limits { messages_per_minute: 4, ..Limits::default() };
    let (workshop, model) = workshop(limits, [Play::answer(ANSWER)]).await;
    let ada = workshop.client("ada");
    // A conversation takes one message at a time, a minute all of a user's.
    let mut drafts = Vec::new();
    for _ in 0..10 {
        drafts.push(ada.draft(PROMPT).await);
    }
    let app = workshop.machine.app();
    begin_a_minute(app);
    let send =
        async |draft: &String| ada.post(MESSAGE, json!({"chat_id": draft, "message": "Shorter."})).await;
    let answers = join_all(drafts.iter().map(send)).await;
    let left = 60 - app.now().as_seconds().rem_euclid(60);
    assert_eq!((statuses(&answers, 200), statuses(&answers, 429)), (4, 6), "{answers:?}");
    for (draft, answer) in drafts.iter().zip(answers) {
        let kept = stored(&workshop, draft).await.into_iter().filter(|sk| sk.starts_with("MSG#")).count();
        if answer.status == 200 {
            assert_eq!(kept, 3, "the opening, the message, the answer");
            continue;
        }
        assert_eq!(kept, 1, "the opening alone");
        let wait: i64 = answer.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds");
        assert!((left..=60).contains(&wait), "{wait} where {left} are left");
        let problem = answer.expect_problem(429, "rate-limited");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("many messages")),
            "{problem}"
        );
    }
    assert_eq!(model.asked().len(), 4);
    begin_a_minute(app);
    assert_eq!(send(&drafts[0]).await.status, 200);
    workshop.stop().await;
}

/// Runs and messages of one user that ask for the last of a day's tokens, or of its money, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_day_of_tokens_or_money_is_never_passed_however_many_ask_at_once() {
    let model = ScriptedModel::start([Play::Slowly(ANSWER.to_owned(), Duration::from_millis(400))]).await;
    let one = estimate(&model.model("scripted"));
    let wide = Limits { runs_per_minute: 1_000, messages_per_minute: 1_000, ..Limits::default() };
    let (tokens, micros) = (3 * one.tokens + one.tokens / 2, 3 * one.micros + one.micros / 2);
    let narrow = [
        (Limits { tokens_per_day: tokens, ..wide }, "tokens for today"),
        (Limits { micros_per_day: micros, ..wide }, "spending limit for today"),
    ];
    for (limits, sentence) in narrow {
        let setup = Setup { model: model.only(), limits, ..Setup::default() };
        let workshop = Workshop::start_with(setup).await;
        let (ada, ben) = (workshop.client("ada"), workshop.client("ben"));
        let mut asked = Vec::new();
        for number in 0..8 {
            let draft = ada.draft(PROMPT).await;
            asked.push(if number % 2 == 0 {
                (format!("{DRAFTS}/{draft}/test"), order())
            } else {
                (MESSAGE.to_owned(), json!({"chat_id": draft, "message": "Shorter."}))
            });
        }
        let answers = join_all(asked.iter().map(|(path, body)| ada.post(path, body.clone()))).await;
        let admitted = statuses(&answers, 200) + statuses(&answers, 202);
        assert_eq!((admitted, statuses(&answers, 429)), (3, 5), "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status == 429) {
            let problem = answer.expect_problem(429, "rate-limited");
            assert!(problem["detail"].as_str().is_some_and(|told| told.contains(sentence)), "{problem}");
        }
        // Another user's day is their own.
        let draft = ben.draft(PROMPT).await;
        ben.post(&format!("{DRAFTS}/{draft}/test"), order()).await.expect(202);
        // What was set aside and not used is free again.
        let used_by_one =
            i64::try_from(PROMPT_TOKENS + ANSWER.split_whitespace().count() as u64).expect("a few");
        eventually("all is settled", 60, async || {
            (used(&workshop, "QUOTA#ada", "tokens").await == 3 * used_by_one).then_some(())
        })
        .await;
        ada.post(&asked[0].0, order()).await.expect(202);
        workshop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_limits_cannot_be_read_no_model_is_called_and_nothing_is_begun() {
    let (workshop, model) = workshop(Limits::default(), [Play::answer(ANSWER)]).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let before = stored(&workshop, &draft).await;
    // The same machine, whose counters are not there.
    let app = workshop.machine.app();
    let mut config = app.config.clone();
    config.tables.usage = "workshop-not-there".to_owned();
    let sdk = shared::app::sdk_loader()
        .region(aws_config::Region::new("us-east-1"))
        .test_credentials()
        .load()
        .await;
    let blind: &'static App = Box::leak(Box::new(App::new(config, sdk, app.clock.clone())));
    for (binary, body) in
        [("tests-start", order()), ("chat-send", json!({"chat_id": draft, "message": "Make it shorter."}))]
    {
        let asked = Call { binary, user: "ada", path: &[("id", &draft)], body, ..Call::default() };
        let answered = call(blind, &asked).await;
        assert!((500..600).contains(&answered.status), "{binary}: {answered:?}");
        assert!(!answered.text.contains("workshop-not-there"), "{binary}: {answered:?}");
    }
    assert_eq!(model.asked().len(), 0);
    assert_eq!(stored(&workshop, &draft).await, before);
    // With counters, the same is done.
    ada.say(&draft, "Make it shorter.").await;
    assert_eq!(model.asked().len(), 1);
    workshop.stop().await;
}

/// Sends a message under a key by a process that dies when the model has begun to answer.
async fn send_and_die(workshop: &Workshop, model: &ScriptedModel, draft: &str, key: &str, message: &str) {
    let app = workshop.machine.app();
    let (draft, key, message) = (draft.to_owned(), key.to_owned(), message.to_owned());
    let asked = model.asked().len();
    let process = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    process.spawn(async move {
        let body = json!({"chat_id": draft, "message": message});
        let headers = [("idempotency-key", key.as_str())];
        call(app, &Call { binary: "chat-send", user: "ada", headers: &headers, body, ..Call::default() })
            .await
    });
    eventually("the model is asked", 20, async || (model.asked().len() > asked).then_some(())).await;
    process.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_whose_writer_died_is_answered_once_by_its_repeat_and_charged_once() {
    let script = [Play::Silence("The articles".to_owned()), Play::answer(ANSWER)];
    let model = ScriptedModel::start(script).await;
    // Whoever repeats comes before the minute's recovery.
    let recover_every = Duration::from_secs(3_600);
    let workshop =
        Workshop::start_with(Setup { model: model.only(), recover_every, ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    send_and_die(&workshop, &model, &draft, "once", "Make it shorter.").await;
    let set_aside = used(&workshop, "QUOTA#ada", "tokens").await;
    assert!(set_aside > 1_000, "the dead one's: {set_aside}");

    let body = json!({"chat_id": draft, "message": "Make it shorter."});
    let repeat = async || post_with(&ada, MESSAGE, body.clone(), "idempotency-key", "once").await;
    let at_work = repeat().await;
    assert!(at_work.header("retry-after").is_some(), "{at_work:?}");
    at_work.expect_problem(409, "conflict");

    workshop.machine.app().clock.advance(Duration::from_secs(40));
    let answered = repeat().await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(tests::spoken(&events(&answered.text)), ANSWER);
    let again = repeat().await;
    assert_eq!(tests::spoken(&events(&again.text)), ANSWER);
    assert_eq!(model.asked().len(), 2, "the second repeat was given the first's answer");

    let said = stored(&workshop, &draft).await.into_iter().filter(|sk| sk.starts_with("MSG#")).count();
    assert_eq!(said, 3, "the opening, the message, the answer");
    let words = i64::try_from(ANSWER.split_whitespace().count()).expect("a few");
    let (tokens, micros) = (PROMPT_TOKENS as i64 + words, PROMPT_TOKENS as i64 + 2 * words);
    assert_eq!(used(&workshop, "QUOTA#ada", "tokens").await, tokens);
    assert_eq!(used(&workshop, "DEPLOYMENT", "micros").await, micros);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_workers_all_died_is_not_taken_up_again_and_what_they_recorded_is_charged() {
    let (workshop, model) = workshop(Limits::default(), [Play::answer(ANSWER)]).await;
    let ada = workshop.client("ada");
    let id = ada.draft(PROMPT).await.parse().expect("an id");
    let app = workshop.machine.app();
    let (drafts, runs) = (&app.store().drafts, &app.store().runs);
    // It stands in the store only, so that nobody but the workers of this test is told of it.
    let draft = drafts.get("ada", id, app.now()).await.expect("the store answers").expect("the draft");
    let order = serde_json::from_value(order()).expect("an order");
    let run = Run::queued(app.new_id(), &draft, &order, "scripted", app.now());
    let spend = estimate(&model.model("scripted"));
    let demand = Demand { user: "ada", spend, limits: &app.config.limits };
    runs.start(&draft, &run, demand, app.now()).await.expect("the store answers");
    for _ in 0..ATTEMPTS_MAX {
        let claimed = runs.claim(id, run.test_id, app.new_id(), app.now()).await.expect("the store answers");
        let Claimed::Claimed(open) = claimed else { panic!("{claimed:?}") };
        runs.keep_partial(&open, ANSWER, "").await.expect("the store answers");
        app.clock.advance(Duration::from_millis(LEASE_MS.unsigned_abs() + 1_000));
    }
    let claimed = runs.claim(id, run.test_id, app.new_id(), app.now()).await.expect("the store answers");
    assert!(matches!(claimed, Claimed::Held), "a message that comes once more: {claimed:?}");

    app.clock.advance(Duration::from_secs(10));
    functions::jobs::recover_runs::handle(app, Value::Null).await.expect("the store answers");
    let ended = runs.get(id, run.test_id).await.expect("the store answers").expect("the run");
    assert_eq!((ended.status, ended.truncated), (State::Failed, true));
    assert_eq!(ended.ended, Some(Ending::Interrupted));
    let micros = i64::try_from(ended.cost_micros).expect("a few");
    assert!(micros > 0, "{ended:?}");
    assert_eq!(used(&workshop, "QUOTA#ada", "micros").await, micros);
    assert_eq!(used(&workshop, "DEPLOYMENT", "micros").await, micros);
    assert_eq!(model.asked().len(), 0);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_writer_had_set_aside_is_given_back_without_anyone_asking() {
    let (workshop, model) = workshop(Limits::default(), [Play::Silence("The articles".to_owned())]).await;
    let ada = workshop.client("ada");
    for is_deleted in [false, true] {
        let draft = ada.draft(PROMPT).await;
        send_and_die(&workshop, &model, &draft, &draft, "Make it shorter.").await;
        assert!(used(&workshop, "QUOTA#ada", "tokens").await > 1_000);
        if is_deleted {
            ada.delete(&format!("{DRAFTS}/{draft}")).await.expect(200);
        } else {
            workshop.machine.app().clock.advance(Duration::from_secs(20));
        }
        eventually("all is given back", 30, async || {
            let tokens = used(&workshop, "QUOTA#ada", "tokens").await;
            (tokens == 0 && used(&workshop, "DEPLOYMENT", "micros").await == 0).then_some(())
        })
        .await;
        if !is_deleted {
            // The message is there, and waits for its answer.
            let history = ada.get(&format!("/api/auspex/chat/sessions/{draft}/messages")).await.expect(200);
            let last = history["messages"].as_array().and_then(|messages| messages.last()).cloned();
            assert_eq!(last.map(|last| last["content"].clone()), Some(json!("Make it shorter.")));
            assert_eq!(history["is_answering"], false, "{history}");
        }
    }
    workshop.stop().await;
}
