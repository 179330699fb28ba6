//! GET /api/health

fn main() -> std::process::ExitCode {
    shared::http::serve_without_store(|app, request| Box::pin(functions::health::handle(app, request)))
}
