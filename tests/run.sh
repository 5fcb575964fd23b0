#!/usr/bin/env bash
# All tests, in three streams side by side, because most of them wait for real processes.
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

run() { .venv/bin/python -m pytest -p no:cacheprovider "$@"; }

run tests/e2e >"$logs/e2e" 2>&1 &
e2e=$!
# A browser on a busy machine is now and then late: what failed is tried once more, and said so.
browse() { .venv/bin/python -m pytest -o cache_dir="$logs/cache" tests/browser "$@"; }
{ browse || { echo "SECOND TRY of the browser tests that failed:"; browse --last-failed; }; } >"$logs/browser" 2>&1 &
browser=$!
run tests/unit tests/integration
first=$?
wait "$e2e"
second=$?
wait "$browser"
third=$?
cat "$logs/e2e" "$logs/browser"
echo "exit codes: unit and integration $first, end to end $second, browser $third; ${SECONDS} s in all"
exit $((first || second || third))
