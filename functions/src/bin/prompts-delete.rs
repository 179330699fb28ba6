//! DELETE /api/auspex/prompts/{name}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::prompts::delete::handle(app, request)))
}
