//! Between HTTP and the rules: what handlers read requests with and answer by.
//! The only place that turns an error into a status.

mod extract;
mod idempotency;
mod problem;
mod respond;
mod serve;

pub use extract::{
    IfMatch, Page, content_tag, idempotency_key, if_match, json, not_modified, path_id, path_text,
    prefer_wait, query,
};
pub use idempotency::{Attempt, Idempotent, begin, once};
pub use problem::{Code, Problem, ProblemBody};
pub use respond::{Request, Response, StreamingResponse, answer, json_response, request_id, streamed};
pub use serve::{
    Handler, StreamingHandler, serve, serve_events, serve_parallel, serve_prepared, serve_streaming,
    serve_without_store,
};
