#!/usr/bin/env bash
# What takes too long for every change, in under an hour on two cores. Each part prints a table of what was tried,
# how often, and what failed. All parts run, whatever one of them finds.
set -uo pipefail
cd "$(dirname "$0")/.."

parts=() failed=0
part() {
  local name=$1 began=$SECONDS outcome=held
  shift
  printf '\n== %s\n' "$name"
  "$@" || { outcome=FAILED && failed=1; }
  parts+=("$(printf '%-76s %6d s  %s' "$name" $((SECONDS - began)) "$outcome")")
}

# As tests are built in any case, so that dependencies are built once for them and for the machine.
export CARGO_PROFILE_BENCH_PANIC=unwind

# Each night tries other seeds: those of its date.
first_seed=$(date +%Y%m%d)0000

# The schedules and the load take a tenth of the time when they are optimised.
part "Build" cargo build --locked --profile bench --package local --package tests --lib --bins --tests
part "The schedules of 10,000 seeds, from $first_seed on" \
  env WORKSHOP_SEEDS=10000 WORKSHOP_FIRST_SEED="$first_seed" \
  cargo test --locked --profile bench --package tests --test simulation -- --nocapture
part "The API held to its document, 400 examples an operation" make --silent test-api EXAMPLES=400 SEED="$RANDOM"
part "The template, as SAM's own command lints it" \
  env SAM_CLI_TELEMETRY=0 .venv/bin/sam validate --lint --template infra/template.yaml --region us-east-1
part "Nothing hinders anyone at 360 pixels, in the dark as well" \
  env WORKSHOP_EVERY_LOOK=yes make --silent test-browser ONLY="nothing hinders anyone"
part "Fuzzing, a minute a target" tests/fuzz/run.sh 60
part "200 people for two minutes, and again while the machine is killed every 10 s" \
  env WORKSHOP_LOAD_USERS=200 WORKSHOP_LOAD_SECONDS=120 WORKSHOP_LOAD_KILL_EVERY=10 \
  cargo test --locked --profile bench --package tests --test load -- --nocapture --test-threads=1

printf '\n== What was tried in %d minutes\n' $((SECONDS / 60))
printf '%s\n' "${parts[@]}"
exit $failed
