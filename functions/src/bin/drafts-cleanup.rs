//! The drafts table's stream: removes what belonged to a draft that is gone.

use functions::jobs::drafts_cleanup::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
