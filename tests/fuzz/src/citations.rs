//! A model's answer, in which links and figures are looked for.

use shared::domain::checks::{check, mark_cited};
use shared::domain::run::UsedArticle;

use crate::now;

const FIRST: &str = "https://a.example/x";

fn articles() -> Vec<UsedArticle> {
    let article = |url: &str, source: Option<&str>| UsedArticle {
        title: "T".into(),
        url: url.into(),
        source: source.map(str::to_owned),
        published_at: now(),
        sample: false,
        cited: false,
    };
    vec![
        article(FIRST, Some("Longwire")),
        article("https://a.example/x/y", Some("longwire ")),
        article("https://b.example/story?id=7", None),
        article("https://c.example/z_(2026)", Some("Ledger")),
    ]
}

/// The input is a prompt and an answer with U+001E between them.
///
/// What is said of an answer agrees with itself, stands in the answer, and is the
/// same when a paragraph with one link more comes before it.
pub fn take(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (prompt, answer) = text.split_once('\u{1e}').unwrap_or(("", &text));
    let given = articles();
    let checks = check(prompt, answer, &given);

    assert!(checks.articles_cited <= checks.citations && checks.articles_cited <= checks.articles_given);
    assert!(checks.sources_cited <= checks.articles_cited);
    assert_eq!(checks.invented.len() as u64, checks.invented_total.min(20));
    assert_eq!(checks.uncited_numbers.len() as u64, checks.uncited_numbers_total.min(20));
    for link in &checks.invented {
        assert!(link.url.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http")), "{link:?}");
        assert!(link.text.chars().count() <= 100 && link.url.chars().count() <= 2_000);
        // Otherwise it stands there escaped or encoded.
        assert!(answer.contains(&link.url) || answer.contains(['\\', '&', '\0']), "{link:?} is not there");
    }
    for sentence in &checks.uncited_numbers {
        assert!(sentence.chars().count() <= 300);
        let mut letters = answer.chars().filter(|c| c.is_alphanumeric());
        let is_there = sentence.chars().filter(|c| c.is_alphanumeric()).all(|c| letters.any(|d| c == d));
        assert!(is_there || answer.contains('&'), "{sentence:?} is not there");
    }
    for asked in &checks.structure {
        assert!((1..=200).contains(&asked.asked.chars().count()), "{asked:?}");
    }

    let mut marked = given.clone();
    mark_cited(&mut marked, answer);
    assert_eq!(marked.iter().filter(|article| article.cited).count() as u64, checks.articles_cited);

    let longer = format!("[Longwire]({FIRST}) says so.\n\n{answer}");
    let of_longer = check("", &longer, &given);
    assert_eq!(of_longer.citations, checks.citations + 1);
    assert_eq!(of_longer.invented, checks.invented);
    mark_cited(&mut marked, &longer);
    assert!(marked.first().is_some_and(|article| article.cited));
}
