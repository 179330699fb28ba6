//! The queue of imports: the worker.

use functions::jobs::import_articles::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
