//! A repeat, by its `Idempotency-Key`, of a request whose first try died when it had done all but answer.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use serde_json::{Value, json};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Answer, Client, DRAFTS, PROMPT, PROMPTS, START, Setup, Workshop};

use super::post_with;

/// The key of every request here: it is one's own on each route.
const KEY: &str = "half";
/// Longer than a first try is waited for.
const PATIENCE: Duration = Duration::from_secs(40);

async fn workshop() -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    (workshop, model)
}

async fn keyed(client: &Client, path: &str, body: &Value) -> Answer {
    post_with(client, path, body.clone(), "idempotency-key", KEY).await
}

/// Leaves of ada's request what a try leaves that dies half-way: a record without an answer.
async fn forget(workshop: &Workshop, route: &str) {
    let dynamodb = workshop.dynamodb();
    let table = super::table_named(&dynamodb, "usage").await;
    let key = AttributeValue::S(format!("ONCE#3#ada#{route}#{KEY}"));
    let update = dynamodb.update_item().table_name(table).key("pk", key);
    let update = update.key("sk", AttributeValue::S("ONCE".to_owned())).update_expression("REMOVE answer");
    update.condition_expression("attribute_exists(answer)").send().await.expect("the answer is forgotten");
}

/// The first answer, as it was, and the repeat's.
async fn repeated(client: &Client, path: &str, body: &Value, first: &Value) {
    let again = keyed(client, path, body).await;
    let status = again.status.as_u16();
    assert!(matches!(status, 201 | 202), "{again:?}");
    assert_eq!(&again.json(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_repeats_of_a_start_whose_first_try_died_one_takes_over() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let body = json!({"starting_prompt": PROMPT});
    keyed(&ada, START, &body).await.expect(201);
    forget(&workshop, "drafts-start").await;
    keyed(&ada, START, &body).await.expect_problem(409, "conflict");
    workshop.machine.app().clock.advance(PATIENCE);
    let answers = join_all((0..4).map(|_| keyed(&ada, START, &body))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert!(count(201) >= 1, "{answers:?}");
    assert_eq!(count(201) + count(409), 4, "{answers:?}");
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 1, "it is the draft that the first try made");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_made_is_not_made_again_though_others_followed() {
    let (workshop, _model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}/commit");
    let commit = json!({"name": "board_brief", "title": "Brief for the board"});
    let first = keyed(&ada, &path, &commit).await.expect(201);
    forget(&workshop, "drafts-commit").await;

    // Another draft of the prompt becomes its next version, and the first draft is written on.
    let clone = ada.post(&format!("{PROMPTS}/board_brief/clone"), json!({})).await.expect(201);
    let clone = format!("{DRAFTS}/{}", clone["draft_id"].as_str().expect("an id"));
    let text = format!("{PROMPT} Put the risks first.");
    ada.put(&clone, json!({"draft_content": text})).await.expect(200);
    assert_eq!(ada.post(&format!("{clone}/commit"), commit.clone()).await.expect(201)["version"], 2);
    let text = format!("{PROMPT} Put the costs first.");
    ada.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": text})).await.expect(200);

    workshop.machine.app().clock.advance(PATIENCE);
    repeated(&ada, &path, &commit, &first).await;
    let prompt = ada.get(&format!("{PROMPTS}/board_brief")).await.expect(200);
    assert_eq!(prompt["version"], 2, "no third version");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clone_or_a_start_is_found_though_its_prompt_is_gone() {
    let (workshop, _model) = workshop().await;
    let (ada, ben) = (workshop.client("ada"), workshop.client("ben"));
    let draft = ben.draft(PROMPT).await;
    let commit = json!({"name": "board_brief", "title": "Brief for the board"});
    ben.post(&format!("{DRAFTS}/{draft}/commit"), commit).await.expect(201);

    let (clone, nothing) = (format!("{PROMPTS}/board_brief/clone"), json!({}));
    let cloned = keyed(&ada, &clone, &nothing).await.expect(201);
    forget(&workshop, "prompts-clone").await;
    let start = json!({"parent_prompt_name": "board_brief"});
    let started = keyed(&ada, START, &start).await.expect(201);
    forget(&workshop, "drafts-start").await;
    ben.delete(&format!("{PROMPTS}/board_brief")).await.expect(200);

    workshop.machine.app().clock.advance(PATIENCE);
    repeated(&ada, &clone, &nothing, &cloned).await;
    repeated(&ada, START, &start, &started).await;
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 2);
    // With a key of its own there is nothing to be found, nor to be cloned.
    ada.post(&clone, nothing).await.expect_problem(404, "not-found");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_was_started_is_found_though_it_could_not_be_started_now() {
    let (workshop, model) = workshop().await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}/test");
    let order = json!({"test_query": "What changed for banks?", "topic": "AI Adoption", "limit": 5});
    let first = keyed(&ada, &path, &order).await.expect(202);
    let test = first["test_id"].as_str().expect("an id");
    ada.finished(&draft, test, 30).await;
    forget(&workshop, "tests-start").await;
    ada.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": "Short."})).await.expect(200);

    workshop.machine.app().clock.advance(PATIENCE);
    let again = keyed(&ada, &path, &order).await.expect(202);
    assert_eq!((&again["test_id"], &again["status"]), (&first["test_id"], &json!("succeeded")));
    assert_eq!(ada.get(&format!("{path}s")).await.expect(200)["total_tests"], 1);
    assert_eq!(model.asked().len(), 1, "it ran once");
    workshop.stop().await;
}
