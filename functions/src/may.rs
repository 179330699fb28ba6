//! What a function may do in AWS, and what it is given there. `make routes`
//! writes infra/template.yaml's policies from this; tests/deploy/template.py
//! holds them to what the linker finds in each binary.

use Operation::{BatchGet, BatchWrite, Check, Delete, Get, Put, Query, Update};

/// One thing that a function may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Operations on a table's items.
    Items(Table, &'static [Operation]),
    /// Queries of an index of a table.
    Index(Table, &'static str),
    /// Searches of the articles' index of vectors.
    Vectors,
    /// Actions on a queue.
    Messages(Queue, &'static [Sqs]),
    /// Actions on uploaded files.
    Files(&'static [S3]),
    /// Reading the keys of models.
    ModelKeys,
    /// Reading the key of the embeddings, when a server makes them.
    EmbeddingKey,
}

/// A table, as infra/template.yaml and shared/src/store/table.rs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Drafts with their conversations and runs.
    Drafts,
    /// Committed prompts.
    Library,
    /// Topics with their articles and feeds.
    Articles,
    /// Quotas, figures, repeats, imports.
    Usage,
}

/// DynamoDB's actions on items. A transaction takes those of its writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `GetItem`
    Get,
    /// `BatchGetItem`
    BatchGet,
    /// `Query`
    Query,
    /// `PutItem`
    Put,
    /// `UpdateItem`
    Update,
    /// `DeleteItem`
    Delete,
    /// `BatchWriteItem`
    BatchWrite,
    /// `ConditionCheckItem`
    Check,
}

/// A queue, as infra/template.yaml names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Test runs.
    Runs,
    /// Runs whose messages were received too often.
    DeadLetters,
    /// Imports of uploaded files.
    Imports,
}

/// SQS's actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sqs {
    /// `SendMessage`
    Send,
    /// `ChangeMessageVisibility`
    Postpone,
}

/// Actions on uploaded files. S3 tells only those who may list a bucket that an
/// object isn't there: who may read, may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum S3 {
    /// `PutObject`: the address that a function signs may do what the function may.
    Put,
    /// `GetObject`, and `ListBucket` with it.
    Get,
    /// `DeleteObject`
    Delete,
}

/// A function's own properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lambda {
    /// Memory in MB, which brings its share of a processor (1,769 MB a whole
    /// one); the template's own when `None`.
    pub memory: Option<u32>,
    /// Seconds after which Lambda ends it; the template's own when `None`.
    pub timeout: Option<u32>,
    /// The parameter of the template that says how many run at once, when it
    /// is not 0.
    pub reserved: Option<&'static str>,
}

impl Lambda {
    /// As all others.
    pub const USUAL: Self = Self { memory: None, timeout: None, reserved: None };
    /// Seconds after which Lambda ends a function that says nothing else
    /// (`Globals` of infra/template.yaml). The API gives up at 30.
    pub const TIMEOUT: u32 = 28;
}

impl Operation {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Get => "GetItem",
            BatchGet => "BatchGetItem",
            Query => "Query",
            Put => "PutItem",
            Update => "UpdateItem",
            Delete => "DeleteItem",
            BatchWrite => "BatchWriteItem",
            Check => "ConditionCheckItem",
        }
    }
}

impl Sqs {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "SendMessage",
            Self::Postpone => "ChangeMessageVisibility",
        }
    }
}

impl S3 {
    /// The action's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Put => "PutObject",
            Self::Get => "GetObject",
            Self::Delete => "DeleteObject",
        }
    }
}
