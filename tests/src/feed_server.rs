//! A web server on loopback that tests publish feeds on: real HTTP, with
//! ETags, and what the product's collector sent it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The server. It ends with its value.
pub struct FeedServer {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

/// What a path answers.
#[derive(Clone)]
struct Published {
    status: u16,
    kind: String,
    body: Vec<u8>,
}

#[derive(Default)]
struct State {
    published: Mutex<HashMap<String, Published>>,
    asked: Mutex<Vec<String>>,
}

impl FeedServer {
    /// Starts one on a port of its own.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let serving = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { address, state, serving }
    }

    /// Where it listens: what a workshop has to be allowed to reach.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers `path` so from now on. The ETag is the body's own.
    pub fn publish(&self, path: &str, status: u16, kind: &str, body: impl Into<Vec<u8>>) {
        let mut published = self.state.published.lock().unwrap_or_else(PoisonError::into_inner);
        published.insert(path.to_owned(), Published { status, kind: kind.to_owned(), body: body.into() });
    }

    /// An RSS feed of items: title, address and description.
    pub fn publish_rss(&self, path: &str, title: &str, items: &[(&str, &str, &str)]) {
        let items: String = items
            .iter()
            .map(|(title, link, text)| {
                format!(
                    "<item><title>{title}</title><link>{link}</link>\
                     <description><![CDATA[{text}]]></description></item>"
                )
            })
            .collect();
        let feed = format!(
            "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>{title}</title>\
             <link>https://wire.example/</link><description>d</description>{items}</channel></rss>"
        );
        self.publish(path, 200, "application/rss+xml", feed);
    }

    /// The request lines and headers so far, oldest first.
    pub fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for FeedServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    while let Ok((connection, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let _ = answer(connection, &state).await;
        });
    }
}

async fn answer(connection: TcpStream, state: &State) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let mut head = String::new();
    while connection.read_line(&mut head).await? > 2 {}
    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
    let found = state.published.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    let Published { status, kind, body } = found.unwrap_or_else(|| Published {
        status: 404,
        kind: "text/plain".to_owned(),
        body: b"Not here.".to_vec(),
    });
    let etag = format!(
        "\"{}-{:x}\"",
        body.len(),
        body.iter().fold(0_u64, |sum, b| sum * 31 % 1_000_003 + u64::from(*b))
    );
    let unchanged = head.contains(&etag);
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    let mut connection = connection.into_inner();
    if unchanged {
        return connection
            .write_all(format!("HTTP/1.1 304 S\r\netag: {etag}\r\nconnection: close\r\n\r\n").as_bytes())
            .await;
    }
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} S\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\netag: {etag}\r\n\
         connection: close\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(&body).await
}
