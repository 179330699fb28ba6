//! POST /api/topics/{topic}/articles

fn main() -> std::process::ExitCode {
    shared::http::serve_prepared(
        |app| shared::corpus::embeddings::Embedder::of(app).prepare(),
        |app, request| Box::pin(functions::topics::import::handle(app, request)),
    )
}
