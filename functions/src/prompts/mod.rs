//! The library: `/api/auspex/prompts/…`.

use shared::http::{Problem, Request, path_text};

use crate::route::routes;

routes! { list, get, versions, delete, clone }

/// The prompt's name in the path. What can't be a name names nothing.
pub(crate) fn name_of_path(request: &Request) -> Result<String, Problem> {
    let name = path_text(request, "name");
    if shared::domain::prompt::is_name(&name) { Ok(name) } else { Err(Problem::not_found("prompt")) }
}
