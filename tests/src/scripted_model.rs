//! A model's server that follows a script: for what a real one can't be made
//! to do. It speaks streamed chat completions over HTTP/1.1, one request a
//! connection, and keeps what it was asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use local::ModelChoice;
use serde_json::{Value, json};
use shared::domain::model::{ApiKey, Manner, Model, Secret};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub enum Play {
    /// Streams this text, word by word, to its proper end.
    Answer(String),
    /// The same with a pause before each word.
    Slowly(String, Duration),
    /// Says the last word of what it was asked that begins with `mark-`, and this text after it, with a pause
    /// before each word: who is told someone else's answer can tell.
    Echo(String, Duration),
    /// Calls these tools, by name and arguments, saying nothing. The arguments
    /// come in pieces, as servers send them.
    Calls(Vec<(String, String)>),
    /// Streams this text, then closes the connection in the middle of the answer.
    CutOff(String),
    /// Streams this text, then these bytes as they are, and closes the connection.
    Bytes(String, Vec<u8>),
    /// Streams this text, then nothing, with the connection open.
    Silence(String),
    /// Streams this text, then one byte of an event after each pause, without end.
    Trickle(String, Duration),
    /// Streams this text again and again, without end.
    Endless(String),
    /// Streams this text, then a line of so many bytes, to its proper end.
    LongLine(String, usize),
    /// Streams this text to its proper end, but doesn't say what it took.
    Uncounted(String),
    /// Streams these events, then says that it is done.
    Events(Vec<Value>),
    /// Answers with this status and body, as it is.
    Says(u16, String),
    /// Answers with an error.
    Refusal {
        /// The HTTP status.
        status: u16,
        /// Seconds for `Retry-After`.
        retry_after: Option<u64>,
    },
    /// Answers 200 with a web page.
    WebPage,
}

impl Play {
    /// [`Play::Answer`].
    pub fn answer(text: &str) -> Self {
        Self::Answer(text.to_owned())
    }

    /// [`Play::Calls`] of one tool.
    pub fn call(tool: &str, arguments: &Value) -> Self {
        Self::Calls(vec![(tool.to_owned(), arguments.to_string())])
    }

    /// [`Play::Refusal`] without `Retry-After`.
    pub fn status(status: u16) -> Self {
        Self::Refusal { status, retry_after: None }
    }
}

/// One request that the server was sent.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body.
    pub body: Value,
}

impl Asked {
    /// The contents of the messages of this role, put together.
    pub fn said_by(&self, role: &str) -> String {
        let messages = self.body["messages"].as_array().cloned().unwrap_or_default();
        let of_role = messages.iter().filter(|message| message["role"] == role);
        of_role.filter_map(|message| message["content"].as_str()).collect::<Vec<_>>().join("\n\n")
    }

    /// The last word that begins with `mark-`; nothing when there is none.
    fn mark(&self) -> String {
        let words = self.body["messages"].as_array().into_iter().flatten();
        let mut words =
            words.filter_map(|message| message["content"].as_str()).flat_map(str::split_whitespace);
        words.rfind(|word| word.starts_with("mark-")).unwrap_or_default().to_owned()
    }
}

/// What every answer is said to have taken to read.
pub const PROMPT_TOKENS: u64 = 321;
/// Part of the body of every [`Play::Refusal`]: no user may ever see it.
pub const INTERNALS: &str = "Traceback in weights.py";
/// The bearer key of every scripted model: nobody but its server may see it.
pub const KEY: &str = "sk-scripted-0123456789";

/// The server. It ends with its value.
pub struct ScriptedModel {
    base_url: String,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    script: Mutex<VecDeque<Play>>,
    asked: Mutex<Vec<Asked>>,
    left: AtomicUsize,
}

impl ScriptedModel {
    /// Starts a server that performs `script`, one play a request, the last
    /// one again and again.
    pub async fn start(script: impl IntoIterator<Item = Play>) -> Self {
        Self::start_with(script, None).await
    }

    /// The same behind TLS, with a certificate that it has signed itself.
    pub async fn start_self_signed(script: impl IntoIterator<Item = Play>) -> Self {
        let identity = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).expect("a key");
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], key)
            .expect("a configuration");
        Self::start_with(script, Some(TlsAcceptor::from(Arc::new(tls)))).await
    }

    async fn start_with(script: impl IntoIterator<Item = Play>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let base_url = format!("{scheme}://{}/v1", listener.local_addr().expect("an address"));
        let state = Arc::new(State::default());
        let serving = tokio::spawn(serve(listener, tls, Arc::clone(&state)));
        let server = Self { base_url, state, serving };
        server.perform(script);
        server
    }

    /// A new script for the requests from now on.
    pub fn perform(&self, script: impl IntoIterator<Item = Play>) {
        *self.state.script.lock().unwrap_or_else(PoisonError::into_inner) = script.into_iter().collect();
    }

    /// The requests so far, oldest first.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The newest request.
    #[track_caller]
    pub fn last_asked(&self) -> Asked {
        self.asked().pop().expect("the model was asked")
    }

    /// Forgets what it was asked so far: of many requests that would be a lot.
    pub fn forget(&self) {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The address of its wire, as `WORKSHOP_MODELS` names it.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// How many clients hung up before their play had ended.
    pub fn left(&self) -> usize {
        self.state.left.load(Ordering::Relaxed)
    }

    /// The model on this server, under a name of its own.
    pub fn model(&self, id: &str) -> Model {
        model_at(&self.base_url, id)
    }

    /// It as a workshop's only model, which can call tools.
    pub fn with_tools(&self) -> Option<ModelChoice> {
        Some(ModelChoice::Configured(vec![Model { supports_tools: true, ..self.model("scripted") }]))
    }

    /// It as a workshop's only model.
    pub fn only(&self) -> Option<ModelChoice> {
        Some(ModelChoice::Configured(vec![self.model("scripted")]))
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A model on a port where nobody listens.
pub async fn unreachable_model(id: &str) -> Model {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    model_at(&format!("http://{}/v1", listener.local_addr().expect("an address")), id)
}

/// A model at any address.
pub fn model_at(base_url: &str, id: &str) -> Model {
    Model {
        id: id.to_owned(),
        label: format!("Scripted: {id}"),
        base_url: base_url.to_owned(),
        api_key: ApiKey::Known(Secret::new(KEY)),
        slow: false,
        context_window: 16_384,
        max_output_tokens: 1_024,
        supports_tools: false,
        price_in: 1.0,
        price_out: 2.0,
        manner: Manner::default(),
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    while let Ok((connection, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            let played = match tls {
                None => answer(Box::new(connection), &state).await,
                Some(tls) => match tls.accept(connection).await {
                    Ok(connection) => answer(Box::new(connection), &state).await,
                    Err(error) => Err(error),
                },
            };
            // A client that hangs up ends the play, as it may.
            if played.is_err() {
                state.left.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}

/// Bytes in and out, behind TLS or not.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
pub(crate) type Connection = Box<dyn Duplex>;

async fn answer(connection: Connection, state: &State) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let asked = read_request(&mut connection).await?;
    let mark = asked.mark();
    state.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let mut connection = connection.into_inner();
    match next_play(state) {
        Play::Answer(text) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            end(&mut connection, Some(&text)).await
        }
        Play::Slowly(text, pause) => {
            stream_words(&mut connection, &text, pause).await?;
            end(&mut connection, Some(&text)).await
        }
        Play::Echo(text, pause) => {
            let text = format!("{mark} {text}");
            stream_words(&mut connection, &text, pause).await?;
            end(&mut connection, Some(&text)).await
        }
        Play::Uncounted(text) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            end(&mut connection, None).await
        }
        Play::Calls(calls) => stream_calls(&mut connection, &calls).await,
        Play::CutOff(text) => stream_words(&mut connection, &text, Duration::ZERO).await,
        Play::Bytes(text, bytes) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            chunk(&mut connection, bytes).await
        }
        Play::Trickle(text, pause) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            for byte in "data: ".bytes().chain(std::iter::repeat(b' ')) {
                tokio::time::sleep(pause).await;
                chunk(&mut connection, [byte]).await?;
            }
            Ok(())
        }
        Play::Endless(text) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            loop {
                stream_more(&mut connection, &text, Duration::ZERO).await?;
            }
        }
        Play::LongLine(text, bytes) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            let piece = [b'x'; 1 << 16];
            for _ in 0..bytes.div_ceil(piece.len()) {
                chunk(&mut connection, piece).await?;
            }
            end(&mut connection, Some(&text)).await
        }
        Play::Silence(text) => {
            stream_words(&mut connection, &text, Duration::ZERO).await?;
            // Until the client hangs up.
            connection.read_to_end(&mut Vec::new()).await?;
            Err(std::io::ErrorKind::ConnectionAborted.into())
        }
        Play::Events(events) => {
            stream_words(&mut connection, "", Duration::ZERO).await?;
            for event in events {
                chunk(&mut connection, format!("data: {event}\n\n")).await?;
            }
            chunk(&mut connection, "data: [DONE]\n\n").await?;
            chunk(&mut connection, "").await
        }
        Play::Says(status, body) => {
            let kind = if body.starts_with(['{', '[']) { "application/json" } else { "text/plain" };
            send_whole(&mut connection, status, &format!("content-type: {kind}\r\n"), &body).await
        }
        Play::Refusal { status, retry_after } => {
            let wait = retry_after.map(|seconds| format!("retry-after: {seconds}\r\n")).unwrap_or_default();
            let body = json!({"error": {"message": INTERNALS, "type": "server_error"}}).to_string();
            send_whole(&mut connection, status, &format!("content-type: application/json\r\n{wait}"), &body)
                .await
        }
        Play::WebPage => {
            let page = "<html><body>It works!</body></html>";
            send_whole(&mut connection, 200, "content-type: text/html\r\n", page).await
        }
    }
}

fn next_play(state: &State) -> Play {
    let mut script = state.script.lock().unwrap_or_else(PoisonError::into_inner);
    let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
    next.unwrap_or_else(|| Play::status(500))
}

pub(crate) async fn read_request(connection: &mut BufReader<Connection>) -> std::io::Result<Asked> {
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        if line.trim().is_empty() {
            break;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => authorization = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Asked { authorization, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

async fn send_whole(to: &mut Connection, status: u16, headers: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Scripted\r\n{headers}content-length: {length}\r\nconnection: close\r\n");
    to.write_all(format!("{head}\r\n{body}").as_bytes()).await
}

/// The end of a stream, which counts the words of `counted`.
async fn end(to: &mut Connection, counted: Option<&str>) -> std::io::Result<()> {
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    chunk(to, format!("data: {end}\n\n")).await?;
    if let Some(text) = counted {
        let usage =
            json!({"prompt_tokens": PROMPT_TOKENS, "completion_tokens": text.split_whitespace().count()});
        chunk(to, format!("data: {}\n\n", json!({"choices": [], "usage": usage}))).await?;
    }
    chunk(to, "data: [DONE]\n\n").await?;
    chunk(to, "").await
}

async fn stream_calls(to: &mut Connection, calls: &[(String, String)]) -> std::io::Result<()> {
    stream_words(to, "", Duration::ZERO).await?;
    for (index, (name, arguments)) in calls.iter().enumerate() {
        let (first, rest) = arguments.split_at(arguments.floor_char_boundary(arguments.len() / 2));
        for call in [
            json!({"index": index, "id": format!("c{index}"), "type": "function",
                "function": {"name": name, "arguments": ""}}),
            json!({"index": index, "function": {"arguments": first}}),
            json!({"index": index, "function": {"arguments": rest}}),
        ] {
            let event = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
            chunk(to, format!("data: {event}\n\n")).await?;
        }
    }
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": 7}});
    chunk(to, format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n")).await?;
    chunk(to, "").await
}

/// The head of a stream and one event a word; the stream stays open.
async fn stream_words(to: &mut Connection, text: &str, pause: Duration) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\
                connection: close\r\n\r\n";
    to.write_all(head.as_bytes()).await?;
    stream_more(to, text, pause).await
}

async fn stream_more(to: &mut Connection, text: &str, pause: Duration) -> std::io::Result<()> {
    for word in text.split_inclusive(' ') {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let event = json!({"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": null}]});
        chunk(to, format!("data: {event}\n\n")).await?;
    }
    Ok(())
}

/// One chunk (RFC 9112, section 7.1); an empty one ends the body.
pub(crate) async fn chunk(to: &mut Connection, data: impl AsRef<[u8]>) -> std::io::Result<()> {
    let data = data.as_ref();
    to.write_all(&[format!("{:x}\r\n", data.len()).as_bytes(), data, b"\r\n"].concat()).await?;
    to.flush().await
}
