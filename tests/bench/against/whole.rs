//! The local machine against FastAPI with SQLite in its process: requests a
//! second, how long each takes, the start, memory.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::cost::{LETTERS, text};
use tests::site::Site;
use tests::{DRAFTS, PROMPTS, START, quantile};
use tokio::process::Child;

use super::{Identity, Reference, USER, answers};
use crate::figures::{Bar, Estimate, Table, millis};
use crate::process;

/// Drafts of the account, a multiple of every number of requests in flight.
const ACCOUNT: usize = 200;
/// Prompts in the library, besides those that ship with the workshop.
const LIBRARY: usize = 5;
/// How many requests are in flight.
const IN_FLIGHT: [usize; 2] = [1, 8];
/// How often, in turn, each side is asked, and for how long each time.
const SLICES: usize = 16;
const SLICE: Duration = Duration::from_millis(500);
/// Starts of each, in turn.
const STARTS: usize = 7;
/// Requests a second, over FastAPI's, at the least.
const RATE_BAR: f64 = 0.5;
/// Milliseconds that a prompt which didn't change takes at the median, at the most.
const UNCHANGED_BAR: f64 = 1.0;

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    Read,
    Save,
    List,
    Unchanged,
}

impl Work {
    const ALL: [Self; 4] = [Self::Read, Self::Save, Self::List, Self::Unchanged];

    fn title(self) -> &'static str {
        match self {
            Self::Read => "drafts-get, 4 KB",
            Self::Save => "drafts-update, 4 KB",
            Self::List => "drafts-list, a page of 20",
            Self::Unchanged => "prompts-get with If-None-Match",
        }
    }

    fn rate_bar(self) -> Bar {
        match self {
            Self::Read | Self::Save => Bar::AtLeast(RATE_BAR),
            Self::List | Self::Unchanged => Bar::None,
        }
    }
}

/// One of the two, and what the client knows of it.
struct Side {
    http: reqwest::Client,
    url: String,
    token: String,
    drafts: Vec<Draft>,
    prompt_tag: String,
}

struct Draft {
    id: String,
    revision: u64,
    /// Which text was saved last.
    saved: usize,
}

/// What one slice of time gave.
struct Slice {
    /// Requests a second.
    rate: f64,
    /// How long each took, in milliseconds.
    times: Vec<f64>,
}

/// Measures both, and tells whom FastAPI is to take for the user.
pub async fn measure(table: &mut Table) -> Identity {
    let site = Site::new("against", json!([{"id": "none", "base_url": "http://127.0.0.1:9/v1"}]));
    let mut machine = site.start().await;
    let identity = identity(&site.url()).await;
    let folder = std::env::temp_dir().join(format!("workshop-reference-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let database = folder.join("reference.sqlite").display().to_string();
    let mut settings = identity.settings();
    settings.push(("REFERENCE_DATABASE", &database));
    let mut reference = Reference::start(&settings).await;

    let mut ours = Side::filled(&site.url(), &identity.token).await;
    let mut theirs = Side::filled(&reference.url, &identity.token).await;
    same_shapes(&ours, &theirs).await;
    table.note(
        "Both on one machine, asked in turn by the same client on one thread, tokens checked by both, \
         connections kept. FastAPI on uvicorn (uvloop, httptools), one process. Both have a save on the disk before \
         they answer it: SQLite in WAL mode with `synchronous = FULL`, which is the embedded engine's, too.",
    );
    for work in Work::ALL {
        for in_flight in IN_FLIGHT {
            let mut sides = [(&mut ours, Vec::new()), (&mut theirs, Vec::new())];
            for number in 0..=SLICES {
                // Who is asked first, too, by turns.
                for turn in 0..2 {
                    let (side, slices) = &mut sides[(number + turn) % 2];
                    let slice = side.slice(work, in_flight).await;
                    // The first of each warms up.
                    if number > 0 {
                        slices.push(slice);
                    }
                }
            }
            let [(_, here), (_, there)] = sides;
            tell(table, work, in_flight, &here, &there);
        }
    }
    ours.check().await;
    theirs.check().await;
    let (pid, theirs) = (machine.id().expect("it runs"), reference.pid);
    let (held, theirs_held) = (process::resident(pid), process::resident(theirs));
    table.figure("memory after it, the workshop's", held, "MB", Bar::None);
    table.figure("memory after it, FastAPI's", theirs_held, "MB", Bar::None);

    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        site.kill(machine).await;
        reference.stop().await;
        let took;
        (machine, took) = started(&site).await;
        reference = Reference::start(&settings).await;
        here.push(millis(took));
        there.push(millis(reference.ready));
    }
    table.estimate(
        "start to first answer, over FastAPI's",
        Estimate::of_ratios(&here, &there),
        "×",
        Bar::None,
    );
    table.estimate("  the workshop's", Estimate::of(&here), "ms", Bar::None);
    table.estimate("  FastAPI's", Estimate::of(&there), "ms", Bar::None);
    site.kill(machine).await;
    reference.stop().await;
    let _ = std::fs::remove_dir_all(folder);
    identity
}

async fn started(site: &Site) -> (Child, Duration) {
    let began = Instant::now();
    let machine = site.start().await;
    answers(&site.url(), began).await;
    (machine, began.elapsed())
}

/// A token of the machine's for the user, and its keys.
async fn identity(url: &str) -> Identity {
    let http = super::http();
    let given = http.post(format!("{url}/local/token")).json(&json!({"user": USER})).send().await;
    let given: Value = given.expect("an answer").json().await.expect("JSON");
    let token = given["access_token"].as_str().expect("a token").to_owned();
    let key_set = http.get(format!("{url}/.well-known/jwks.json")).send().await.expect("an answer");
    Identity { token, issuer: url.to_owned(), key_set: key_set.text().await.expect("a key set") }
}

fn tell(table: &mut Table, work: Work, in_flight: usize, here: &[Slice], there: &[Slice]) {
    let rates = |slices: &[Slice]| slices.iter().map(|slice| slice.rate).collect::<Vec<_>>();
    let at = |slices: &[Slice], share: f64| {
        slices.iter().map(|slice| quantile(&slice.times, share)).collect::<Vec<_>>()
    };
    let title = format!("{}, {in_flight} in flight", work.title());
    let ratio = Estimate::of_ratios(&rates(here), &rates(there));
    table.estimate(format!("{title}: requests a second, over FastAPI's"), ratio, "×", work.rate_bar());
    for (who, slices) in [("the workshop", here), ("FastAPI", there)] {
        let (median, bar) = match (work, in_flight, who) {
            (Work::Unchanged, 1, "the workshop") => {
                (format!("{title}: {who}'s median"), Bar::AtMost(UNCHANGED_BAR))
            }
            _ => (format!("  {who}: median"), Bar::None),
        };
        table.estimate(format!("  {who}: a second"), Estimate::of(&rates(slices)), "", Bar::None);
        table.estimate(median, Estimate::of(&at(slices, 0.5)), "ms", bar);
        table.estimate(
            format!("  {who}: 99 of 100 within"),
            Estimate::of(&at(slices, 0.99)),
            "ms",
            Bar::None,
        );
    }
}

impl Side {
    /// Of an account with drafts, some of which are committed to the library.
    async fn filled(url: &str, token: &str) -> Self {
        let mut side = Self {
            http: super::http(),
            url: url.to_owned(),
            token: token.to_owned(),
            drafts: Vec::new(),
            prompt_tag: String::new(),
        };
        for number in 0..ACCOUNT + LIBRARY {
            let body = json!({"starting_prompt": text(number), "draft_name": format!("Draft {number}")});
            let started = side.json(Method::POST, START, &body, 201).await;
            let id = started["draft_id"].as_str().expect("an id").to_owned();
            if number < ACCOUNT {
                side.drafts.push(Draft { id, revision: 1, saved: number });
            } else {
                let prompt = json!({"name": name(number), "title": "A prompt for the bench"});
                side.json(Method::POST, &format!("{DRAFTS}/{id}/commit"), &prompt, 201).await;
            }
        }
        let answer = side.request(Method::GET, &side.prompt()).send().await.expect("an answer");
        let tag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
        side.prompt_tag = tag.expect("an ETag").to_owned();
        side
    }

    fn prompt(&self) -> String {
        format!("{PROMPTS}/{}", name(ACCOUNT))
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    /// What a request is answered with, as JSON.
    async fn json(&self, method: Method, path: &str, body: &Value, status: u16) -> Value {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.expect("an answer");
        let (found, text) = (answer.status(), answer.text().await.expect("a body"));
        assert_eq!(found, status, "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Asks for a while, with so many requests in flight, each over drafts of its own.
    async fn slice(&mut self, work: Work, in_flight: usize) -> Slice {
        let mut drafts = std::mem::take(&mut self.drafts);
        let began = Instant::now();
        let asking =
            drafts.chunks_mut(ACCOUNT / in_flight).map(|drafts| self.ask(work, drafts, began + SLICE));
        let times = join_all(asking).await.concat();
        let took = began.elapsed();
        self.drafts = drafts;
        Slice { rate: times.len() as f64 / took.as_secs_f64(), times }
    }

    /// Asks one thing after the other; how long each took, in milliseconds.
    async fn ask(&self, work: Work, drafts: &mut [Draft], until: Instant) -> Vec<f64> {
        let mut times = Vec::new();
        for place in (0..drafts.len()).cycle() {
            if Instant::now() >= until {
                break;
            }
            let draft = &mut drafts[place];
            let request = match work {
                Work::Read => self.request(Method::GET, &format!("{DRAFTS}/{}", draft.id)),
                Work::Save => {
                    draft.saved += ACCOUNT;
                    let request = self.request(Method::PUT, &format!("{DRAFTS}/{}", draft.id));
                    let request = request.header("if-match", format!("\"{}\"", draft.revision));
                    request.json(&json!({"draft_content": text(draft.saved)}))
                }
                Work::List => self.request(Method::GET, DRAFTS),
                Work::Unchanged => {
                    self.request(Method::GET, &self.prompt()).header("if-none-match", &self.prompt_tag)
                }
            };
            let request = request.build().expect("a request");
            let began = Instant::now();
            let answer = self.http.execute(request).await.expect("an answer");
            let (status, headers) = (answer.status(), answer.headers().clone());
            let body = answer.bytes().await.expect("a body");
            times.push(millis(began.elapsed()));
            if work == Work::Save {
                draft.revision += 1;
            }
            let revision = format!("\"{}\"", draft.revision);
            let is_right = match work {
                Work::Read => status == StatusCode::OK && body.len() > LETTERS,
                Work::Save => status == StatusCode::OK && headers["etag"] == *revision,
                Work::List => status == StatusCode::OK && body.len() > 20 * 200,
                Work::Unchanged => status == StatusCode::NOT_MODIFIED && body.is_empty(),
            };
            assert!(is_right, "{}: {status} {}", work.title(), String::from_utf8_lossy(&body));
        }
        times
    }

    /// What was saved last is there.
    async fn check(&self) {
        for draft in &self.drafts {
            let found = self.json(Method::GET, &format!("{DRAFTS}/{}", draft.id), &Value::Null, 200).await;
            assert_eq!(found["draft_content"], text(draft.saved), "the draft as it was saved");
            assert_eq!(found["revision"], draft.revision);
        }
    }
}

fn name(number: usize) -> String {
    format!("bench_{number}")
}

/// Both answer with the same fields.
async fn same_shapes(ours: &Side, theirs: &Side) {
    let (here, there) = (&ours.drafts[0].id, &theirs.drafts[0].id);
    let draft = |id: &String| format!("{DRAFTS}/{id}");
    let history = |id: &String| format!("/api/auspex/chat/sessions/{id}/messages");
    let list = || format!("{DRAFTS}?limit=3");
    let asked = [
        (draft(here), draft(there)),
        (history(here), history(there)),
        (list(), list()),
        (PROMPTS.to_owned(), PROMPTS.to_owned()),
        (ours.prompt(), theirs.prompt()),
    ];
    for (here, there) in asked {
        let one = ours.json(Method::GET, &here, &Value::Null, 200).await;
        let other = theirs.json(Method::GET, &there, &Value::Null, 200).await;
        assert_eq!(shape(&one), shape(&other), "{here}");
    }
}

/// The names of a value's fields, and of those of the first of a list.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(values) => Value::Array(values.first().map(shape).into_iter().collect()),
        _ => Value::Null,
    }
}
