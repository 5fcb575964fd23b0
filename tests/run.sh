#!/usr/bin/env bash
# All tests, in two streams side by side, because most of them wait for real processes:
# what runs in this process or against one service, and what kills services or drives a browser.
# Browser tests have a pytest run of their own: their event loop disturbs the others.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1
log=$(mktemp)
trap 'rm -f "$log"' EXIT

second_stream() {
  local failed=0
  .venv/bin/python -m pytest -p no:cacheprovider tests/e2e || failed=1
  .venv/bin/python -m pytest -p no:cacheprovider tests/browser || failed=1
  return $failed
}

second_stream >"$log" 2>&1 &
second=$!
.venv/bin/python -m pytest -p no:cacheprovider tests/unit tests/integration
first_result=$?
wait "$second"
second_result=$?
cat "$log"
echo "unit and integration: exit $first_result; end to end and browser: exit $second_result; ${SECONDS} s in all"
exit $((first_result || second_result))
