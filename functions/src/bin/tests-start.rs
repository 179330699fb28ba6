//! POST /api/auspex/prompts/workshop/drafts/{id}/test

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::tests::start::handle(app, request)))
}
