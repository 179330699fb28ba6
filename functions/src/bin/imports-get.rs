//! GET /api/topics/{topic}/imports/{import_id}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::imports::get::handle(app, request)))
}
