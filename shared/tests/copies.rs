//! How well copies are told from other articles, by the judged pairs of tests/data: what an import keeps as one, and
//! what a search shows as one.

#![allow(clippy::print_stdout, reason = "figures are printed")]

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::domain::article::{Article, Stored};
use shared::domain::copies::{Likeness, repeats};
use shared::domain::signature::{SIMILAR, signature, similarity};

#[derive(Deserialize)]
struct Pair {
    kind: String,
    a: Article,
    b: Article,
    copy: bool,
    fold: bool,
}

fn stored(article: &Article) -> Stored {
    Stored {
        signature: signature(&article.title, article.body()),
        article: article.clone(),
        also_at: Vec::new(),
    }
}

#[test]
fn articles_that_differ_are_kept_and_shown_apart() {
    let pairs: Vec<Pair> =
        serde_json::from_str(include_str!("../../tests/data/pairs.json")).expect("the judged pairs");
    assert_eq!(pairs.len(), 60);
    let mut rows: BTreeMap<&str, [usize; 7]> = BTreeMap::new();
    let mut told = Vec::new();
    for pair in &pairs {
        let (a, b) = (stored(&pair.a), stored(&pair.b));
        let of = |stored: &Stored| Likeness::of(&stored.article, stored.signature.clone(), true);
        let share_a_key = a.signature.keys().iter().any(|key| b.signature.keys().contains(key));
        let copied = share_a_key && of(&b).copies(&of(&a)).is_some();
        let alike = similarity(&a.signature, &b.signature);
        let folded = alike >= SIMILAR && repeats(&b, &a);
        let row = rows.entry(&pair.kind).or_default();
        row[0] += 1;
        for (at, (is, judged)) in [(copied, pair.copy), (folded, pair.fold)].into_iter().enumerate() {
            row[1 + 3 * at] += usize::from(is == judged);
            row[2 + 3 * at] += usize::from(is && !judged);
            row[3 + 3 * at] += usize::from(judged && !is);
        }
        if (copied, folded) != (pair.copy, pair.fold) {
            told.push(format!(
                "{}: copy {copied} ({}), fold {folded} ({}), {alike:.2}: {} / {}",
                pair.kind, pair.copy, pair.fold, pair.a.title, pair.b.title
            ));
        }
    }
    println!(
        "{:<20}{:>6}{:>18}{:>8}{:>8}{:>18}{:>8}{:>8}",
        "of", "pairs", "import right", "lost", "twice", "search right", "hidden", "twice"
    );
    for (kind, [of, import, lost, twice, search, hidden, shown]) in &rows {
        println!("{kind:<20}{of:>6}{import:>18}{lost:>8}{twice:>8}{search:>18}{hidden:>8}{shown:>8}");
    }
    told.iter().for_each(|line| println!("{line}"));
    let sum = |column: usize| rows.values().map(|row| row[column]).sum::<usize>();
    assert_eq!(sum(2), 0, "an import loses nothing");
    assert!(sum(5) <= 1, "a search hides {} articles that say something else", sum(5));
    assert!(sum(1) >= 57, "of 60, {} are kept rightly", sum(1));
    assert!(sum(4) >= 54, "of 60, {} are shown rightly", sum(4));
}
