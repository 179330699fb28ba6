//! Dates as feeds write them.

use crate::domain::time::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

/// Reads a date of RSS (RFC 822, with its many departures), Atom and JSON Feed
/// (RFC 3339), and what else servers write: without a weekday or with a wrong
/// one, with full month names, without a time, seconds or zone (then UTC), as
/// `asctime`, as Unix seconds. None for what is no date or could be two
/// (`03/04/2026`).
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    // Longer than any date, and each try reads all of it.
    const LENGTH_MAX: usize = 60;
    let text = text.trim();
    if text.len() > LENGTH_MAX {
        return None;
    }
    iso(text).or_else(|| unix(text)).or_else(|| with_month_name(text))
}

fn iso(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let text = text.replace('/', "-");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")).unwrap_or(&text).trim_end();
    let starts_with_year = local.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(starts_with_year, 4 | 8) {
        return None;
    }
    instant(local.parse().ok()?, Offset::UTC)
}

/// Seconds since 1970, or milliseconds: those of this century have 10 or 13 digits.
fn unix(text: &str) -> Option<Timestamp> {
    let number: i64 = text.parse().ok()?;
    match text.len() {
        10 => Some(Timestamp::from_millis(number.checked_mul(1000)?)),
        13 => Some(Timestamp::from_millis(number)),
        _ => None,
    }
}

/// A date whose month has an English name, its parts in any order.
fn with_month_name(text: &str) -> Option<Timestamp> {
    let (mut day, mut month, mut year) = (None, None, None);
    let (mut time, mut offset) = (None, Offset::UTC);
    let (mut afternoon, mut morning) = (false, false);
    // `21-Nov-26`, of RFC 850.
    let dashed = text.split_whitespace().any(|word| word.matches('-').count() == 2);
    let text = if dashed { text.replacen('-', " ", 2) } else { text.to_owned() };
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
        let ordinal = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if word.contains(':') && !word.starts_with(['+', '-']) {
            time = Some(word.to_owned());
        } else if let (Ok(number), 1 | 2) = (ordinal.parse::<i8>(), ordinal.len()) {
            match day {
                None => day = Some(number),
                // A year of two digits (RFC 2822, section 4.3).
                Some(_) => year = year.or(Some(i16::from(number) + if number < 50 { 2000 } else { 1900 })),
            }
        } else if let (Ok(number), 4) = (word.parse::<i16>(), word.len())
            && !word.starts_with(['+', '-'])
        {
            year = Some(number);
        } else if let Some(named) = named_month(word)
            && month.is_none()
        {
            month = Some(named);
        } else if let Some(known) = zone(word) {
            offset = known;
        } else {
            afternoon |= word.eq_ignore_ascii_case("pm");
            morning |= word.eq_ignore_ascii_case("am");
        }
    }
    let date = Date::new(year?, month?, day?).ok()?;
    let (mut hour, minute, second) = clock(time.as_deref().unwrap_or("0:00"))?;
    match hour {
        12 if morning => hour = 0,
        ..12 if afternoon => hour += 12,
        // Some write midnight so, of the day that begins.
        24 => hour = 0,
        _ => {}
    }
    // A leap second is the last one that a calendar here has.
    instant(date.at(hour, minute, second.min(59), 0), offset)
}

/// Hours, minutes and seconds of `9:30`, `09:30:15` or `09:30:15.25`.
fn clock(time: &str) -> Option<(i8, i8, i8)> {
    let mut parts = time.trim_end_matches(|c: char| c.is_ascii_alphabetic()).split(':');
    let mut next = || parts.next().map(|part| part.split('.').next().unwrap_or(part).parse::<i8>());
    let (hour, minute, second) = (next()?.ok()?, next()?.ok()?, next().unwrap_or(Ok(0)).ok()?);
    ((0..=24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second))
        .then_some((hour, minute, second))
}

fn named_month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let word = word.to_ascii_lowercase();
    (1..).zip(NAMES).find(|(_, name)| word.starts_with(name)).map(|(number, _)| number)
}

/// `+0200`, `-05:00`, or a name of RFC 822. Any other is UTC (RFC 2822, section 4.3).
fn zone(word: &str) -> Option<Offset> {
    let hours = match word {
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CET" | "BST" => 1,
        "CEST" => 2,
        _ => {
            let sign = match word.chars().next()? {
                '+' => 1,
                '-' => -1,
                _ => return None,
            };
            let digits = word.get(1..)?.replace(':', "");
            let (hours, minutes) = digits.split_at_checked(2)?;
            let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
            return Offset::from_seconds(sign * seconds).ok();
        }
    };
    Offset::from_hours(hours).ok()
}

fn instant(local: DateTime, offset: Offset) -> Option<Timestamp> {
    let zoned = local.to_zoned(TimeZone::fixed(offset)).ok()?;
    Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_morning_in_every_way_that_feeds_write_it() {
        for text in [
            "2026-11-21T09:30:00Z",
            "2026-11-21T10:30:00+01:00",
            "2026-11-21T10:30:00+0100",
            "2026-11-21T09:30:00.000Z",
            "2026-11-21 09:30:00Z",
            "2026-11-21T09:30:00",
            "2026-11-21 09:30",
            "2026-11-21 09:30:00 UTC",
            "2026/11/21 09:30:00",
            "20261121T093000Z",
            "Sat, 21 Nov 2026 09:30:00 GMT",
            "Sat, 21 Nov 2026 09:30:00 +0000",
            "Sat, 21 Nov 2026 09:30:00 -0000",
            "Sat, 21 Nov 2026 04:30:00 EST",
            "Sat, 21 Nov 2026 05:30:00 EDT",
            "Sat, 21 Nov 2026 01:30:00 PST",
            "Sat, 21 Nov 2026 9:30:00 Z",
            "Sat, 21 Nov 2026 09:30 UT",
            "Sat, 21 Nov 26 09:30:00 GMT",
            "Mon, 21 Nov 2026 09:30:00 GMT",
            "Samstag, 21 Nov 2026 10:30:00 +01:00",
            "Saturday, 21-Nov-26 09:30:00 GMT",
            "21 November 2026 09:30",
            "November 21st, 2026 9:30 AM",
            "Sat Nov 21 09:30:00 2026",
            "Sat Nov 21 09:30:00 UTC 2026",
            "Sat, 21 Nov 2026 09:30:00.25 +0000",
            "  Sat, 21 Nov 2026\n 09:30:00 GMT ",
            "1795253400",
            "1795253400000",
        ] {
            let read = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.to_string(), "2026-11-21T09:30:00.000Z", "{text}");
        }
    }

    #[test]
    fn a_date_without_a_time_is_its_midnight() {
        for text in ["2026-11-21", "20261121", "21 Nov 2026", "Nov 21, 2026", "Sat, 21 Nov 2026 24:00:00 GMT"]
        {
            assert_eq!(parse(text).unwrap().to_string(), "2026-11-21T00:00:00.000Z", "{text}");
        }
    }

    #[test]
    fn twelve_hour_clocks_are_told_apart() {
        let hour = |text: &str| parse(text).unwrap().to_string()[11..13].to_owned();
        assert_eq!(hour("Nov 21, 2026 12:30 AM"), "00");
        assert_eq!(hour("Nov 21, 2026 12:30 PM"), "12");
        assert_eq!(hour("Nov 21, 2026 3:30 pm"), "15");
    }

    #[test]
    fn what_is_no_date_or_could_be_two_is_none() {
        for text in [
            "",
            "yesterday",
            "03/04/2026",
            "31 Feb 2026",
            "21 Nov",
            "Nov 2026",
            "2026-13-01",
            "21 Nov 2026 25:00:00",
            "21 Nov 2026 é:é",
            "é Nov +é 2026",
            "99999",
            "Sat, 21 Nov 2026 09:30:00 GMT, or perhaps a little later than that, who knows",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
