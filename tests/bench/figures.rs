//! Figures and the table they stand in.
//!
//! What is compared is timed in turn within one run, so that a noisy machine
//! disturbs both alike, and told as the median of the pairs' ratios with its
//! 95% interval by order statistics, which supposes nothing of how times are
//! distributed (Hahn and Meeker, Statistical Intervals, 5.2).

use std::fmt::Write;
use std::time::Duration;

/// A median and the interval that holds it with 95% confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the sample.
    pub median: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// Of a sample that is not empty.
    pub fn of(sample: &[f64]) -> Self {
        let mut sorted = sample.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (count, last) = (sorted.len() as f64, sorted.len() - 1);
        // How many of a sample are below its median is binomial with p = 1/2: 1.96 standard deviations of that.
        let reach = 1.96 * count.sqrt() / 2.0;
        let at = |place: f64| sorted[(place.max(0.0) as usize).min(last)];
        Self {
            median: (sorted[last / 2] + sorted[sorted.len() / 2]) / 2.0,
            low: at((count / 2.0 - reach).floor() - 1.0),
            high: at((count / 2.0 + reach).ceil()),
        }
    }

    /// Of the ratios of pairs: what was measured over what it is compared with.
    pub fn of_ratios(measured: &[f64], reference: &[f64]) -> Self {
        assert_eq!(measured.len(), reference.len(), "they are measured in turn");
        Self::of(&measured.iter().zip(reference).map(|(one, other)| one / other).collect::<Vec<_>>())
    }

    /// Of the differences of pairs.
    pub fn of_differences(measured: &[f64], reference: &[f64]) -> Self {
        assert_eq!(measured.len(), reference.len(), "they are measured in turn");
        Self::of(&measured.iter().zip(reference).map(|(one, other)| one - other).collect::<Vec<_>>())
    }
}

/// What a figure must reach.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// None: it is shown only.
    None,
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
    /// Just this: what is counted, not timed.
    Exactly(f64),
}

/// The table of a run: chapters with their rows.
#[derive(Debug, Default)]
pub struct Table {
    chapters: Vec<Chapter>,
}

#[derive(Debug)]
struct Chapter {
    title: &'static str,
    notes: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    figure: String,
    interval: String,
    bar: String,
    missed: bool,
}

impl Table {
    /// Begins a chapter; what follows stands in it.
    pub fn begin(&mut self, title: &'static str) {
        self.chapters.push(Chapter { title, notes: Vec::new(), rows: Vec::new() });
    }

    /// Says how a chapter's figures were taken, above them.
    pub fn note(&mut self, note: impl Into<String>) {
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.notes.push(note.into());
        }
    }

    /// A figure that was counted or measured once.
    pub fn figure(&mut self, what: impl Into<String>, value: f64, unit: &str, bar: Bar) {
        self.row(what.into(), Estimate { median: value, low: value, high: value }, unit, bar, false);
    }

    /// A median of many, with its interval. The unit of a ratio is "×".
    pub fn estimate(&mut self, what: impl Into<String>, estimate: Estimate, unit: &str, bar: Bar) {
        self.row(what.into(), estimate, unit, bar, true);
    }

    fn row(&mut self, what: String, estimate: Estimate, unit: &str, bar: Bar, has_interval: bool) {
        let Estimate { median, low, high } = estimate;
        let (limit, missed) = match bar {
            Bar::None => (String::new(), false),
            Bar::AtMost(most) => (format!("≤ {} {unit}", plain(most)), median > most),
            Bar::AtLeast(least) => (format!("≥ {} {unit}", plain(least)), median < least),
            Bar::Exactly(value) => (format!("= {} {unit}", plain(value)), (median - value).abs() > 1e-9),
        };
        let row = Row {
            what,
            figure: format!("{} {unit}", plain(median)),
            interval: if has_interval { format!("{} to {}", plain(low), plain(high)) } else { String::new() },
            bar: limit,
            missed,
        };
        eprintln!(
            "  {}: {} {} {}{}",
            row.what,
            row.figure,
            row.interval,
            row.bar,
            if missed { " MISSED" } else { "" }
        );
        if let Some(chapter) = self.chapters.last_mut() {
            chapter.rows.push(row);
        }
    }

    /// What missed its bar.
    pub fn missed(&self) -> Vec<&str> {
        let rows = self.chapters.iter().flat_map(|chapter| &chapter.rows);
        rows.filter(|row| row.missed).map(|row| row.what.as_str()).collect()
    }

    /// Each chapter's title and its figures as a table of Markdown, which reads in a terminal, too.
    pub fn chapters(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.chapters.iter().map(|chapter| (chapter.title, chapter.text()))
    }
}

impl Chapter {
    fn text(&self) -> String {
        let head = ["", "figure", "95% of it within", "bar", ""].map(str::to_owned);
        let rows = self.rows.iter().map(|row| {
            let verdict = match (row.bar.is_empty(), row.missed) {
                (true, _) => "",
                (false, false) => "met",
                (false, true) => "MISSED",
            };
            [&row.what, &row.figure, &row.interval, &row.bar, verdict].map(|cell| cell.to_owned())
        });
        let rows: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3, 4].map(width);
        let mut text = String::new();
        for note in &self.notes {
            let _ = writeln!(text, "{note}\n");
        }
        for (number, row) in rows.iter().enumerate() {
            let [what, figure, interval, bar, verdict] = row;
            let [a, b, c, d, e] = widths;
            let _ =
                writeln!(text, "| {what:<a$} | {figure:>b$} | {interval:>c$} | {bar:>d$} | {verdict:<e$} |");
            if number == 0 {
                let line = |width: usize, end: &str| "-".repeat(width + 2 - end.len()) + end;
                let _ = writeln!(
                    text,
                    "|{}|{}|{}|{}|{}|",
                    line(a, ""),
                    line(b, ":"),
                    line(c, ":"),
                    line(d, ":"),
                    line(e, "")
                );
            }
        }
        text
    }
}

/// A number with as many digits as tell something; one in halves, as the store
/// counts units, as it is.
fn plain(value: f64) -> String {
    if (2.0 * value).fract() == 0.0 && value.abs() < 1e6 {
        return value.to_string();
    }
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// A time in milliseconds.
pub fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}
