//! The research tools that a model is offered in a test run, and what they do.
//!
//! They read the run's own topic and nothing else: no argument leads out of
//! it, so that an article which gives orders can make a model search badly, and
//! no more. What a tool answers is evidence and is marked as such. An argument
//! that can't be understood is answered in words, which the model can act on.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::research::{DEFUSED_NOTE, described};
use super::window::shortened;
use crate::app::App;
use crate::corpus::{self, Question};
use crate::domain::article::{Article, Sentiment};
use crate::domain::run::UsedArticle;
use crate::domain::search::{By, Facts};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// Articles that one call answers, at the most and when nothing is said.
const ARTICLES_MAX: u32 = 25;
const ARTICLES: u32 = 10;
/// Characters of a query or of keywords together.
const QUERY_MAX: usize = 500;
/// Categories of one call.
const CATEGORIES_MAX: usize = 6;
/// The longest period that is asked for, in days.
const DAYS_MAX: i64 = 36_500;
/// Lines of a list of categories or outlets.
const LISTED_MAX: usize = 40;

/// What a call came to.
#[derive(Debug)]
pub struct Answered {
    /// What the model is told.
    pub text: String,
    /// It could not be done.
    pub is_error: bool,
    /// Articles that it was shown.
    pub articles: u32,
}

/// A run's way into its topic.
pub struct Researcher<'a> {
    app: &'a App,
    topic: &'a str,
    /// Different articles that the run may use.
    limit: usize,
    now: Timestamp,
    /// What the model was given, in order, each once.
    pub given: Vec<UsedArticle>,
}

/// What the tools are, as the wire describes them.
pub fn offered() -> Vec<Value> {
    let text = |what: &str| json!({"type": "string", "description": what});
    let list = |what: &str| json!({"type": "array", "items": {"type": "string"}, "description": what});
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": ARTICLES_MAX,
        "description": format!("How many articles; {ARTICLES} when absent."),
    });
    let days = json!({"type": "integer", "minimum": 1, "description": "Only the last so many days."});
    let tool = |name: &str, what: &str, properties: Value, required: &[&str]| {
        json!({"type": "function", "function": {
            "name": name, "description": what,
            "parameters": {"type": "object", "properties": properties, "required": required},
        }})
    };
    vec![
        tool(
            "enhanced_database_search",
            "Searches the topic's articles by words and by meaning, the best first. Understands periods in the \
             query, such as \"last 7 days\" or \"since March\".",
            json!({
                "query": text("What to look for."), "limit": limit, "days": days,
                "sentiment": {"type": "string", "enum": Sentiment::ALL.map(Sentiment::as_str)},
                "source": text("Only this outlet."),
            }),
            &["query"],
        ),
        tool(
            "get_topic_articles",
            "The topic's newest articles.",
            json!({"limit": limit, "days": days}),
            &[],
        ),
        tool(
            "search_articles_by_keywords",
            "Articles that contain the keywords, by how well they fit.",
            json!({"keywords": list("Words or names."), "limit": limit, "days": days}),
            &["keywords"],
        ),
        tool(
            "search_articles_by_categories",
            "The newest articles of categories, as get_article_categories names them.",
            json!({"categories": list("Names of categories."), "limit": limit, "days": days}),
            &["categories"],
        ),
        tool(
            "get_article_categories",
            "The categories of the topic's newest articles and how many each has; also the outlets.",
            json!({"days": days}),
            &[],
        ),
        tool(
            "analyze_sentiment_trends",
            "How many articles are positive, neutral, critical or negative, by month.",
            json!({"days": days, "category": text("Only this category.")}),
            &[],
        ),
        tool(
            "follow_up_query",
            "Searches as enhanced_database_search does, but leaves out what was found before.",
            json!({"query": text("What to look for now."), "limit": limit, "days": days}),
            &["query"],
        ),
    ]
}

/// Arguments of the tools that find articles.
#[derive(Default, Deserialize)]
struct Finding {
    #[serde(default)]
    query: String,
    #[serde(default)]
    keywords: Words,
    #[serde(default)]
    categories: Words,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    sentiment: Option<String>,
    #[serde(default)]
    limit: Option<f64>,
    #[serde(default)]
    days: Option<f64>,
}

/// A list of words. Models write one as a text now and then.
#[derive(Default)]
struct Words(Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Many(Vec<String>),
            One(String),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::Many(words) => words,
            Either::One(words) => words.split(',').map(|word| word.trim().to_owned()).collect(),
        }))
    }
}

impl<'a> Researcher<'a> {
    /// Reads `topic`, for a run that may use `limit` articles.
    pub fn new(app: &'a App, topic: &'a str, limit: u32, now: Timestamp) -> Self {
        Self { app, topic, limit: limit as usize, now, given: Vec::new() }
    }

    /// Does what is called for. What the model is told takes at most `tokens`.
    pub async fn call(&mut self, name: &str, arguments: &str, tokens: u32) -> Result<Answered, StoreError> {
        let finding = match parsed::<Finding>(arguments).and_then(Finding::checked) {
            Ok(finding) => finding,
            Err(sentence) => return Ok(wrong(sentence)),
        };
        let question = Question {
            topic: self.topic.to_owned(),
            days: finding.days.map(|days| days as i64),
            limit: finding.limit.map_or(ARTICLES, |limit| limit as u32).clamp(1, ARTICLES_MAX) as usize,
            facts: Facts {
                categories: finding.category.iter().cloned().collect(),
                sentiment: finding.sentiment.as_deref().and_then(Sentiment::named),
                source: finding.source.clone(),
            },
            ..Question::default()
        };
        match name {
            "enhanced_database_search" => match finding.query.trim() {
                "" => Ok(wrong("The query is missing: say what to look for.")),
                query => self.found(Question { query: query.to_owned(), ..question }, false, tokens).await,
            },
            "follow_up_query" => match finding.query.trim() {
                "" => Ok(wrong("The query is missing: say what to look for.")),
                query => self.found(Question { query: query.to_owned(), ..question }, true, tokens).await,
            },
            "get_topic_articles" => self.found(question, false, tokens).await,
            "search_articles_by_keywords" => match finding.keywords.0.join(" ") {
                words if words.trim().is_empty() => Ok(wrong("The keywords are missing: name at least one.")),
                query => self.found(Question { query, by: By::Words, ..question }, false, tokens).await,
            },
            "search_articles_by_categories" => {
                let categories: Vec<_> = finding.categories.0.into_iter().take(CATEGORIES_MAX).collect();
                if categories.iter().all(|name| name.trim().is_empty()) {
                    return Ok(wrong("The categories are missing: get_article_categories names them."));
                }
                let facts = Facts { categories, ..question.facts };
                self.found(Question { facts, ..question }, false, tokens).await
            }
            "get_article_categories" => self.categories(&question, tokens).await,
            "analyze_sentiment_trends" => self.sentiments(&question, tokens).await,
            _ => Ok(wrong(format!("There is no tool of this name. Tools are: {}.", names().join(", ")))),
        }
    }

    async fn found(
        &mut self,
        question: Question,
        only_new: bool,
        tokens: u32,
    ) -> Result<Answered, StoreError> {
        let wanted = question.limit;
        // What was given before is left out afterwards: so much more is asked for.
        let more = if only_new { self.given.len().min(self.limit) } else { 0 };
        let question = Question { limit: wanted + more, ..question };
        let Some(results) = corpus::search(self.app, &question, self.now).await? else {
            return Ok(wrong("The topic is no longer there."));
        };
        let before: HashSet<String> = self.given.iter().map(|given| given.url.clone()).collect();
        let is_asked = results.is_asked || !question.facts.is_empty();
        let mut block = String::new();
        let mut count = 0;
        let mut full = false;
        for article in results.found.iter().map(|found| &found.article) {
            let is_known = before.contains(&article.url);
            if count as usize == wanted || (only_new && is_known) || (is_asked && !results.matched) {
                continue;
            }
            if !is_known && self.given.len() >= self.limit {
                full = true;
                continue;
            }
            let number = self.number_of(article);
            let text = described(number, article);
            if super::window::fits(&block, &text, tokens) {
                block.push_str(&text);
                count += 1;
                if !is_known {
                    self.given.push(UsedArticle::from_article(article));
                }
            }
        }
        if count == 0 {
            let why = if full {
                format!("The test may use {} articles, and has them. Answer from those.", self.limit)
            } else {
                "No article matches. Try other words, a longer period, or other filters.".to_owned()
            };
            return Ok(Answered { text: why, is_error: false, articles: 0 });
        }
        let period = results.phrase.map(|phrase| format!(" within \"{phrase}\"")).unwrap_or_default();
        let text = format!("{count} articles{period}. {DEFUSED_NOTE}\n\n{block}");
        Ok(Answered { text, is_error: false, articles: count })
    }

    /// The number under which the model knows an article, or will.
    fn number_of(&self, article: &Article) -> usize {
        let known = self.given.iter().position(|given| given.url == article.url);
        known.unwrap_or(self.given.len()) + 1
    }

    async fn categories(&self, question: &Question, tokens: u32) -> Result<Answered, StoreError> {
        let facets = self.facets(question).await?;
        let list = |names: &[(String, u64)]| {
            let lines: Vec<_> =
                names.iter().take(LISTED_MAX).map(|(name, count)| format!("- {name}: {count}")).collect();
            if lines.is_empty() { "- none".to_owned() } else { lines.join("\n") }
        };
        let text = format!(
            "{}\nCategories:\n{}\nOutlets:\n{}",
            counted(&facets),
            list(&facets.categories),
            list(&facets.sources)
        );
        Ok(Answered { text: shortened(&text, tokens), is_error: false, articles: 0 })
    }

    async fn sentiments(&self, question: &Question, tokens: u32) -> Result<Answered, StoreError> {
        let facets = self.facets(question).await?;
        let mut lines = vec![counted(&facets)];
        for (month, counts) in &facets.by_month {
            let counts: Vec<_> =
                counts.iter().map(|(sentiment, count)| format!("{} {count}", sentiment.as_str())).collect();
            lines.push(format!("{month}: {}", counts.join(", ")));
        }
        Ok(Answered { text: shortened(&lines.join("\n"), tokens), is_error: false, articles: 0 })
    }

    async fn facets(&self, question: &Question) -> Result<corpus::Facets, StoreError> {
        let from = question.days.map(|days| self.now.plus_days(-days));
        corpus::facets(self.app, self.topic, from, None, &question.facts).await
    }
}

impl Finding {
    fn checked(self) -> Result<Self, String> {
        let words = self.query.chars().count() + self.keywords.0.iter().map(|word| word.len()).sum::<usize>();
        if words > QUERY_MAX {
            return Err(format!("The query is longer than {QUERY_MAX} characters. Shorten it."));
        }
        if self.days.is_some_and(|days| !(1.0..=DAYS_MAX as f64).contains(&days)) {
            return Err(format!("The days are a number from 1 to {DAYS_MAX}."));
        }
        let named = self.sentiment.as_deref().filter(|word| !word.is_empty());
        if named.is_some_and(|word| Sentiment::named(word).is_none()) {
            return Err("The sentiment is positive, neutral, critical or negative.".to_owned());
        }
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Ok(Self { category: some(self.category), source: some(self.source), ..self })
    }
}

/// `arguments` as a `T`; an empty text counts as no arguments.
fn parsed<T: DeserializeOwned>(arguments: &str) -> Result<T, String> {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    serde_json::from_str(arguments).map_err(|error| {
        let place = error.column();
        match error.classify() {
            serde_json::error::Category::Data => {
                format!("An argument has the wrong type, at column {place}. See the tool's parameters.")
            }
            _ => format!("The arguments are not valid JSON, at column {place}. Send one JSON object."),
        }
    })
}

fn wrong(sentence: impl Into<String>) -> Answered {
    Answered { text: sentence.into(), is_error: true, articles: 0 }
}

fn counted(facets: &corpus::Facets) -> String {
    let which = if facets.complete { "all" } else { "the newest" };
    format!("Counted over {which} {} articles of the period.", facets.articles)
}

/// The tools' names.
fn names() -> Vec<String> {
    let name = |tool: &Value| tool.pointer("/function/name")?.as_str().map(str::to_owned);
    offered().iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_are_those_that_prompts_speak_of() {
        assert_eq!(
            names(),
            [
                "enhanced_database_search",
                "get_topic_articles",
                "search_articles_by_keywords",
                "search_articles_by_categories",
                "get_article_categories",
                "analyze_sentiment_trends",
                "follow_up_query",
            ]
        );
    }

    #[test]
    fn arguments_are_read_as_models_write_them() {
        let words = |json: &str| parsed::<Finding>(json).unwrap().keywords.0;
        assert_eq!(words(r#"{"keywords": ["a", "b"]}"#), ["a", "b"]);
        assert_eq!(words(r#"{"keywords": "a, b"}"#), ["a", "b"]);
        assert_eq!(parsed::<Finding>(r#"{"limit": 5.0, "unknown": 1}"#).unwrap().limit, Some(5.0));
        assert!(parsed::<Finding>("").is_ok());
    }

    #[test]
    fn arguments_that_cannot_be_read_are_answered_in_words() {
        let why = |json: &str| parsed::<Finding>(json).and_then(Finding::checked).err().unwrap();
        assert!(why(r#"{"query": "#).contains("not valid JSON"));
        assert!(why(r#"{"query": 7}"#).contains("wrong type"));
        assert!(why(r#"{"days": 0}"#).contains("1 to 36500"));
        assert!(why(r#"{"sentiment": "angry"}"#).contains("critical"));
        assert!(why(&format!(r#"{{"query": "{}"}}"#, "x".repeat(600))).contains("Shorten"));
    }
}
