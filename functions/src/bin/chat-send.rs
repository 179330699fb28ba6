//! POST /api/auspex/chat/message

fn main() -> std::process::ExitCode {
    shared::http::serve_streaming(|app, request| Box::pin(functions::chat::send::handle(app, request)))
}
