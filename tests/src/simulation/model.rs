//! The model of a simulation: a server of chat completions whose every step
//! waits at a gate. Which caller asks is told by its key: each place where
//! workers run has a key of its own and runs one worker at a time, as Lambda
//! does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::json;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::wire::Gates;
use crate::scripted_model::{Asked, Connection, chunk, read_request};

/// Tokens that every answer is said to have read.
pub const PROMPT_TOKENS: u64 = 300;

/// What the model does when it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// It answers in two parts.
    Answers,
    /// It breaks off after the first.
    BreaksOff,
    /// It asks to come again in five minutes, longer than a worker waits.
    LimitsRate,
    /// It refuses for good.
    Refuses,
}

/// One call of the model.
#[derive(Clone, Debug)]
pub struct Call {
    /// The worker that called.
    pub actor: usize,
    /// The run's question.
    pub query: String,
    /// What came of it.
    pub play: Play,
    /// The answer, when it is whole.
    pub answer: String,
}

/// What the schedule and the model's server share.
#[derive(Default)]
pub struct Script {
    /// The worker at each place, by the place's key.
    pub workers: BTreeMap<String, usize>,
    /// What is played, call after call; answers when there is no more.
    pub plays: Vec<Play>,
    /// The calls so far.
    pub calls: Vec<Call>,
    /// The test queries there are.
    pub queries: Vec<String>,
}

/// Serves on a free port until its runtime ends.
pub async fn serve(gates: Gates, script: Rc<RefCell<Script>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::task::spawn_local(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (gates, script) = (gates.clone(), Rc::clone(&script));
            tokio::task::spawn_local(async move {
                // A worker that hangs up ends the play.
                let _ = answer(Box::new(connection), &gates, &script).await;
            });
        }
    });
    address
}

async fn answer(connection: Connection, gates: &Gates, script: &RefCell<Script>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let asked = read_request(&mut connection).await?;
    let mut connection = connection.into_inner();
    let Some((actor, call, number)) = begun(&asked, script) else { return Ok(()) };
    gates.wait(actor, format!("the model is called: {:?}", call.play)).await;
    let (status, header) = match call.play {
        Play::LimitsRate => (429, "retry-after: 300\r\n"),
        Play::Refuses => (400, ""),
        Play::Answers | Play::BreaksOff => {
            let (first, rest) = call.answer.split_at(call.answer.len() / 2);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        transfer-encoding: chunked\r\nconnection: close\r\n\r\n";
            connection.write_all(head.as_bytes()).await?;
            say(&mut connection, first).await?;
            gates.wait(actor, format!("the model goes on: {:?}", call.play)).await;
            if call.play == Play::BreaksOff {
                return Ok(());
            }
            say(&mut connection, rest).await?;
            let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
            let usage = json!({"choices": [], "usage":
                {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": 40 + number}});
            chunk(&mut connection, &format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n")).await?;
            return chunk(&mut connection, "").await;
        }
    };
    let head =
        format!("HTTP/1.1 {status} Scripted\r\n{header}content-length: 0\r\nconnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).await
}

async fn say(to: &mut Connection, text: &str) -> std::io::Result<()> {
    let event = json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]});
    chunk(to, &format!("data: {event}\n\n")).await
}

/// Notes the call down; nothing when its worker is dead by now.
fn begun(asked: &Asked, script: &RefCell<Script>) -> Option<(usize, Call, usize)> {
    let mut script = script.borrow_mut();
    let key = asked.authorization.as_deref().unwrap_or_default().trim_start_matches("Bearer ");
    let actor = *script.workers.get(key)?;
    let said = asked.said_by("user");
    let query = script.queries.iter().find(|query| said.contains(query.as_str()))?.clone();
    let number = script.calls.len();
    let play = if script.plays.is_empty() { Play::Answers } else { script.plays.remove(0) };
    let answer = format!("Answer {number} to \"{query}\": the articles do not tell, says call {number}.");
    let call = Call { actor, query, play, answer };
    script.calls.push(call.clone());
    Some((actor, call, number))
}
