//! What the tables are: keys, indexes, TTL and streams. The local machine
//! makes them from this; the template that is deployed is held to it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, SearchSchemaElement, SearchSchemaElementType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification, VectorAttributeDefinition, VectorDistanceFunction, VectorIndex,
};

use super::{StoreError, keys, meaning};
use crate::config::Tables;

/// A table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Its name.
    pub name: String,
    /// Its indexes.
    pub indexes: Vec<IndexSpec>,
    /// Its index of vectors.
    pub vectors: Option<VectorSpec>,
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

/// An index of vectors, compared by the cosine of their angle.
#[derive(Clone, Debug)]
pub struct VectorSpec {
    /// Its name.
    pub name: String,
    /// The attribute that has the vector.
    pub vector: &'static str,
    /// Numbers of a vector.
    pub dimensions: u32,
    /// What it is cut by: a search is within one value of it.
    pub hash: &'static str,
    /// Attributes that a search may ask to be equal to. It carries the keys only.
    pub filters: &'static [&'static str],
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

/// What lists and counts of articles need.
const LISTED: &[&str] = &["category", "sentiment", "source"];

/// The tables of `names`, with vectors of so many `dimensions`.
pub fn specs(names: &Tables, dimensions: u32) -> [TableSpec; 4] {
    let index = |name, hash, range, carries| IndexSpec { name, hash, range, range_is_number: false, carries };
    [
        TableSpec {
            name: names.drafts.clone(),
            indexes: vec![
                index(keys::BY_OWNER, "list_pk", "list_sk", Some(SUMMARY)),
                index(keys::BY_DUE, "open_pk", "open_sk", Some(&[])),
            ],
            vectors: None,
            expires: true,
            streams: true,
        },
        TableSpec {
            name: names.library.clone(),
            indexes: vec![
                index(keys::BY_CHANGE, "listing", "changed", None),
                IndexSpec { range_is_number: true, ..index(keys::BY_CLONES, "listing", "clone_count", None) },
            ],
            vectors: None,
            expires: false,
            streams: false,
        },
        TableSpec {
            name: names.articles.clone(),
            indexes: vec![
                index(keys::BY_TIME, "pk", "published_at", Some(LISTED)),
                index(keys::BY_DUE, "due_pk", "due_sk", Some(&[])),
            ],
            vectors: Some(VectorSpec {
                name: keys::by_meaning(dimensions),
                vector: meaning::VECTOR,
                dimensions,
                hash: meaning::PARTITION,
                filters: &meaning::FILTERS,
            }),
            expires: false,
            streams: false,
        },
        TableSpec {
            name: names.usage.clone(),
            indexes: Vec::new(),
            vectors: None,
            expires: true,
            streams: false,
        },
    ]
}

/// Makes the tables that are not there yet, where nothing else deploys them.
pub async fn create_missing(client: &Client, names: &Tables, dimensions: u32) -> Result<(), StoreError> {
    for spec in specs(names, dimensions) {
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
    if let Some(vectors) = &spec.vectors {
        for name in std::iter::once(&vectors.hash).chain(vectors.filters) {
            call = call.attribute_definitions(attribute(name, ScalarAttributeType::S)?);
        }
        call = call.vector_indexes(vector_index(vectors)?);
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

fn vector_index(spec: &VectorSpec) -> Result<VectorIndex, BuildError> {
    let element = |name: &str, kind| {
        SearchSchemaElement::builder().attribute_name(name).search_schema_element_type(kind).build()
    };
    let filters = spec.filters.iter().map(|name| element(name, SearchSchemaElementType::InlineFilter));
    let schema = std::iter::once(element(spec.hash, SearchSchemaElementType::Hash)).chain(filters);
    VectorIndex::builder()
        .index_name(&spec.name)
        .vector_attribute(VectorAttributeDefinition::builder().attribute_name(spec.vector).build()?)
        .dimensions(i64::from(spec.dimensions))
        .distance_function(VectorDistanceFunction::Cosine)
        .set_search_schema(Some(schema.collect::<Result<_, _>>()?))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
        .build()
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}

fn attribute(name: &str, kind: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
}
