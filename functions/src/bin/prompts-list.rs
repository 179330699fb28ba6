//! GET /api/auspex/prompts

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::prompts::list::handle(app, request)))
}
