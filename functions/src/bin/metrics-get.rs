//! GET /api/metrics

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::metrics::handle(app, request)))
}
