//! What is open to all, and what the interface says of itself.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tests::{Setup, Workshop};

use super::get_with;

/// The routes of the interface's table.
const ROUTES: [(&str, &str); 33] = [
    ("post", "/api/auspex/prompts/workshop/start"),
    ("get", "/api/auspex/prompts/workshop/drafts"),
    ("get", "/api/auspex/prompts/workshop/drafts/{}"),
    ("put", "/api/auspex/prompts/workshop/drafts/{}"),
    ("delete", "/api/auspex/prompts/workshop/drafts/{}"),
    ("post", "/api/auspex/prompts/workshop/drafts/{}/commit"),
    ("post", "/api/auspex/prompts/workshop/drafts/{}/test"),
    ("get", "/api/auspex/prompts/workshop/drafts/{}/tests"),
    ("get", "/api/auspex/prompts/workshop/drafts/{}/tests/{}"),
    ("patch", "/api/auspex/prompts/workshop/drafts/{}/tests/{}"),
    ("post", "/api/auspex/prompts/workshop/drafts/{}/tests/{}/cancel"),
    ("post", "/api/auspex/chat/message"),
    ("post", "/api/auspex/chat/sessions/{}/stop"),
    ("get", "/api/auspex/chat/sessions/{}/messages"),
    ("get", "/api/auspex/prompts"),
    ("get", "/api/auspex/prompts/{}"),
    ("get", "/api/auspex/prompts/{}/versions"),
    ("delete", "/api/auspex/prompts/{}"),
    ("post", "/api/auspex/prompts/{}/clone"),
    ("get", "/api/topics"),
    ("post", "/api/topics/{}/articles"),
    ("get", "/api/topics/{}/articles"),
    ("get", "/api/topics/{}/facets"),
    ("get", "/api/topics/{}/feeds"),
    ("post", "/api/topics/{}/feeds"),
    ("post", "/api/topics/{}/feeds/{}/collect"),
    ("delete", "/api/topics/{}/feeds/{}"),
    ("post", "/api/topics/{}/imports"),
    ("post", "/api/topics/{}/imports/{}/run"),
    ("get", "/api/topics/{}/imports/{}"),
    ("get", "/api/models"),
    ("get", "/api/metrics"),
    ("get", "/api/health"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_open_to_all_and_names_the_version() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let health = workshop.anonymous().get("/api/health").await.expect(200);
    assert!(health["version"].as_str().is_some_and(|version| version.contains('.')), "{health}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_openapi_document_has_every_route_of_the_interface() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let document = workshop.client("local").get("/api/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{document}");

    let described: Vec<(String, &Value)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, verbs)| {
            let path = without_names(path);
            let verbs = verbs.as_object().expect("verbs").iter();
            verbs.map(move |(verb, operation)| (format!("{verb} {path}"), operation)).collect::<Vec<_>>()
        })
        .collect();
    for (verb, path) in ROUTES {
        let found = described.iter().find(|(route, _)| *route == format!("{verb} {path}"));
        let (_, operation) = found.unwrap_or_else(|| panic!("{verb} {path} is not described"));
        assert!(
            operation["responses"].as_object().is_some_and(|responses| !responses.is_empty()),
            "{operation}"
        );
    }
    workshop.stop().await;
}

/// A path whose parameters have lost their names.
fn without_names(path: &str) -> String {
    let nameless = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(nameless).collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_in_a_browser_cannot_reach_the_tables() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let list = || {
        http.post(workshop.machine.dynamodb_url())
            .header("x-amz-target", "DynamoDB_20120810.ListTables")
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("x-amz-date", "20260101T000000Z")
            .body("{}")
    };
    let tool = list().send().await.expect("an answer");
    assert_eq!(tool.status(), 200, "{}", tool.text().await.expect("a body"));
    let page = list().header("origin", "https://elsewhere.example").send().await.expect("an answer");
    assert_eq!(page.status(), 403);
    workshop.stop().await;
}

/// A workshop with a page as a build leaves it, and the folder it is in.
async fn with_a_page() -> (Workshop, PathBuf) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let site = std::env::temp_dir().join(format!("workshop-site-{}-{number}", std::process::id()));
    std::fs::create_dir_all(site.join("assets")).expect("a folder");
    let files = [
        ("index.html", "<!doctype html><title>The page</title>"),
        ("sw.js", "self.onfetch = null;"),
        ("assets/page-4f2a.js", "export {};"),
        ("assets/page-4f2a.js.br", "as brotli"),
        ("assets/page-4f2a.js.gz", "as gzip"),
    ];
    for (name, text) in files {
        std::fs::write(site.join(name), text).expect("a file");
    }
    let setup = Setup { sample: false, site: Some(site.clone()), ..Setup::default() };
    (Workshop::start_with(setup).await, site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_files_are_served_and_its_own_paths_show_the_page() {
    let (workshop, site) = with_a_page().await;
    let anyone = workshop.anonymous();
    for path in ["/", "/prompt-workshop?draft_id=1", "/library/weekly_brief", "/assets"] {
        let page = anyone.get(path).await;
        assert_eq!((page.status.as_u16(), page.text.contains("The page")), (200, true), "{path}");
        assert_eq!(page.header("cache-control"), Some("no-cache"), "{path}");
    }
    let script = anyone.get("/assets/page-4f2a.js").await;
    assert_eq!((script.status.as_u16(), script.text.as_str()), (200, "export {};"));
    assert_eq!(script.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(anyone.get("/sw.js").await.header("cache-control"), Some("no-cache"));
    anyone.get("/api/nowhere").await.expect_problem(404, "not-found");
    workshop.stop().await;
    std::fs::remove_dir_all(site).expect("the folder goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_not_there_is_never_the_page() {
    let (workshop, site) = with_a_page().await;
    for path in ["/assets/page-0000.js", "/assets/", "/assets/deep", "/old.js", "/library/logo%2Esvg"] {
        let answer = workshop.anonymous().get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        answer.expect_problem(404, "not-found");
    }
    workshop.stop().await;
    std::fs::remove_dir_all(site).expect("the folder goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_file_of_the_page_comes_with_what_protects_it() {
    let (workshop, site) = with_a_page().await;
    for path in ["/", "/drafts", "/sw.js", "/assets/page-4f2a.js"] {
        let file = workshop.anonymous().get(path).await;
        let policy = file.header("content-security-policy").expect("a policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.split("; ").any(|directive| directive == part), "{path}: {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ] {
            assert_eq!(file.header(name), Some(value), "{path}: {name}");
        }
    }
    workshop.stop().await;
    std::fs::remove_dir_all(site).expect("the folder goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_gets_the_smallest_form_of_a_file_that_it_takes() {
    let (workshop, site) = with_a_page().await;
    let anyone = workshop.anonymous();
    let forms = [
        ("gzip, br", Some("br"), "as brotli"),
        ("gzip", Some("gzip"), "as gzip"),
        ("identity", None, "export {};"),
    ];
    for (takes, encoding, text) in forms {
        let script = get_with(&anyone, "/assets/page-4f2a.js", "accept-encoding", takes).await;
        assert_eq!((script.header("content-encoding"), script.text.as_str()), (encoding, text), "{takes}");
        assert_eq!(script.header("content-type"), Some("text/javascript"));
        assert_eq!(script.header("vary"), Some("accept-encoding"));
    }
    workshop.stop().await;
    std::fs::remove_dir_all(site).expect("the folder goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_pages_files_a_plain_page_says_so() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let page = workshop.anonymous().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("not built yet"), "{}", page.text);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_told_that_nobody_has_to_sign_in_on_one_machine() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let anyone = workshop.anonymous();
    let told = anyone.get("/config.json").await;
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(told.expect(200), serde_json::json!({"oidc": null}));
    let asked = anyone.send(anyone.request(reqwest::Method::HEAD, "/config.json")).await;
    assert_eq!((asked.status.as_u16(), asked.text.as_str()), (200, ""));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_without_a_user_of_its_own_refuses_who_brings_no_token() {
    let workshop = Workshop::start_with(Setup { sample: false, user: None, ..Setup::default() }).await;
    let anyone = workshop.anonymous();
    anyone.get(tests::DRAFTS).await.expect_problem(401, "unauthorized");
    anyone.get("/api/topics").await.expect_problem(401, "unauthorized");
    anyone.get("/api/health").await.expect(200);
    assert_eq!(workshop.client("ada").get(tests::DRAFTS).await.expect(200)["total"], 0);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_local_sign_in_gives_tokens_that_its_key_set_vouches_for() {
    let workshop = Workshop::start_with(Setup { sample: false, ..Setup::default() }).await;
    let anyone = workshop.anonymous();
    let token = anyone.post("/local/token", serde_json::json!({"user": "ada"})).await.expect(200);
    let token = token["access_token"].as_str().expect("a token");
    let drafts = anyone.request(reqwest::Method::GET, tests::DRAFTS).bearer_auth(token);
    assert_eq!(anyone.send(drafts).await.expect(200)["total"], 0);
    let discovery = anyone.get("/.well-known/openid-configuration").await.expect(200);
    let keys = anyone.get("/.well-known/jwks.json").await;
    assert!(discovery["jwks_uri"].as_str().is_some_and(|uri| uri.ends_with("/.well-known/jwks.json")));
    let keys = shared::auth::KeySet::parse(keys.text.as_bytes()).expect("a key set");
    let issuer = discovery["issuer"].as_str().expect("an issuer");
    let expected = shared::auth::Expected { issuer, client_id: "workshop" };
    let claims =
        shared::auth::verify(token, &keys, &expected, workshop.machine.clock().now()).expect("a valid token");
    assert_eq!(claims.sub, "ada");
    anyone
        .post("/local/token", serde_json::json!({"user": "not a name"}))
        .await
        .expect_problem(422, "invalid");
    workshop.stop().await;
}
