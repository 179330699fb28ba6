//! GET /api/auspex/prompts

use functions::prompts::list::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
