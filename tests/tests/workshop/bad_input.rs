//! Requests that can't be right: each is refused with the problem that the
//! contract names, and nothing is written.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tests::refusals::Refusals;
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Answer, Client, DRAFTS, MESSAGE, PROMPT, PROMPTS, START, Setup, Workshop};

/// A user with one of everything.
struct Scene {
    workshop: Workshop,
    ada: Client,
    draft: String,
    test: String,
    _model: ScriptedModel,
}

impl Scene {
    async fn start() -> Self {
        let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
        let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
        let ada = workshop.client("ada");
        let draft = ada.draft(PROMPT).await;
        let test = ada.test(&draft, "What changed for small firms?", "AI Adoption").await;
        ada.finished(&draft, &test, 30).await;
        Self { workshop, ada, draft, test, _model: model }
    }

    /// Every route that takes a JSON body, with one that is right.
    fn takers(&self) -> Vec<Taker> {
        let draft = format!("{DRAFTS}/{}", self.draft);
        let test = format!("{draft}/tests/{}", self.test);
        let taker = |binary, method, path: &str, body| Taker { binary, method, path: path.to_owned(), body };
        vec![
            taker(
                "drafts-start",
                Method::POST,
                START,
                json!({"starting_prompt": PROMPT, "draft_name": "Briefs", "requirements": "Short briefs."}),
            ),
            taker(
                "drafts-update",
                Method::PUT,
                &draft,
                json!({"draft_content": "New text.", "draft_name": "Briefs", "draft_description": "For all.",
                    "status": "ready"}),
            ),
            taker(
                "drafts-commit",
                Method::POST,
                &format!("{draft}/commit"),
                json!({"name": "never_written", "title": "Never written", "description": "Not at all."}),
            ),
            taker(
                "tests-start",
                Method::POST,
                &format!("{draft}/test"),
                json!({"test_query": "What changed for hospitals?", "topic": "AI Adoption", "limit": 5,
                    "notes": "First.", "user_rating": 3, "store_full_response": true}),
            ),
            taker("tests-rate", Method::PATCH, &test, json!({"user_rating": 4, "notes": "Good."})),
            taker("chat-send", Method::POST, MESSAGE, json!({"chat_id": self.draft, "message": "Shorter."})),
        ]
    }

    fn taker(&self, binary: &str) -> Taker {
        self.takers().into_iter().find(|taker| taker.binary == binary).expect("a route that takes a body")
    }

    /// Sends `taker`'s right body with one field changed.
    async fn with(&self, taker: &Taker, field: &str, value: Value) -> Answer {
        let mut body = taker.body.clone();
        body[field] = value;
        self.raw(taker, Some("application/json"), body.to_string()).await
    }

    async fn raw(&self, taker: &Taker, kind: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
        let mut request = self.ada.request(taker.method.clone(), &taker.path).body(body);
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        self.ada.send(request).await
    }
}

struct Taker {
    binary: &'static str,
    method: Method,
    path: String,
    body: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_not_json_is_refused() {
    let scene = Scene::start().await;
    let deep = "[".repeat(100_000);
    let mut refusals = Refusals::watch(&scene.ada).await;
    for taker in scene.takers() {
        let right = taker.body.to_string();
        let unreadable: [(&str, Vec<u8>); 10] = [
            ("cut off", right.as_bytes()[..right.len() - 1].to_vec()),
            ("with something after its end", format!("{right} x").into_bytes()),
            ("a comma too many", right.replace('}', ",}").into_bytes()),
            ("not JSON at all", b"draft_name=Briefs".to_vec()),
            ("spaces only", b"  \n".to_vec()),
            ("not a number", br#"{"limit": NaN}"#.to_vec()),
            ("not UTF-8", b"{\"draft_name\": \"\xff\xfe\"}".to_vec()),
            ("a lone surrogate", br#"{"draft_content": "half \ud83d of a pair"}"#.to_vec()),
            ("a surrogate pair the wrong way round", br#"{"message": "\ude00\ud83d"}"#.to_vec()),
            ("nested without end", deep.clone().into_bytes()),
        ];
        for (what, body) in unreadable {
            let case = format!("{}: {what}", taker.binary);
            let answer = scene.raw(&taker, Some("application/json"), body).await;
            refusals.expect(&case, &answer, 400, "malformed");
        }
        refusals.nothing_changed(taker.binary).await;
    }
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_another_content_type_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    for taker in scene.takers() {
        let kinds = [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("text/json"),
            Some("application/jsonp"),
        ];
        for kind in kinds {
            let answer = scene.raw(&taker, kind, taker.body.to_string()).await;
            refusals.expect(format!("{} as {kind:?}", taker.binary), &answer, 415, "unsupported-media-type");
        }
    }
    refusals.nothing_changed("bodies that are not JSON").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_6_mb_is_refused_however_it_is_sent() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let much = "a".repeat(6 * 1024 * 1024);
    for taker in scene.takers() {
        let mut body = taker.body.clone();
        body["draft_content"] = json!(much);
        let answer = scene.raw(&taker, Some("application/json"), body.to_string()).await;
        refusals.expect(format!("{}: 6 MB", taker.binary), &answer, 413, "too-large");
        let pieces = body.to_string().into_bytes();
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
            pieces.chunks(64 * 1024).map(|piece| Ok(piece.to_vec())).collect();
        let unannounced = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
        let answer = scene.raw(&taker, Some("application/json"), unannounced).await;
        refusals.expect(format!("{}: 6 MB without a length", taker.binary), &answer, 413, "too-large");
    }
    refusals.nothing_changed("bodies of 6 MB").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_the_wrong_type_is_refused_with_its_place() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let wrong = [
        ("drafts-start", "starting_prompt", json!(5)),
        ("drafts-start", "parent_prompt_name", json!(true)),
        ("drafts-start", "draft_name", json!(["Briefs"])),
        ("drafts-start", "requirements", json!({"text": "Short."})),
        ("drafts-update", "draft_content", json!(5)),
        ("drafts-update", "draft_name", json!({})),
        ("drafts-update", "draft_description", json!(false)),
        ("drafts-update", "status", json!(3)),
        ("drafts-update", "status", json!("nearly")),
        ("drafts-update", "status", json!("committed")),
        ("drafts-commit", "name", json!(5)),
        ("drafts-commit", "title", Value::Null),
        ("drafts-commit", "description", json!([1])),
        ("tests-start", "test_query", json!(5)),
        ("tests-start", "topic", json!([])),
        ("tests-start", "limit", json!("50")),
        ("tests-start", "limit", json!(5.5)),
        ("tests-start", "limit", json!(-5)),
        ("tests-start", "limit", json!(1e30)),
        ("tests-start", "model", json!(1)),
        ("tests-start", "store_full_response", json!("yes")),
        ("tests-start", "user_rating", json!("4")),
        ("tests-start", "notes", json!(4)),
        ("tests-rate", "user_rating", json!("5")),
        ("tests-rate", "user_rating", json!(4.5)),
        ("tests-rate", "user_rating", json!(300)),
        ("tests-rate", "notes", json!(["Good."])),
        ("chat-send", "chat_id", json!(5)),
        ("chat-send", "message", json!(5)),
        ("chat-send", "model", json!({})),
    ];
    for (binary, field, value) in wrong {
        let case = format!("{binary}: {field} is {value}");
        let answer = scene.with(&scene.taker(binary), field, value).await;
        refusals.expect_field(&case, &answer, &format!("/{field}"));
    }
    refusals.nothing_changed("wrong types").await;
    for taker in scene.takers() {
        for body in ["null", "5", "\"text\"", "true", "[]", "[\"text\"]"] {
            let answer = scene.raw(&taker, Some("application/json"), body).await;
            refusals.expect(format!("{}: the body is {body}", taker.binary), &answer, 422, "invalid");
        }
        refusals.nothing_changed(format!("{}: bodies that are no objects", taker.binary)).await;
    }
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_field_is_refused_with_its_name() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    for taker in scene.takers() {
        for (field, pointer) in [("colour", "/colour"), ("user_id", "/user_id"), ("a/b", "/a~1b"), ("", "/")]
        {
            let answer = scene.with(&taker, field, json!("red")).await;
            refusals.expect_field(format!("{}: a field {field:?}", taker.binary), &answer, pointer);
        }
    }
    refusals.nothing_changed("unknown fields").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_field_is_named_and_an_empty_change_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let needed = [
        ("drafts-commit", "name"),
        ("drafts-commit", "title"),
        ("tests-start", "test_query"),
        ("tests-start", "topic"),
        ("chat-send", "chat_id"),
    ];
    for (binary, field) in needed {
        let taker = scene.taker(binary);
        let mut body = taker.body.clone();
        body.as_object_mut().expect("an object").remove(field);
        let answer = scene.raw(&taker, Some("application/json"), body.to_string()).await;
        refusals.expect_field(format!("{binary} without {field}"), &answer, &format!("/{field}"));
    }
    for binary in ["drafts-update", "tests-rate", "drafts-commit", "tests-start", "chat-send"] {
        let answer = scene.raw(&scene.taker(binary), Some("application/json"), "{}").await;
        refusals.expect(format!("{binary}: {{}}"), &answer, 422, "invalid");
        let answer = scene.raw(&scene.taker(binary), None, "").await;
        refusals.expect(format!("{binary}: no body"), &answer, 422, "invalid");
    }
    let nulls = json!({"draft_content": null, "draft_name": null}).to_string();
    let answer = scene.raw(&scene.taker("drafts-update"), Some("application/json"), nulls).await;
    refusals.expect("drafts-update: nulls only", &answer, 422, "invalid");
    refusals.nothing_changed("missing fields").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_characters_are_refused_in_every_text() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let texts = [
        ("drafts-start", "starting_prompt"),
        ("drafts-start", "draft_name"),
        ("drafts-start", "requirements"),
        ("drafts-update", "draft_content"),
        ("drafts-update", "draft_name"),
        ("drafts-update", "draft_description"),
        ("drafts-commit", "name"),
        ("drafts-commit", "title"),
        ("drafts-commit", "description"),
        ("tests-start", "test_query"),
        ("tests-start", "topic"),
        ("tests-start", "model"),
        ("tests-start", "notes"),
        ("tests-rate", "notes"),
        ("chat-send", "message"),
        ("chat-send", "model"),
    ];
    for (binary, field) in texts {
        for control in ['\u{0}', '\u{1b}', '\u{7f}', '\u{85}'] {
            let case = format!("{binary}: {field} with {control:?}");
            let text = json!(format!("A text long enough {control} to be right."));
            let answer = scene.with(&scene.taker(binary), field, text).await;
            refusals.expect_field(&case, &answer, &format!("/{field}"));
        }
    }
    // A name is one line.
    for (binary, field) in
        [("drafts-start", "draft_name"), ("drafts-update", "draft_name"), ("drafts-commit", "title")]
    {
        let answer = scene.with(&scene.taker(binary), field, json!("Two\nlines")).await;
        refusals.expect_field(format!("{binary}: {field} of two lines"), &answer, &format!("/{field}"));
    }
    refusals.nothing_changed("control characters").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_short_or_too_long_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let text = |length: usize| json!("ž".repeat(length));
    let beyond = [
        ("drafts-start", "starting_prompt", text(100_001)),
        ("drafts-start", "draft_name", text(2)),
        ("drafts-start", "draft_name", text(101)),
        ("drafts-start", "draft_name", json!("   ")),
        ("drafts-start", "requirements", text(10_001)),
        ("drafts-update", "draft_content", text(100_001)),
        ("drafts-update", "draft_name", text(2)),
        ("drafts-update", "draft_name", text(101)),
        ("drafts-update", "draft_description", text(501)),
        ("drafts-commit", "title", text(4)),
        ("drafts-commit", "title", text(101)),
        ("drafts-commit", "description", text(501)),
        ("tests-start", "test_query", text(9)),
        ("tests-start", "test_query", text(1_001)),
        ("tests-start", "test_query", json!("            ")),
        ("tests-start", "limit", json!(4)),
        ("tests-start", "limit", json!(201)),
        ("tests-start", "user_rating", json!(0)),
        ("tests-start", "user_rating", json!(6)),
        ("tests-start", "notes", text(501)),
        ("tests-rate", "user_rating", json!(0)),
        ("tests-rate", "user_rating", json!(6)),
        ("tests-rate", "notes", text(501)),
    ];
    for (binary, field, value) in beyond {
        let shown: String = value.to_string().chars().take(12).collect();
        let case = format!("{binary}: {field} is {shown}…");
        let answer = scene.with(&scene.taker(binary), field, value).await;
        refusals.expect_field(&case, &answer, &format!("/{field}"));
    }
    refusals.nothing_changed("lengths beyond the limits").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_at_its_limit_is_taken_whole() {
    let scene = Scene::start().await;
    let draft = format!("{DRAFTS}/{}", scene.draft);
    // Four bytes each, the most a character takes; and tabs and line ends.
    let longest = format!("{}\t\r\n", "😀".repeat(99_997));
    let name = "ž".repeat(100);
    let body = json!({"draft_content": longest, "draft_name": name, "draft_description": "é".repeat(500)});
    scene.ada.put(&draft, body).await.expect(200);
    let saved = scene.ada.get(&draft).await.expect(200);
    assert!(saved["draft_content"] == json!(longest), "the text came back changed");
    assert_eq!((&saved["draft_name"], &saved["content_length"]), (&json!(name), &json!(100_000)));
    // Every character escaped, as some clients do.
    let escaped = format!(r#"{{"draft_content": "{}"}}"#, r"\ud83d\ude00".repeat(100_000));
    scene.raw(&scene.taker("drafts-update"), Some("application/json"), escaped).await.expect(200);
    let saved = scene.ada.get(&draft).await.expect(200);
    assert_eq!(saved["content_length"], json!(100_000));
    // It can be started with, committed, cloned and run into a model's limit, too.
    let start = json!({"starting_prompt": longest, "requirements": "😀".repeat(10_000)});
    scene.ada.post(START, start).await.expect(201);
    let commit = json!({"name": "the_longest_one", "title": "ž".repeat(100), "description": "ž".repeat(500)});
    scene.ada.post(&format!("{draft}/commit"), commit).await.expect(201);
    let prompt = scene.ada.get(&format!("{PROMPTS}/the_longest_one")).await.expect(200);
    assert_eq!(prompt["content"].as_str().map(|text| text.chars().count()), Some(100_000));
    scene.ada.post(&format!("{PROMPTS}/the_longest_one/clone"), json!({})).await.expect(201);
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_topic_or_model_is_named() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    for topic in ["No such topic", "", "x/../AI Adoption", &"x".repeat(101), "TOPIC#ai-adoption"] {
        let answer = scene.with(&scene.taker("tests-start"), "topic", json!(topic)).await;
        refusals.expect_field(format!("topic {topic:?}"), &answer, "/topic");
    }
    for binary in ["tests-start", "chat-send"] {
        for model in ["no-such-model", "", "http://127.0.0.1:1/v1"] {
            let answer = scene.with(&scene.taker(binary), "model", json!(model)).await;
            refusals.expect_field(format!("{binary}: model {model:?}"), &answer, "/model");
        }
    }
    let answer =
        scene.with(&scene.taker("drafts-start"), "parent_prompt_name", json!("no_such_prompt")).await;
    if !matches!(answer.status.as_u16(), 404 | 422) {
        refusals.wrong(format!("an unknown parent: {} {}", answer.status, answer.text));
    }
    refusals.nothing_changed("unknown topics, models and prompts").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_too_short_to_test_or_commit_is_refused_and_says_how_long_it_must_be() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    refusals.nothing_changed("no request").await;
    for length in [0, 99] {
        let draft = scene.ada.draft(&"x".repeat(length)).await;
        let mut refusals = Refusals::watch(&scene.ada).await;
        for (verb, binary) in [("test", "tests-start"), ("commit", "drafts-commit")] {
            let body = scene.taker(binary).body;
            let answer = scene.ada.post(&format!("{DRAFTS}/{draft}/{verb}"), body).await;
            refusals.expect(format!("{binary} of {length} characters"), &answer, 422, "invalid");
            if !answer.text.contains("100") {
                refusals.wrong(format!("{binary} does not say how long: {}", answer.text));
            }
        }
        refusals.nothing_changed("a prompt that is too short").await;
        refusals.end();
        scene.ada.delete(&format!("{DRAFTS}/{draft}")).await.expect(200);
    }
    let enough = scene.ada.draft(&"x".repeat(100)).await;
    let body = scene.taker("drafts-commit").body;
    scene.ada.post(&format!("{DRAFTS}/{enough}/commit"), body).await.expect(201);
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompts_name_that_breaks_the_rule_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let names = [
        "",
        "ab",
        "Briefs",
        "two words",
        "with-hyphen",
        "dot.ted",
        "příklad",
        "a/b",
        "../abc",
        "abc\n",
        "０１２",
        "PROMPT#abc",
        &"a".repeat(51),
    ];
    for name in names {
        let answer = scene.with(&scene.taker("drafts-commit"), "name", json!(name)).await;
        refusals.expect_field(format!("name {name:?}"), &answer, "/name");
    }
    refusals.nothing_changed("names that break the rule").await;
    refusals.end();
    for name in ["abc", &"a".repeat(50), "a_1_b"] {
        scene.with(&scene.taker("drafts-commit"), "name", json!(name)).await.expect(201);
        // A draft becomes one prompt; another name needs another draft.
        scene.ada.delete(&format!("{PROMPTS}/{name}")).await.expect(200);
    }
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_that_is_no_id_names_nothing() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let ids = [
        "x".to_owned(),
        "0".to_owned(),
        "null".to_owned(),
        "%00".to_owned(),
        "%FF%FE".to_owned(),
        "a%2Fb".to_owned(),
        "DRAFT%23x".to_owned(),
        "'%20OR%20'1'='1".to_owned(),
        "%F0%9F%98%80".to_owned(),
        "x".repeat(2_000),
        scene.draft.to_uppercase(),
        scene.draft.replace('-', ""),
        format!("%7B{}%7D", scene.draft),
        format!("{}%20", scene.draft),
        "00000000-0000-0000-0000-000000000000".to_owned(),
    ];
    for id in &ids {
        let draft = format!("{DRAFTS}/{id}");
        let body = |binary: &str| Some(scene.taker(binary).body);
        let requests = [
            (Method::GET, draft.clone(), None),
            (Method::PUT, draft.clone(), body("drafts-update")),
            (Method::DELETE, draft.clone(), None),
            (Method::POST, format!("{draft}/commit"), body("drafts-commit")),
            (Method::POST, format!("{draft}/test"), body("tests-start")),
            (Method::GET, format!("{draft}/tests"), None),
            (Method::GET, format!("{DRAFTS}/{}/tests/{id}", scene.draft), None),
            (Method::PATCH, format!("{DRAFTS}/{}/tests/{id}", scene.draft), body("tests-rate")),
            (Method::POST, format!("{DRAFTS}/{}/tests/{id}/cancel", scene.draft), None),
            (Method::GET, format!("/api/auspex/chat/sessions/{id}/messages"), None),
            (Method::GET, format!("{PROMPTS}/{id}"), None),
            (Method::DELETE, format!("{PROMPTS}/{id}"), None),
            (Method::POST, format!("{PROMPTS}/{id}/clone"), None),
        ];
        for (method, path, body) in requests {
            let case = format!("{method} {}", path.chars().take(120).collect::<String>());
            let mut request = scene.ada.request(method, &path);
            if let Some(body) = body {
                request = request.json(&body);
            }
            refusals.expect(&case, &scene.ada.send(request).await, 404, "not-found");
        }
    }
    for id in ["x", "", "00000000-0000-0000-0000-000000000000", "a\u{0}b"] {
        let answer = scene.with(&scene.taker("chat-send"), "chat_id", json!(id)).await;
        if !matches!(answer.status.as_u16(), 404 | 422) {
            refusals.wrong(format!("chat_id {id:?}: {} {}", answer.status, answer.text));
        }
    }
    refusals.nothing_changed("ids that are no ids").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_that_was_tampered_with_or_is_another_lists_is_refused() {
    let scene = Scene::start().await;
    let other = scene.ada.draft(PROMPT).await;
    for draft in [&scene.draft, &other] {
        for _ in 0..2 {
            scene.ada.test(draft, "What changed for banks?", "AI Adoption").await;
        }
    }
    let bob = scene.workshop.client("bob");
    for _ in 0..2 {
        bob.draft(PROMPT).await;
    }
    let tests = format!("{DRAFTS}/{}/tests", scene.draft);
    let others_tests = format!("{DRAFTS}/{other}/tests");
    let drafts_cursor = cursor(&scene.ada, DRAFTS).await;
    let tests_cursor = cursor(&scene.ada, &tests).await;
    let lists = [
        (DRAFTS, &drafts_cursor, [&tests_cursor, &cursor(&bob, DRAFTS).await]),
        (&tests, &tests_cursor, [&drafts_cursor, &cursor(&scene.ada, &others_tests).await]),
    ];
    let mut refusals = Refusals::watch(&scene.ada).await;
    for (list, right, strangers) in lists {
        scene.ada.get(&format!("{list}?limit=1&cursor={right}")).await.expect(200);
        let mut wrong = vec!["x".to_owned(), "%00".to_owned(), "e30=".to_owned(), "x".repeat(3_000)];
        wrong.extend([format!("{right}x"), right[1..].to_owned(), right[..right.len() - 1].to_owned()]);
        for at in 0..right.len() {
            wrong.push(with_another_character(right, at));
        }
        wrong.extend(strangers.into_iter().cloned());
        for cursor in wrong {
            let answer = scene.ada.get(&format!("{list}?limit=1&cursor={cursor}")).await;
            refusals.expect(format!("{list}?cursor={cursor}"), &answer, 400, "malformed");
        }
    }
    // Another filter is another list.
    let answer = scene.ada.get(&format!("{DRAFTS}?status_filter=ready&limit=1&cursor={drafts_cursor}")).await;
    refusals.expect("a cursor under another filter", &answer, 400, "malformed");
    refusals.end();
    scene.workshop.stop().await;
}

/// The cursor to the second page of a list.
async fn cursor(client: &Client, list: &str) -> String {
    let page = client.get(&format!("{list}?limit=1")).await.expect(200);
    page["next_cursor"].as_str().unwrap_or_else(|| panic!("{list} has a second page: {page}")).to_owned()
}

fn with_another_character(text: &str, at: usize) -> String {
    let other = if &text[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_parameter_that_makes_no_sense_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let lists = [
        DRAFTS.to_owned(),
        format!("{DRAFTS}/{}/tests", scene.draft),
        format!("/api/auspex/chat/sessions/{}/messages", scene.draft),
        PROMPTS.to_owned(),
        format!("{PROMPTS}/default_research/versions"),
    ];
    for list in lists {
        for limit in ["0", "101", "abc", "-1", "1.5", "99999999999999999999", "1%00"] {
            let answer = scene.ada.get(&format!("{list}?limit={limit}")).await;
            refusals.expect(format!("{list}?limit={limit}"), &answer, 422, "invalid");
        }
    }
    for filter in ["nearly", "DRAFT", "draft,ready", "%00"] {
        let answer = scene.ada.get(&format!("{DRAFTS}?status_filter={filter}")).await;
        refusals.expect(format!("status_filter={filter}"), &answer, 422, "invalid");
    }
    for query in ["days=abc", "days=-1", "limit=abc", "limit=0"] {
        let answer = scene.ada.get(&format!("/api/topics/AI%20Adoption/articles?query=firms&{query}")).await;
        refusals.expect(format!("articles?{query}"), &answer, 422, "invalid");
    }
    for days in ["abc", "0", "-1"] {
        let answer = scene.ada.get(&format!("/api/metrics?days={days}")).await;
        refusals.expect(format!("metrics?days={days}"), &answer, 422, "invalid");
    }
    let answer = scene.ada.get("/api/topics/No%20such%20topic/articles?query=firms").await;
    refusals.expect("articles of no topic", &answer, 404, "not-found");
    for name in ["ab", &"x".repeat(101), "two%0Alines"] {
        let path = format!("{PROMPTS}/default_research/clone?clone_name={name}");
        let mut answer = scene.ada.post(&path, json!({})).await;
        // The default prompt may have another name.
        if answer.status == 404 {
            let prompts = scene.ada.get(PROMPTS).await.expect(200);
            let default = prompts["prompts"][0]["name"].as_str().expect("a prompt");
            answer = scene.ada.post(&format!("{PROMPTS}/{default}/clone?clone_name={name}"), json!({})).await;
        }
        refusals.expect(format!("clone_name={name}"), &answer, 422, "invalid");
    }
    refusals.nothing_changed("wrong query parameters").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_if_match_that_names_no_revision_is_refused() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let taker = scene.taker("drafts-update");
    for tag in ["abc", "\"abc\"", "\"\"", "-1", "\"1\", \"2\"", "1.5", "99999999999999999999999"] {
        let request = scene.ada.request(taker.method.clone(), &taker.path).json(&taker.body);
        let answer = scene.ada.send(request.header("if-match", tag)).await;
        refusals.expect(format!("If-Match: {tag}"), &answer, 400, "malformed");
    }
    refusals.nothing_changed("If-Match without a revision").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_cannot_be_read_is_refused_and_makes_no_topic() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    let made = "/api/topics/Never%20made/articles";
    let line = json!({"title": "A title", "url": "https://a.example/1", "summary": "A summary."}).to_string();
    let import = async |path: &str, kind: Option<&str>, body: String| {
        let request = scene.ada.request(Method::POST, path).body(body);
        scene
            .ada
            .send(match kind {
                Some(kind) => request.header(CONTENT_TYPE, kind),
                None => request,
            })
            .await
    };
    // What a file is, its bytes say; a form only has one somewhere within.
    let answer = import(made, Some("multipart/form-data; boundary=x"), line.clone()).await;
    refusals.expect("an import as a form", &answer, 415, "unsupported-media-type");
    for query in ["columns=Headline", "columns=a:headline", "dates=dd/mm", "preview=maybe"] {
        let answer = import(&format!("{made}?{query}"), Some("text/csv"), line.clone()).await;
        refusals.expect(format!("an import with {query}"), &answer, 422, "invalid");
    }
    for (what, body) in [("nothing", ""), ("a feed", "<rss/>"), ("a broken archive", "PK\u{3}\u{4}")] {
        let answer = import(made, None, body.to_owned()).await;
        refusals.expect(format!("an import of {what}"), &answer, 422, "invalid");
    }
    let much = format!("{line}\n").repeat(6 * 1024 * 1024 / (line.len() + 1));
    let answer = import(made, Some("application/x-ndjson"), much).await;
    refusals.expect("an import of 6 MB", &answer, 413, "too-large");
    for header in ["url,summary", "title,summary", "a,b,c"] {
        let csv = format!("{header}\nhttps://a.example/1,A,B\n");
        let answer = import(made, Some("text/csv"), csv).await;
        refusals.expect(format!("CSV with the columns {header}"), &answer, 422, "invalid");
    }
    for topic in [&"x".repeat(101), "%20", "two%0Alines", "%00", "%1B"] {
        let path = format!("/api/topics/{topic}/articles");
        let answer = import(&path, Some("application/x-ndjson"), line.clone()).await;
        refusals.expect(format!("the topic {topic}"), &answer, 422, "invalid");
    }
    refusals.nothing_changed("imports that cannot be read").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_of_an_import_rejects_that_line_only() {
    let scene = Scene::start().await;
    let lines = [
        r#"{"title": "Kept", "url": "https://a.example/1", "summary": "One."}"#,
        r#"{"title": "No address", "summary": "Two."}"#,
        r#"{"url": "https://a.example/3", "summary": "No title."}"#,
        r#"{"title": "No address either", "url": "a.example/4", "summary": "Four."}"#,
        r#"{"title": "A script", "url": "javascript:alert(1)", "summary": "Five."}"#,
        r#"{"title": "A file", "url": "file:///etc/passwd", "summary": "Six."}"#,
        r#"{"title": "Half \ud83d", "url": "https://a.example/7", "summary": "Seven."}"#,
        r#"{"title": "Control", "url": "https://a.example/8", "summary": "Eight.", "source": "\u0000"}"#,
        r#"{"title": "Ahead", "url": "https://a.example/9", "summary": "Nine.", "published_at": "2126-11-20"}"#,
        r#"{"title": "When", "url": "https://a.example/10", "summary": "Ten.", "published_at": "soon"}"#,
        r#"not JSON"#,
        r#"{"title": "Kept too", "url": "https://a.example/12", "text": "Twelve."}"#,
    ];
    let request = scene.ada.request(Method::POST, "/api/topics/Half%20good/articles").body(lines.join("\n"));
    let report = scene.ada.send(request.header(CONTENT_TYPE, "application/x-ndjson")).await.expect(200);
    let rejected = report["rejected"].as_array().expect("a list");
    let numbers: Vec<u64> = rejected.iter().filter_map(|line| line["line"].as_u64()).collect();
    assert_eq!(numbers, (2..=11).collect::<Vec<u64>>(), "{report}");
    assert!(rejected.iter().all(|line| line["detail"].as_str().is_some_and(|detail| detail.len() > 10)));
    assert_eq!((&report["added"], &report["updated"]), (&json!(2), &json!(0)), "{report}");
    let topics = scene.ada.get("/api/topics").await.expect(200);
    let topics = topics.as_array().expect("an array");
    let topic = topics.iter().find(|topic| topic["name"] == "Half good").expect("the topic");
    assert_eq!(topic["article_count"], 2);
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_404_and_a_wrong_verb_says_which_are_right() {
    let scene = Scene::start().await;
    let mut refusals = Refusals::watch(&scene.ada).await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/auspex",
        "/api/auspex/prompts/workshop/nothing",
        "/api/health/x",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = scene.ada.send(scene.ada.request(method.clone(), path)).await;
            // What the path of a prompt looks like names no prompt.
            refusals.expect(format!("{method} {path}"), &answer, 404, "not-found");
        }
    }
    let draft = format!("{DRAFTS}/{}", scene.draft);
    let wrong = [
        (Method::GET, START.to_owned(), vec!["POST"]),
        (Method::DELETE, DRAFTS.to_owned(), vec!["GET"]),
        (Method::PATCH, draft.clone(), vec!["GET", "PUT", "DELETE"]),
        (Method::PUT, format!("{draft}/tests/{}", scene.test), vec!["GET", "PATCH"]),
        (Method::GET, format!("{draft}/commit"), vec!["POST"]),
        (Method::GET, MESSAGE.to_owned(), vec!["POST"]),
        (Method::DELETE, "/api/topics".to_owned(), vec!["GET"]),
        (Method::POST, "/api/health".to_owned(), vec!["GET"]),
    ];
    for (method, path, allowed) in wrong {
        let case = format!("{method} {path}");
        let answer = scene.ada.send(scene.ada.request(method, &path)).await;
        refusals.expect(&case, &answer, 405, "method-not-allowed");
        let told = answer.header("allow").unwrap_or_default();
        let told: Vec<&str> = told.split(',').map(str::trim).filter(|verb| !verb.is_empty()).collect();
        let names_all = allowed.iter().all(|verb| told.contains(verb));
        let names_only = told.iter().all(|verb| allowed.contains(verb) || ["HEAD", "OPTIONS"].contains(verb));
        if !names_all || !names_only {
            refusals.wrong(format!("{case}: Allow is {told:?} and should be {allowed:?}"));
        }
    }
    refusals.nothing_changed("wrong paths and verbs").await;
    refusals.end();
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_site_cannot_use_the_local_machine_through_a_browser() {
    let scene = Scene::start().await;
    // Without a token, as a browser comes: this is the machine's own user.
    let local = scene.workshop.anonymous();
    let start = || local.request(Method::POST, START).json(&json!({"draft_name": "From elsewhere"}));
    local.draft(PROMPT).await;
    let mut refusals = Refusals::watch(&local).await;
    let refused = |answer: &Answer| answer.status.is_client_error() && answer.status != 404;
    let host = scene.workshop.machine.url().replace("http://", "");
    let port = host.rsplit(':').next().expect("a port").to_owned();
    let foreign = [
        ("sec-fetch-site", "cross-site".to_owned()),
        ("sec-fetch-site", "same-site".to_owned()),
        ("origin", "https://workshop.evil.example".to_owned()),
        ("origin", "http://localhost:1".to_owned()),
        ("origin", "null".to_owned()),
        ("host", "workshop.evil.example".to_owned()),
        ("host", format!("workshop.evil.example:{port}")),
        ("host", format!("127.0.0.1.evil.example:{port}")),
        ("host", format!("localhost.evil.example:{port}")),
    ];
    for (header, value) in foreign {
        let answer = local.send(start().header(header, &value)).await;
        if !refused(&answer) {
            refusals.wrong(format!("POST with {header}: {value}: {} {}", answer.status, answer.text));
        }
        let answer = local.send(local.request(Method::GET, DRAFTS).header(header, &value)).await;
        if !refused(&answer) || answer.text.contains("draft_name") {
            refusals.wrong(format!("GET with {header}: {value}: {} {}", answer.status, answer.text));
        }
    }
    refusals.nothing_changed("requests from another site").await;
    refusals.end();
    for (header, value) in [
        ("sec-fetch-site", "same-origin".to_owned()),
        ("sec-fetch-site", "none".to_owned()),
        ("origin", scene.workshop.machine.url()),
        ("host", format!("localhost:{port}")),
        ("host", format!("127.0.0.1:{port}")),
    ] {
        local.send(start().header(header, &value)).await.expect(201);
    }
    scene.workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_has_expired_is_refused() {
    let scene = Scene::start().await;
    scene.ada.get(DRAFTS).await.expect(200);
    scene.workshop.machine.clock().advance(Duration::from_secs(2 * 60 * 60));
    scene.ada.get(DRAFTS).await.expect_problem(401, "unauthorized");
    scene.ada.post(START, json!({})).await.expect_problem(401, "unauthorized");
    // Signing in anew finds everything as it was.
    let ada = scene.workshop.client("ada");
    assert_eq!(ada.get(DRAFTS).await.expect(200)["total"], 1);
    scene.workshop.stop().await;
}
