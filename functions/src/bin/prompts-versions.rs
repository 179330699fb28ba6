//! GET /api/auspex/prompts/{name}/versions

use functions::prompts::versions::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
