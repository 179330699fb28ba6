//! GET /api/topics

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::topics::list::handle(app, request)))
}
