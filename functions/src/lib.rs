//! Every route of the Prompt Workshop: one file in this library, one binary
//! over it. [`ROUTES`] is the table that everything else reads.

pub mod chat;
pub mod drafts;
pub mod feeds;
pub mod health;
pub mod imports;
pub mod jobs;
pub mod metrics;
pub mod models;
pub mod openapi;
pub mod prompts;
mod routes;
pub mod tests;
pub mod topics;

pub use routes::{Access, Answer, Body, Handle, ROUTES, Route};
