//! Short news items, made up: as many as a benchmark or a test of size asks for.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::json;
use shared::domain::sample::TOPICS;
use shared::domain::time::Timestamp;

/// Words of the sample articles, as frequent as words are: a few often, most
/// seldom. The same ones in the same order each time.
#[derive(Debug)]
pub struct Words {
    /// The most frequent first.
    known: Vec<String>,
    chance: u64,
}

impl Default for Words {
    fn default() -> Self {
        let mut counts: HashMap<String, u32> = HashMap::new();
        let articles = TOPICS.iter().flat_map(|topic| topic.articles(Timestamp::from_millis(0)));
        for article in articles {
            let text = [&article.title, article.body()].join(" ");
            for word in text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty()) {
                *counts.entry(word.to_lowercase()).or_default() += 1;
            }
        }
        let mut counted: Vec<_> = counts.into_iter().collect();
        counted.sort_by(|(one, often), (other, more)| more.cmp(often).then(one.cmp(other)));
        Self { known: counted.into_iter().map(|(word, _)| word).collect(), chance: 7 }
    }
}

impl Words {
    /// The next word.
    pub fn word(&mut self) -> &str {
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uniform = (self.chance >> 11) as f64 / (1_u64 << 53) as f64;
        // Zipf's law, by its inverse.
        let rank = (self.known.len() as f64).powf(uniform) as usize;
        &self.known[rank - 1]
    }

    fn sentence(&mut self, words: usize) -> String {
        let mut text = String::new();
        for _ in 0..words {
            let _ = write!(text, "{} ", self.word());
        }
        text
    }

    /// So many items as JSON Lines, each a title and two sentences: some 400 bytes.
    pub fn items(&mut self, count: usize) -> String {
        (0..count).map(|number| self.item(number)).collect()
    }

    fn item(&mut self, number: usize) -> String {
        let (title, first, second) = (self.sentence(8), self.sentence(18), self.sentence(18));
        let published = Timestamp::from_millis(1_760_000_000_000 + number as i64 * 300_000);
        let item = json!({
            "title": title, "url": format!("https://news.example/{number}"), "summary": format!("{first}. {second}."),
            "source": format!("Outlet {}", number % 40), "category": format!("Category {}", number % 12),
            "published_at": published.to_string(),
        });
        format!("{item}\n")
    }
}
