//! GET /api/auspex/prompts/workshop/drafts/{id}/tests

use functions::tests::list::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
