//! One person at work: the main job again and again, asking again as the page does when the machine died, and
//! remembering what was acknowledged. In the end all of it is looked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tests::chance::Chance;
use tests::site::Site;
use tests::{Answer, Client, DRAFTS, MESSAGE, PROMPT, PROMPTS, START};
use tokio::time::{Instant, sleep};

use crate::tally::Tally;

/// Whoever waits longer for one thing is stuck: a repeat may have to wait for the patience with its first try
/// (35 s), a run for a lease (20 s) and its lost message (60 s), three times over, on busy cores.
const STUCK: Duration = Duration::from_secs(400);
/// People stop to think, in milliseconds.
const THINKING: (u64, u64) = (0, 1_000);
const TOPIC: &str = "AI Adoption";

/// What all people share.
pub struct World {
    pub site: Arc<Site>,
    pub tally: Tally,
    /// The machine is killed: its death is no fault, nor is a run that died with it three times.
    kills: bool,
    end: OnceLock<Instant>,
    library: Mutex<BTreeMap<String, Published>>,
}

/// A prompt in the library.
struct Published {
    content: String,
    clones: u64,
}

impl World {
    pub fn new(site: Arc<Site>, kills: bool) -> Self {
        let (tally, end, library) = (Tally::default(), OnceLock::new(), Mutex::default());
        Self { site, tally, kills, end, library }
    }

    /// From now on there is work, for so long.
    pub fn begin(&self, lasts: Duration) {
        self.end.set(Instant::now() + lasts).expect("it begins once");
    }

    /// When nothing new is begun any more.
    pub fn end(&self) -> Instant {
        *self.end.get().expect("it has begun")
    }

    fn library(&self) -> MutexGuard<'_, BTreeMap<String, Published>> {
        self.library.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A person, and everything that the machine said it had of theirs.
pub struct Person {
    number: usize,
    client: Client,
    world: Arc<World>,
    chance: Chance,
    drafts: BTreeMap<String, Draft>,
    /// Numbers what is made, so that everything is told apart.
    made: u64,
    jobs: u64,
    deleted: Kept,
}

/// A draft as it was acknowledged.
#[derive(Default)]
struct Draft {
    text: String,
    revision: u64,
    messages: Vec<Said>,
    runs: Vec<Run>,
    saves: u64,
}

/// A message of theirs, by its mark.
struct Said {
    mark: String,
    text: String,
    /// The answer's id and text, where they were heard to their end.
    heard: Option<(String, String)>,
}

struct Run {
    id: String,
    mark: String,
    /// The text that it ran.
    text: String,
    /// As it stood when it was first seen to have ended.
    ended: Option<Value>,
    rating: Option<(u64, String)>,
}

/// How much was acknowledged and is there.
#[derive(Debug, Default)]
pub struct Kept {
    pub jobs: u64,
    pub drafts: u64,
    pub deleted: u64,
    pub saves: u64,
    pub messages: u64,
    pub runs: u64,
    pub ratings: u64,
    pub commits: u64,
    pub clones: u64,
}

impl Kept {
    pub fn add(&mut self, other: &Self) {
        self.jobs += other.jobs;
        self.drafts += other.drafts;
        self.deleted += other.deleted;
        self.saves += other.saves;
        self.messages += other.messages;
        self.runs += other.runs;
        self.ratings += other.ratings;
        self.commits += other.commits;
        self.clones += other.clones;
    }
}

/// The time is over.
struct Over;

/// What came of a request for an answer.
enum Heard {
    Whole(String, String),
    /// The machine died; whether it had the message by then.
    CutOff {
        accepted: bool,
    },
    Refused(Answer),
}

impl Person {
    pub fn new(number: usize, client: Client, world: Arc<World>, chance: Chance) -> Self {
        let (drafts, deleted) = (BTreeMap::new(), Kept::default());
        Self { number, client, world, chance, drafts, made: 0, jobs: 0, deleted }
    }

    /// Does the main job until the time is over; once, however slow the machine is.
    pub async fn works(&mut self) {
        while self.main_job().await.is_ok() {
            self.jobs += 1;
        }
    }

    async fn main_job(&mut self) -> Result<(), Over> {
        self.thinks().await?;
        let draft = self.starts().await;
        for _ in 0..=self.chance.below(3) {
            self.thinks().await?;
            self.saves(&draft).await;
        }
        self.thinks().await?;
        self.says(&draft).await;
        self.thinks().await?;
        self.saves(&draft).await;
        self.thinks().await?;
        self.tests(&draft).await;
        while !self.looks_at_the_test(&draft).await {
            self.thinks().await?;
            match self.chance.below(4) {
                0 => self.searches().await,
                1 => self.lists().await,
                _ => self.saves(&draft).await,
            }
        }
        self.thinks().await?;
        self.rates(&draft).await;
        self.thinks().await?;
        self.says(&draft).await;
        self.saves(&draft).await;
        self.thinks().await?;
        self.commits(&draft).await;
        self.thinks().await?;
        self.clones().await;
        self.lists().await;
        if self.chance.below(3) == 0 {
            self.thinks().await?;
            self.deletes().await;
        }
        Ok(())
    }

    async fn thinks(&mut self) -> Result<(), Over> {
        sleep(self.chance.between(THINKING.0, THINKING.1)).await;
        if self.jobs == 0 || Instant::now() < self.world.end() { Ok(()) } else { Err(Over) }
    }

    async fn starts(&mut self) -> String {
        let mark = self.mark();
        let with_requirements = self.chance.below(3) > 0;
        let order = match with_requirements {
            true => json!({"requirements": requirements(&mark), "draft_name": format!("Brief {mark}")}),
            false => json!({"starting_prompt": written(&mark), "draft_name": format!("Brief {mark}")}),
        };
        let key = self.key();
        let request = self.client.request(Method::POST, START).header("idempotency-key", &key).json(&order);
        let started = self.ask("start", request, 201).await;
        let id = text_of(&started, "draft_id");
        let draft = Draft { revision: 1, ..Draft::default() };
        let draft = match with_requirements {
            true => {
                let said = Said { text: requirements(&mark), mark, heard: None };
                Draft { messages: vec![said], ..draft }
            }
            false => Draft { text: written(&mark), ..draft },
        };
        self.drafts.insert(id.clone(), draft);
        if with_requirements {
            self.hears(&id, None).await;
        }
        id
    }

    /// An autosave. One whose answer was lost is sent again with the revision that it was made from.
    async fn saves(&mut self, id: &str) {
        let mark = self.mark();
        let mut text = written(&mark);
        for _ in 0..self.chance.below(8) {
            text.push_str("\n\nAlso say what has changed since the last brief, and who is affected by it. ");
            text.push_str(PROMPT);
        }
        let revision = self.drafts[id].revision;
        let request = self.client.request(Method::PUT, &format!("{DRAFTS}/{id}"));
        let request =
            request.header("if-match", format!("\"{revision}\"")).json(&json!({"draft_content": text}));
        let answer = self.call("save", request).await;
        let saved = match answer.status.as_u16() {
            200 => answer.json()["revision"].as_u64(),
            // It had been saved, and the machine died before it said so.
            412 if self.world.kills && answer.json()["current"]["draft_content"] == *text => {
                answer.json()["current"]["revision"].as_u64()
            }
            _ => None,
        };
        if saved != Some(revision + 1) {
            self.fault(format!("a save over revision {revision} of {id} came to: {}", answer.text));
        }
        let draft = self.drafts.get_mut(id).expect("theirs");
        (draft.text, draft.revision) = (text, saved.unwrap_or(revision));
        draft.saves += 1;
    }

    async fn says(&mut self, id: &str) {
        let mark = self.mark();
        let text = format!("Which tone suits a board, and why? {mark}");
        self.drafts.get_mut(id).expect("theirs").messages.push(Said {
            mark,
            text: text.clone(),
            heard: None,
        });
        self.hears(id, Some(text)).await;
    }

    /// Sends a message, or asks for the answer to the pending one, and hears it to its end. When the stream
    /// breaks the answer is asked for until there is one.
    async fn hears(&mut self, id: &str, message: Option<String>) {
        let model = if self.chance.below(4) == 0 { "slow" } else { "quick" };
        let mut body = json!({"chat_id": id, "model": model});
        let mut has_message = message.is_some();
        if let Some(message) = message {
            body["message"] = json!(message);
        }
        let mut key = self.key();
        let deadline = Instant::now() + STUCK;
        loop {
            assert!(Instant::now() < deadline, "{id} gets no answer");
            let request =
                self.client.request(Method::POST, MESSAGE).header("idempotency-key", &key).json(&body);
            match self.heard("message", request).await {
                Heard::Whole(message, text) => {
                    let said = self.drafts.get_mut(id).and_then(|draft| draft.messages.last_mut());
                    said.expect("they said something").heard = Some((message, text));
                    return;
                }
                Heard::CutOff { accepted } => {
                    if accepted && has_message {
                        // The page knows by now that it was kept, and asks for the answer only.
                        body.as_object_mut().expect("an object").remove("message");
                        (has_message, key) = (false, self.key());
                    } else if !has_message {
                        key = self.key();
                    }
                    sleep(self.chance.between(200, 1_500)).await;
                }
                // It was answered, and the machine died before it said so.
                Heard::Refused(answer) if self.world.kills && !has_message && answer.status == 409 => return,
                Heard::Refused(answer) => {
                    self.fault(format!("a message to {id} was refused: {}", answer.text));
                    return;
                }
            }
        }
    }

    /// Reads one answer; waits where the server says so.
    async fn heard(&mut self, kind: &'static str, request: RequestBuilder) -> Heard {
        loop {
            let (life, began) = (self.world.site.life(), Instant::now());
            let response = match request.try_clone().expect("a body in memory").send().await {
                Ok(response) => response,
                Err(error) => {
                    self.cut_off(kind, life, &error);
                    return Heard::CutOff { accepted: false };
                }
            };
            if response.status() == 200 {
                let heard = self.stream(kind, life, response).await;
                self.world.tally.answered(kind, 200, began.elapsed());
                return heard;
            }
            match whole(response).await {
                Ok(answer) => {
                    self.world.tally.answered(kind, answer.status.as_u16(), began.elapsed());
                    match self.wait_of(kind, &answer) {
                        Some(wait) => sleep(wait).await,
                        None => return Heard::Refused(answer),
                    }
                }
                Err(error) => {
                    self.cut_off(kind, life, &error);
                    return Heard::CutOff { accepted: false };
                }
            }
        }
    }

    async fn stream(&mut self, kind: &'static str, life: Option<u64>, mut response: Response) -> Heard {
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => bytes.extend(chunk),
                Ok(None) => break,
                Err(error) => {
                    self.cut_off(kind, life, &error);
                    return Heard::CutOff { accepted: true };
                }
            }
        }
        let stream = String::from_utf8(bytes).expect("UTF-8");
        let events = tests::events(&stream);
        match events.last() {
            Some(last) if last["done"] == true && last["message_id"].is_string() => {
                Heard::Whole(text_of(last, "message_id"), tests::spoken(&events))
            }
            _ => {
                self.fault(format!("an answer ended with: {stream}"));
                Heard::CutOff { accepted: true }
            }
        }
    }

    async fn tests(&mut self, id: &str) {
        let mark = self.mark();
        let model = if self.chance.below(8) == 0 { "slow" } else { "quick" };
        let order = json!({
            "test_query": format!("What do surveys say about AI adoption? {mark}"),
            "topic": TOPIC, "limit": 5, "model": model,
        });
        let key = self.key();
        let request = self.client.request(Method::POST, &format!("{DRAFTS}/{id}/test"));
        let queued = self.ask("test", request.header("idempotency-key", &key).json(&order), 202).await;
        let draft = self.drafts.get_mut(id).expect("theirs");
        let (test, text) = (text_of(&queued, "test_id"), draft.text.clone());
        draft.runs.push(Run { id: test, mark, text, ended: None, rating: None });
    }

    /// Whether the newest test has ended; how, is remembered.
    async fn looks_at_the_test(&mut self, id: &str) -> bool {
        let run = self.drafts[id].runs.last().expect("a test was started");
        let path = format!("{DRAFTS}/{id}/tests/{}", run.id);
        let seen = self.get("look at a test", &path).await;
        let has_ended = matches!(seen["status"].as_str(), Some("succeeded" | "failed" | "cancelled"));
        if has_ended {
            let run = self.drafts.get_mut(id).and_then(|draft| draft.runs.last_mut());
            run.expect("a test was started").ended = Some(seen);
        }
        has_ended
    }

    async fn rates(&mut self, id: &str) {
        let (stars, notes) =
            (1 + self.chance.below(5) as u64, format!("Sources are missing. {}", self.mark()));
        let run = self.drafts[id].runs.last().expect("a test was started");
        let request = self.client.request(Method::PATCH, &format!("{DRAFTS}/{id}/tests/{}", run.id));
        self.ask("rate", request.json(&json!({"user_rating": stars, "notes": notes})), 200).await;
        let run = self.drafts.get_mut(id).and_then(|draft| draft.runs.last_mut());
        run.expect("a test was started").rating = Some((stars, notes));
    }

    async fn commits(&mut self, id: &str) {
        let name = self.mark().replace('-', "_");
        let key = self.key();
        let request = self.client.request(Method::POST, &format!("{DRAFTS}/{id}/commit"));
        let request = request.header("idempotency-key", &key);
        let order = json!({"name": name, "title": format!("Brief {name}")});
        let committed = self.ask("commit", request.json(&order), 201).await;
        if committed["version"] != 1 {
            self.fault(format!("a commit of {id} came to: {committed}"));
        }
        let content = self.drafts[id].text.clone();
        self.world.library().insert(name, Published { content, clones: 0 });
    }

    /// Clones someone's prompt into a draft of their own.
    async fn clones(&mut self) {
        let name = {
            let library = self.world.library();
            let at = self.chance.below(library.len());
            library.keys().nth(at).expect("there is one that many").clone()
        };
        let key = self.key();
        let request = self.client.request(Method::POST, &format!("{PROMPTS}/{name}/clone"));
        let clone = self.ask("clone", request.header("idempotency-key", &key), 201).await;
        let text = {
            let mut library = self.world.library();
            let prompt = library.get_mut(&name).expect("it was chosen from there");
            prompt.clones += 1;
            prompt.content.clone()
        };
        let id = text_of(&clone, "draft_id");
        self.deleted.clones += 1;
        self.drafts.insert(id.clone(), Draft { text, revision: 1, ..Draft::default() });
        self.finds_the_text(&id).await;
    }

    async fn searches(&self) {
        let found =
            self.get("search", "/api/topics/AI%20Adoption/articles?query=surveys+of+hospitals&limit=5").await;
        if found["articles"].as_array().is_none_or(Vec::is_empty) {
            self.fault(format!("a search found nothing: {found}"));
        }
    }

    /// Turns the pages of their drafts: each is there once.
    async fn lists(&self) {
        let mut seen = Vec::new();
        let mut next = format!("{DRAFTS}?limit=5");
        loop {
            let page = self.get("list", &next).await;
            for draft in page["drafts"].as_array().expect("drafts") {
                let id = text_of(draft, "id");
                let tests = self.drafts.get(&id).map(|draft| draft.runs.len());
                if draft["test_count"].as_u64() != tests.map(|tests| tests as u64) {
                    self.fault(format!("{tests:?} tests were started: {draft}"));
                }
                seen.push(id);
            }
            if page["total"].as_u64() != Some(self.drafts.len() as u64) {
                self.fault(format!("there are {} drafts, not {}", self.drafts.len(), page["total"]));
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{DRAFTS}?limit=5&cursor={cursor}"),
                None => break,
            }
        }
        seen.sort();
        if !seen.iter().eq(self.drafts.keys()) {
            self.fault(format!("the list has {seen:?}, not {:?}", self.drafts.keys()));
        }
    }

    async fn deletes(&mut self) {
        let at = self.chance.below(self.drafts.len());
        let id = self.drafts.keys().nth(at).expect("there is one that many").clone();
        let request = self.client.request(Method::DELETE, &format!("{DRAFTS}/{id}"));
        let answer = self.call("delete", request).await;
        // Gone already: the machine died before it said so.
        if answer.status != 200 && !(self.world.kills && answer.status == 404) {
            self.fault(format!("{id} can't be deleted: {}", answer.text));
        }
        let draft = self.drafts.remove(&id).expect("theirs");
        self.deleted.deleted += 1;
        self.deleted.runs += draft.runs.len() as u64;
        self.deleted.messages += draft.messages.len() as u64;
    }

    /// At the end: all that was acknowledged is there, as it was; how much that is.
    pub async fn finds_everything(&mut self) -> Kept {
        let mut kept = Kept { jobs: self.jobs, ..std::mem::take(&mut self.deleted) };
        self.lists().await;
        let ids: Vec<_> = self.drafts.keys().cloned().collect();
        for id in &ids {
            self.finds_the_text(id).await;
            self.finds_the_conversation(id).await;
            self.finds_the_runs(id).await;
        }
        for draft in self.drafts.values() {
            kept.drafts += 1;
            kept.saves += draft.saves;
            kept.messages += draft.messages.len() as u64;
            kept.runs += draft.runs.len() as u64;
            kept.ratings += draft.runs.iter().filter(|run| run.rating.is_some()).count() as u64;
        }
        kept
    }

    async fn finds_the_text(&self, id: &str) {
        let (kept, expected) = (self.get("draft", &format!("{DRAFTS}/{id}")).await, &self.drafts[id]);
        if kept["draft_content"] == *expected.text && kept["revision"] == expected.revision {
            return;
        }
        self.fault(format!("{:?} at revision {} was acknowledged: {kept}", expected.text, expected.revision));
    }

    /// Each message is there once, with its own answer: whole, once, and as it was heard.
    async fn finds_the_conversation(&self, id: &str) {
        let history =
            self.get("conversation", &format!("/api/auspex/chat/sessions/{id}/messages?limit=100")).await;
        let messages = history["messages"].as_array().expect("messages");
        let asked: Vec<_> = messages.iter().filter(|message| message["role"] == "user").collect();
        let said = &self.drafts[id].messages;
        let is_same = asked.iter().map(|message| &message["content"]).eq(said.iter().map(|said| &said.text));
        if !is_same || history["total_messages"] != messages.len() {
            self.fault(format!("{} messages were acknowledged: {history}", said.len()));
            return;
        }
        for (message, said) in asked.iter().zip(said) {
            let begin =
                messages.iter().position(|other| other["id"] == message["id"]).expect("it is from there");
            let after = messages[begin + 1..].iter().take_while(|message| message["role"] != "user");
            // What was written before the machine died stands there too, marked.
            let whole: Vec<_> = after.clone().filter(|answer| answer["truncated"] == false).collect();
            let is_answered = match (whole.as_slice(), &said.heard) {
                ([answer], Some((id, text))) => answer["id"] == **id && answer["content"] == **text,
                ([_], None) => self.world.kills,
                _ => false,
            };
            let is_theirs = after.clone().all(|answer| begins_with(&answer["content"], &said.mark));
            let is_alone = self.world.kills || after.count() == 1;
            if !is_answered || !is_theirs || !is_alone {
                self.fault(format!("the answer to {} was heard as {:?}: {history}", said.text, said.heard));
            }
        }
    }

    /// Each test is there once, has ended, and is as it was when it ended.
    async fn finds_the_runs(&self, id: &str) {
        let draft = &self.drafts[id];
        let list = self.get("tests", &format!("{DRAFTS}/{id}/tests?limit=100")).await;
        let listed = list["test_results"].as_array().expect("tests");
        let listed: BTreeSet<_> = listed.iter().map(|run| text_of(run, "test_id")).collect();
        let started: BTreeSet<_> = draft.runs.iter().map(|run| run.id.clone()).collect();
        if listed != started || list["total_tests"] != started.len() {
            self.fault(format!("the tests {started:?} were started: {list}"));
        }
        for run in &draft.runs {
            self.finds_the_run(id, run).await;
        }
    }

    async fn finds_the_run(&self, id: &str, run: &Run) {
        let deadline = Instant::now() + STUCK;
        let kept = loop {
            let kept = self.get("look at a test", &format!("{DRAFTS}/{id}/tests/{}", run.id)).await;
            if matches!(kept["status"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
                break kept;
            }
            assert!(Instant::now() < deadline, "the test does not end: {kept}");
            sleep(Duration::from_secs(1)).await;
        };
        let is_answered = match kept["status"].as_str() {
            Some("succeeded") => begins_with(&kept["full_response"], &run.mark) && kept["truncated"] == false,
            // Its worker was killed three times.
            _ => {
                self.world.kills
                    && kept["error"].as_str().is_some_and(|why| why.contains("stopped several times"))
            }
        };
        let is_unchanged = run.ended.as_ref().is_none_or(|ended| {
            ["status", "full_response", "finished_at", "tokens_out"]
                .iter()
                .all(|field| ended[field] == kept[field])
        });
        let is_rated = match &run.rating {
            Some((stars, notes)) => kept["user_rating"] == *stars && kept["notes"] == **notes,
            None => kept["user_rating"].is_null() && kept["notes"].is_null(),
        };
        if !is_answered || !is_unchanged || !is_rated || kept["prompt_text"] != *run.text {
            let (ended, rating) = (&run.ended, &run.rating);
            self.fault(format!("a test that ended as {ended:?} and was rated {rating:?}: {kept}"));
        }
    }

    /// Every prompt that was committed, by anyone, with its clones.
    pub async fn finds_the_library(&self) -> u64 {
        let library = std::mem::take(&mut *self.world.library());
        for (name, published) in &library {
            let kept = self.get("prompt", &format!("{PROMPTS}/{name}")).await;
            let is_same = kept["content"] == *published.content && kept["version"] == 1;
            if !is_same || kept["clone_count"] != published.clones {
                self.fault(format!("{:?} was cloned {} times: {kept}", published.content, published.clones));
            }
        }
        library.len() as u64
    }

    /// The deployment's figures so far.
    pub async fn figures(&self) -> Value {
        self.get("figures", "/api/metrics?days=2").await["totals"].take()
    }

    /// The figures have grown by what happened: nothing counts twice, however often it was sent.
    pub async fn finds_the_figures(&self, before: &Value, kept: &Kept) {
        let after = self.figures().await;
        let grown = |name: &str| after[name].as_u64().unwrap_or(0) - before[name].as_u64().unwrap_or(0);
        let ended = grown("tests_succeeded") + grown("tests_failed");
        let expected = [
            ("workshops_started", grown("workshops_started"), kept.drafts + kept.deleted),
            ("tests_started", grown("tests_started"), kept.runs),
            ("tests that ended", ended, kept.runs),
            ("drafts_committed", grown("drafts_committed"), kept.commits),
            ("clones", grown("clones"), kept.clones),
        ];
        for (name, counted, expected) in expected {
            if counted != expected {
                self.fault(format!("{name} is {counted}, not {expected}: {after}"));
            }
        }
    }

    async fn get(&self, kind: &'static str, path: &str) -> Value {
        self.ask(kind, self.client.request(Method::GET, path), 200).await
    }

    /// The JSON of an answer that must have this status: whoever gets another can't go on.
    async fn ask(&self, kind: &'static str, request: RequestBuilder, status: u16) -> Value {
        let answer = self.call(kind, request).await;
        if answer.status != status {
            self.fault(format!("{kind}: {} {}", answer.status, answer.text));
        }
        answer.expect(status)
    }

    /// Sends a request until it is answered: again when the machine died, and when the server says to wait.
    async fn call(&self, kind: &'static str, request: RequestBuilder) -> Answer {
        let deadline = Instant::now() + STUCK;
        loop {
            assert!(Instant::now() < deadline, "{kind} gets no answer");
            let (life, began) = (self.world.site.life(), Instant::now());
            let sent = async { whole(request.try_clone().expect("a body in memory").send().await?).await };
            let wait = match sent.await {
                Ok(answer) => {
                    self.world.tally.answered(kind, answer.status.as_u16(), began.elapsed());
                    match self.wait_of(kind, &answer) {
                        Some(wait) => wait,
                        None => return answer,
                    }
                }
                Err(error) => {
                    self.cut_off(kind, life, &error);
                    Duration::from_millis(500)
                }
            };
            sleep(wait).await;
        }
    }

    /// How long to wait before the same is sent again, if it is to be.
    fn wait_of(&self, kind: &'static str, answer: &Answer) -> Option<Duration> {
        if answer.status.is_server_error() {
            self.fault(format!("{kind}: {} {}", answer.status, answer.text));
            return Some(Duration::from_secs(1));
        }
        let seconds = answer.header("retry-after")?.parse().expect("seconds");
        Some(Duration::from_secs(seconds))
    }

    /// A connection broke, which only a machine's death may do.
    fn cut_off(&self, kind: &'static str, life: Option<u64>, error: &reqwest::Error) {
        self.world.tally.cut_off(kind);
        if life.is_some() && self.world.site.life() == life {
            self.fault(format!("{kind}: the machine lives, but {error:?}"));
        }
    }

    fn fault(&self, what: String) {
        self.world.tally.fault(format!("person {}: {what}", self.number));
    }

    fn mark(&mut self) -> String {
        self.made += 1;
        format!("mark-{}-{}", self.number, self.made)
    }

    fn key(&mut self) -> String {
        self.made += 1;
        format!("key-{}-{}", self.number, self.made)
    }
}

async fn whole(response: Response) -> reqwest::Result<Answer> {
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Answer { status, headers, text: response.text().await? })
}

fn requirements(mark: &str) -> String {
    format!("Weekly briefs on AI adoption, with sources. {mark}")
}

/// A prompt that can be told from all others. What the model repeats is not in it.
fn written(mark: &str) -> String {
    format!("{PROMPT} This is text {}.", mark.trim_start_matches("mark-"))
}

fn begins_with(content: &Value, mark: &str) -> bool {
    content.as_str().and_then(|content| content.split_whitespace().next()) == Some(mark)
}

fn text_of(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}
