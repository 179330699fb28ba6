#!/usr/bin/env bash
# Fuzzes: tests/fuzz/run.sh [seconds for each target, 60] [target…]
#
# What the fuzzer finds worth keeping goes into tests/fuzz/found, and it begins
# there the next time; tests/fuzz/keep.sh takes the best of it into the corpus
# that is committed. An input that breaks its target's rule, is too slow (5 s) or
# takes too much memory (512 MB) is an error, and stays one until it is moved from
# tests/fuzz/artifacts to tests/fuzz/regressions.
#
# Without a sanitizer: in code that forbids `unsafe` one finds nothing, and halves
# the speed. That is also why a stable compiler does.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=${1:-60}
shift $(($# > 0))
fuzz=tests/fuzz
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(basename -s .rs $fuzz/fuzz_targets/*)
binaries=$fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release

version=0.13.2
tools=$fuzz/target/cargo-fuzz-$version
[ -x $tools/bin/cargo-fuzz ] ||
  cargo install cargo-fuzz --version $version --locked --root $tools --target-dir $fuzz/target/install
# As what is deployed, but for what makes building slow and traces short.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_OPT_LEVEL=2
PATH="$PWD/$tools/bin:$PATH" cargo fuzz build --fuzz-dir $fuzz --target-dir $fuzz/target --sanitizer none \
  --codegen-units 16 --features libfuzzer

one() {
  target=$1
  mkdir -p "$fuzz/found/$target" "$fuzz/artifacts/$target" "$fuzz/target/logs"
  dictionary=$fuzz/dictionaries/$target.txt
  "$binaries/$target" "$fuzz/found/$target" "$fuzz/corpus/$target" $([ ! -f "$dictionary" ] || echo "-dict=$dictionary") \
    -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -print_final_stats=1 \
    -artifact_prefix="$fuzz/artifacts/$target/" > "$fuzz/target/logs/$target" 2>&1 || true
  echo "$target: done"
}
export -f one
export fuzz binaries seconds
echo "Fuzzing ${#targets[@]} targets, $seconds seconds each, $(nproc) at a time"
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I {} bash -euo pipefail -c 'one {}'

printf '\n%-14s %10s %10s %8s %9s %7s\n' target executions new-inputs edges features crashes
failed=0
for target in "${targets[@]}"; do
  log=$fuzz/target/logs/$target
  stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
  # The last line of progress: `#123 DONE cov: 4567 ft: 8910 corp: …`.
  progress() { sed -n "s/^#[0-9].* $1: \([0-9]*\).*/\1/p" "$log" | tail -1; }
  crashes=$(ls "$fuzz/artifacts/$target" | wc -l)
  printf '%-14s %10s %10s %8s %9s %7s\n' "$target" "$(stat number_of_executed_units)" "$(stat new_units_added)" \
    "$(progress cov)" "$(progress ft)" "$crashes"
  # One that didn't run to its end has failed, whatever the reason.
  if [ "$crashes" -gt 0 ] || ! grep -q '^Done ' "$log"; then
    failed=1
  fi
done
for target in "${targets[@]}"; do
  for artifact in "$fuzz/artifacts/$target"/*; do
    [ -e "$artifact" ] || continue
    printf '\n%s broke its rule; the log is %s. Again, and then kept as a test:\n  %s %s\n' \
      "$target" "$fuzz/target/logs/$target" "$binaries/$target" "$artifact"
    printf '  mkdir -p %s && mv %s %s && cargo test --package fuzz\n' \
      "$fuzz/regressions/$target" "$artifact" "$fuzz/regressions/$target"
  done
done
exit $failed
