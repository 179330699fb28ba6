#!/usr/bin/env bash
# Says what is missing before npm fails with something less clear.
set -euo pipefail
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "The page is built with Node.js, which isn't installed. Install version 20.19 or newer, then try again." >&2
  exit 1
fi
node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`The page is built with Node.js 20.19 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }'
