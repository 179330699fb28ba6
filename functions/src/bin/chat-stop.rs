//! POST /api/auspex/chat/sessions/{chat_id}/stop

use functions::chat::stop::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
