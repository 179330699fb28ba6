//! GET /api/auspex/prompts/{name}

use functions::prompts::get::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(2, |app, request| Box::pin(handle(app, request)))
}
