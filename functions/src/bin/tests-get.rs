//! GET /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}

fn main() -> std::process::ExitCode {
    // The answer and its articles.
    shared::http::serve_parallel(2, |app, request| Box::pin(functions::tests::get::handle(app, request)))
}
