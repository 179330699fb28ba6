//! What is left of a body when its request is refused. A connection is closed when a body isn't read to its end, and
//! then its sender sees that it broke, and not why: so the rest is read, and forgotten.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body as AxumBody;
use axum::extract::Request;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use lambda_http::http::header;

/// So many bytes are read at most; who sends more sees the connection break.
const READ_MAX: usize = 64 * 1024 * 1024;
/// It is read for so long at most; who is slower sees the connection break.
const READ_WITHIN: Duration = Duration::from_secs(30);

/// The rest of a request's body.
pub struct Rest(Arc<Mutex<Sent>>);

struct Sent {
    body: AxumBody,
    /// The sender waits to be told to go on (RFC 9110, section 10.1.1), which reading tells it.
    waits: bool,
}

impl Rest {
    /// The same request, and what is left of its body once whoever answers it is done.
    pub fn of(request: Request) -> (Request, Self) {
        let (parts, body) = request.into_parts();
        let sent = Arc::new(Mutex::new(Sent { body, waits: parts.headers.contains_key(header::EXPECT) }));
        (Request::from_parts(parts, AxumBody::new(Reader(sent.clone()))), Self(sent))
    }

    /// Reads it, unless its sender waits and hears the refusal without it.
    pub async fn read(self) {
        if locked(&self.0).waits {
            return;
        }
        let mut reader = Reader(self.0);
        let to_its_end = async {
            let mut read = 0;
            while read <= READ_MAX
                && let Some(Ok(frame)) = reader.frame().await
            {
                read += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        // Too late or not, the refusal is sent now.
        let _ = tokio::time::timeout(READ_WITHIN, to_its_end).await;
    }
}

struct Reader(Arc<Mutex<Sent>>);

impl Body for Reader {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut sent = locked(&self.0);
        sent.waits = false;
        Pin::new(&mut sent.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        locked(&self.0).body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        locked(&self.0).body.size_hint()
    }
}

fn locked(sent: &Mutex<Sent>) -> MutexGuard<'_, Sent> {
    sent.lock().unwrap_or_else(PoisonError::into_inner)
}
