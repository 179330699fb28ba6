//! The tables. One module a table or a part of one; methods are named after
//! access patterns and take `now`.
//!
//! A failed condition is an outcome, not a fault: methods return enums that
//! say what was found instead. What is left is [`StoreError`]. Nothing is read,
//! changed in memory and written back without a condition; nothing scans.

mod articles;
mod batch;
mod conversations;
mod cursor;
mod drafts;
mod expression;
mod feeds;
mod idempotency;
mod imports;
mod keys;
mod library;
mod meaning;
mod metrics;
mod packed;
mod quotas;
mod removals;
mod runs;
mod stories;
mod table;
pub mod tables;
mod transaction;
mod words;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

pub use articles::{
    Articles, CHUNK, Copied, Deletion, Imported, Known, Listed, Made, Prepared, Stage, TopicState, has_facts,
};
pub use conversations::{Answering, Begin, Conversations, History, Took};
pub use cursor::CursorKey;
pub use drafts::{Created, Drafts, DraftsPage, Origin, Saved};
pub use feeds::{FeedClaim, Feeds, Followed, Following, feed_id};
pub use idempotency::{Claim, Held, Idempotency, Stored};
pub use imports::{Began, Handed, Imports, OpenImport, TakenUp};
pub use library::{Committed, Content, Deleted, Entry, Library, LibraryPage, VersionsPage};
pub use meaning::{Meaning, NEAREST_MAX, Unmeant};
pub use metrics::{Counter, Metrics};
pub use quotas::{Demand, Reservation};
pub use removals::{BUCKETS, DeletedTopic, Remains, Removal, Removals};
pub use runs::{Beat, Cancelled, Claimed, Due, Full, OpenRun, RESTORED_MAX, Rated, Runs, RunsPage, Started};
pub use stories::Stories;
pub use transaction::{Additions, pause};
pub use words::Words;

use self::table::Table;
use crate::config::Tables;
use crate::domain::model::Secret;

/// Attributes of one item.
pub(crate) type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// The store could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The cursor is not one that this list gave.
    #[error("a cursor was tampered with, or is another list's")]
    Cursor,
    /// Throttled, contended or out of reach; worth another try.
    #[error("the store is busy: {0}")]
    Busy(String),
    /// Anything else.
    #[error("the store failed: {0}")]
    Broken(String),
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let busy = match &error {
            SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
            _ => matches!(
                error.code(),
                Some(
                    "ProvisionedThroughputExceededException"
                        | "ThrottlingException"
                        | "RequestLimitExceeded"
                        | "TransactionConflictException"
                        | "TransactionInProgressException"
                        | "InternalServerError"
                )
            ),
        };
        let text = DisplayErrorContext(&error).to_string();
        if busy { Self::Busy(text) } else { Self::Broken(text) }
    }
}

impl From<serde_dynamo::Error> for StoreError {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Broken(format!("an item does not fit its type: {error}"))
    }
}

impl From<aws_sdk_dynamodb::error::BuildError> for StoreError {
    fn from(error: aws_sdk_dynamodb::error::BuildError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// All tables, over one client.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    names: Tables,
    /// Drafts.
    pub drafts: Drafts,
    /// Conversations about them.
    pub conversations: Conversations,
    /// Test runs of them.
    pub runs: Runs,
    /// Committed prompts.
    pub library: Library,
    /// Topics and their articles.
    pub articles: Articles,
    /// By what copies of articles are recognised.
    pub stories: Stories,
    /// The words of articles.
    pub words: Words,
    /// What articles mean.
    pub meaning: Meaning,
    /// Feeds that topics follow.
    pub feeds: Feeds,
    /// Deletions of topics and articles, and the removal of their remains.
    pub removals: Removals,
    /// Answers to requests that may be repeated.
    pub idempotency: Idempotency,
    /// Imports of uploaded files.
    pub imports: Imports,
    /// Daily figures.
    pub metrics: Metrics,
}

impl Store {
    /// The tables of `names`, with cursors signed by `cursor_key` and vectors of
    /// so many `dimensions`.
    pub fn new(client: Client, names: Tables, cursor_key: &Secret, dimensions: u32) -> Self {
        let key = CursorKey::new(cursor_key);
        let names = &names;
        Self {
            drafts: Drafts::new(&client, names, key.clone()),
            conversations: Conversations::new(&client, names, key.clone()),
            runs: Runs::new(&client, names, key.clone()),
            library: Library::new(&client, names, key.clone()),
            articles: Articles::new(Table::new(&client, names), key),
            stories: Stories::new(Table::new(&client, names)),
            words: Words::new(Table::new(&client, names)),
            meaning: Meaning::new(Table::new(&client, names), dimensions),
            feeds: Feeds::new(Table::new(&client, names)),
            removals: Removals::new(Table::new(&client, names)),
            idempotency: Idempotency::new(Table::new(&client, names)),
            imports: Imports::new(Table::new(&client, names)),
            metrics: Metrics::new(Table::new(&client, names)),
            names: names.clone(),
            client,
        }
    }

    /// Opens so many connections, so that the first request finds as many open as
    /// it makes calls at once: one that it has to open takes longer than the call.
    /// Whether the calls themselves are allowed doesn't matter.
    pub async fn connect(&self, connections: usize) {
        let key = aws_sdk_dynamodb::types::AttributeValue::S("CONNECT".to_owned());
        let call =
            self.client.get_item().table_name(&self.names.drafts).key("pk", key.clone()).key("sk", key);
        for answer in futures::future::join_all((0..connections).map(|_| call.clone().send())).await {
            if let Err(error) = answer {
                tracing::debug!(error = %DisplayErrorContext(error), "a first connection to the store failed");
            }
        }
    }
}

/// `item` as a `T`.
fn read<T: serde::de::DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::from_item(item)?)
}

/// `value` as an item.
fn write(value: &impl serde::Serialize) -> Result<Item, StoreError> {
    Ok(serde_dynamo::aws_sdk_dynamodb_1::to_item(value)?)
}
