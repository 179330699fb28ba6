//! The main job through a deployment's front door. `make test-deploy` deploys,
//! makes accounts, signs them in, and says in the environment where and who.

use std::collections::BTreeMap;

use functions::route::{Access, Verb};
use functions::routes;
use serde_json::{Value, json};
use tests::main_job::{Place, answer_streams, main_job};
use tests::{Client, START};

fn told(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this by `make test-deploy`"))
}

/// Tokens by what they are: `ada`, `ben`, and those that must be refused.
fn tokens() -> BTreeMap<String, String> {
    serde_json::from_str(&told("DEPLOYED_TOKENS")).expect("tokens by name")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_job_runs_deployed() {
    let (address, tokens) = (told("DEPLOYED_URL"), tokens());
    let client = |name: &str| Client::new(&address, tokens.get(name).cloned());
    let (ada, ben) = (client("ada"), client("ben"));
    let sdk = shared::app::sdk_config();
    let place = Place {
        ada: &ada,
        ben: &ben,
        // The emulator sends an answer once it is whole, by CloudFront and by function URL.
        streams: false,
        dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
        drafts_table: told("DEPLOYED_DRAFTS_TABLE"),
    };
    main_job(&place).await;

    let started = ada.post(START, json!({"requirements": "Briefs on ports."})).await.expect(201);
    let draft = started["draft_id"].as_str().expect("an id");
    let function_url = Client::new(&told("DEPLOYED_CHAT_URL"), tokens.get("ada").cloned());
    answer_streams(&function_url, draft, false).await;
}

/// By every route, and by the function URL, which has no authorizer before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_right_token_is_refused_on_every_route() {
    let tokens = tokens();
    let good = tokens.get("ada").expect("a token");
    let (head, signature) = good.rsplit_once('.').expect("a token");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let anyone = Client::new(&told("DEPLOYED_URL"), None);
    let function_url = Client::new(&told("DEPLOYED_CHAT_URL"), None);
    let mut wrong = Vec::new();
    for route in routes().filter(|route| route.access != Access::Open) {
        let path =
            route.path.replace("{id}", NOBODYS).replace("{chat_id}", NOBODYS).replace("{test_id}", NOBODYS);
        let path = path.replace("{name}", "default_research").replace("{topic}", "AI%20Adoption");
        let path = path.replace("{import_id}", NOBODYS);
        let mut doors = vec![("the address", &anyone)];
        if route.binary == "chat-send" {
            doors.push(("the function URL", &function_url));
        }
        for (door, client) in doors {
            for (kind, token) in [
                ("no token", None),
                ("nonsense", Some("a.b.c".to_owned())),
                ("a forged one", Some(forged.clone())),
                ("an ID token", tokens.get("ada's ID token").cloned()),
                ("another client's", tokens.get("another client's").cloned()),
            ] {
                assert!(kind == "no token" || token.is_some(), "{kind} is not there");
                let client = token.map_or_else(|| client.clone(), |token| client.with_token(&token));
                let mut request = client.request(route.method.http(), &path);
                if route.method != Verb::Get {
                    request = request.json(&json!({}));
                }
                let answer = client.send(request).await;
                if answer.status != 401 {
                    wrong.push(format!(
                        "{} by {door} with {kind}: {} {}",
                        route.binary, answer.status, answer.text
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let other: Value = anyone.with_token(good).get("/api/models").await.expect(200);
    assert!(other.is_array(), "and with a right one: {other}");
    eprintln!(
        "  shown: no token, nonsense, a forged one, an ID token and another client's are refused on every route"
    );
}

const NOBODYS: &str = "01a1ff49-fe0e-7c5e-8cf9-c86e0daf9c2a";
