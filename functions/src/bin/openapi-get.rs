//! GET /api/openapi.json

use functions::openapi::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_without_store(|app, request| Box::pin(handle(app, request)))
}
