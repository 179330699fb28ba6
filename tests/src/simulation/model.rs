//! The model of a simulation: a server of chat completions whose every step
//! waits at a gate. Which caller asks is told by its key: each place where
//! workers run has a key of its own and runs one worker at a time, as Lambda
//! does.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::json;
use shared::domain::model::estimate_tokens;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::wire::Gates;
use crate::scripted_model::{Asked, Connection, chunk, read_request};

/// Tokens that every answer is said to have read.
const PROMPT_TOKENS: i64 = 300;

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
    /// Tokens that it was asked with, by their length: what is charged for them when the model comes to no end.
    pub asked: i64,
    /// The tokens that its caller was told of: read, written.
    pub told: Option<(i64, i64)>,
}

impl Call {
    /// What is said of the answer first, and the rest of it.
    pub fn parts(&self) -> (&str, &str) {
        self.answer.split_at(self.answer.len() / 2)
    }

    /// What has to be paid for it, by whoever heard its end.
    pub fn worth(&self) -> (i64, i64) {
        match self.play {
            Play::LimitsRate | Play::Refuses => (0, 0),
            Play::BreaksOff => self.guessed(self.parts().0),
            Play::Answers => self.told.unwrap_or_default(),
        }
    }

    /// All that may have to be paid for it, by how far its caller had come when it stopped.
    pub fn worths(&self) -> Vec<(i64, i64)> {
        match self.play {
            Play::LimitsRate | Play::Refuses => Vec::new(),
            Play::BreaksOff => vec![self.worth()],
            Play::Answers => {
                let unfinished = [self.guessed(self.parts().0), self.guessed(&self.answer)];
                unfinished.into_iter().chain(self.told).collect()
            }
        }
    }

    /// What a call costs that was heard up to here and never counted.
    fn guessed(&self, heard: &str) -> (i64, i64) {
        (self.asked, i64::from(estimate_tokens(heard)))
    }
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
            let (first, rest) = call.parts();
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
            let (read, written) = (PROMPT_TOKENS, 40 + number as i64);
            if let Some(call) = script.borrow_mut().calls.get_mut(number) {
                call.told = Some((read, written));
            }
            let usage = json!({"choices": [], "usage":
                {"prompt_tokens": read, "completion_tokens": written}});
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
    let messages = asked.body["messages"].as_array().into_iter().flatten();
    let contents = messages.filter_map(|message| message["content"].as_str());
    let asked = contents.map(|content| i64::from(estimate_tokens(content))).sum();
    let call = Call { actor, query, play, answer, asked, told: None };
    script.calls.push(call.clone());
    Some((actor, call, number))
}
