//! POST /api/topics/{topic}/feeds/{feed_id}/collect

use functions::feeds::collect::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
