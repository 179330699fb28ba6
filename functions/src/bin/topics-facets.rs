//! GET /api/topics/{topic}/facets

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::topics::facets::handle(app, request)))
}
