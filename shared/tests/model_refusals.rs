//! What real model servers refuse, each in its own words, and what is done about it: the request without
//! it, remembered for as long as it is right.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on has failed")]

mod scripted;

use serde_json::{Value, json};
use shared::domain::model::{Manner, Model, Secret};
use shared::llm::{Client, ModelError};

use scripted::*;

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

/// A refusal of these words.
fn refuses(words: &str) -> Vec<Step> {
    response(400, JSON, &json!({"error": {"message": words}}).to_string())
}

/// Asks `client` once; what it sent for that, and what came of it.
async fn sent(server: &Server, client: &Client) -> (Vec<Value>, Result<String, ModelError>) {
    let before = server.requests().len();
    let answer = client.stream(&request(&server.model), patient(), || 0.0).await;
    let outcome = match answer {
        Ok(answer) => Ok(read(answer).await.0),
        Err(error) => Err(error),
    };
    (server.requests().into_iter().skip(before).map(|(_, body)| body).collect(), outcome)
}

#[tokio::test]
async fn what_a_refusal_was_not_about_is_sent_again() {
    let misleading = "Invalid: temperature is unsupported. The system message role stays.";
    let server =
        Server::playing([refuses(misleading), refuses(misleading), whole_answer(), whole_answer()]).await;
    let client = Client::new().unwrap();
    let has = |body: &Value| (body["messages"][0]["role"] == "system", body.get("temperature").is_some());
    let (bodies, answer) = sent(&server, &client).await;
    assert_eq!(bodies.iter().map(has).collect::<Vec<_>>(), [(true, true), (false, true), (true, false)]);
    assert_eq!(answer.unwrap(), "Hello there");
    let (bodies, _) = sent(&server, &client).await;
    assert_eq!(
        bodies.iter().map(has).collect::<Vec<_>>(),
        [(true, false)],
        "only what was needed is remembered"
    );
}

#[tokio::test]
async fn a_lesson_that_is_contradicted_is_taken_back_and_comes_to_an_end() {
    let server = Server::playing([
        refuses("temperature is not supported"),
        whole_answer(),
        refuses("temperature is required"),
        whole_answer(),
        whole_answer(),
        // It wants and doesn't want it.
        refuses("temperature is not supported"),
        refuses("temperature is required"),
        whole_answer(),
    ])
    .await;
    let client = Client::new().unwrap();
    let has =
        |bodies: Vec<Value>| bodies.iter().map(|body| body.get("temperature").is_some()).collect::<Vec<_>>();
    assert_eq!(has(sent(&server, &client).await.0), [true, false]);
    assert_eq!(has(sent(&server, &client).await.0), [false, true]);
    assert_eq!(has(sent(&server, &client).await.0), [true]);
    let (bodies, outcome) = sent(&server, &client).await;
    assert_eq!(has(bodies), [true, false]);
    assert!(matches!(outcome, Err(ModelError::Rejected(_))), "{outcome:?}");
    assert_eq!(has(sent(&server, &client).await.0), [true], "nothing was remembered of that");
}

#[tokio::test]
async fn a_refusal_that_nothing_explains_takes_all_lessons_back() {
    let server = Server::playing([
        refuses("temperature is not supported"),
        whole_answer(),
        refuses("a bad day"),
        whole_answer(),
    ])
    .await;
    let client = Client::new().unwrap();
    for expected in [vec![true, false], vec![false], vec![true]] {
        let (bodies, _) = sent(&server, &client).await;
        let has: Vec<_> = bodies.iter().map(|body| body.get("temperature").is_some()).collect();
        assert_eq!(has, expected);
    }
}

#[tokio::test]
async fn a_model_that_does_not_stream_is_asked_for_a_whole_answer() {
    let body =
        json!({"choices": [{"finish_reason": "stop", "message": {"content": "Hello there"}}]}).to_string();
    let whole = || response(200, JSON, &body);
    for words in ["Streaming is not supported for this model.", "This model does not support streaming"] {
        let server = Server::playing([refuses(words), whole(), whole()]).await;
        let client = Client::new().unwrap();
        for expected in [vec![true, false], vec![false]] {
            let (bodies, answer) = sent(&server, &client).await;
            assert_eq!(answer.unwrap(), "Hello there");
            let streams: Vec<_> = bodies.iter().map(|body| body["stream"] == true).collect();
            assert_eq!(streams, expected, "{words}");
        }
    }
}

#[tokio::test]
async fn a_refusal_in_plain_text_shows_its_beginning_and_nothing_of_the_request() {
    let cases = [
        ("Bad template: no such\nfilter", "Bad template: no such filter"),
        ("Can't render 'Be brief.' with it", "Can't render '…"),
        ("Unknown token sk-secret", "Unknown token…"),
    ];
    for (body, words) in cases {
        let (error, _) = failure([response(400, "Content-Type: text/plain\r\n", body)]).await;
        assert!(!error.to_string().contains(words), "no log has its words: {error}");
        let ModelError::Rejected(cause) = &error else { panic!("{error:?}") };
        assert_eq!((cause.status, cause.words.as_str()), (400, words));
        assert!(error.sentence_with_its_cause().ends_with(&format!("status 400: {words}.")), "{error:?}");
        assert!(!error.sentence().contains(words), "where it is deployed, nobody is shown them");
    }
}
