//! The dead-letter queue: ends the runs that it holds.

use functions::jobs::dead_letters::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
