//! GET /api/auspex/prompts/{name}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::prompts::get::handle(app, request)))
}
