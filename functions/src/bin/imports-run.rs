//! POST /api/topics/{topic}/imports/{import_id}/run

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::imports::run::handle(app, request)))
}
