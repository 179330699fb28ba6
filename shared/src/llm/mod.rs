//! Language models: the client for their wire, what they are shown, and the
//! runner of a test.

mod answer;
mod asking;
pub mod assistant;
mod client;
mod deadlines;
mod error;
mod keys;
mod message;
mod models;
mod readiness;
mod refusal;
pub mod research;
pub mod runner;
mod shown;
pub mod sse;
mod thinking;
pub mod tools;
mod window;
mod wire;

pub use answer::{ANSWER_MAX_BYTES, Answer, Chunk, Finish};
pub use client::Client;
pub use deadlines::Deadlines;
pub use error::{ModelError, Part};
pub use message::{ChatMessage, ChatRequest, Role, ToolCall, Tools};
pub use refusal::Cause;

pub use keys::ModelKeys;
pub use models::{Models, Patience};
pub use readiness::Readiness;
