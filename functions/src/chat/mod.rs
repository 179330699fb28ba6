//! Conversations with the workshop assistant: `/api/auspex/chat/…`.

mod answer;
pub mod history;
pub mod send;
