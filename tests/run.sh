#!/usr/bin/env bash
# Everything that is checked, each part named as it begins. A part that can't run fails: nothing is skipped.
#
# Two lanes share the machine. The first has what waits for a model, a browser or a clock, one part after another;
# the second has what can wait, most of which takes what the first leaves of the processor. What changes sources runs
# alone, at the end.
#
# What a part prints is shown when it ends, and is in target/test-logs while it runs. The table at the end is kept in
# target/test-timings.txt, all that was printed in target/test.log.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:?run this by make test}"

# Clippy compiles what is of the workspace, so that it is linted while it is built, and a warning is an error. (`cargo
# clippy` would read all dependencies once more, for its own use.)
export RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=--deny=warnings
# Nothing is built twice here, but for what the watched part changes.
export CARGO_INCREMENTAL=0

out=$CARGO_TARGET_DIR
logs=$out/test-logs
rm -rf "$logs"
mkdir -p "$logs"
exec > >(tee "$out/test.log") 2>&1

# Runs one part: its name, then its command. The first that fails ends its lane.
part() {
  local name=$1 began=$SECONDS outcome=held log
  shift
  log=$logs/$(date +%s%N).log
  printf -- '-> %s\n' "$name"
  set +e
  (set -e && "$@") >"$log" 2>&1
  [ $? = 0 ] || outcome=FAILED
  set -e
  {
    flock 9
    printf '\n== %s\n' "$name"
    cat "$log"
    printf '%-98.98s %6s %6d s  %s\n' "$name" "$(cases "$log")" $((SECONDS - began)) "$outcome" >>"$logs/rows"
  } 9>"$logs/lock"
  [ "$outcome" = held ] || exit 1
}

# Cases are counted by the closing lines of cargo, vitest, Playwright and unittest, and by what the deployment's tests
# say that they have shown.
cases() {
  sed 's/\x1b\[[0-9;]*m//g' "$1" | awk '
    /^test result:/ { cases += $4 + $6 }
    /^ +Tests +[0-9]+ passed/ { cases += $2 }
    /^ +[0-9]+ (passed|failed)/ { cases += $1 }
    /^Ran [0-9]+ tests? in/ { cases += $2 }
    /^  shown: / { cases++ }
    END { print cases ? cases : "-" }'
}

lane=
ended() {
  local outcome=$?
  trap - EXIT
  [ -z "$lane" ] || kill -- "-$lane" 2>/dev/null || true
  {
    printf '\n== What was tried in %d minutes\n%-98s %6s\n' $((SECONDS / 60)) "" cases
    cat "$logs/rows"
  } | tee "$out/test-timings.txt"
  exit "$outcome"
}
trap ended EXIT

# A lane in the background, in a process group of its own.
beside() {
  set -m
  ("$@") &
  lane=$!
  set +m
}

# Waits for the lane; a part of it that failed fails all.
beside_is_done() {
  local done=$lane
  lane=
  wait "$done"
}

formatting() {
  git ls-files -z '*.rs' | xargs -0 rustfmt --edition 2024 --check
}

page_checks() {
  make --silent static-site/node_modules/.installed
  npm --prefix static-site run --silent check
}

tools() {
  make --silent tools
}

built() {
  cargo build --locked --workspace --bins --examples
  # Benchmarks are built to be linted.
  cargo test --locked --workspace --no-run --test '*' --bench '*'
  beside_themselves --no-run
}

# Tests beside what they are of. The packages left out have none.
beside_themselves() {
  cargo test --locked --workspace --exclude functions --exclude fuzz --exclude tests --lib --bin generate "$@"
}

rules() {
  beside_themselves
  cargo test --locked --workspace --test model_connection_faults --test model_wire_faults \
    --test model_refusals --test feed_faults
  cargo test --locked --workspace --doc
}

workshop() {
  cargo test --locked --workspace --test workshop -- --test-threads=3 \
    --skip retrieval --skip authorisation --skip misbehaviour
}

retrieval() {
  cargo test --locked --workspace --test workshop retrieval -- --nocapture
  cargo test --locked --workspace --test copies -- --nocapture
}

while_it_builds() {
  part "Tools of the tests: npm, PyPI, a browser" tools
  part "The page: types from the OpenAPI document, TypeScript, lints" page_checks
  part "The page's rules: extraction, merging, the journal, a draft's session" \
    npm --prefix static-site run --silent test
  part "Build: the page" make --silent page
}

# Takes what others leave of the processor.
gently() {
  renice -n 10 -p "$BASHPID" >/dev/null
  "$@"
}

that_can_wait() {
  part "Rules, beside the rules; a model's wire and feeds with the faults of scripted servers" gently rules
  part "What strangers send, as a fuzzer found it: the kept inputs of every parser hold its rules" \
    gently cargo test --locked --workspace --test kept
  part "The schedules of 100 seeds: faults before the store, deaths, duplicates, clocks; nothing lost or done twice" \
    gently cargo test --locked --workspace --test simulation -- --nocapture
  part "How good the search is, by the judged set: nDCG@10 of words, of meaning and of both; and 60 pairs of articles" \
    gently retrieval
  part "The template: linters, a policy check, and each function's rights held to what its binary reaches" \
    gently make --silent test-template
  part "Killed at any moment: nothing acknowledged is lost, every run ends" \
    gently cargo test --locked --workspace --test killed -- --test-threads=1
  part "Twenty people at the main job at once, and while the machine is killed: no 5xx, nothing lost, memory flat" \
    gently cargo test --locked --workspace --test load -- --nocapture --test-threads=1
  part "Each handler a process, of ours and under cargo lambda watch: streaming, nothing left running" \
    gently make --silent test-watch ONLY="--skip what_changed"
  part "The API held to its OpenAPI document by schemathesis, with a token and without" make --silent test-api
}

part "Formatting" formatting
part "One family of builds: no dependency is compiled twice" tests/one-build.sh
part "No test is left out" tests/all-run.py
part "One HTTP stack: no second hyper, rustls or ring in what is deployed" tests/one-stack.sh
beside while_it_builds
part "Build: every binary, example and test, once; lints: warnings are errors" built
beside_is_done
part "What is derived from routes, jobs and tables is as they say" make --silent routes CHECK=yes
beside that_can_wait
part "The whole workshop through its front door: real stores over the wire, the real small model" workshop
part "No way in without a good token: every route, by every way" \
  cargo test --locked --workspace --test workshop authorisation -- --nocapture
part "Each misbehaviour of a model's server, and what its user is told" \
  cargo test --locked --workspace --test workshop misbehaviour -- --nocapture
part "No port of the machine answers a page of another site, by the system's list of sockets" \
  cargo test --locked --workspace --test sockets -- --nocapture
part "The main job deployed: template and binaries in an emulator of AWS that enforces IAM, signed in in a browser" \
  make --silent test-deploy
part "The page in a real browser: the main job with the real small model, nothing lost, accessible, safe" \
  make --silent test-browser
beside_is_done
# Last: it changes sources, and what is built of them.
part "A changed source is served without a restart, and one that doesn't compile is told of" \
  make --silent test-watch ONLY=what_changed
