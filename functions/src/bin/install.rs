//! After a deployment: installs the default prompt and the sample collection.

use functions::jobs::install::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(handle(app, event)))
}
