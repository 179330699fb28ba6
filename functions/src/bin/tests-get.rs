//! GET /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}

use functions::tests::get::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_parallel(2, |app, request| Box::pin(handle(app, request)))
}
