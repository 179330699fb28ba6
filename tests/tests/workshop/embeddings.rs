//! What articles mean, by servers of embeddings as they are: some refuse what is optional, some number nothing, and
//! all of them are away at times.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use local::ModelChoice;
use reqwest::Method;
use serde_json::{Value, json};
use shared::config::EmbeddingService;
use shared::domain::model::ApiKey;
use tests::{Client, Setup, Workshop};
use tokio::net::TcpListener;

use crate::percent_encoded;

/// Numbers of a vector.
const DIMENSIONS: usize = 8;

/// How a server answers, and what it was asked.
#[derive(Default)]
struct Server {
    manner: Mutex<Manner>,
    asked: Mutex<Vec<Value>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Manner {
    /// As OpenAI's with a model that can shorten its vectors.
    #[default]
    Takes,
    /// As vLLM with a model that can't: "Model "…" does not support matryoshka representation, changing output
    /// dimensions will lead to poor results." (vllm-project/vllm, `vllm/pooling_params.py`), status 400.
    RefusesDimensions,
    /// As Mistral's API, which refuses what it doesn't know: 422, `extra_forbidden`.
    ForbidsExtras,
    /// As Gemini's compatible endpoint: `data` without `index`.
    NumbersNothing,
    /// A window that is shorter than the texts that it is sent.
    ShortWindow,
    /// Down.
    Away,
}

impl Server {
    async fn start() -> (Arc<Self>, SocketAddr) {
        let server = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/v1/embeddings", post(answer)).with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, router).await });
        (server, address)
    }

    fn is(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// What it was asked since the last time.
    fn asked(&self) -> Vec<Value> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(server): State<Arc<Server>>, body: String) -> (StatusCode, String) {
    let asked: Value = serde_json::from_str(&body).expect("JSON");
    server.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    let manner = *server.manner.lock().unwrap_or_else(PoisonError::into_inner);
    let extra = asked.get("dimensions").or(asked.get("encoding_format"));
    match manner {
        Manner::Away => return (StatusCode::SERVICE_UNAVAILABLE, "loading".to_owned()),
        Manner::RefusesDimensions if asked.get("dimensions").is_some() => {
            let message = "Model \"m\" does not support matryoshka representation.";
            let error =
                json!({"object": "error", "message": message, "type": "BadRequestError", "code": 400});
            return (StatusCode::BAD_REQUEST, error.to_string());
        }
        Manner::ForbidsExtras if extra.is_some() => {
            let detail = json!([{"type": "extra_forbidden", "loc": ["body", "dimensions"]}]);
            return (StatusCode::UNPROCESSABLE_ENTITY, json!({"detail": detail}).to_string());
        }
        Manner::ShortWindow => {
            let texts = asked["input"].as_array().expect("texts").iter();
            if texts.flat_map(|text| text.as_str()).any(|text| text.chars().count() > 1_200) {
                return (StatusCode::BAD_REQUEST, "{\"error\": \"input is too long\"}".to_owned());
            }
        }
        _ => {}
    }
    // Two models lie across each other: what one calls near is far for the other.
    let turned = usize::from(asked["model"] == "second") * 3;
    let texts = asked["input"].as_array().expect("texts");
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let mut vector = [0.0_f64; DIMENSIONS];
            vector[DIMENSIONS - 1] = 0.1;
            for word in text.as_str().expect("a text").to_lowercase().split(|c: char| !c.is_alphanumeric()) {
                let about = ["ferry", "boat", "rate", "bank"].iter().position(|known| *known == word);
                if let Some(about) = about {
                    vector[(about / 2 + turned) % (DIMENSIONS - 1)] += 1.0;
                }
            }
            match manner {
                Manner::NumbersNothing => json!({"object": "embedding", "embedding": vector}),
                _ => json!({"object": "embedding", "index": index, "embedding": vector}),
            }
        })
        .collect();
    (StatusCode::OK, json!({"object": "list", "data": data, "model": asked["model"]}).to_string())
}

fn setup(address: SocketAddr, model: &str) -> Setup {
    let embeddings = EmbeddingService {
        base_url: format!("http://{address}/v1"),
        model: model.to_owned(),
        api_key: ApiKey::None,
        dimensions: u32::try_from(DIMENSIONS).expect("a small number"),
        least_similarity: 0.5,
    };
    Setup { model: Some(ModelChoice::None), sample: false, embeddings: Some(embeddings), ..Setup::default() }
}

const LINES: &str = "{\"title\": \"Ferry strike in Piraeus\", \"url\": \"https://a.example/1\", \"summary\": \"No ferry sails.\"}\n\
    {\"title\": \"Central bank holds its rate\", \"url\": \"https://a.example/2\", \"summary\": \"The rate stays.\"}\n\
    {\"title\": \"Cats in the library\", \"url\": \"https://a.example/3\", \"summary\": \"They sleep.\"}\n";

async fn import(client: &Client) -> Value {
    let request = client.request(Method::POST, "/api/topics/Ports/articles");
    client.send(request.header("content-type", "application/x-ndjson").body(LINES)).await.expect(200)
}

async fn search(client: &Client, by: &str, query: &str) -> Value {
    client
        .get(&format!("/api/topics/Ports/articles?by={by}&query={}", percent_encoded(query)))
        .await
        .expect(200)
}

/// The titles that a word finds which none of them has.
async fn by_meaning(client: &Client) -> Vec<String> {
    let found = search(client, "meaning", "boat").await;
    if !found["notice"].is_null() {
        return Vec::new();
    }
    let articles = found["articles"].as_array().expect("articles").iter();
    articles.map(|article| article["title"].as_str().expect("a title").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_refuse_what_is_optional_or_number_nothing_are_read() {
    for (manner, requests) in [
        (Manner::Takes, 1),
        (Manner::RefusesDimensions, 2),
        (Manner::ForbidsExtras, 2),
        (Manner::NumbersNothing, 1),
    ] {
        let (server, address) = Server::start().await;
        server.is(manner);
        let workshop = Workshop::start_with(setup(address, "first")).await;
        let client = workshop.client("ana");
        assert_eq!(import(&client).await["added"], 3);
        assert_eq!(server.asked().len(), requests);
        assert_eq!(by_meaning(&client).await, ["Ferry strike in Piraeus"]);
        assert_eq!(server.asked().len(), 1, "what it refuses is remembered");
        workshop.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_imported_while_the_server_was_away_gets_its_meaning_later() {
    let (server, address) = Server::start().await;
    server.is(Manner::Away);
    let workshop = Workshop::start_with(setup(address, "first")).await;
    let client = workshop.client("ana");
    assert_eq!(import(&client).await["added"], 3);
    // Imported again meanwhile, they are as they were.
    assert_eq!(import(&client).await["updated"], 3);

    server.is(Manner::Takes);
    let found = search(&client, "both", "ferry").await;
    assert_eq!((&found["with_meaning"], &found["searched"]), (&json!(0), &json!(3)));
    let notice = found["notice"].as_str().expect("a notice");
    assert_eq!(
        notice,
        "Of the topic's 3 articles 0 can be found by their meaning so far, and the others by their words."
    );
    assert_eq!(workshop.machine.reindex().await.expect("it goes on"), json!({"given": 3, "left": 0}));
    let found = search(&client, "both", "ferry").await;
    assert_eq!((&found["with_meaning"], &found["notice"]), (&json!(3), &Value::Null));
    assert_eq!(by_meaning(&client).await, ["Ferry strike in Piraeus"]);
    server.asked();
    assert_eq!(workshop.machine.reindex().await.expect("it goes on"), json!({"given": 0, "left": 0}));
    assert!(server.asked().is_empty(), "nothing is left to be asked for");

    // What goes is not counted any more.
    let articles = search(&client, "words", "ferry").await;
    let id = articles["articles"][0]["id"].as_str().expect("an id").to_owned();
    client.delete(&format!("/api/topics/Ports/articles/{id}")).await.expect(200);
    let found = search(&client, "both", "rate").await;
    assert_eq!((&found["with_meaning"], &found["searched"]), (&json!(2), &json!(2)));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn importing_again_changes_nothing_and_the_meaning_comes_by_itself() {
    let (server, address) = Server::start().await;
    server.is(Manner::Away);
    let workshop = Workshop::start_with(setup(address, "first")).await;
    let client = workshop.client("ana");
    import(&client).await;
    server.is(Manner::Takes);
    let again = import(&client).await;
    assert_eq!((&again["added"], &again["updated"]), (&json!(0), &json!(3)));
    workshop.machine.reindex().await.expect("it goes on");
    assert_eq!(by_meaning(&client).await, ["Ferry strike in Piraeus"]);
    server.asked();
    import(&client).await;
    assert!(server.asked().is_empty(), "what has its meaning isn't asked for again");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_model_gives_every_article_its_meaning_anew() {
    let (server, address) = Server::start().await;
    let workshop = Workshop::start_with(setup(address, "first")).await;
    import(&workshop.client("ana")).await;
    assert_eq!(by_meaning(&workshop.client("ana")).await, ["Ferry strike in Piraeus"]);
    server.asked();

    let workshop = workshop.again(setup(address, "second")).await;
    let client = workshop.client("ana");
    // It begins by itself when the machine starts.
    for _ in 0..100 {
        if search(&client, "both", "ferry").await["with_meaning"] == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(by_meaning(&client).await, ["Ferry strike in Piraeus"]);
    let models: BTreeSet<_> = server.asked().iter().map(|asked| asked["model"].to_string()).collect();
    assert_eq!(models, BTreeSet::from(["\"second\"".to_owned()]));
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_too_long_for_a_server_costs_no_other_its_meaning() {
    let (server, address) = Server::start().await;
    server.is(Manner::ShortWindow);
    let workshop = Workshop::start_with(setup(address, "first")).await;
    let client = workshop.client("ana");
    let long =
        json!({"title": "Boats of old", "url": "https://a.example/4", "summary": "boat sails ".repeat(150)});
    let request = client.request(Method::POST, "/api/topics/Ports/articles");
    let request = request.header("content-type", "application/x-ndjson").body(format!("{LINES}{long}\n"));
    assert_eq!(client.send(request).await.expect(200)["added"], 4);
    let mut found = by_meaning(&client).await;
    found.sort();
    assert_eq!(found, ["Boats of old", "Ferry strike in Piraeus"]);
    workshop.stop().await;
}
