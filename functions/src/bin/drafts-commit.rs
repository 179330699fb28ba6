//! POST /api/auspex/prompts/workshop/drafts/{id}/commit

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::drafts::commit::handle(app, request)))
}
