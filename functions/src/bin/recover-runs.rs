//! Each minute: puts runs back that fell between.

use functions::jobs::recover_runs::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
