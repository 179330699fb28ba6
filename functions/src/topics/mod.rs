//! Topics and articles: `/api/topics/…`.

use shared::app::App;
use shared::corpus::ImportStopped;
use shared::domain::article::{TOPIC_NAME_MAX, topic_name, topic_slug};
use shared::domain::text::{Errors, FieldError};
use shared::http::{Code, Problem, Request, path_text};
use shared::store::StoreError;

use crate::route::routes;

routes! { list, delete, facets }

/// The topic's name in the path, decoded and checked.
pub(crate) async fn topic_of_path(app: &App, request: &Request) -> Result<String, Problem> {
    let mut errors = Errors::default();
    let topic = errors.line("topic", &path_text(request, "topic"), 1, TOPIC_NAME_MAX);
    let named = match errors.or(topic) {
        Ok(topic) => named(app, &topic).await?.map_err(|error| vec![error]),
        Err(errors) => Err(errors),
    };
    named.map_err(|errors| {
        let at_path = |error| FieldError { pointer: "{topic}".to_owned(), ..error };
        Problem::invalid(errors.into_iter().map(at_path).collect())
    })
}

/// The name of the topic that is meant: one form of it for all that look the same. A topic from before there was one
/// form is found by the name that it has.
pub(crate) async fn named(app: &App, typed: &str) -> Result<Result<String, FieldError>, StoreError> {
    let name = topic_name(typed);
    if name.as_deref().is_ok_and(|name| topic_slug(name) == topic_slug(typed)) {
        return Ok(name.map_err(|sentence| FieldError::new("topic", sentence)));
    }
    if let Some(before) = app.store().articles.topic(typed).await? {
        return Ok(Ok(before.name));
    }
    Ok(name.map_err(|sentence| FieldError::new("topic", sentence)))
}

/// Seconds after which a caller tries again where a topic is being removed: most are by then.
const REMOVED_AFTER: u64 = 120;

/// Why articles could not be brought into a topic.
pub(crate) fn stopped(stopped: ImportStopped) -> Problem {
    let sentence = match stopped {
        ImportStopped::Store(error) => return error.into(),
        ImportStopped::TopicRemoving => {
            "A topic of this name was deleted a moment ago, and its articles are still being removed. Nothing \
             was imported; try again in a few minutes, or choose another name."
        }
        ImportStopped::TopicGone => {
            "The topic was deleted at this moment. What was imported went with it; try again in a few minutes \
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
