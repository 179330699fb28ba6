//! PUT /api/auspex/prompts/workshop/drafts/{id}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::drafts::update::handle(app, request)))
}
