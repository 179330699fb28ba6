//! DELETE /api/topics/{topic}

use functions::topics::delete::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
