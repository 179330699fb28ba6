//! GET /api/auspex/prompts/workshop/drafts

fn main() -> std::process::ExitCode {
    // A list of each status.
    shared::http::serve_parallel(4, |app, request| Box::pin(functions::drafts::list::handle(app, request)))
}
