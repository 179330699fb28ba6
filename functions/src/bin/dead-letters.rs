//! The dead-letter queue: ends the runs that it holds.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::dead_letters::handle(app, event)))
}
