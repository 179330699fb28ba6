//! How a feed is doing, and when it is looked at again. Pure: the time and
//! chance are passed in.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::time::{DAY_MS, Timestamp};

/// How often a feed is looked at that asks for nothing else, in milliseconds.
pub const INTERVAL_MS: i64 = 30 * 60 * 1000;
/// The longest pause, whatever a feed asks for, in milliseconds.
pub const PAUSE_MAX_MS: i64 = DAY_MS;
/// A feed that has not worked for so many days is given up.
pub const GIVE_UP_DAYS: i64 = 14;
/// So many failures in a row it takes as well: for a workshop that was itself
/// asleep for two weeks. With pauses of a day at most they come within eleven.
const GIVE_UP_FAILURES: u32 = 12;

/// How a feed is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FeedStatus {
    /// It has not been collected yet.
    Waiting,
    /// The last collection worked.
    Working,
    /// The last collection failed; it is tried again.
    Failing,
    /// It is gone for good, or has failed for two weeks: it is tried again only
    /// when somebody asks.
    Stopped,
}

/// A feed's health, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// How it is doing.
    pub status: FeedStatus,
    /// What went wrong last and what to do, in a sentence; null when it works.
    pub problem: Option<String>,
    /// When it was last looked at.
    pub last_checked_at: Option<Timestamp>,
    /// When that last worked.
    pub last_worked_at: Option<Timestamp>,
    /// When it is looked at next; null when it is stopped.
    pub next_check_at: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
}

impl Health {
    /// That of a feed that is followed from `now` on: to be looked at at once.
    pub fn waiting(now: Timestamp) -> Self {
        Self {
            status: FeedStatus::Waiting,
            problem: None,
            last_checked_at: None,
            last_worked_at: None,
            next_check_at: Some(now),
            failures: 0,
        }
    }

    /// After a collection that worked, changed or not. `asked` is the pause that
    /// the feed or its server asks for; `jitter` is a random number from 0 to 1.
    #[must_use]
    pub fn after_success(&self, asked: Option<Duration>, now: Timestamp, jitter: f64) -> Self {
        Self {
            status: FeedStatus::Working,
            problem: None,
            last_checked_at: Some(now),
            last_worked_at: Some(now),
            next_check_at: Some(next_check(now, 0, asked, jitter)),
            failures: 0,
        }
    }

    /// After a collection that failed with `failure`, of a feed that is
    /// followed since `followed_at`.
    #[must_use]
    pub fn after_failure(
        &self,
        failure: &Failure,
        followed_at: Timestamp,
        now: Timestamp,
        jitter: f64,
    ) -> Self {
        let failures = self.failures.saturating_add(1);
        let last_good = self.last_worked_at.unwrap_or(followed_at);
        let too_long = failures >= GIVE_UP_FAILURES && now.millis_since(last_good) >= GIVE_UP_DAYS * DAY_MS;
        let stopped = failure.gone || too_long;
        Self {
            status: if stopped { FeedStatus::Stopped } else { FeedStatus::Failing },
            problem: Some(failure.sentence.clone()),
            last_checked_at: Some(now),
            last_worked_at: self.last_worked_at,
            next_check_at: (!stopped).then(|| next_check(now, failures, failure.retry_after, jitter)),
            failures,
        }
    }

    /// Whether it is time to look at the feed.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_check_at.is_some_and(|next| next <= now)
    }
}

/// What of a failure its feed's health depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For people: what happened and what to do.
    pub sentence: String,
    /// When the server asks to be tried again, from now.
    pub retry_after: Option<Duration>,
    /// The server says that the feed will not come back.
    pub gone: bool,
}

/// When to look again after `failures` in a row: in half an hour, doubled by
/// each failure after the first, or when the feed `asked` to if that is later;
/// in a day at the latest. `jitter`, from 0 to 1, adds up to a tenth, so that
/// feeds that failed together are not tried together.
pub fn next_check(now: Timestamp, failures: u32, asked: Option<Duration>, jitter: f64) -> Timestamp {
    let doubled = INTERVAL_MS.saturating_mul(1 << failures.saturating_sub(1).min(10));
    let asked = asked.map_or(0, |asked| i64::try_from(asked.as_millis()).unwrap_or(i64::MAX));
    let pause = doubled.max(asked);
    let spread = (pause as f64 / 10.0 * jitter.clamp(0.0, 1.0)) as i64;
    now.plus_millis(pause.saturating_add(spread).min(PAUSE_MAX_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const HOUR: i64 = 60 * MINUTE;

    fn start() -> Timestamp {
        "2026-11-21T09:30:00Z".parse().unwrap()
    }

    fn failure() -> Failure {
        Failure { sentence: "It failed.".into(), retry_after: None, gone: false }
    }

    /// Fails whenever it is due, until it is stopped or `days` have passed.
    fn failing(mut health: Health, from: Timestamp, days: i64) -> (Health, Timestamp) {
        let mut now = from;
        while let Some(next) = health.next_check_at.filter(|next| *next <= from.plus_days(days)) {
            now = next;
            health = health.after_failure(&failure(), start(), now, 0.5);
        }
        (health, now)
    }

    #[test]
    fn a_feed_that_works_is_looked_at_every_half_hour_or_as_seldom_as_it_asks() {
        let pause = |asked| next_check(start(), 0, asked, 0.0).millis_since(start());
        assert_eq!(pause(None), 30 * MINUTE);
        assert_eq!(pause(Some(Duration::from_secs(60))), 30 * MINUTE);
        assert_eq!(pause(Some(Duration::from_secs(7200))), 2 * HOUR);
        assert_eq!(pause(Some(Duration::from_secs(30 * 86_400))), DAY_MS);
        assert_eq!(pause(Some(Duration::MAX)), DAY_MS);
    }

    #[test]
    fn each_failure_doubles_the_pause_up_to_a_day() {
        let hours: Vec<_> = (1..=9)
            .map(|failures| next_check(start(), failures, None, 0.0).millis_since(start()) * 2 / HOUR)
            .collect();
        assert_eq!(hours, [1, 2, 4, 8, 16, 32, 48, 48, 48]);
        assert_eq!(next_check(start(), u32::MAX, None, 1.0), start().plus_days(1));
        let asked = next_check(start(), 1, Some(Duration::from_secs(6 * 3600)), 0.0);
        assert_eq!(asked.millis_since(start()), 6 * HOUR);
    }

    #[test]
    fn chance_adds_up_to_a_tenth() {
        let pause = |jitter| next_check(start(), 0, None, jitter).millis_since(start());
        assert_eq!([pause(0.0), pause(0.5), pause(1.0)], [30 * MINUTE, 31 * MINUTE + 30_000, 33 * MINUTE]);
        assert_eq!([pause(-1.0), pause(7.0), pause(f64::NAN)], [30 * MINUTE, 33 * MINUTE, 30 * MINUTE]);
    }

    #[test]
    fn a_failure_is_told_and_a_success_clears_it() {
        let waiting = Health::waiting(start());
        assert!(waiting.is_due(start()));
        let failing = waiting.after_failure(&failure(), start(), start(), 0.0);
        assert_eq!((failing.status, failing.failures), (FeedStatus::Failing, 1));
        assert_eq!(failing.problem.as_deref(), Some("It failed."));
        assert!(!failing.is_due(start()) && failing.is_due(start().plus_millis(30 * MINUTE)));

        let later = start().plus_millis(HOUR);
        let working = failing.after_success(None, later, 0.0);
        assert_eq!(
            (working.status, working.problem.clone(), working.failures),
            (FeedStatus::Working, None, 0)
        );
        assert_eq!(working.last_worked_at, Some(later));
        let failing = working.after_failure(&failure(), start(), later, 0.0);
        assert_eq!((failing.last_worked_at, failing.failures), (Some(later), 1));
    }

    #[test]
    fn a_feed_that_is_gone_is_stopped_at_once() {
        let gone = Failure { gone: true, ..failure() };
        let health = Health::waiting(start()).after_failure(&gone, start(), start(), 0.0);
        assert_eq!((health.status, health.next_check_at), (FeedStatus::Stopped, None));
        assert!(!health.is_due(start().plus_days(1000)));
        assert_eq!(health.after_success(None, start(), 0.0).status, FeedStatus::Working);
    }

    #[test]
    fn two_weeks_without_success_stop_a_feed_and_no_less() {
        let working = Health::waiting(start()).after_success(None, start(), 0.0);
        let (health, last) = failing(working.clone(), start(), 13);
        assert_eq!(health.status, FeedStatus::Failing);
        let (health, stopped) = failing(health, last, 30);
        assert_eq!(health.status, FeedStatus::Stopped);
        assert!((14 * DAY_MS..15 * DAY_MS).contains(&stopped.millis_since(start())));
        // Asking again does not bring it back, but for a feed that works.
        assert_eq!(health.after_failure(&failure(), start(), stopped, 0.0).status, FeedStatus::Stopped);

        let (never_worked, _) = failing(Health::waiting(start()), start(), 30);
        assert_eq!(never_worked.status, FeedStatus::Stopped);
    }

    #[test]
    fn a_workshop_that_slept_for_a_month_gives_its_feeds_another_chance() {
        let working = Health::waiting(start()).after_success(None, start(), 0.0);
        let failing = working.after_failure(&failure(), start(), start().plus_days(30), 0.0);
        assert_eq!(failing.status, FeedStatus::Failing);
    }

    #[test]
    fn health_is_stored_and_shown_under_these_names() {
        let health = Health::waiting(start());
        let json = serde_json::json!({
            "status": "waiting", "problem": null, "last_checked_at": null, "last_worked_at": null,
            "next_check_at": "2026-11-21T09:30:00.000Z", "failures": 0
        });
        assert_eq!(serde_json::to_value(&health).unwrap(), json);
        assert_eq!(serde_json::from_value::<Health>(json).unwrap(), health);
    }
}
