//! Dates as people, feeds and programs write them: one reader for all that comes in.

use std::borrow::Cow;

use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Timestamp;

/// Nothing that is imported was published in an earlier year; programs write `0001-01-01` for "never".
const YEAR_MIN: i16 = 1500;
/// Days from Excel's day 0 (1899-12-30) to 1970.
const EXCEL_EPOCH: f64 = 25_569.0;

/// Which of day and month is first in dates such as `03/04/2026`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// As in most of the world: the third of April.
    DayFirst,
    /// As in the United States: the fourth of March.
    MonthFirst,
}

impl DateOrder {
    /// The word used in JSON and in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
        }
    }

    /// The order of this word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::DayFirst, Self::MonthFirst].into_iter().find(|order| order.as_str() == word)
    }
}

/// What a text says of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// This one.
    One(Timestamp),
    /// One of two: `03/04/2026` is written day first by some and month first by others.
    Two {
        /// With the day first.
        day_first: Timestamp,
        /// With the month first.
        month_first: Timestamp,
    },
    /// None.
    None,
}

/// Reads a date: of RFC 3339, RFC 822 and RFC 850 with their many departures, of spreadsheets, of archives and of
/// programs; without a weekday or with a wrong one, with month names of six languages, without a time, seconds or zone
/// (then UTC), as `asctime`, as Unix or Excel time.
pub fn read(text: &str) -> Reading {
    // Longer than any date, and each try reads all of it.
    const LENGTH_MAX: usize = 60;
    let text = first_of_range(text);
    let text = text.as_ref();
    if text.len() > LENGTH_MAX {
        return Reading::None;
    }
    let one = iso(text).or_else(|| number(text)).or_else(|| with_month_name(text));
    match one {
        Some(instant) if instant.to_jiff().to_zoned(TimeZone::UTC).year() >= YEAR_MIN => {
            Reading::One(instant)
        }
        Some(_) => Reading::None,
        None => in_numbers(text),
    }
}

/// Reads a date that can be one only.
pub fn parse(text: &str) -> Option<Timestamp> {
    if let Reading::One(instant) = read(text) { Some(instant) } else { None }
}

/// The first date of `March 21, 2026 → April 2, 2026`, without the name of its zone in brackets. A zone that only
/// stands in brackets counts: `9:30 AM (GMT+1)`.
fn first_of_range(text: &str) -> Cow<'_, str> {
    let first = text.split('→').next().unwrap_or(text).trim();
    match first.strip_suffix(')').and_then(|first| first.split_once(" (")) {
        Some((date, name)) if zone(name).is_some() => format!("{date} {name}").into(),
        Some((date, _)) => date.into(),
        None => first.into(),
    }
}

fn iso(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    // `2026年11月21日`, `2026/11/21`, `2026.11.21`.
    let (date, rest) = text.split_at(text.find([' ', 'T', ',', '日']).unwrap_or(text.len()));
    let date = date.replace(['/', '.', '年', '月'], "-");
    let rest = rest.strip_prefix('日').unwrap_or(rest);
    let text = format!("{date}{rest}");
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let local = text.strip_suffix("UTC").or_else(|| text.strip_suffix("GMT")).unwrap_or(&text).trim_end();
    let starts_with_year = local.bytes().take_while(u8::is_ascii_digit).count();
    if !matches!(starts_with_year, 4 | 8) {
        return None;
    }
    match local.parse() {
        Ok(local) => instant(local, Offset::UTC),
        Err(_) => year_first(&date, rest),
    }
}

/// `2026-3-4` with a time as people write it.
fn year_first(date: &str, rest: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    if !matches!((year.len(), month.len(), day.len()), (4, 1 | 2, 1 | 2)) {
        return None;
    }
    with_month_name(&format!("{day} {} {year} {}", month_name(month)?, rest.trim_start_matches(['T', ','])))
}

/// The English name of a month in numbers.
fn month_name(number: &str) -> Option<&'static str> {
    MONTHS.get(number.parse::<usize>().ok()?.checked_sub(1)?).copied()
}

/// A time as one number: Unix time of this century, in seconds or parts of them; `20261121093000`; and the days of a
/// spreadsheet, from 1954 to 2064.
fn number(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => Some(Timestamp::from_millis(number.checked_mul(1_000)?)),
        13 => Some(Timestamp::from_millis(number)),
        16 => Some(Timestamp::from_millis(number / 1_000)),
        19 => Some(Timestamp::from_millis(number / 1_000_000)),
        14 => {
            let (date, time) = whole.split_at_checked(8)?;
            instant(format!("{date}T{time}").parse().ok()?, Offset::UTC)
        }
        5 if (20_000..60_000).contains(&number) => {
            let days: f64 = text.parse().ok()?;
            // A day has 86,400 seconds; the sixteenth digit of the fraction is noise.
            let seconds = ((days - EXCEL_EPOCH) * 86_400.0).round();
            Some(Timestamp::from_millis((seconds as i64).checked_mul(1_000)?))
        }
        _ => None,
    }
}

/// `20/11/2026`, `11/20/26 08:00`, `20.11.2026`, `20-11-2026`: day and month in numbers before the year. With dots the
/// day is first; otherwise that is known where only one of the two can be a month.
fn in_numbers(text: &str) -> Reading {
    let Some((separator, day_first, month_first)) = both_orders(text) else { return Reading::None };
    match (day_first, month_first) {
        (Some(one), None) => Reading::One(one),
        (None, Some(one)) if separator != '.' => Reading::One(one),
        (Some(one), Some(other)) if one == other || separator == '.' => Reading::One(one),
        (Some(day_first), Some(month_first)) => Reading::Two { day_first, month_first },
        _ => Reading::None,
    }
}

/// The order of day and month that a date in numbers shows, because only one of the two can be a month: what decides
/// the other dates of its file.
pub fn order_shown(text: &str) -> Option<DateOrder> {
    match both_orders(&first_of_range(text))? {
        ('.', ..) => None,
        (_, Some(_), None) => Some(DateOrder::DayFirst),
        (_, None, Some(_)) => Some(DateOrder::MonthFirst),
        _ => None,
    }
}

/// What parts day, month and year in numbers, and the date with the day and with the month first.
fn both_orders(text: &str) -> Option<(char, Option<Timestamp>, Option<Timestamp>)> {
    let (date, rest) = text.split_at(text.find([' ', 'T', ',']).unwrap_or(text.len()));
    let rest = rest.trim_start_matches(['T', ',']);
    let separator = ['/', '.', '-'].into_iter().find(|separator| date.matches(*separator).count() == 2)?;
    let parts: Vec<&str> = date.split(separator).collect();
    let [first, second, year] = parts.as_slice() else { return None };
    if !matches!((first.len(), second.len(), year.len()), (1 | 2, 1 | 2, 2 | 4)) {
        return None;
    }
    let read = |day: &str, month: &str, year: &str| {
        with_month_name(&format!("{day} {} {year} {rest}", month_name(month)?))
    };
    let (day_first, month_first) = (read(first, second, year), read(second, first, year));
    // `26-11-21` may begin with its year, too.
    let may_begin_with_year = separator == '-' && first.len() == 2 && year.len() == 2;
    if may_begin_with_year && day_first.is_some() && read(year, second, first).is_some() {
        return None;
    }
    Some((separator, day_first, month_first))
}

/// A date whose month has a name, its parts in any order. Of two dates, the first counts; where that one has no year
/// of its own, there is none.
fn with_month_name(text: &str) -> Option<Timestamp> {
    let (mut day, mut month, mut year, mut short_year) = (None, None, None, None);
    let (mut time, mut offset, mut afternoon) = (None, None, None);
    // Whether the month may be a Tuesday, whether it was one, and how many numbers of two digits stand before the year.
    let (mut may_be_tuesday, mut was_tuesday, mut numbers) = (false, false, 0);
    // `21-Nov-26`, of RFC 850.
    let dashed = text.split_whitespace().any(|word| word.matches('-').count() == 2);
    let text = if dashed { text.replacen('-', " ", 2) } else { text.to_owned() };
    for word in text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()) {
        let without_letters = word.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
        if is_offset(word) {
            offset = offset.or(Some(zone(word)?));
        } else if word.contains(':') {
            // `9:30pm`, `09:30:00+01:00`; but `9:30-10:30` is from one time to another.
            let letters = word.strip_prefix(without_letters).unwrap_or_default();
            afternoon = afternoon.or(is_afternoon(letters));
            offset = offset.or(zone(letters));
            let sign = without_letters.find(['+', '-']).unwrap_or(without_letters.len());
            let (at, signed) = without_letters.split_at(sign);
            if !signed.is_empty() {
                let is_zone = signed.starts_with('+') || at.matches(':').count() == 2;
                offset = offset.or(Some(zone(signed).filter(|_| is_zone)?));
            }
            time = time.or(Some(at.to_owned()));
        } else if let (Ok(number), 1 | 2) = (without_letters.parse::<i8>(), without_letters.len()) {
            numbers += i32::from(year.is_none());
            match day {
                None => day = Some(number),
                // A year of two digits (RFC 2822, section 4.3).
                Some(_) => {
                    let century = if number < 50 { 2000 } else { 1900 };
                    short_year = short_year.or(Some(i16::from(number) + century));
                }
            }
        } else if let (Ok(number), 4) = (word.parse::<i16>(), word.len())
            && !word.starts_with(['+', '-'])
        {
            year = year.or(Some(number));
        } else if let Some(named) = named_month(word) {
            if month.is_none() {
                // Of "mar. 24 nov.", the first is a Tuesday.
                may_be_tuesday = matches!(word.to_lowercase().as_str(), "mar" | "mar.");
                month = Some(named);
            } else if month != Some(named) && year.is_none() {
                if !may_be_tuesday {
                    return None;
                }
                (may_be_tuesday, was_tuesday) = (false, true);
                month = Some(named);
            }
        } else {
            offset = offset.or(zone(word));
            afternoon = afternoon.or(is_afternoon(word));
        }
    }
    // `Mar 21 - Apr 2, 2026` has no Tuesday.
    if was_tuesday && numbers + i32::from(year.is_some()) > 2 {
        return None;
    }
    let date = Date::new(year.or(short_year)?, month?, day?).ok()?;
    let (mut hour, minute, second) = clock(time.as_deref().unwrap_or("0:00"))?;
    match hour {
        12 if afternoon == Some(false) => hour = 0,
        ..12 if afternoon == Some(true) => hour += 12,
        // Some write midnight so, of the day that begins.
        24 => hour = 0,
        _ => {}
    }
    // A leap second is the last one that a calendar here has.
    instant(date.at(hour, minute, second.min(59), 0), offset.unwrap_or(Offset::UTC))
}

/// Whether letters at a time say the afternoon, or the morning.
fn is_afternoon(letters: &str) -> Option<bool> {
    match letters.to_ascii_lowercase().as_str() {
        "pm" | "p.m." | "p.m" | "pm." | "p." | "p" => Some(true),
        // A lone "a" is a word of Spanish.
        "am" | "a.m." | "a.m" | "am." | "a." => Some(false),
        _ => None,
    }
}

/// Hours, minutes and seconds of `9:30`, `09:30:15` or `09:30:15.25`.
fn clock(time: &str) -> Option<(i8, i8, i8)> {
    let mut parts = time.split(':');
    let mut next = || parts.next().map(|part| part.split('.').next().unwrap_or(part).parse::<i8>());
    let (hour, minute, second) = (next()?.ok()?, next()?.ok()?, next().unwrap_or(Ok(0)).ok()?);
    ((0..=24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second))
        .then_some((hour, minute, second))
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// How the names of months begin in German, French, Spanish, Italian, Portuguese and Dutch, where not as in English.
const OTHER_MONTHS: [(&str, i8); 29] = [
    ("ene", 1),
    ("gen", 1),
    ("fév", 2),
    ("fev", 2),
    ("mär", 3),
    ("maer", 3),
    ("maa", 3),
    ("mrt", 3),
    ("avr", 4),
    ("abr", 4),
    ("mai", 5),
    ("mag", 5),
    ("mei", 5),
    ("juin", 6),
    ("giu", 6),
    ("juil", 7),
    ("lug", 7),
    ("aoû", 8),
    ("aou", 8),
    ("ago", 8),
    ("set", 9),
    ("okt", 10),
    ("ott", 10),
    ("out", 10),
    ("dez", 12),
    ("déc", 12),
    ("dic", 12),
    ("janv", 1),
    ("sept", 9),
];

/// Days of the week that begin as a month does.
const WEEKDAYS: [&str; 5] = ["mardi", "martes", "martedì", "martedi", "maandag"];

fn named_month(word: &str) -> Option<i8> {
    let word = word.to_lowercase();
    if WEEKDAYS.contains(&word.as_str()) {
        return None;
    }
    let other = OTHER_MONTHS.iter().find(|(name, _)| word.starts_with(name)).map(|(_, number)| *number);
    other.or_else(|| (1..).zip(MONTHS).find(|(_, name)| word.starts_with(name)).map(|(number, _)| number))
}

/// Whether a word is a difference from UTC in numbers, which is read or makes the date unreadable.
fn is_offset(word: &str) -> bool {
    let signed = after_utc(word);
    (signed.len() < word.len() || signed.starts_with(['+', '-']))
        && signed.contains(|c: char| c.is_ascii_digit())
}

/// `+0100` of `GMT+0100`.
fn after_utc(word: &str) -> &str {
    word.strip_prefix("GMT").or_else(|| word.strip_prefix("UTC")).unwrap_or(word)
}

/// `+0200`, `-05:00`, `+2`, `GMT+0200`, or a name of RFC 822. Any other is UTC (RFC 2822, section 4.3).
fn zone(word: &str) -> Option<Offset> {
    // Kiribati is the farthest from UTC.
    const SECONDS_MAX: i32 = 14 * 3600;
    let hours = match word {
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CET" | "BST" => 1,
        "CEST" => 2,
        _ => {
            let signed = after_utc(word);
            let (sign, digits) = match (signed.strip_prefix('+'), signed.strip_prefix('-')) {
                (Some(digits), _) => (1, digits),
                (_, Some(digits)) => (-1, digits),
                _ => return None,
            };
            if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
                return None;
            }
            let (hours, minutes) = match (digits.split_once(':'), digits.len()) {
                (Some(parts), _) => parts,
                (None, 1 | 2) => (digits, "0"),
                (None, 4) => digits.split_at_checked(2)?,
                _ => return None,
            };
            let (hours, minutes) = (hours.parse::<u8>().ok()?, minutes.parse::<u8>().ok()?);
            let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
            if minutes >= 60 || seconds > SECONDS_MAX {
                return None;
            }
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
    fn one_morning_in_every_way_that_it_is_written() {
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
            "1795253400.25",
            "1795253400000000",
            "1795253400000000000",
            // GDELT.
            "20261121093000",
            // Spreadsheets.
            "21/11/2026 09:30",
            "11/21/2026 9:30 AM",
            "11/21/26 09:30:00",
            "21.11.2026 09:30",
            "21.11.26, 09:30:00",
            "21-11-2026 09:30",
            "21-Nov-2026 09:30",
            "46347.3958333333",
            "2026.11.21 09:30",
            "2026年11月21日 09:30",
            "2026年11月21日09:30",
            "2026/11/21 9:30",
            "2026/11/21, 9:30:00 AM",
            "2026-11-21 9:30:00",
            "2026-11-21T9:30:00.5+00:00",
            "2026-11-21 10:30:00 +0100",
            "2026-11-21 09:30:00 +0000 UTC",
            "2026-11-21 04:30:00.123456 -0500 EST",
            // Zones by name and number.
            "Sat Nov 21 2026 10:30:00 GMT+0100 (Central European Standard Time)",
            "Sat Nov 21 2026 10:30:00 GMT+0100 (CET)",
            "Sat, 21 Nov 2026 17:30:00 +0800 (CST)",
            "November 21, 2026 10:30 AM (GMT+1) → 11:30 PM",
            "21 Nov 2026 10:30 UTC+01:00",
            "21 Nov 2026 10:30+01:00",
            "21 Nov 2026 10:30:00.25+01:00",
            "21 Nov 2026 04:30EST",
            // Archives.
            "Saturday, November 21, 2026, 9:30 a.m.",
            "21. November 2026 09:30",
            "samedi 21 novembre 2026 09:30",
            "mardi 21 novembre 2026 09:30",
            "mar. 21 nov. 2026 09:30",
            "21 de noviembre de 2026 09:30",
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
        for text in ["2026/3/4", "2026-3-4", "2026.3.4", "2026年3月4日", "2026/3/04 0:00"] {
            assert_eq!(parse(text).unwrap().to_string(), "2026-03-04T00:00:00.000Z", "{text}");
        }
    }

    #[test]
    fn of_a_range_the_first_date_counts_or_none() {
        for text in [
            "March 21, 2026 → April 2, 2026",
            "2026/03/21 → 2026/04/02",
            "March 21, 2026 - April 2, 2027",
            "Mar 21, 2026 - Apr 2, 2026",
            "21 - 23 March 2026",
        ] {
            assert_eq!(parse(text).map(Timestamp::date).as_deref(), Some("2026-03-21"), "{text}");
        }
        for text in [
            "March 21 → April 2, 2026",
            "March 21 - April 2, 2026",
            "Mar 21 - Apr 2, 2026",
            "30 Dec - 2 Jan 2026",
        ] {
            assert_eq!(read(text), Reading::None, "{text}");
        }
        assert_eq!(parse("mar. 24 nov. 26").unwrap().date(), "2026-11-24");
    }

    #[test]
    fn months_have_names_in_seven_languages() {
        for (names, month) in [
            ("Jan January Januar janvier janv. enero gennaio janeiro", 1),
            ("Feb Februar février févr. febrero febbraio fevereiro februari", 2),
            ("Mar March März Maerz mars marzo março maart mrt", 3),
            ("Apr April avril abril aprile", 4),
            ("May Mai mai mayo maggio maio mei", 5),
            ("Jun June Juni juin junio giugno junho", 6),
            ("Jul July Juli juillet juil. julio luglio julho", 7),
            ("Aug August août aout agosto augustus", 8),
            ("Sep Sept September septembre septiembre settembre setembro", 9),
            ("Oct October Okt Oktober octobre octubre ottobre outubro", 10),
            ("Nov November novembre noviembre novembro", 11),
            ("Dec December Dez Dezember décembre diciembre dicembre dezembro", 12),
        ] {
            for name in names.split(' ') {
                let read = parse(&format!("21 {name} 2026")).unwrap_or_else(|| panic!("{name}"));
                assert_eq!(read.date(), format!("2026-{month:02}-21"), "{name}");
            }
        }
    }

    #[test]
    fn what_could_be_two_dates_is_two() {
        let date = |date: &str| date.parse::<Timestamp>().unwrap();
        let (day_first, month_first) = (date("2026-04-03T00:00:00Z"), date("2026-03-04T00:00:00Z"));
        for text in ["03/04/2026", "3/4/2026", "03-04-2026", "3/4/26"] {
            assert_eq!(read(text), Reading::Two { day_first, month_first }, "{text}");
            assert_eq!(parse(text), None);
        }
        assert_eq!(read("04/04/2026"), Reading::One(date("2026-04-04T00:00:00Z")));
        assert_eq!(read("03.04.2026"), Reading::One(day_first));
        assert!(
            matches!(read("03/04/2026 9:30 PM"), Reading::Two { day_first, .. } if day_first == date("2026-04-03T21:30:00Z"))
        );
    }

    #[test]
    fn a_date_shows_its_order_where_only_one_can_be_a_month() {
        for (text, order) in [
            ("20/11/2026", Some(DateOrder::DayFirst)),
            ("11/20/2026 9:30 PM", Some(DateOrder::MonthFirst)),
            ("20-11-26", None),
            ("26-11-21", None),
            ("20-11-99", Some(DateOrder::DayFirst)),
            ("11-20-26", Some(DateOrder::MonthFirst)),
            ("20/11/26", Some(DateOrder::DayFirst)),
            ("03/04/2026", None),
            ("20.11.2026", None),
            ("2026/11/20", None),
            ("20 Nov 2026", None),
            ("32/13/2026", None),
        ] {
            assert_eq!(order_shown(text), order, "{text}");
        }
        assert_eq!(DateOrder::named("day-first"), Some(DateOrder::DayFirst));
        assert_eq!(DateOrder::named("dd/mm"), None);
    }

    #[test]
    fn twelve_hour_clocks_are_told_apart() {
        let hour = |text: &str| parse(text).unwrap().to_string()[11..13].to_owned();
        assert_eq!(hour("Nov 21, 2026 12:30 AM"), "00");
        assert_eq!(hour("Nov 21, 2026 12:30 PM"), "12");
        assert_eq!(hour("Nov 21, 2026 3:30 pm"), "15");
        for text in
            ["11/21/2026 9:30pm", "Nov 21, 2026 9:30PM", "2026/11/21 9:30p.m.", "21/11/2026 9:30 p. m."]
        {
            assert_eq!(hour(text), "21", "{text}");
        }
        assert_eq!(hour("Nov 21, 2026 12:30am"), "00");
        assert_eq!(hour("21 de noviembre de 2026 a las 12:30 p. m."), "12");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "31 Feb 2026",
            "21 Nov",
            "Nov 2026",
            "2026-13-01",
            "21 Nov 2026 25:00:00",
            "21 Nov 2026 é:é",
            "é Nov +é 2026",
            "99999",
            "0001-01-01",
            "0001-01-01T00:00:00Z",
            "32/13/2026",
            "11.21.2026",
            "2026",
            "1/2/3/2026",
            "26-11-21",
            "03-04-26",
            "2026/13/4",
            "2026/2/30 9:30",
            "21 Nov 2026 9:30-10:30",
            "21 Nov 2026 09:30 +0199999999",
            "21 Nov 2026 09:30 +1500",
            "21 Nov 2026 09:30 +0199",
            "21 Nov 2026 09:30 GMT01:00",
            "-5",
            "1e9",
            "Sat, 21 Nov 2026 09:30:00 GMT, or perhaps a little later than that, who knows",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
