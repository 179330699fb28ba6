//! DELETE /api/auspex/prompts/{name}

use functions::prompts::delete::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
