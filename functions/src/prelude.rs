//! The words that a `ROUTE` or a `JOB` is written with.

pub(crate) use crate::job::{AtOnce, Job, Trigger, event};
pub(crate) use crate::may::May::{EmbeddingKey, Files, Index, Items, Messages, ModelKeys, Vectors};
pub(crate) use crate::may::Operation::{BatchGet, BatchWrite, Check, Delete, Get, Put, Query, Update};
pub(crate) use crate::may::Queue::{DeadLetters, Imports, Runs};
pub(crate) use crate::may::Table::{Articles, Drafts, Library, Usage};
pub(crate) use crate::may::{Lambda, S3, Sqs};
pub(crate) use crate::route::{
    Access, Also, Answer, CURSOR, IF_MATCH, IF_NONE_MATCH, LIMIT, NOT_MODIFIED, ONCE, Route, Start, Value,
    Verb, streaming, whole,
};
