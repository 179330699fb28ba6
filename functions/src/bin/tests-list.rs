//! GET /api/auspex/prompts/workshop/drafts/{id}/tests

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::tests::list::handle(app, request)))
}
