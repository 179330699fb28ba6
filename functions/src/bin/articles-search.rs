//! GET /api/topics/{topic}/articles

fn main() -> std::process::ExitCode {
    shared::http::serve_prepared(
        // Meaning, and some words.
        4,
        |app| shared::corpus::embeddings::Embedder::of(app).prepare(),
        |app, request| Box::pin(functions::topics::search::handle(app, request)),
    )
}
