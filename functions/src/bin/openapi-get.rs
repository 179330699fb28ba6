//! GET /api/openapi.json

fn main() -> std::process::ExitCode {
    shared::http::serve_without_store(|app, request| Box::pin(functions::openapi::handle(app, request)))
}
