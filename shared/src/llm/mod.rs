//! Language models: the client for their wire, what they are shown, and the
//! runner of a test.

mod asking;
pub mod assistant;
mod client;
mod keys;
mod models;
mod readiness;
pub mod research;
pub mod runner;
pub mod sse;
pub mod tools;
mod window;

pub use client::{
    ANSWER_MAX_BYTES, Answer, ChatMessage, ChatRequest, Chunk, Client, Deadlines, Finish, ModelError, Part,
    Role, ToolCall, Tools,
};

pub use keys::ModelKeys;
pub use models::{Models, Patience};
pub use readiness::Readiness;
