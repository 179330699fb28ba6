//! GET /api/metrics

use functions::metrics::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(2, |app, request| Box::pin(handle(app, request)))
}
