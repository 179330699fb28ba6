//! What one user and the whole deployment may use of what costs money.
//!
//! The figures and the arithmetic; the counters are in `store::quotas`.

use crate::config::ConfigError;

/// Limits; each can be set by the variable named beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Test runs one user may start a minute (`WORKSHOP_LIMIT_RUNS_PER_MINUTE`).
    pub runs_per_minute: u64,
    /// Test runs one user may start a day (`WORKSHOP_LIMIT_RUNS_PER_DAY`).
    pub runs_per_day: u64,
    /// Messages one user may send a minute (`WORKSHOP_LIMIT_MESSAGES_PER_MINUTE`).
    pub messages_per_minute: u64,
    /// Tokens one user may use a day (`WORKSHOP_LIMIT_TOKENS_PER_DAY`).
    pub tokens_per_day: u64,
    /// Millionths of a US dollar one user may spend a day (`WORKSHOP_LIMIT_MICROS_PER_DAY`).
    pub micros_per_day: u64,
    /// Millionths of a US dollar all users together may spend a day
    /// (`WORKSHOP_LIMIT_DEPLOYMENT_MICROS_PER_DAY`).
    pub deployment_micros_per_day: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            runs_per_minute: 20,
            runs_per_day: 1_000,
            messages_per_minute: 30,
            tokens_per_day: 20_000_000,
            micros_per_day: 20_000_000,
            deployment_micros_per_day: 200_000_000,
        }
    }
}

impl Limits {
    /// Reads the limits that are set; the others keep their defaults.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut limits = Self::default();
        for (name, field) in limits.fields() {
            if let Some(text) = lookup(name) {
                *field = text
                    .parse()
                    .map_err(|_| ConfigError::Invalid { name, why: "it is not a whole number".to_owned() })?;
            }
        }
        Ok(limits)
    }

    /// What [`read`](Self::read) reads: each variable with its value.
    pub fn settings(mut self) -> [(&'static str, u64); 6] {
        self.fields().map(|(name, field)| (name, *field))
    }

    fn fields(&mut self) -> [(&'static str, &mut u64); 6] {
        [
            ("WORKSHOP_LIMIT_RUNS_PER_MINUTE", &mut self.runs_per_minute),
            ("WORKSHOP_LIMIT_RUNS_PER_DAY", &mut self.runs_per_day),
            ("WORKSHOP_LIMIT_MESSAGES_PER_MINUTE", &mut self.messages_per_minute),
            ("WORKSHOP_LIMIT_TOKENS_PER_DAY", &mut self.tokens_per_day),
            ("WORKSHOP_LIMIT_MICROS_PER_DAY", &mut self.micros_per_day),
            ("WORKSHOP_LIMIT_DEPLOYMENT_MICROS_PER_DAY", &mut self.deployment_micros_per_day),
        ]
    }
}

/// What a model call is about to use: reserved before it, settled after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spend {
    /// Tokens, read and written.
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub micros: u64,
}

/// The limit that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Too many runs started this minute.
    RunsThisMinute,
    /// Too many runs started today.
    RunsToday,
    /// Too many messages sent this minute.
    MessagesThisMinute,
    /// The user's tokens for today are used up.
    TokensToday,
    /// The user's money for today is used up.
    MoneyToday,
    /// The deployment's money for today is used up.
    DeploymentMoneyToday,
}

impl Limited {
    /// What a person is told.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::RunsThisMinute => {
                "You have started many tests this minute. Nothing was lost; try again shortly."
            }
            Self::RunsToday => "You have used your test runs for today. They start anew at midnight UTC.",
            Self::MessagesThisMinute => {
                "You have sent many messages this minute. Nothing was lost; try again shortly."
            }
            Self::TokensToday => "This would pass your tokens for today. They start anew at midnight UTC.",
            Self::MoneyToday => {
                "This would pass your spending limit for today. It starts anew at midnight UTC."
            }
            Self::DeploymentMoneyToday => {
                "This would pass today's spending limit of the whole workshop. It starts anew at midnight UTC."
            }
        }
    }

    /// Whether waiting for the next minute is enough; otherwise the next day is.
    pub fn is_by_minute(self) -> bool {
        matches!(self, Self::RunsThisMinute | Self::MessagesThisMinute)
    }

    /// Seconds until the counter starts anew, at least 1.
    pub fn retry_after(self, now: crate::domain::time::Timestamp) -> u64 {
        let period = if self.is_by_minute() { 60 } else { 86_400 };
        (period - now.as_seconds().rem_euclid(period)).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    #[test]
    fn a_limit_that_is_not_a_number_is_named() {
        let error = Limits::read(|name| (name == "WORKSHOP_LIMIT_RUNS_PER_DAY").then(|| "many".to_owned()));
        assert!(error.unwrap_err().to_string().contains("WORKSHOP_LIMIT_RUNS_PER_DAY"));
    }

    #[test]
    fn waiting_ends_with_the_minute_or_the_day() {
        let now: Timestamp = "2026-11-21T23:59:50Z".parse().unwrap();
        assert_eq!(Limited::RunsThisMinute.retry_after(now), 10);
        assert_eq!(Limited::MoneyToday.retry_after(now), 10);
        assert_eq!(Limited::MoneyToday.retry_after(now.plus_millis(-3_600_000)), 3_610);
    }
}
