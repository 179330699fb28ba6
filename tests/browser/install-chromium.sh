#!/usr/bin/env bash
# The browser the tests drive: Debian's Chromium on Debian, elsewhere the one
# that Playwright brings (Ubuntu has no package of it, only a snap). Nothing is
# done when Debian's is there already.
set -euo pipefail
cd "$(dirname "$0")"
if [ -x /usr/bin/chromium ]; then
  exit 0
fi
if [ -r /etc/os-release ] && [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
  as_root=""
  [ "$(id -u)" = 0 ] || as_root="sudo"
  $as_root apt-get update
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install --yes --no-install-recommends chromium fonts-dejavu-core
elif command -v apt-get >/dev/null; then
  npx playwright install --with-deps chromium
else
  npx playwright install chromium
fi
