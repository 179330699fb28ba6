//! Conversations: `DRAFT#id` / `CHAT` is one's state, `MSG#uuid` its messages.
//!
//! The state holds a lease: while it runs, one answer is being written, and
//! nobody else may write. It has an end, so that a function that dies does not
//! lock a conversation for good. The user's wish to stop is marked on it and
//! goes with it: each lease begins and ends without the mark. So does what is
//! set aside for the answer: whoever ends the lease settles it. While it runs,
//! the state stands in the index of what is to be looked at again.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cursor::CursorKey;
use super::expression::Change;
use super::metrics::{self, Counter};
use super::quotas::{self, Demand, Kind, Reservation};
use super::runs::Beat;
use super::table::{DraftsTable, Table, UsageTable};
use super::{StoreError, drafts, keys, read, transaction, write};
use crate::config::Tables;
use crate::domain::conversation::{Message, Role, mark_interrupted};
use crate::domain::draft::Draft;
use crate::domain::ending::Ending;
use crate::domain::model::Usage;
use crate::domain::time::Timestamp;
use crate::limits::{Limited, Spend};

/// Dead writers that one message finds: there was one, and another may just
/// have taken its place.
const DEAD_WRITERS: u32 = 3;

/// The conversations.
#[derive(Clone, Debug)]
pub struct Conversations {
    table: Table<DraftsTable>,
    usage: Table<UsageTable>,
    cursors: CursorKey,
}

/// A page of a conversation.
#[derive(Debug)]
pub struct History {
    /// In the order they were said.
    pub messages: Vec<Message>,
    /// Messages in the whole conversation.
    pub total: u64,
    /// Where the page with earlier messages begins.
    pub next_cursor: Option<String>,
    /// An answer is being written.
    pub is_answering: bool,
}

/// What came of beginning an answer.
#[derive(Debug)]
pub enum Begin {
    /// The lease is taken and the user's message, if there is one, is kept.
    Begun(Answering),
    /// Another answer is being written.
    Busy,
    /// The draft is gone.
    Gone,
    /// The message to be answered has been answered meanwhile.
    Answered,
    /// A message of this id is there already: a repeated request.
    Exists,
    /// This limit is in the way.
    Limited(Limited),
}

/// An answer being written: who may write it, and until when.
#[derive(Clone, Debug)]
pub struct Answering {
    /// The conversation's draft.
    pub draft_id: Uuid,
    /// Names the lease.
    pub lease_id: Uuid,
    /// What was set aside for it.
    reserved: Reservation,
}

/// What writing an answer took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Tokens of the model.
    pub usage: Usage,
    /// What they cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

impl Took {
    fn counters(self) -> [(Counter, i64); 3] {
        let signed = |amount: u64| i64::try_from(amount).unwrap_or(i64::MAX);
        [
            (Counter::TokensIn, signed(self.usage.prompt_tokens)),
            (Counter::TokensOut, signed(self.usage.completion_tokens)),
            (Counter::CostMicros, signed(self.cost_micros)),
        ]
    }

    fn spend(self) -> Spend {
        let tokens = self.usage.prompt_tokens.saturating_add(self.usage.completion_tokens);
        Spend { tokens, micros: self.cost_micros }
    }
}

#[derive(Serialize, Deserialize)]
struct State {
    pk: String,
    sk: String,
    message_count: u64,
    /// The user's message that has no answer yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Uuid>,
    /// Until when the answer that is being written has its writer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease_until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Leased {
    lease_id: Option<Uuid>,
    lease_until: Option<Timestamp>,
    #[serde(default)]
    stop_requested: bool,
    reserved: Option<Reservation>,
}

impl Leased {
    /// What this tells the writer that `answering` names.
    fn beat(&self, answering: &Answering) -> Beat {
        match self.lease_id == Some(answering.lease_id) {
            true if self.stop_requested => Beat::CancelRequested,
            true => Beat::Held,
            false => Beat::Lost,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    pk: String,
    sk: String,
    #[serde(flatten)]
    message: Message,
}

fn entry(draft: Uuid, message: &Message) -> Result<super::Item, StoreError> {
    let keys::Key { pk, sk } = keys::message(draft, message.id);
    write(&Entry { pk, sk, message: message.clone() })
}

/// The parts of a transaction that open a conversation with `messages`.
pub(super) fn opened(
    table: &Table<DraftsTable>,
    draft: Uuid,
    messages: &[Message],
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let keys::Key { pk, sk } = keys::chat(draft);
    let pending = messages.last().filter(|last| last.role == Role::User).map(|last| last.id);
    let state = State { pk, sk, message_count: messages.len() as u64, pending, lease_until: None };
    let mut parts = vec![Change::new().put_of(table, write(&state)?)?];
    for message in messages {
        parts.push(Change::new().put_of(table, entry(draft, message)?)?);
    }
    Ok(parts)
}

impl Conversations {
    pub(super) fn new(client: &Client, names: &Tables, cursors: CursorKey) -> Self {
        Self { table: Table::new(client, names), usage: Table::new(client, names), cursors }
    }

    /// A page of the conversation: the newest `limit` messages, or those
    /// before `cursor`.
    pub async fn history(
        &self,
        draft: Uuid,
        limit: u32,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<History, StoreError> {
        let scope = format!("messages/{draft}");
        let before = match cursor {
            Some(cursor) => self.cursors.open(&scope, cursor)?,
            None => format!("{}~", keys::MESSAGE),
        };
        // Before the messages: an answer is shown as one that nobody writes any more only with its end.
        let state: Option<State> = self.table.get(keys::chat(draft)).await?.map(read).transpose()?;
        let is_answering =
            state.as_ref().and_then(|state| state.lease_until).is_some_and(|until| until > now);
        let (mut messages, more) = self.before(draft, &before, limit).await?;
        let next_cursor = messages
            .last()
            .filter(|_| more)
            .map(|oldest| self.cursors.seal(&scope, &keys::message(draft, oldest.id).sk));
        messages.reverse();
        mark_interrupted(&mut messages, is_answering && cursor.is_none());
        let total = state.map_or(0, |state| state.message_count);
        Ok(History { messages, total, next_cursor, is_answering })
    }

    /// The newest `limit` messages, oldest of them first.
    pub async fn recent(&self, draft: Uuid, limit: u32) -> Result<Vec<Message>, StoreError> {
        let (mut messages, _) = self.before(draft, &format!("{}~", keys::MESSAGE), limit).await?;
        messages.reverse();
        Ok(messages)
    }

    /// The message that the conversation began with.
    pub async fn opening(&self, draft: Uuid) -> Result<Option<Message>, StoreError> {
        let query = self.table.query().consistent_read(true);
        let query = query
            .key_condition_expression("pk = :partition AND begins_with(sk, :message)")
            .expression_attribute_values(":partition", AttributeValue::S(keys::draft_partition(draft)))
            .expression_attribute_values(":message", AttributeValue::S(keys::MESSAGE.to_owned()));
        let first = query.limit(1).send().await?.items.unwrap_or_default().pop();
        Ok(first.map(read::<Entry>).transpose()?.map(|entry| entry.message))
    }

    /// Up to `limit` messages before the sort key `before`, newest first, and
    /// whether there are more.
    async fn before(
        &self,
        draft: Uuid,
        before: &str,
        limit: u32,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        let query = self
            .table
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :partition AND sk BETWEEN :first AND :before")
            .expression_attribute_values(":partition", AttributeValue::S(keys::draft_partition(draft)))
            .expression_attribute_values(":first", AttributeValue::S(keys::MESSAGE.to_owned()))
            .expression_attribute_values(":before", AttributeValue::S(before.to_owned()))
            .scan_index_forward(false);
        let mut messages: Vec<Message> = Vec::new();
        let mut start = None;
        // BETWEEN includes `before` itself: one more is asked for and it is dropped.
        // DynamoDB ends a page at 1 MB, so long messages may take several.
        let wanted = limit as usize + 1;
        loop {
            let left = i32::try_from(wanted + 1 - messages.len()).unwrap_or(i32::MAX);
            let output = query.clone().limit(left).set_exclusive_start_key(start).send().await?;
            for item in output.items.unwrap_or_default() {
                let entry: Entry = read(item)?;
                if entry.sk != before {
                    messages.push(entry.message);
                }
            }
            start = output.last_evaluated_key;
            if start.is_none() || messages.len() >= wanted {
                break;
            }
        }
        let more = messages.len() > limit as usize;
        messages.truncate(limit as usize);
        Ok((messages, more))
    }

    /// The user's message that has no answer yet, or only the part that was
    /// written before the model failed.
    pub async fn pending(&self, draft: Uuid) -> Result<Option<Message>, StoreError> {
        let state: Option<State> = self.table.get(keys::chat(draft)).await?.map(read).transpose()?;
        let Some(id) = state.and_then(|state| state.pending) else { return Ok(None) };
        self.message(draft, id).await
    }

    /// One message.
    pub async fn message(&self, draft: Uuid, id: Uuid) -> Result<Option<Message>, StoreError> {
        let item = self.table.get(keys::message(draft, id)).await?;
        Ok(item.map(read::<Entry>).transpose()?.map(|entry| entry.message))
    }

    /// The answer to the message `id`, where it is among the newest hundred.
    pub async fn answer_to(&self, draft: Uuid, id: Uuid) -> Result<Option<Message>, StoreError> {
        let recent = self.recent(draft, 100).await?;
        Ok(recent.into_iter().find(|message| message.in_reply_to == Some(id)))
    }

    /// Takes the lease until `until` to answer `question`, keeps the question
    /// if it is `new`, and sets aside what the answer may use, together: a
    /// message that was taken is never lost, one that was refused never kept.
    /// A lease that has run out is ended first.
    pub async fn begin(
        &self,
        draft: &Draft,
        question: &Message,
        new: bool,
        lease: (Uuid, Timestamp),
        demand: Demand<'_>,
        now: Timestamp,
    ) -> Result<Begin, StoreError> {
        for _ in 0..DEAD_WRITERS {
            match self.try_begin(draft, question, new, lease, demand, now).await? {
                Ok(begun) => return Ok(begun),
                Err(dead) => drop(self.end_dead(draft.summary.id, &dead).await?),
            }
        }
        Ok(Begin::Busy)
    }

    /// Begins, or tells of the lease that has run out.
    async fn try_begin(
        &self,
        draft: &Draft,
        question: &Message,
        new: bool,
        (lease_id, until): (Uuid, Timestamp),
        demand: Demand<'_>,
        now: Timestamp,
    ) -> Result<Result<Begin, Leased>, StoreError> {
        let reserving = match quotas::reserving(&self.usage, Kind::Message, demand, now)? {
            Ok(reserving) => reserving,
            Err(limited) => return Ok(Ok(Begin::Limited(limited))),
        };
        let table = &self.table;
        let id = draft.summary.id;
        let state = Change::new()
            .if_exists()
            .when_absent("lease_id")
            .set("lease_id", lease_id)
            .set("lease_until", until)
            .set("reserved", &reserving.reservation)
            .set("open_pk", keys::OPEN)
            .set("open_sk", keys::place(until, &id.to_string()));
        let state = if new {
            state.add("message_count", 1).set("pending", question.id)
        } else {
            state.when("pending", "=", question.id)
        };
        let counters = [(Counter::Messages, i64::from(new)), (Counter::WorkMs, draft.work_ms)];
        let mut parts = vec![
            drafts::renewal(draft, now).update_of(table, keys::draft(id))?,
            state.update_of(table, keys::chat(id))?,
            metrics::part(&self.usage, &counters, lease_id, now)?,
        ];
        if new {
            parts.push(Change::new().if_absent().put_of(table, entry(id, question)?)?);
        }
        let limits_from = parts.len();
        parts.extend(reserving.parts.iter().cloned());
        let Err(refused) = transaction::commit(&self.table.client, parts).await? else {
            let reserved = reserving.reservation;
            return Ok(Ok(Begin::Begun(Answering { draft_id: id, lease_id, reserved })));
        };
        Ok(Ok(match refused.part {
            0 => Begin::Gone,
            1 if refused.item.is_empty() => Begin::Gone,
            1 => {
                let leased: Leased = read(refused.item)?;
                match leased.lease_until {
                    None => Begin::Answered,
                    Some(until) if until > now => Begin::Busy,
                    Some(_) => return Ok(Err(leased)),
                }
            }
            part if part >= limits_from => {
                Begin::Limited(reserving.limit_met(part - limits_from, refused.item)?)
            }
            _ => Begin::Exists,
        }))
    }

    /// Ends a lease whose writer is dead, and gives back what was set aside for
    /// it; false when it has changed meanwhile.
    async fn end_dead(&self, draft: Uuid, dead: &Leased) -> Result<bool, StoreError> {
        let change = ended(dead.lease_id).when("lease_until", "=", dead.lease_until);
        let mut parts = vec![change.update_of(&self.table, keys::chat(draft))?];
        if let Some(reserved) = &dead.reserved {
            parts.extend(quotas::settlement(&self.usage, reserved, Spend::default())?);
        }
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }

    /// Looks at a conversation that is due: a lease that has run out is ended,
    /// and its user's message stays pending; one that holds is looked at again.
    /// Tells whether one was ended.
    pub async fn recover(&self, draft: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let Some(item) = self.table.get(keys::chat(draft)).await? else { return Ok(false) };
        let leased: Leased = read(item)?;
        match leased.lease_until {
            Some(until) if until > now => {
                let change = Change::new()
                    .when("lease_id", "=", leased.lease_id)
                    .set("open_sk", keys::place(until, &draft.to_string()));
                // Refused when it ended meanwhile.
                let _ = change.write(&self.table, keys::chat(draft)).await?;
                Ok(false)
            }
            Some(_) => self.end_dead(draft, &leased).await,
            None => Ok(false),
        }
    }

    /// Renews the lease.
    pub async fn renew(&self, answering: &Answering, until: Timestamp) -> Result<Beat, StoreError> {
        let change = Change::new().when("lease_id", "=", answering.lease_id).set("lease_until", until);
        match change.apply(&self.table, keys::chat(answering.draft_id)).await? {
            Ok(state) => Ok(read::<Leased>(state)?.beat(answering)),
            Err(_) => Ok(Beat::Lost),
        }
    }

    /// Asks the writer of the answer that is being written to stop; false when
    /// none is being written.
    pub async fn stop(&self, draft: Uuid, now: Timestamp) -> Result<bool, StoreError> {
        let change = Change::new().when("lease_until", ">", now).set("stop_requested", true);
        Ok(change.write(&self.table, keys::chat(draft)).await?.is_ok())
    }

    /// Keeps what has been written of an answer so far and renews the lease;
    /// the `first` time it counts as a message. Nothing is kept unless the
    /// lease is held and the answer still wanted.
    pub async fn keep_partial(
        &self,
        answering: &Answering,
        answer: &Message,
        first: bool,
        until: Timestamp,
    ) -> Result<Beat, StoreError> {
        let table = &self.table;
        let state = Change::new()
            .when("lease_id", "=", answering.lease_id)
            .when_absent("stop_requested")
            .set("lease_until", until);
        let state = if first { state.add("message_count", 1) } else { state };
        let parts = vec![
            state.update_of(table, keys::chat(answering.draft_id))?,
            Change::new().put_of(table, entry(answering.draft_id, answer)?)?,
        ];
        match transaction::commit(&self.table.client, parts).await? {
            Ok(()) => Ok(Beat::Held),
            Err(refused) => Ok(read::<Leased>(refused.item)?.beat(answering)),
        }
    }

    /// Ends an answer: keeps it, gives the lease back, settles and counts what
    /// it `took`, and counts the message unless a part of it was `kept` and
    /// counted before, all together. The user's message counts as answered
    /// unless the answer was `cut_short`: then it can be answered again. False
    /// when the lease was lost.
    pub async fn finish(
        &self,
        answering: &Answering,
        answer: &Message,
        (kept, cut_short): (bool, bool),
        took: Took,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = ended(Some(answering.lease_id));
        if !kept {
            state = state.add("message_count", 1);
        }
        if !cut_short {
            state = state.remove("pending");
        }
        let answer = Change::new().put_of(&self.table, entry(answering.draft_id, answer)?)?;
        self.end(answering, state, Some(answer), took, now).await
    }

    /// Gives the lease back without an answer: the user's message stays
    /// pending, marked with how the try `ended` and why, and what the try took
    /// is settled. False when the lease was lost.
    pub async fn abandon(
        &self,
        answering: &Answering,
        question: Uuid,
        (how, why): (Ending, Option<&str>),
        took: Took,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mark = Change::new().if_exists().set("ended", how).set("problem", why);
        let mark = mark.update_of(&self.table, keys::message(answering.draft_id, question))?;
        self.end(answering, ended(Some(answering.lease_id)), Some(mark), took, now).await
    }

    async fn end(
        &self,
        answering: &Answering,
        state: Change,
        message: Option<TransactWriteItem>,
        took: Took,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let usage = &self.usage;
        let mut parts = vec![state.update_of(&self.table, keys::chat(answering.draft_id))?];
        parts.extend(message);
        parts.extend(quotas::settlement(usage, &answering.reserved, took.spend())?);
        parts.push(metrics::part(usage, &took.counters(), answering.lease_id, now)?);
        Ok(transaction::commit(&self.table.client, parts).await?.is_ok())
    }
}

/// The change that ends a lease.
fn ended(lease_id: Option<Uuid>) -> Change {
    ["lease_id", "lease_until", "stop_requested", "reserved", "open_pk", "open_sk"]
        .into_iter()
        .fold(Change::new().when("lease_id", "=", lease_id), Change::remove)
}
