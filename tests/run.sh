#!/usr/bin/env bash
# All tests but the long ones, in six streams side by side, because most of them wait for real processes or for a story.
# Browser tests have a pytest run of their own: their event loop disturbs the others.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1

# Processes are killed here, never the machine, so files in memory prove the same and wait for no disk (330 s became
# 243 s). `make chaos` runs on the disk.
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null && export TMPDIR=/dev/shm
scratch=$(mktemp -d)
chmod 755 "$scratch"  # PostgreSQL runs as a user of its own
export TMPDIR=$scratch
trap 'rm -rf "$scratch"' EXIT
logs=$scratch/logs
mkdir "$logs"

export PYTEST_ADDOPTS='-m "not long"'  # six minutes on two shared cores; `make stories` runs the long ones

run() { .venv/bin/python -m pytest -p no:cacheprovider "$@"; }
# On a busy machine a browser is now and then late, and so is a story told fifteen times too fast: what failed there is
# tried once more, and said so.
twice() {
  local cache="$logs/cache-$1"
  shift
  .venv/bin/python -m pytest -o cache_dir="$cache" "$@" && return
  echo "SECOND TRY of what failed:"
  .venv/bin/python -m pytest -o cache_dir="$cache" --last-failed --last-failed-no-failures none "$@"
}

# Most of a test's time is waiting, so the streams are many; each has about the same work.
declare -A streams
start() {
  local stream=$1
  shift
  "$@" >"$logs/$stream" 2>&1 &
  streams[$stream]=$!
}
start e2e run tests/e2e
start browser twice browser tests/browser
start telephone twice telephone tests/telephone
start sqlite run tests/integration -k "not postgres"
start postgres run tests/integration -k postgres
run tests/unit
worst=$?
said="unit $worst"
for stream in sqlite postgres telephone browser e2e; do
  wait "${streams[$stream]}"
  code=$?
  cat "$logs/$stream"
  said+=", $stream $code"
  ((worst = worst || code))
done
echo "exit codes: $said; ${SECONDS} s in all"
exit $worst
