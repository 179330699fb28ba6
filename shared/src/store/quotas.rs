//! What a user, and everyone together, may still use: conditional counters.
//!
//! An estimate is set aside in the transaction that makes what the model is
//! called for, and settled in the one that ends it. So a reservation is never
//! without its owner, however either is interrupted, and neither happens twice.
//! When a counter can't be read or written, nothing was begun and no model is
//! called.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::table::{Table, UsageTable};
use super::{Item, StoreError, keys, read};
use crate::domain::time::Timestamp;
use crate::limits::{Limited, Limits, Spend};

/// What a reservation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A test run.
    Run,
    /// A message to the assistant.
    Message,
}

/// What a model call asks of the limits.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// Who asks.
    pub user: &'a str,
    /// What it may use at the most.
    pub spend: Spend,
    /// What may be used.
    pub limits: &'a Limits,
}

/// What was set aside for one model call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Whose.
    pub user: String,
    /// The day it counts on.
    pub date: String,
    /// How much.
    pub spend: Spend,
}

/// A reservation that is to be made.
pub(super) struct Reserving {
    /// It, once its parts are written.
    pub reservation: Reservation,
    /// The parts of a transaction: the user's minute, the user's day and
    /// everyone's day, each of them refused when its limit would be passed.
    pub parts: Vec<TransactWriteItem>,
    kind: Kind,
    limits: Limits,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Used {
    runs: i64,
    tokens: i64,
}

/// Sets aside what `demand` says, or says which limit no count could meet.
pub(super) fn reserving(
    usage: &Table<UsageTable>,
    kind: Kind,
    demand: Demand<'_>,
    now: Timestamp,
) -> Result<Result<Reserving, Limited>, StoreError> {
    let Demand { user, spend, limits } = demand;
    let (what, per_minute, minute_limit) = match kind {
        Kind::Run => ("runs", limits.runs_per_minute, Limited::RunsThisMinute),
        Kind::Message => ("messages", limits.messages_per_minute, Limited::MessagesThisMinute),
    };
    let before = |limit: u64, amount: u64, limited| limit.checked_sub(amount).ok_or(limited);
    let room = (|| {
        before(per_minute, 1, minute_limit)?;
        if kind == Kind::Run {
            before(limits.runs_per_day, 1, Limited::RunsToday)?;
        }
        let tokens = before(limits.tokens_per_day, spend.tokens, Limited::TokensToday)?;
        let micros = before(limits.micros_per_day, spend.micros, Limited::MoneyToday)?;
        let all = before(limits.deployment_micros_per_day, spend.micros, Limited::DeploymentMoneyToday)?;
        Ok((tokens, micros, all))
    })();
    let (tokens_before, micros_before, deployment_before) = match room {
        Ok(room) => room,
        Err(limited) => return Ok(Err(limited)),
    };

    let date = now.date();
    let (soon, later) = (now.plus_days(2).as_seconds(), now.plus_days(40).as_seconds());
    let minute = Change::new().when_absent_or("calls", "<", per_minute).add("calls", 1).set("ttl", soon);
    let mut day = Change::new()
        .when_absent_or("tokens", "<=", tokens_before)
        .when_absent_or("micros", "<=", micros_before)
        .add("tokens", signed(spend.tokens))
        .add("micros", signed(spend.micros))
        .set("ttl", later);
    if kind == Kind::Run {
        day = day.when_absent_or("runs", "<", limits.runs_per_day).add("runs", 1);
    }
    let deployment = Change::new()
        .when_absent_or("micros", "<=", deployment_before)
        .add("micros", signed(spend.micros))
        .set("ttl", later);
    let parts = vec![
        minute.update_of(usage, keys::minute(user, what, now))?,
        day.update_of(usage, keys::day(user, &date))?,
        deployment.update_of(usage, keys::deployment_day(&date))?,
    ];
    let reservation = Reservation { user: user.to_owned(), date, spend };
    Ok(Ok(Reserving { reservation, parts, kind, limits: *limits }))
}

impl Reserving {
    /// Which limit refused the part at `place` of these, which met `item`.
    pub fn limit_met(&self, place: usize, item: Item) -> Result<Limited, StoreError> {
        Ok(match (place, self.kind) {
            (0, Kind::Run) => Limited::RunsThisMinute,
            (0, Kind::Message) => Limited::MessagesThisMinute,
            (1, kind) => {
                let used: Used = read(item)?;
                let tokens = used.tokens.saturating_add(signed(self.reservation.spend.tokens));
                if kind == Kind::Run && used.runs >= signed(self.limits.runs_per_day) {
                    Limited::RunsToday
                } else if tokens > signed(self.limits.tokens_per_day) {
                    Limited::TokensToday
                } else {
                    Limited::MoneyToday
                }
            }
            _ => Limited::DeploymentMoneyToday,
        })
    }
}

/// The parts of a transaction that replace what was set aside by what was used.
/// The transaction must have a condition that can hold only once.
pub(super) fn settlement(
    usage: &Table<UsageTable>,
    reservation: &Reservation,
    used: Spend,
) -> Result<[TransactWriteItem; 2], StoreError> {
    let tokens = signed(used.tokens) - signed(reservation.spend.tokens);
    let micros = signed(used.micros) - signed(reservation.spend.micros);
    Ok([
        Change::new()
            .add("tokens", tokens)
            .add("micros", micros)
            .update_of(usage, keys::day(&reservation.user, &reservation.date))?,
        Change::new().add("micros", micros).update_of(usage, keys::deployment_day(&reservation.date))?,
    ])
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
