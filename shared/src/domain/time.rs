//! Instants, as this product stores and shows them: UTC, to the millisecond.
//!
//! One fixed width (`2026-11-21T09:30:00.000Z`) makes text order time order,
//! which sort keys in DynamoDB rely on.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds in an hour.
pub const HOUR_MS: i64 = 60 * 60 * 1000;
/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339
/// with three decimals and `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From the first instant of year 1 to the last whole hour that jiff represents.
    const RANGE_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_207_199_999;

    /// The instant `ms` milliseconds after the epoch, held to years 1 to 9999 (its last day but one).
    pub fn from_millis(ms: i64) -> Self {
        Self(ms.clamp(*Self::RANGE_MS.start(), *Self::RANGE_MS.end()))
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch: what DynamoDB's TTL reads.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved by `ms` milliseconds.
    pub fn plus_millis(self, ms: i64) -> Self {
        Self::from_millis(self.0.saturating_add(ms))
    }

    /// This instant moved by `days` times 24 hours.
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_millis(days.saturating_mul(DAY_MS))
    }

    /// Milliseconds from `earlier` to this instant; negative when it is later.
    pub fn millis_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// The UTC calendar day, `2026-11-21`.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// As jiff's type, for calendar arithmetic.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant: jiff::Timestamp = text.parse()?;
        Ok(Self::from_millis(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom("a time is RFC 3339, such as 2026-11-21T09:30:00Z"))
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_width_so_that_text_order_is_time_order() {
        let whole: Timestamp = "2026-11-21T09:30:00Z".parse().unwrap();
        let later = whole.plus_millis(100);
        assert_eq!(whole.to_string(), "2026-11-21T09:30:00.000Z");
        assert_eq!(later.to_string(), "2026-11-21T09:30:00.100Z");
        assert!(whole.to_string() < later.to_string());
    }

    #[test]
    fn an_offset_is_turned_into_utc() {
        let instant: Timestamp = "2026-11-21T09:30:00+02:00".parse().unwrap();
        assert_eq!(instant.to_string(), "2026-11-21T07:30:00.000Z");
    }

    #[test]
    fn instants_outside_four_digit_years_are_held_to_them() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-30T21:59:59.999Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).date(), "0001-01-01");
    }
}
