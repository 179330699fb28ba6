//! POST /api/topics/{topic}/feeds/{feed_id}/collect

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::feeds::collect::handle(app, request)))
}
