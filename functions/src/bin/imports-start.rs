//! POST /api/topics/{topic}/imports

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(functions::imports::start::handle(app, request)))
}
