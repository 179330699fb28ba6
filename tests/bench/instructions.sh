#!/usr/bin/env bash
# Counts the instructions of tests/bench/instructions.rs and prints them as JSON:
# tests/bench/instructions.sh [cargo's profile, bench]. What it takes is installed
# once: valgrind, and gungraun's runner of the version that Cargo.lock has.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=$(sed -n '/^name = "gungraun-runner"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
target=$(tests/target-dir.sh)
tools=$target/gungraun-runner-$version
[ -x "$tools/bin/gungraun-runner" ] ||
  cargo install gungraun-runner --version "$version" --locked --root "$tools" --target-dir "$target/gungraun-runner" >&2
if ! command -v valgrind >/dev/null; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root="sudo"
  {
    $as_root apt-get update
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends valgrind libc6-dbg
  } >&2
fi
PATH="$tools/bin:$PATH" cargo bench --locked --profile "${1:-bench}" --package tests --bench instructions -- \
  --output-format=json
