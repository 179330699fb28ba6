//! GET /api/models

fn main() -> std::process::ExitCode {
    shared::http::serve_without_store(|app, request| Box::pin(functions::models::handle(app, request)))
}
