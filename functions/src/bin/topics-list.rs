//! GET /api/topics

use functions::topics::list::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(8, |app, request| Box::pin(handle(app, request)))
}
