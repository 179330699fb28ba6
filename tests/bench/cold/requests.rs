//! A workshop with something of everything in it, and a request to each route
//! that can be called again and again: as an HTTP API hands it to the function.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use functions::route::{Access, Answer, Route, Verb};
use functions::routes;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::cost::text;
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Client, DRAFTS, PROMPT, Setup, Workshop};
use url::form_urlencoded;

use crate::asked::UNLIMITED;

/// Who asks.
const USER: &str = "bench";
/// A topic of the sample collection.
const TOPIC: &str = "Cybersecurity";
/// A topic of its own, which an article comes into.
const OWN_TOPIC: &str = "Ports";
/// The media type of JSON Lines, in which articles come.
const LINES: &str = "application/x-ndjson";
/// A prompt that is committed.
const COMMITTED: &str = "bench_brief";

/// Not called again and again, since they wait for others, a model or a
/// publisher.
pub const WAITING: [&str; 3] = ["chat-send", "feeds-follow", "feeds-collect"];

/// Not called again and again, since they end what they are called on.
pub fn ending() -> impl Iterator<Item = &'static str> {
    let deletions = routes().filter(|route| route.method == Verb::Delete).map(|route| route.binary);
    ["tests-cancel"].into_iter().chain(deletions)
}

/// The others, each with its query: at the end those that pile up what they
/// make, so that lists have the same to show while they are measured.
const AGAIN: &[(&str, &str)] = &[
    ("drafts-list", ""),
    ("drafts-get", ""),
    ("drafts-update", ""),
    ("tests-list", ""),
    ("tests-get", ""),
    ("tests-rate", ""),
    ("chat-history", ""),
    ("chat-stop", ""),
    ("prompts-list", ""),
    ("prompts-get", ""),
    ("prompts-versions", ""),
    ("topics-list", ""),
    ("topics-facets", ""),
    ("articles-search", "query=ransomware in hospitals"),
    ("feeds-list", ""),
    ("articles-import", ""),
    ("imports-get", ""),
    ("imports-run", ""),
    ("models-list", ""),
    ("metrics-get", ""),
    ("health", ""),
    ("openapi-get", ""),
    ("drafts-start", ""),
    ("drafts-commit", ""),
    ("prompts-clone", ""),
    ("tests-start", ""),
    ("imports-start", ""),
];

/// What these take; another for each `number`, where the same again would be refused or do less.
fn body(binary: &str, number: usize) -> Option<Value> {
    match binary {
        "drafts-start" => Some(json!({"starting_prompt": PROMPT})),
        // An autosave of a long prompt.
        "drafts-update" => Some(json!({"draft_content": text(number)})),
        "drafts-commit" => Some(
            json!({"name": format!("bench_{number}"), "title": "Brief", "description": "For executives."}),
        ),
        "tests-start" => Some(json!({"test_query": "Which hospitals were attacked?", "topic": TOPIC})),
        "tests-rate" => Some(json!({"user_rating": 4, "notes": "Well cited."})),
        "articles-import" => Some(article(number)),
        "imports-start" => Some(json!({"format": "csv", "bytes": 6_000_000})),
        _ => None,
    }
}

/// An article with news each time.
fn article(number: usize) -> Value {
    json!({
        "title": "Ports count robots", "summary": format!("Port robots doubled, says report {number}."),
        "url": "https://news.example/ports", "published_at": "2026-11-01T08:00:00Z",
    })
}

/// What the page sends with what it may have to send again: another for each `number`.
fn once(binary: &str, number: usize) -> Option<String> {
    let is_once = matches!(binary, "drafts-start" | "drafts-commit" | "tests-start" | "prompts-clone");
    is_once.then(|| format!("{binary}-{number}"))
}

/// A workshop in use.
pub struct Furnished {
    /// The workshop.
    pub workshop: Workshop,
    /// A draft of [`USER`]'s that was talked about and tested.
    pub draft: String,
    test: String,
    /// A draft that was committed.
    committed: String,
    /// An import that was handed over.
    import: String,
    _model: ScriptedModel,
}

/// A request that can be made again and again.
pub struct Asked<'a> {
    /// The route's binary.
    pub binary: &'static str,
    /// The status of its answer.
    pub status: u16,
    furnished: &'a Furnished,
    route: &'static Route,
    query: &'static str,
}

impl Asked<'_> {
    /// The event that its function gets the next time.
    pub fn event(&self) -> String {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        self.furnished.event(self.route, self.query, number).to_string()
    }
}

impl Furnished {
    /// Starts one.
    pub async fn start() -> Self {
        let model = ScriptedModel::start([Play::answer("Hospitals were hit twice as often.")]).await;
        let setup = Setup {
            model: model.only(),
            limits: UNLIMITED,
            // Runs that are left waiting are not taken up.
            recover_every: Duration::from_secs(86_400),
            ..Setup::default()
        };
        let workshop = Workshop::start_with(setup).await;
        let client = workshop.client(USER);
        let (draft, test) = tested(&client).await;
        let committed = commit(&client).await;
        let news = client.request(Method::POST, &format!("/api/topics/{OWN_TOPIC}/articles"));
        let news = news.header("content-type", LINES).body(article(0).to_string());
        client.send(news).await.expect(200);
        let import = handed_over(&workshop, &client).await;
        Self { workshop, draft, test, committed, import, _model: model }
    }

    /// The requests to routes whose binaries `wanted` has.
    pub fn requests(&self, wanted: &[String]) -> Vec<Asked<'_>> {
        let wanted = AGAIN.iter().filter(|(binary, _)| wanted.iter().any(|wanted| wanted == binary));
        wanted
            .map(|(binary, query)| {
                let route = routes().find(|route| route.binary == *binary).expect("a route");
                let status = match route.gives {
                    Answer::Json(status, _) => status,
                    Answer::Events | Answer::Document => 200,
                };
                Asked { binary, status, furnished: self, route, query }
            })
            .collect()
    }

    /// As an HTTP API makes it (payload format 2.0), with the claims of its JWT authorizer.
    fn event(&self, route: &Route, query: &str, number: usize) -> Value {
        let (mut path, mut parameters) = (route.path.to_owned(), Map::new());
        // What a commit does to its draft is nothing to the other one's routes.
        let draft = if route.binary == "drafts-commit" { &self.committed } else { &self.draft };
        let is_own = matches!(route.binary, "articles-import" | "imports-get" | "imports-run");
        let names = [
            ("id", draft.as_str()),
            ("chat_id", draft),
            ("test_id", &self.test),
            ("name", COMMITTED),
            ("topic", if is_own { OWN_TOPIC } else { TOPIC }),
            ("import_id", &self.import),
        ];
        for (name, value) in names {
            let place = format!("{{{name}}}");
            if path.contains(&place) {
                path = path.replace(&place, value);
                parameters.insert(name.to_owned(), json!(value));
            }
        }
        assert!(!path.contains('{'), "{path} names something that isn't there");
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let raw_query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&query).finish();
        let claims = json!({"sub": USER, "token_use": "access", "client_id": "page", "username": USER});
        let authorizer =
            (route.access != Access::Open).then(|| json!({"jwt": {"claims": claims, "scopes": null}}));
        let key = format!("{} {}", route.method, route.path);
        let mut headers = json!({
            "accept": "application/json",
            "content-type": if route.binary == "articles-import" { LINES } else { "application/json" },
            "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
            "x-forwarded-for": "192.0.2.1",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        });
        if let Some(once) = once(route.binary, number) {
            headers["idempotency-key"] = json!(once);
        }
        json!({
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": raw_query,
            "headers": headers,
            "queryStringParameters": query.into_iter().map(|(name, value)| (name, json!(value))).collect::<Map<_, _>>(),
            "pathParameters": parameters,
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "abcdefghij",
                "authorizer": authorizer,
                "domainName": "abcdefghij.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "abcdefghij",
                "http": {
                    "method": route.method.as_str(), "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1", "userAgent": "Mozilla/5.0",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": key,
                "stage": "$default",
                "time": "10/Mar/2026:05:16:23 +0000",
                "timeEpoch": 1_773_119_783_000_i64,
            },
            "body": body(route.binary, number).map(|body| body.to_string()),
            "isBase64Encoded": false,
        })
    }
}

/// A draft with a conversation and a run that has ended.
async fn tested(client: &Client) -> (String, String) {
    let draft = client.draft(PROMPT).await;
    client.say(&draft, "Make it shorter.").await;
    let test = client.test(&draft, "Which hospitals were attacked?", TOPIC).await;
    assert_eq!(client.finished(&draft, &test, 60).await["status"], "succeeded");
    (draft, test)
}

/// A draft that is a prompt of the library's, too.
async fn commit(client: &Client) -> String {
    let draft = client.draft(PROMPT).await;
    let order = json!({"name": COMMITTED, "title": "Brief", "description": "For executives."});
    client.post(&format!("{DRAFTS}/{draft}/commit"), order).await.expect(201);
    draft
}

/// An import that is handed over to a worker who won't take it up: nothing was uploaded, and nobody was told.
async fn handed_over(workshop: &Workshop, client: &Client) -> String {
    let order = json!({"format": "csv", "bytes": 6_000_000});
    let started = client.post(&format!("/api/topics/{OWN_TOPIC}/imports"), order).await.expect(201);
    let id = started["import"]["id"].as_str().expect("an id");
    let (imports, now) = (&workshop.machine.store().imports, workshop.machine.clock().now());
    imports.hand_over(USER, id.parse().expect("an id"), now).await.expect("the store answers");
    id.to_owned()
}
