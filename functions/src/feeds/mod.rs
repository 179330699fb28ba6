//! Feeds that topics follow: `/api/topics/{topic}/feeds/…`. A topic is
//! everybody's, and so are its feeds.

use shared::http::{Problem, Request, path_text};

use crate::route::routes;

routes! { list, follow, collect, unfollow }

/// The feed's id in the path: sixteen hexadecimal digits.
fn feed_of_path(request: &Request) -> Result<String, Problem> {
    let id = path_text(request, "feed_id");
    let is_id = id.len() == 16 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_id { Ok(id) } else { Err(Problem::not_found("feed")) }
}
