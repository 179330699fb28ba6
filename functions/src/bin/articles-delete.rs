//! DELETE /api/topics/{topic}/articles/{article_id}

use functions::articles::delete::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
