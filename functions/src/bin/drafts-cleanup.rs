//! The drafts table's stream: removes what belonged to a draft that is gone.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::drafts_cleanup::handle(app, event)))
}
