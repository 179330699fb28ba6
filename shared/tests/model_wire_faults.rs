//! What a real model server can't be made to do: refuse, stall, break off and
//! babble on cue. The client is played against scripted HTTP/1.1 bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use shared::domain::model::{ApiKey, Manner, Model, Secret, Usage};
use shared::llm::{
    ANSWER_MAX_BYTES, Answer, Cause, ChatMessage, ChatRequest, Chunk, Client, Deadlines, Finish, ModelError,
    Part, Role, Tools,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// What the server does next on a connection.
enum Step {
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
struct Server {
    model: Model,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<(String, Value)>>,
    connections: Mutex<usize>,
    hung_up: Notify,
}

impl Server {
    async fn playing(replies: impl IntoIterator<Item = Vec<Step>>) -> Self {
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

    fn requests(&self) -> Vec<(String, Value)> {
        self.seen.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, replies: &mut VecDeque<Vec<Step>>, seen: &Seen) {
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
async fn read_request(connection: &mut TcpStream) -> Option<(String, Value)> {
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
fn response(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Send(format!("HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into())]
}

const JSON: &str = "Content-Type: application/json; charset=utf-8\r\n";

/// An event stream of these HTTP chunks, which the client reads one by one, and its end.
fn event_stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let mut steps = open_event_stream(chunks);
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}

/// As [`event_stream`], without its end.
fn open_event_stream<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Step> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    for chunk in chunks {
        bytes.extend(http_chunk(chunk));
    }
    vec![Step::Send(bytes)]
}

fn http_chunk(chunk: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat()
}

fn event(data: Value) -> String {
    format!("data: {data}\n\n")
}

fn says(text: &str) -> String {
    event(
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}], "usage": null}),
    )
}

/// How OpenAI and llama.cpp end: a finish reason, the usage alone, the mark.
fn ending() -> String {
    let finish = event(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    let usage = event(json!({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 2}}));
    format!("{finish}{usage}data: [DONE]\n\n")
}

fn whole_answer() -> Vec<Step> {
    event_stream([says("Hello").as_bytes(), says(" there").as_bytes(), ending().as_bytes()])
}

fn model(base_url: String) -> Model {
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

fn request(model: &Model) -> ChatRequest<'_> {
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
fn patient() -> Deadlines {
    Deadlines::within(Duration::from_secs(20))
}

async fn ask_within(model: &Model, deadlines: Deadlines) -> Result<Answer, ModelError> {
    Client::new().unwrap().stream(&request(model), deadlines, || 0.0).await
}

async fn ask(server: &Server) -> Result<Answer, ModelError> {
    ask_within(&server.model, patient()).await
}

/// The text of an answer and how it ended; nothing may come after that.
async fn read(mut answer: Answer) -> (String, Result<Chunk, ModelError>) {
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

fn cause(status: u16, names: &[&str]) -> Cause {
    Cause { status, names: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn counted_end() -> Result<Chunk, ModelError> {
    let usage = Usage { prompt_tokens: 11, completion_tokens: 2 };
    Ok(Chunk::End {
        usage,
        usage_estimated: false,
        finish: Finish::Stop,
        calls: Vec::new(),
        carried: Map::new(),
    })
}

async fn failure(replies: impl IntoIterator<Item = Vec<Step>>) -> (ModelError, usize) {
    let server = Server::playing(replies).await;
    let error = ask(&server).await.err().expect("no answer");
    (error, server.requests().len())
}

#[tokio::test]
async fn an_answer_streams_and_ends_with_the_servers_own_count() {
    let server = Server::playing([whole_answer()]).await;
    let mut answer = ask(&server).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok(Chunk::Text("Hello".into()))));
    assert_eq!(read(answer).await, (" there".into(), counted_end()));

    let (head, body) = server.requests().remove(0);
    assert!(head.starts_with("post /v1/chat/completions http/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: bearer sk-secret"), "{head}");
    let expected = json!({
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello?"},
        ],
        "max_tokens": 100,
        "temperature": 0.7,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_connection_is_kept_for_the_next_call() {
    let server = Server::playing([whole_answer(), whole_answer()]).await;
    let client = Client::new().unwrap();
    for _ in 0..2 {
        let answer = client.stream(&request(&server.model), patient(), || 0.0).await.unwrap();
        assert_eq!(read(answer).await.1, counted_end());
    }
    assert_eq!(*server.seen.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_the_server_asks() {
    let server = Server::playing([response(429, "Retry-After: 1\r\n", ""), whole_answer()]).await;
    let start = Instant::now();
    let answer = ask(&server).await.unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1), "asked again after {:?}", start.elapsed());
    assert_eq!(read(answer).await, ("Hello there".into(), counted_end()));
}

#[tokio::test]
async fn a_rate_limit_longer_than_the_deadline_is_handed_to_the_caller_at_once() {
    let (error, requests) = failure([response(429, "Retry-After: 3600\r\n", "")]).await;
    assert_eq!(error, ModelError::RateLimited { retry_after: Some(Duration::from_secs(3600)) });
    assert_eq!(requests, 1);
    let limited = || response(429, "", "");
    let without = failure([limited(), limited(), limited(), whole_answer()]).await;
    assert_eq!(without, (ModelError::RateLimited { retry_after: None }, 3));
    let absurd = format!("Retry-After: {}\r\n", u64::MAX);
    let (error, _) = failure([response(429, &absurd, "")]).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(u64::MAX)));
}

#[tokio::test]
async fn a_failing_server_is_tried_three_times_and_no_more() {
    let failing = || response(500, JSON, r#"{"error": {"message": "boom"}}"#);
    let (error, requests) = failure([failing(), failing(), failing(), whole_answer()]).await;
    assert_eq!(error, ModelError::Overloaded { status: 500, retry_after: None });
    assert_eq!(requests, 3);

    let server = Server::playing([failing(), response(503, "", "<html>"), whole_answer()]).await;
    assert_eq!(read(ask(&server).await.unwrap()).await.0, "Hello there");
}

#[tokio::test]
async fn what_no_waiting_mends_is_not_tried_again() {
    let context = r#"{"error": {"code": 400, "type": "exceed_context_size_error", "n_ctx": 8192,
        "message": "the request exceeds the available context size"}}"#;
    let cases = [
        (response(401, "", ""), ModelError::Refused(cause(401, &[]))),
        (response(403, "", ""), ModelError::Refused(cause(403, &[]))),
        (response(404, "", ""), ModelError::UnknownModel),
        (response(400, JSON, context), ModelError::TooLong),
        (response(422, JSON, "{}"), ModelError::Rejected(cause(422, &[]))),
    ];
    for (reply, expected) in cases {
        assert_eq!(failure([reply, whole_answer()]).await, (expected, 1));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_the_key_goes_nowhere_else() {
    let elsewhere = Server::playing([whole_answer()]).await;
    let to = format!("Location: {}/chat/completions\r\n", elsewhere.model.base_url);
    let (error, _) = failure([response(307, &to, "")]).await;
    assert_eq!(error, ModelError::Redirects { status: 307 });
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_its_address_stays_out_of_the_error() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let error = ask_within(&model(format!("http://127.0.0.1:{port}/v1")), patient()).await.err().unwrap();
    assert!(matches!(error, ModelError::Unreachable(_)), "{error}");
    assert!(!format!("{error:?}").contains(&port.to_string()), "{error:?}");
}

#[tokio::test]
async fn a_name_that_nobody_has_is_unreachable_and_stays_out_of_the_error() {
    // RFC 6761, section 6.4: no name under .invalid exists.
    let error = ask_within(&model("http://model.invalid/v1".into()), patient()).await.err().unwrap();
    assert!(matches!(error, ModelError::Unreachable(_)), "{error}");
    assert!(!format!("{error:?}").contains("model.invalid"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_behind_an_https_address_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut tries = 0;
        while tries < 3 {
            let (mut connection, _) = listener.accept().await.unwrap();
            tries += 1;
            connection.write_all(b"HTTP/1.1 400 plain\r\n\r\n").await.unwrap();
        }
    });
    let error = ask_within(&model(format!("https://127.0.0.1:{port}/v1")), patient()).await.err().unwrap();
    assert!(matches!(error, ModelError::Unreachable(_)), "{error}");
    timeout(Duration::from_secs(5), task).await.expect("three tries").unwrap();
}

#[tokio::test]
async fn an_answer_cut_after_its_first_token_keeps_its_text_and_is_not_asked_for_again() {
    let open = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    let to_the_close = vec![Step::Send(format!("{open}{}", says("Hel")).into()), Step::Close];
    let mut within_chunks = open_event_stream([says("Hel").as_bytes()]);
    within_chunks.push(Step::Close);
    let within_an_event = event_stream([says("Hel").as_bytes(), b"data: {\"choi".as_slice()]);
    let within_a_character = event_stream([
        says("Hel").as_bytes(),
        b"data: {\"choices\": [{\"delta\": {\"content\": \"\xc3".as_slice(),
    ]);

    for reply in [to_the_close, within_chunks, within_an_event, within_a_character] {
        let server = Server::playing([reply, whole_answer()]).await;
        let mut answer = ask(&server).await.unwrap();
        assert_eq!(answer.next().await, Some(Ok(Chunk::Text("Hel".into()))));
        assert_eq!(answer.next().await, Some(Err(ModelError::CutOff)));
        assert_eq!(answer.next().await, None);
        let (usage, estimated) = answer.usage_so_far();
        assert_eq!((usage, estimated), (Usage { prompt_tokens: 5, completion_tokens: 1 }, true));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_cut_before_its_first_token_is_asked_for_again() {
    let role = event(json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}));
    let server = Server::playing([
        vec![Step::Close],
        event_stream([role.as_bytes(), b": so far so good\n\n".as_slice()]),
        whole_answer(),
    ])
    .await;
    assert_eq!(read(ask(&server).await.unwrap()).await, ("Hello there".into(), counted_end()));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_first_token_that_does_not_come_is_given_up_and_not_asked_for_again() {
    let mut silent = open_event_stream([]);
    silent.push(Step::Hold);
    let without_headers = vec![Step::Hold];
    let role = event(json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}));
    let mut only_begun = open_event_stream([role.as_bytes()]);
    only_begun.push(Step::Hold);

    for reply in [silent, without_headers, only_begun] {
        let server = Server::playing([reply, whole_answer()]).await;
        let limit = Duration::from_millis(50);
        let deadlines = Deadlines { first_token: limit, thinking: limit, ..patient() };
        let error = ask_within(&server.model, deadlines).await.err().unwrap();
        assert_eq!(error, ModelError::TooSlow { part: Part::FirstToken, limit });
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_model_that_gives_signs_of_life_is_waited_for_and_not_for_ever() {
    let mut pinging = open_event_stream([]);
    pinging.push(Step::Repeat(http_chunk(b": OPENROUTER PROCESSING\n\n"), Duration::from_millis(1)));
    let mut bytewise = open_event_stream([]);
    bytewise.push(Step::Repeat(http_chunk(b" "), Duration::from_millis(1)));
    let limit = Duration::from_millis(300);
    for reply in [pinging, bytewise] {
        let server = Server::playing([reply, whole_answer()]).await;
        let soon = Duration::from_millis(100);
        let deadlines = Deadlines { first_token: soon, thinking: soon, ..Deadlines::within(limit) };
        let error = ask_within(&server.model, deadlines).await.err().unwrap();
        assert_eq!(error, ModelError::TooSlow { part: Part::Total, limit });
        assert_eq!(server.requests().len(), 1);
    }

    // It thinks for longer than a first sign may take.
    let role = event(json!({"choices": [{"delta": {"role": "assistant", "content": ""}}]}));
    let mut thinking = open_event_stream([role.as_bytes()]);
    thinking.push(Step::Pause(Duration::from_millis(200)));
    thinking.push(Step::Send([http_chunk(ending().as_bytes()), b"0\r\n\r\n".to_vec()].concat()));
    let server = Server::playing([thinking]).await;
    let deadlines = Deadlines { first_token: Duration::from_millis(100), ..patient() };
    assert_eq!(read(ask_within(&server.model, deadlines).await.unwrap()).await.1, counted_end());
}

#[tokio::test]
async fn an_answer_that_falls_silent_ends_however_often_its_reader_looks() {
    let mut reply = open_event_stream([says("Hello").as_bytes()]);
    reply.push(Step::Hold);
    let server = Server::playing([reply]).await;
    let limit = Duration::from_millis(60);
    let deadlines = Deadlines { silence: limit, ..patient() };
    let mut answer = ask_within(&server.model, deadlines).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok(Chunk::Text("Hello".into()))));

    let mut looks = 0;
    let end = loop {
        match timeout(Duration::from_millis(10), answer.next()).await {
            Ok(end) => break end,
            Err(_) => looks += 1,
        }
        assert!(looks < 100, "still waiting");
    };
    assert_eq!(end, Some(Err(ModelError::TooSlow { part: Part::Silence, limit })));
}

#[tokio::test]
async fn nothing_is_lost_when_a_reader_stops_waiting_and_comes_back() {
    let text = "word ".repeat(40);
    let stream = format!("{}{}", text.split_inclusive(' ').map(says).collect::<String>(), ending());
    let server = Server::playing([event_stream(stream.as_bytes().chunks(7))]).await;
    let mut answer = ask(&server).await.unwrap();
    let mut heard = String::new();
    loop {
        tokio::select! {
            biased;
            chunk = answer.next() => match chunk {
                Some(Ok(Chunk::Text(more))) => heard.push_str(&more),
                end => break assert_eq!(end, Some(counted_end())),
            },
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(heard, text);
}

#[tokio::test]
async fn the_total_deadline_bounds_talking_and_trying_alike() {
    let mut talking = open_event_stream([]);
    talking.push(Step::Repeat(http_chunk(says("la").as_bytes()), Duration::from_millis(2)));
    let server = Server::playing([talking]).await;
    let limit = Duration::from_millis(300);
    // Each pause is shorter than this; all of them together are not.
    let deadlines = Deadlines { silence: Duration::from_millis(150), ..Deadlines::within(limit) };
    let start = Instant::now();
    let answer = ask_within(&server.model, deadlines).await.unwrap();
    let (text, end) = read(answer).await;
    assert!(text.starts_with("lala"), "{text}");
    assert_eq!(end, Err(ModelError::TooSlow { part: Part::Total, limit }));
    assert!(start.elapsed() < Duration::from_secs(2));

    let server = Server::playing([response(500, "", ""), response(500, "", "")]).await;
    let limit = Duration::from_millis(200);
    let start = Instant::now();
    let asked =
        Client::new().unwrap().stream(&request(&server.model), Deadlines::within(limit), || 1.0).await;
    assert_eq!(asked.err(), Some(ModelError::Overloaded { status: 500, retry_after: None }));
    assert!(start.elapsed() < Duration::from_millis(250), "it paused past its deadline");
}

#[tokio::test]
async fn an_endless_answer_is_ended_at_its_length_and_hung_up_on() {
    let mut endless = open_event_stream([]);
    endless.push(Step::Repeat(http_chunk(says("😀 la la la ").as_bytes()), Duration::ZERO));
    let server = Server::playing([endless]).await;
    let answer = ask(&server).await.unwrap();
    let (text, end) = read(answer).await;
    assert!((100 * 16..=100 * 16 + 4096).contains(&text.len()), "{}", text.len());
    assert!(matches!(end, Ok(Chunk::End { finish: Finish::Length, usage_estimated: true, .. })), "{end:?}");
    timeout(Duration::from_secs(5), server.seen.hung_up.notified()).await.expect("hung up");
}

#[tokio::test]
async fn one_huge_chunk_is_cut_to_what_can_be_stored() {
    let huge = "é".repeat(ANSWER_MAX_BYTES);
    let server = Server::playing([event_stream([says(&huge).as_bytes()])]).await;
    let mut asked = request(&server.model);
    asked.max_tokens = u32::MAX;
    let answer = Client::new().unwrap().stream(&asked, patient(), || 0.0).await.unwrap();
    let (text, end) = read(answer).await;
    assert_eq!(text.len(), ANSWER_MAX_BYTES);
    assert!(matches!(end, Ok(Chunk::End { finish: Finish::Length, .. })), "{end:?}");
}

#[tokio::test]
async fn dropping_an_answer_hangs_up() {
    let mut reply = open_event_stream([says("Hello").as_bytes()]);
    reply.push(Step::Hold);
    let server = Server::playing([reply]).await;
    drop(ask(&server).await.unwrap());
    timeout(Duration::from_secs(5), server.seen.hung_up.notified()).await.expect("hung up");
}

#[tokio::test]
async fn text_is_whole_wherever_the_stream_is_cut() {
    let stream = format!("{}{}{}", says("naïve "), says("😀!"), ending().replace('\n', "\r\n"));
    // serde_json leaves these characters as they are, so cuts fall inside them.
    assert!(stream.contains('😀'));
    for size in [1, 2, 3, 5] {
        let server = Server::playing([event_stream(stream.as_bytes().chunks(size))]).await;
        let answer = ask(&server).await.unwrap();
        assert_eq!(read(answer).await, ("naïve 😀!".into(), counted_end()), "in pieces of {size}");
    }
}

#[tokio::test]
async fn what_is_not_a_completion_is_nonsense_and_text_before_it_is_kept() {
    let long_line = format!("data: {}", "x".repeat(2_000_000));
    for nonsense in ["data: {\"choices\": [\n\n", "data: hello\n\n", "data: 42\n\n", &long_line] {
        let server = Server::playing([event_stream([says("Hel").as_bytes(), nonsense.as_bytes()])]).await;
        let (text, end) = read(ask(&server).await.unwrap()).await;
        assert_eq!(text, "Hel");
        assert!(matches!(end, Err(ModelError::Nonsense(_))), "{end:?}");

        let (error, requests) = failure([event_stream([nonsense.as_bytes()])]).await;
        assert!(matches!(error, ModelError::Nonsense(_)), "{error}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_page_in_place_of_an_answer_is_nonsense() {
    let page = response(200, "Content-Type: text/html\r\n", "<h1>Sign in to the network</h1>");
    let nothing = response(200, "", "");
    let not_a_completion = response(200, JSON, "{}");
    let not_json = response(200, JSON, "[");
    let completion = json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]});
    let huge = response(200, JSON, &format!("{completion}{}", " ".repeat(2_000_000)));
    for reply in [page, nothing, not_a_completion, not_json, huge] {
        let (error, requests) = failure([reply]).await;
        assert!(matches!(error, ModelError::Nonsense(_)), "{error}");
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_server_that_does_not_count_gets_its_usage_estimated() {
    let finish =
        |reason: &str| event(json!({"choices": [{"delta": {"content": " you"}, "finish_reason": reason}]}));
    let cases =
        [("stop", Finish::Stop), ("length", Finish::Length), ("sense", Finish::Other("sense".into()))];
    for (reason, finish_as) in cases {
        // No [DONE] either: the finish reason makes the answer whole.
        let mut reply = open_event_stream([says("I hear").as_bytes(), finish(reason).as_bytes()]);
        reply.push(Step::Close);
        let server = Server::playing([reply]).await;
        let (text, end) = read(ask(&server).await.unwrap()).await;
        assert_eq!(text, "I hear you");
        // "Be brief." and "Hello?", three bytes a token; then the ten bytes of the answer.
        let usage = Usage { prompt_tokens: 3 + 2, completion_tokens: 4 };
        assert_eq!(
            end,
            Ok(Chunk::End {
                usage,
                usage_estimated: true,
                finish: finish_as,
                calls: Vec::new(),
                carried: Map::new()
            })
        );
    }
}

#[tokio::test]
async fn a_count_that_cannot_be_true_is_replaced_by_an_estimate() {
    let finish = event(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    let usage = event(json!({"choices": [], "usage": {"prompt_tokens": u64::MAX, "completion_tokens": 1}}));
    let whole = [says("Hello").as_bytes(), finish.as_bytes(), usage.as_bytes(), b"data: [DONE]\n\n"].concat();
    let server = Server::playing([open_event_stream([whole.as_slice()])]).await;
    let (_, end) = read(ask(&server).await.unwrap()).await;
    assert!(matches!(end, Ok(Chunk::End { usage_estimated: true, .. })), "{end:?}");
}

#[tokio::test]
async fn the_mark_of_the_end_ends_an_answer_without_a_finish_reason_or_a_close() {
    let mut reply = open_event_stream([says("Hello").as_bytes(), b"data: [DONE]\n\n".as_slice()]);
    reply.push(Step::Hold);
    let server = Server::playing([reply]).await;
    let (text, end) = read(ask(&server).await.unwrap()).await;
    assert_eq!(text, "Hello");
    assert!(matches!(end, Ok(Chunk::End { finish: Finish::Stop, .. })), "{end:?}");
}

#[tokio::test]
async fn an_error_within_the_stream_means_what_its_code_says() {
    let cases = [
        (json!({"code": 429, "message": "slow down"}), ModelError::RateLimited { retry_after: None }),
        (json!({"type": "rate_limit_error"}), ModelError::RateLimited { retry_after: None }),
        (json!({"code": "context_length_exceeded"}), ModelError::TooLong),
        (json!({"code": 503}), ModelError::Overloaded { status: 503, retry_after: None }),
        (json!("out of memory"), ModelError::Overloaded { status: 500, retry_after: None }),
    ];
    for (error, expected) in cases {
        let error = event(json!({ "error": error }));
        let server = Server::playing([event_stream([says("Hel").as_bytes(), error.as_bytes()])]).await;
        assert_eq!(read(ask(&server).await.unwrap()).await, ("Hel".into(), Err(expected)));
        assert_eq!(server.requests().len(), 1);
    }

    let error = event(json!({"error": {"code": 500}}));
    let server = Server::playing([event_stream([error.as_bytes()]), whole_answer()]).await;
    assert_eq!(read(ask(&server).await.unwrap()).await.0, "Hello there");
}

#[tokio::test]
async fn an_answer_that_does_not_stream_is_one_text_and_its_end() {
    let body = json!({
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello there"}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
    });
    let server = Server::playing([response(200, JSON, &body.to_string())]).await;
    let mut answer = ask(&server).await.unwrap();
    assert_eq!(answer.next().await, Some(Ok(Chunk::Text("Hello there".into()))));
    assert_eq!(read(answer).await, (String::new(), counted_end()));

    let error = r#"{"error": {"code": "model_not_found"}}"#;
    assert_eq!(failure([response(200, JSON, error)]).await, (ModelError::UnknownModel, 1));
}

/// A piece of a call, as a stream has it.
fn calls(index: usize, call: &Value) -> String {
    let call = json!({"index": index, "id": call.get("id"), "function": call.get("function")});
    event(json!({"choices": [{"delta": {"tool_calls": [call]}}]}))
}

#[tokio::test]
async fn calls_are_put_together_from_their_pieces_and_broken_arguments_stay_as_they_came() {
    let pieces = [
        calls(0, &json!({"id": "a", "function": {"name": "search", "arguments": ""}})),
        calls(1, &json!({"function": {"name": "x".repeat(100), "arguments": "[1"}})),
        calls(0, &json!({"function": {"arguments": "{\"query\": "}})),
        calls(0, &json!({"function": {"arguments": "\"é"}})),
        calls(usize::MAX, &json!({"function": {"name": "far", "arguments": "{}"}})),
        ending(),
    ];
    let server = Server::playing([event_stream(pieces.iter().map(String::as_bytes))]).await;
    let (text, end) = read(ask(&server).await.unwrap()).await;
    let Ok(Chunk::End { calls, .. }) = end else { return assert_eq!(end, counted_end()) };
    let called: Vec<_> =
        calls.iter().map(|call| (call.function.name.as_str(), call.function.arguments.as_str())).collect();
    assert_eq!(text, "");
    assert_eq!(called, [("search", "{\"query\": \"é"), ("x".repeat(64).as_str(), "[1"), ("far", "{}")]);

    // A server may read the arguments of each call that it is shown, and refuse what it can't.
    let shown = serde_json::to_value(ChatMessage::calling("", calls, Map::new())).unwrap();
    assert_eq!(shown["tool_calls"][0]["function"], json!({"name": "search", "arguments": "{}"}));
}

#[tokio::test]
async fn a_models_reasoning_counts_as_its_first_token_and_is_not_shown() {
    let thinks = event(json!({"choices": [{"delta": {"reasoning_content": "Hm, a greeting."}}]}));
    let mut reply = open_event_stream([thinks.as_bytes()]);
    reply.push(Step::Hold);
    let server = Server::playing([reply]).await;
    let limit = Duration::from_millis(50);
    let deadlines = Deadlines { silence: limit, ..patient() };
    let answer = ask_within(&server.model, deadlines).await.unwrap();
    let silence = ModelError::TooSlow { part: Part::Silence, limit };
    assert_eq!(read(answer).await, (String::new(), Err(silence)));
}

#[tokio::test]
async fn a_model_that_takes_other_parameters_is_asked_with_those() {
    let refuses = |code: &str, param: &str| {
        let error = json!({"error": {"type": "invalid_request_error", "code": code, "param": param}});
        response(400, JSON, &error.to_string())
    };
    let server = Server::playing([
        refuses("unsupported_parameter", "max_tokens"),
        refuses("unsupported_value", "temperature"),
        whole_answer(),
    ])
    .await;
    assert_eq!(read(ask(&server).await.unwrap()).await.0, "Hello there");
    let (_, body) = server.requests().pop().unwrap();
    assert_eq!(body["max_completion_tokens"], 100);
    assert!(body.get("max_tokens").is_none() && body.get("temperature").is_none(), "{body}");

    let stubborn = || refuses("unsupported_parameter", "max_tokens");
    let (error, requests) = failure([stubborn(), stubborn(), whole_answer()]).await;
    let names = ["unsupported_parameter", "invalid_request_error", "max_tokens"];
    assert_eq!((error, requests), (ModelError::Rejected(cause(400, &names)), 2));
}

/// An answer whose events are these.
fn events(events: &[Value]) -> Vec<Step> {
    let events: Vec<_> = events.iter().cloned().map(event).collect();
    event_stream(events.iter().map(String::as_bytes).chain([b"data: [DONE]\n\n".as_slice()]))
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// What real servers refuse, each in its own shape, is left out; the next call asks rightly at once.
#[tokio::test]
async fn what_a_server_refuses_by_any_of_its_names_is_left_out_and_remembered() {
    let cases = [
        // OpenAI's gpt-5.2, relayed (OpenHands/software-agent-sdk#1837).
        (
            400,
            json!({"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model.", "type": "invalid_request_error", "param": "temperature", "code": null}}),
            "temperature",
        ),
        // Anthropic's newer models, Bedrock, gateways (RooCode#12162, picoclaw#2939).
        (
            400,
            json!({"error": {"code": "invalid_request_error", "message": "`temperature` is deprecated for this model.", "type": "invalid_request_error", "param": null}}),
            "temperature",
        ),
        // Kimi (openhuman#2082, cline#10620).
        (
            400,
            json!({"error": {"message": "invalid temperature: only 1 is allowed for this model", "type": "invalid_request_error"}}),
            "temperature",
        ),
        // LiteLLM before gpt-5 (litellm-vscode-chat#18).
        (
            400,
            json!({"error": {"message": "litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support temperature=0.2. Only temperature=1 is supported.", "type": "None", "param": "None", "code": "400"}}),
            "temperature",
        ),
        // Mistral (avante.nvim#2347, openai-agents-python#442).
        (
            422,
            json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options", "include_usage"], "msg": "Extra inputs are not permitted", "input": true}]}, "type": "invalid_request_error", "param": null, "code": null}),
            "stream_options",
        ),
        // An account that is not verified may not stream.
        (
            400,
            json!({"error": {"message": "Your organization must be verified to stream this model.", "type": "invalid_request_error", "param": "stream", "code": "unsupported_value"}}),
            "stream",
        ),
    ];
    for (status, error, parameter) in cases {
        let refuses = response(status, JSON, &error.to_string());
        let server = Server::playing([refuses, whole_answer(), whole_answer()]).await;
        let client = Client::new().unwrap();
        for _ in 0..2 {
            let answer = client.stream(&request(&server.model), patient(), || 0.0).await.unwrap();
            assert_eq!(read(answer).await.0, "Hello there", "{error}");
        }
        let sent: Vec<_> = server.requests().iter().map(|(_, body)| body.get(parameter).is_some()).collect();
        assert_eq!(sent, [true, false, false], "{error}");
    }

    // gpt-5: both in turn, and never again.
    let refuses = |param: &str| {
        let error = json!({"error": {"message": format!("Unsupported parameter: '{param}'"), "param": param, "code": "unsupported_parameter"}});
        response(400, JSON, &error.to_string())
    };
    let replies = [refuses("max_tokens"), refuses("temperature"), whole_answer(), whole_answer()];
    let server = Server::playing(replies).await;
    let client = Client::new().unwrap();
    for requests in [3, 4] {
        let answer = client.stream(&request(&server.model), patient(), || 0.0).await.unwrap();
        assert_eq!(read(answer).await.0, "Hello there");
        assert_eq!(server.requests().len(), requests);
    }
    // Another model at the same address is asked as any.
    let replies = [refuses("temperature"), whole_answer(), whole_answer()];
    let server = Server::playing(replies).await;
    let other = Model { id: "other".into(), ..server.model.clone() };
    for model in [&server.model, &other] {
        let answer = client.stream(&request(model), patient(), || 0.0).await.unwrap();
        assert_eq!(read(answer).await.0, "Hello there");
    }
    assert!(server.requests()[2].1.get("temperature").is_some());
}

#[tokio::test]
async fn a_refusal_that_doing_without_does_not_mend_is_told_and_not_remembered() {
    let refuses =
        |param: &str| response(400, JSON, &json!({"error": {"type": "bad", "param": param}}).to_string());
    let server = Server::playing([refuses("temperature"), refuses("stop"), whole_answer()]).await;
    let client = Client::new().unwrap();
    let asked = client.stream(&request(&server.model), patient(), || 0.0).await;
    assert_eq!(asked.err(), Some(ModelError::Rejected(cause(400, &["bad", "stop"]))));
    let answer = client.stream(&request(&server.model), patient(), || 0.0).await.unwrap();
    assert_eq!(read(answer).await.0, "Hello there");
    assert!(server.requests()[2].1.get("temperature").is_some());
}

#[tokio::test]
async fn a_model_without_a_system_role_gets_its_instructions_with_the_first_message() {
    // Gemma's template, under vLLM and under llama.cpp.
    for (status, words) in [
        (400, "System role not supported"),
        (500, "Value is not callable: System role not supported at row 1"),
    ] {
        let refuses = response(status, JSON, &json!({"error": {"message": words}}).to_string());
        let server = Server::playing([refuses, whole_answer()]).await;
        assert_eq!(read(ask(&server).await.unwrap()).await.0, "Hello there");
        let sent = server.requests().pop().unwrap().1;
        assert_eq!(sent["messages"], json!([{"role": "user", "content": "Be brief.\n\nHello?"}]));
    }
}

#[tokio::test]
async fn headers_and_the_keys_place_are_as_the_settings_say() {
    let server = Server::playing([whole_answer()]).await;
    let headers = vec![("api-key".to_owned(), Secret::new("{key}")), ("x-team".to_owned(), Secret::new("9"))];
    let model = Model { manner: Manner { headers, ..Manner::default() }, ..server.model.clone() };
    assert_eq!(read(ask_within(&model, patient()).await.unwrap()).await.1, counted_end());
    let (head, _) = server.requests().remove(0);
    assert!(head.contains("api-key: sk-secret\r\n") && head.contains("x-team: 9\r\n"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
}

/// Each is what a server really sends for three calls, or two.
#[tokio::test]
async fn parallel_calls_are_several_however_they_are_numbered() {
    let piece = |index: Option<u64>, id: Option<&str>, name: Option<&str>, arguments: &str| {
        let mut call = json!({"function": {"arguments": arguments}});
        if let Some(index) = index {
            call["index"] = index.into();
        }
        if let Some(id) = id {
            call["id"] = id.into();
        }
        if let Some(name) = name {
            call["function"]["name"] = name.into();
        }
        call
    };
    let one = |call: Value| delta(json!({"tool_calls": [call]}));
    let (a, b) = ("{\"query\":\"a\"}", "{\"query\":\"b\"}");
    let wires: [(&str, Vec<Value>); 8] = [
        // Gemini's layer: all of index 0, each whole (hermes-agent#62940, gcli2api#406).
        (
            "index 0",
            vec![one(piece(Some(0), Some("x"), Some("s"), a)), one(piece(Some(0), Some("y"), Some("s"), b))],
        ),
        (
            "index 0, no ids",
            vec![one(piece(Some(0), Some(""), Some("s"), a)), one(piece(Some(0), None, Some("s"), b))],
        ),
        // Ollama.
        (
            "no index",
            vec![one(piece(None, Some("x"), Some("s"), a)), one(piece(None, Some("y"), Some("s"), b))],
        ),
        (
            "no index, no ids",
            vec![one(piece(None, None, Some("s"), a)), one(piece(None, None, Some("s"), b))],
        ),
        (
            "all in one",
            vec![delta(
                json!({"tool_calls": [piece(None, None, Some("s"), a), piece(None, None, Some("s"), b)]}),
            )],
        ),
        (
            "from 1",
            vec![one(piece(Some(1), Some("x"), Some("s"), a)), one(piece(Some(2), Some("y"), Some("s"), b))],
        ),
        (
            "a name with each piece",
            vec![
                one(piece(Some(0), Some("x"), Some("s"), "{\"query\":")),
                one(piece(Some(0), Some("x"), Some("s"), "\"a\"}")),
                one(piece(Some(1), Some("y"), Some("s"), "{\"query\":")),
                one(piece(Some(1), None, Some("s"), "\"b\"}")),
            ],
        ),
        (
            "pieces without a number",
            vec![
                one(piece(None, Some("x"), Some("s"), "{\"query\":")),
                one(piece(None, None, None, "\"a\"}")),
                one(piece(None, Some("y"), Some("s"), "{\"query\":")),
                one(piece(None, None, None, "\"b\"}")),
            ],
        ),
    ];
    for (wire, mut sent) in wires {
        sent.push(finish("tool_calls"));
        let server = Server::playing([events(&sent)]).await;
        let (_, end) = read(ask(&server).await.unwrap()).await;
        let Ok(Chunk::End { calls, .. }) = end else { panic!("{wire}: {end:?}") };
        let read: Vec<_> =
            calls.iter().map(|call| (&*call.function.name, &*call.function.arguments)).collect();
        assert_eq!(read, [("s", a), ("s", b)], "{wire}");
        let ids: std::collections::BTreeSet<_> = calls.iter().map(|call| &call.id).collect();
        assert_eq!(ids.len(), 2, "{wire}: {ids:?}");
    }
}

/// Asks with tools on offer.
async fn ask_with_tools(server: &Server) -> Result<Answer, ModelError> {
    let offered = [json!({"type": "function", "function": {"name": "search"}})];
    let request = ChatRequest { tools: Tools { offered: &offered, over: false }, ..request(&server.model) };
    Client::new().unwrap().stream(&request, patient(), || 0.0).await
}

#[tokio::test]
async fn what_a_models_turn_carried_is_carried_back_whole() {
    // LiteLLM puts Gemini's signature into the id (litellm#16895).
    let id = format!("call_x__thought__{}", "S".repeat(700));
    let call = json!({"index": 0, "id": id, "type": "function",
        "function": {"name": "search", "arguments": "{}"},
        // Gemini 3 (openhuman#3548).
        "extra_content": {"google": {"thought_signature": "sig"}}});
    let thoughts = |text: &str, more: Value| {
        let mut block = json!({"type": "reasoning.text", "text": text, "index": 0});
        block.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        // DeepSeek (GitNexus#43); OpenRouter, whose blocks come in pieces (agno#8794).
        delta(json!({"reasoning_content": text, "reasoning_details": [block]}))
    };
    let server = Server::playing([events(&[
        thoughts("Let me ", json!({})),
        thoughts("see.", json!({"signature": null})),
        delta(json!({"reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "own"}]})),
        delta(json!({"reasoning_details": [{"type": "reasoning.text", "text": "Next", "index": 1}]})),
        delta(json!({"tool_calls": [call]})),
        finish("tool_calls"),
    ])])
    .await;
    let (_, end) = read(ask_with_tools(&server).await.unwrap()).await;
    let Ok(Chunk::End { calls, carried, .. }) = end else { panic!("{end:?}") };
    let shown = json!(ChatMessage::calling("", calls, carried));
    assert_eq!(
        shown,
        json!({
            "role": "assistant", "content": "", "reasoning_content": "Let me see.",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "Let me see.", "index": 0, "signature": "own"},
                {"type": "reasoning.text", "text": "Next", "index": 1},
            ],
            "tool_calls": [{"id": id, "type": "function", "function": {"name": "search", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "sig"}}}],
        })
    );

    // Without tools nothing is sent back, and too much is not sent back in part; the answer is whole either way.
    let long = delta(json!({"reasoning_details": ["x".repeat(900_000)]}));
    let sent = [long.clone(), long, delta(json!({"content": "Hi"})), finish("stop")];
    for with_tools in [false, true] {
        let server = Server::playing([events(&sent)]).await;
        let answer = if with_tools { ask_with_tools(&server).await } else { ask(&server).await };
        let (text, end) = read(answer.unwrap()).await;
        assert!(matches!(end, Ok(Chunk::End { carried, .. }) if carried.is_empty()));
        assert_eq!(text, "Hi");
    }
}

#[tokio::test]
async fn ids_that_change_with_each_piece_make_one_call() {
    // pool#9; litellm#28223.
    let piece = |id: &str, name: Option<&str>, arguments: &str| {
        delta(
            json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": name, "arguments": arguments}}]}),
        )
    };
    let sent = [
        piece("a", Some("search"), ""),
        piece("b", None, "{\"query\":"),
        piece("c", None, "\"x\"}"),
        finish("tool_calls"),
    ];
    let server = Server::playing([events(&sent)]).await;
    let (_, end) = read(ask(&server).await.unwrap()).await;
    let Ok(Chunk::End { calls, .. }) = end else { panic!("{end:?}") };
    let [call] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((call.id.as_str(), call.function.arguments.as_str()), ("a", "{\"query\":\"x\"}"));
}

#[tokio::test]
async fn calls_too_many_are_not_made_and_take_nothing_of_the_others() {
    let sent: Vec<_> = (0..10)
        .flat_map(|number| {
            let call = json!({"id": format!("id-{number}"), "function": {"name": "s", "arguments": "{"}});
            let rest = json!({"function": {"arguments": "}"}});
            [delta(json!({"tool_calls": [call]})), delta(json!({"tool_calls": [rest]}))]
        })
        .chain([finish("tool_calls")])
        .collect();
    let server = Server::playing([events(&sent)]).await;
    let (_, end) = read(ask(&server).await.unwrap()).await;
    let Ok(Chunk::End { calls, .. }) = end else { panic!("{end:?}") };
    assert_eq!(calls.len(), 8);
    assert!(calls.iter().all(|call| call.function.arguments == "{}"), "{calls:?}");
}

#[tokio::test]
async fn a_limit_that_is_too_high_is_told_and_not_taken_away() {
    // forgecode#1185.
    let words = "max_tokens is too large: 20480. This model supports at most 16384 completion tokens.";
    let error = json!({"error": {"message": words, "param": "max_tokens", "code": "invalid_value"}});
    let (error, requests) = failure([response(400, JSON, &error.to_string()), whole_answer()]).await;
    assert_eq!((error, requests), (ModelError::Rejected(cause(400, &["invalid_value", "max_tokens"])), 1));
}

#[tokio::test]
async fn a_refusal_within_a_success_is_a_refusal() {
    let error =
        json!({"error": {"code": 400, "message": "temperature is not supported", "param": "temperature"}});
    for refuses in [response(200, JSON, &error.to_string()), event_stream([event(error.clone()).as_bytes()])]
    {
        let server = Server::playing([refuses, whole_answer()]).await;
        assert_eq!(read(ask(&server).await.unwrap()).await.0, "Hello there");
        assert!(server.requests()[1].1.get("temperature").is_none());
    }
}

#[tokio::test]
async fn an_address_with_a_query_is_asked_where_it_is_meant() {
    // Azure's deployments.
    let server = Server::playing([whole_answer()]).await;
    let base_url = format!("{}/deployments/x?api-version=2024-10-21", server.model.base_url);
    read(ask_within(&Model { base_url, ..server.model.clone() }, patient()).await.unwrap()).await.1.unwrap();
    let (head, _) = server.requests().remove(0);
    assert!(head.starts_with("post /v1/deployments/x/chat/completions?api-version=2024-10-21 "), "{head}");
}

/// The last words of real servers for an answer that isn't whole.
#[tokio::test]
async fn the_end_of_an_answer_says_why_it_ended() {
    let failed = ModelError::Overloaded { status: 502, retry_after: None };
    let said = |reason: &str| vec![delta(json!({"content": "Adoption rose"})), finish(reason)];
    let cases: [(Vec<Value>, &str, Result<Finish, ModelError>); 12] = [
        // OpenAI, Azure; Gemini; OpenRouter; Mistral; Anthropic's layer.
        (said("content_filter"), "Adoption rose", Err(ModelError::Filtered)),
        (said("SAFETY"), "Adoption rose", Err(ModelError::Filtered)),
        (said("error"), "Adoption rose", Err(failed.clone())),
        (said("model_length"), "Adoption rose", Ok(Finish::Length)),
        (said("max_tokens"), "Adoption rose", Ok(Finish::Length)),
        (said("end_turn"), "Adoption rose", Ok(Finish::Stop)),
        // vLLM of old: an error without its name, and then the mark of the end.
        (
            vec![
                delta(json!({"content": "Adoption rose"})),
                json!({"object": "error", "message": "CUDA out of memory", "type": "x", "code": 502}),
            ],
            "Adoption rose",
            Err(failed),
        ),
        // Its thoughts used it all (md-vault-mcp#919).
        (
            vec![delta(json!({"reasoning_content": "Hm."})), finish("length")],
            "",
            Err(ModelError::ThoughtOnly { max_tokens: 100 }),
        ),
        (
            vec![
                delta(json!({"refusal": "I can't help "})),
                delta(json!({"refusal": "with that."})),
                finish("stop"),
            ],
            "",
            Err(ModelError::Declined("I can't help with that.".into())),
        ),
        (vec![finish("content_filter")], "", Err(ModelError::Filtered)),
        // Gemini's layer; a word that nobody knows; words of a proxy before the mark of the end.
        (said("content_filter: PROHIBITED_CONTENT"), "Adoption rose", Err(ModelError::Filtered)),
        (said("sense"), "Adoption rose", Ok(Finish::Other("sense".into()))),
    ];
    for (sent, text, expected) in cases {
        let server = Server::playing([events(&sent)]).await;
        let (read, end) = match ask(&server).await {
            Ok(answer) => read(answer).await,
            Err(error) => (String::new(), Err(error)),
        };
        let end = end.map(|end| if let Chunk::End { finish, .. } = end { finish } else { panic!("{end:?}") });
        assert_eq!((read.as_str(), end), (text, expected), "{sent:?}");
    }
    let body =
        json!({"choices": [{"message": {"refusal": "No.", "content": null}, "finish_reason": "stop"}]});
    let server = Server::playing([response(200, JSON, &body.to_string())]).await;
    let (_, end) = read(ask(&server).await.unwrap()).await;
    assert_eq!(end, Err(ModelError::Declined("No.".into())));
}

#[tokio::test]
async fn an_answer_is_read_whatever_its_type_is_called_and_whatever_stands_between() {
    let stream = format!("{}{}{}", says("Hello"), says(" there"), ending());
    let whole = json!({
        "choices": [{"message": {"content": [{"type": "text", "text": "Hello there"}]}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11.0, "completion_tokens": 2},
    });
    let types = ["", "Content-Type: text/plain\r\n", "Content-Type: application/octet-stream\r\n", JSON];
    for headers in types {
        for body in [stream.clone(), whole.to_string()] {
            let server = Server::playing([response(200, headers, &body)]).await;
            let answer = ask(&server).await.unwrap_or_else(|error| panic!("{headers} {body}: {error}"));
            assert_eq!(read(answer).await, ("Hello there".into(), counted_end()), "{headers} {body}");
        }
    }
    // An empty event (wave-agent#1326), a ping, half an emoji, a usage that can't be (beside text).
    let between = ["data:\n\n", "data: ping\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n"];
    let odd = r#"data: {"choices": [{"delta": {"content": " there"}}], "usage": {"prompt_tokens": -1}}"#;
    for foreign in between {
        let body = format!("{foreign}{}{foreign}{odd}\n\n{}", says("Hello"), ending());
        let server = Server::playing([event_stream([body.as_bytes()])]).await;
        assert_eq!(
            read(ask(&server).await.unwrap()).await,
            ("Hello there".into(), counted_end()),
            "{foreign}"
        );
    }
}
