//! POST /api/auspex/chat/message

use functions::chat::send::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve_streaming(2, |app, request| Box::pin(handle(app, request)))
}
