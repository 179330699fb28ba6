//! GET /api/auspex/chat/sessions/{chat_id}/messages

use functions::chat::history::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
