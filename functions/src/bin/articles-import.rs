//! POST /api/topics/{topic}/articles

use functions::articles::import::{handle, prepare};

fn main() -> std::process::ExitCode {
    shared::http::serve_prepared(8, prepare, |app, request| Box::pin(handle(app, request)))
}
