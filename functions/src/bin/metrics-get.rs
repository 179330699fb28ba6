//! GET /api/metrics

fn main() -> std::process::ExitCode {
    // The days and the prompts that were cloned most.
    shared::http::serve_parallel(2, |app, request| Box::pin(functions::metrics::handle(app, request)))
}
