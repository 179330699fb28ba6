//! The queue of imports: the worker.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::import_articles::handle(app, event)))
}
