//! Reading and deleting many items by their keys.

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, WriteRequest};
use futures::{StreamExt, TryStreamExt, stream};

use super::table::{Operations, Table};
use super::{Item, StoreError, keys, transaction};

/// `BatchGetItem` takes so many keys.
const GET_MAX: usize = 100;
/// `BatchWriteItem` takes so many.
pub(super) const WRITE_MAX: usize = 25;
/// Batches that are under way at the same time.
const AT_ONCE: usize = 4;
/// What the store puts off is asked for again, this often.
const ATTEMPTS: u32 = 8;
/// Deletions that the store puts off are sent again, this often.
const DELETE_ATTEMPTS: u32 = 16;

/// The items of these keys that are there, in no order; of each the attributes
/// that `projection` names, where one is given.
pub(super) async fn get<T: Operations>(
    table: &Table<T>,
    keys: Vec<keys::Key>,
    projection: Option<&str>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let mut keys: Vec<Item> = keys.iter().map(keys::Key::item).collect();
    let mut batches = Vec::new();
    while !keys.is_empty() {
        let rest = keys.split_off(keys.len().min(GET_MAX));
        batches.push(std::mem::replace(&mut keys, rest));
    }
    let items: Vec<Vec<Item>> =
        stream::iter(batches.into_iter().map(|batch| get_batch(table, batch, projection, consistent)))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
    Ok(items.into_iter().flatten().collect())
}

async fn get_batch<T: Operations>(
    table: &Table<T>,
    mut wanted: Vec<Item>,
    projection: Option<&str>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::with_capacity(wanted.len());
    for attempt in 1..=ATTEMPTS {
        let mut request = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(consistent);
        if let Some(projection) = projection {
            request = request.projection_expression(projection);
            if projection.contains("#length") {
                request = request.expression_attribute_names("#length", "length");
            }
        }
        let call = table.batch_get_item().request_items(table.name(), request.build()?);
        let output = call.send().await?;
        let items = output.responses.and_then(|mut tables| tables.remove(table.name()));
        found.extend(items.unwrap_or_default());
        let left = output.unprocessed_keys.and_then(|mut tables| tables.remove(table.name()));
        wanted = left.map(|left| left.keys).unwrap_or_default();
        if wanted.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(transaction::pause(attempt)).await;
    }
    Err(StoreError::Busy("reads of a batch were put off on every try".to_owned()))
}

/// Deletes the items of these keys, at most [`WRITE_MAX`], whether or not they are there.
pub(super) async fn delete<T: Operations>(table: &Table<T>, keys: Vec<keys::Key>) -> Result<(), StoreError> {
    let mut attempt = 0;
    let mut requests = Vec::with_capacity(keys.len());
    for key in keys {
        let delete = DeleteRequest::builder().set_key(Some(key.item())).build()?;
        requests.push(WriteRequest::builder().delete_request(delete).build());
    }
    while !requests.is_empty() {
        if attempt == DELETE_ATTEMPTS {
            return Err(StoreError::Busy("a batch of deletions was put off on every try".to_owned()));
        }
        attempt += 1;
        let sent = table.batch_write_item().request_items(table.name(), requests).send().await?;
        requests = sent.unprocessed_items.and_then(|mut left| left.remove(table.name())).unwrap_or_default();
        // What DynamoDB has no room for it hands back, instead of an error that the SDK waits after.
        if !requests.is_empty() {
            tokio::time::sleep(transaction::pause(attempt)).await;
        }
    }
    Ok(())
}
