//! GET /api/topics/{topic}/feeds

fn main() -> std::process::ExitCode {
    // The topic and its feeds.
    shared::http::serve_parallel(2, |app, request| Box::pin(functions::feeds::list::handle(app, request)))
}
