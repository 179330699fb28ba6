//! The queue of runs: the worker.

use functions::jobs::run_test::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
