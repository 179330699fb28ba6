//! Other people's things do not exist. Walks the route table, so that a route
//! is covered the day it is added.

use functions::route::{Access, Route, Verb};
use functions::routes;
use reqwest::Method;
use serde_json::{Value, json};
use tests::refusals::{Refusals, everything};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Client, DRAFTS, PROMPT, PROMPTS, START, Setup, Workshop};

use super::authorisation::{Door, Way};
use crate::percent_encoded;

/// Stands in all that is ada's alone, so that it would be noticed elsewhere.
const PRIVATE: &str = "zanzibar-7316";

/// What ada has: one of everything.
pub(super) struct Belongings {
    draft: String,
    test: String,
    prompt: String,
    import: String,
    topic: String,
    article: String,
}

impl Belongings {
    /// Makes them. `number` keeps the prompt's name free.
    pub(super) async fn of(ada: &Client, number: usize) -> Self {
        let start = json!({"starting_prompt": format!("{PROMPT} {PRIVATE}"), "draft_name": PRIVATE});
        let started = ada.post(START, start).await.expect(201);
        let draft = started["draft_id"].as_str().expect("an id").to_owned();
        ada.say(&draft, PRIVATE).await;
        let test = ada.test(&draft, &format!("What is known of {PRIVATE}?"), "AI Adoption").await;
        ada.finished(&draft, &test, 30).await;
        let prompt = format!("of_ada_{number}");
        let commit = json!({"name": prompt, "title": "A prompt of ada's"});
        ada.post(&format!("{DRAFTS}/{draft}/commit"), commit).await.expect(201);
        let file = json!({"format": "csv", "bytes": 5});
        let import = ada.post("/api/topics/AI%20Adoption/imports", file).await.expect(201);
        let import = import["import"]["id"].as_str().expect("an id").to_owned();
        let topic = format!("Of ada {number}");
        let line = json!({"title": "Quay opens", "url": "https://harbour.example/quay", "summary": PRIVATE});
        let articles = format!("/api/topics/{}/articles", percent_encoded(&topic));
        let request = ada.request(Method::POST, &articles).header("content-type", "application/x-ndjson");
        ada.send(request.body(line.to_string())).await.expect(200);
        let found = ada.get(&articles).await.expect(200);
        let article = found["articles"][0]["id"].as_str().expect("an id").to_owned();
        Self { draft, test, prompt, import, topic: percent_encoded(&topic), article }
    }

    /// The route's path with ada's ids in it.
    pub(super) fn path(&self, route: &Route) -> String {
        let segment = |segment: &str| match segment {
            "{id}" | "{chat_id}" => self.draft.clone(),
            "{test_id}" => self.test.clone(),
            "{name}" => self.prompt.clone(),
            "{import_id}" => self.import.clone(),
            "{topic}" if matches!(route.binary, "topics-delete" | "articles-delete") => self.topic.clone(),
            "{topic}" => "AI%20Adoption".to_owned(),
            "{article_id}" => self.article.clone(),
            // A feed is its topic's; there is none of this id.
            "{feed_id}" => "0123456789abcdef".to_owned(),
            other if other.starts_with('{') => panic!(
                "{} has the path parameter {other}: say in Belongings::path which of ada's ids to put there",
                route.binary
            ),
            other => other.to_owned(),
        };
        route.path.split('/').map(segment).collect::<Vec<_>>().join("/")
    }

    /// A body that is right for the route when its owner sends it.
    pub(super) fn body(&self, route: &Route) -> Option<Value> {
        match route.binary {
            "drafts-start" => Some(json!({"starting_prompt": "Taken over."})),
            "drafts-update" => Some(json!({"draft_content": "Taken over."})),
            "drafts-commit" => Some(json!({"name": self.prompt, "title": "Taken over"})),
            "tests-start" => Some(json!({"test_query": "What can be taken over?", "topic": "AI Adoption"})),
            "imports-start" => Some(json!({"format": "csv", "bytes": 5})),
            "tests-rate" => Some(json!({"user_rating": 1, "notes": "Taken over."})),
            // What a topic follows is everybody's: the address is refused for itself.
            "feeds-follow" => Some(json!({"url": "http://127.0.0.1/feed"})),
            "chat-send" => Some(json!({"chat_id": self.draft, "message": "Taken over."})),
            binary
                if matches!(
                    route.takes,
                    functions::route::Body::Json(_) | functions::route::Body::OptionalJson(_)
                ) =>
            {
                panic!(
                    "{binary} takes a body: say in Belongings::body what its owner would send, with ada's ids in it"
                )
            }
            _ => None,
        }
    }
}

async fn workshop() -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    (workshop, model)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_users_things_do_not_exist_on_any_route_by_any_way() {
    let (workshop, _model) = workshop().await;
    let (ada, door) = (workshop.client("ada"), Door::of(&workshop));
    let owned = routes().filter(|route| route.access == Access::Owner);
    let ways = [Way::Gateway, Way::Function, Way::Authorizer];
    let tries: Vec<_> = owned.flat_map(|route| ways.map(|way| (route, way))).collect();
    for (number, (route, way)) in tries.iter().enumerate() {
        let hers = Belongings::of(&ada, number).await;
        let case = format!("{} by bob, by {way:?}", route.binary);
        let mut refusals = Refusals::watch(&ada).await;
        let answer = door.ask(*way, &hers, route, &door.signed_in(*way, "bob")).await;
        refusals.expect(&case, &answer, 404, "not-found");
        if answer.text.contains(PRIVATE) {
            refusals.wrong(format!("{case}: tells bob of ada's things: {}", answer.text));
        }
        refusals.nothing_changed(&case).await;
        refusals.end();
        // The same request is right when she sends it; otherwise this showed nothing.
        let answer = door.ask(*way, &hers, route, &door.signed_in(*way, "ada")).await;
        let right = answer.status.is_success() || answer.status == 409;
        assert!(right, "{} by ada, by {way:?}: {} {}", route.binary, answer.status, answer.text);
        ada.delete(&format!("{DRAFTS}/{}", hers.draft)).await;
    }
    println!("another user's things: {} refused of {}", tries.len(), tries.len());
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_on_drafts_runs_conversations_or_imports_is_for_their_owner() {
    for route in routes() {
        let private = ["{id}", "{test_id}", "{chat_id}", "{import_id}"]
            .iter()
            .any(|parameter| route.path.contains(parameter));
        let changes_a_prompt =
            route.path.contains("{name}") && [Verb::Put, Verb::Patch, Verb::Delete].contains(&route.method);
        if private || changes_a_prompt {
            assert_eq!(route.access, Access::Owner, "{}", route.binary);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_all_share_shows_nothing_that_is_one_users_own() {
    let (workshop, _model) = workshop().await;
    let (ada, bob) = (workshop.client("ada"), workshop.client("bob"));
    let hers = Belongings::of(&ada, 0).await;
    let shared = routes().filter(|route| route.access != Access::Owner && route.method == Verb::Get);
    for route in shared {
        let path = format!("{}?query=anything", hers.path(route));
        let answer = bob.get(&path).await;
        assert_eq!(answer.status, 200, "{}: {}", route.binary, answer.text);
        // What she committed, everyone may read.
        let committed = route.path.ends_with("{name}");
        for private in [&hers.draft, &hers.test, &hers.import, PRIVATE] {
            assert!(committed || !answer.text.contains(private), "{} shows {private}", route.binary);
        }
    }
    let drafts = bob.get(DRAFTS).await.expect(200);
    assert_eq!((&drafts["total"], &drafts["drafts"]), (&json!(0), &json!([])));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_found_under_its_own_draft_only() {
    let (workshop, _model) = workshop().await;
    let (ada, bob) = (workshop.client("ada"), workshop.client("bob"));
    let hers = Belongings::of(&ada, 0).await;
    let her_other = ada.draft(PROMPT).await;
    let his = bob.draft(PROMPT).await;
    for (client, draft) in [(&ada, &her_other), (&bob, &his)] {
        let test = format!("{DRAFTS}/{draft}/tests/{}", hers.test);
        client.get(&test).await.expect_problem(404, "not-found");
        client.patch(&test, json!({"user_rating": 1})).await.expect_problem(404, "not-found");
        client.post(&format!("{test}/cancel"), json!({})).await.expect_problem(404, "not-found");
    }
    let run = ada.get(&format!("{DRAFTS}/{}/tests/{}", hers.draft, hers.test)).await.expect(200);
    assert_eq!(run["user_rating"], Value::Null);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_prompt_stays_its_owners() {
    let (workshop, _model) = workshop().await;
    let (ada, bob) = (workshop.client("ada"), workshop.client("bob"));
    let hers = Belongings::of(&ada, 0).await;
    let prompt = format!("{PROMPTS}/{}", hers.prompt);
    let before = ada.get(&prompt).await.expect(200);

    // He may read and clone it, but not make its next version, not even from the clone.
    assert_eq!(bob.get(&prompt).await.expect(200)["content"], before["content"]);
    let clone = bob.post(&format!("{prompt}/clone"), json!({})).await.expect(201);
    let draft = format!("{DRAFTS}/{}", clone["draft_id"].as_str().expect("an id"));
    let commit = json!({"name": hers.prompt, "title": "Taken over"});
    bob.post(&format!("{draft}/commit"), commit).await.expect_problem(409, "name-taken");
    bob.delete(&prompt).await.expect_problem(404, "not-found");
    let after = bob.get(&prompt).await.expect(200);
    for field in ["version", "title", "content", "updated_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }

    // His clone outlives her prompt.
    ada.delete(&prompt).await.expect(200);
    assert_eq!(bob.get(&draft).await.expect(200)["draft_content"], before["content"]);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_users_keys_and_cursors_do_not_meet() {
    let (workshop, _model) = workshop().await;
    let (ada, bob) = (workshop.client("ada"), workshop.client("bob"));
    let start = async |client: &Client, prompt: &str| {
        let request = client.request(Method::POST, START).json(&json!({"starting_prompt": prompt}));
        client.send(request.header("idempotency-key", "one and the same")).await.expect(201)
    };
    let hers = start(&ada, PRIVATE).await;
    let his = start(&bob, "His own.").await;
    assert_ne!(hers["draft_id"], his["draft_id"]);
    assert_eq!(bob.get(DRAFTS).await.expect(200)["total"], 1);

    ada.draft(PROMPT).await;
    let page = ada.get(&format!("{DRAFTS}?limit=1")).await.expect(200);
    let cursor = page["next_cursor"].as_str().expect("a second page");
    bob.get(&format!("{DRAFTS}?limit=1&cursor={cursor}")).await.expect_problem(400, "malformed");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_token_one_is_the_machines_own_user() {
    let (workshop, _model) = workshop().await;
    let (ada, local, nobody) = (workshop.client("ada"), workshop.client("local"), workshop.anonymous());
    let hers = Belongings::of(&ada, 0).await;
    let draft = nobody.draft(PROMPT).await;
    let saved = local.get(&format!("{DRAFTS}/{draft}")).await.expect(200);
    assert_eq!(saved["user_id"], "local");
    nobody.get(&format!("{DRAFTS}/{}", hers.draft)).await.expect_problem(404, "not-found");
    assert_eq!(everything(&nobody).await, everything(&local).await);
    workshop.stop().await;
}
