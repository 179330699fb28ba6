//! GET /api/auspex/prompts/workshop/drafts/{id}

use functions::drafts::get::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
