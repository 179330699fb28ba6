#!/usr/bin/env bash
# The browser the tests drive: Debian's Chromium without its windows where apt
# has it, elsewhere the one that Playwright brings (Ubuntu has no package of it,
# only a snap). Nothing is done when it is there already.
set -euo pipefail
cd "$(dirname "$0")"
if [ -x /usr/bin/chromium-headless-shell ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  npx playwright install --only-shell chromium
  exit
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
$as_root apt-get update
packages="chromium-headless-shell fonts-dejavu-core"
DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends $packages ||
  npx playwright install --with-deps --only-shell chromium
