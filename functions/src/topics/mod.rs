//! Topics and articles: `/api/topics/…`.

use shared::corpus::ImportStopped;
use shared::domain::article::{ArticleId, TOPIC_NAME_MAX};
use shared::domain::text::{Errors, FieldError};
use shared::http::{Code, Problem, Request, path_text};

use crate::route::routes;

routes! { list, delete, facets }

/// The topic's name in the path, decoded and checked.
pub(crate) fn topic_of_path(request: &Request) -> Result<String, Problem> {
    let mut errors = Errors::default();
    let topic = errors.line("topic", &path_text(request, "topic"), 1, TOPIC_NAME_MAX);
    let topic = topic.split_whitespace().collect::<Vec<_>>().join(" ");
    errors.or(topic).map_err(|errors| {
        let at_path = |error| FieldError { pointer: "{topic}".to_owned(), ..error };
        Problem::invalid(errors.into_iter().map(at_path).collect())
    })
}

/// The article's id in the path: sixteen hexadecimal digits.
pub(crate) fn article_of_path(request: &Request) -> Result<ArticleId, Problem> {
    let id = path_text(request, "article_id");
    let is_id = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    id.parse().ok().filter(|_| is_id).ok_or_else(|| Problem::not_found("article in a topic of yours"))
}

/// Seconds after which it is worth trying again where a topic is being removed: most take two minutes.
const REMOVED_AFTER: u64 = 120;

/// Why articles could not be brought into a topic.
pub(crate) fn stopped(stopped: ImportStopped) -> Problem {
    let sentence = match stopped {
        ImportStopped::Store(error) => return error.into(),
        ImportStopped::TopicRemoving => {
            "A topic of this name was deleted a moment ago, and its articles are still being removed. Nothing \
             was imported; try again in two minutes, or choose another name."
        }
        ImportStopped::TopicGone => {
            "The topic was deleted at this moment. What was imported went with it; try again in two minutes \
             to make the topic anew."
        }
    };
    Problem::new(Code::Conflict, sentence).with_retry_after(REMOVED_AFTER)
}

/// Errors of parameters in the query string, by their place there.
pub(crate) fn in_query(errors: Vec<FieldError>) -> Vec<FieldError> {
    let placed = |error: FieldError| FieldError { pointer: error.pointer.replacen('/', "?", 1), ..error };
    errors.into_iter().map(placed).collect()
}
