//! Any page that is open in a browser can send requests to every port of this
//! machine. So each socket that the local machine listens on is taken from the
//! system's list, which it can't forget one of, and tried as pages do.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tests::processes::{family, is_alive, listening, signal};
use tests::site::Site;
use tokio::time::{Instant, sleep};

/// The gateway, DynamoDB, SQS, the small model.
const SOCKETS: usize = 4;
/// The headers of a page of another site, and of a name that was made to point here.
const PAGES: [&[(&str, &str)]; 4] = [
    &[("origin", "https://evil.example")],
    &[("sec-fetch-site", "cross-site")],
    &[("origin", "https://evil.example"), ("access-control-request-method", "POST")],
    &[("host", "evil.example")],
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_socket_of_the_machine_answers_a_page() {
    let site = Site::with_the_small_model("sockets");
    let machine = site.start().await;
    let http = Client::builder().no_proxy().build().expect("a client");
    the_model_answers(&http, &site.url()).await;

    let sockets = listening(&family(machine.id().expect("it runs")));
    assert_eq!(sockets.len(), SOCKETS, "{sockets:?}");
    for socket in &sockets {
        assert!(socket.ip().is_loopback(), "{socket} can be reached from elsewhere");
        let url = format!("http://{socket}");
        let mut let_in = 0;
        for path in ["/", "/api/topics", "/v1/models", "/v1/chat/completions"] {
            for method in [Method::GET, Method::POST, Method::PUT, Method::OPTIONS] {
                let asked = || {
                    let request = http.request(method.clone(), format!("{url}{path}"));
                    // As DynamoDB's and SQS's tools ask.
                    request
                        .header("content-type", "application/x-amz-json-1.0")
                        .header("x-amz-target", "DynamoDB_20120810.ListTables")
                        .header("x-amz-date", "20261130T083000Z")
                        .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20261130/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
                        .body(if method == Method::POST { "{}" } else { "" })
                };
                let tool = asked().send().await.expect("an answer");
                let_in += usize::from(tool.status() != StatusCode::FORBIDDEN);
                for page in PAGES {
                    let request =
                        page.iter().fold(asked(), |request, (name, value)| request.header(*name, *value));
                    let answer = request.send().await.expect("an answer");
                    let headers = answer.headers().clone();
                    let case = format!("{method} {url}{path} with {page:?}: {}", answer.status());
                    // A page may lead to the workshop's own, by a link.
                    let text = answer.text().await.expect("a body");
                    let is_link = method == Method::GET && !path.starts_with("/api") && page[0].0 != "host";
                    assert!(
                        case.ends_with("403 Forbidden") || (is_link && url == site.url()),
                        "{case}: {text}"
                    );
                    assert!(headers.get("access-control-allow-origin").is_none(), "{case} is readable");
                }
            }
        }
        assert!(let_in > 0, "{url} refuses tools, too: that it refuses pages says nothing");
    }
    eprintln!("  shown: none of {} sockets answers a page of another site", sockets.len());
    site.kill(machine).await;
}

async fn the_model_answers(http: &Client, url: &str) {
    let deadline = Instant::now() + Duration::from_secs(300);
    loop {
        let models = http.get(format!("{url}/api/models")).send().await.expect("an answer");
        let models: Value = models.json().await.expect("JSON");
        if models[0]["state"] == json!("ready") {
            return;
        }
        assert!(Instant::now() < deadline, "the small model does not start: {models}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// What the rest stands on.
#[test]
fn what_this_process_starts_and_listens_on_is_found() {
    let this = std::process::id();
    let listeners =
        ["127.0.0.1:0", "[::1]:0"].map(|address| std::net::TcpListener::bind(address).expect("a port"));
    let found = listening(&family(this));
    for listener in &listeners {
        assert!(found.contains(&listener.local_addr().expect("an address")), "{listener:?} in {found:?}");
    }
    let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
    assert!(family(this).contains(&child.id()) && is_alive(child.id()));
    signal(child.id(), "KILL");
    child.wait().expect("it ends");
    assert!(!family(this).contains(&child.id()) && !is_alive(child.id()));
}
