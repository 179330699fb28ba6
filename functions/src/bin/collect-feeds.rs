//! Every five minutes: collects the feeds that are due.

use functions::jobs::collect_feeds::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
