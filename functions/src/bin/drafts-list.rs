//! GET /api/auspex/prompts/workshop/drafts

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::drafts::list::handle(app, request)))
}
