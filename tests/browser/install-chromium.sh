#!/usr/bin/env bash
# The browser the tests drive: Debian's Chromium where there is apt, elsewhere
# the one that Playwright brings. Nothing is done when it is there already.
set -euo pipefail
cd "$(dirname "$0")"
if [ -x /usr/bin/chromium ]; then
  exit 0
fi
if command -v apt-get >/dev/null; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root="sudo"
  $as_root apt-get update
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends chromium fonts-dejavu-core
else
  npx playwright install chromium
fi
