# The commands of the project. `make demo` and `make test` do all the set-up a fresh machine needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

$(VENV)/.run: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

.PHONY: help demo serve test check bench month year chaos lock schemas screenshots stories system browser

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## set everything up and run the centre with a small simulated town
	@CALLCENTER_DATA_DIR=$${CALLCENTER_DATA_DIR:-var/demo} exec $(BIN)/python -m callcenter demo

serve: $(VENV)/.run ## run the centre (settings: CALLCENTER_*, see docs/operations.md)
	@exec $(BIN)/python -m callcenter serve

test: $(VENV)/.dev system ## set everything up and run the tests (under 6 minutes)
	@tests/run.sh

stories: $(VENV)/.dev system ## run the long tests: stories of the telephone, orderly stops, the rules on PostgreSQL too, ten days of a town (about 20 minutes)
	@code=0; for part in telephone browser e2e integration; do $(BIN)/python -m pytest -p no:cacheprovider -m long tests/$$part || code=1; done; exit $$code

system: ## install the Debian packages the tests need, or name them
	@tests/system.sh

check: $(VENV)/.dev ## lint, types, and what is outdated or vulnerable
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/vendor.py check
	-$(BIN)/pip-audit -r requirements.lock --disable-pip --require-hashes --progress-spinner off
	-$(BIN)/python -m pip list --outdated --disable-pip-version-check

bench: $(VENV)/.dev ## measure press to frame and press to painted row next to the bare floors of the same run
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.console

month: $(VENV)/.dev ## simulate a month of 2,000 residents in virtual time and check every alert: 6 minutes (ARGS="--seed 7 --days 3")
	@exec $(BIN)/python -m benchmarks.month $(ARGS)

year: $(VENV)/.dev ## simulate a year of 2,000 residents without a database, every promise checked at every step: two minutes (ARGS="--seed 7 --days 30")
	@exec $(BIN)/python -m benchmarks.year $(ARGS)

chaos: $(VENV)/.dev ## kill processes at random points for a while and count what was lost
	@VNH_KILLS=$${VNH_KILLS:-60} VNH_OUTAGE_S=$${VNH_OUTAGE_S:-30} exec $(BIN)/python -m pytest -p no:cacheprovider tests/e2e -s

lock: $(VENV)/.dev ## resolve the locked requirements anew
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q --upgrade -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q -o requirements-dev.lock

screenshots: $(VENV)/.dev ## make the README's pictures anew, from a demo
	@exec $(BIN)/python -m tools.screenshots

schemas: $(VENV)/.run ## write the generated files: JSON Schemas of the payloads, docs/alert-states.md
	$(BIN)/python -m tools.generate
