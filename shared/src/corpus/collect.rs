//! Feeds into topics: following one, collecting it, and what that says of it.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use tokio::time::Instant;
use url::Url;

use super::import::{ImportStopped, Target, import};
use crate::app::App;
use crate::domain::identity::canonical_url;
use crate::domain::time::Timestamp;
use crate::feeds::{self, CollectError, Collected, Feed, Health, Validators};
use crate::store::{FeedClaim, Followed, Following, Made, StoreError, feed_id};

/// Somebody who asks for a feed asks again after this at the earliest, in milliseconds.
pub const REST_MS: i64 = 60_000;
/// Feeds of one go: what is left is found by the next.
const DUE_MAX: u32 = 40;
/// Hosts that are asked at the same time. One host is asked for one feed after
/// the other.
const HOSTS: usize = 4;

/// What came of asking to follow a feed.
#[derive(Debug)]
pub enum Follow {
    /// It is followed, and was collected.
    Followed(Box<Feed>),
    /// It is followed already.
    Already,
    /// The topic follows as many feeds as it may.
    TooMany,
    /// It can't be followed: a sentence that says why.
    Refused(String),
    /// An earlier topic of the name is still being removed, or the topic was deleted meanwhile.
    Stopped(ImportStopped),
}

/// What came of asking to collect a feed.
#[derive(Debug)]
pub enum Collect {
    /// It was collected, or could not be: the feed says so.
    Done(Box<Feed>),
    /// That was done a moment ago, or is being done: ask again after so many seconds.
    TooSoon(u64),
    /// The topic doesn't follow it.
    Gone,
}

/// Follows the feed at `url`, once it has shown that it is one. A feed that
/// can't be reached just now is followed all the same. The topic is made as
/// `user_id`'s if need be.
pub async fn follow(app: &App, topic: &str, user_id: &str, url: &str) -> Result<Follow, StoreError> {
    let now = app.now();
    let Ok(url) = Url::parse(url.trim()) else {
        return Ok(Follow::Refused(
            "This is not a web address. A feed's begins with https:// or http://.".to_owned(),
        ));
    };
    let url = canonical_url(&url);
    let store = &app.store().feeds;
    let feeds = store.list(topic).await?;
    if feeds.iter().any(|feed| feed.id == feed_id(url.as_str())) {
        return Ok(Follow::Already);
    }
    let collected = collected(app, &url, &Validators::default(), now).await;
    if let Err(error) = &collected
        && !error.may_retry()
    {
        return Ok(Follow::Refused(error.sentence()));
    }
    let made = app.store().articles.topic_or_new(topic, Some(user_id), false, app.now()).await?;
    if made == Made::Removing {
        return Ok(Follow::Stopped(ImportStopped::TopicRemoving));
    }
    let mut followed = Followed {
        feed: Feed {
            id: feed_id(url.as_str()),
            title: url.host_str().unwrap_or_default().to_owned(),
            url: url.into(),
            site_url: None,
            health: Health::waiting(now),
            articles_added: 0,
            last_added: 0,
            last_rejected: 0,
            created_at: now,
        },
        topic: topic.to_owned(),
        validators: Validators::default(),
        claimed_until: Some(now.plus_millis(REST_MS)),
    };
    match store.follow(&followed).await? {
        Following::Followed => {}
        Following::Already => return Ok(Follow::Already),
        Following::TooMany => return Ok(Follow::TooMany),
        Following::TopicGone => return Ok(Follow::Stopped(ImportStopped::TopicGone)),
    }
    match take_up(app, &mut followed, collected, now).await {
        Ok(()) => {}
        Err(ImportStopped::Store(error)) => return Err(error),
        Err(stopped) => return Ok(Follow::Stopped(stopped)),
    }
    store.keep(&followed).await?;
    Ok(Follow::Followed(Box::new(followed.feed)))
}

/// Collects a feed because somebody asks for it.
pub async fn collect_now(app: &App, topic: &str, id: &str) -> Result<Collect, StoreError> {
    let now = app.now();
    match app.store().feeds.claim(topic, id, REST_MS, now).await? {
        FeedClaim::Gone => Ok(Collect::Gone),
        FeedClaim::Held(held) => {
            let since = held.feed.health.last_checked_at.map_or(0, |at| now.millis_since(at));
            let left = (REST_MS - since).clamp(1_000, REST_MS);
            Ok(Collect::TooSoon(left.unsigned_abs().div_ceil(1_000)))
        }
        FeedClaim::Claimed(followed) => {
            Ok(one(app, *followed).await?.map_or(Collect::Gone, |feed| Collect::Done(Box::new(feed))))
        }
    }
}

/// Collects the feeds that are due, until `end`. One that fails is left to its
/// next time and costs the others nothing; how many were collected, and how
/// many failed.
pub async fn collect_due(app: &App, end: Instant) -> Result<(u32, u32), StoreError> {
    let store = &app.store().feeds;
    let mut by_host: HashMap<String, Vec<Followed>> = HashMap::new();
    for (topic, id) in store.due(app.now(), DUE_MAX).await? {
        if let Some(followed) = store.get(&topic, &id).await? {
            let host = Url::parse(&followed.feed.url).ok().and_then(|url| url.host_str().map(str::to_owned));
            by_host.entry(host.unwrap_or_default()).or_default().push(followed);
        }
    }
    let hosts = by_host.into_values().map(|feeds| async move {
        let (mut worked, mut failed) = (0, 0);
        for Followed { feed, topic, .. } in feeds {
            if Instant::now() >= end {
                break;
            }
            match in_turn(app, &topic, &feed.id).await {
                Ok(None) => {}
                Ok(Some(feed)) if feed.health.failures == 0 => worked += 1,
                Ok(Some(_)) => failed += 1,
                Err(error) => {
                    tracing::error!(feed = feed.id, %error, "a feed's articles could not be kept; they come again");
                    failed += 1;
                }
            }
        }
        (worked, failed)
    });
    let counts: Vec<(u32, u32)> = stream::iter(hosts).buffer_unordered(HOSTS).collect().await;
    Ok(counts.into_iter().fold((0, 0), |(all, none), (worked, failed)| (all + worked, none + failed)))
}

/// Collects a feed, unless somebody else does or it isn't due any more.
async fn in_turn(app: &App, topic: &str, id: &str) -> Result<Option<Feed>, StoreError> {
    let now = app.now();
    match app.store().feeds.claim(topic, id, 0, now).await? {
        FeedClaim::Claimed(followed) if followed.feed.health.is_due(now) => one(app, *followed).await,
        FeedClaim::Claimed(followed) => {
            app.store().feeds.keep(&followed).await?;
            Ok(None)
        }
        FeedClaim::Held(_) | FeedClaim::Gone => Ok(None),
    }
}

/// Collects a feed that is the caller's; `None` when its topic was deleted meanwhile.
async fn one(app: &App, mut followed: Followed) -> Result<Option<Feed>, StoreError> {
    let now = app.now();
    let collected = match Url::parse(&followed.feed.url) {
        Ok(url) => collected(app, &url, &followed.validators, now).await,
        Err(_) => Err(feeds::FetchError::Unreachable(std::io::ErrorKind::InvalidInput).into()),
    };
    match take_up(app, &mut followed, collected, now).await {
        Ok(()) => {}
        Err(ImportStopped::Store(error)) => return Err(error),
        Err(ImportStopped::TopicGone | ImportStopped::TopicRemoving) => return Ok(None),
    }
    app.store().feeds.keep(&followed).await?;
    Ok(Some(followed.feed))
}

async fn collected(
    app: &App,
    url: &Url,
    validators: &Validators,
    now: Timestamp,
) -> Result<Collected, CollectError> {
    let fetcher = app.fetcher().ok_or(feeds::FetchError::Insecure)?;
    feeds::collect(fetcher, url, validators, now).await
}

/// Keeps what a collection brought, and notes in `followed` how it went.
async fn take_up(
    app: &App,
    followed: &mut Followed,
    collected: Result<Collected, CollectError>,
    now: Timestamp,
) -> Result<(), ImportStopped> {
    let Followed { feed, topic, validators, .. } = followed;
    let collected = match collected {
        Ok(collected) => collected,
        Err(error) => {
            tracing::warn!(feed = feed.id, %error, "a feed could not be collected");
            feed.health = feed.health.after_failure(&error.failure(), feed.created_at, now, app.jitter());
            return Ok(());
        }
    };
    if let Some(read) = collected.feed {
        let (articles, rejected): (Vec<_>, Vec<_>) = read.entries.into_iter().partition(Result::is_ok);
        let articles = articles.into_iter().flatten().collect();
        let imported = import(app, &mut Target::of_feed(topic), articles, now).await?;
        feed.title = read.title;
        feed.site_url = read.site_url.map(String::from);
        feed.articles_added = feed.articles_added.saturating_add(imported.added);
        feed.last_added = u32::try_from(imported.added).unwrap_or(u32::MAX);
        feed.last_rejected = u32::try_from(rejected.len()).unwrap_or(u32::MAX);
        tracing::info!(
            feed = feed.id,
            added = imported.added,
            updated = imported.updated,
            duplicates = imported.duplicates,
            rejected = feed.last_rejected,
            "a feed was collected"
        );
    } else {
        feed.last_added = 0;
        feed.last_rejected = 0;
    }
    *validators = collected.validators;
    if let Some(moved_to) = collected.moved_to {
        feed.url = moved_to.into();
    }
    feed.health = feed.health.after_success(collected.asked_pause, now, app.jitter());
    Ok(())
}
