//! A workshop with something of everything in it, and a request to each route
//! that can be called again and again: as an HTTP API hands it to the function.

use functions::{Access, Answer, ROUTES, Route};
use serde_json::{Map, Value, json};
use tests::scripted_model::{Play, ScriptedModel};
use tests::{Client, DRAFTS, PROMPT, Setup, Workshop};
use url::form_urlencoded;

/// Who asks.
const USER: &str = "bench";
/// A topic of the sample collection.
const TOPIC: &str = "Cybersecurity";
/// A prompt that is committed.
const COMMITTED: &str = "bench_brief";

/// The routes, each with its query. Left out are those that end what they are
/// called on (deletions, a stop, a cancellation), wait for others (models,
/// publishers), or pile up what slows what comes after them (imports, commits).
const AGAIN: &[(&str, &str)] = &[
    ("drafts-start", ""),
    ("drafts-list", ""),
    ("drafts-get", ""),
    ("drafts-update", ""),
    ("tests-list", ""),
    ("tests-get", ""),
    ("tests-rate", ""),
    ("chat-history", ""),
    ("prompts-list", ""),
    ("prompts-get", ""),
    ("prompts-versions", ""),
    ("prompts-clone", ""),
    ("topics-list", ""),
    ("topics-facets", ""),
    ("articles-search", "query=ransomware in hospitals"),
    ("feeds-list", ""),
    ("models-list", ""),
    ("metrics-get", ""),
    ("health", ""),
    ("openapi-get", ""),
];

/// What these take.
fn body(binary: &str) -> Option<Value> {
    match binary {
        "drafts-start" => Some(json!({"starting_prompt": PROMPT})),
        // 4 KB, as an autosave of a long prompt.
        "drafts-update" => Some(json!({"draft_content": "Cite each claim.\n".repeat(240)})),
        "tests-rate" => Some(json!({"user_rating": 4, "notes": "Well cited."})),
        _ => None,
    }
}

/// A workshop in use.
pub struct Furnished {
    /// The workshop.
    pub workshop: Workshop,
    /// A draft of [`USER`]'s that was talked about and tested.
    pub draft: String,
    test: String,
    _model: ScriptedModel,
}

/// A request that can be made again and again.
pub struct Asked {
    /// The route's binary.
    pub binary: &'static str,
    /// The event that its function gets.
    pub event: String,
    /// The status of its answer.
    pub status: u16,
}

impl Furnished {
    /// Starts one.
    pub async fn start() -> Self {
        let model = ScriptedModel::start([Play::answer("Hospitals were hit twice as often.")]).await;
        let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
        let client = workshop.client(USER);
        let draft = tested(&client).await;
        let (draft, test) = draft;
        commit(&client).await;
        Self { workshop, draft, test, _model: model }
    }

    /// The requests to routes whose binaries `wanted` has.
    pub fn requests(&self, wanted: &[String]) -> Vec<Asked> {
        let wanted = AGAIN.iter().filter(|(binary, _)| wanted.iter().any(|wanted| wanted == binary));
        wanted
            .map(|(binary, query)| {
                let route = ROUTES.iter().find(|route| route.binary == *binary).expect("a route");
                let status = match route.gives {
                    Answer::Json(status, _) => status,
                    Answer::Events | Answer::Document => 200,
                };
                Asked { binary, event: self.event(route, query).to_string(), status }
            })
            .collect()
    }

    /// As an HTTP API makes it (payload format 2.0), with the claims of its JWT authorizer.
    fn event(&self, route: &Route, query: &str) -> Value {
        let (mut path, mut parameters) = (route.path.to_owned(), Map::new());
        let names = [
            ("id", self.draft.as_str()),
            ("chat_id", &self.draft),
            ("test_id", &self.test),
            ("name", COMMITTED),
            ("topic", TOPIC),
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
        json!({
            "version": "2.0",
            "routeKey": key,
            "rawPath": path,
            "rawQueryString": raw_query,
            "headers": {
                "accept": "application/json",
                "content-type": "application/json",
                "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
                "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
                "x-forwarded-for": "192.0.2.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
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
            "body": body(route.binary).map(|body| body.to_string()),
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

async fn commit(client: &Client) {
    let draft = client.draft(PROMPT).await;
    let order = json!({"name": COMMITTED, "title": "Brief", "description": "For executives."});
    client.post(&format!("{DRAFTS}/{draft}/commit"), order).await.expect(201);
}
