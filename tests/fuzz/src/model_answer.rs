//! A model server's whole answer, over the wire.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use shared::domain::model::{ApiKey, Manner, Model};
use shared::llm::{
    ANSWER_MAX_BYTES, ChatMessage, ChatRequest, Chunk, Client, Deadlines, Finish, ModelError, Role, Tools,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;

use crate::{pieces, with_choice};

const MAX_TOKENS: u32 = 64;

/// The input's first byte is the size of the pieces that the answer comes in; 255
/// is for one that doesn't stream.
///
/// However it is cut, the answer is the same: within its limits, with one end,
/// which is the last of it.
pub fn take(data: &[u8]) {
    let (choice, body) = with_choice(data);
    let (kind, size) = if choice == 255 { ("application/json", 0) } else { ("text/event-stream", choice) };
    WIRE.with(|wire| {
        let whole = wire.answer(kind, body, 0);
        assert_eq!(wire.answer(kind, body, size), whole, "in pieces of {size}");
        assert_answer(&whole);
    });
}

fn assert_answer(answer: &[Result<Chunk, ModelError>]) {
    let mut text = 0;
    for (at, chunk) in answer.iter().enumerate() {
        let is_last = at + 1 == answer.len();
        match chunk {
            Ok(Chunk::Text(piece) | Chunk::Thought(piece)) => {
                assert!(!piece.is_empty() && !is_last);
                text += piece.len();
            }
            Ok(Chunk::AllThought) => assert!(!is_last),
            Ok(Chunk::End { usage, finish, calls, .. }) => {
                assert!(is_last);
                assert!(usage.prompt_tokens.max(usage.completion_tokens) <= 20_000_000, "{usage:?}");
                if let Finish::Other(word) = finish {
                    assert!((1..=64).contains(&word.chars().count()));
                }
                assert!(calls.len() <= 8);
                for call in calls {
                    assert!(call.function.name.chars().count() <= 64);
                }
            }
            Err(error) => assert!(is_last && error.sentence().ends_with('.'), "{error:?}"),
        }
    }
    assert!(!answer.is_empty() && text <= ANSWER_MAX_BYTES.min(16 * MAX_TOKENS as usize + 4096));
}

thread_local! {
    static WIRE: Wire = Wire::new().unwrap();
}

/// A client, and a server on a loopback port that says what it is given.
struct Wire {
    runtime: Runtime,
    tasks: LocalSet,
    client: Client,
    model: Model,
    response: Rc<RefCell<Vec<u8>>>,
}

impl Wire {
    fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let model = Model {
            id: "m".into(),
            label: "M".into(),
            base_url: format!("http://{}/v1", listener.local_addr()?),
            api_key: ApiKey::None,
            slow: false,
            context_window: 8192,
            max_output_tokens: MAX_TOKENS,
            supports_tools: true,
            price_in: 0.0,
            price_out: 0.0,
            manner: Manner::default(),
        };
        let (tasks, response) = (LocalSet::new(), Rc::new(RefCell::new(Vec::new())));
        let said = Rc::clone(&response);
        tasks.spawn_local(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(connection, Rc::clone(&said)));
            }
        });
        let client = Client::new().map_err(std::io::Error::other)?;
        Ok(Self { runtime, tasks, client, model, response })
    }

    /// What the client makes of `body`, sent in pieces of `size`.
    fn answer(&self, kind: &str, body: &[u8], size: u8) -> Vec<Result<Chunk, ModelError>> {
        // The client is handed each chunk of the transfer as it was cut.
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n");
        let mut response = head.into_bytes();
        for piece in pieces(body, size) {
            response.extend(format!("{:x}\r\n", piece.len()).bytes());
            response.extend(piece);
            response.extend(b"\r\n");
        }
        response.extend(b"0\r\n\r\n");
        *self.response.borrow_mut() = response;

        let request = ChatRequest {
            model: &self.model,
            messages: vec![ChatMessage::new(Role::User, "?")],
            max_tokens: MAX_TOKENS,
            temperature: 0.0,
            tools: Tools::default(),
        };
        let deadlines = Deadlines::within(Duration::from_secs(60));
        self.tasks.block_on(&self.runtime, async {
            let mut answer = match self.client.stream(&request, deadlines, || 0.0).await {
                Ok(answer) => answer,
                Err(error) => return vec![Err(error)],
            };
            let mut chunks = Vec::new();
            while let Some(chunk) = answer.next().await {
                chunks.push(chunk);
            }
            chunks
        })
    }
}

/// Answers each request of a connection.
/// Whether a request has all its body: as many bytes as its head says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    request.len() >= head.len() + 4 + length.unwrap_or(0)
}

async fn serve(mut connection: TcpStream, response: Rc<RefCell<Vec<u8>>>) {
    let mut request = Vec::new();
    while connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {
        if is_whole(&request) {
            request.clear();
            let response = response.borrow().clone();
            if connection.write_all(&response).await.is_err() {
                return;
            }
        }
    }
}
