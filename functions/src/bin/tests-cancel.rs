//! POST /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}/cancel

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::tests::cancel::handle(app, request)))
}
