//! POST /api/auspex/prompts/workshop/drafts/{id}/test

use functions::tests::start::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
