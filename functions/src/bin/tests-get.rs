//! GET /api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::tests::get::handle(app, request)))
}
