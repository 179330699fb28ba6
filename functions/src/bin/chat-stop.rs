//! POST /api/auspex/chat/sessions/{chat_id}/stop

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::chat::stop::handle(app, request)))
}
