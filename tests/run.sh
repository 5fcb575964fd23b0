#!/usr/bin/env bash
# All tests: the fast ones first. Browser tests have a run of their own (their event loop disturbs the others).
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1
.venv/bin/python -m pytest tests --ignore tests/browser "$@"
.venv/bin/python -m pytest tests/browser
