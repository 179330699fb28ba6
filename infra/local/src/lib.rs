//! The machine that stands in for AWS, in one process: DynamoDB, SQS and S3
//! over their real wire protocols, the gateway, the queues' pump, the schedule,
//! the stream reader, the sign-in, and a small real model.
//!
//! The handlers are the ones that are deployed. What is only here, is only
//! here: no binary that is deployed has a way around the token.

mod backup;
mod bucket;
mod disk;
mod door;
mod dynamodb;
mod environment;
mod events;
mod functions;
mod gateway;
mod guard;
mod machine;
mod migrate;
mod model;
mod page;
mod payload;
mod process;
mod pump;
mod rest;
mod runtime_api;
mod serving;
pub mod settings;
mod sign_in;
mod sources;
mod sqs;
mod trouble;
mod watch;

/// The embedded database makes and drops millions of small values: a fifth of
/// what an import took was the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use backup::{backup, restore};
pub use dynamodb::serve as serve_dynamodb;
pub use environment::environment;
pub use functions::Handlers;
pub use machine::{Machine, ModelChoice, Options};
pub use model::{BundledModel, MODEL_ID};
pub use page::CONTENT_SECURITY_POLICY;
