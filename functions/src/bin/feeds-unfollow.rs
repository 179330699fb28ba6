//! DELETE /api/topics/{topic}/feeds/{feed_id}

use functions::feeds::unfollow::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
