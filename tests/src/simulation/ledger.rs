//! The people of a simulation: what they set out to do, how they ask for it,
//! and what they were told.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::app::App;

use super::TOPIC;
use crate::PROMPT;
use crate::handlers::{self, Call};

/// What someone sets out to do. Drafts are named by their number.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Starts a draft with this text.
    Begin { text: String },
    /// Starts a test with this question.
    Test { draft: usize, query: String },
    /// Stops the test of this question.
    Cancel { query: String },
    /// Rates the test of this question.
    Rate { query: String, rating: u8 },
    /// Reads the draft and saves this text over what was read, or over anything.
    Save { draft: usize, text: String, blind: bool },
    /// Marks a draft ready, or as a draft again.
    Mark { draft: usize, ready: bool },
    /// Deletes a draft.
    Delete { draft: usize },
    /// Commits a draft under a name.
    Commit { draft: usize, name: String },
    /// Clones a prompt.
    Clone { name: String },
    /// Takes a prompt out of the library.
    Unpublish { name: String },
}

/// A deed, and how far it has come.
#[derive(Clone, Debug)]
pub struct Errand {
    pub deed: Deed,
    pub user: &'static str,
    /// The key that all its tries carry.
    pub key: String,
    pub tries: u32,
    /// When the first try began, in milliseconds.
    pub since: i64,
    pub under_way: bool,
    pub done: bool,
}

/// What an errand heard, whole.
#[derive(Clone, Debug)]
pub struct Heard {
    pub status: u16,
    pub body: Value,
    /// The revision that a save was made over.
    pub base: Option<u64>,
    /// It never came to what was to be done: what had to be read before could not be.
    pub only_read: bool,
}

impl Heard {
    /// The kind of limit that refused it, if one did.
    pub fn limit(&self) -> Option<&'static str> {
        (self.status == 429).then(|| match self.body["detail"].as_str().unwrap_or_default() {
            detail if detail.contains("test runs for today") => "refused: runs",
            detail if detail.contains("whole workshop") => "refused: deployment",
            _ => "refused: other",
        })
    }
}

/// A save that was acknowledged.
#[derive(Clone, Debug)]
pub struct SavedText {
    pub revision: u64,
    pub text: String,
    pub base: Option<u64>,
}

/// A draft, as its user knows it.
#[derive(Clone, Debug, Default)]
pub struct KnownDraft {
    pub id: String,
    pub user: &'static str,
    pub first: String,
    pub saves: Vec<SavedText>,
    /// Texts whose save was asked for and not acknowledged.
    pub maybe: Vec<String>,
    /// A deletion was asked for; and acknowledged.
    pub deletion: (bool, bool),
    /// When the last thing began that was acknowledged, in milliseconds.
    pub active: i64,
}

/// What people know.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub drafts: Vec<KnownDraft>,
    /// Tests that were acknowledged: question, id, draft, user.
    pub tests: BTreeMap<String, (String, usize, &'static str)>,
    /// Starts that a limit refused, by its sentence's kind.
    pub limited: BTreeMap<&'static str, Vec<&'static str>>,
    /// Ratings that were acknowledged, by question.
    pub rated: BTreeMap<String, u8>,
    /// Cancellations that were acknowledged as such.
    pub cancelled: Vec<String>,
    /// Drafts whose start was acknowledged: text, id.
    pub begun: Vec<(String, String)>,
    /// Commits that were acknowledged: name, version, draft.
    pub commits: Vec<(String, u64, usize)>,
    /// Clones that were acknowledged: name, id.
    pub clones: Vec<(String, String)>,
    /// Prompts whose removal was asked for.
    pub unpublished: Vec<String>,
}

/// Calls a route as `user`.
pub async fn call(
    app: &'static App,
    binary: &str,
    user: &str,
    path: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: &Value,
) -> Heard {
    let body = body.clone();
    let answered = handlers::call(app, &Call { binary, user, path, headers, body, ..Call::default() }).await;
    Heard { status: answered.status, body: answered.json(), base: None, only_read: false }
}

/// Tries an errand once.
pub async fn attempt(app: &'static App, errand: Errand, ledger: Ledger) -> Heard {
    let Errand { deed, user, key, .. } = &errand;
    let key = [("idempotency-key", key.as_str())];
    let id = |draft: &usize| ledger.drafts[*draft].id.clone();
    let of_test = |query: &String| {
        let (test, draft, user) = ledger.tests[query].clone();
        (test, ledger.drafts[draft].id.clone(), user)
    };
    match deed {
        Deed::Begin { text } => {
            call(app, "drafts-start", user, &[], &key, &json!({"starting_prompt": text})).await
        }
        Deed::Test { draft, query } => {
            let order = json!({"test_query": query, "topic": TOPIC, "limit": 5});
            call(app, "tests-start", user, &[("id", &id(draft))], &key, &order).await
        }
        Deed::Cancel { query } => {
            let (test, draft, user) = of_test(query);
            let path = [("id", draft.as_str()), ("test_id", test.as_str())];
            call(app, "tests-cancel", user, &path, &[], &json!({})).await
        }
        Deed::Rate { query, rating } => {
            let (test, draft, user) = of_test(query);
            let path = [("id", draft.as_str()), ("test_id", test.as_str())];
            call(app, "tests-rate", user, &path, &[], &json!({"user_rating": rating})).await
        }
        Deed::Save { draft, text, blind } => {
            let id = id(draft);
            let body = json!({"draft_content": text});
            if *blind {
                return call(app, "drafts-update", user, &[("id", &id)], &[], &body).await;
            }
            let read = call(app, "drafts-get", user, &[("id", &id)], &[], &Value::Null).await;
            let Some(base) = read.body["revision"].as_u64().filter(|_| read.status == 200) else {
                return Heard { only_read: true, ..read };
            };
            let etag = format!("\"{base}\"");
            let saved = call(app, "drafts-update", user, &[("id", &id)], &[("if-match", &etag)], &body).await;
            Heard { base: Some(base), ..saved }
        }
        Deed::Mark { draft, ready } => {
            let body = json!({"status": if *ready { "ready" } else { "draft" }});
            call(app, "drafts-update", user, &[("id", &id(draft))], &[], &body).await
        }
        Deed::Delete { draft } => {
            call(app, "drafts-delete", user, &[("id", &id(draft))], &[], &Value::Null).await
        }
        Deed::Commit { draft, name } => {
            let order = json!({"name": name, "title": format!("Committed as {name}")});
            call(app, "drafts-commit", user, &[("id", &id(draft))], &key, &order).await
        }
        Deed::Clone { name } => call(app, "prompts-clone", user, &[("name", name)], &key, &json!({})).await,
        Deed::Unpublish { name } => {
            call(app, "prompts-delete", user, &[("name", name)], &[], &Value::Null).await
        }
    }
}

impl Deed {
    /// What it is called when these two are under way at the same time and want the same, if it is something.
    pub fn meeting(&self, other: &Self) -> Option<&'static str> {
        use Deed::{Clone, Commit, Delete, Save, Unpublish};
        let (what, is_same) = match (self, other) {
            (Save { draft, .. }, Save { draft: other, .. }) => ("two savers of one draft", draft == other),
            (Commit { draft, .. }, Delete { draft: other })
            | (Delete { draft }, Commit { draft: other, .. }) => ("commit against delete", draft == other),
            (Commit { name, .. }, Unpublish { name: other })
            | (Unpublish { name }, Commit { name: other, .. }) => ("commit against delete", name == other),
            (Clone { name }, Unpublish { name: other }) | (Unpublish { name }, Clone { name: other }) => {
                ("clone against delete", name == other)
            }
            (Commit { name, .. }, Commit { name: other, .. }) => ("two commits of one name", name == other),
            _ => return None,
        };
        is_same.then_some(what)
    }

    /// The draft that it keeps from expiring.
    pub fn renews(&self, ledger: &Ledger) -> Option<usize> {
        match self {
            Self::Test { draft, .. }
            | Self::Save { draft, .. }
            | Self::Mark { draft, .. }
            | Self::Commit { draft, .. } => Some(*draft),
            Self::Rate { query, .. } => ledger.tests.get(query).map(|(_, draft, _)| *draft),
            _ => None,
        }
    }
}

impl Ledger {
    /// Whether a deed can be done by what is known.
    pub fn allows(&self, deed: &Deed) -> bool {
        match deed {
            Deed::Cancel { query } | Deed::Rate { query, .. } => self.tests.contains_key(query),
            _ => true,
        }
    }

    /// A try began: what it may come to is possible from now on.
    pub fn begun(&mut self, deed: &Deed) {
        match deed {
            Deed::Save { draft, text, .. } => self.drafts[*draft].maybe.push(text.clone()),
            Deed::Delete { draft } => self.drafts[*draft].deletion.0 = true,
            Deed::Unpublish { name } => self.unpublished.push(name.clone()),
            _ => {}
        }
    }

    /// What was heard by a try that began at `now`. Tells whether the errand is done with, rather than to
    /// be tried again as its client would.
    pub fn heard(&mut self, errand: &Errand, heard: &Heard, now: i64) -> bool {
        let (status, body) = (heard.status, &heard.body);
        if let Deed::Save { draft, text, .. } = &errand.deed
            && (heard.only_read || (400..500).contains(&status))
            // A save whose answer was lost, after which another changed the draft, is refused when it is sent again,
            // with what it saved.
            && body["current"]["draft_content"] != json!(text)
        {
            // It was refused: this try of it did not come to anything.
            let maybe = &mut self.drafts[*draft].maybe;
            if let Some(at) = maybe.iter().rposition(|one| one == text) {
                maybe.remove(at);
            }
        }
        let is_save = matches!(errand.deed, Deed::Save { .. });
        match status {
            500.. => return is_save && !heard.only_read,
            409 if body["type"].as_str().is_some_and(|code| code.ends_with(":conflict")) => return false,
            412 => return false,
            _ => {}
        }
        if let Some(kind) = heard.limit() {
            self.limited.entry(kind).or_default().push(errand.user);
        }
        if status >= 300 {
            return true;
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        match &errand.deed {
            Deed::Begin { text: first } => self.begun.push((first.clone(), text("draft_id"))),
            Deed::Test { draft, query } => {
                self.tests.insert(query.clone(), (text("test_id"), *draft, errand.user));
                self.drafts[*draft].active = now;
            }
            Deed::Cancel { query } => {
                if body["status"] != "succeeded" && body["status"] != "failed" {
                    self.cancelled.push(query.clone());
                }
            }
            Deed::Rate { query, rating } => {
                self.rated.insert(query.clone(), *rating);
                let (_, draft, _) = self.tests[query];
                self.drafts[draft].active = now;
            }
            Deed::Save { draft, text, .. } => {
                let known = &mut self.drafts[*draft];
                known.maybe.retain(|maybe| maybe != text);
                known.active = now;
                known.saves.push(SavedText {
                    revision: body["revision"].as_u64().unwrap_or_default(),
                    text: text.clone(),
                    base: heard.base,
                });
            }
            Deed::Mark { draft, .. } => self.drafts[*draft].active = now,
            Deed::Delete { draft } => self.drafts[*draft].deletion.1 = true,
            Deed::Commit { draft, name } => {
                self.drafts[*draft].active = now;
                self.commits.push((name.clone(), body["version"].as_u64().unwrap_or_default(), *draft));
            }
            Deed::Clone { name } => self.clones.push((name.clone(), text("draft_id"))),
            Deed::Unpublish { .. } => {}
        }
        true
    }
}

/// A text that can be tested and committed, and is told from all others.
pub fn prompt(mark: &str) -> String {
    format!("{mark}. {PROMPT}")
}
