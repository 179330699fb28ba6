//! What a request takes with 10, 1,000 and 100,000 of what it lists, or is one
//! of, in the store: its time and its read and write units.
//!
//! All sizes are in one store, and asked in turn. Drafts, runs, messages and
//! versions have an owner, a draft or a prompt for each size, in the same
//! tables; the library and the topics are everyone's, so they have tables for
//! each size. The first of a kind is made by the product; the others are copies
//! of its item, under other keys, put in past the product.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use futures::{StreamExt, stream};
use local::ModelChoice;
use serde_json::{Value, json};
use shared::app::App;
use shared::domain::time::Timestamp;
use tests::scripted_model::model_at;
use tests::{PROMPT, Setup, Workshop};

use crate::asked::{Asked, Took, UNLIMITED, Watched, watched};
use crate::figures::{Bar, Estimate, Table, millis};

/// How many there are.
const SIZES: [usize; 3] = [10, 1_000, 100_000];
/// How often each route is asked, and how often before that counts.
const ROUNDS: usize = 100;
const WARM_UP: usize = 10;
/// Entries of a page: as many with each size, and with each there are more.
const PAGE: &str = "5";
/// A page among the most, over one among the least.
const BAR: f64 = 1.1;
/// Batches that are put in at the same time, each of so many items
/// (BatchWriteItem's limit).
const AT_ONCE: usize = 4;
const BATCH: usize = 25;
/// A topic with articles; it is listed first.
const TOPIC: &str = "A";

/// A request that is measured.
struct Step {
    route: &'static str,
    /// What there are so many of.
    among: &'static str,
    /// The size that the larger ones are compared with.
    base: usize,
    /// Whether it promises to cost the same with any number.
    promises: bool,
}

/// What is measured.
const STEPS: &[Step] = &[
    page("drafts-list", DRAFTS),
    step("drafts-start", DRAFTS),
    step("drafts-get", DRAFTS),
    step("drafts-update", DRAFTS),
    step("drafts-delete", DRAFTS),
    page("tests-list", RUNS),
    step("tests-get", RUNS),
    step("tests-start", RUNS),
    step("tests-rate", RUNS),
    page("chat-history", MESSAGES),
    page("prompts-list", PROMPTS),
    step("prompts-get", PROMPTS),
    step("prompts-clone", PROMPTS),
    step("prompts-delete", PROMPTS),
    step("drafts-commit", PROMPTS),
    page("prompts-versions", VERSIONS),
    step("prompts-get", VERSIONS),
    page("topics-list", TOPICS),
    // It counts the newest 1,000.
    Step { base: 1, ..step("topics-facets", ARTICLES) },
];
const DRAFTS: &str = "drafts of an owner";
const RUNS: &str = "runs of a draft";
const MESSAGES: &str = "messages of a conversation";
const PROMPTS: &str = "prompts";
const VERSIONS: &str = "versions of a prompt";
const TOPICS: &str = "topics, one of them with as many articles";
const ARTICLES: &str = "articles of a topic";

const fn step(route: &'static str, among: &'static str) -> Step {
    Step { route, among, base: 0, promises: false }
}

const fn page(route: &'static str, among: &'static str) -> Step {
    Step { promises: true, ..step(route, among) }
}

/// Each step among each number.
pub fn measure(table: &mut Table) {
    table.note(format!(
        "{ROUNDS} requests of each kind to each size in turn, one in flight; pages of {PAGE} entries, so that each \
         size has a whole page and more to come. Time is the handler's with its store calls: the median of the least, \
         and what more of them take over that; units are read and write units together. Searches, among 7,600 and 100,000 articles, are in the chapter of their own. A topic \
         follows at most 50 feeds. Deleting a prompt takes two deletions for each of its versions."
    ));
    let machines = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let lambda = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let setup = Setup {
        model: Some(ModelChoice::Configured(vec![model_at("http://127.0.0.1:9/v1", "not-asked")])),
        limits: UNLIMITED,
        recover_every: Duration::from_secs(86_400),
        sample: false,
        ..Setup::default()
    };
    let workshop = machines.block_on(Workshop::start_with(setup));
    let places = machines.block_on(prepare(&workshop));
    // Of each step, among each number.
    let mut took: Vec<[Vec<Took>; SIZES.len()]> = STEPS.iter().map(|_| Default::default()).collect();
    lambda.block_on(async {
        for round in 0..WARM_UP + ROUNDS {
            for (step, took) in STEPS.iter().zip(&mut took) {
                for turn in 0..SIZES.len() {
                    let size = (round + turn) % SIZES.len();
                    let one = ask(&places[size], step, round).await;
                    if round >= WARM_UP {
                        took[size].push(one);
                    }
                }
            }
        }
    });
    machines.block_on(workshop.stop());
    for (step, took) in STEPS.iter().zip(&took) {
        step.tell(table, took);
    }
}

impl Step {
    fn tell(&self, table: &mut Table, took: &[Vec<Took>; SIZES.len()]) {
        let Self { route, among, base, promises } = self;
        let times = |size: usize| took[size].iter().map(|took| millis(took.whole)).collect::<Vec<_>>();
        let units =
            |size: usize| Estimate::of(&took[size].iter().map(|took| took.units).collect::<Vec<_>>()).median;
        let (few, title) = (SIZES[*base], format!("{route}, {among}"));
        let larger = || SIZES.into_iter().enumerate().skip(base + 1);
        table.estimate(format!("{title}: with {few}"), Estimate::of(&times(*base)), "ms", Bar::None);
        for (size, more) in larger() {
            let bar = if *promises && size + 1 == SIZES.len() { Bar::AtMost(BAR) } else { Bar::None };
            let ratio = Estimate::of_ratios(&times(size), &times(*base));
            table.estimate(format!("{title}: {more} over {few}"), ratio, "×", bar);
        }
        table.figure(format!("{title}: units with {few}"), units(*base), "", Bar::None);
        for (size, more) in larger() {
            let bar = if *promises { Bar::Exactly(units(*base)) } else { Bar::None };
            table.figure(format!("{title}: units with {more}"), units(size), "", bar);
        }
    }
}

/// Where there are so many of everything.
struct Place {
    size: usize,
    /// Of the store, past the product.
    client: Client,
    /// The tables of all sizes.
    together: Watched,
    /// The tables of this one.
    apart: Watched,
    /// One of the owner's drafts.
    draft: String,
    /// A draft with runs and messages, and one of its runs.
    tested: String,
    test: String,
}

impl Place {
    /// Who has so many drafts.
    fn owner(&self) -> String {
        format!("owner-{}", self.size)
    }

    /// Who has the draft with the runs, and the prompts.
    fn other(&self) -> String {
        format!("other-{}", self.size)
    }

    /// What has so many versions.
    fn versioned(&self) -> String {
        format!("versioned_{}", self.size)
    }

    fn table(&self, name: &str) -> Raw {
        Raw { client: self.client.clone(), name: name.to_owned() }
    }

    /// A new draft of `user`'s.
    async fn started(&self, watched: &Watched, user: &str) -> String {
        let asked = asked("drafts-start", user, 201).with(json!({"starting_prompt": PROMPT}));
        text_of(&asked.tell(watched.app).await, "draft_id")
    }

    /// A new prompt.
    async fn committed(&self, watched: &Watched, name: &str) -> String {
        let draft = self.started(watched, &self.other()).await;
        commit(&self.other(), &draft, name).tell(watched.app).await;
        draft
    }
}

fn asked(binary: &'static str, user: &str, status: u16) -> Asked {
    Asked { binary, user: user.to_owned(), status, ..Asked::default() }
}

fn commit(user: &str, draft: &str, name: &str) -> Asked {
    let order = json!({"name": name, "title": "Weekly brief", "description": "For executives."});
    asked("drafts-commit", user, 201).about("id", draft).with(order)
}

fn text_of(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// One request of a step, with what it needs made before it and what it made
/// removed after it, neither of which is timed.
async fn ask(place: &Place, step: &Step, round: usize) -> Took {
    let (owner, other) = (place.owner(), place.other());
    let ask = |user: &str, status| asked(step.route, user, status);
    let list = |user: &str| ask(user, 200).query("limit", PAGE);
    let of_tested = |status| ask(&other, status).about("id", &place.tested);
    let delete = |user: &str, draft: &str| asked("drafts-delete", user, 200).about("id", draft);
    let (together, apart) = (&place.together, &place.apart);
    match (step.route, step.among) {
        ("drafts-list", _) => list(&owner).time(together).await,
        ("drafts-start", _) => {
            let took = ask(&owner, 201).with(json!({"starting_prompt": PROMPT})).time(together).await;
            delete(&owner, &text_of(&took.answer, "draft_id")).tell(together.app).await;
            took
        }
        ("drafts-get", _) => ask(&owner, 200).about("id", &place.draft).time(together).await,
        ("drafts-update", _) => {
            let save = json!({"draft_content": format!("{PROMPT} {round}")});
            ask(&owner, 200).about("id", &place.draft).with(save).time(together).await
        }
        ("drafts-delete", _) => {
            let draft = place.started(together, &owner).await;
            delete(&owner, &draft).time(together).await
        }
        ("tests-list", _) => of_tested(200).query("limit", PAGE).time(together).await,
        ("tests-get", _) => of_tested(200).about("test_id", &place.test).time(together).await,
        ("tests-start", _) => {
            let order = json!({"test_query": "What do surveys say?", "topic": TOPIC, "limit": 5});
            let took = of_tested(202).with(order).time(together).await;
            let run = format!("RUN#{}", text_of(&took.answer, "test_id"));
            place
                .table(&together.app.config.tables.drafts)
                .remove(&format!("DRAFT#{}", place.tested), &run)
                .await;
            took
        }
        ("tests-rate", _) => {
            let verdict = json!({"user_rating": 1 + round % 5});
            of_tested(200).about("test_id", &place.test).with(verdict).time(together).await
        }
        ("chat-history", _) => {
            ask(&other, 200).about("chat_id", &place.tested).query("limit", PAGE).time(together).await
        }
        ("prompts-list", _) => list(&other).time(apart).await,
        ("prompts-get", PROMPTS) => ask(&other, 200).about("name", "brief_0").time(apart).await,
        ("prompts-clone", _) => {
            let took = ask(&other, 201).about("name", "brief_0").time(apart).await;
            delete(&other, &text_of(&took.answer, "draft_id")).tell(apart.app).await;
            took
        }
        ("prompts-delete", _) => {
            let name = format!("gone_{round}");
            let draft = place.committed(apart, &name).await;
            let took = ask(&other, 200).about("name", &name).time(apart).await;
            delete(&other, &draft).tell(apart.app).await;
            took
        }
        ("drafts-commit", _) => {
            let (draft, name) = (place.started(apart, &other).await, format!("new_{round}"));
            let took = commit(&other, &draft, &name).time(apart).await;
            asked("prompts-delete", &other, 200).about("name", &name).tell(apart.app).await;
            delete(&other, &draft).tell(apart.app).await;
            took
        }
        ("prompts-versions", _) => list(&other).about("name", &place.versioned()).time(together).await,
        ("prompts-get", _) => ask(&other, 200).about("name", &place.versioned()).time(together).await,
        ("topics-list", _) => list(&other).time(apart).await,
        ("topics-facets", _) => ask(&other, 200).about("topic", TOPIC).time(apart).await,
        (route, _) => panic!("say here how {route} is asked"),
    }
}

/// So many of everything, for each size.
async fn prepare(workshop: &Workshop) -> Vec<Place> {
    let together = watched(workshop, "together").await;
    make_topic(together.app, TOPIC).await;
    let mut places = Vec::new();
    for size in SIZES {
        let apart = watched(workshop, &format!("apart-{size}")).await;
        let (draft, tested, test) = Default::default();
        let (client, together) = (workshop.dynamodb(), together.clone());
        let mut place = Place { size, client, together, apart, draft, tested, test };
        eprintln!("  {size} of everything are put in");
        have_drafts(&mut place).await;
        have_runs(&mut place).await;
        have_prompts(&place).await;
        have_versions(&place).await;
        have_topics(&place).await;
        have_articles(&place).await;
        places.push(place);
    }
    places
}

/// Drafts of an owner, and their count.
async fn have_drafts(place: &mut Place) {
    let app = place.together.app;
    place.draft = place.started(&place.together, &place.owner()).await;
    let table = place.table(&app.config.tables.drafts);
    let made = table.item(&format!("DRAFT#{}", place.draft), "META").await;
    let changed = text_in(&made, "updated_at");
    let copies = (1..place.size).map(|number| {
        let at = app.now().plus_millis(-60_000 * number as i64);
        copy(&made, &[(&place.draft, &id(at, number)), (&changed, &at.to_string())])
    });
    table.put(copies).await;
    table.set(&format!("OWNER#{}", place.owner()), "COUNTS", "draft", place.size).await;
}

/// Runs of a draft and messages of its conversation, and their counts.
async fn have_runs(place: &mut Place) {
    let app = place.together.app;
    place.tested = place.started(&place.together, &place.other()).await;
    let order = json!({"test_query": "What do surveys say?", "topic": TOPIC, "limit": 5});
    let start = asked("tests-start", &place.other(), 202).about("id", &place.tested).with(order);
    place.test = text_of(&start.tell(app).await, "test_id");
    let cancel = asked("tests-cancel", &place.other(), 202).about("id", &place.tested);
    cancel.about("test_id", &place.test).tell(app).await;

    let table = place.table(&app.config.tables.drafts);
    let partition = format!("DRAFT#{}", place.tested);
    let made = table.item(&partition, &format!("RUN#{}", place.test)).await;
    let before = |number: usize| id(app.now().plus_millis(-60_000 * number as i64), number);
    table.put((1..place.size).map(|number| copy(&made, &[(&place.test, &before(number))]))).await;
    table.set(&partition, "META", "test_count", place.size).await;

    let history = asked("chat-history", &place.other(), 200).about("chat_id", &place.tested).tell(app).await;
    let message = text_of(&history["messages"][0], "id");
    let made = table.item(&partition, &format!("MSG#{message}")).await;
    table.put((1..place.size).map(|number| copy(&made, &[(&message, &before(number))]))).await;
    table.set(&partition, "CHAT", "message_count", place.size).await;
}

/// The library's prompts, and their count.
async fn have_prompts(place: &Place) {
    let app = place.apart.app;
    place.committed(&place.apart, "brief_0").await;
    let table = place.table(&app.config.tables.library);
    let made = table.item("PROMPT#brief_0", "META").await;
    let (changed, prompt) = (text_in(&made, "updated_at"), text_in(&made, "prompt_id"));
    let copies = (1..place.size).map(|number| {
        let at = app.now().plus_millis(-60_000 * number as i64);
        let name = format!("brief_{number}");
        copy(&made, &[("brief_0", &name), (&changed, &at.to_string()), (&prompt, &id(at, number))])
    });
    table.put(copies).await;
    table.set("LIBRARY", "COUNT", "prompts", place.size).await;
}

/// Versions of a prompt, and their texts.
async fn have_versions(place: &Place) {
    let app = place.together.app;
    place.committed(&place.together, &place.versioned()).await;
    let table = place.table(&app.config.tables.library);
    let partition = format!("PROMPT#{}", place.versioned());
    let (version, content) =
        (table.item(&partition, "V#000001").await, table.item(&partition, "TEXT#000001").await);
    let copies = (2..=place.size).flat_map(|number| {
        let numbered = format!("#{number:06}");
        let mut version = copy(&version, &[("#000001", &numbered)]);
        version.insert("version".to_owned(), AttributeValue::N(number.to_string()));
        [version, copy(&content, &[("#000001", &numbered)])]
    });
    table.put(copies).await;
    table.set(&partition, "META", "version", place.size).await;
}

async fn make_topic(app: &App, name: &str) {
    app.store().articles.topic_or_new(name, None, false, app.now()).await.expect("a topic");
}

/// Topics, as yet without articles.
async fn have_topics(place: &Place) {
    let app = place.apart.app;
    make_topic(app, "topic 0").await;
    let table = place.table(&app.config.tables.articles);
    let made = table.item("TOPICS", "TOPIC#topic 0").await;
    // The one with articles is another.
    table
        .put((1..place.size - 1).map(|number| copy(&made, &[("topic 0", &format!("topic {number}"))])))
        .await;
}

/// Articles of a topic, and their count. What they are searched by is not
/// copied: nothing here reads it.
async fn have_articles(place: &Place) {
    let app = place.apart.app;
    let article = json!({
        "title": "Ports count robots", "summary": "Port robots doubled.", "source": "Harbour News",
        "category": "Shipping", "url": "https://news.example/0", "published_at": "2026-11-01T08:00:00Z",
    });
    let file = Some(("application/x-ndjson", format!("{article}\n")));
    let import = Asked { file, ..asked("articles-import", &place.other(), 200).about("topic", TOPIC) };
    import.tell(app).await;
    let table = place.table(&app.config.tables.articles);
    let partition = format!("TOPIC#{}", TOPIC.to_lowercase());
    let made = table.first(&partition, "A#").await;
    let (key, published) = (text_in(&made, "sk"), text_in(&made, "published_at"));
    let copies = (1..place.size).map(|number| {
        let at = app.now().plus_millis(-60_000 * number as i64).to_string();
        let url = format!("https://news.example/{number}");
        let changes =
            [(key.as_str(), format!("A#{number:016x}")), (&published, at), ("https://news.example/0", url)];
        copy(&made, &changes.each_ref().map(|(from, to)| (*from, to.as_str())))
    });
    table.put(copies).await;
    table.set("TOPICS", &partition, "article_count", place.size).await;
}

type Item = HashMap<String, AttributeValue>;

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn text_in(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).unwrap_or_else(|| panic!("no {name}")).clone()
}

/// The item with other texts in place of some, wherever they occur.
fn copy(item: &Item, changes: &[(&str, &str)]) -> Item {
    let changed = |value: &AttributeValue| match value {
        AttributeValue::S(value) => {
            text(changes.iter().fold(value.clone(), |value, (from, to)| value.replace(from, to)))
        }
        other => other.clone(),
    };
    item.iter().map(|(name, value)| (name.clone(), changed(value))).collect()
}

/// The id of what was made at an instant, another for each number.
fn id(at: Timestamp, number: usize) -> String {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(number as u64).to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(at.as_millis().unsigned_abs(), &random).into_uuid().to_string()
}

/// A table, past the product.
struct Raw {
    client: Client,
    name: String,
}

impl Raw {
    async fn item(&self, pk: &str, sk: &str) -> Item {
        let get = self.client.get_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        let found = get.send().await.expect("the store answers").item;
        found.unwrap_or_else(|| panic!("there is no {pk} {sk}"))
    }

    async fn first(&self, pk: &str, prefix: &str) -> Item {
        let query = self.client.query().table_name(&self.name).limit(1);
        let query = query.key_condition_expression("pk = :pk AND begins_with(sk, :prefix)");
        let query = query.expression_attribute_values(":pk", text(pk));
        let found = query.expression_attribute_values(":prefix", text(prefix)).send().await;
        let mut items = found.expect("the store answers").items.unwrap_or_default();
        items.pop().unwrap_or_else(|| panic!("there is no {pk} {prefix}"))
    }

    /// Sets a count.
    async fn set(&self, pk: &str, sk: &str, name: &str, count: usize) {
        let update = self.client.update_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        let update =
            update.update_expression("SET #count = :count").condition_expression("attribute_exists(pk)");
        let update = update.expression_attribute_names("#count", name);
        let count = AttributeValue::N(count.to_string());
        update.expression_attribute_values(":count", count).send().await.expect("the store answers");
    }

    async fn remove(&self, pk: &str, sk: &str) {
        let call = self.client.delete_item().table_name(&self.name).key("pk", text(pk)).key("sk", text(sk));
        call.send().await.expect("the store answers");
    }

    /// Puts items in, several batches at a time.
    async fn put(&self, items: impl Iterator<Item = Item>) {
        let request = |item| {
            let put = PutRequest::builder().set_item(Some(item)).build().expect("an item");
            WriteRequest::builder().put_request(put).build()
        };
        let batches = stream::iter(items.map(request)).chunks(BATCH);
        let written = batches.map(async |batch| {
            let sent = self.client.batch_write_item().request_items(&self.name, batch).send().await;
            let left = sent.expect("the store answers").unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "{left:?}");
        });
        written.buffer_unordered(AT_ONCE).collect::<()>().await;
    }
}
