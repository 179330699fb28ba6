//! GET /api/topics/{topic}/facets

use functions::topics::facets::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
