//! POST /api/topics/{topic}/imports

use functions::imports::start::handle;

fn main() -> std::process::ExitCode {
    shared::http::serve(|app, request| Box::pin(handle(app, request)))
}
