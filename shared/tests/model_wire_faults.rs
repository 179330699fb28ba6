//! What the wires of real model servers look like, each from the thread that is named beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod scripted;

use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::domain::model::Model;
use shared::llm::{
    Answer, ChatMessage, ChatRequest, Chunk, Client, Deadlines, Finish, ModelError, Part, Tools,
};

use scripted::*;

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
