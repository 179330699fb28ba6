//! POST /api/topics/{topic}/articles

fn main() -> std::process::ExitCode {
    shared::http::serve_prepared(
        // The words of an article.
        8,
        |app| shared::corpus::embeddings::Embedder::of(app).prepare(),
        |app, request| Box::pin(functions::topics::import::handle(app, request)),
    )
}
