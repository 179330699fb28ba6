#!/usr/bin/env bash
# Everything that is checked, each part named as it begins. A part that can't
# run fails: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

# All that is printed is also kept, so that the end can tell what was tried, how often, and what failed.
mkdir -p target
log=target/test.log
: > "$log"
exec > >(tee -a "$log") 2>&1

parts=() name="" began=0 from=0
part() {
  ended held
  name=$* began=$SECONDS from=$(wc -l <"$log")
  printf '\n== %s\n' "$name"
}

# What a part came to. Cases are counted by the closing lines of cargo, vitest, Playwright and unittest, and by what
# the deployment's tests say that they have shown.
ended() {
  [ -n "$name" ] || return 0
  local cases
  # What was printed last is in the log a moment later.
  sleep 0.3
  cases=$(tail -n "+$((from + 1))" "$log" | sed 's/\x1b\[[0-9;]*m//g' | awk '
    /^test result:/ { cases += $4 + $6 }
    /^ +Tests +[0-9]+ passed/ { cases += $2 }
    /^ +[0-9]+ (passed|failed)/ { cases += $1 }
    /^Ran [0-9]+ tests? in/ { cases += $2 }
    /^  shown: / { cases++ }
    END { print cases ? cases : "-" }')
  parts+=("$(printf '%-98.98s %6s %6d s  %s' "$name" "$cases" $((SECONDS - began)) "$1")")
}

summary() {
  local outcome=$?
  if [ "$outcome" = 0 ]; then ended held; else ended FAILED; fi
  printf '\n== What was tried in %d minutes\n%-98s %6s\n' $((SECONDS / 60)) "" cases
  printf '%s\n' "${parts[@]}"
  exit "$outcome"
}
trap summary EXIT

part "Formatting"
cargo fmt --all --check

part "Lints: warnings are errors"
cargo clippy --workspace --all-targets --locked -- --deny warnings

part "One HTTP stack: no second hyper, rustls or ring in what is deployed"
tests/one-stack.sh

part "The page: types from the OpenAPI document, TypeScript, lints"
make --silent static-site/node_modules/.installed
npm --prefix static-site run --silent check

part "The page's rules: extraction, merging, the journal, a draft's session"
npm --prefix static-site run --silent test

part "Build: the page, the local machine"
make --silent page
cargo build --package local --locked

part "Rules, beside the rules; the model's wire with the faults of a scripted server"
cargo test --package embedding --package shared --locked
cargo test --package functions --lib --locked
cargo test --package local --locked

part "What strangers send, as a fuzzer found it: the kept inputs of every parser hold its rules"
cargo test --package fuzz --locked

part "The schedules of 300 seeds: faults before the store, deaths, duplicates, clocks; nothing lost or done twice"
cargo test --package tests --test simulation --locked -- --nocapture

part "The whole workshop through its front door: real stores over the wire, the real small model"
cargo test --package tests --test workshop --locked -- --test-threads=3 \
  --skip retrieval --skip authorisation --skip misbehaviour

part "No way in without a good token: every route, by every way"
cargo test --package tests --test workshop --locked authorisation -- --nocapture

part "Each misbehaviour of a model's server, and what its user is told"
cargo test --package tests --test workshop --locked misbehaviour -- --nocapture

part "How good the search is, by the judged set: nDCG@10 of words, of meaning and of both"
cargo test --package tests --test workshop --locked retrieval -- --nocapture

part "Killed at any moment: nothing acknowledged is lost, every run ends"
cargo test --package tests --test killed --locked -- --test-threads=1

part "Twenty people at the main job at once, and while the machine is killed: no 5xx, nothing lost, memory flat"
cargo test --package tests --test load --locked -- --nocapture --test-threads=1

part "The API held to its OpenAPI document by schemathesis, with a token and without"
make --silent test-api

part "The template: linters, a policy check, and held to the routes, tables, binaries and what each can come to"
make --silent test-template

part "The main job under cargo lambda watch: each handler a process, streaming, a changed source"
make --silent test-watch

part "The main job deployed: template and binaries in an emulator of AWS that enforces IAM, signed in in a browser"
make --silent test-deploy

part "The page in a real browser: the main job with the real small model, nothing lost, accessible, safe"
make --silent test-browser
