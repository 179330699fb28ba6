#!/usr/bin/env bash
# The browser the tests drive: Debian's Chromium without its windows where apt
# has it, elsewhere the one that Playwright brings. Nothing is done when it is
# there already.
set -euo pipefail
cd "$(dirname "$0")"
if [ -x /usr/bin/chromium-headless-shell ]; then
  exit 0
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
if command -v apt-get >/dev/null && $as_root apt-get update &&
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends \
    chromium-headless-shell fonts-dejavu-core; then
  exit 0
fi
npx playwright install --only-shell chromium
