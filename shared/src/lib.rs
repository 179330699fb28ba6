//! What every function of the Prompt Workshop stands on.
//!
//! Dependencies point inwards: `domain` knows nothing of the others, `store`
//! knows `domain`, `llm` asks models and runs tests on both, and `http` is what
//! handlers read requests and answer with.
//!
//! - [`domain`]: drafts, runs, prompts, articles: types, rules, pure functions
//! - [`store`]: one module a table; keys and cursors in one place
//! - [`corpus`]: articles: getting them in, finding them by words and meaning
//! - [`feeds`]: fetching and reading the feeds that topics follow
//! - [`llm`]: the model client, the assistant, the runner of a test
//! - [`http`]: reading requests, answering, problems
//! - [`app`], [`auth`], [`config`], [`install`], [`limits`], [`parameters`], [`queue`],
//!   [`signing`], [`telemetry`], [`uploads`]

pub mod app;
pub mod auth;
pub mod config;
pub mod corpus;
pub mod domain;
pub mod feeds;
pub mod http;
pub mod install;
pub mod limits;
pub mod llm;
pub mod parameters;
pub mod queue;
pub mod signing;
pub mod store;
pub mod telemetry;
pub mod uploads;
