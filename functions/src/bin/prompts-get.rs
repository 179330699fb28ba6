//! GET /api/auspex/prompts/{name}

fn main() -> std::process::ExitCode {
    // A version and its text.
    shared::http::serve_parallel(2, |app, request| Box::pin(functions::prompts::get::handle(app, request)))
}
