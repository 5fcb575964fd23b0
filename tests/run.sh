#!/usr/bin/env bash
# All tests but the long ones, six parts at a time, because many wait for real processes or for a story. Eight are no
# faster on two cores (306 s and 303 s; five: 352 s), and then they wait for each other.
set -uo pipefail
cd "$(dirname "$0")/.."

# Processes are killed here, never the machine, so files in memory prove the same and wait for no disk (330 s became
# 243 s). `make chaos` runs on the disk.
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null && export TMPDIR=/dev/shm
scratch=$(mktemp -d)
chmod 755 "$scratch"  # PostgreSQL runs as a user of its own
export TMPDIR=$scratch
trap 'rm -rf "$scratch"' EXIT

# Ten Pythons and more import the same: what one of them has compiled the next ones read, whatever the shell says.
export PYTHONDONTWRITEBYTECODE=

export PYTEST_ADDOPTS='-m "not long"'  # six minutes on two shared cores; `make stories` runs the long ones

# The longest first, so that all end at about the same time. Browser tests have pytest runs of their own: their event
# loop disturbs the others. They wait for a browser more than they work, so there are two.
parts=(
  "unit tests/unit"
  "sqlite-a tests/integration/test_[a-s]*.py -m 'not long and not postgres'"
  "telephone tests/telephone"
  "browser-a tests/browser/test_[a-o]*.py"
  "browser-p tests/browser/test_[p-z]*.py"
  "postgres tests/integration -m 'not long and postgres'"
  "e2e tests/e2e"
  "sqlite-t tests/integration/test_[t-z]*.py -m 'not long and not postgres'"
)

# On a busy machine whatever waits is now and then late: what failed is tried once more, and said so. An example that
# hypothesis has found is kept, and fails again.
part() {
  local name=$1 code began=$SECONDS
  shift
  # What hangs says where, and ends.
  tests() {
    timeout --foreground 900 .venv/bin/python -m pytest -o cache_dir="$scratch/cache-$name" -o faulthandler_timeout=300 "$@"
  }
  tests "$@"
  code=$?
  if ((code && code != 124)); then
    echo "SECOND TRY of what failed:"
    tests --last-failed --last-failed-no-failures none "$@"
    code=$?
  fi
  times >"$scratch/times"-"$name"
  echo "$name $code, $((SECONDS - began)) s, at work $(tail -n 1 "$scratch/times-$name")" >>"$scratch/codes"
}

for one in "${parts[@]}"; do
  while (($(jobs -rp | wc -l) >= 6)); do wait -n; done
  eval "part $one" >"$scratch/${one%% *}.log" 2>&1 &
done
wait
cat "$scratch"/*.log
echo "exit codes: $(paste -sd ';' "$scratch/codes"); $SECONDS s in all"
[ "$(grep -c ' 0, ' "$scratch/codes")" = "${#parts[@]}" ]
