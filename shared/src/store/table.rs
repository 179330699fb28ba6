//! The four tables, each a type of its own, so that a call says which table it
//! is for.
//!
//! A function of each operation and table is made by a macro. The linker keeps
//! those that a binary can come to, and tests/deploy/template.py reads their
//! names: so each function's policy is held to what it can do, table by table.

use std::marker::PhantomData;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemFluentBuilder;
use aws_sdk_dynamodb::operation::batch_write_item::builders::BatchWriteItemFluentBuilder;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::search_vectors::builders::SearchVectorsFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::builders::{ConditionCheckBuilder, DeleteBuilder, PutBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, Update};

use super::{Item, StoreError, keys};
use crate::config::Tables;

/// What is done to a table: one function for each of DynamoDB's actions, and
/// for each part of a transaction, which takes the action of its kind of write.
pub(crate) trait Operations {
    /// The table's name.
    fn name(names: &Tables) -> &str;
    /// `dynamodb:GetItem`
    fn get_item(client: &Client) -> GetItemFluentBuilder;
    /// `dynamodb:BatchGetItem`
    fn batch_get_item(client: &Client) -> BatchGetItemFluentBuilder;
    /// `dynamodb:Query`, of the table or an index of it
    fn query(client: &Client) -> QueryFluentBuilder;
    /// `dynamodb:SearchVectors`
    fn search_vectors(client: &Client) -> SearchVectorsFluentBuilder;
    /// `dynamodb:UpdateItem`
    fn update_item(client: &Client) -> UpdateItemFluentBuilder;
    /// `dynamodb:DeleteItem`
    fn delete_item(client: &Client) -> DeleteItemFluentBuilder;
    /// `dynamodb:BatchWriteItem`
    fn batch_write_item(client: &Client) -> BatchWriteItemFluentBuilder;
    /// `dynamodb:PutItem`, in a transaction
    fn put() -> PutBuilder;
    /// `dynamodb:UpdateItem`, in a transaction
    fn update() -> UpdateBuilder;
    /// `dynamodb:DeleteItem`, in a transaction
    fn delete() -> DeleteBuilder;
    /// `dynamodb:ConditionCheckItem`, in a transaction
    fn check() -> ConditionCheckBuilder;
}

macro_rules! tables {
    ($($(#[$says:meta])* $table:ident: $field:ident,)*) => {$(
        $(#[$says])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $table {}

        impl Operations for $table {
            fn name(names: &Tables) -> &str {
                &names.$field
            }

            #[inline(never)]
            fn get_item(client: &Client) -> GetItemFluentBuilder {
                client.get_item()
            }

            #[inline(never)]
            fn batch_get_item(client: &Client) -> BatchGetItemFluentBuilder {
                client.batch_get_item()
            }

            #[inline(never)]
            fn query(client: &Client) -> QueryFluentBuilder {
                client.query()
            }

            #[inline(never)]
            fn search_vectors(client: &Client) -> SearchVectorsFluentBuilder {
                client.search_vectors()
            }

            #[inline(never)]
            fn update_item(client: &Client) -> UpdateItemFluentBuilder {
                client.update_item()
            }

            #[inline(never)]
            fn delete_item(client: &Client) -> DeleteItemFluentBuilder {
                client.delete_item()
            }

            #[inline(never)]
            fn batch_write_item(client: &Client) -> BatchWriteItemFluentBuilder {
                client.batch_write_item()
            }

            #[inline(never)]
            fn put() -> PutBuilder {
                Put::builder()
            }

            #[inline(never)]
            fn update() -> UpdateBuilder {
                Update::builder()
            }

            #[inline(never)]
            fn delete() -> DeleteBuilder {
                Delete::builder()
            }

            #[inline(never)]
            fn check() -> ConditionCheckBuilder {
                ConditionCheck::builder()
            }
        }
    )*};
}

tables! {
    /// Drafts with their conversations and runs.
    DraftsTable: drafts,
    /// Committed prompts.
    LibraryTable: library,
    /// Topics with their articles and feeds.
    ArticlesTable: articles,
    /// Quotas, figures, repeats, imports.
    UsageTable: usage,
}

/// A table and the client that reaches it.
#[derive(Debug)]
pub(crate) struct Table<T> {
    /// The client, for transactions over several tables.
    pub(super) client: Client,
    name: String,
    of: PhantomData<T>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), name: self.name.clone(), of: PhantomData }
    }
}

impl<T: Operations> Table<T> {
    /// The table that `names` has.
    pub(super) fn new(client: &Client, names: &Tables) -> Self {
        Self { client: client.clone(), name: T::name(names).to_owned(), of: PhantomData }
    }

    /// The item at a key, read consistently.
    pub(super) async fn get(&self, key: keys::Key) -> Result<Option<Item>, StoreError> {
        Ok(self.get_item(key).consistent_read(true).send().await?.item)
    }

    /// A read of one item.
    pub(super) fn get_item(&self, key: keys::Key) -> GetItemFluentBuilder {
        T::get_item(&self.client).table_name(&self.name).set_key(Some(key.item()))
    }

    /// A read of many items, by their keys.
    pub(super) fn batch_get_item(&self) -> BatchGetItemFluentBuilder {
        T::batch_get_item(&self.client)
    }

    /// A read of neighbouring items.
    pub(super) fn query(&self) -> QueryFluentBuilder {
        T::query(&self.client).table_name(&self.name)
    }

    /// A search by likeness.
    pub(super) fn search_vectors(&self) -> SearchVectorsFluentBuilder {
        T::search_vectors(&self.client).table_name(&self.name)
    }

    /// A change of one item.
    pub(super) fn update_item(&self, key: keys::Key) -> UpdateItemFluentBuilder {
        T::update_item(&self.client).table_name(&self.name).set_key(Some(key.item()))
    }

    /// A removal of one item.
    pub(super) fn delete_item(&self, key: keys::Key) -> DeleteItemFluentBuilder {
        T::delete_item(&self.client).table_name(&self.name).set_key(Some(key.item()))
    }

    /// Writes of many items, each by itself.
    pub(super) fn batch_write_item(&self) -> BatchWriteItemFluentBuilder {
        T::batch_write_item(&self.client)
    }

    /// A part of a transaction that puts an item.
    pub(super) fn put(&self) -> PutBuilder {
        T::put().table_name(&self.name)
    }

    /// A part of a transaction that changes an item.
    pub(super) fn update(&self, key: keys::Key) -> UpdateBuilder {
        T::update().table_name(&self.name).set_key(Some(key.item()))
    }

    /// A part of a transaction that removes an item.
    pub(super) fn delete(&self, key: keys::Key) -> DeleteBuilder {
        T::delete().table_name(&self.name).set_key(Some(key.item()))
    }

    /// A part of a transaction that only looks at an item.
    pub(super) fn check(&self, key: keys::Key) -> ConditionCheckBuilder {
        T::check().table_name(&self.name).set_key(Some(key.item()))
    }

    /// Its name, by which a batch's answers tell it apart.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}
