//! DELETE /api/topics/{topic}/articles/{article_id}

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::topics::delete_article::handle(app, request)))
}
