//! The calls that go to the store, watched from within its client: how long
//! each took and the read units it used, which an answer has only when asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::{batch_get_item, get_item, query, search_vectors};
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// A call that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Its operation.
    pub operation: &'static str,
    /// How long it took, with writing its request down and reading its answer.
    pub took: Duration,
    /// Read units of it. A search among vectors has none: it is charged otherwise.
    pub units: f64,
}

/// The calls of a client that it is an interceptor of. Only reads are watched.
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
        let (input, total) = (context.input_mut(), Some(ReturnConsumedCapacity::Total));
        if let Some(query) = input.downcast_mut::<query::QueryInput>() {
            query.return_consumed_capacity = total;
        } else if let Some(get) = input.downcast_mut::<get_item::GetItemInput>() {
            get.return_consumed_capacity = total;
        } else if let Some(get) = input.downcast_mut::<batch_get_item::BatchGetItemInput>() {
            get.return_consumed_capacity = total;
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(Began(began)), Some(Ok(output))) = (config.load::<Began>(), context.output_or_error())
        else {
            return Ok(());
        };
        let (operation, capacities) = if let Some(query) = output.downcast_ref::<query::QueryOutput>() {
            ("Query", query.consumed_capacity.as_slice())
        } else if let Some(get) = output.downcast_ref::<get_item::GetItemOutput>() {
            ("GetItem", get.consumed_capacity.as_slice())
        } else if let Some(get) = output.downcast_ref::<batch_get_item::BatchGetItemOutput>() {
            ("BatchGetItem", get.consumed_capacity())
        } else if output.downcast_ref::<search_vectors::SearchVectorsOutput>().is_some() {
            ("SearchVectors", [].as_slice())
        } else {
            return Ok(());
        };
        let units = capacities.iter().filter_map(|capacity| capacity.capacity_units).sum();
        let call = Call { operation, took: began.elapsed(), units };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        Ok(())
    }
}
