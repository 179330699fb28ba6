//! What the tables are: keys, indexes, TTL and streams. The local machine
//! makes them from this; the template that is deployed is held to it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
};

use super::{StoreError, keys};
use crate::config::Tables;

/// A table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// Its indexes.
    pub indexes: Vec<IndexSpec>,
    /// Whether items expire by their attribute `ttl`, in seconds.
    pub expires: bool,
    /// Whether its stream tells of removed items.
    pub streams: bool,
}

/// A global secondary index.
#[derive(Clone, Debug)]
pub struct IndexSpec {
    /// Its name.
    pub name: &'static str,
    /// Partition key; always text.
    pub hash: &'static str,
    /// Sort key.
    pub range: &'static str,
    /// Whether the sort key is a number; text otherwise.
    pub range_is_number: bool,
    /// Attributes it carries besides the keys; `None` for all.
    pub carries: Option<&'static [&'static str]>,
}

/// What a list of drafts shows.
const SUMMARY: &[&str] = &[
    "id",
    "draft_name",
    "draft_description",
    "status",
    "parent_prompt_name",
    "content_length",
    "test_count",
    "revision",
    "created_at",
    "updated_at",
    "expires_at",
];

/// The tables of `names`.
pub fn specs(names: &Tables) -> [TableSpec; 4] {
    let index = |name, hash, range, carries| IndexSpec { name, hash, range, range_is_number: false, carries };
    [
        TableSpec {
            name: names.drafts.clone(),
            indexes: vec![
                index(keys::BY_OWNER, "list_pk", "list_sk", Some(SUMMARY)),
                index(keys::BY_DUE, "open_pk", "open_sk", Some(&[])),
            ],
            expires: true,
            streams: true,
        },
        TableSpec {
            name: names.library.clone(),
            indexes: vec![
                index(keys::BY_CHANGE, "listing", "changed", None),
                IndexSpec { range_is_number: true, ..index(keys::BY_CLONES, "listing", "clone_count", None) },
            ],
            expires: false,
            streams: false,
        },
        TableSpec {
            name: names.articles.clone(),
            indexes: vec![index(keys::BY_TIME, "pk", "published_at", None)],
            expires: false,
            streams: false,
        },
        TableSpec { name: names.usage.clone(), indexes: Vec::new(), expires: true, streams: false },
    ]
}

/// Makes the tables that are not there yet, where nothing else deploys them.
pub async fn create_missing(client: &Client, names: &Tables) -> Result<(), StoreError> {
    for spec in specs(names) {
        let described = client.describe_table().table_name(&spec.name).send().await;
        if described.is_err() {
            create(client, &spec).await?;
        }
    }
    Ok(())
}

async fn create(client: &Client, spec: &TableSpec) -> Result<(), StoreError> {
    let mut call = client
        .create_table()
        .table_name(&spec.name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash)?)
        .key_schema(key("sk", KeyType::Range)?)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S)?)
        .attribute_definitions(attribute("sk", ScalarAttributeType::S)?);
    let mut defined = vec!["pk", "sk"];
    for index in &spec.indexes {
        let range_type = if index.range_is_number { ScalarAttributeType::N } else { ScalarAttributeType::S };
        for (name, kind) in [(index.hash, ScalarAttributeType::S), (index.range, range_type)] {
            if !defined.contains(&name) {
                defined.push(name);
                call = call.attribute_definitions(attribute(name, kind)?);
            }
        }
        let projection = match index.carries {
            None => Projection::builder().projection_type(ProjectionType::All),
            Some([]) => Projection::builder().projection_type(ProjectionType::KeysOnly),
            Some(names) => Projection::builder()
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(names.iter().map(|&name| name.to_owned()).collect())),
        };
        call = call.global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name(index.name)
                .key_schema(key(index.hash, KeyType::Hash)?)
                .key_schema(key(index.range, KeyType::Range)?)
                .projection(projection.build())
                .build()?,
        );
    }
    if spec.streams {
        call = call.stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::OldImage)
                .build()?,
        );
    }
    if let Err(error) = call.send().await {
        let in_use = error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception());
        if !in_use {
            return Err(StoreError::Broken(DisplayErrorContext(error).to_string()));
        }
    }
    if spec.expires {
        let ttl = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(true).build()?;
        client.update_time_to_live().table_name(&spec.name).time_to_live_specification(ttl).send().await?;
    }
    Ok(())
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}
