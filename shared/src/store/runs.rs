//! Test runs: `DRAFT#id` / `RUN#uuid`, with the answer at `OUT#uuid`, the
//! articles at `SRC#uuid` and the tested text, shared by the runs of one
//! revision, at `TEXT#revision`.
//!
//! A run is `queued`, then `running` under a lease, then final. Every change
//! is conditional on the state or the lease it was decided on, so a delivery
//! that comes twice, late or out of order changes nothing. Runs that are not
//! final stand in an index by the time they are to be looked at again.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cursor::CursorKey;
use super::expression::Change;
use super::metrics::{self, Counter};
use super::quotas::{self, Demand, Kind, Reservation};
use super::table::{DraftsTable, Table, UsageTable};
use super::{Item, StoreError, drafts, keys, packed, read, transaction, write};
use crate::config::Tables;
use crate::domain::draft::{Draft, Status};
use crate::domain::run::{
    ATTEMPTS_MAX, LEASE_MS, Outcome, QUEUE_PATIENCE_MS, Research, Run, State, Verdict, preview,
};
use crate::domain::time::Timestamp;
use crate::limits::{Limited, Spend};

/// A change that meets others is tried this often.
const ATTEMPTS: u32 = 5;
/// Runs that are restored at a time: each is two items of a transaction's 100.
pub const RESTORED_MAX: usize = 47;

/// The runs.
#[derive(Clone, Debug)]
pub struct Runs {
    table: Table<DraftsTable>,
    usage: Table<UsageTable>,
    cursors: CursorKey,
}

/// One page of a draft's runs.
#[derive(Debug)]
pub struct RunsPage {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// A run with what lists leave out.
#[derive(Debug)]
pub struct Full {
    /// The run.
    pub run: Run,
    /// Its answer so far, or whole; empty when it was not to be kept.
    pub answer: String,
    /// What the model thought before it answered; empty when the answer was not to be kept.
    pub thinking: String,
    /// What it read.
    pub research: Research,
}

/// What came of starting a run.
#[derive(Debug, PartialEq, Eq)]
pub enum Started {
    /// It is queued.
    Started,
    /// A run of this id was there already: a repeated request.
    Exists,
    /// The draft changed in between.
    DraftChanged,
    /// The draft is gone.
    Gone,
    /// This limit is in the way.
    Limited(Limited),
}

/// What came of rating a run.
#[derive(Debug)]
pub enum Rated {
    /// The run as it is now.
    Rated(Box<Run>),
    /// Only a finished run is rated.
    NotFinished,
    /// There is no such run.
    Gone,
}

/// What came of cancelling a run.
#[derive(Debug)]
pub enum Cancelled {
    /// It was waiting and has ended.
    Ended(Box<Run>),
    /// Its worker will stop soon.
    Requested(Box<Run>),
    /// It had ended before.
    Over(Box<Run>),
    /// There is no such run.
    Gone,
}

/// A run that is not final, as the worker and `recover-runs` see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenRun {
    /// The run.
    #[serde(flatten)]
    pub run: Run,
    /// Whose it is.
    #[serde(rename = "user_id")]
    pub owner: String,
    /// Times it was taken up.
    #[serde(default)]
    pub attempts: u32,
    /// The lease it runs under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<Uuid>,
    /// When the lease ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// What was set aside for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Reservation>,
}

impl OpenRun {
    /// Whether a worker holds it now.
    pub fn is_leased(&self, now: Timestamp) -> bool {
        self.run.status == State::Running && self.lease_until.is_some_and(|until| until > now)
    }
}

/// What came of taking a run up.
#[derive(Debug)]
pub enum Claimed {
    /// It is this worker's, under the lease it named.
    Claimed(Box<OpenRun>),
    /// Another worker holds it, or it is for recover-runs to end.
    Held,
    /// It has ended or is gone: there is nothing to do.
    Over,
}

/// What a worker, or the writer of an answer, learns when it renews its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    Held,
    /// The user asked to stop.
    CancelRequested,
    /// The lease is another's or the work is gone: stop and write nothing.
    Lost,
}

#[derive(Serialize, Deserialize)]
struct RunItem {
    pk: String,
    sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_pk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_sk: Option<String>,
    #[serde(flatten)]
    open: OpenRun,
}

#[derive(Serialize, Deserialize)]
struct Output {
    pk: String,
    sk: String,
    answer: String,
    #[serde(default)]
    thinking: String,
}

#[derive(Serialize, Deserialize)]
struct Sources {
    pk: String,
    sk: String,
    #[serde(flatten)]
    research: Research,
}

/// What is to be looked at again.
#[derive(Debug)]
pub enum Due {
    /// A run.
    Run(Box<OpenRun>),
    /// The conversation of this draft, of which an answer is being written.
    Chat(Uuid),
}

#[derive(Deserialize)]
struct Place {
    pk: String,
    sk: String,
}

/// The run, without what a worker needs besides.
fn run_of(item: Item) -> Result<Run, StoreError> {
    read(item)
}

/// What came of a transaction of which the first `of_runs` parts are runs.
fn started(written: Result<(), transaction::Refused>, of_runs: usize) -> Started {
    match written {
        Ok(()) => Started::Started,
        Err(refused) if refused.part < of_runs => Started::Exists,
        Err(refused) if refused.item.is_empty() => Started::Gone,
        Err(_) => Started::DraftChanged,
    }
}

impl Runs {
    pub(super) fn new(client: &Client, names: &Tables, cursors: CursorKey) -> Self {
        Self { table: Table::new(client, names), usage: Table::new(client, names), cursors }
    }

    /// Queues a run of `draft` as it stands, with its text pinned and what it
    /// may use set aside. The draft counts it, is renewed, and becomes
    /// `testing` if it was a draft. All of it, or nothing.
    pub async fn start(
        &self,
        draft: &Draft,
        run: &Run,
        demand: Demand<'_>,
        now: Timestamp,
    ) -> Result<Started, StoreError> {
        let reserving = match quotas::reserving(&self.usage, Kind::Run, demand, now)? {
            Ok(reserving) => reserving,
            // A repeat of a start that was within the limits is none the less one.
            Err(_) if self.get(draft.summary.id, run.test_id).await?.is_some() => return Ok(Started::Exists),
            Err(limited) => return Ok(Started::Limited(limited)),
        };
        let keys::Key { pk, sk } = keys::run(draft.summary.id, run.test_id);
        let item = RunItem {
            pk,
            sk,
            open_pk: Some(keys::OPEN.to_owned()),
            open_sk: Some(keys::place(now.plus_millis(QUEUE_PATIENCE_MS), &run.test_id.to_string())),
            open: OpenRun {
                run: run.clone(),
                owner: draft.owner.clone(),
                attempts: 0,
                lease_id: None,
                lease_until: None,
                reserved: Some(reserving.reservation.clone()),
            },
        };
        let counters = [(Counter::TestsStarted, 1), (Counter::WorkMs, draft.work_ms)];
        let mut parts = vec![Change::new().if_absent().put_of(&self.table, write(&item)?)?];
        parts.extend(self.tested(draft, 1, &counters, run.test_id, now)?);
        let limits_from = parts.len();
        parts.extend(reserving.parts.iter().cloned());
        match transaction::commit(&self.table.client, parts).await? {
            Err(refused) if refused.part >= limits_from => {
                Ok(Started::Limited(reserving.limit_met(refused.part - limits_from, refused.item)?))
            }
            written => Ok(started(written, 1)),
        }
    }

    /// Puts runs that have ended into the history of `draft`, each with its
    /// answer, up to [`RESTORED_MAX`] at a time. The draft counts them as its
    /// own; no limit and none of the day's figures does.
    pub async fn restore(
        &self,
        draft: &Draft,
        ended: &[(Run, String)],
        now: Timestamp,
    ) -> Result<Started, StoreError> {
        let (table, id) = (&self.table, draft.summary.id);
        let mut parts = Vec::with_capacity(2 * ended.len() + 4);
        for (run, answer) in ended {
            let mut item = write(&OpenRun {
                run: run.clone(),
                owner: draft.owner.clone(),
                attempts: 1,
                lease_id: None,
                lease_until: None,
                reserved: None,
            })?;
            item.extend(keys::run(id, run.test_id).item());
            parts.push(Change::new().if_absent().put_of(table, item)?);
            let keys::Key { pk, sk } = keys::output(id, run.test_id);
            parts.push(Change::new().put_of(
                table,
                write(&Output { pk, sk, answer: answer.clone(), thinking: String::new() })?,
            )?);
        }
        let Some((first, _)) = ended.first() else { return Ok(Started::Started) };
        let more = i64::try_from(ended.len()).unwrap_or(i64::MAX);
        let counters = [(Counter::WorkMs, draft.work_ms)];
        parts.extend(self.tested(draft, more, &counters, first.test_id, now)?);
        Ok(started(transaction::commit(&self.table.client, parts).await?, 2 * ended.len()))
    }

    /// The parts of a transaction by which `draft` has `more` runs of its text
    /// as it stands, is renewed, and becomes `testing` if it was a draft.
    fn tested(
        &self,
        draft: &Draft,
        more: i64,
        counters: &[(Counter, i64)],
        event: Uuid,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let table = &self.table;
        let (draft_id, revision) = (draft.summary.id, draft.summary.revision);
        let text = packed::item(&keys::pinned(draft_id, revision), &draft.content);
        let mut renewal = drafts::renewal(draft, now)
            .when("revision", "=", revision)
            .when("status", "=", draft.summary.status)
            .add("test_count", more);
        let first = draft.summary.status == Status::Draft;
        if first {
            renewal = renewal
                .set("status", Status::Testing)
                .set("list_pk", keys::owner_listing(&draft.owner, Status::Testing));
        }
        let mut parts = vec![
            renewal.update_of(table, keys::draft(draft_id))?,
            Change::new().put_of(table, text)?,
            metrics::part(&self.usage, counters, event, now)?,
        ];
        if first {
            parts.push(drafts::recount(table, &draft.owner, Some(Status::Draft), Some(Status::Testing))?);
        }
        Ok(parts)
    }

    /// One page of a draft's runs, newest first.
    pub async fn list(&self, draft: Uuid, limit: u32, cursor: Option<&str>) -> Result<RunsPage, StoreError> {
        let scope = format!("runs/{draft}");
        let before = match cursor {
            Some(cursor) => self.cursors.open(&scope, cursor)?,
            None => format!("{}~", keys::RUN),
        };
        let query = self
            .table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :partition AND sk BETWEEN :first AND :before")
            .expression_attribute_values(":partition", AttributeValue::S(keys::draft_partition(draft)))
            .expression_attribute_values(":first", AttributeValue::S(keys::RUN.to_owned()))
            .expression_attribute_values(":before", AttributeValue::S(before.clone()))
            .scan_index_forward(false)
            // One more than the page, and BETWEEN includes `before` itself.
            .limit(i32::try_from(limit + 2).unwrap_or(i32::MAX));
        let output = query.send().await?;
        let mut runs = Vec::new();
        for item in output.items.unwrap_or_default() {
            let run = run_of(item)?;
            if keys::run(draft, run.test_id).sk != before {
                runs.push(run);
            }
        }
        let more = runs.len() > limit as usize || output.last_evaluated_key.is_some();
        runs.truncate(limit as usize);
        let next_cursor = runs
            .last()
            .filter(|_| more)
            .map(|last| self.cursors.seal(&scope, &keys::run(draft, last.test_id).sk));
        Ok(RunsPage { runs, next_cursor })
    }

    /// A run without its answer.
    pub async fn get(&self, draft: Uuid, run: Uuid) -> Result<Option<Run>, StoreError> {
        self.table.get(keys::run(draft, run)).await?.map(run_of).transpose()
    }

    /// A run with its answer so far and its articles.
    ///
    /// The run is read before its answer: one that is read as finished comes
    /// with the answer it finished with.
    pub async fn get_full(&self, draft: Uuid, run: Uuid) -> Result<Option<Full>, StoreError> {
        let Some(item) = self.table.get(keys::run(draft, run)).await? else { return Ok(None) };
        let (output, sources) = futures::try_join!(
            self.table.get(keys::output(draft, run)),
            self.table.get(keys::sources(draft, run))
        )?;
        let output = output.map(read::<Output>).transpose()?;
        let (answer, thinking) = output.map(|output| (output.answer, output.thinking)).unwrap_or_default();
        Ok(Some(Full {
            run: run_of(item)?,
            answer,
            thinking,
            research: sources
                .map(read::<Sources>)
                .transpose()?
                .map(|sources| sources.research)
                .unwrap_or_default(),
        }))
    }

    /// The text of a revision that was tested.
    pub async fn pinned_text(&self, draft: Uuid, revision: u64) -> Result<Option<String>, StoreError> {
        let item = self.table.get(keys::pinned(draft, revision)).await?;
        item.map(packed::text_of).transpose()
    }

    /// Gives, changes or takes back a finished run's rating and notes.
    pub async fn rate(
        &self,
        draft: &Draft,
        run: Uuid,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<Rated, StoreError> {
        let mut change = Change::new().when("finished_at", ">", "");
        if let Some(rating) = verdict.user_rating {
            change = change.set("user_rating", rating);
        }
        if let Some(notes) = &verdict.notes {
            change = change.set("notes", notes);
        }
        let table = &self.table;
        let key = keys::run(draft.summary.id, run);
        let parts = vec![
            change.update_of(table, key.clone())?,
            drafts::renewal(draft, now).update_of(table, keys::draft(draft.summary.id))?,
            metrics::part(&self.usage, &[(Counter::WorkMs, draft.work_ms)], run, now)?,
        ];
        match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => {
                let rated = self.table.get(key).await?.map(run_of).transpose()?;
                Ok(rated.map_or(Rated::Gone, |run| Rated::Rated(Box::new(run))))
            }
            Err(refused) if refused.part == 0 && !refused.item.is_empty() => Ok(Rated::NotFinished),
            Err(_) => Ok(Rated::Gone),
        }
    }

    /// Ends a waiting run, or asks the worker of a running one to stop.
    pub async fn cancel(&self, draft: Uuid, run: Uuid, now: Timestamp) -> Result<Cancelled, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(open) = self.open(draft, run).await? else { return Ok(Cancelled::Gone) };
            match open.run.status {
                State::Queued => {
                    let outcome = Outcome::cancelled();
                    if self.finish(&open, &outcome, now).await? {
                        let ended = self.get(draft, run).await?;
                        return Ok(ended.map_or(Cancelled::Gone, |run| Cancelled::Ended(Box::new(run))));
                    }
                }
                State::Running => {
                    let change =
                        Change::new().when("status", "=", State::Running).set("cancel_requested", true);
                    if let Ok(item) = change.apply(&self.table, keys::run(draft, run)).await? {
                        return Ok(Cancelled::Requested(Box::new(run_of(item)?)));
                    }
                }
                _ => return Ok(Cancelled::Over(Box::new(open.run))),
            }
        }
        Err(StoreError::Busy("a cancellation met others on every try".to_owned()))
    }

    /// The run as the worker sees it.
    pub async fn open(&self, draft: Uuid, run: Uuid) -> Result<Option<OpenRun>, StoreError> {
        self.table.get(keys::run(draft, run)).await?.map(read).transpose()
    }

    /// Takes a run up under a lease: if it waits, or if its worker let the
    /// lease run out. What an earlier try wrote is cleared.
    pub async fn claim(
        &self,
        draft: Uuid,
        run: Uuid,
        lease_id: Uuid,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        let Some(open) = self.open(draft, run).await? else { return Ok(Claimed::Over) };
        if open.run.status.is_final() {
            return Ok(Claimed::Over);
        }
        // One that was taken up too often is ended by recover-runs, not by whoever is told of it again before.
        if open.is_leased(now) || open.attempts >= ATTEMPTS_MAX {
            return Ok(Claimed::Held);
        }
        let table = &self.table;
        let until = now.plus_millis(LEASE_MS);
        let change = unchanged_since(&open)
            .set("status", State::Running)
            .set("lease_id", lease_id)
            .set("lease_until", until)
            .set("started_at", now)
            .set("open_sk", keys::place(until, &run.to_string()))
            .add("attempts", 1);
        let parts = vec![
            change.update_of(table, keys::run(draft, run))?,
            Change::new()
                .set("lease_id", lease_id)
                .set("answer", "")
                .remove("thinking")
                .update_of(table, keys::output(draft, run))?,
        ];
        if transaction::commit(&self.table.client, parts).await?.is_err() {
            return Ok(Claimed::Held);
        }
        let mut claimed = open;
        claimed.run.status = State::Running;
        claimed.run.started_at = Some(now);
        claimed.attempts += 1;
        claimed.lease_id = Some(lease_id);
        claimed.lease_until = Some(until);
        Ok(Claimed::Claimed(Box::new(claimed)))
    }

    /// Renews a lease, and learns whether the run was cancelled.
    pub async fn renew(&self, open: &OpenRun, now: Timestamp) -> Result<Beat, StoreError> {
        let change = held(open).set("lease_until", now.plus_millis(LEASE_MS));
        Ok(match change.apply(&self.table, keys::run(open.run.draft_id, open.run.test_id)).await? {
            Err(_) => Beat::Lost,
            Ok(item) => {
                if run_of(item)?.cancel_requested {
                    Beat::CancelRequested
                } else {
                    Beat::Held
                }
            }
        })
    }

    /// Records the articles a run is given; false when the lease was lost.
    pub async fn keep_research(
        &self,
        open: &OpenRun,
        research: &Research,
        notice: Option<&str>,
    ) -> Result<bool, StoreError> {
        let table = &self.table;
        let (draft, run) = (open.run.draft_id, open.run.test_id);
        let keys::Key { pk, sk } = keys::sources(draft, run);
        let parts = vec![
            held(open)
                .set("article_count", research.articles.len())
                .set("tools_used", research.tools_used())
                .set("notice", notice)
                .update_of(table, keys::run(draft, run))?,
            Change::new().put_of(table, write(&Sources { pk, sk, research: research.clone() })?)?,
        ];
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Records the answer and the thinking so far; false when the lease was lost.
    pub async fn keep_partial(
        &self,
        open: &OpenRun,
        answer: &str,
        thinking: &str,
    ) -> Result<bool, StoreError> {
        let change = Change::new().when("lease_id", "=", open.lease_id).set("answer", answer);
        let change = if thinking.is_empty() { change } else { change.set("thinking", thinking) };
        Ok(change.write(&self.table, keys::output(open.run.draft_id, open.run.test_id)).await?.is_ok())
    }

    /// Ends a run, settles what was set aside and counts it, all together;
    /// false when it is no longer as `open` says. What a worker that died had
    /// recorded of the research stays.
    pub async fn finish(
        &self,
        open: &OpenRun,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end(open, outcome, None, now).await
    }

    /// Ends a run as [`finish`](Self::finish) does, and records its research.
    pub async fn finish_researched(
        &self,
        open: &OpenRun,
        outcome: &Outcome,
        research: &Research,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if *research == Research::default() {
            return self.end(open, outcome, None, now).await;
        }
        let keys::Key { pk, sk } = keys::sources(open.run.draft_id, open.run.test_id);
        let sources = write(&Sources { pk, sk, research: research.clone() })?;
        self.end(open, outcome, Some(Change::new().put_of(&self.table, sources)?), now).await
    }

    async fn end(
        &self,
        open: &OpenRun,
        outcome: &Outcome,
        research: Option<TransactWriteItem>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let table = &self.table;
        let (draft, run) = (open.run.draft_id, open.run.test_id);
        let took = open.run.started_at.map(|start| now.millis_since(start).max(0).unsigned_abs());
        let mut change = unchanged_since(open);
        if outcome.state != State::Cancelled {
            // A run whose cancellation was acknowledged ends cancelled.
            change = change.when("cancel_requested", "=", false);
        }
        let change = change
            .set("status", outcome.state)
            .set("response_preview", preview(&outcome.answer))
            .set("response_length", outcome.answer.chars().count())
            .set("truncated", outcome.is_truncated())
            .set("ended", outcome.ended)
            .set("tokens_in", outcome.usage.prompt_tokens)
            .set("tokens_out", outcome.usage.completion_tokens)
            .set("cost_micros", outcome.cost_micros)
            .set("execution_time_ms", took)
            .set("finished_at", now)
            .set("error", &outcome.error)
            .remove("open_pk")
            .remove("open_sk")
            .remove("lease_id")
            .remove("lease_until")
            .remove("reserved");
        let is_kept = open.run.store_full_response;
        let output = Change::new()
            .set("answer", if is_kept { outcome.answer.as_str() } else { "" })
            .remove("lease_id");
        let output = match outcome.thinking.as_str() {
            thinking if is_kept && !thinking.is_empty() => output.set("thinking", thinking),
            _ => output.remove("thinking"),
        };
        let mut parts = vec![
            change.update_of(table, keys::run(draft, run))?,
            output.update_of(table, keys::output(draft, run))?,
            metrics::part(&self.usage, &counted(outcome, took), run, now)?,
        ];
        parts.extend(research);
        if let Some(reserved) = &open.reserved {
            let used = Spend {
                tokens: outcome.usage.prompt_tokens.saturating_add(outcome.usage.completion_tokens),
                micros: outcome.cost_micros,
            };
            parts.extend(quotas::settlement(&self.usage, reserved, used)?);
        }
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Puts a run back into the queue, to be looked at again after `wait_ms`;
    /// false when it is no longer as `open` says. Its message is the caller's.
    pub async fn put_back(&self, open: &OpenRun, wait_ms: i64, now: Timestamp) -> Result<bool, StoreError> {
        let due = now.plus_millis(wait_ms + QUEUE_PATIENCE_MS);
        let change = unchanged_since(open)
            .set("status", State::Queued)
            .set("open_sk", keys::place(due, &open.run.test_id.to_string()))
            .remove("lease_id")
            .remove("lease_until");
        Ok(change.write(&self.table, keys::run(open.run.draft_id, open.run.test_id)).await?.is_ok())
    }

    /// Looks at a run that is in good hands again at `due`.
    pub async fn look_again(&self, open: &OpenRun, due: Timestamp) -> Result<(), StoreError> {
        let change = Change::new()
            .when_present("open_pk")
            .set("open_sk", keys::place(due, &open.run.test_id.to_string()));
        // Refused when it ended meanwhile.
        let _ = change.write(&self.table, keys::run(open.run.draft_id, open.run.test_id)).await?;
        Ok(())
    }

    /// Up to `limit` runs and conversations that are to be looked at by `now`,
    /// the longest overdue first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Due>, StoreError> {
        let query = self.table.query().index_name(keys::BY_DUE);
        let output = query
            .key_condition_expression("open_pk = :open AND open_sk < :now")
            .expression_attribute_values(":open", AttributeValue::S(keys::OPEN.to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(keys::place(now, "")))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await?;
        let mut due = Vec::new();
        for item in output.items.unwrap_or_default() {
            let Place { pk, sk } = read(item)?;
            if sk == keys::CHAT {
                due.extend(keys::draft_of_partition(&pk).map(Due::Chat));
            } else if let Some(item) = self.table.get(keys::Key { pk, sk }).await? {
                let open: OpenRun = read(item)?;
                if !open.run.status.is_final() {
                    due.push(Due::Run(Box::new(open)));
                }
            }
        }
        Ok(due)
    }
}

/// The condition that a run is still as `open` read it.
fn unchanged_since(open: &OpenRun) -> Change {
    let change = Change::new().when("status", "=", open.run.status).when("attempts", "=", open.attempts);
    match open.lease_id {
        Some(lease_id) => change.when("lease_id", "=", lease_id),
        None => change,
    }
}

/// The condition that this worker holds the run.
fn held(open: &OpenRun) -> Change {
    Change::new().when("status", "=", State::Running).when("lease_id", "=", open.lease_id)
}

fn counted(outcome: &Outcome, took: Option<u64>) -> Vec<(Counter, i64)> {
    let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
    let ended = match outcome.state {
        State::Succeeded => Counter::TestsSucceeded,
        State::Cancelled => Counter::TestsCancelled,
        _ => Counter::TestsFailed,
    };
    vec![
        (ended, 1),
        (Counter::TestMs, signed(took.unwrap_or(0))),
        (Counter::TokensIn, signed(outcome.usage.prompt_tokens)),
        (Counter::TokensOut, signed(outcome.usage.completion_tokens)),
        (Counter::CostMicros, signed(outcome.cost_micros)),
    ]
}
