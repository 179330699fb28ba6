//! POST /api/auspex/chat/message

fn main() -> std::process::ExitCode {
    // The conversation and the runs that it may tell of.
    shared::http::serve_streaming(2, |app, request| Box::pin(functions::chat::send::handle(app, request)))
}
