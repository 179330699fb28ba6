//! Building update and condition expressions with every name and value as a
//! placeholder, so that no attribute name clashes with DynamoDB's reserved words.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::Serialize;

use super::keys::Key;
use super::table::{Operations, Table};
use super::{Item, StoreError};

/// A change of one item: what to set, and under which condition.
#[derive(Debug, Default)]
pub(super) struct Change {
    sets: Vec<String>,
    adds: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    failed: Option<StoreError>,
}

impl Change {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn name(&mut self, attribute: &str) -> String {
        let is_plain = attribute.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let known = || self.names.iter().find(|(_, name)| *name == attribute);
        let placeholder = match known() {
            Some((placeholder, _)) => placeholder.clone(),
            None if is_plain => format!("#{attribute}"),
            None => format!("#_{}", self.names.len()),
        };
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    fn value(&mut self, value: impl Serialize) -> String {
        let placeholder = format!(":v{}", self.values.len());
        match serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value) {
            Ok(value) => {
                self.values.insert(placeholder.clone(), value);
            }
            Err(error) => self.failed = Some(error.into()),
        }
        placeholder
    }

    /// Sets an attribute.
    pub fn set(mut self, attribute: &str, value: impl Serialize) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.sets.push(format!("{name} = {value}"));
        self
    }

    /// Sets an attribute to a value as DynamoDB has it.
    pub fn set_value(mut self, attribute: &str, value: AttributeValue) -> Self {
        let name = self.name(attribute);
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        self.sets.push(format!("{name} = {placeholder}"));
        self
    }

    /// Appends to a list, only if it has fewer than `most` entries.
    pub fn append(mut self, attribute: &str, value: impl Serialize, most: usize) -> Self {
        let name = self.name(attribute);
        let nothing: [&str; 0] = [];
        let (empty, entry, most) = (self.value(nothing), self.value([value]), self.value(most));
        self.sets.push(format!("{name} = list_append(if_not_exists({name}, {empty}), {entry})"));
        self.conditions.push(format!("(attribute_not_exists({name}) OR size({name}) < {most})"));
        self
    }

    /// Adds to a number, which is 0 when absent.
    pub fn add(mut self, attribute: &str, amount: i64) -> Self {
        let (name, value) = (self.name(attribute), self.value(amount));
        self.adds.push(format!("{name} {value}"));
        self
    }

    /// Adds the elements of a set, which is empty when absent.
    pub fn add_value(mut self, attribute: &str, set: AttributeValue) -> Self {
        let name = self.name(attribute);
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), set);
        self.adds.push(format!("{name} {placeholder}"));
        self
    }

    /// Removes an attribute.
    pub fn remove(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.removes.push(name);
        self
    }

    /// Only if the item exists.
    pub fn if_exists(self) -> Self {
        self.when_present("pk")
    }

    /// Only if the item does not exist.
    pub fn if_absent(self) -> Self {
        self.when_absent("pk")
    }

    /// Only if `attribute` compares so (`=`, `<`, `<=`, `>`, `>=`, `<>`) to `value`.
    pub fn when(mut self, attribute: &str, operator: &str, value: impl Serialize) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.conditions.push(format!("{name} {operator} {value}"));
        self
    }

    /// Only if `attribute` equals a value as DynamoDB has it.
    pub fn when_value(mut self, attribute: &str, value: AttributeValue) -> Self {
        let name = self.name(attribute);
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        self.conditions.push(format!("{name} = {placeholder}"));
        self
    }

    /// Only if `attribute` is absent or compares so to `value`.
    pub fn when_absent_or(mut self, attribute: &str, operator: &str, value: impl Serialize) -> Self {
        let (name, value) = (self.name(attribute), self.value(value));
        self.conditions.push(format!("(attribute_not_exists({name}) OR {name} {operator} {value})"));
        self
    }

    /// Only if `attribute` is absent, null, or compares so to `value`.
    pub fn when_null_or(mut self, attribute: &str, operator: &str, value: impl Serialize) -> Self {
        let (name, value, null) = (self.name(attribute), self.value(value), self.value("NULL"));
        self.conditions.push(format!(
            "(attribute_not_exists({name}) OR attribute_type({name}, {null}) OR {name} {operator} {value})"
        ));
        self
    }

    /// Only if `attribute` is not there.
    pub fn when_absent(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.conditions.push(format!("attribute_not_exists({name})"));
        self
    }

    /// Only if `attribute` is there.
    pub fn when_present(mut self, attribute: &str) -> Self {
        let name = self.name(attribute);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    fn condition(&self) -> Option<String> {
        (!self.conditions.is_empty()).then(|| self.conditions.join(" AND "))
    }

    fn update(&self) -> String {
        let clause = |word: &str, parts: &[String]| {
            if parts.is_empty() { String::new() } else { format!("{word} {} ", parts.join(", ")) }
        };
        format!(
            "{}{}{}",
            clause("SET", &self.sets),
            clause("ADD", &self.adds),
            clause("REMOVE", &self.removes)
        )
    }

    /// Its names, which go into a request and are no longer here then.
    fn names(&mut self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| std::mem::take(&mut self.names))
    }

    /// Its values, likewise.
    fn values(&mut self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| std::mem::take(&mut self.values))
    }

    fn check(&mut self) -> Result<(), StoreError> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// As a part of a transaction: an update of the item at `key`.
    pub fn update_of<T: Operations>(
        mut self,
        table: &Table<T>,
        key: Key,
    ) -> Result<TransactWriteItem, StoreError> {
        self.check()?;
        let update = table
            .update(key)
            .update_expression(self.update())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names())
            .set_expression_attribute_values(self.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// As a part of a transaction: putting `item`, under this change's conditions.
    pub fn put_of<T: Operations>(
        mut self,
        table: &Table<T>,
        item: Item,
    ) -> Result<TransactWriteItem, StoreError> {
        self.check()?;
        let put = table
            .put()
            .set_item(Some(item))
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names())
            .set_expression_attribute_values(self.values())
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// As a part of a transaction: deleting the item at `key`, under this
    /// change's conditions.
    pub fn delete_of<T: Operations>(
        mut self,
        table: &Table<T>,
        key: Key,
    ) -> Result<TransactWriteItem, StoreError> {
        self.check()?;
        let delete = table
            .delete(key)
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names())
            .set_expression_attribute_values(self.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// As a part of a transaction: nothing but this change's conditions.
    pub fn check_of<T: Operations>(
        mut self,
        table: &Table<T>,
        key: Key,
    ) -> Result<TransactWriteItem, StoreError> {
        self.check()?;
        let check = table
            .check(key)
            .condition_expression(self.condition().unwrap_or_default())
            .set_expression_attribute_names(self.names())
            .set_expression_attribute_values(self.values())
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Updates the item at `key` and returns it as it is then; `Err` of the
    /// inner result has the item that did not meet the condition.
    pub async fn apply<T: Operations>(
        self,
        table: &Table<T>,
        key: Key,
    ) -> Result<Result<Item, Item>, StoreError> {
        self.sent(table, key, ReturnValue::AllNew).await
    }

    /// The same, for who knows what it is then.
    pub async fn write<T: Operations>(
        self,
        table: &Table<T>,
        key: Key,
    ) -> Result<Result<(), Item>, StoreError> {
        Ok(self.sent(table, key, ReturnValue::None).await?.map(drop))
    }

    async fn sent<T: Operations>(
        mut self,
        table: &Table<T>,
        key: Key,
        returned: ReturnValue,
    ) -> Result<Result<Item, Item>, StoreError> {
        self.check()?;
        let sent = table
            .update_item(key)
            .update_expression(self.update())
            .set_condition_expression(self.condition())
            .set_expression_attribute_names(self.names())
            .set_expression_attribute_values(self.values())
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(output) => Ok(Ok(output.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok(Err(failed.item.clone().unwrap_or_default()))
                }
                _ => Err(error.into()),
            },
        }
    }
}
