//! The functions as they are deployed: release builds, but for this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::root;

/// Builds them as `infra/deploy.py` does, with the references from the same
/// dependencies. The first of them takes minutes, every one most of a minute.
pub fn build(binaries: &[&str]) {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["build", "--release", "--locked"]);
    cargo.args(["--package", "functions", "--package", "references"]);
    for binary in binaries {
        cargo.args(["--bin", binary]);
    }
    let built = cargo.env("AWS_LC_SYS_NO_JITTER_ENTROPY", "1").status().expect("cargo runs");
    assert!(built.success(), "the binaries could not be built");
}

/// The file of one that was built.
pub fn file(binary: &str) -> PathBuf {
    target().join("release").join(binary)
}

/// Where cargo builds, which `CARGO_TARGET_DIR` and cargo's configuration can move.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of cargo's target").to_owned()
}
