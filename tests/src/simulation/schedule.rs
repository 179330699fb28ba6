//! The schedule of one seed: who takes the next step, and what becomes of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use dynoxide::actions::describe_stream::DescribeStreamRequest;
use dynoxide::actions::get_records::GetRecordsRequest;
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::actions::list_streams::ListStreamsRequest;
use dynoxide::actions::query::QueryRequest;
use serde_json::{Value, json};
use shared::domain::run::LEASE_MS;
use tokio::task::JoinHandle;

use super::checks;
use super::ledger::{Deed, Errand, Heard, KnownDraft, Ledger, attempt, call, prompt};
use super::model::{Call, Play};
use super::wire::{ACTOR, FAULTS, Fate, Sent};
use super::{Broken, PLACES, Room, Tally, World};
use crate::chance::Chance;

/// Steps after which no more goes wrong.
const STEPS: usize = 600;
/// Steps that setting everything right may take.
const HEALING: usize = 20_000;
/// Times one errand is tried.
const TRIES: u32 = 12;
/// A key is remembered for a day: whoever comes back later asks for something new.
const KEY_KEPT_MS: i64 = 23 * 3_600_000;
/// A worker that runs for this long may be taken for dead: a lease, less what
/// clocks differ by.
const SUSPECT_MS: i64 = 12_000;
/// An actor that neither waits nor ends for this long is stuck.
const STUCK: Duration = Duration::from_secs(60);
/// A message that was delivered is hidden for this long (`infra/template.yaml`).
const VISIBILITY_MS: i64 = 1_980_000;

/// For how long all may lie still: past a visibility timeout, a night, to the last days of a draft, past them.
const SPANS: [i64; 4] = [1_900_000, 13 * 3_600_000, 29 * 86_400_000, 31 * 86_400_000];
/// How many of these are within a day.
const WITHIN_A_DAY: usize = 2;

/// Who takes a step.
enum Kind {
    Person(usize),
    /// A worker, with the receipt of its message.
    Worker(u64),
    Recover,
    /// The cleanup, with the first records of the stream that have not been handled.
    Cleanup(usize),
}

struct Actor {
    kind: Kind,
    name: String,
    task: JoinHandle<()>,
    place: usize,
    born: i64,
    /// Whether one of its calls to the store went wrong.
    met_a_fault: bool,
}

/// What an actor came to.
enum End {
    Person(Box<Heard>),
    /// Whether its message is to come again.
    Worker(bool),
    /// Whether it went well.
    Job(bool),
}

struct Message {
    body: String,
    visible: i64,
    /// The deliveries of it that are under way.
    receipts: Vec<u64>,
    deleted: bool,
}

/// A worker that called the model, and how it ended.
pub struct Worked {
    pub actor: usize,
    /// It died, failed after a fault of the store, or took so long that it may have been taken for dead.
    pub interrupted: bool,
}

struct Schedule<'w> {
    world: &'w World,
    /// In milliseconds.
    began: i64,
    chance: Chance,
    room: Room,
    actors: BTreeMap<usize, Actor>,
    next: usize,
    ends: Rc<RefCell<Vec<(usize, End)>>>,
    queue: Vec<Message>,
    records: Vec<Value>,
    iterator: Option<String>,
    errands: Vec<Errand>,
    ledger: Ledger,
    worked: Vec<Worked>,
    /// The most that all together had used of the day's money when a try of an errand was decided on.
    met: BTreeMap<usize, u64>,
    refused_at: Vec<u64>,
    tally: Tally,
    log: Vec<String>,
    /// Of a hundred steps, so many go wrong, and so many kill.
    faults: (usize, usize),
}

/// What the checks look at.
pub struct Ended<'a> {
    pub world: &'a World,
    pub room: Room,
    pub ledger: &'a Ledger,
    pub calls: &'a [Call],
    pub worked: &'a [Worked],
    /// What all together had used of the day's money whenever that was said to be too much.
    pub refused_at: &'a [u64],
    pub queue_is_empty: bool,
    /// For how long it went on, in milliseconds.
    pub took: i64,
}

/// Runs a seed.
pub async fn run(world: &World, seed: u64) -> Result<Tally, Broken> {
    let mut chance = Chance::of_seed(seed);
    let faults = *chance.one(&[(0, 0), (4, 1), (10, 3), (25, 6)]);
    let room = match chance.below(100) {
        0..15 => Room::FewRuns,
        15..25 => Room::LittleMoney,
        _ => Room::Wide,
    };
    let mut schedule = Schedule {
        world,
        began: world.clock.now().as_millis(),
        room,
        chance,
        actors: BTreeMap::new(),
        next: 0,
        ends: Rc::default(),
        queue: Vec::new(),
        records: Vec::new(),
        iterator: None,
        errands: Vec::new(),
        ledger: Ledger::default(),
        worked: Vec::new(),
        met: BTreeMap::new(),
        refused_at: Vec::new(),
        tally: Tally::default(),
        log: Vec::new(),
        faults,
    };
    schedule.set_out().await;
    let went = schedule.go().await;
    let mut schedule_log = std::mem::take(&mut schedule.log);
    let calls = world.script.borrow().calls.clone();
    let checked = match went {
        Ok(()) => {
            checks::check(&Ended {
                world,
                room,
                ledger: &schedule.ledger,
                calls: &calls,
                worked: &schedule.worked,
                refused_at: &schedule.refused_at,
                took: schedule.now() - schedule.began,
                queue_is_empty: schedule.queue.iter().all(|message| message.deleted),
            })
            .await
        }
        Err(what) => Err(what),
    };
    for (_, actor) in std::mem::take(&mut schedule.actors) {
        actor.task.abort();
    }
    schedule.count_calls(&calls);
    checked.map(|()| schedule.tally).map_err(|what| {
        schedule_log.insert(0, format!("faults {faults:?}, limits: {room:?}"));
        Broken { seed, what, schedule: schedule_log }
    })
}

impl Schedule<'_> {
    fn now(&self) -> i64 {
        self.world.clock.now().as_millis()
    }

    fn note(&mut self, what: String) {
        self.log.push(format!("{:>8.3} {what}", (self.now() - self.began) as f64 / 1_000.0));
    }

    /// What people have, and what they set out to do.
    async fn set_out(&mut self) {
        let app = self.world.places[0].wide;
        self.open_stream();
        for user in ["ada", "ben", "ada"].into_iter().take(1 + self.chance.below(3)) {
            let number = self.ledger.drafts.len();
            let first = prompt(&format!("Draft {number}, as it began"));
            let started = call(app, "drafts-start", user, &[], &[], &json!({"starting_prompt": first})).await;
            assert_eq!(started.status, 201, "{}", started.body);
            self.ledger.drafts.push(KnownDraft {
                id: started.body["draft_id"].as_str().expect("an id").to_owned(),
                user,
                first,
                active: self.now(),
                ..KnownDraft::default()
            });
        }
        let mut deeds = Vec::new();
        let drafts = self.ledger.drafts.len();
        let (tests, texts) = (self.chance.happens(75), self.chance.happens(65));
        if tests {
            for number in 0..1 + self.chance.below(4) {
                let query = format!("Question {number}: what changed for banks this year?");
                let draft = self.chance.below(drafts);
                deeds.push(Deed::Test { draft, query: query.clone() });
                if self.chance.happens(25) {
                    deeds.push(Deed::Cancel { query: query.clone() });
                }
                if self.chance.happens(30) {
                    deeds.push(Deed::Rate { query: query.clone(), rating: 1 + self.chance.below(5) as u8 });
                }
                self.world.script.borrow_mut().queries.push(query);
            }
        }
        if texts || !tests {
            for number in 0..2 + self.chance.below(6) {
                let draft = self.chance.below(drafts);
                let name = format!("name_{}", self.chance.below(2));
                deeds.push(match self.chance.below(14) {
                    12 | 13 => Deed::Begin { text: prompt(&format!("Begun by errand {number}")) },
                    0..=4 => Deed::Save {
                        draft,
                        text: prompt(&format!("Draft {draft}, save {number}")),
                        blind: self.chance.happens(30),
                    },
                    5 => Deed::Mark { draft, ready: self.chance.happens(50) },
                    6..=8 => Deed::Commit { draft, name },
                    9 | 10 => Deed::Clone { name },
                    _ => Deed::Unpublish { name },
                });
            }
        }
        if self.chance.happens(20) {
            deeds.push(Deed::Delete { draft: self.chance.below(drafts) });
        }
        for (number, deed) in deeds.into_iter().enumerate() {
            let user = match &deed {
                Deed::Test { draft, .. }
                | Deed::Save { draft, .. }
                | Deed::Mark { draft, .. }
                | Deed::Delete { draft }
                | Deed::Commit { draft, .. } => self.ledger.drafts[*draft].user,
                _ => *self.chance.one(&["ada", "ben"]),
            };
            let key = format!("errand {number}");
            self.errands.push(Errand { deed, user, key, tries: 0, since: 0, under_way: false, done: false });
        }
        let mut script = self.world.script.borrow_mut();
        for _ in 0..self.chance.below(4) {
            let plays = [
                Play::Answers,
                Play::Answers,
                Play::Answers,
                Play::BreaksOff,
                Play::LimitsRate,
                Play::Refuses,
            ];
            script.plays.push(*self.chance.one(&plays));
        }
    }

    async fn go(&mut self) -> Result<(), String> {
        for _ in 0..STEPS {
            self.settle().await?;
            self.money_holds()?;
            if !self.step(true) {
                break;
            }
        }
        // From here on nothing more goes wrong, and everything comes to its end.
        self.faults = (0, 0);
        self.note("all is well from here on".to_owned());
        for step in 0..HEALING {
            self.settle().await?;
            self.money_holds()?;
            if !self.step(false) {
                let quiet = self.errands.iter().all(|errand| errand.done)
                    && self.queue.iter().all(|message| message.deleted)
                    && self.records.is_empty();
                if quiet && !checks::anything_open(self.world).await {
                    self.tally.count("seeds", 1);
                    return Ok(());
                }
                self.advance(65_000);
                self.recover();
                self.sweep();
            }
            if step % 500 == 499 {
                self.advance(65_000);
            }
        }
        Err("something goes on for ever".to_owned())
    }

    /// Waits until every actor waits at a gate or has ended.
    async fn settle(&mut self) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + STUCK;
        loop {
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            self.collect();
            // Whoever ends says how; only a panic says nothing.
            if let Some(actor) = self.actors.values().find(|actor| actor.task.is_finished()) {
                return Err(format!("{} panicked", actor.name));
            }
            let waiting = self.world.gates.waiting();
            let is_waiting = |id: &usize| waiting.iter().any(|(_, actor, _)| actor == id);
            if self.actors.keys().all(is_waiting) {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                let stuck = self.actors.iter().filter(|(id, _)| !is_waiting(id));
                let names: Vec<_> = stuck.map(|(_, actor)| actor.name.as_str()).collect();
                return Err(format!("neither waiting nor done: {names:?}"));
            }
            let _ = tokio::time::timeout(Duration::from_millis(500), self.world.gates.change()).await;
        }
    }

    /// Takes in what has happened since.
    fn collect(&mut self) {
        for id in self.world.gates.died() {
            self.kill(id);
        }
        let ends = std::mem::take(&mut *self.ends.borrow_mut());
        for (id, end) in ends {
            if let Some(actor) = self.actors.remove(&id) {
                self.world.gates.forget(id);
                self.ended(id, &actor, Some(end));
            }
        }
        for sent in self.world.gates.sent() {
            match sent {
                Sent::Message(body) => {
                    let visible = self.now();
                    self.queue.push(Message { body, visible, receipts: Vec::new(), deleted: false });
                }
                Sent::Postponed(receipt, seconds) => {
                    let (now, receipt) = (self.now(), receipt.parse().unwrap_or(u64::MAX));
                    if let Some(message) = self.queue.iter_mut().find(|one| one.receipts.contains(&receipt)) {
                        message.visible = now + seconds * 1_000;
                    }
                }
            }
        }
    }

    fn kill(&mut self, id: usize) {
        if let Some(actor) = self.actors.remove(&id) {
            actor.task.abort();
            self.world.gates.forget(id);
            self.note(format!("{} dies", actor.name));
            self.tally.count("deaths", 1);
            self.ended(id, &actor, None);
        }
    }

    /// No request lives for half an hour: its function's time-out ends it long before.
    fn hang_up(&mut self) {
        let people = self.actors.iter().filter(|(_, actor)| matches!(actor.kind, Kind::Person(_)));
        for id in people.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.kill(id);
        }
    }

    fn ended(&mut self, id: usize, actor: &Actor, end: Option<End>) {
        let now = self.now();
        match (&actor.kind, end) {
            (Kind::Person(at), end) => {
                let errand = &mut self.errands[*at];
                errand.under_way = false;
                errand.done = match &end {
                    Some(End::Person(heard)) => self.ledger.heard(errand, heard, actor.born),
                    // Whoever asked heard nothing, and asks again; a save is asked for anew by its next one.
                    _ => matches!(errand.deed, Deed::Save { .. }),
                };
                errand.done |= errand.tries >= TRIES;
                if let Some(End::Person(heard)) = end {
                    if let Some(limit) = heard.limit() {
                        self.tally.count(limit, 1);
                        if limit == "refused: deployment" {
                            self.refused_at.extend(self.met.get(at).or(Some(&0)));
                        }
                    }
                    let said = heard.body["detail"].as_str().unwrap_or_default().to_owned();
                    self.note(format!("{} hears {} {said}", actor.name, heard.status));
                }
            }
            (Kind::Worker(receipt), end) => {
                let failed = !matches!(end, Some(End::Worker(false)));
                let died = end.is_none();
                let took = now - actor.born;
                if self.world.script.borrow().calls.iter().any(|call| call.actor == id) {
                    let interrupted = died || (failed && actor.met_a_fault) || took >= SUSPECT_MS;
                    self.worked.push(Worked { actor: id, interrupted });
                    self.tally.count("workers past their lease", u64::from(!died && took >= LEASE_MS));
                }
                // The event source deletes what has served, and may die before it does.
                let forgets = self.chance.happens(self.faults.1);
                if let Some(message) = self.queue.iter_mut().find(|one| one.receipts.contains(receipt))
                    && !failed
                    && !forgets
                {
                    message.deleted = true;
                }
                self.note(format!("{} ends, its message comes again: {failed}", actor.name));
            }
            (Kind::Cleanup(records), Some(End::Job(true))) => {
                if !self.chance.happens(self.faults.0) {
                    self.records.drain(..*records);
                }
                self.note(format!("{} ends", actor.name));
            }
            (_, end) => {
                let well = matches!(end, Some(End::Job(true)));
                self.note(format!("{} ends well: {well}", actor.name));
            }
        }
    }

    /// One step of someone, chosen by the seed; false when nobody has any.
    fn step(&mut self, chaos: bool) -> bool {
        let waiting = self.world.gates.waiting();
        let ready: Vec<usize> = (0..self.errands.len()).filter(|at| self.is_ready(*at)).collect();
        let now = self.now();
        let deliverable: Vec<usize> = (0..self.queue.len())
            .filter(|at| !self.queue[*at].deleted)
            .filter(|at| self.queue[*at].visible <= now || (chaos && self.queue[*at].receipts.len() < 3))
            .collect();
        let free = self.free_place();
        self.read_stream();
        let cleans = self.actors.values().any(|actor| matches!(actor.kind, Kind::Cleanup(_)));
        let choice = self.chance.below(100);
        // In chaos, time and the schedule's own jobs come between.
        if chaos {
            match choice {
                0..=2 => {
                    let by = *self.chance.one(&[1_000, 3_000, 7_000, 25_000, 70_000]);
                    self.advance(by);
                    return true;
                }
                3 if self.chance.happens(30) => {
                    // A stream keeps its records for a day (DynamoDB Developer Guide, "Change data capture for
                    // DynamoDB Streams"): none that was handled half comes again after weeks.
                    let spans = if self.records.is_empty() { &SPANS[..] } else { &SPANS[..WITHIN_A_DAY] };
                    let by = *self.chance.one(spans);
                    self.hang_up();
                    self.advance(by);
                    return true;
                }
                4 => {
                    self.recover();
                    return true;
                }
                5 if self.chance.happens(40) => {
                    self.sweep();
                    return true;
                }
                _ => {}
            }
        }
        let wants = |share: usize| choice % 10 < share || waiting.is_empty();
        if !ready.is_empty() && wants(2) && self.actors.len() < 8 {
            let errand = *self.chance.one(&ready);
            self.send_out(errand);
            return true;
        }
        if let Some(place) = free
            && !deliverable.is_empty()
            && wants(3)
        {
            let message = *self.chance.one(&deliverable);
            self.deliver(message, place);
            return true;
        }
        if !self.records.is_empty() && !cleans && wants(3) {
            self.clean();
            return true;
        }
        if waiting.is_empty() {
            return false;
        }
        let (number, actor, what) = waiting[self.chance.below(waiting.len())].clone();
        let fate = self.fate(&what);
        let name = self.actors.get(&actor).map_or("nobody", |actor| &actor.name).to_owned();
        self.note(format!("{name}: {what}: {fate:?}"));
        self.tally.count("steps", 1);
        self.meet(actor, &what, fate);
        if fate.kills() && what.starts_with("the model") {
            // The worker dies while it waits for the model.
            self.kill(actor);
        } else {
            self.world.gates.pass(number, fate);
        }
        true
    }

    /// Notes down what a step meets.
    fn meet(&mut self, id: usize, what: &str, fate: Fate) {
        let spent = if what.starts_with("TransactWriteItems") { self.spent() } else { None };
        let Some(actor) = self.actors.get_mut(&id) else { return };
        if let Some(fault) = fate.fault(what).filter(|_| !what.starts_with("the model")) {
            actor.met_a_fault = true;
            self.tally.count(fault, 1);
            self.tally.count("faults", 1);
        }
        if let (Kind::Person(errand), Some(spent)) = (&actor.kind, spent) {
            let most = self.met.entry(*errand).or_default();
            *most = spent.max(*most);
        }
    }

    /// What all together have used of a day's money, or set aside; nothing where it is without bounds.
    fn spent(&self) -> Option<u64> {
        if self.room == Room::Wide {
            return None;
        }
        let query = json!({"TableName": "workshop-usage", "KeyConditionExpression": "pk = :all",
            "ExpressionAttributeValues": {":all": {"S": "DEPLOYMENT"}}});
        let query: QueryRequest = serde_json::from_value(query).expect("a query");
        let days = self.world.database.query(query).expect("the days");
        let days = serde_json::to_value(days).expect("the days");
        let micros = |day: &Value| day["micros"]["N"].as_str().and_then(|micros| micros.parse().ok());
        Some(days["Items"].as_array().into_iter().flatten().filter_map(micros).max().unwrap_or(0))
    }

    /// Not even for a moment is more set aside than there is.
    fn money_holds(&self) -> Result<(), String> {
        let cap = self.world.cap(self.room);
        match self.spent() {
            Some(spent) if spent > cap => Err(format!("{spent} are spent or set aside, of {cap}")),
            _ => Ok(()),
        }
    }

    fn count_calls(&mut self, calls: &[Call]) {
        let mut of_run: BTreeMap<&str, u64> = BTreeMap::new();
        for call in calls {
            let what = match call.play {
                Play::Answers => "model answers",
                Play::BreaksOff => "model breaks off",
                Play::LimitsRate => "model limits its rate",
                Play::Refuses => "model refuses",
            };
            self.tally.count(what, 1);
            *of_run.entry(&call.query).or_default() += u64::from(call.play != Play::LimitsRate);
        }
        // A run is taken up by another worker only when the lease of the one before has run out.
        let again = of_run.values().map(|calls| calls.saturating_sub(1)).sum();
        self.tally.count("leases run out", again);
    }

    /// Counts what `kind`, which begins, meets of what is under way.
    fn count_meetings(&mut self, kind: &Kind) {
        let others: Vec<&Kind> = self.actors.values().map(|actor| &actor.kind).collect();
        let met: Vec<&str> = others.into_iter().filter_map(|other| self.meeting(kind, other)).collect();
        for what in met {
            self.tally.count(what, 1);
        }
    }

    fn meeting(&self, one: &Kind, other: &Kind) -> Option<&'static str> {
        match (one, other) {
            (Kind::Person(one), Kind::Person(other)) => {
                self.errands[*one].deed.meeting(&self.errands[*other].deed)
            }
            (Kind::Person(errand), Kind::Cleanup(count)) | (Kind::Cleanup(count), Kind::Person(errand)) => {
                let draft = self.errands[*errand].deed.renews(&self.ledger)?;
                let partition = format!("DRAFT#{}", self.ledger.drafts[draft].id);
                let records = &self.records[..*count];
                let is_cleaned = |record: &Value| record["dynamodb"]["Keys"]["pk"]["S"] == partition;
                records.iter().any(is_cleaned).then_some("cleanup against renewal")
            }
            _ => None,
        }
    }

    fn fate(&mut self, what: &str) -> Fate {
        if self.chance.happens(self.faults.1) {
            return *self.chance.one(&[Fate::CallerDies, Fate::CallerDiesAfter]);
        }
        // There are few batches, and more that can become of one.
        let share = if what.starts_with("Batch") { 3 * self.faults.0 } else { self.faults.0 };
        if self.chance.happens(share) && !what.starts_with("the model") {
            return *self.chance.one(&FAULTS);
        }
        Fate::Passes
    }

    fn is_ready(&self, at: usize) -> bool {
        let errand = &self.errands[at];
        !errand.done && !errand.under_way && (self.ledger.allows(&errand.deed) || self.given_up(&errand.deed))
    }

    /// A deed that waits for one which will never be acknowledged.
    fn given_up(&self, deed: &Deed) -> bool {
        let (Deed::Cancel { query: of } | Deed::Rate { query: of, .. }) = deed else { return false };
        self.errands
            .iter()
            .any(|errand| errand.done && matches!(&errand.deed, Deed::Test { query, .. } if query == of))
    }

    /// A place where no worker runs.
    fn free_place(&self) -> Option<usize> {
        let taken: Vec<usize> = self
            .actors
            .values()
            .filter(|actor| matches!(actor.kind, Kind::Worker(_)))
            .map(|actor| actor.place)
            .collect();
        (0..self.world.places.len()).find(|place| !taken.contains(place))
    }

    fn spawn(&mut self, name: String, kind: Kind, place: usize, work: impl Future<Output = End> + 'static) {
        let (id, ends, gates) = (self.next, Rc::clone(&self.ends), self.world.gates.clone());
        self.next += 1;
        let task = tokio::task::spawn_local(ACTOR.scope(id, async move {
            let end = work.await;
            ends.borrow_mut().push((id, end));
            gates.changed();
        }));
        if matches!(kind, Kind::Worker(_)) {
            let key = self.world.places[place].key.clone();
            self.world.script.borrow_mut().workers.insert(key, id);
        }
        self.note(format!("{name} begins"));
        self.tally.count("functions called", 1);
        self.tally.count("functions with a clock off", u64::from(PLACES[place] != 0));
        self.count_meetings(&kind);
        let born = self.now();
        self.actors.insert(id, Actor { kind, name, task, place, born, met_a_fault: false });
    }

    fn send_out(&mut self, at: usize) {
        if !self.ledger.allows(&self.errands[at].deed) {
            self.errands[at].done = true;
            return;
        }
        let now = self.now();
        let errand = &mut self.errands[at];
        if errand.tries == 0 {
            errand.since = now;
        }
        errand.done = now - errand.since >= KEY_KEPT_MS;
        if errand.done {
            return;
        }
        errand.tries += 1;
        errand.under_way = true;
        let errand = errand.clone();
        self.ledger.begun(&errand.deed);
        let place = self.chance.below(self.world.places.len());
        let app = self.world.places[place].app(self.room);
        let (ledger, name) = (self.ledger.clone(), format!("{} {:?}", errand.user, errand.deed));
        let name = name.split(" You are").next().unwrap_or_default().to_owned();
        self.spawn(name, Kind::Person(at), place, async move {
            End::Person(Box::new(attempt(app, errand, ledger).await))
        });
    }

    fn deliver(&mut self, at: usize, place: usize) {
        let (receipt, now) = (self.next as u64, self.now());
        let message = &mut self.queue[at];
        if !message.receipts.is_empty() {
            self.tally.count("deliveries again", 1);
        }
        let at_work =
            |actor: &Actor| matches!(&actor.kind, Kind::Worker(other) if message.receipts.contains(other));
        let together = self.actors.values().any(at_work);
        self.tally.count("two workers of one message", u64::from(together));
        message.receipts.push(receipt);
        message.visible = now + VISIBILITY_MS;
        let record = json!({"messageId": at.to_string(), "receiptHandle": receipt.to_string(),
            "body": message.body, "attributes": {}, "messageAttributes": {}, "eventSource": "aws:sqs"});
        let event = serde_json::from_value(json!({"Records": [record]})).expect("an event");
        let app = self.world.places[place].app(self.room);
        self.spawn(format!("worker {receipt}"), Kind::Worker(receipt), place, async move {
            let worked = functions::jobs::run_test::handle(app, event).await;
            End::Worker(worked.map_or(true, |response| !response.batch_item_failures.is_empty()))
        });
    }

    fn recover(&mut self) {
        if self.actors.values().filter(|actor| matches!(actor.kind, Kind::Recover)).count() > 1 {
            return;
        }
        let place = self.chance.below(self.world.places.len());
        let app = self.world.places[place].app(self.room);
        self.spawn("recover-runs".to_owned(), Kind::Recover, place, async move {
            End::Job(functions::jobs::recover_runs::handle(app, Value::Null).await.is_ok())
        });
    }

    fn clean(&mut self) {
        let count = 1 + self.chance.below(self.records.len());
        let event = serde_json::from_value(json!({"Records": self.records[..count]})).expect("an event");
        let place = self.chance.below(self.world.places.len());
        let app = self.world.places[place].app(self.room);
        self.spawn(format!("cleanup of {count}"), Kind::Cleanup(count), place, async move {
            End::Job(functions::jobs::drafts_cleanup::handle(app, event).await.is_ok())
        });
    }

    fn advance(&mut self, by: i64) {
        self.world.advance(Duration::from_millis(by.unsigned_abs()));
        self.note(format!("{} s pass", by / 1_000));
    }

    fn sweep(&mut self) {
        let swept = self.world.database.sweep_ttl().expect("a sweep");
        self.note(format!("DynamoDB removes {swept} expired items"));
        self.tally.count("expired items removed late", swept as u64);
    }

    fn open_stream(&mut self) {
        let database = &self.world.database;
        let table = Some("workshop-drafts".to_owned());
        let request = ListStreamsRequest { table_name: table, ..ListStreamsRequest::default() };
        let arn = database.list_streams(request).expect("streams").streams.remove(0).stream_arn;
        let request = DescribeStreamRequest { stream_arn: arn.clone(), ..DescribeStreamRequest::default() };
        let shard = database.describe_stream(request).expect("a stream").stream_description.shards.remove(0);
        let request = GetShardIteratorRequest {
            stream_arn: arn,
            shard_id: shard.shard_id,
            shard_iterator_type: "LATEST".to_owned(),
            sequence_number: None,
        };
        self.iterator = database.get_shard_iterator(request).expect("an iterator").shard_iterator;
    }

    /// Takes what the drafts' stream has, but for what no draft ended with.
    fn read_stream(&mut self) {
        let Some(iterator) = self.iterator.take() else { return };
        let request = GetRecordsRequest { shard_iterator: iterator, limit: Some(1_000) };
        let read = self.world.database.get_records(request).expect("records");
        self.iterator = read.next_shard_iterator;
        for record in read.records {
            let record = serde_json::to_value(record).expect("a record");
            if record["eventName"] == "REMOVE" {
                self.records.push(record);
            }
        }
    }
}
