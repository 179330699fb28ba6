#!/usr/bin/env bash
# Everything is built as one family: each command of `make test` builds the whole workspace, or a part of it with
# `--workspace` beside it, so that cargo chooses the same features for all of them. A command that names a package
# would compile a hundred dependencies a second time, with other features.
set -euo pipefail
cd "$(dirname "$0")/.."

# What is run outside of `make test`, or builds nothing of ours: benchmarks and releases have profiles of their own.
apart='--profile bench|--release|cargo (metadata|tree|fmt|install|fuzz|clippy|lambda)'
found=$(grep -nE 'cargo (build|test|run)' Makefile tests/run.sh tests/deploy/*.sh |
  grep -vE -e "$apart" | grep -vE -- '--workspace|^[^:]+:[0-9]+:\s*#' || true)
if [ -n "$found" ]; then
  printf 'These build a family of their own; build with --workspace:\n%s\n' "$found" >&2
  exit 1
fi

# Features that only tests ask for would make a second family of what tests build.
builds() {
  cargo tree --locked --workspace --prefix none --format '{p} {f}' --edges "$@" | sed 's/ (\*)//' | sort -u
}
others=$(comm -23 <(builds normal,build) <(builds normal,build,dev))
if [ -n "$others" ]; then
  printf 'Tests build these with other features:\n%s\n' "$others" >&2
  exit 1
fi
# Where packages are left out, the others have to be built as with them.
left_out=$(grep -ohE -- '--exclude [a-z]+' tests/run.sh | sort -u)
# shellcheck disable=SC2086 # They are words.
others=$(comm -13 <(builds normal,build,dev) <(builds normal,build,dev $left_out))
if [ -n "$others" ]; then
  printf 'Without %s these are built with other features:\n%s\n' "$left_out" "$others" >&2
  exit 1
fi

printf 'one family of builds: %s of crates and their features\n' "$(builds normal,build,dev | wc -l)"
