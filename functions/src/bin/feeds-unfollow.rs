//! DELETE /api/topics/{topic}/feeds/{feed_id}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::feeds::unfollow::handle(app, request)))
}
