//! The queue of runs: the worker.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::run_test::handle(app, event)))
}
