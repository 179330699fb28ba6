//! The library: committing, reading, cloning, deleting.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, DRAFTS, PROMPT, PROMPTS, START, Setup, Workshop};

use crate::{get_with, partition, post_with, table_named, walk};

async fn workshop() -> Workshop {
    Workshop::start_with(Setup { sample: false, ..Setup::default() }).await
}

async fn commit(client: &Client, draft: &str, name: &str) -> tests::Answer {
    let body = json!({"name": name, "title": "Brief for the board", "description": "Risks first."});
    client.post(&format!("{DRAFTS}/{draft}/commit"), body).await
}

async fn listed(client: &Client, name: &str) -> Option<Value> {
    let list = client.get(PROMPTS).await.expect(200);
    let prompts = list["prompts"].as_array().expect("prompts");
    assert_eq!(list["total"], prompts.len());
    prompts.iter().find(|prompt| prompt["name"] == name).cloned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_committed_draft_is_a_prompt_that_every_user_reads() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    let draft = ana.draft(PROMPT).await;
    let committed = commit(&ana, &draft, "board_brief").await.expect(201);
    assert_eq!((&committed["name"], &committed["version"]), (&json!("board_brief"), &json!(1)));
    assert!(committed["prompt_id"].is_string() && committed["message"].is_string(), "{committed}");

    let path = format!("{PROMPTS}/board_brief");
    let answer = ben.get(&path).await;
    let etag = answer.header("etag").expect("an ETag").to_owned();
    let prompt = answer.expect(200);
    assert_eq!(prompt["content"], PROMPT);
    for (field, value) in [
        ("name", json!("board_brief")),
        ("title", json!("Brief for the board")),
        ("description", json!("Risks first.")),
        ("is_default", json!(false)),
        ("user_created", json!(true)),
        ("version", json!(1)),
        ("clone_count", json!(0)),
    ] {
        assert_eq!(prompt[field], value, "{field}");
        assert_eq!(listed(&ben, "board_brief").await.expect("it is listed")[field], value, "{field}");
    }
    assert!(prompt["created_at"].is_string() && prompt["updated_at"].is_string(), "{prompt}");
    let again = get_with(&ben, &path, "If-None-Match", &etag).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_is_refused_and_the_draft_stays_as_it_was() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    commit(&ana, &ana.draft(PROMPT).await, "board_brief").await.expect(201);
    let other = ben.draft(&format!("{PROMPT} For Ben.")).await;
    let before = ben.get(&format!("{DRAFTS}/{other}")).await.expect(200);
    let problem = commit(&ben, &other, "board_brief").await.expect_problem(409, "name-taken");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("board_brief")), "{problem}");
    assert_eq!(ben.get(&format!("{DRAFTS}/{other}")).await.expect(200), before);

    // A clone doesn't give its maker a right to the name either.
    let clone = ben.post(&format!("{PROMPTS}/board_brief/clone"), json!({})).await.expect(201);
    let clone = clone["draft_id"].as_str().expect("an id").to_owned();
    commit(&ben, &clone, "board_brief").await.expect_problem(409, "name-taken");
    assert_eq!(ana.get(&format!("{PROMPTS}/board_brief")).await.expect(200)["content"], PROMPT);
    commit(&ben, &clone, "bens_brief").await.expect(201);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_draft_is_committed_as_the_next_version() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let draft = client.draft(PROMPT).await;
    let path = format!("{DRAFTS}/{draft}");
    commit(&client, &draft, "board_brief").await.expect(201);
    let etag =
        client.get(&format!("{PROMPTS}/board_brief")).await.header("etag").expect("an ETag").to_owned();

    let text = format!("{PROMPT} Put the risks first.");
    client.put(&path, json!({"draft_content": text})).await.expect(200);
    let body = json!({"name": "board_brief", "title": "Brief for the whole board"});
    let committed = client.post(&format!("{path}/commit"), body).await.expect(201);
    assert_eq!(committed["version"], 2);
    let answer = get_with(&client, &format!("{PROMPTS}/board_brief"), "If-None-Match", &etag).await;
    let prompt = answer.expect(200);
    assert_eq!((&prompt["content"], &prompt["version"]), (&json!(text), &json!(2)));
    assert_eq!(prompt["title"], "Brief for the whole board");
    let shown = client.get(&path).await.expect(200);
    assert_eq!((&shown["status"], &shown["committed_version"]), (&json!("committed"), &json!(2)));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompts_tag_differs_with_all_that_its_answer_tells() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    let draft = ana.draft(PROMPT).await;
    commit(&ana, &draft, "board_brief").await.expect(201);
    let text = format!("{PROMPT} Put the risks first.");
    ana.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": text})).await.expect(200);
    commit(&ana, &draft, "board_brief").await.expect(201);

    let path = format!("{PROMPTS}/board_brief");
    let (first, second) = (format!("{path}?version=1"), format!("{path}?version=2"));
    let tag = async |client: &Client, path: &str| {
        client.get(path).await.header("etag").expect("an ETag").to_owned()
    };
    let known = tag(&ben, &path).await;
    assert_eq!(tag(&ben, &second).await, known, "the same answer");
    assert_ne!(tag(&ben, &first).await, known, "another version");
    assert_ne!(tag(&ana, &path).await, known, "it is hers");
    assert_eq!(get_with(&ben, &path, "If-None-Match", &known).await.status, 304);
    assert_eq!(get_with(&ben, &first, "If-None-Match", &known).await.status, 200);

    ben.post(&format!("{path}/clone"), json!({})).await.expect(201);
    let counted = get_with(&ben, &path, "If-None-Match", &known).await.expect(200);
    assert_eq!(counted["clone_count"], 1);
    // What isn't there is never known, not even to who takes anything for known.
    let third = format!("{path}?version=3");
    get_with(&ben, &third, "If-None-Match", "*").await.expect_problem(404, "not-found");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_version_of_a_prompt_stays_readable() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    let draft = ana.draft(PROMPT).await;
    commit(&ana, &draft, "board_brief").await.expect(201);
    let text = format!("{PROMPT} Put the risks first. Größe zählt.");
    ana.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": text})).await.expect(200);
    let body = json!({"name": "board_brief", "title": "Brief for the whole board", "description": "All."});
    ana.post(&format!("{DRAFTS}/{draft}/commit"), body).await.expect(201);

    let path = format!("{PROMPTS}/board_brief");
    let listed = ben.get(&format!("{path}/versions")).await.expect(200);
    assert_eq!((&listed["name"], &listed["next_cursor"]), (&json!("board_brief"), &Value::Null));
    let versions = listed["versions"].as_array().expect("versions");
    let expected = [
        (2, "Brief for the whole board", "All.", &text),
        (1, "Brief for the board", "Risks first.", &PROMPT.to_owned()),
    ];
    assert_eq!(versions.len(), expected.len());
    for (version, (number, title, description, content)) in versions.iter().zip(expected) {
        assert_eq!((&version["version"], &version["title"]), (&json!(number), &json!(title)));
        assert_eq!(version["description"], description);
        assert_eq!(version["content_length"], content.chars().count());
        assert_eq!(version.get("content"), None);
        let shown = ben.get(&format!("{path}?version={number}")).await.expect(200);
        assert_eq!((&shown["version"], &shown["newest_version"]), (&json!(number), &json!(2)));
        assert_eq!((&shown["title"], &shown["description"]), (&version["title"], &version["description"]));
        assert_eq!((&shown["content"], &shown["updated_at"]), (&json!(content), &version["created_at"]));
    }
    assert_eq!(ben.get(&path).await.expect(200), ben.get(&format!("{path}?version=2")).await.expect(200));

    for number in ["0", "3", "4294967295"] {
        ben.get(&format!("{path}?version={number}")).await.expect_problem(404, "not-found");
    }
    for number in ["x", "-1", "1.5", "4294967296"] {
        let problem = ben.get(&format!("{path}?version={number}")).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], "?version", "{number}");
    }
    ben.get(&format!("{PROMPTS}/no_such_prompt/versions")).await.expect_problem(404, "not-found");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_of_many_versions_is_listed_by_the_page_and_deleted_whole() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let draft = ana.draft(PROMPT).await;
    for number in 1..=50 {
        let edit = json!({"draft_content": format!("{PROMPT} Edition {number}.")});
        ana.put(&format!("{DRAFTS}/{draft}"), edit).await.expect(200);
        assert_eq!(commit(&ana, &draft, "board_brief").await.expect(201)["version"], number);
    }
    let path = format!("{PROMPTS}/board_brief/versions");
    let (versions, sizes) = walk(&ana, &path, "versions", 20).await;
    assert_eq!(sizes, [20, 20, 10]);
    let numbers: Vec<_> = versions.iter().filter_map(|version| version["version"].as_u64()).collect();
    assert_eq!(numbers, (1..=50).rev().collect::<Vec<_>>());

    let cursor = ana.get(&format!("{path}?limit=1")).await.expect(200)["next_cursor"].clone();
    ana.delete(&format!("{PROMPTS}/board_brief")).await.expect(200);
    assert_eq!(partition(&workshop, "library", "PROMPT#board_brief").await, []);
    ana.get(&path).await.expect_problem(404, "not-found");
    commit(&ana, &draft, "board_brief").await.expect(201);
    assert_eq!(walk(&ana, &path, "versions", 20).await.0.len(), 1);
    let cursor = cursor.as_str().expect("a cursor");
    ana.get(&format!("{path}?cursor={cursor}")).await.expect_problem(400, "malformed");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_stored_with_its_text_inside_reads_like_any_other() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let draft = ana.draft(PROMPT).await;
    commit(&ana, &draft, "board_brief").await.expect(201);
    let path = format!("{PROMPTS}/board_brief");
    let (prompt, versions) =
        (ana.get(&path).await.expect(200), ana.get(&format!("{path}/versions")).await.expect(200));

    let (dynamodb, pk) = (workshop.dynamodb(), "PROMPT#board_brief");
    let table = table_named(&dynamodb, "library").await;
    let mut items = partition(&workshop, "library", pk).await;
    let version = items.iter_mut().find(|item| item.contains_key("commit_id")).expect("the version");
    version.remove("content_length");
    version.insert("content".to_owned(), AttributeValue::S(PROMPT.to_owned()));
    let put = dynamodb.put_item().table_name(&table).set_item(Some(version.clone()));
    put.send().await.expect("it is written");
    let text = dynamodb.delete_item().table_name(&table).key("pk", AttributeValue::S(pk.to_owned()));
    text.key("sk", AttributeValue::S("TEXT#000001".to_owned())).send().await.expect("it is removed");

    assert_eq!(ana.get(&path).await.expect(200), prompt);
    assert_eq!(ana.get(&format!("{path}/versions")).await.expect(200), versions);
    commit(&ana, &draft, "board_brief").await.expect_problem(409, "conflict");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_commit_with_the_same_key_is_one_version() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let path = format!("{DRAFTS}/{}/commit", client.draft(PROMPT).await);
    let body = json!({"name": "board_brief", "title": "Brief for the board"});
    let first = post_with(&client, &path, body.clone(), "Idempotency-Key", "c-1").await.expect(201);
    let repeat = post_with(&client, &path, body, "Idempotency-Key", "c-1").await.expect(201);
    assert_eq!(repeat, first);
    assert_eq!(client.get(&format!("{PROMPTS}/board_brief")).await.expect(200)["version"], 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_draft_is_not_committed_and_the_refusal_says_how_long_it_must_be() {
    let workshop = workshop().await;
    let client = workshop.client("ana");
    let draft = client.draft(&"x".repeat(99)).await;
    let problem = commit(&client, &draft, "board_brief").await.expect_problem(422, "invalid");
    assert!(problem.to_string().contains("100"), "{problem}");
    client.get(&format!("{PROMPTS}/board_brief")).await.expect_problem(404, "not-found");
    client.put(&format!("{DRAFTS}/{draft}"), json!({"draft_content": "x".repeat(100)})).await.expect(200);
    commit(&client, &draft, "board_brief").await.expect(201);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anyone_clones_a_prompt_and_each_clone_is_counted() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    commit(&ana, &ana.draft(PROMPT).await, "board_brief").await.expect(201);
    let path = format!("{PROMPTS}/board_brief/clone");

    let cloned = ben.post(&path, json!({})).await.expect(201);
    assert_eq!(cloned["chat_id"], cloned["draft_id"]);
    assert_eq!(cloned["parent_prompt"], "board_brief");
    assert!(cloned["message"].is_string(), "{cloned}");
    let draft =
        ben.get(&format!("{DRAFTS}/{}", cloned["draft_id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(draft["draft_name"], "Modified Brief for the board");
    assert_eq!(draft["draft_content"], PROMPT);
    assert_eq!(draft["parent_prompt_name"], "board_brief");
    assert_eq!((&draft["status"], &draft["user_id"]), (&json!("draft"), &json!("ben")));

    let named = ana.send(ana.request(Method::POST, &format!("{path}?clone_name=Mine%20%26%20yours"))).await;
    let named = named.expect(201);
    let draft =
        ana.get(&format!("{DRAFTS}/{}", named["draft_id"].as_str().expect("an id"))).await.expect(200);
    assert_eq!(draft["draft_name"], "Mine & yours");

    for _ in 0..2 {
        post_with(&ben, &path, json!({}), "Idempotency-Key", "clone-1").await.expect(201);
    }
    ben.post(START, json!({"parent_prompt_name": "board_brief"})).await.expect(201);
    assert_eq!(ana.get(&format!("{PROMPTS}/board_brief")).await.expect(200)["clone_count"], 4);
    assert_eq!(listed(&ben, "board_brief").await.expect("it is listed")["clone_count"], 4);
    assert_eq!(ben.get(DRAFTS).await.expect(200)["total"], 3, "the repeated clone is one draft");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_its_owner_deletes_a_prompt_and_its_drafts_and_clones_live_on() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    let source = ana.draft(PROMPT).await;
    commit(&ana, &source, "board_brief").await.expect(201);
    let path = format!("{PROMPTS}/board_brief");
    let clone = ben.post(&format!("{path}/clone"), json!({})).await.expect(201);
    let clone = clone["draft_id"].as_str().expect("an id").to_owned();

    ben.delete(&path).await.expect_problem(404, "not-found");
    assert!(listed(&ana, "board_brief").await.is_some());
    ana.delete(&path).await.expect(200);
    assert!(listed(&ana, "board_brief").await.is_none());
    ana.get(&path).await.expect_problem(404, "not-found");
    ana.delete(&path).await.expect_problem(404, "not-found");

    for (client, draft, name) in [(&ben, &clone, "bens_brief"), (&ana, &source, "anas_brief")] {
        let draft_path = format!("{DRAFTS}/{draft}");
        assert_eq!(client.get(&draft_path).await.expect(200)["draft_content"], PROMPT);
        client.put(&draft_path, json!({"draft_content": format!("{PROMPT} Go on.")})).await.expect(200);
        assert_eq!(commit(client, draft, name).await.expect(201)["version"], 1);
    }
    assert_eq!(ben.get(&format!("{DRAFTS}/{clone}")).await.expect(200)["parent_prompt_name"], "board_brief");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_prompt_is_cloned_and_never_deleted() {
    let workshop = Workshop::start().await;
    let client = workshop.client("ana");
    let list = client.get(PROMPTS).await.expect(200);
    let prompts = list["prompts"].as_array().expect("prompts");
    let defaults: Vec<_> = prompts.iter().filter(|prompt| prompt["is_default"] == true).collect();
    let [default] = defaults.as_slice() else { panic!("one default prompt: {list}") };
    assert_eq!(default["user_created"], false);
    let path = format!("{PROMPTS}/{}", default["name"].as_str().expect("a name"));
    assert!(
        client.get(&path).await.expect(200)["content"].as_str().is_some_and(|content| content.len() > 500)
    );

    for user in ["ana", "local"] {
        let refused = workshop.client(user).delete(&path).await;
        assert!(refused.status.is_client_error(), "{} {}", refused.status, refused.text);
    }
    client.get(&path).await.expect(200);
    client.post(&format!("{path}/clone"), json!({})).await.expect(201);
    workshop.stop().await;
}
