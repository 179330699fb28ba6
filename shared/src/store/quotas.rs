//! What a user, and everyone together, may still use: conditional counters.
//!
//! An estimate is reserved before a model is called and settled once after it.
//! When a counter can't be read or written the call is refused: that is what
//! an error from here means to callers.

use aws_sdk_dynamodb::types::TransactWriteItem;
use serde::{Deserialize, Serialize};

use super::expression::Change;
use super::{Item, StoreError, Table, keys, read};
use crate::domain::time::Timestamp;
use crate::limits::{Limited, Limits, Spend};

/// What a reservation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A test run.
    Run,
    /// A message to the assistant.
    Message,
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

/// The counters.
#[derive(Clone, Debug)]
pub struct Quotas {
    table: Table,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Used {
    runs: i64,
    tokens: i64,
}

impl Quotas {
    pub(super) fn new(table: Table) -> Self {
        Self { table }
    }

    /// Counts one call against the minute and sets `spend` aside for the day,
    /// or says which limit is in the way. What was counted before the limit
    /// was met is given back, but for the minute: tries count.
    pub async fn reserve(
        &self,
        user: &str,
        kind: Kind,
        spend: Spend,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Result<Reservation, Limited>, StoreError> {
        let (what, per_minute, minute_limit) = match kind {
            Kind::Run => ("runs", limits.runs_per_minute, Limited::RunsThisMinute),
            Kind::Message => ("messages", limits.messages_per_minute, Limited::MessagesThisMinute),
        };
        let forget = now.plus_days(2).as_seconds();
        if per_minute == 0 {
            return Ok(Err(minute_limit));
        }
        let minute =
            Change::new().when_absent_or("calls", "<", per_minute).add("calls", 1).set("ttl", forget);
        if minute.apply(&self.table, keys::minute(user, what, now)).await?.is_err() {
            return Ok(Err(minute_limit));
        }

        let date = now.date();
        let (Some(tokens_before), Some(micros_before)) = (
            limits.tokens_per_day.checked_sub(spend.tokens),
            limits.micros_per_day.checked_sub(spend.micros),
        ) else {
            let tokens = spend.tokens > limits.tokens_per_day;
            return Ok(Err(if tokens { Limited::TokensToday } else { Limited::MoneyToday }));
        };
        let mut day = Change::new().when_absent_or("tokens", "<=", tokens_before).when_absent_or(
            "micros",
            "<=",
            micros_before,
        );
        if kind == Kind::Run {
            if limits.runs_per_day == 0 {
                return Ok(Err(Limited::RunsToday));
            }
            day = day.when_absent_or("runs", "<", limits.runs_per_day);
        }
        let day = taken(day, kind, spend).set("ttl", now.plus_days(40).as_seconds());
        if let Err(met) = day.apply(&self.table, keys::day(user, &date)).await? {
            return Ok(Err(limit_met(met, kind, tokens_before, limits)?));
        }

        let deployment = match limits.deployment_micros_per_day.checked_sub(spend.micros) {
            None => Err(Item::new()),
            Some(before) => {
                let change = Change::new()
                    .when_absent_or("micros", "<=", before)
                    .add("micros", signed(spend.micros))
                    .set("ttl", now.plus_days(40).as_seconds());
                change.apply(&self.table, keys::deployment_day(&date)).await?
            }
        };
        if deployment.is_err() {
            let back = Change::new()
                .add("runs", if kind == Kind::Run { -1 } else { 0 })
                .add("tokens", -signed(spend.tokens))
                .add("micros", -signed(spend.micros));
            let _ = back.apply(&self.table, keys::day(user, &date)).await?;
            return Ok(Err(Limited::DeploymentMoneyToday));
        }
        Ok(Ok(Reservation { user: user.to_owned(), date, spend }))
    }

    /// Gives a whole reservation back: nothing was started.
    pub async fn give_back(&self, reservation: &Reservation, kind: Kind) -> Result<(), StoreError> {
        let (user, deployment) = settling(reservation, Spend::default());
        let user = if kind == Kind::Run { user.add("runs", -1) } else { user };
        let _ = user.apply(&self.table, keys::day(&reservation.user, &reservation.date)).await?;
        let _ = deployment.apply(&self.table, keys::deployment_day(&reservation.date)).await?;
        Ok(())
    }

    /// Settles a reservation: what was set aside is replaced by what was used.
    pub async fn settle(&self, reservation: &Reservation, used: Spend) -> Result<(), StoreError> {
        let (user, deployment) = settling(reservation, used);
        let _ = user.apply(&self.table, keys::day(&reservation.user, &reservation.date)).await?;
        let _ = deployment.apply(&self.table, keys::deployment_day(&reservation.date)).await?;
        Ok(())
    }
}

/// Settling as parts of a transaction.
pub(super) fn settlement(
    table: &str,
    reservation: &Reservation,
    used: Spend,
) -> Result<Vec<TransactWriteItem>, StoreError> {
    let (user, deployment) = settling(reservation, used);
    Ok(vec![
        user.update_of(table, keys::day(&reservation.user, &reservation.date))?,
        deployment.update_of(table, keys::deployment_day(&reservation.date))?,
    ])
}

fn settling(reservation: &Reservation, used: Spend) -> (Change, Change) {
    let tokens = signed(used.tokens) - signed(reservation.spend.tokens);
    let micros = signed(used.micros) - signed(reservation.spend.micros);
    (Change::new().add("tokens", tokens).add("micros", micros), Change::new().add("micros", micros))
}

fn taken(change: Change, kind: Kind, spend: Spend) -> Change {
    let change = change.add("tokens", signed(spend.tokens)).add("micros", signed(spend.micros));
    if kind == Kind::Run { change.add("runs", 1) } else { change }
}

/// Which of the day's limits the counters in `met` have reached.
fn limit_met(met: Item, kind: Kind, tokens_before: u64, limits: &Limits) -> Result<Limited, StoreError> {
    let used: Used = read(met)?;
    Ok(if kind == Kind::Run && used.runs >= signed(limits.runs_per_day) {
        Limited::RunsToday
    } else if used.tokens > signed(tokens_before) {
        Limited::TokensToday
    } else {
        Limited::MoneyToday
    })
}

fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}
