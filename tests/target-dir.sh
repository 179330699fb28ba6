#!/usr/bin/env bash
# Where cargo puts what it builds: target/, unless CARGO_TARGET_DIR or cargo's configuration names another folder.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --no-deps | sed -E 's/.*"target_directory":"([^"]*)".*/\1/'
