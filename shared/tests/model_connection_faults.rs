//! What a real model server can't be made to do to a connection: refuse, stall, break off and
//! babble on cue. The client is played against scripted HTTP/1.1 bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod scripted;

use std::time::{Duration, Instant};

use serde_json::{Map, json};
use shared::domain::model::Usage;
use shared::llm::{ANSWER_MAX_BYTES, Chunk, Client, Deadlines, Finish, ModelError, Part};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use scripted::*;

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
