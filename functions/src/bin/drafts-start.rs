//! POST /api/auspex/prompts/workshop/start

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::drafts::start::handle(app, request)))
}
