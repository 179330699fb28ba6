//! The built-in sample collection: three topics to try a first prompt on.
//!
//! It reports nothing real. Every company, person, place, figure and quotation
//! in it was invented for this product, and its links point at domains that
//! are reserved for examples (RFC 2606, RFC 6761) and lead nowhere.
//!
//! It is written to be worked on: stories run over several articles, outlets
//! contradict each other, some articles are off topic or nearly the same, and
//! two (tagged `injection`) try to give orders to the model that reads them.

use serde::Deserialize;

use super::article::{Article, Sentiment};
use super::time::{DAY_MS, HOUR_MS, Timestamp};

/// A topic of the sample collection.
#[derive(Clone, Copy, Debug)]
pub struct SampleTopic {
    /// The topic's name.
    pub name: &'static str,
    jsonl: &'static str,
}

/// The topics of the sample collection.
pub const TOPICS: [SampleTopic; 3] = [
    SampleTopic { name: "AI Adoption", jsonl: include_str!("sample/ai_adoption.jsonl") },
    SampleTopic { name: "Cybersecurity", jsonl: include_str!("sample/cybersecurity.jsonl") },
    SampleTopic { name: "Climate Technology", jsonl: include_str!("sample/climate_technology.jsonl") },
];

/// An article as the files hold it: its date counts back from the installation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    title: String,
    path: String,
    outlet: String,
    host: String,
    days_ago: u32,
    hour: u32,
    summary: String,
    category: String,
    sentiment: Sentiment,
    tags: Vec<String>,
}

impl SampleTopic {
    /// The topic's articles, newest first, dated within the 90 days before
    /// `installed_at`, so that "last 7 days" finds something on the first day.
    pub fn articles(&self, installed_at: Timestamp) -> Vec<Article> {
        // A broken line is left out: the unit tests refuse one, a user never meets it.
        let lines = self.jsonl.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let mut articles: Vec<Article> = lines.map(|line| line.into_article(installed_at)).collect();
        articles.sort_by_key(|article| std::cmp::Reverse(article.published_at));
        articles
    }
}

impl Line {
    fn into_article(self, installed_at: Timestamp) -> Article {
        Article {
            published_at: self.published_at(installed_at),
            title: self.title,
            url: format!("https://{}{}", self.host, self.path),
            source: Some(self.outlet),
            summary: Some(self.summary),
            text: None,
            category: Some(self.category),
            sentiment: Some(self.sentiment),
            tags: self.tags,
            language: Some("en".to_owned()),
            sample: true,
        }
    }

    /// The hour of its day, UTC; an hour before the installation when that day
    /// is today and the hour has not come yet.
    fn published_at(&self, installed_at: Timestamp) -> Timestamp {
        let midnight = installed_at.plus_millis(-installed_at.as_millis().rem_euclid(DAY_MS));
        let published =
            midnight.plus_days(-i64::from(self.days_ago)).plus_millis(i64::from(self.hour) * HOUR_MS);
        if published > installed_at { installed_at.plus_millis(-HOUR_MS) } else { published }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn collection(installed_at: Timestamp) -> Vec<Article> {
        TOPICS.iter().flat_map(|topic| topic.articles(installed_at)).collect()
    }

    /// Whether RFC 2606 or RFC 6761 reserves `host` for examples.
    fn is_reserved(host: &str) -> bool {
        [".example", ".example.com", ".example.org", ".example.net"].iter().any(|end| host.ends_with(end))
    }

    #[test]
    fn every_line_is_an_article_and_every_topic_has_at_least_forty() {
        for topic in TOPICS {
            let articles = topic.articles(at("2026-11-21T12:00:00Z"));
            assert_eq!(articles.len(), topic.jsonl.lines().count(), "{}: a line does not parse", topic.name);
            assert!(articles.len() >= 40, "{} has {}", topic.name, articles.len());
        }
    }

    #[test]
    fn links_are_unique_and_lead_to_domains_reserved_for_examples() {
        let mut seen = HashSet::new();
        for article in collection(at("2026-11-21T12:00:00Z")) {
            let url = url::Url::parse(&article.url).unwrap();
            assert_eq!(url.scheme(), "https");
            assert_eq!(url.as_str(), article.url, "written as it is normalized");
            assert!(is_reserved(url.host_str().unwrap()), "{url}");
            assert!(seen.insert(article.url), "{url} occurs twice");
        }
    }

    #[test]
    fn dates_lie_in_the_ninety_days_before_installation_at_any_time_of_day() {
        for now in ["2026-11-21T00:00:00Z", "2026-11-21T06:30:00Z", "2026-11-21T23:59:59.999Z"].map(at) {
            for article in collection(now) {
                assert!(article.published_at <= now, "{} is in the future", article.url);
                assert!(article.published_at >= now.plus_days(-90), "{} is too old", article.url);
            }
        }
    }

    #[test]
    fn an_article_keeps_its_hour_unless_that_is_still_to_come() {
        let newest = |now| TOPICS[0].articles(at(now))[0].published_at;
        assert_eq!(newest("2026-11-21T12:00:00Z"), at("2026-11-21T07:00:00Z"));
        assert_eq!(newest("2026-11-21T05:00:00Z"), at("2026-11-21T04:00:00Z"));
    }

    #[test]
    fn every_topic_has_news_of_the_last_week_newest_first() {
        let now = at("2026-11-21T12:00:00Z");
        for topic in TOPICS {
            let dates: Vec<_> = topic.articles(now).iter().map(|article| article.published_at).collect();
            assert!(dates.is_sorted_by(|newer, older| newer >= older), "{}", topic.name);
            assert!(dates.iter().filter(|date| **date >= now.plus_days(-7)).count() >= 5, "{}", topic.name);
        }
    }

    #[test]
    fn every_topic_covers_six_categories_and_all_four_sentiments() {
        for topic in TOPICS {
            let articles = topic.articles(at("2026-11-21T12:00:00Z"));
            let categories: HashSet<_> =
                articles.iter().filter_map(|article| article.category.as_deref()).collect();
            let sentiments: HashSet<_> = articles.iter().filter_map(|article| article.sentiment).collect();
            assert!(categories.len() >= 6, "{}: {categories:?}", topic.name);
            assert_eq!(sentiments.len(), 4, "{}: {sentiments:?}", topic.name);
        }
    }

    #[test]
    fn two_articles_try_to_give_orders_and_are_marked() {
        let articles = collection(at("2026-11-21T12:00:00Z"));
        let marked = |article: &&Article| article.tags.iter().any(|tag| tag == "injection");
        let orders = |article: &&Article| article.body().contains("Ignore your previous instructions");
        assert_eq!(articles.iter().filter(marked).count(), 2);
        assert!(articles.iter().filter(orders).all(|article| marked(&article)));
        assert_eq!(articles.iter().filter(orders).count(), 2);
    }

    #[test]
    fn every_article_is_marked_as_sample() {
        assert!(collection(at("2026-11-21T12:00:00Z")).iter().all(|article| article.sample));
    }
}
