//! GET /api/topics/{topic}/feeds

use functions::feeds::list::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(2, |app, request| Box::pin(handle(app, request)))
}
