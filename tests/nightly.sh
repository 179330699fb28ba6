#!/usr/bin/env bash
# What takes too long for every change, in under an hour on two cores. Each part prints what was tried, how often,
# and what failed; all parts run, whatever one of them finds.
set -uo pipefail
cd "$(dirname "$0")/.."

parts=() failed=0
part() {
  local name=$1 began=$SECONDS outcome=held
  shift
  printf '\n== %s\n' "$name"
  "$@" || { outcome=FAILED && failed=1; }
  parts+=("$(printf '%-72s %6d s  %s' "$name" $((SECONDS - began)) "$outcome")")
}
