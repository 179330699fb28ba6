#!/usr/bin/env bash
# The functions that are deployed link one HTTP stack. A second hyper, rustls
# or a second crypto library would slow every cold start.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$(cargo tree --locked --package functions --edges normal --prefix none --format '{p}')
for crate in hyper rustls h2 tokio-rustls; do
  versions=$(printf '%s\n' "$tree" | grep -E "^$crate v" | sed 's/ (.*//' | sort -u)
  count=$(printf '%s' "$versions" | grep -c . || true)
  if [ "$count" -gt 1 ]; then
    printf 'More than one %s:\n%s\n' "$crate" "$versions" >&2
    exit 1
  fi
done
if printf '%s\n' "$tree" | grep -qE '^(ring|openssl|native-tls) v'; then
  echo 'A second crypto library is linked: ring, openssl or native-tls.' >&2
  exit 1
fi
printf 'one of each: %s\n' "$(printf '%s\n' "$tree" | grep -E '^(hyper|rustls|aws-lc-rs) v' | sed 's/ (.*//' | sort -u | tr '\n' ' ')"
