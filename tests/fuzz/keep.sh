#!/usr/bin/env bash
# Adds to the corpus, which is committed, what covers most of what it doesn't among
# what tests/fuzz/run.sh has found: tests/fuzz/keep.sh [target…]
#
# Inputs with a name were written by hand, and stay; of the found ones, named by
# their hashes, the fifty longest do. tests/kept.rs takes them all.
set -euo pipefail
cd "$(dirname "$0")"

binaries=target/$(rustc -vV | sed -n 's/^host: //p')/release
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .rs fuzz_targets/*)
for target in "${targets[@]}"; do
  mkdir -p "found/$target"
  "$binaries/$target" -set_cover_merge=1 -use_counters=0 -timeout=5 -rss_limit_mb=512 \
    "corpus/$target" "found/$target" > "target/logs/$target-keep" 2>&1
  (cd "corpus/$target" && ls -S | grep -E '^[0-9a-f]{40}$' | tail -n +51 | xargs --no-run-if-empty rm)
  echo "$target: $(ls "corpus/$target" | wc -l) inputs"
done
