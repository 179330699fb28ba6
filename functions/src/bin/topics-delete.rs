//! DELETE /api/topics/{topic}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::topics::delete::handle(app, request)))
}
