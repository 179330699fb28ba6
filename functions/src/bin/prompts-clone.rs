//! POST /api/auspex/prompts/{name}/clone

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::prompts::clone::handle(app, request)))
}
