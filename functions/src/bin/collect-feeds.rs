//! Every five minutes: collects the feeds that are due.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::collect_feeds::handle(app, event)))
}
