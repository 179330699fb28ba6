//! GET /api/topics/{topic}/imports/{import_id}

use functions::imports::get::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
