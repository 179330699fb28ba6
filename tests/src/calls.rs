//! The calls that go to the store and to the queues, watched from within their
//! clients: what each was, how long it took, and the read and write units it
//! used, which DynamoDB tells when it is asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::{
    batch_get_item, batch_write_item, delete_item, get_item, put_item, query, search_vectors,
    transact_write_items, update_item,
};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_sdk_sqs::operation::{change_message_visibility, send_message};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// A call that has ended well.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its operation.
    pub operation: &'static str,
    /// What it was.
    pub kind: Kind,
    /// When it began.
    pub began: Instant,
    /// How long it took, with writing its request down and reading its answer.
    pub took: Duration,
    /// Units of it. A search among vectors has none: it is charged otherwise.
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

/// The calls of a client that it is an interceptor of. One that was refused is not among them.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    /// Those that ended since this was asked last.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

/// Has a call tell its units.
fn ask(input: &mut Input) {
    macro_rules! ask {
        ($($input:path),+) => {
            $(if let Some(input) = input.downcast_mut::<$input>() {
                input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
            })+
        };
    }
    ask!(
        get_item::GetItemInput,
        query::QueryInput,
        batch_get_item::BatchGetItemInput,
        put_item::PutItemInput,
        update_item::UpdateItemInput,
        delete_item::DeleteItemInput,
        batch_write_item::BatchWriteItemInput,
        transact_write_items::TransactWriteItemsInput
    );
}

/// A call's operation, kind and units; nothing for what isn't watched.
fn told(output: &Output) -> Option<(&'static str, Kind, f64)> {
    let sum = |used: &[ConsumedCapacity]| used.iter().filter_map(|used| used.capacity_units).sum();
    macro_rules! told {
        ($($operation:literal, $kind:ident, $output:path => |$told:ident| $used:expr;)+) => {
            $(if let Some($told) = output.downcast_ref::<$output>() {
                return Some(($operation, Kind::$kind, sum($used)));
            })+
        };
    }
    told! {
        "GetItem", Read, get_item::GetItemOutput => |told| told.consumed_capacity.as_slice();
        "Query", Read, query::QueryOutput => |told| told.consumed_capacity.as_slice();
        "BatchGetItem", Read, batch_get_item::BatchGetItemOutput => |told| told.consumed_capacity();
        "SearchVectors", Read, search_vectors::SearchVectorsOutput => |_told| &[];
        "PutItem", Write, put_item::PutItemOutput => |told| told.consumed_capacity.as_slice();
        "UpdateItem", Write, update_item::UpdateItemOutput => |told| told.consumed_capacity.as_slice();
        "DeleteItem", Write, delete_item::DeleteItemOutput => |told| told.consumed_capacity.as_slice();
        "BatchWriteItem", Write, batch_write_item::BatchWriteItemOutput => |told| told.consumed_capacity();
        "TransactWriteItems", Write, transact_write_items::TransactWriteItemsOutput
            => |told| told.consumed_capacity();
        "SendMessage", Queue, send_message::SendMessageOutput => |_told| &[];
        "ChangeMessageVisibility", Queue, change_message_visibility::ChangeMessageVisibilityOutput
            => |_told| &[];
    }
    None
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
        config.interceptor_state().store_put(Began(Instant::now()));
        ask(context.input_mut());
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(&Began(began)), Some(Ok(output))) = (config.load::<Began>(), context.output_or_error())
        else {
            return Ok(());
        };
        if let Some((operation, kind, units)) = told(output) {
            let call = Call { operation, kind, began, took: began.elapsed(), units };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        }
        Ok(())
    }
}
