//! Logs: one JSON object a line, with the request's id, never a secret and
//! never a user's text. What is worth a line is an event: a workshop created,
//! a test finished, a draft committed, a failure where it was handled.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output, as CloudWatch collects it. `RUST_LOG`
/// sets what is logged; `info` of this product's crates when it is not set.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("warn,shared=info,functions=info"));
    // A second start in one process keeps the first.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
}
