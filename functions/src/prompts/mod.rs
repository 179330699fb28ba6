//! The library: `/api/auspex/prompts/…`.

pub mod clone;
pub mod delete;
pub mod get;
pub mod list;
pub mod versions;

use shared::http::{Problem, Request, path_text};

/// The prompt's name in the path. What can't be a name names nothing.
pub(crate) fn name_of_path(request: &Request) -> Result<String, Problem> {
    let name = path_text(request, "name");
    if shared::domain::prompt::is_name(&name) { Ok(name) } else { Err(Problem::not_found("prompt")) }
}
