//! GET /api/topics

fn main() -> std::process::ExitCode {
    // The first and the last article of each topic: the three of the sample, and one more.
    shared::http::serve_parallel(8, |app, request| Box::pin(functions::topics::list::handle(app, request)))
}
