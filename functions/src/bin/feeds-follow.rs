//! POST /api/topics/{topic}/feeds

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::feeds::follow::handle(app, request)))
}
