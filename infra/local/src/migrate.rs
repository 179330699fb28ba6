//! Articles of an earlier version, or with vectors of other dimensions: their
//! table lacks an index that this one asks for, and is made anew.
//!
//! First all that is there is written to a file beside it; only then the table
//! goes. The file goes last, so that a crash at any moment is made good by the
//! next start.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::app::App;
use shared::corpus::{Target, import};
use shared::domain::article::Article;
use shared::domain::time::Timestamp;
use shared::store::{Followed, tables};

/// One line of the file: a topic, or something of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    topic: Named,
    article: Option<Article>,
    feed: Option<Followed>,
    /// An article that was deleted, which no feed is to bring back.
    #[serde(default)]
    deleted: Option<Deleted>,
}

/// A topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Named {
    topic: String,
    sample: bool,
    #[serde(default)]
    made_by: Option<String>,
    #[serde(default)]
    made_at: Option<Timestamp>,
    /// A topic of the sample that was deleted, and isn't to be installed again.
    #[serde(default)]
    is_deleted: bool,
}

#[derive(Serialize, Deserialize)]
struct Deleted {
    id: String,
    at: Timestamp,
}

/// All that a topic holds, as it is carried over.
#[derive(Default)]
struct Belongings {
    articles: Vec<Article>,
    feeds: Vec<Followed>,
    deleted: Vec<Deleted>,
}

fn file_of(data_dir: &Path) -> PathBuf {
    data_dir.join("articles-to-bring-over.jsonl")
}

/// Puts the articles of a table that lacks an index into the file, and takes the
/// table away. Nothing happens to one that is as it should be.
pub async fn put_aside(app: &App, client: &Client, data_dir: &Path) -> anyhow::Result<()> {
    let table = &app.config.tables.articles;
    let Ok(described) = client.describe_table().table_name(table).send().await else { return Ok(()) };
    let described = described.table.context("a table without a description")?;
    let has = described.vector_indexes().iter().filter_map(|index| index.index_name());
    let wanted = tables::specs(&app.config.tables, app.config.dimensions());
    let wanted = wanted.iter().filter_map(|spec| spec.vectors.as_ref()).map(|vectors| vectors.name.as_str());
    let has: Vec<_> = has.collect();
    if wanted.into_iter().all(|name| has.contains(&name)) {
        return Ok(());
    }
    let file = file_of(data_dir);
    if !file.exists() {
        let lines = read(client, table).await.context("The articles of the earlier version can't be read")?;
        let unfinished = file.with_extension("unfinished");
        std::fs::write(&unfinished, lines)?;
        std::fs::rename(&unfinished, &file)?;
    }
    client.delete_table().table_name(table).send().await?;
    Ok(())
}

/// Imports what was put aside.
pub async fn bring_over(app: &App, data_dir: &Path) -> anyhow::Result<()> {
    let file = file_of(data_dir);
    let Ok(lines) = std::fs::read_to_string(&file) else { return Ok(()) };
    let mut topics: BTreeMap<Named, Belongings> = BTreeMap::new();
    for line in lines.lines() {
        let Kept { topic, article, feed, deleted } = serde_json::from_str(line)?;
        let belongings = topics.entry(topic).or_default();
        belongings.articles.extend(article);
        belongings.feeds.extend(feed);
        belongings.deleted.extend(deleted);
    }
    let count: usize = topics.values().map(|belongings| belongings.articles.len()).sum();
    let store = app.store();
    for (named, Belongings { articles, feeds, deleted }) in topics {
        let Named { topic, sample, made_by, made_at, is_deleted } = named;
        if is_deleted {
            store.removals.keep_deleted_sample(&topic).await?;
            continue;
        }
        let made_at = made_at.unwrap_or_else(|| app.now());
        store.articles.topic_or_new(&topic, made_by.as_deref(), sample, made_at).await?;
        import(app, &mut Target::of_feed(&topic), articles, app.now()).await?;
        for Deleted { id, at } in deleted {
            store.removals.keep_mark(&topic, id.parse()?, at).await?;
        }
        for feed in feeds {
            store.feeds.follow(&feed).await?;
        }
    }
    std::fs::remove_file(&file)?;
    tracing::warn!(articles = count, "the articles of an earlier version were brought over");
    Ok(())
}

/// Every topic, article, feed and mark of a deletion of the table, a line each.
async fn read(client: &Client, table: &str) -> anyhow::Result<String> {
    let mut names: BTreeMap<String, Named> = BTreeMap::new();
    let mut belongings = Vec::new();
    let mut pages = client.scan().table_name(table).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let item = item?;
        let text =
            |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let time = |name: &str| text(name).parse::<Timestamp>().ok();
        let (pk, sk) = (text("pk"), text("sk"));
        if pk == "TOPICS" {
            let sample = item.get("sample").and_then(|value| value.as_bool().ok()).copied().unwrap_or(false);
            let made_by = Some(text("made_by")).filter(|user| !user.is_empty());
            let made_at = time("made_at");
            names.insert(sk, Named { topic: text("name"), sample, made_by, made_at, is_deleted: false });
        } else if let Some(slug) = sk.strip_prefix("SAMPLE#").filter(|_| pk == "REMOVALS") {
            let topic = slug.to_owned();
            names.insert(sk, Named { topic, sample: true, made_by: None, made_at: None, is_deleted: true });
        } else if pk.starts_with("TOPIC#") {
            let fields: serde_json::Map<_, _> =
                item.iter().filter_map(|(name, value)| Some((name.clone(), json_of(value)?))).collect();
            let fields = Value::Object(fields);
            let is_whole = item.contains_key("url");
            let belonging = match (sk.split_at_checked(2), time("deleted_at")) {
                (Some(("A#", _)), None) if is_whole => (Some(serde_json::from_value(fields)?), None, None),
                (Some(("F#", _)), None) if is_whole => (None, Some(serde_json::from_value(fields)?), None),
                (Some(("A#", id)), Some(at)) => (None, None, Some(Deleted { id: id.to_owned(), at })),
                _ => continue,
            };
            belongings.push((pk, belonging));
        }
    }
    let of_topics = names.values().cloned().map(|topic| (topic, (None, None, None)));
    let of_belongings =
        belongings.into_iter().filter_map(|(pk, belonging)| Some((names.get(&pk)?.clone(), belonging)));
    let mut lines = String::new();
    for (topic, (article, feed, deleted)) in of_topics.chain(of_belongings) {
        lines.push_str(&serde_json::to_string(&Kept { topic, article, feed, deleted })?);
        lines.push('\n');
    }
    Ok(lines)
}

/// A value of a field as JSON; none for bytes, which no article or feed has.
fn json_of(value: &AttributeValue) -> Option<Value> {
    match value {
        AttributeValue::S(text) => Some(Value::String(text.clone())),
        AttributeValue::Bool(is) => Some(Value::Bool(*is)),
        AttributeValue::N(number) => serde_json::from_str(number).ok(),
        AttributeValue::Null(_) => Some(Value::Null),
        AttributeValue::M(map) => {
            let fields = map.iter().filter_map(|(name, value)| Some((name.clone(), json_of(value)?)));
            Some(Value::Object(fields.collect()))
        }
        AttributeValue::L(list) => list.iter().map(json_of).collect::<Option<Vec<_>>>().map(Value::Array),
        _ => None,
    }
}
