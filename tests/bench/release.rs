//! The functions as they are deployed: release builds, but for this machine.

use std::path::PathBuf;
use std::process::Command;

use tests::root;

/// Builds them as `infra/deploy.py` does, with the references from the same
/// dependencies. The first of them takes minutes, every one most of a minute.
pub fn build(binaries: &[&str]) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--release", "--locked", "--target-dir", "target"]);
    cargo.args(["--package", "functions", "--package", "references"]);
    for binary in binaries {
        cargo.args(["--bin", binary]);
    }
    let built = cargo.env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1").status().expect("cargo runs");
    assert!(built.success(), "the binaries could not be built");
}

/// The file of one that was built.
pub fn file(binary: &str) -> PathBuf {
    root().join("target/release").join(binary)
}
