//! Topics and articles: `/api/topics/…`.

use shared::domain::article::TOPIC_NAME_MAX;
use shared::domain::text::{Errors, FieldError};
use shared::http::{Problem, Request, path_text};

use crate::route::routes;

routes! { list, facets }

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

/// Errors of parameters in the query string, by their place there.
pub(crate) fn in_query(errors: Vec<FieldError>) -> Vec<FieldError> {
    let placed = |error: FieldError| FieldError { pointer: error.pointer.replacen('/', "?", 1), ..error };
    errors.into_iter().map(placed).collect()
}
