//! The calls that go to the services, watched from within their clients: when
//! and how long each took, and the units it used, which an answer has only when
//! asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::{
    batch_get_item, batch_write_item, delete_item, get_item, put_item, query, transact_write_items,
    update_item,
};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// A call that has ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its operation.
    pub operation: String,
    /// What it asked, as it went over the wire.
    pub asked: String,
    /// What it is charged as.
    pub kind: Kind,
    /// When it began.
    pub began: Instant,
    /// How long it took, with writing its request down and reading its answer.
    pub took: Duration,
    /// Read or write units of it: none when it failed. A search among vectors
    /// has none either: it is charged otherwise.
    pub units: f64,
}

/// What a call is charged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Read units of DynamoDB.
    Read,
    /// Write units of DynamoDB; a transaction's are twice those of its parts.
    Write,
    /// A request of SQS.
    Queue,
}

impl Kind {
    fn of(operation: &str) -> Self {
        match operation {
            "GetItem" | "BatchGetItem" | "Query" | "SearchVectors" => Self::Read,
            "SendMessage" | "ChangeMessageVisibility" => Self::Queue,
            _ => Self::Write,
        }
    }
}

/// The calls of the clients that it is an interceptor of.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    ended: Arc<Mutex<Vec<Call>>>,
    /// Calls that are still let through, where that was said.
    left: Arc<Mutex<Option<usize>>>,
}

impl Calls {
    /// Those that ended since this was asked last.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets so many calls through from now on, and none after them: to the services it is as if the process had died
    /// there. `None` lets all through.
    pub fn die_after(&self, calls: Option<usize>) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = calls;
    }

    /// Whether a call was held back since that was said.
    pub fn has_died(&self) -> bool {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) == Some(usize::MAX)
    }

    fn let_through(&self) -> Result<(), BoxError> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match *left {
            None => Ok(()),
            Some(0 | usize::MAX) => {
                *left = Some(usize::MAX);
                Err("the process is dead".into())
            }
            Some(more) => {
                *left = Some(more - 1);
                Ok(())
            }
        }
    }
}

/// How long at least one of `calls` was under way, and in how many stretches.
pub fn waited(calls: &[Call]) -> (Duration, u32) {
    let mut spans: Vec<_> = calls.iter().map(|call| (call.began, call.began + call.took)).collect();
    spans.sort_unstable();
    let (mut waited, mut stretches) = (Duration::ZERO, 0);
    let mut until: Option<Instant> = None;
    for (began, ended) in spans {
        let goes_on = until.filter(|until| *until >= began);
        stretches += u32::from(goes_on.is_none());
        waited += ended.saturating_duration_since(goes_on.unwrap_or(began));
        until = Some(until.map_or(ended, |until| until.max(ended)));
    }
    (waited, stretches)
}

#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

#[derive(Debug)]
struct Asked(String);

impl Storable for Asked {
    type Storer = StoreReplace<Self>;
}

/// Has the answer to an input of one of these types say what it consumed.
macro_rules! ask {
    ($input:ident: $($type:ty),*) => {
        $(if let Some(input) = $input.downcast_mut::<$type>() {
            input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
        })*
    };
}

/// What an output of one of these types says that it consumed.
macro_rules! consumed {
    ($output:ident: $($type:ty),*) => {
        [$($output.downcast_ref::<$type>().map(|output| output.consumed_capacity.as_slice())),*]
    };
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.let_through()?;
        config.interceptor_state().store_put(Began(Instant::now()));
        let input = context.input_mut();
        ask!(input: query::QueryInput, get_item::GetItemInput, batch_get_item::BatchGetItemInput,
            put_item::PutItemInput, update_item::UpdateItemInput, delete_item::DeleteItemInput,
            batch_write_item::BatchWriteItemInput, transact_write_items::TransactWriteItemsInput);
        Ok(())
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let asked = context.request().body().bytes().unwrap_or_default();
        config.interceptor_state().store_put(Asked(String::from_utf8_lossy(asked).into_owned()));
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(Began(began)), Some(ended)) = (config.load::<Began>(), context.output_or_error()) else {
            return Ok(());
        };
        let took = began.elapsed();
        let units = ended.map_or(0.0, |output| {
            let one = consumed!(output: query::QueryOutput, get_item::GetItemOutput, put_item::PutItemOutput,
                update_item::UpdateItemOutput, delete_item::DeleteItemOutput);
            let many = consumed!(output: batch_get_item::BatchGetItemOutput,
                batch_write_item::BatchWriteItemOutput, transact_write_items::TransactWriteItemsOutput);
            let many = many.into_iter().flatten().flatten();
            let capacities = one.into_iter().flatten().flatten().chain(many.flatten());
            capacities.filter_map(|capacity| capacity.capacity_units).sum()
        });
        let operation = config.load::<Metadata>().map_or("", Metadata::name).to_owned();
        let asked = config.load::<Asked>().map_or_else(String::new, |Asked(asked)| asked.clone());
        let call = Call { kind: Kind::of(&operation), operation, asked, began: *began, took, units };
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(())
    }
}
