//! POST /api/auspex/prompts/workshop/start

use functions::drafts::start::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
