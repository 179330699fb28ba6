//! How API Gateway puts a request into an event and a function's answer into a
//! response: its payload format 2.0, whole or streamed (API Gateway Developer
//! Guide, "Create AWS Lambda proxy integrations for HTTP APIs").

use std::collections::HashMap;

use anyhow::{Context, ensure};
use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use axum::body::{Body as AxumBody, Bytes};
use axum::response::Response as AxumResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::lambda_runtime::MetadataPrelude;
use lambda_http::{Body, RequestExt};
use serde_json::{Value, json};
use shared::http::Request;

use crate::runtime_api::{Answer, Pieces};

/// The largest response that Lambda takes whole.
const RESPONSE_MAX: usize = 6 * 1_024 * 1_024;
/// The largest head of a streamed response. Behind it are these bytes.
const HEAD_MAX: usize = 64 * 1_024;
const HEAD_END: [u8; 8] = [0; 8];

/// The event of a request whose path parameters are known, in its context.
pub fn event(request: &Request, context: &Value) -> anyhow::Result<Bytes> {
    let (body, is_base64) = match request.body() {
        Body::Text(text) => (Some(text.clone()), false),
        Body::Binary(bytes) => (Some(STANDARD.encode(bytes)), true),
        _ => (None, false),
    };
    let mut headers: HashMap<&str, String> = HashMap::new();
    for (name, value) in request.headers() {
        // As the HTTP crate has them: UTF-8 is more than its `to_str` takes.
        let value = String::from_utf8_lossy(value.as_bytes());
        let all = headers.entry(name.as_str()).or_default();
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(&value);
    }
    let parameters = request.path_parameters_ref();
    let parameters: HashMap<&str, &str> = parameters.iter().flat_map(|all| all.iter()).collect();
    let event = json!({
        "version": "2.0",
        "routeKey": context.get("routeKey"),
        "rawPath": request.uri().path(),
        "rawQueryString": request.uri().query().unwrap_or_default(),
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": context,
        "body": body,
        "isBase64Encoded": is_base64,
    });
    Ok(serde_json::to_vec(&event)?.into())
}

/// The response of a function's answer. A streamed one is passed on as it comes.
pub async fn response(answer: Answer) -> anyhow::Result<AxumResponse> {
    if answer.streams { streamed(answer.pieces).await } else { whole(answer.pieces).await }
}

async fn whole(mut pieces: Pieces) -> anyhow::Result<AxumResponse> {
    let mut answer = Vec::new();
    while let Some(piece) = pieces.try_next().await.context("the function ended within its answer")? {
        answer.extend_from_slice(&piece);
        ensure!(answer.len() <= RESPONSE_MAX, "the answer is larger than Lambda takes");
    }
    let answer: ApiGatewayV2httpResponse =
        serde_json::from_slice(&answer).context("the answer is no response")?;
    let body = match answer.body.unwrap_or_default() {
        Body::Text(text) if answer.is_base64_encoded => AxumBody::from(STANDARD.decode(text)?),
        Body::Text(text) => AxumBody::from(text),
        Body::Binary(bytes) => AxumBody::from(bytes),
        _ => AxumBody::empty(),
    };
    let mut headers = answer.headers;
    headers.extend(answer.multi_value_headers);
    made(StatusCode::from_u16(answer.status_code.try_into()?)?, headers, &answer.cookies, body)
}

async fn streamed(mut pieces: Pieces) -> anyhow::Result<AxumResponse> {
    let mut begun = Vec::new();
    let end = loop {
        if let Some(end) = begun.windows(HEAD_END.len()).position(|bytes| bytes == HEAD_END) {
            break end;
        }
        ensure!(begun.len() <= HEAD_MAX, "the answer has no head");
        let piece = pieces.next().await.context("the answer ended within its head")?;
        begun.extend_from_slice(&piece.context("the function ended within its answer's head")?);
    };
    let rest = begun.split_off(end.saturating_add(HEAD_END.len()));
    begun.truncate(end);
    let head: MetadataPrelude = serde_json::from_slice(&begun).context("the answer's head")?;
    let rest = stream::iter((!rest.is_empty()).then(|| Ok(Bytes::from(rest))));
    made(head.status_code, head.headers, &head.cookies, AxumBody::from_stream(rest.chain(pieces)))
}

fn made(
    status: StatusCode,
    mut headers: HeaderMap,
    cookies: &[String],
    body: AxumBody,
) -> anyhow::Result<AxumResponse> {
    // The server counts by itself.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie)?);
    }
    let mut response = AxumResponse::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use lambda_http::http::Request as HttpRequest;

    use super::*;

    fn answer(streams: bool, pieces: &[&'static str]) -> Answer {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from(*piece))).collect();
        Answer { streams, pieces: stream::iter(pieces).boxed() }
    }

    async fn text(response: AxumResponse) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), RESPONSE_MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn a_function_reads_the_request_that_was_made() {
        let context = json!({
            "routeKey": "PUT /api/topics/{topic}", "stage": "$default", "time": "", "timeEpoch": 0,
            "http": {"method": "PUT", "path": "/api/topics/A%26B", "sourceIp": "127.0.0.1"},
        });
        let request = |body: Body| {
            let request = HttpRequest::put("http://127.0.0.1:1/api/topics/A%26B?query=a%20b&query=c&limit=5")
                .header("accept", "a/a")
                .header("accept", "b/b")
                .header("if-match", "\"1\"")
                .body(body)
                .unwrap();
            request.with_path_parameters(HashMap::from([("topic".to_owned(), "A&B".to_owned())]))
        };
        for body in [Body::Empty, Body::Text("{\"é\": 1}".to_owned()), Body::Binary(vec![0, 255, 7])] {
            let event = event(&request(body.clone()), &context).unwrap();
            let read = lambda_http::request::from_reader(&event[..]).unwrap();
            assert_eq!((read.method().as_str(), read.uri().path()), ("PUT", "/api/topics/A%26B"));
            assert_eq!(read.path_parameters_ref().unwrap().first("topic"), Some("A&B"));
            let queries = read.query_string_parameters_ref().unwrap();
            assert_eq!(queries.all("query").unwrap(), ["a b", "c"]);
            assert_eq!(queries.first("limit"), Some("5"));
            assert_eq!(read.headers()["if-match"], "\"1\"");
            assert_eq!(read.headers()["accept"], "a/a,b/b");
            let (sent, got): (&[u8], &[u8]) = (body.as_ref(), read.body().as_ref());
            assert_eq!(sent, got);
        }
    }

    #[tokio::test]
    async fn a_whole_answer_is_a_response() {
        let pieces = [
            r#"{"statusCode": 201, "headers": {"etag": "\"1\"", "content-length": "9"}, "multiValueHeaders": {}, "#,
            r#""cookies": ["a=1", "b=2"], "body": "aGk=", "isBase64Encoded": true}"#,
        ];
        let made = response(answer(false, &pieces)).await.unwrap();
        assert_eq!(made.status(), 201);
        assert_eq!(made.headers()["etag"], "\"1\"");
        assert!(!made.headers().contains_key("content-length"));
        assert_eq!(made.headers().get_all("set-cookie").iter().count(), 2);
        assert_eq!(text(made).await, "hi");
        for no_response in [&["{}"][..], &["null"], &["{\"statusCode\": 1, \"cookies\": []}"], &[]] {
            assert!(response(answer(false, no_response)).await.is_err(), "{no_response:?}");
        }
    }

    #[tokio::test]
    async fn a_streamed_answer_is_split_where_its_head_ends() {
        let head = r#"{"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}"#;
        let ways: [&[&str]; 4] = [
            &[head, "\0\0\0\0\0\0\0\0", "one", "two"],
            &[head, "\0\0\0\0", "\0\0\0\0one", "two"],
            &[&head[..9], &head[9..], "\0\0\0\0\0\0\0\0onetwo"],
            &[head, "\0\0\0\0\0\0\0\0on", "etwo"],
        ];
        for pieces in ways {
            let made = response(answer(true, pieces)).await.unwrap();
            assert_eq!(made.headers()["content-type"], "text/event-stream");
            assert_eq!(text(made).await, "onetwo", "{pieces:?}");
        }
        for no_head in [&[head][..], &[head, "\0\0\0\0", "one"], &["{}\0\0\0\0\0\0\0\0"]] {
            assert!(response(answer(true, no_head)).await.is_err(), "{no_head:?}");
        }
    }
}
