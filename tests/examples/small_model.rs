//! The real small model alone, for tests that are not of Rust: prints its
//! address once it is loaded, and goes when its standard input ends.

use std::io::Read;

use shared::llm::Readiness;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let model = tests::small_model();
    let mut readiness = model.readiness();
    let settled = readiness.wait_for(|readiness| !matches!(readiness, Readiness::Starting { .. })).await;
    match settled.as_deref() {
        Ok(Readiness::Ready) => println!("{}", model.base_url()),
        other => panic!("the small model did not start: {other:?}"),
    }
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    // The model's task is on a runtime that is never dropped; its server goes with this process.
    std::process::exit(0);
}
