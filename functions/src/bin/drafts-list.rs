//! GET /api/auspex/prompts/workshop/drafts

use functions::drafts::list::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(4, |app, request| Box::pin(handle(app, request)))
}
