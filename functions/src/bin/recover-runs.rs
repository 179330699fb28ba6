//! Each minute: puts runs back that fell between.

fn main() -> std::process::ExitCode {
    shared::http::serve_events(|app, event| Box::pin(functions::jobs::recover_runs::handle(app, event)))
}
