//! For `make reindex`: gives articles that have no vector, or another model's, theirs.

use functions::jobs::reindex::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
