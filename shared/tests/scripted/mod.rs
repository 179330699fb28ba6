//! A server of a model that plays what a test says, byte by byte, and what is asked of it.
#![allow(dead_code, reason = "each room of tests uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::domain::model::{ApiKey, Manner, Model, Secret, Usage};
use shared::llm::{
    Answer, Cause, ChatMessage, ChatRequest, Chunk, Client, Deadlines, Finish, ModelError, Role, Tools,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// What the server does next on a connection.
pub enum Step {
    Send(Vec<u8>),
    /// Sends the same again and again until the client hangs up, with a pause each time.
    Repeat(Vec<u8>, Duration),
    /// Says nothing for so long.
    Pause(Duration),
    /// Says no more and waits until the client hangs up.
    Hold,
    Close,
}

/// A server that plays one reply for each request, in order, whatever is asked.
pub struct Server {
    pub model: Model,
    pub seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub struct Seen {
    requests: Mutex<Vec<(String, Value)>>,
    pub connections: Mutex<usize>,
    pub hung_up: Notify,
}

impl Server {
    pub async fn playing(replies: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                while let Ok((connection, _)) = listener.accept().await {
                    *seen.connections.lock().unwrap() += 1;
                    serve(connection, &mut replies, &seen).await;
                }
            }
        });
        Self { model: model(format!("http://{address}/v1")), seen, task }
    }

    pub fn requests(&self) -> Vec<(String, Value)> {
        self.seen.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn serve(mut connection: TcpStream, replies: &mut VecDeque<Vec<Step>>, seen: &Seen) {
    while let Some(request) = read_request(&mut connection).await {
        seen.requests.lock().unwrap().push(request);
        for step in replies.pop_front().unwrap_or_default() {
            match step {
                Step::Send(bytes) => connection.write_all(&bytes).await.unwrap(),
                Step::Repeat(bytes, pause) => {
                    while connection.write_all(&bytes).await.is_ok() {
                        sleep(pause).await;
                    }
                    return seen.hung_up.notify_one();
                }
                Step::Pause(pause) => sleep(pause).await,
                Step::Hold => {
                    let _ = connection.read(&mut [0]).await;
                    return seen.hung_up.notify_one();
                }
                Step::Close => return,
            }
        }
    }
}

/// The head of the next request and its JSON body; None when the client hangs up.
pub async fn read_request(connection: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split_once("content-length: ").unwrap().1.lines().next().unwrap();
            if body.len() >= length.parse().unwrap() {
                return Some((head, serde_json::from_str(body).unwrap()));
            }
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A response of any status with a whole body.
pub fn response(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Send(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into())]
}

pub const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";

/// An event stream of these HTTP chunks, which the client reads one by one, and its end.
pub fn event_stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let mut steps = open_event_stream(chunks);
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// As [`event_stream`], without its end.
pub fn open_event_stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    for chunk in chunks {
        bytes.extend(http_chunk(chunk));
    }
    vec![Step::Send(bytes)]
}

pub fn http_chunk(chunk: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
}

pub fn event(data: Value) -> String {
    format!("data: {data}\n\n")
}

pub fn says(text: &str) -> String {
    event(
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}], "usage": null}),
    )
}

/// How OpenAI and llama.cpp end: a finish reason, the usage alone, the mark.
pub fn ending() -> String {
    let finish = event(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    let usage = event(json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 2}}));
    format!("{finish}{usage}data: [DONE]\n\n")
}

pub fn whole_answer() -> Vec<Step> {
    event_stream([says("Hello").as_bytes(), says(" there").as_bytes(), ending().as_bytes()])
}

pub fn model(base_url: String) -> Model {
    Model {
        id: "scripted".into(),
        label: "Scripted".into(),
        base_url,
        api_key: ApiKey::Known(Secret::new("sk-secret")),
        slow: false,
        context_window: 8192,
        max_output_tokens: 1024,
        supports_tools: false,
        price_in: 0.0,
        price_out: 0.0,
        manner: Manner::default(),
    }
}

pub fn request(model: &Model) -> ChatRequest<'_> {
    let message = |role, content: &str| ChatMessage::new(role, content);
    ChatRequest {
        model,
        messages: vec![message(Role::System, "Be brief."), message(Role::User, "Hello?")],
        max_tokens: 100,
        temperature: 0.7,
        tools: Tools::default(),
    }
}

/// Long enough to never pass in a test that goes right.
pub fn patient() -> Deadlines {
    Deadlines::within(Duration::from_secs(20))
}

pub async fn ask_within(model: &Model, deadlines: Deadlines) -> Result<Answer, ModelError> {
    Client::new().unwrap().stream(&request(model), deadlines, || 0.0).await
}

pub async fn ask(server: &Server) -> Result<Answer, ModelError> {
    ask_within(&server.model, patient()).await
}

/// The text of an answer and how it ended; nothing may come after that.
pub async fn read(mut answer: Answer) -> (String, Result<Chunk, ModelError>) {
    let mut text = String::new();
    let end = loop {
        match answer.next().await.expect("an answer ends with an end or an error") {
            Ok(Chunk::Text(more)) => text.push_str(&more),
            Ok(Chunk::Thought(_)) => {}
            Ok(Chunk::AllThought) => text.clear(),
            end => break end,
        }
    };
    assert_eq!(answer.next().await, None);
    (text, end)
}

pub fn cause(status: u16, names: &[&str]) -> Cause {
    Cause { status, names: names.iter().map(|name| (*name).to_owned()).collect(), ..Cause::default() }
}

pub fn counted_end() -> Result<Chunk, ModelError> {
    let usage = Usage { prompt_tokens: 11, completion_tokens: 2 };
    Ok(Chunk::End {
        usage,
        usage_estimated: false,
        finish: Finish::Stop,
        calls: Vec::new(),
        carried: Map::new(),
    })
}

pub async fn failure(replies: impl IntoIterator<Item = Vec<Step>>) -> (ModelError, usize) {
    let server = Server::playing(replies).await;
    let error = ask(&server).await.err().expect("no answer");
    (error, server.requests().len())
}

/// An answer whose events are these.
pub fn events(events: &[Value]) -> Vec<Step> {
    let events: Vec<_> = events.iter().cloned().map(event).collect();
    event_stream(events.iter().map(String::as_bytes).chain([b"data: [DONE]\n\n".as_slice()]))
}

pub fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

pub fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}
