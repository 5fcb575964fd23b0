#!/usr/bin/env bash
# The tests use the real things. Install what is missing where that is possible; name it where it is not.
set -u
declare -A wanted=([mosquitto_pub]=mosquitto-clients [/usr/sbin/mosquitto]=mosquitto [chromium-headless-shell]=chromium-headless-shell [promtool]=prometheus)
missing=()
for program in "${!wanted[@]}"; do
  command -v "$program" >/dev/null 2>&1 || missing+=("${wanted[$program]}")
done
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
fc-list 2>/dev/null | grep -qi 'cjk\|wenquanyi' || missing+=(fonts-noto-cjk)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing ${missing[*]} ..."
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "Missing: ${missing[*]}. Tests that need them are skipped; install them with: apt-get install ${missing[*]}" >&2
[ "${CI:-}" = true ] && exit 1
exit 0
