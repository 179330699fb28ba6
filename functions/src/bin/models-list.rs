//! GET /api/models

use functions::models::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_without_store(|app, request| Box::pin(handle(app, request)))
}
