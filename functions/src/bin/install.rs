//! After a deployment: installs the default prompt and the sample collection.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::install::handle(app, event)))
}
