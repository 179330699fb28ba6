//! PATCH /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}

use functions::tests::rate::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
