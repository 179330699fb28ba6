//! The fields of one line, or record, as an article; and what is to be said of all of them together.

use serde::{Deserialize, Serialize};
use url::Url;

use super::columns::{Field, Slot};
use super::{grouped, quoted};
use crate::domain::article::{
    Article, LANGUAGE_MAX, NAME_MAX, SUMMARY_MAX, Sentiment, TAG_MAX, TAGS_MAX, TEXT_MAX, TITLE_MAX, URL_MAX,
};
use crate::domain::clean::{language, language_named, plain_text};
use crate::domain::dates::{self, DateOrder, Reading};
use crate::domain::identity::canonical_url;
use crate::domain::time::Timestamp;

/// A clock elsewhere may be ahead, and a date without a zone may be tomorrow's.
const AHEAD_MS: i64 = 48 * 60 * 60_000;

/// The value of a field, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// One text.
    One(String),
    /// A list of them.
    Many(Vec<String>),
}

impl Cell {
    /// Whether there is nothing in it.
    pub fn is_blank(&self) -> bool {
        match self {
            Self::One(text) => text.trim().is_empty(),
            Self::Many(texts) => texts.iter().all(|text| text.trim().is_empty()),
        }
    }

    /// As one text.
    pub fn joined(self, between: &str) -> String {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => texts.join(between),
        }
    }

    /// The first of its texts that has something in it.
    fn first(self) -> String {
        match self {
            Self::One(text) => text,
            Self::Many(texts) => texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default(),
        }
    }

    /// Its texts; one text is a list with `;`, `|` or `,` in it, in this order of trust.
    fn list(self) -> Vec<String> {
        match self {
            Self::Many(texts) => texts,
            Self::One(text) => {
                let separator = [';', '|', ','].into_iter().find(|separator| text.contains(*separator));
                text.split(separator.unwrap_or(';')).map(str::to_owned).collect()
            }
        }
    }
}

/// The fields of one line; of several that are taken for the same, the most telling one that has a value.
#[derive(Debug, Default)]
pub(super) struct Fields([Option<(u8, Cell)>; Field::ALL.len()]);

/// What holds for all lines of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The time of the import.
    pub now: Timestamp,
    /// Which of day and month is first, where that is known.
    pub dates: Option<DateOrder>,
}

/// What is said of a file's articles together, with how many it concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Tally {
    /// Without a date.
    undated: u64,
    /// With a date that says a year or a month only.
    vague_dates: u64,
    /// With a date that could be two, which the file's others or a person decided.
    decided_dates: u64,
    /// With neither a summary nor a text.
    titles_only: u64,
    /// With a sentiment that is not known.
    sentiments: u64,
    /// With tags that were too many or too long.
    tags: u64,
    /// Names of fields that were passed over: the first ones.
    passed_over: Vec<String>,
    /// Whether there were more.
    has_passed_over_more: bool,
}

impl Fields {
    /// Offers a value for what its column is taken for.
    pub fn offer(&mut self, (field, rank): Slot, cell: Cell) {
        let Some(slot) = self.0.get_mut(field as usize) else {
            return;
        };
        if slot.as_ref().is_none_or(|(before, _)| rank < *before) && !cell.is_blank() {
            *slot = Some((rank, cell));
        }
    }

    /// What is there of a field.
    fn take(&mut self, field: Field) -> Option<Cell> {
        self.0.get_mut(field as usize)?.take().map(|(_, cell)| cell)
    }

    fn line(&mut self, field: Field) -> String {
        self.take(field).map(Cell::first).unwrap_or_default()
    }

    /// The date, as it stands there.
    pub fn date(&mut self) -> String {
        self.line(Field::PublishedAt)
    }

    /// The article; or what is wrong, in a sentence.
    pub fn into_article(mut self, terms: Terms, tally: &mut Tally) -> Result<Article, String> {
        let title =
            prose("title", &self.line(Field::Title), TITLE_MAX)?.ok_or("The article has no title.")?;
        let url = url(&self.line(Field::Url))?;
        let mut of =
            |field: Field| self.take(field).map(|cell| plain_text(&cell.joined("\n"))).unwrap_or_default();
        let (mut short, mut whole) = (of(Field::Summary), of(Field::Text));
        // Some write the whole text where others write a summary.
        if whole.trim().is_empty() && short.trim().chars().count() > SUMMARY_MAX {
            std::mem::swap(&mut short, &mut whole);
        }
        let summary = text("summary", &short, SUMMARY_MAX)?;
        let body = text("text", &whole, TEXT_MAX)?;
        let has_title_only = summary.is_none() && body.is_none();
        let said = text("language", &self.line(Field::Language), LANGUAGE_MAX)?;
        let said = said.map(|said| language_named(&said).map_or(said, str::to_owned));
        let language = said.or_else(|| language(summary.as_deref().or(body.as_deref()).unwrap_or(&title)));
        let source = text("source", &self.line(Field::Source), NAME_MAX)?;
        let category = text("category", &self.line(Field::Category), NAME_MAX)?;
        let sentiment = self.line(Field::Sentiment);
        let (known_sentiment, has_sentiment) = (Sentiment::named(&sentiment), !sentiment.trim().is_empty());
        let (tags, has_more_tags) = tags(self.take(Field::Tags))?;
        let written = self.date();
        let date = published_at(&written, terms)?;
        tally.undated += u64::from(date.is_none());
        tally.decided_dates +=
            u64::from(terms.dates.is_some() && matches!(dates::read(&written), Reading::Two { .. }));
        tally.vague_dates += u64::from(matches!(date, Some((_, true))));
        tally.titles_only += u64::from(has_title_only);
        tally.sentiments += u64::from(has_sentiment && known_sentiment.is_none());
        tally.tags += u64::from(has_more_tags);
        Ok(Article {
            language,
            source,
            published_at: date.map_or(terms.now, |(at, _)| at),
            // An article has one: search and models read it.
            summary: if has_title_only { Some(title.clone()) } else { summary },
            title,
            url,
            text: body,
            category,
            sentiment: known_sentiment,
            tags,
            sample: false,
        })
    }
}

impl Tally {
    /// Notes a field that is taken for nothing.
    pub fn pass_over(&mut self, name: &str) {
        const KEPT_MAX: usize = 20;
        const LENGTH_MAX: usize = 60;
        let name = crate::domain::text::prefix(name.trim(), LENGTH_MAX);
        if name.is_empty() || self.passed_over.iter().any(|known| known == name) {
            return;
        }
        if self.passed_over.len() < KEPT_MAX {
            self.passed_over.push(name.to_owned());
        } else {
            self.has_passed_over_more = true;
        }
    }

    /// Whether a date that could be two was decided.
    pub fn has_decided_dates(&self) -> bool {
        self.decided_dates > 0
    }

    /// What is to be said, a sentence each.
    pub fn notes(&self, now: Timestamp) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.passed_over.is_empty() {
            let names: Vec<String> = self.passed_over.iter().map(|name| quoted(name)).collect();
            let more = if self.has_passed_over_more { " and more" } else { "" };
            notes.push(format!(
                "Passed over, for they are taken for no field of an article: {}{more}.",
                names.join(", ")
            ));
        }
        let articles = |count: u64| match count {
            1 => "One article".to_owned(),
            count => format!("{} articles", grouped(count)),
        };
        let verb = |count: u64, one: &'static str, many: &'static str| if count == 1 { one } else { many };
        if self.undated > 0 {
            let (count, has) = (articles(self.undated), verb(self.undated, "has", "have"));
            let counts = verb(self.undated, "It counts", "They count");
            notes.push(format!(
                "{count} {has} no date. {counts} as published when imported, on {}.",
                now.date()
            ));
        }
        if self.vague_dates > 0 {
            let (count, has) = (articles(self.vague_dates), verb(self.vague_dates, "has", "have"));
            notes.push(format!(
                "{count} {has} a date without a day: the first day of its month or year is taken."
            ));
        }
        if self.titles_only > 0 {
            let (count, has) = (articles(self.titles_only), verb(self.titles_only, "has", "have"));
            notes.push(format!("{count} {has} a title only: the title stands as the summary, too."));
        }
        if self.sentiments > 0 {
            let (count, has) = (articles(self.sentiments), verb(self.sentiments, "has", "have"));
            notes.push(format!(
                "{count} {has} a sentiment that is none of positive, neutral, critical and negative: it is left out."
            ));
        }
        if self.tags > 0 {
            let (count, has) = (articles(self.tags), verb(self.tags, "has", "have"));
            notes.push(format!(
                "{count} {has} more than {TAGS_MAX} tags, or one of more than {TAG_MAX} characters: these are left out."
            ));
        }
        notes
    }
}

/// What a reader reads of the value, without markup.
fn prose(name: &str, value: &str, max: usize) -> Result<Option<String>, String> {
    text(name, &plain_text(value), max)
}

/// The trimmed value, when there is one and it keeps to `max` characters.
fn text(name: &str, value: &str, max: usize) -> Result<Option<String>, String> {
    let value = value.trim();
    if let Some(control) = value.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(format!(
            "The {name} contains a control character (U+{:04X}). Remove it.",
            u32::from(control)
        ));
    }
    if value.chars().count() > max {
        return Err(format!("The {name} is longer than {} characters. Shorten it.", grouped(max as u64)));
    }
    Ok(Some(value).filter(|value| !value.is_empty()).map(str::to_owned))
}

/// The address in the one way that the URL standard writes it, without its fragment.
fn url(value: &str) -> Result<String, String> {
    // The length is that of what is kept: fragments go, and other scripts are
    // percent-encoded.
    let value = text("url", value, usize::MAX)?.ok_or("The article has no url.")?;
    let parsed = Url::parse(&value);
    let scheme_is_web = match &parsed {
        Ok(url) => matches!(url.scheme(), "http" | "https"),
        Err(url::ParseError::RelativeUrlWithoutBase) => false,
        Err(_) => true,
    };
    if !scheme_is_web {
        return Err("The url must start with http:// or https://.".into());
    }
    // The URL standard knows no http or https address without a host.
    let Ok(url) = parsed else {
        return Err("The url is not a valid web address, such as https://example.com/article.".into());
    };
    let url = String::from(canonical_url(&url));
    if url.chars().count() > URL_MAX {
        return Err(format!("The url is longer than {} characters.", grouped(URL_MAX as u64)));
    }
    Ok(url)
}

/// When it was published, and whether only the month or the year is said.
fn published_at(value: &str, terms: Terms) -> Result<Option<(Timestamp, bool)>, String> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    let (whole, is_vague) = vague(value).map_or((value.into(), false), |whole| (whole, true));
    let at = match (dates::read(&whole), terms.dates) {
        (Reading::One(at), _)
        | (Reading::Two { day_first: at, .. }, Some(DateOrder::DayFirst))
        | (Reading::Two { month_first: at, .. }, Some(DateOrder::MonthFirst)) => at,
        (Reading::Two { day_first, month_first }, None) => {
            return Err(format!(
                "The published_at {} could be two dates, {} and {}, and no date at the beginning of the file decides. Say it with \
                 the import: dates=day-first or dates=month-first.",
                quoted(value),
                day_first.date(),
                month_first.date()
            ));
        }
        (Reading::None, _) => return Err(no_date(value)),
    };
    if at.millis_since(terms.now) > AHEAD_MS {
        return Err(format!(
            "The published_at {} lies in the future, on {}. Correct it, or leave it empty if it is not known.",
            quoted(value),
            at.date()
        ));
    }
    Ok(Some((at, is_vague)))
}

/// The first day of `2026`, `2026-11` or `November 2026`, which is all that libraries say of some dates.
fn vague(value: &str) -> Option<std::borrow::Cow<'static, str>> {
    let is_number =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_year = |text: &str| is_number(text, 4) && (text.starts_with("19") || text.starts_with("20"));
    if let Some((month, year)) =
        value.split_once(' ').filter(|(month, _)| month.chars().all(char::is_alphabetic))
    {
        return is_year(year).then(|| format!("1 {month} {year}").into());
    }
    let (year, month) = value.split_once(['-', '/']).unwrap_or((value, "01"));
    (is_year(year) && is_number(month, 2)).then(|| format!("{year}-{month}-01").into())
}

/// Why a text is no date.
fn no_date(value: &str) -> String {
    let year = value.get(..4).filter(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
    let is_numbers = value.bytes().all(|byte| byte.is_ascii_digit() || b"-/.: TZ+".contains(&byte));
    let date = value.split([' ', 'T']).next().unwrap_or(value);
    let is_short = date.split('-').count() == 3 && date.split('-').all(|part| part.len() == 2);
    match year.and_then(|year| year.parse::<u16>().ok()) {
        _ if is_numbers && is_short => format!(
            "The published_at {} does not show which part is the year. Write the year with four digits, as 2026-11-21.",
            quoted(value)
        ),
        Some(..1500) if is_numbers && value.contains(['-', '/', '.']) => format!(
            "The published_at {} is before the year 1500. Correct it, or leave it empty if it is not known.",
            quoted(value)
        ),
        _ if is_numbers && value.contains(['-', '/', '.']) => format!(
            "The published_at {} is no day of the calendar. Correct it, or leave it empty if it is not known.",
            quoted(value)
        ),
        _ if value.bytes().all(|byte| byte.is_ascii_digit()) => format!(
            "The published_at {} is a number that is no date: seconds since 1970 have 10 digits, milliseconds 13.",
            quoted(value)
        ),
        _ => format!(
            "The published_at {} can't be read as a date. Write it as 2026-11-21 or 2026-11-21T09:30:00Z.",
            quoted(value)
        ),
    }
}

/// The tags, and whether some were left out.
fn tags(cell: Option<Cell>) -> Result<(Vec<String>, bool), String> {
    let (mut tags, mut has_more) = (Vec::new(), false);
    for value in cell.map(Cell::list).unwrap_or_default() {
        let Some(tag) = text("tag", &value, usize::MAX)? else {
            continue;
        };
        if tags.len() == TAGS_MAX || tag.chars().count() > TAG_MAX {
            has_more = true;
        } else {
            tags.push(tag);
        }
    }
    Ok((tags, has_more))
}
