//! POST /api/auspex/prompts/workshop/drafts/{id}/commit

use functions::drafts::commit::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
