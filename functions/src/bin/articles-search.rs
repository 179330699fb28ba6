//! GET /api/topics/{topic}/articles

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::topics::search::handle(app, request)))
}
