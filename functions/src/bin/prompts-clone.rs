//! POST /api/auspex/prompts/{name}/clone

fn main() -> std::process::ExitCode {
    // A version and its text.
    shared::http::serve_parallel(2, |app, request| Box::pin(functions::prompts::clone::handle(app, request)))
}
