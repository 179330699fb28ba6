//! Sentences that state a quantity without saying where it is from.
//!
//! **A quantity** is a percentage, an amount of money, a measure ("1.1 GW"), a
//! number with "thousand", "million" and so on, a count ("1,312 documents", "57
//! errors"), a multiple ("doubled", "three times as many", "3x") or a fraction
//! ("two-thirds", "one in five"). None are dates, years, times, durations, ages,
//! ordinals, numbering, numbers that belong to a name ("Article 5", "Windows
//! 11"), numbers of an answer's own parts and sources ("three points", "12
//! articles"), and numbers in code and in questions.
//!
//! **A sentence has a citation** when a link to a web address or a mark such as
//! `[1]` stands in it or directly after it, or in the last sentence of its
//! paragraph, list item or table row; when what follows that paragraph, list or
//! table is a line of nothing but citations ("Source: …"); or when it ends with
//! a colon and what it introduces has citations.
//!
//! Headings, questions, column names and sentences about the answer's own
//! confidence or inference state no such thing. A figure that stands with a
//! citation elsewhere in the answer, as in a summary of it, needs none again.
//!
//! The words are English; signs such as `%` and `€` count in any language.

use std::collections::HashSet;
use std::iter;
use std::ops::Range;

use super::is_one_of;
use super::markdown::{Block, Document, Kind};
use super::sentences::{is_closing, sentences};

/// The sentences of `document` that state a quantity and have no citation, in
/// their order, with single spaces.
pub fn uncited(document: &Document) -> Vec<String> {
    let blocks: Vec<Claims> = document.blocks.iter().map(Claims::of).collect();
    let covered = covered(&document.blocks, &blocks);

    let mut known: HashSet<&str> = HashSet::new();
    for (claims, covered) in blocks.iter().zip(&covered) {
        for claim in claims.claims.iter().filter(|claim| *covered || claim.is_cited) {
            known.extend(claim.quantities.iter().map(String::as_str));
        }
    }
    let mut uncited = Vec::new();
    for ((block, claims), covered) in document.blocks.iter().zip(&blocks).zip(&covered) {
        for claim in claims.claims.iter().filter(|claim| !*covered && !claim.is_cited) {
            if claim.quantities.iter().any(|quantity| !known.contains(quantity.as_str())) {
                let sentence = block.text.get(claim.place.clone()).unwrap_or_default();
                uncited.push(sentence.split_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }
    uncited
}

/// A sentence that states quantities.
struct Claim {
    place: Range<usize>,
    quantities: Vec<String>,
    is_cited: bool,
}

/// What a block states.
struct Claims {
    claims: Vec<Claim>,
    ends_with_citation: bool,
    ends_with_colon: bool,
    /// There is nothing but citations.
    is_sources: bool,
}

impl Claims {
    fn of(block: &Block) -> Self {
        let mut claims = Vec::new();
        let is_claim = matches!(block.kind, Kind::Text | Kind::TableRow) && !block.is_bold_line();
        let sentences = match block.kind {
            Kind::TableRow => iter::once(0..block.text.len()).collect(),
            _ => sentences(&block.text),
        };
        let cited = cited(block, &sentences);
        let ends_with_citation = cited.last().copied().unwrap_or(false);
        if is_claim {
            let mut code = block.code.as_slice();
            for (place, is_cited) in sentences.into_iter().zip(cited) {
                let sentence = block.text.get(place.clone()).unwrap_or_default();
                let done = code.partition_point(|range| range.end <= place.start);
                code = code.get(done..).unwrap_or_default();
                let quantities = if speaks_of_itself(sentence) {
                    Vec::new()
                } else {
                    quantities(sentence, place.start, code)
                };
                if !quantities.is_empty() {
                    claims.push(Claim { place, quantities, is_cited });
                }
            }
        }
        Self {
            claims,
            ends_with_citation,
            ends_with_colon: block.text.trim_end().ends_with(':'),
            is_sources: is_sources(block),
        }
    }
}

/// Which blocks have a citation for all that they state.
fn covered(blocks: &[Block], claims: &[Claims]) -> Vec<bool> {
    let mut covered: Vec<bool> = claims.iter().map(|claims| claims.ends_with_citation).collect();
    let mut sources_for: HashSet<usize> = HashSet::new();
    let mut items_with_sources: HashSet<usize> = HashSet::new();
    for (at, (block, of_block)) in blocks.iter().zip(claims).enumerate() {
        let before = at.checked_sub(1).and_then(|at| blocks.get(at));
        if let Some(before) = before.filter(|_| of_block.is_sources) {
            match (block.item, before.item) {
                (Some(item), Some(last)) if item.number == last.number => {
                    items_with_sources.insert(item.number);
                }
                _ => {
                    sources_for.insert(before.group);
                }
            }
        }
        let introduces = claims
            .get(at + 1)
            .zip(blocks.get(at + 1))
            .is_some_and(|(next, block)| next.ends_with_citation || !block.citations.is_empty());
        if let Some(covered) = covered.get_mut(at) {
            *covered |= of_block.ends_with_colon && introduces;
        }
    }
    for (covered, block) in covered.iter_mut().zip(blocks) {
        *covered |= sources_for.contains(&block.group)
            || block.item.is_some_and(|item| items_with_sources.contains(&item.number));
    }
    covered
}

fn is_sources(block: &Block) -> bool {
    if block.citations.is_empty() || block.kind != Kind::Text {
        return false;
    }
    let mut others = 0;
    let mut from = 0;
    let ends = block.citations.iter().map(|citation| citation.start).chain([block.text.len()]);
    let next_starts = block.citations.iter().map(|citation| citation.end).chain([block.text.len()]);
    for (end, next_start) in ends.zip(next_starts) {
        let between = block.text.get(from..end).unwrap_or_default();
        others += between
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| !word.is_empty() && !names_sources(word))
            .count();
        from = from.max(next_start);
    }
    // One word in another language: "Quelle:".
    others <= 1
}

fn names_sources(word: &str) -> bool {
    [
        "source",
        "sources",
        "reference",
        "references",
        "citation",
        "citations",
        "via",
        "see",
        "also",
        "from",
        "and",
        "in",
        "by",
    ]
    .iter()
    .any(|name| word.eq_ignore_ascii_case(name))
}

/// For each sentence whether a citation stands in it or directly after it.
fn cited(block: &Block, sentences: &[Range<usize>]) -> Vec<bool> {
    let mut cited = vec![false; sentences.len()];
    let mut at = 0;
    for citation in &block.citations {
        while sentences.get(at).is_some_and(|sentence| sentence.end <= citation.start) {
            at += 1;
        }
        let Some(sentence) = sentences.get(at) else {
            break;
        };
        if let Some(cited) = cited.get_mut(at) {
            *cited = true;
        }
        let before = block.text.get(sentence.start..citation.start).unwrap_or_default();
        const OPENING_MAX: usize = 30;
        let opens = before.len() < OPENING_MAX && !before.contains(char::is_alphanumeric);
        if let Some(previous) = at.checked_sub(1).filter(|_| opens).and_then(|before| cited.get_mut(before)) {
            *previous = true;
        }
    }
    cited
}

/// Whether a sentence asks, or tells how sure the writer is, or says that it is
/// the writer's own inference.
fn speaks_of_itself(sentence: &str) -> bool {
    let asks = sentence
        .trim_end_matches(|c: char| c.is_whitespace() || (is_closing(c) && c != '?'))
        .ends_with(['?', '？']);
    asks || sentence.split(|c: char| !c.is_alphabetic()).any(|word| {
        ["inference", "inferred", "infer", "confidence", "confident"]
            .iter()
            .any(|own| word.eq_ignore_ascii_case(own))
    })
}

/// A word of a sentence, without the marks around it.
struct Token<'t> {
    text: &'t str,
    lower: String,
    /// A mark that parts it from the next word.
    is_parted: bool,
    /// In code, or in a question that is quoted.
    is_skipped: bool,
}

/// The quantities that `sentence`, which starts at `offset` of its block,
/// states: each as a text that is the same for the same quantity.
fn quantities(sentence: &str, offset: usize, code: &[Range<usize>]) -> Vec<String> {
    let tokens = tokens(sentence, offset, code);
    (0..tokens.len()).filter_map(|at| quantity(&tokens, at)).collect()
}

fn tokens<'t>(sentence: &'t str, offset: usize, code: &[Range<usize>]) -> Vec<Token<'t>> {
    let mut questions = quoted_questions(sentence).into_iter().peekable();
    let mut code = code.iter().peekable();
    let mut tokens = Vec::new();
    let mut from = 0;
    for piece in sentence.split_inclusive(char::is_whitespace) {
        let start = from;
        from += piece.len();
        let piece = piece.trim_end();
        if piece.is_empty() {
            continue;
        }
        while questions.next_if(|range| range.end <= start).is_some() {}
        while code.next_if(|range| range.end <= offset + start).is_some() {}
        let is_skipped = questions.peek().is_some_and(|range| range.start < start + piece.len())
            || code.peek().is_some_and(|range| range.start < offset + start + piece.len());
        let kept = |c: char| {
            c.is_alphanumeric()
                || matches!(c, '%' | '‰' | '°' | '×' | '#' | '+' | '-' | '−' | '~' | '<' | '>' | '≈')
                || is_currency(c)
        };
        let text = piece.trim_matches(|c| !kept(c));
        tokens.push(Token {
            text,
            lower: text.to_lowercase(),
            is_parted: !piece.ends_with(text),
            is_skipped,
        });
    }
    tokens
}

/// Where questions stand in quotation marks.
fn quoted_questions(sentence: &str) -> Vec<Range<usize>> {
    let mut questions = Vec::new();
    let mut open = None;
    let mut before = ' ';
    for (at, c) in sentence.char_indices() {
        match (c, open) {
            ('"' | '“' | '«', None) => open = Some(at),
            ('"' | '”' | '»', Some(start)) => {
                if before == '?' {
                    questions.push(start..at);
                }
                open = None;
            }
            _ => {}
        }
        before = c;
    }
    questions
}

fn quantity(tokens: &[Token<'_>], at: usize) -> Option<String> {
    let token = tokens.get(at).filter(|token| !token.is_skipped && !token.text.is_empty())?;
    let figure = Figure::read(token.text);
    let next_token = tokens.get(at + 1).filter(|_| !token.is_parted);
    let next = next_token.map_or("", |token| token.lower.as_str());
    let after = tokens.get(at + 2).map_or("", |token| token.lower.as_str());
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let Some(figure) = figure else {
        return in_words(&token.lower, next, after).map(|()| token.lower.clone());
    };

    let suffix = figure.suffix.trim_start_matches(['-', '–']).to_lowercase();
    let unit = if suffix.is_empty() { next } else { suffix.as_str() };
    let is_code =
        before.is_some_and(|token| ["USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR"].contains(&token.text));
    let kind = if unit.starts_with(['%', '‰']) || is_percent(unit, after) {
        "%"
    } else if figure.is_money || is_code || is_money(unit) {
        "money"
    } else if is_multiple(unit, after) {
        "times"
    } else if is_magnitude(unit)
        || is_measure(figure.suffix)
        || (suffix.is_empty() && is_measure_word(next_token, next))
    {
        "measure"
    } else if suffix.is_empty() && next_token.is_some_and(|next| is_count(&figure, next.text, before, at)) {
        "count"
    } else {
        return None;
    };
    Some(format!("{} {kind}", figure.digits))
}

/// A number as it stands at the beginning of a word.
struct Figure<'t> {
    /// Without signs that only group.
    digits: String,
    is_money: bool,
    has_grouping: bool,
    suffix: &'t str,
}

impl<'t> Figure<'t> {
    fn read(word: &'t str) -> Option<Self> {
        let rest = word.trim_start_matches(['~', '≈', '<', '>', '+', '-', '−']);
        // "US$5", "€5".
        let symbol = rest.find(is_currency).filter(|at| {
            *at <= 3 && rest.get(..*at).is_some_and(|code| code.bytes().all(|b| b.is_ascii_uppercase()))
        });
        let is_money = symbol.is_some();
        let mut rest = match symbol {
            Some(at) => rest.get(at..)?.trim_start_matches(is_currency),
            None => rest,
        };
        let mut digits = String::new();
        let mut has_grouping = false;
        let (mut number, mut follows) = split_number(rest)?;
        loop {
            has_grouping |= number.contains(',');
            digits.extend(number.chars().filter(|c| *c != ','));
            rest = follows;
            // "10–20%", "$3-4bn".
            let second = rest.strip_prefix(['-', '–', '—']).map(|rest| rest.trim_start_matches(is_currency));
            match second.and_then(split_number) {
                Some((next, after)) if digits.len() < 40 => {
                    digits.push('-');
                    (number, follows) = (next, after);
                }
                _ => break,
            }
        }
        Some(Self { digits, is_money: is_money || rest.starts_with(is_currency), has_grouping, suffix: rest })
    }

    fn is_year(&self) -> bool {
        self.digits.len() == 4
            && !self.has_grouping
            && (self.digits.starts_with("19") || self.digits.starts_with("20"))
    }
}

/// The digits at the start of `text`, with points and commas between them, and the rest.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let between =
            matches!(byte, b'.' | b',') && end > 0 && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_digit() && !between {
            break;
        }
        end += 1;
    }
    text.split_at_checked(end).filter(|(number, _)| !number.is_empty())
}

fn is_currency(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '₹' | '₩' | '₽' | '₺' | '₴' | '₪' | '¢')
}

fn is_percent(word: &str, after: &str) -> bool {
    matches!(word, "percent" | "percentage" | "pct" | "pp" | "percentage-point" | "percentage-points")
        || (word == "per" && after == "cent")
        || (word == "basis" && after.starts_with("point"))
}

fn is_money(word: &str) -> bool {
    is_one_of(
        word,
        "dollars dollar euros euro pounds pound pence cents yen yuan rupees francs crowns kronor \
        kroner usd eur gbp chf jpy cny inr",
    )
}

fn is_magnitude(word: &str) -> bool {
    is_one_of(word, "hundred thousand million billion trillion m mn bn tn k lakh crore dozen")
}

/// "three times as many", "10-fold".
fn is_multiple(word: &str, after: &str) -> bool {
    let compares = is_one_of(
        after,
        "as more less fewer the higher lower larger smaller bigger greater faster slower cheaper \
        its their what that",
    );
    matches!(word, "x" | "×" | "fold") || (word == "times" && compares)
}

/// Units that are signs, whose case tells them from other letters.
fn is_measure(unit: &str) -> bool {
    is_one_of(
        unit,
        "W kW MW GW TW Wh kWh MWh GWh TWh km cm mm kg mg g t kt Mt Gt ha °C °F ° GB TB PB MB GHz \
        MHz ppm ppb mph km/h °c",
    )
}

fn is_measure_word(token: Option<&Token<'_>>, lower: &str) -> bool {
    let is_sign = token.is_some_and(|token| token.text.len() > 1 && is_measure(token.text));
    let is_word = is_one_of(
        lower,
        "watts kilowatts megawatts gigawatts megawatt gigawatt kilowatt tonnes tons kilograms \
        kilometres kilometers miles metres meters hectares acres litres liters barrels degrees \
        gigabytes terabytes",
    );
    is_sign || is_word
}

/// "57 errors", "1,312 client documents".
fn is_count(figure: &Figure<'_>, next: &str, before: Option<&Token<'_>>, at: usize) -> bool {
    // Prepositions and verbs follow a number that stands for something else;
    // time passed and the answer's own parts are no claim of the articles.
    const NOT_COUNTED: &str = "and or to of in on at for by from with was is are were has have had the per as that which \
        who when than into after before until since will would may but not then this its said says \
        out over under a.m p.m seconds second minutes minute hours hour days day weeks week months \
        month quarters years year decades decade centuries o'clock working consecutive business \
        articles article sources source outlets reports report results documents searches \
        publications items stories links citations findings points point sections section steps \
        questions words paragraphs sentences bullets given";
    let is_noun = next.starts_with(char::is_lowercase)
        && next.chars().count() >= 3
        && next.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | '’'));
    let is_point_of_scale = matches!(next, "points" | "point") && figure.digits.contains('.');
    if figure.is_year() || !is_noun || (is_one_of(next, NOT_COUNTED) && !is_point_of_scale) {
        return false;
    }
    match before {
        None => true,
        // A number after a capital letter belongs to a name, unless that letter
        // only begins the sentence.
        Some(before) if before.text.starts_with(char::is_uppercase) => {
            at == 1 && comes_before_counts(&before.lower)
        }
        Some(before) => !labels(&before.lower) && !before.text.ends_with('#'),
    }
}

fn comes_before_counts(word: &str) -> bool {
    is_one_of(
        word,
        "some about around over nearly almost roughly only just at in of and the another more up \
        fully all its their with from to for by between than an approximately under these those \
        across among after but while when as there it they he she we",
    )
}

fn labels(word: &str) -> bool {
    is_one_of(
        word,
        "article section chapter figure table step phase level page pages version no number part \
        rule point item question line note tier type category class grade model round day week \
        stage option scenario aged age top paragraph annex schedule route room unit source sources \
        finding",
    )
}

/// Quantities without a figure.
fn in_words(word: &str, next: &str, after: &str) -> Option<()> {
    let is_small = |word: &str| {
        is_one_of(
            word,
            "two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty \
        fifty sixty seventy eighty ninety",
        )
    };
    let is_number = |word: &str| is_small(word) || matches!(word, "one" | "a" | "half");
    let is_part =
        |word: &str| matches!(word, "thirds" | "quarters" | "fifths" | "sixths" | "tenths" | "eighths");
    let found = match word {
        "doubled" | "halved" => !matches!(next, "down" | "up" | "as" | "back"),
        "tripled" | "trebled" | "quadrupled" | "quintupled" | "twofold" | "threefold" | "fourfold"
        | "fivefold" | "tenfold" => true,
        "double" | "triple" | "treble" => matches!(next, "the" | "that" | "its" | "their" | "what"),
        "twice" => matches!(next, "as" | "the" | "its" | "their" | "what"),
        "one" | "two" | "three" | "four" | "seven" | "nine" if next == "in" => {
            is_small(after) || after.starts_with(|c: char| c.is_ascii_digit())
        }
        "a" if matches!(next, "third" | "quarter" | "fifth" | "tenth") => after == "of",
        _ => match word.split_once('-') {
            Some((number, part)) if is_small(number) => is_part(part) || (is_magnitude(part)),
            _ => false,
        },
    };
    let counted = is_number(word)
        && ((next.len() > 2
            && is_magnitude(next)
            && next != "dozen"
            && !(word == "a" && matches!(next, "hundred" | "thousand")))
            || (is_small(word)
                && (is_percent(next, after) || is_part(next) || is_multiple(next, after) || is_money(next))));
    (found || counted).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flagged(answer: &str) -> Vec<String> {
        uncited(&Document::read(answer))
    }

    #[test]
    fn a_quantity_without_a_citation_is_told() {
        for sentence in [
            "Prices fell by 40%.",
            "Prices fell by 40 per cent.",
            "Prices fell 0.4 percentage points.",
            "Rates rose 25 basis points.",
            "It costs $1.9 million.",
            "It costs €5bn, the firm said.",
            "It costs US$3-4bn.",
            "The fine was 310m crowns.",
            "It paid 412 crowns.",
            "It paid EUR 5,000 to each.",
            "The review counted 1,312 client documents.",
            "It notes 57 reported errors.",
            "About 40 firms took part.",
            "40 firms took part.",
            "Of these, 19 hospitals replied.",
            "The number of trials doubled.",
            "Firms are three times as likely to hire.",
            "It is 3x faster.",
            "Output grew tenfold.",
            "Two-thirds of firms agree.",
            "One in five firms agrees.",
            "A third of the staff left.",
            "The farm has 1.1 GW of capacity.",
            "It removes 36,000 tonnes a year.",
            "Two million people were affected.",
            "Gusts reached 131 kilometres an hour.",
            "Temperatures rose 2.5°C.",
            "Los precios bajaron un 40 %.",
            "Between 10 and 20 hospitals are affected.",
            "In 2026, 45 hospitals were affected.",
        ] {
            assert_eq!(flagged(sentence), [sentence], "{sentence}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_not_told() {
        for sentence in [
            "It was announced on 12 March 2026.",
            "On March 12 executives met.",
            "In 2026 hospitals were warned.",
            "Since 2024, prices fell.",
            "The law passed in 1999.",
            "It opened at 10:30 and closed at 4.18am.",
            "Replies are due in 6 weeks.",
            "The work takes 10 to 14 days.",
            "A 14-year-old pupil found it.",
            "It is the 3rd cut in a row.",
            "Article 5 requires checks.",
            "Under Article 22 companies must explain.",
            "Windows 11 users are affected.",
            "GPT-4 and Wren-2 were compared.",
            "Covid-19 changed that.",
            "Llama 3 models are free.",
            "See section 4 below.",
            "Of the 50 articles given, none mentions it.",
            "There are 3 points to make.",
            "Three firms said so.",
            "He tried three times.",
            "The score was 3-2.",
            "A Boeing 737 jet landed.",
            "The company doubled down on it.",
            "One of the firms in question left.",
            "Call 0800 123 456.",
            "A percentage is only as good as its definition.",
            "The top 10 firms agree.",
            "Version 2.5 fixes this.",
            "It runs 24/7.",
            "In Q3 sales fell.",
            "(1) costs, (2) jobs and (3) law.",
            "Did prices fall by 40%?",
            "The question \"did 40% of firms leave?\" has no answer here.",
            "The query was `prices fell 40%`.",
            "Inference: about 40% of firms will follow.",
            "My confidence is 80%.",
            "# Prices fell by 40%",
            "**Prices fell by 40%**",
            "```\n40% of firms\n```",
            "| Cut | 40% |\n|---|---|",
            "1. First\n2. Second",
        ] {
            assert!(flagged(sentence).is_empty(), "{sentence}: {:?}", flagged(sentence));
        }
    }

    const LINK: &str = "[Longwire](https://a.example/x)";

    #[test]
    fn a_citation_covers_its_sentence_and_at_the_end_its_block() {
        for answer in [
            "Prices fell by 40% ([A](https://a.example/x)).",
            "According to [A](https://a.example/x), prices fell by 40%. That is much.",
            "Prices fell by 40%. [A](https://a.example/x) That is much. Nobody knows why.",
            "Prices fell by 40%.[1] That is much.",
            "Prices fell by 40%. Costs fell by 3%. Both are in a report [A](https://a.example/x).",
            "- Prices fell by 40%. <https://a.example/x>\n- Nothing else.",
            "| Firm | Cut | Source |\n|---|---|---|\n| Acme | 40% | [A](https://a.example/x) |",
            "Prices fell by 40%.\n\nSource: [A](https://a.example/x)",
            "- Prices fell by 40%.\n\n  Sources: [A](https://a.example/x), [B](https://b.example/)\n- Nothing.",
            "| Firm | Cut |\n|---|---|\n| Acme | 40% |\n\nSource: [A](https://a.example/x)",
            "Prices fell by 40% at two firms:\n\n- [A](https://a.example/x) has the first.\n- Nothing.",
            "Prices fell by 40%, in one view: https://a.example/x",
        ] {
            assert!(flagged(answer).is_empty(), "{answer}: {:?}", flagged(answer));
        }
    }

    #[test]
    fn a_citation_covers_nothing_else() {
        for answer in [
            format!("Prices fell by 40%. Costs rose, {LINK} says. Nobody knows why."),
            format!("Prices fell by 40%.\n\nCosts rose in spring, as {LINK} says at length."),
            format!("- Prices fell by 40%.\n- Costs rose, {LINK} says."),
            format!("| Firm | Cut |\n|---|---|\n| Acme | 40% |\n| Bolt, see {LINK} | none |"),
            format!("## Findings\n\nPrices fell by 40%.\n\n## Sources\n\n- {LINK}"),
            "Prices fell by 40%, Longwire reported.".to_owned(),
            "Prices fell by 40% ![chart](https://a.example/x).".to_owned(),
            "Prices fell by 40% ([see above](#findings)).".to_owned(),
        ] {
            assert_eq!(flagged(&answer).len(), 1, "{answer}: {:?}", flagged(&answer));
        }
    }

    #[test]
    fn a_figure_that_is_cited_elsewhere_needs_no_citation_in_the_summary() {
        let answer =
            format!("Prices fell by 40%.\n\n- Anselm cut prices by 40% {LINK}.\n- Costs rose by 3%.");
        assert_eq!(flagged(&answer), ["Costs rose by 3%."]);
        let other = format!("Prices fell by 40% and costs by 3%.\n\n- Anselm cut prices by 40% {LINK}.");
        assert_eq!(flagged(&other).len(), 1);
    }

    #[test]
    fn each_sentence_is_told_by_itself() {
        let answer = "Mr. Smith of the U.S. office said 40% left, e.g. to Acme Inc. last year. Some 300 staff stayed!\nNobody\nknows.";
        assert_eq!(
            flagged(answer),
            [
                "Mr. Smith of the U.S. office said 40% left, e.g. to Acme Inc. last year.",
                "Some 300 staff stayed!"
            ]
        );
    }
}
