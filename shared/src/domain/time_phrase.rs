//! Words about time in a query ("last 7 days", "since March 2026"), read as
//! the window of publication times that they mean.
//!
//! Deliberately a short list of phrases, in English and UTC: what is not
//! understood stays in the query as ordinary words, and what is understood is
//! shown back to the user. When in doubt it does not understand, because a
//! window that nobody asked for hides articles. So a month or a year counts
//! only after a preposition ("in March", not "the march"), and a time that has
//! not come yet ("AI in 2040") is a subject, not a window.

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::time::{DAY_MS, Timestamp};

/// How far back "recent" and "latest" reach, in days.
pub const RECENT_DAYS: i64 = 30;

/// The publication times that a query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeWindow {
    /// The first instant inside; open when `None`.
    pub from: Option<Timestamp>,
    /// The first instant after it; open when `None`.
    pub until: Option<Timestamp>,
    /// The words understood, as the user wrote them; `None` when there are none.
    pub phrase: Option<String>,
}

impl TimeWindow {
    /// Whether something published at `at` lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Narrows the window on the sides that are still open. A second phrase
    /// about the same side, or one that contradicts the first, changes nothing
    /// and answers false.
    fn narrow(&mut self, bounds: Bounds) -> bool {
        let taken = (bounds.from.is_some() && self.from.is_some())
            || (bounds.until.is_some() && self.until.is_some());
        let (from, until) = (self.from.or(bounds.from), self.until.or(bounds.until));
        let empty = from.zip(until).is_some_and(|(from, until)| from >= until);
        if taken || empty {
            return false;
        }
        (self.from, self.until) = (from, until);
        true
    }
}

/// Reads the time phrases of `query` and answers them with the query's other
/// words.
///
/// Understood, in any case of letters: today, yesterday; last, past or previous
/// N hours, days, weeks, months, quarters or years (digits, or one to twelve),
/// counted back from `now`; last or this week (from Monday), month, quarter,
/// year, by the calendar ("past week" and "the last week" count back from
/// `now`); since, after, before, in, during, from a year, month, day or any of
/// the former; between A and B and from A to B, with the whole of B; recent,
/// recently, latest, when nothing else says when. A month or day without a year
/// is its most recent one. "since March, before May" makes one window.
pub fn time_window(query: &str, now: Timestamp) -> (TimeWindow, String) {
    let words = words(query);
    let mut window = TimeWindow::default();
    let mut understood: Vec<&str> = Vec::new();
    let mut kept: Vec<&Word> = Vec::new();
    for sentence in words.split_inclusive(|word| word.ends_sentence) {
        let mut rest = sentence;
        while let Some((first, after_first)) = rest.split_first() {
            match phrase(rest, now) {
                Some((bounds, after)) if window.narrow(bounds) => {
                    understood.extend(rest.iter().take(rest.len() - after.len()).map(|word| word.raw));
                    rest = after;
                }
                _ => {
                    kept.push(first);
                    rest = after_first;
                }
            }
        }
    }

    let (recent, other): (Vec<&Word>, Vec<&Word>) =
        kept.into_iter().partition(|word| matches!(word.text.as_str(), "recent" | "recently" | "latest"));
    if understood.is_empty() {
        let Some(first) = recent.first() else {
            return (window, query.to_owned());
        };
        window.from = Some(now.plus_days(-RECENT_DAYS));
        understood.push(first.raw);
    }
    window.phrase = Some(understood.join(" ").trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
    (window, other.iter().map(|word| word.raw).collect::<Vec<_>>().join(" "))
}

/// One word of the query, between white space.
struct Word<'q> {
    raw: &'q str,
    /// In lower case, without punctuation around it.
    text: String,
    /// No phrase continues behind this word.
    ends_sentence: bool,
}

fn words(query: &str) -> Vec<Word<'_>> {
    query
        .split_whitespace()
        .map(|raw| {
            let mut text = raw.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
            // "last week's news" means last week; "today's models" need not be of today.
            if let Some(owner) = text.strip_suffix("'s").or_else(|| text.strip_suffix("’s"))
                && (owner == "yesterday" || Unit::named(owner).is_some())
            {
                text = owner.to_owned();
            }
            let abbreviation = text.len() <= 4 && month_number(&text).is_some();
            let ends_sentence = raw.ends_with(['?', '!', ';', ':']) || (raw.ends_with('.') && !abbreviation);
            Word { raw, text, ends_sentence }
        })
        .collect()
}

/// What one phrase says.
#[derive(Clone, Copy)]
struct Bounds {
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What was read, and the words behind it.
type Read<'w, 'q, T> = Option<(T, &'w [Word<'q>])>;

/// The words behind the first one, when that is one of `any`.
fn skip<'w, 'q>(words: &'w [Word<'q>], any: &[&str]) -> Option<&'w [Word<'q>]> {
    let (first, rest) = words.split_first()?;
    any.contains(&first.text.as_str()).then_some(rest)
}

/// A phrase that starts at the first of `words`.
fn phrase<'w, 'q>(words: &'w [Word<'q>], now: Timestamp) -> Read<'w, 'q, Bounds> {
    let started = |bounds: Bounds| bounds.from.filter(|from| *from <= now).map(|_| bounds);
    if let Some(rest) = skip(words, &["since", "after"]) {
        let (bounds, rest) = period(rest, now)?;
        return Some((started(Bounds { until: None, ..bounds })?, rest));
    }
    if let Some(rest) = skip(words, &["before"]) {
        let (bounds, rest) = period(rest, now)?;
        return Some((Bounds { from: None, until: started(bounds)?.from }, rest));
    }
    if let Some(rest) = skip(words, &["between"]) {
        let (bounds, rest) = range(rest, &["and"], now)?;
        return Some((started(bounds)?, rest));
    }
    if let Some(rest) = skip(words, &["from"]) {
        let (bounds, rest) =
            range(rest, &["to", "until", "till", "through"], now).or_else(|| period(rest, now))?;
        return Some((started(bounds)?, rest));
    }
    if let Some(rest) = skip(words, &["in", "during"]) {
        let (bounds, rest) = period(rest, now)?;
        return Some((started(bounds)?, rest));
    }
    if let Some(rest) = skip(words, &["on"]) {
        // A day only: "on May" is more likely about a person.
        let (day, rest) = dated(rest, now).filter(|(dated, _)| dated.unit == Unit::Day)?;
        return Some((started(day.bounds())?, rest));
    }
    if let Some(rest) = skip(words, &["over", "within"]) {
        return relative(rest, now);
    }
    relative(words, now)
}

/// "March and May": from the start of the one to the end of the other.
fn range<'w, 'q>(words: &'w [Word<'q>], join: &[&str], now: Timestamp) -> Read<'w, 'q, Bounds> {
    let (mut first, rest) = dated(words, now)?;
    let (mut second, rest) = dated(skip(rest, join)?, now)?;
    // A year that was not written is the one that puts them in order.
    while !second.year_written && second.start < first.start {
        second = second.plus_years(1);
    }
    while !first.year_written && second.start < first.start {
        first = first.plus_years(-1);
    }
    if second.start < first.start {
        (first, second) = (second, first);
    }
    Some((Bounds { from: first.bounds().from, until: second.bounds().until }, rest))
}

fn period<'w, 'q>(words: &'w [Word<'q>], now: Timestamp) -> Read<'w, 'q, Bounds> {
    match dated(words, now) {
        Some((dated, rest)) => Some((dated.bounds(), rest)),
        None => relative(words, now),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    fn named(singular: &str) -> Option<Self> {
        Some(match singular {
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The first day of the unit that holds `date`.
    fn start(self, date: Date) -> Date {
        match self {
            Self::Hour | Self::Day => date,
            Self::Week => moved(date, Self::Day, -i64::from(date.weekday().to_monday_zero_offset())),
            Self::Month => date.first_of_month(),
            Self::Quarter => moved(date.first_of_month(), Self::Month, -i64::from((date.month() - 1) % 3)),
            Self::Year => date.first_of_year(),
        }
    }

    /// `count` of them as jiff counts. A count beyond any calendar is held to
    /// 9,999 years, which reaches past the first instant a `Timestamp` holds.
    fn span(self, count: i64) -> Span {
        let held = |most: i64| count.clamp(-most, most);
        let span = Span::new();
        match self {
            Self::Hour => span.try_hours(held(9_999 * 366 * 24)),
            Self::Day => span.try_days(held(9_999 * 366)),
            Self::Week => span.try_weeks(held(9_999 * 52)),
            Self::Month => span.try_months(held(9_999 * 12)),
            Self::Quarter => span.try_months(held(9_999 * 4) * 3),
            Self::Year => span.try_years(held(9_999)),
        }
        .unwrap_or_default()
    }
}

fn moved(date: Date, unit: Unit, count: i64) -> Date {
    date.saturating_add(unit.span(count))
}

fn today(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now.to_jiff()).date()
}

fn midnight(date: Date) -> Timestamp {
    match TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)) {
        Ok(instant) => Timestamp::from_millis(instant.as_millisecond()),
        Err(_) => Timestamp::from_millis(if date.year() < 0 { i64::MIN } else { i64::MAX }),
    }
}

/// The whole units from `start` on.
fn whole(start: Date, unit: Unit) -> Bounds {
    Bounds { from: Some(midnight(start)), until: Some(midnight(moved(start, unit, 1))) }
}

/// The last `count` units, back from `now`.
fn back(now: Timestamp, unit: Unit, count: i64) -> Bounds {
    let from = match unit {
        Unit::Hour => now.plus_millis(count.saturating_mul(-DAY_MS / 24)),
        Unit::Day => now.plus_days(count.saturating_neg()),
        Unit::Week => now.plus_days(count.saturating_mul(-7)),
        Unit::Month | Unit::Quarter | Unit::Year => {
            let day = today(now);
            let since_midnight = now.millis_since(midnight(day));
            midnight(moved(day, unit, -count)).plus_millis(since_midnight)
        }
    };
    Bounds { from: Some(from), until: None }
}

/// A phrase that counts from today: "yesterday", "the last 7 days", "this week".
fn relative<'w, 'q>(words: &'w [Word<'q>], now: Timestamp) -> Read<'w, 'q, Bounds> {
    let (words, the) = match skip(words, &["the"]) {
        Some(rest) => (rest, true),
        None => (words, false),
    };
    let today = today(now);
    let (first, rest) = words.split_first()?;
    match first.text.as_str() {
        "today" => Some((whole(today, Unit::Day), rest)),
        "yesterday" => Some((whole(moved(today, Unit::Day, -1), Unit::Day), rest)),
        "this" => {
            let (named, rest) = rest.split_first()?;
            let unit = Unit::named(&named.text).filter(|unit| !matches!(unit, Unit::Hour | Unit::Day))?;
            Some((whole(unit.start(today), unit), rest))
        }
        last @ ("last" | "past" | "previous") => {
            let (next, behind) = rest.split_first()?;
            if let Some(count) = count(&next.text) {
                let (named, behind) = behind.split_first()?;
                let unit = Unit::named(named.text.strip_suffix('s').unwrap_or(&named.text))?;
                return Some((back(now, unit, count), behind));
            }
            let unit = Unit::named(&next.text)?;
            let counts_back =
                matches!(unit, Unit::Hour | Unit::Day) || ((the || last == "past") && unit != Unit::Quarter);
            if counts_back {
                return Some((back(now, unit, 1), behind));
            }
            Some((whole(moved(unit.start(today), unit, -1), unit), behind))
        }
        _ => None,
    }
}

/// A number above zero, in digits or as a word up to twelve.
fn count(text: &str) -> Option<i64> {
    const NAMES: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if let Some(index) = NAMES.iter().position(|name| *name == text) {
        return i64::try_from(index + 1).ok();
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Digits that fit no integer are a very large number all the same.
    Some(text.parse().unwrap_or(i64::MAX)).filter(|count| *count > 0)
}

/// A day, month or year of the calendar.
#[derive(Clone, Copy)]
struct Dated {
    start: Date,
    unit: Unit,
    year_written: bool,
}

impl Dated {
    fn bounds(self) -> Bounds {
        whole(self.start, self.unit)
    }

    fn plus_years(self, years: i64) -> Self {
        Self { start: moved(self.start, Unit::Year, years), ..self }
    }
}

/// "2026-03-14", "2026-03", "2026", "March", "March 2026", "March 14, 2026",
/// "14 March 2026".
fn dated<'w, 'q>(words: &'w [Word<'q>], now: Timestamp) -> Read<'w, 'q, Dated> {
    let (first, rest) = words.split_first()?;
    if let Some((date, unit)) = iso_date(&first.text) {
        return Some((Dated { start: date, unit, year_written: true }, rest));
    }
    if let Some((year, rest)) = year(words) {
        return Some((
            Dated { start: Date::new(year, 1, 1).ok()?, unit: Unit::Year, year_written: true },
            rest,
        ));
    }
    if let Some(day) = day_of_month(&first.text) {
        let (month, rest) = month(rest)?;
        return with_year(month, Some(day), rest, now);
    }
    let (month, rest) = month(words)?;
    match rest.split_first() {
        // "in March, 14 companies": what is behind a comma is not the day.
        Some((next, behind)) if !first.raw.ends_with(',') && day_of_month(&next.text).is_some() => {
            with_year(month, day_of_month(&next.text), behind, now)
        }
        _ if first.raw.ends_with(',') => with_year(month, None, &[], now).map(|(dated, _)| (dated, rest)),
        _ => with_year(month, None, rest, now),
    }
}

/// The month or day in the year that `words` start with, or else the most
/// recent one.
fn with_year<'w, 'q>(
    month: i8,
    day: Option<i8>,
    words: &'w [Word<'q>],
    now: Timestamp,
) -> Read<'w, 'q, Dated> {
    let unit = if day.is_some() { Unit::Day } else { Unit::Month };
    let day = day.unwrap_or(1);
    if let Some((year, rest)) = year(skip(words, &["of"]).unwrap_or(words)) {
        return Some((Dated { start: Date::new(year, month, day).ok()?, unit, year_written: true }, rest));
    }
    let today = today(now);
    // Eight years hold a 29 February, even around 1900.
    let most_recent = (0..=8)
        .filter_map(|years| Date::new(today.year() - years, month, day).ok())
        .find(|date| *date <= today)?;
    Some((Dated { start: most_recent, unit, year_written: false }, words))
}

fn iso_date(text: &str) -> Option<(Date, Unit)> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next());
    let digits = |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) || day.is_some_and(|day| !digits(day, 2)) {
        return None;
    }
    let unit = if day.is_some() { Unit::Day } else { Unit::Month };
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.unwrap_or("1").parse().ok()?).ok()?;
    Some((date, unit))
}

/// A year from 1900 to 2100 that does not count something ("in 2025 words").
fn year<'w, 'q>(words: &'w [Word<'q>]) -> Read<'w, 'q, i16> {
    const COUNTED: [&str; 14] = [
        "words",
        "characters",
        "letters",
        "tokens",
        "sentences",
        "lines",
        "paragraphs",
        "pages",
        "bullets",
        "points",
        "steps",
        "dollars",
        "euros",
        "percent",
    ];
    let (first, rest) = words.split_first()?;
    let is_year = first.text.len() == 4 && first.text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_year || skip(rest, &COUNTED).is_some() {
        return None;
    }
    let year = first.text.parse().ok().filter(|year| (1900..=2100).contains(year))?;
    Some((year, rest))
}

/// "14", "1st", "22nd".
fn day_of_month(text: &str) -> Option<i8> {
    let digits =
        ["st", "nd", "rd", "th"].iter().find_map(|ordinal| text.strip_suffix(ordinal)).unwrap_or(text);
    if digits.len() > 2 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|day| (1..=31).contains(day))
}

fn month<'w, 'q>(words: &'w [Word<'q>]) -> Read<'w, 'q, i8> {
    const BEHIND_A_MONTH: [&str; 14] = [
        "and", "or", "to", "until", "till", "through", "about", "on", "for", "from", "by", "with", "of",
        "before",
    ];
    let (first, rest) = words.split_first()?;
    let number = month_number(&first.text)?;
    // "the market it operates in may shrink": in lower case, "may" is a month
    // only where no verb follows it.
    let lower_case_may = first.text == "may" && first.raw.contains("may") && !first.raw.ends_with(',');
    let verb_may_follow = rest.first().is_some_and(|next| {
        !BEHIND_A_MONTH.contains(&next.text.as_str()) && !next.text.starts_with(|c: char| c.is_ascii_digit())
    });
    (!lower_case_may || !verb_may_follow).then_some((number, rest))
}

fn month_number(text: &str) -> Option<i8> {
    Some(match text {
        "january" | "jan" => 1,
        "february" | "feb" => 2,
        "march" | "mar" => 3,
        "april" | "apr" => 4,
        "may" => 5,
        "june" | "jun" => 6,
        "july" | "jul" => 7,
        "august" | "aug" => 8,
        "september" | "sept" | "sep" => 9,
        "october" | "oct" => 10,
        "november" | "nov" => 11,
        "december" | "dec" => 12,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Saturday.
    const NOW: &str = "2026-11-21T09:30:00Z";

    /// The window as `from..until`, dates alone where the time is midnight.
    fn read_at(query: &str, now: &str) -> (String, String) {
        let (window, rest) = time_window(query, now.parse().unwrap());
        let side = |side: Option<Timestamp>| {
            side.map(|at| at.to_string().replace("T00:00:00.000Z", "").replace(":00.000Z", ""))
                .unwrap_or_default()
        };
        (format!("{}..{}", side(window.from), side(window.until)), rest)
    }

    fn read(query: &str) -> String {
        read_at(query, NOW).0
    }

    const OPEN: &str = "..";

    #[test]
    fn days_are_those_of_utc() {
        assert_eq!(read("chip news today"), "2026-11-21..2026-11-22");
        assert_eq!(read("Yesterday in AI"), "2026-11-20..2026-11-21");
        assert_eq!(read_at("yesterday", "2026-01-01T00:00:00Z").0, "2025-12-31..2026-01-01");
    }

    #[test]
    fn counted_units_reach_back_from_now() {
        assert_eq!(read("last 7 days"), "2026-11-14T09:30..");
        assert_eq!(read("the LAST three weeks"), "2026-10-31T09:30..");
        assert_eq!(read("past 1 hour"), "2026-11-21T08:30..");
        assert_eq!(read("in the past twelve months"), "2025-11-21T09:30..");
        assert_eq!(read("over the last 2 years"), "2024-11-21T09:30..");
        assert_eq!(read("previous 2 quarters"), "2026-05-21T09:30..");
    }

    #[test]
    fn a_month_back_from_the_31st_stops_at_the_shorter_months_end() {
        assert_eq!(read_at("last 1 month", "2026-03-31T12:00:00Z").0, "2026-02-28T12:00..");
    }

    #[test]
    fn last_and_this_follow_the_calendar_and_weeks_start_on_monday() {
        assert_eq!(read("last week"), "2026-11-09..2026-11-16");
        assert_eq!(read("this week"), "2026-11-16..2026-11-23");
        assert_eq!(read_at("this week", "2026-11-16T00:00:00Z").0, "2026-11-16..2026-11-23");
        assert_eq!(read_at("this week", "2026-11-15T23:59:59Z").0, "2026-11-09..2026-11-16");
        assert_eq!(read("last month"), "2026-10-01..2026-11-01");
        assert_eq!(read("this month"), "2026-11-01..2026-12-01");
        assert_eq!(read("last quarter"), "2026-07-01..2026-10-01");
        assert_eq!(read_at("last quarter", "2026-02-10T00:00:00Z").0, "2025-10-01..2026-01-01");
        assert_eq!(read("last year"), "2025-01-01..2026-01-01");
        assert_eq!(read("this year"), "2026-01-01..2027-01-01");
    }

    #[test]
    fn the_past_week_counts_back_where_last_week_is_a_calendar_week() {
        assert_eq!(read("past week"), "2026-11-14T09:30..");
        assert_eq!(read("last day"), "2026-11-20T09:30..");
        assert_eq!(read("in the last month"), "2026-10-21T09:30..");
        assert_eq!(read("during the last quarter"), "2026-07-01..2026-10-01");
    }

    #[test]
    fn since_and_after_open_a_window_to_now() {
        assert_eq!(read("funding since March"), "2026-03-01..");
        assert_eq!(read("since March 2025"), "2025-03-01..");
        assert_eq!(read("since 2025"), "2025-01-01..");
        assert_eq!(read("SINCE 2026-03-14"), "2026-03-14..");
        assert_eq!(read("after 14 March"), "2026-03-14..");
        assert_eq!(read("after March 14, 2025"), "2025-03-14..");
        assert_eq!(read("since May of 2025"), "2025-05-01..");
        assert_eq!(read("since Sept. 2025"), "2025-09-01..");
        assert_eq!(read("since last week"), "2026-11-09..");
        assert_eq!(read("since the last 3 days"), "2026-11-18T09:30..");
    }

    #[test]
    fn in_takes_the_whole_month_or_year() {
        assert_eq!(read("in March"), "2026-03-01..2026-04-01");
        assert_eq!(read("in March 2026"), "2026-03-01..2026-04-01");
        assert_eq!(read("from 2025-12"), "2025-12-01..2026-01-01");
        assert_eq!(read("in 2025"), "2025-01-01..2026-01-01");
        assert_eq!(read("on 2026-03-14"), "2026-03-14..2026-03-15");
    }

    #[test]
    fn before_ends_where_its_time_begins() {
        assert_eq!(read("before 2026-05-01"), "..2026-05-01");
        assert_eq!(read("before May"), "..2026-05-01");
        assert_eq!(read("before last year"), "..2025-01-01");
    }

    #[test]
    fn a_month_without_a_year_is_its_most_recent() {
        assert_eq!(read("in November"), "2026-11-01..2026-12-01");
        assert_eq!(read("in December"), "2025-12-01..2026-01-01");
        assert_eq!(read("since November 22"), "2025-11-22..");
        assert_eq!(read("since February 29"), "2024-02-29..");
    }

    #[test]
    fn a_range_holds_the_whole_of_both_its_ends() {
        assert_eq!(read("between March and May"), "2026-03-01..2026-06-01");
        assert_eq!(read("between 2026-03-01 and 2026-04-01"), "2026-03-01..2026-04-02");
        assert_eq!(read("from March to May 2025"), "2025-03-01..2025-06-01");
        assert_eq!(read("between 2024 and 2025"), "2024-01-01..2026-01-01");
        assert_eq!(read("between 2026-04-01 and 2026-03-01"), "2026-03-01..2026-04-02");
    }

    #[test]
    fn the_years_of_a_range_are_those_that_put_it_in_order() {
        assert_eq!(read_at("between March and May", "2026-04-10T00:00:00Z").0, "2026-03-01..2026-06-01");
        assert_eq!(
            read_at("between November and February", "2026-04-10T00:00:00Z").0,
            "2025-11-01..2026-03-01"
        );
        assert_eq!(read("between October and March 2026"), "2025-10-01..2026-04-01");
    }

    #[test]
    fn recent_is_a_month_unless_something_else_says_when() {
        assert_eq!(read("recent chip news"), "2026-10-22T09:30..");
        assert_eq!(read("what happened recently?"), "2026-10-22T09:30..");
        assert_eq!(
            read_at("latest funding from last week", NOW),
            ("2026-11-09..2026-11-16".into(), "funding".into())
        );
    }

    #[test]
    fn two_phrases_make_one_window_when_they_agree() {
        let (window, rest) = time_window("since March, chips before 2026-05-01", NOW.parse().unwrap());
        assert_eq!(window.from.unwrap().date(), "2026-03-01");
        assert_eq!(window.until.unwrap().date(), "2026-05-01");
        assert_eq!(window.phrase.as_deref(), Some("since March, before 2026-05-01"));
        assert_eq!(rest, "chips");
        assert_eq!(
            read_at("since October before March", NOW),
            ("2026-10-01..".into(), "before March".into())
        );
    }

    #[test]
    fn the_phrase_is_as_the_user_wrote_it_and_leaves_the_query() {
        let (window, rest) = time_window("What did Nvidia do in the  LAST 7 days?", NOW.parse().unwrap());
        assert_eq!(window.phrase.as_deref(), Some("in the LAST 7 days"));
        assert_eq!(rest, "What did Nvidia do");
        assert_eq!(read_at("(since 2025) AI  law", NOW).1, "AI law");
        assert_eq!(read_at("last week's layoffs", NOW).1, "layoffs");
    }

    #[test]
    fn a_query_without_a_time_is_left_as_it_is() {
        let (window, rest) = time_window("  AI   adoption ", NOW.parse().unwrap());
        assert_eq!(window, TimeWindow::default());
        assert_eq!(rest, "  AI   adoption ");
        assert_eq!(read(""), OPEN);
    }

    #[test]
    fn words_that_only_look_like_times_stay_words() {
        for query in [
            "what may happen",
            "the market it operates in may shrink",
            "the march of progress",
            "March Capital",
            "Q3 results",
            "in Q3 2025",
            "summarise in 2025 words",
            "since 1492",
            "since when",
            "the last 3 articles",
            "between 5 and 10 companies",
            "between March and everything",
            "an opinion on May",
            "this hour",
            "last 0 days",
            "the first and last. Week 3 was better",
            "since February 30",
            "since 2026-13-45",
            "today's models",
            "last",
            "in the",
        ] {
            assert_eq!(read_at(query, NOW), (OPEN.into(), query.into()));
        }
    }

    #[test]
    fn a_lower_case_may_behind_a_preposition_is_a_month_where_no_verb_can_follow() {
        assert_eq!(read("articles in may about chips"), "2026-05-01..2026-06-01");
        assert_eq!(read("between march and may"), "2026-03-01..2026-06-01");
        assert_eq!(read("since may 2025"), "2025-05-01..");
    }

    #[test]
    fn a_number_behind_a_comma_is_no_part_of_the_date() {
        assert_eq!(
            read_at("in March, 14 companies", NOW),
            ("2026-03-01..2026-04-01".into(), "14 companies".into())
        );
        assert_eq!(read("in March, 2025 saw its first law"), "2026-03-01..2026-04-01");
    }

    #[test]
    fn a_time_that_has_not_come_is_a_subject() {
        assert_eq!(read("jobs in 2040"), OPEN);
        assert_eq!(read("before 2027-01-01"), OPEN);
        assert_eq!(read("since December 2026"), OPEN);
        assert_eq!(read("in 2026"), "2026-01-01..2027-01-01");
    }

    #[test]
    fn absurd_numbers_reach_to_the_beginning_of_time() {
        for unit in ["hours", "days", "weeks", "months", "quarters", "years"] {
            for number in ["99999999999", "9223372036854775807", "99999999999999999999999999"] {
                let (bounds, rest) = read_at(&format!("last {number} {unit}"), NOW);
                assert!(bounds.starts_with("0001-01-01"), "{number} {unit}: {bounds}");
                assert_eq!(rest, "");
            }
        }
    }

    #[test]
    fn the_edges_of_the_calendar_hold() {
        for now in ["0001-01-01T00:00:00Z", "9999-12-30T21:59:59Z"] {
            for query in [
                "today",
                "yesterday",
                "last week",
                "this week",
                "last year",
                "this year",
                "last 5 years",
                "since March",
                "since February 29",
                "between March and May",
                "between 0001-01-01 and 9999-12-31",
                "between 9999-12-31 and May",
                "before 0000-01-01",
                "recent",
            ] {
                time_window(query, now.parse().unwrap());
            }
        }
    }

    #[test]
    fn a_window_holds_its_start_and_not_its_end() {
        let (window, _) = time_window("yesterday", NOW.parse().unwrap());
        let at = |text: &str| window.contains(text.parse().unwrap());
        assert!(at("2026-11-20T00:00:00Z") && at("2026-11-20T23:59:59.999Z"));
        assert!(!at("2026-11-21T00:00:00Z") && !at("2026-11-19T23:59:59.999Z"));
        assert!(TimeWindow::default().contains(NOW.parse().unwrap()));
    }
}
