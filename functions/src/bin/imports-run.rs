//! POST /api/topics/{topic}/imports/{import_id}/run

use functions::imports::run::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
