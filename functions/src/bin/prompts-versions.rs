//! GET /api/auspex/prompts/{name}/versions

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::prompts::versions::handle(app, request)))
}
