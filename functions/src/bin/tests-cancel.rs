//! POST /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}/cancel

use functions::tests::cancel::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
