//! POST /api/topics/{topic}/feeds

use functions::feeds::follow::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
