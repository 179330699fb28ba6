//! GET /api/topics/{topic}/articles

use functions::articles::search::{handle, prepare};

fn main() -> std::process::ExitCode {
    shared::http::serve_prepared(4, prepare, |app, request| Box::pin(handle(app, request)))
}
