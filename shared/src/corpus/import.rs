//! Articles into a topic.
//!
//! An article is known by its address; the same text under another address is
//! kept as one more address of the first. What is as it was is not written
//! again, so that a feed which repeats itself costs reads only.
//!
//! A topic that is deleted meanwhile gets nothing more: an import goes into the
//! topic that was there when it began, or that it made, and into no later one of
//! the same name.
//!
//! In this order, so that whatever is found can be read: words, then the keys
//! that copies are recognised by, then the articles with their vectors. A crash
//! between leaves words of articles that aren't there, which no search shows,
//! and the import that is tried again completes them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout_at};

use super::embeddings::Embedder;
use crate::app::App;
use crate::domain::article::{Article, ArticleId};
use crate::domain::copies::Likeness;
use crate::domain::removal::UNDER_WAY_MS;
use crate::domain::signature::{Signature, signature};
use crate::domain::time::Timestamp;
use crate::domain::words::Indexed;
use crate::store::{Additions, CHUNK, Copied, Known, Made, Prepared, StoreError, TopicState};

/// An import looks again whether its topic is there after this time: half of [`UNDER_WAY_MS`].
const LOOK_AGAIN: Duration = Duration::from_millis(UNDER_WAY_MS / 2);
/// Articles that are worked on together: 256 writes of words are shared by them.
pub const BATCH: usize = 980;
/// Characters of an article's text that its vector is made of, beside its title.
const MEANT: usize = 1_500;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// Articles that were not there before.
    pub added: u64,
    /// Articles whose address was there, now as imported.
    pub updated: u64,
    /// Addresses of texts that are there already.
    pub duplicates: u64,
}

/// Where articles go, and what they may do there.
#[derive(Clone, Debug)]
pub struct Target {
    topic: String,
    by: By,
    /// When its topic was made, once the import has begun.
    began: Option<Option<Timestamp>>,
}

/// Who imports. It decides whether a topic may be made, and whether a deleted article comes back.
#[derive(Clone, Debug)]
enum By {
    /// A person: the topic is made as theirs if need be, and an article that
    /// was deleted comes back.
    Person(String),
    /// What ships with the product: likewise, and nobody's.
    Sample,
    /// A feed: the topic is there, and an article that was deleted stays so.
    Feed,
}

impl Target {
    /// A topic, for a person.
    pub fn of_person(topic: &str, user_id: &str) -> Self {
        Self { topic: topic.to_owned(), by: By::Person(user_id.to_owned()), began: None }
    }

    /// A topic of the sample collection.
    pub fn of_sample(topic: &str) -> Self {
        Self { topic: topic.to_owned(), by: By::Sample, began: None }
    }

    /// A topic that follows a feed.
    pub fn of_feed(topic: &str) -> Self {
        Self { topic: topic.to_owned(), by: By::Feed, began: None }
    }

    /// The same for an import that goes on: into the topic made at `began`.
    pub fn going_on(self, began: Option<Option<Timestamp>>) -> Self {
        Self { began, ..self }
    }

    /// When its topic was made, once the import has begun; `Some(None)` for a
    /// topic from before this was kept.
    pub fn began(&self) -> Option<Option<Timestamp>> {
        self.began
    }

    /// Begins: the import goes into the topic that is there now, or that it makes, and into no later one.
    pub async fn begin(&mut self, app: &App) -> Result<(), ImportStopped> {
        self.state(app).await.map(drop)
    }

    /// Its topic as it is now.
    async fn state(&mut self, app: &App) -> Result<TopicState, ImportStopped> {
        let store = &app.store().articles;
        let made_by = match &self.by {
            By::Person(user_id) => Some(user_id.as_str()),
            By::Sample | By::Feed => None,
        };
        let state = if self.began.is_some() || matches!(self.by, By::Feed) {
            store.topic(&self.topic).await?.ok_or(ImportStopped::TopicGone)?
        } else {
            let sample = matches!(self.by, By::Sample);
            match store.topic_or_new(&self.topic, made_by, sample, app.now()).await? {
                Made::There(state) => state,
                Made::Removing => return Err(ImportStopped::TopicRemoving),
            }
        };
        if self.began.is_some_and(|made_at| made_at != state.made_at) {
            return Err(ImportStopped::TopicGone);
        }
        self.began = Some(state.made_at);
        Ok(state)
    }
}

/// Why an import did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportStopped {
    /// An earlier topic of the name is still being removed: nothing was imported.
    #[error("an earlier topic of the name is being removed")]
    TopicRemoving,
    /// The topic was deleted meanwhile, with what was imported.
    #[error("the topic was deleted during the import")]
    TopicGone,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Import {
    fn add(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.duplicates += other.duplicates;
    }
}

/// Adds `articles` to a topic. In order: of two with one address the later
/// stays. An article whose time is `now` is taken for one that has none of its
/// own, and keeps the time it was first met with.
pub async fn import(
    app: &App,
    target: &mut Target,
    articles: Vec<Article>,
    now: Timestamp,
) -> Result<Import, ImportStopped> {
    let mut done = Import::default();
    let mut left = articles.into_iter().peekable();
    while left.peek().is_some() {
        let batch: Vec<_> = left.by_ref().take(BATCH).collect();
        done.add(batch_of(app, target, batch, now).await?);
    }
    Ok(done)
}

/// Makes additions to a topic, and looks again and again whether the topic is still there. The
/// removal of what was deleted begins [`UNDER_WAY_MS`] after the deletion: what is added later could
/// stay behind, so that nothing is sent so long after the last look.
async fn add(
    app: &App,
    target: &mut Target,
    looked_at: &mut Instant,
    mut additions: Additions,
) -> Result<(), ImportStopped> {
    // Each turn makes a hundred or more of them.
    loop {
        let made = additions.make(*looked_at + LOOK_AGAIN);
        let made = timeout_at(*looked_at + Duration::from_millis(UNDER_WAY_MS), made).await;
        if made.map_err(|_| StoreError::Busy("additions to a topic took too long".to_owned()))?? {
            return Ok(());
        }
        *looked_at = Instant::now();
        target.state(app).await?;
    }
}

async fn batch_of(
    app: &App,
    target: &mut Target,
    articles: Vec<Article>,
    now: Timestamp,
) -> Result<Import, ImportStopped> {
    let store = &app.store().articles;
    let mut done = Import::default();
    let all = articles.len();
    let wanted = newest_of_each(articles);
    // Of several lines with one address each is an update of the one before.
    done.updated += (all - wanted.len()) as u64;
    let ids: Vec<_> = wanted.iter().map(|(id, _)| *id).collect();
    let topic = target.topic.clone();
    let topic = topic.as_str();
    let mut looked_at = Instant::now();
    // In this order: what is known could be of an earlier topic otherwise.
    let state = target.state(app).await?;
    let mut known = store.known(topic, &ids).await?;
    if matches!(target.by, By::Person(_)) {
        store.mark_stray_copies(topic, &mut known, app.now()).await?;
    }

    let mut changed = Vec::new();
    let mut unknown = Vec::new();
    for (id, article) in wanted {
        let digest = digest(&article, now);
        let signature = signature(&article.title, article.body());
        match known.get(&id) {
            Some(Known::Article { digest: before, .. }) if *before == digest => done.updated += 1,
            Some(Known::Article { .. }) => changed.push((id, article, digest, signature)),
            Some(Known::Copy(_)) => done.duplicates += 1,
            Some(Known::Deleted(_)) if !matches!(target.by, By::Person(_)) => {}
            Some(Known::Deleted(_)) | None => unknown.push((id, article, digest, signature)),
        }
    }
    let before = state.articles;
    let keys_of = |articles: &[(ArticleId, Article, String, Signature)]| -> BTreeSet<u64> {
        articles.iter().flat_map(|(.., signature)| signature.keys().iter().copied()).collect()
    };
    let mut stories = Stories::of_keys(app, topic, &keys_of(&unknown), &keys_of(&changed), before).await?;
    let mut copies = Vec::new();
    for (id, article, digest, signature) in unknown {
        let likeness = Likeness::of(&article, signature.clone(), article.published_at != now);
        match stories.first_of(&likeness) {
            Some(first) => copies.push((article.url, first)),
            None => {
                stories.add(id, likeness);
                changed.push((id, article, digest, signature));
            }
        }
    }

    let indexed: Vec<_> = changed.iter().map(|(id, article, ..)| Indexed::of(*id, article)).collect();
    let additions = app.store().words.additions(topic, &indexed, state.postings);
    let keys = changed.iter().map(|(id, _, _, signature)| (*id, stories.tells(*id, signature)));
    let then = app.store().stories.additions(topic, keys, before);
    let words = async {
        add(app, target, &mut looked_at, additions).await?;
        add(app, target, &mut looked_at, then).await
    };
    let vectors = vectors(app, changed.iter().map(|(_, article, ..)| article));
    let (vectors, words) = futures::join!(vectors, words);
    words?;
    let meant = vectors.as_ref().map(|_| Embedder::of(app).kind());
    let vectors = vectors.unwrap_or_else(|| vec![None; changed.len()]);
    let prepared: Vec<_> = changed
        .into_iter()
        .zip(indexed)
        .zip(vectors)
        .map(|(((id, article, digest, signature), indexed), vector)| Prepared {
            id,
            article,
            digest,
            signature,
            length: indexed.length,
            postings: u32::try_from(indexed.terms()).unwrap_or(u32::MAX),
            vector,
            meant: meant.clone(),
        })
        .collect();
    for chunk in prepared.chunks(CHUNK) {
        let imported = store.put_chunk(topic, state.made_at, chunk, &known).await?;
        let imported = imported.ok_or(ImportStopped::TopicGone)?;
        done.added += imported.added;
        done.updated += imported.updated;
    }
    for (url, first) in copies {
        match store.keep_copy(topic, state.made_at, &url, first).await? {
            Copied::Kept => done.duplicates += 1,
            Copied::TopicGone => return Err(ImportStopped::TopicGone),
        }
    }
    Ok(done)
}

/// Each article once, the later of two with one address, in order.
fn newest_of_each(articles: Vec<Article>) -> Vec<(ArticleId, Article)> {
    let mut places: HashMap<ArticleId, usize> = HashMap::new();
    let mut wanted: Vec<(ArticleId, Article)> = Vec::with_capacity(articles.len());
    for article in articles {
        let id = ArticleId::of(&article.url);
        match places.get(&id).and_then(|place| wanted.get_mut(*place)) {
            Some(before) => before.1 = article,
            None => {
                places.insert(id, wanted.len());
                wanted.push((id, article));
            }
        }
    }
    wanted
}

/// Articles that have one key and are looked at as what another may be a copy of; more are not remembered by it. A
/// text that stands under so many headlines (a paywall's, a cookie wall's) tells no copy.
const OF_ONE_KEY: usize = 50;

/// Articles that others may be copies of.
struct Stories {
    /// Which of them have a key.
    of_key: HashMap<u64, Vec<ArticleId>>,
    likenesses: HashMap<ArticleId, Likeness>,
}

impl Stories {
    /// Those of a topic with `before` articles that have one of the keys of what is new there. How many have a key is
    /// known of those of `changed` articles, too.
    async fn of_keys(
        app: &App,
        topic: &str,
        new: &BTreeSet<u64>,
        changed: &BTreeSet<u64>,
        before: u64,
    ) -> Result<Self, StoreError> {
        let keys: BTreeSet<u64> = new.union(changed).copied().collect();
        let of_key = app.store().stories.of(topic, &keys, before).await?;
        let of_new = of_key.iter().filter(|(key, _)| new.contains(*key));
        let ids: BTreeSet<ArticleId> =
            of_new.flat_map(|(_, ids)| ids.iter().take(OF_ONE_KEY)).copied().collect();
        let ids: Vec<_> = ids.into_iter().collect();
        Ok(Self { of_key, likenesses: app.store().articles.likenesses(topic, &ids).await? })
    }

    /// The article that this is a copy of: the one most like it.
    fn first_of(&self, article: &Likeness) -> Option<ArticleId> {
        let keys = article.signature().keys();
        let ids =
            keys.iter().filter_map(|key| self.of_key.get(key)).flat_map(|ids| ids.iter().take(OF_ONE_KEY));
        let alike = ids.filter_map(|id| Some((article.copies(self.likenesses.get(id)?)?, *id)));
        let most = alike.max_by(|(one, first), (other, second)| one.total_cmp(other).then(second.cmp(first)));
        most.map(|(_, id)| id)
    }

    /// An article that is none's copy, which later ones may be copies of.
    fn add(&mut self, id: ArticleId, article: Likeness) {
        for key in article.signature().keys() {
            let ids = self.of_key.entry(*key).or_default();
            if ids.len() < OF_ONE_KEY && !ids.contains(&id) {
                ids.push(id);
            }
        }
        self.likenesses.insert(id, article);
    }

    /// The keys of its signature by which an article is remembered.
    fn tells(&self, id: ArticleId, signature: &Signature) -> Vec<u64> {
        let is_free =
            |key: &&u64| self.of_key.get(*key).is_none_or(|ids| ids.len() < OF_ONE_KEY || ids.contains(&id));
        signature.keys().iter().filter(is_free).copied().collect()
    }
}

/// What tells whether an article is as it was: a hash of all that it says.
fn digest(article: &Article, now: Timestamp) -> String {
    let timeless = Timestamp::from_millis(0);
    let undated = article.published_at == now;
    let published_at = if undated { timeless } else { article.published_at };
    let said = serde_json::to_vec(&Article { published_at, ..article.clone() }).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(Sha256::digest(said).get(..12).unwrap_or_default())
}

/// A vector for each article that has one. Without its embeddings' server an
/// import goes on: its articles are found by words, and [`reindex`](super::reindex)
/// gives them their meaning later.
async fn vectors<'a>(
    app: &App,
    articles: impl Iterator<Item = &'a Article>,
) -> Option<Vec<Option<Vec<f32>>>> {
    let texts: Vec<String> = articles.map(meant).collect();
    match Embedder::of(app).embed(&texts).await {
        Ok(vectors) => Some(vectors),
        Err(error) => {
            tracing::error!(%error, articles = texts.len(), "articles were imported without their meaning");
            None
        }
    }
}

/// The text that an article's vector is made of.
pub(super) fn meant(article: &Article) -> String {
    let body = article.summary.as_deref().or(article.text.as_deref()).unwrap_or_default();
    format!("{}. {}", article.title, crate::domain::text::prefix(body, MEANT))
}
