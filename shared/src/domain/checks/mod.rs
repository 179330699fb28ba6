//! What can be told about a run's answer without a model: whether its links
//! lead to articles that the run was given, which figures stand there without
//! one, how long it is, and whether it has the structure that the prompt asks
//! for.
//!
//! A check that is wrong costs more trust than one that is missing: each says
//! something only when it is certain. What is certain is written down in
//! `numbers` and `structure`.
//!
//! Markdown is read by `pulldown-cmark` (CommonMark with tables), and addresses
//! that stand in it plain by `linkify`. Both take time in proportion to the
//! text: an answer of 80,000 characters, the longest there is, takes about 20 ms
//! as prose and less than 0.2 s whatever it is.

mod markdown;
mod numbers;
mod sentences;
mod structure;

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::clean::shorten;
use super::identity::url_identity;
use super::run::UsedArticle;
use markdown::Document;

/// Entries of a list that are shown; the count beside it is of all.
const LISTED_MAX: usize = 20;
/// Characters of a sentence that are shown.
const SENTENCE_MAX: usize = 300;
/// Characters of a link's text, or of a section's title, that are shown.
const NAME_MAX: usize = 100;
/// Characters of an address that are shown.
const URL_MAX: usize = 2_000;

/// What an answer was checked for, and what came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// Words of the answer, as a reader sees it: without the addresses of links.
    pub words: u64,
    /// Links to articles that the run was given, each time one stands there.
    pub citations: u64,
    /// Articles that are linked to at least once.
    pub articles_cited: u64,
    /// Articles that the run was given.
    pub articles_given: u64,
    /// Outlets of the articles that are linked to, each once.
    pub sources_cited: u64,
    /// Links (http and https) to no article that the run was given: each
    /// address once, where it first stands, the first 20 of them.
    pub invented: Vec<InventedLink>,
    /// How many such addresses there are.
    pub invented_total: u64,
    /// Sentences that state a quantity and have no citation: the first 20, each
    /// up to 300 characters.
    pub uncited_numbers: Vec<String>,
    /// How many such sentences there are.
    pub uncited_numbers_total: u64,
    /// What the prompt asks for with certainty, and whether the answer has it;
    /// empty when nothing is certain.
    pub structure: Vec<StructureCheck>,
}

/// A link to an address that is none of the articles'.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InventedLink {
    /// What the reader sees of it, up to 100 characters.
    pub text: String,
    /// Where it leads, up to 2,000 characters.
    pub url: String,
}

/// One thing that the prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StructureCheck {
    /// What it is, such as `A section "Findings"` or `At most 400 words`.
    pub asked: String,
    /// Whether the answer has it.
    pub found: bool,
}

/// Checks `answer`, which `prompt` was asked for and which was written from
/// `articles`.
pub fn check(prompt: &str, answer: &str, articles: &[UsedArticle]) -> Checks {
    let document = Document::read(answer);
    let given = Given::of(articles);

    let mut citations = 0;
    let mut cited: HashSet<usize> = HashSet::new();
    let mut invented = Vec::new();
    let mut seen = HashSet::new();
    for link in &document.links {
        match given.articles(&link.url) {
            [] => {
                let identity = identity(&link.url).unwrap_or_else(|| link.url.clone());
                if seen.insert(identity) {
                    invented.push(link);
                }
            }
            found => {
                citations += 1;
                cited.extend(found);
            }
        }
    }
    let sources: HashSet<String> = cited.iter().filter_map(|at| articles.get(*at)).map(source_name).collect();
    let uncited = numbers::uncited(&document);

    Checks {
        words: document.words,
        citations,
        articles_cited: count(cited.len()),
        articles_given: count(articles.len()),
        sources_cited: count(sources.len()),
        invented_total: count(invented.len()),
        invented: invented
            .into_iter()
            .take(LISTED_MAX)
            .map(|link| InventedLink {
                text: shorten(&link.text, NAME_MAX),
                url: super::text::prefix(&link.url, URL_MAX).to_owned(),
            })
            .collect(),
        uncited_numbers_total: count(uncited.len()),
        uncited_numbers: uncited
            .into_iter()
            .take(LISTED_MAX)
            .map(|sentence| shorten(&sentence, SENTENCE_MAX))
            .collect(),
        structure: structure::check(&Document::read(prompt), &document, answer),
    }
}

/// Marks the articles that `answer` links to, whichever way their address is
/// written there.
pub fn mark_cited(articles: &mut [UsedArticle], answer: &str) {
    let linked: HashSet<String> =
        Document::read(answer).links.iter().filter_map(|link| identity(&link.url)).collect();
    for article in articles {
        article.cited = identity(&article.url).is_some_and(|identity| linked.contains(&identity));
    }
}

/// The articles of a run by what identifies their addresses.
struct Given(HashMap<String, Vec<usize>>);

impl Given {
    fn of(articles: &[UsedArticle]) -> Self {
        let mut given: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, article) in articles.iter().enumerate() {
            if let Some(identity) = identity(&article.url) {
                given.entry(identity).or_default().push(at);
            }
        }
        Self(given)
    }

    fn articles(&self, url: &str) -> &[usize] {
        identity(url).and_then(|identity| self.0.get(&identity)).map_or(&[], Vec::as_slice)
    }
}

fn identity(url: &str) -> Option<String> {
    Url::parse(url).ok().map(|url| url_identity(&url))
}

/// The outlet's name, or else the host.
fn source_name(article: &UsedArticle) -> String {
    match &article.source {
        Some(source) => source.trim().to_lowercase(),
        None => Url::parse(&article.url)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_default(),
    }
}

/// Whether `word` is in `list`, which has one space between words.
fn is_one_of(word: &str, list: &str) -> bool {
    list.split(' ').any(|listed| listed == word)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::time::Timestamp;
    use super::*;

    fn article(url: &str, source: Option<&str>) -> UsedArticle {
        UsedArticle {
            title: "T".into(),
            url: url.into(),
            source: source.map(str::to_owned),
            published_at: Timestamp::from_millis(0),
            sample: false,
            cited: false,
        }
    }

    fn given() -> Vec<UsedArticle> {
        vec![
            article("https://a.example/x", Some("Longwire")),
            article("https://a.example/x/y", Some("longwire ")),
            article("https://b.example/story?id=7", None),
            article("https://c.example/z_(2026)", Some("Ledger")),
        ]
    }

    fn checked(answer: &str) -> Checks {
        check("", answer, &given())
    }

    fn invented(answer: &str) -> Vec<String> {
        checked(answer).invented.into_iter().map(|link| link.url).collect()
    }

    #[test]
    fn an_article_is_cited_by_its_whole_address() {
        let cited = |answer: &str| {
            let mut articles = given();
            mark_cited(&mut articles, answer);
            articles.into_iter().map(|article| article.cited).collect::<Vec<_>>()
        };
        assert_eq!(cited("As [A](https://a.example/x/y) says."), [false, true, false, false]);
        assert_eq!(cited("See https://a.example/x."), [true, false, false, false]);
        assert_eq!(cited("See https://a.example/xy and https://a.example/x-y."), [false; 4]);
        assert_eq!(
            cited("[B](http://www.b.example/story/?utm_source=chat&id=7#top)"),
            [false, false, true, false]
        );
        let mut articles = given();
        articles[0].cited = true;
        mark_cited(&mut articles, "");
        assert!(!articles[0].cited, "what an earlier answer cited is not cited any more");
    }

    #[test]
    fn links_of_every_kind_are_citations() {
        for link in [
            "[Longwire](https://a.example/x)",
            "[Longwire](<https://a.example/x> \"title\")",
            "[Longwire][1]\n\n[1]: https://a.example/x",
            "[Longwire]\n\n[longwire]: https://a.example/x",
            "<https://a.example/x>",
            "https://a.example/x",
            "(https://a.example/x).",
            "**https://a.example/x**",
            "“https://a.example/x”",
            "| A |\n|---|\n| https://a.example/x |",
            "- **[Longwire](https://a.example/x)**",
            "> [Longwire](https://a.example/x)",
            "[![chart](https://a.example/chart.png)](https://a.example/x)",
            "<a href=\"https://a.example/x\">Longwire</a>",
        ] {
            let checks = checked(link);
            assert_eq!((checks.citations, checks.articles_cited, checks.invented_total), (1, 1, 0), "{link}");
        }
        assert_eq!(checked("[Z](https://c.example/z_(2026)) https://c.example/z\\_(2026)").citations, 2);
    }

    #[test]
    fn images_code_and_definitions_are_no_citations() {
        for text in [
            "![chart](https://a.example/x)",
            "`https://a.example/x` and `[A](https://a.example/x)`",
            "```\n[A](https://a.example/x)\nhttps://d.example/\n```",
            "    https://a.example/x",
            "[1]: https://a.example/x\n\ntext",
            "<img src=\"https://a.example/x\">",
            "<!-- https://a.example/x -->",
            "a.example/x",
        ] {
            let checks = checked(text);
            assert_eq!((checks.citations, checks.invented_total), (0, 0), "{text}");
        }
    }

    #[test]
    fn citations_articles_and_outlets_are_counted() {
        let checks = checked(
            "[A](https://a.example/x) [A](https://a.example/x/) [B](https://a.example/x/y) https://b.example/story?id=7",
        );
        assert_eq!(
            (checks.citations, checks.articles_cited, checks.sources_cited, checks.articles_given),
            (4, 3, 2, 4)
        );
    }

    #[test]
    fn a_link_to_no_article_is_invented_and_named_once() {
        assert_eq!(
            invented(
                "[A](https://d.example/x?utm_source=a) [B](http://www.d.example/x/) <https://e.example> [C](HTTP://)"
            ),
            ["https://d.example/x?utm_source=a", "https://e.example", "HTTP://"]
        );
        assert_eq!(invented("[A](https://b.example/story?id=8)"), ["https://b.example/story?id=8"]);
        for link in [
            "[A](/x)",
            "[A](#findings)",
            "[A](mailto:a@example.com)",
            "<a@example.com>",
            "[A](x.md)",
            "[A]()",
            "[A]",
        ] {
            assert!(invented(link).is_empty(), "{link}");
        }
        let many: String = (0..30).map(|n| format!("[N](https://n.example/{n}) ")).collect();
        let checks = checked(&many);
        assert_eq!((checks.invented.len(), checks.invented_total), (20, 30));
    }

    #[test]
    fn words_are_those_a_reader_sees() {
        assert_eq!(checked("# Two words\n\n- and **three** [more](https://a.example/x) — *here*!").words, 6);
        assert_eq!(checked("| a | b |\n|---|---|\n| c | d e |").words, 5);
        assert_eq!(checked("![not shown](https://a.example/x.png) shown").words, 1);
        assert_eq!(checked("").words, 0);
        assert_eq!(checked("日本語の記事").words, 6);
    }

    #[test]
    fn lists_are_cut_and_their_totals_are_not() {
        let many: String =
            (0..25).map(|n| format!("Use rose by {n}7% in the {}.\n\n", "very ".repeat(100))).collect();
        let checks = checked(&many);
        assert_eq!((checks.uncited_numbers.len(), checks.uncited_numbers_total), (20, 25));
        assert!(checks.uncited_numbers.iter().all(|sentence| sentence.chars().count() <= 300));
    }

    #[test]
    fn checks_are_written_as_the_interface_has_them() {
        let checks = check("Use bullet points.", "Prices fell 4%. [A](https://d.example/)", &given());
        assert_eq!(
            serde_json::to_value(&checks).unwrap(),
            serde_json::json!({
                "words": 4, "citations": 0, "articles_cited": 0, "articles_given": 4, "sources_cited": 0,
                "invented": [{"text": "A", "url": "https://d.example/"}], "invented_total": 1,
                "uncited_numbers": [], "uncited_numbers_total": 0,
                "structure": [{"asked": "Bullet points", "found": false}]
            })
        );
        assert_eq!(serde_json::from_value::<Checks>(serde_json::to_value(&checks).unwrap()).unwrap(), checks);
    }

    /// Pieces of which hostile texts are put together.
    const PIECES: [&str; 48] = [
        "[",
        "]",
        "(",
        ")",
        "*",
        "_",
        "`",
        "```\n",
        "![",
        "](",
        "<",
        ">",
        "\n",
        "\n\n",
        "- ",
        "1. ",
        "# ",
        "> ",
        "|",
        "|-|\n",
        "\t",
        "    ",
        "http://",
        "https://a.example/x",
        "&amp;",
        "\\",
        "\u{200b}",
        "\u{202e}",
        "\u{200d}",
        "שלום",
        "مرحبا",
        "é",
        "字",
        "👩‍💻",
        "40%",
        "$",
        "1,",
        "3.",
        "\"",
        "?",
        ": ",
        "words",
        "at most 5 words",
        "sections: a, b",
        "Output:\n",
        "[1]",
        "~~",
        "\u{0}",
    ];

    #[test]
    fn hostile_text_never_stops_a_check() {
        let articles = given();
        let mut state: u64 = 7;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        for _ in 0..3_000 {
            let text: String = (0..random(40)).map(|_| PIECES[random(PIECES.len())]).collect();
            let checks = check(&text, &text, &articles);
            assert!(
                checks.articles_cited <= checks.citations && checks.sources_cited <= checks.articles_cited
            );
            assert!(checks.invented.len() <= 20 && checks.uncited_numbers.len() <= 20);
        }
    }

    /// A build without optimisation takes a few seconds for all of this, and
    /// minutes if any of it cost the square of the length.
    #[test]
    fn the_longest_answer_takes_a_moment_whatever_it_is() {
        let articles = given();
        let started = std::time::Instant::now();
        let long = ["[", "(", "*", "- a\n  ", "Sections:\n\n- a\n\n"].map(|piece| (piece, 80_000));
        let phrases = [
            "[a](b)",
            "*a **b ",
            "Prices fell 40%. ",
            "[1]: x\n",
            "\"A?\" ",
            "> > ",
            "a: b\n",
            "Output:\n# a\n",
            "`# a` B. ",
        ];
        let short = PIECES.into_iter().chain(phrases).map(|piece| (piece, 10_000));
        for (piece, length) in long.into_iter().chain(short) {
            let text = piece.repeat(length / piece.len());
            check(&text, &text, &articles);
        }
        assert!(started.elapsed().as_secs() < 40, "{:?}", started.elapsed());
    }
}
