//! The articles of the topics: getting them in, and finding them.
//!
//! - [`import()`]: articles into a topic, each once, with its words and its vector
//! - [`upload`]: a file that was uploaded, into a topic, in the background
//! - [`search()`]: by words and meaning, and what was found why
//! - [`follow`], [`collect_now`], [`collect_due`]: feeds into topics
//! - [`remove_due`]: what deleted topics and articles left behind
//! - [`reindex()`]: the meaning of articles that have none yet
//! - [`embeddings`]: who turns texts into vectors

mod collect;
pub mod embeddings;
mod import;
mod reindex;
mod remove;
mod search;
pub mod upload;

pub use collect::{Collect, Follow, collect_due, collect_now, follow};
pub use import::{BATCH, Import, ImportStopped, Target, import};
pub use reindex::{ReindexError, Reindexed, reindex};
pub use remove::{Removed, remove_due};
pub use search::{Facets, Question, Results, facets, search};
