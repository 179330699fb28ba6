//! GET /api/auspex/chat/sessions/{chat_id}/messages

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::chat::history::handle(app, request)))
}
