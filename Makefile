# The commands of the project. `make demo` and `make test` do all the set-up a fresh machine needs.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

# The locks name everything, so pip has nothing to work out.
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -q

# The pip that comes with Python 3.11 takes twice as long to choose what the locks have chosen already.
define venv
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
$(PYTHON) -m venv $(VENV)
$(INSTALL) -r requirements-pip.lock
endef

$(VENV)/.run: requirements.lock requirements-pip.lock
	$(venv)
	$(INSTALL) -r requirements.lock
	touch $@

# What runs is part of it. The tests compile what they import; all of it was a third of the work.
$(VENV)/.dev: requirements-dev.lock requirements.lock requirements-pip.lock
	$(venv)
	$(INSTALL) --no-compile -r requirements-dev.lock
	touch $(VENV)/.run $@

.PHONY: help demo drill serve test check bench storm month year chaos lock schemas screenshots stories system browser

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## set everything up and run the centre with a small simulated town
	@CALLCENTER_DATA_DIR=$${CALLCENTER_DATA_DIR:-var/demo} exec $(BIN)/python -m callcenter demo

drill: $(VENV)/.run ## play a recorded day (DAY=file SPEED=60) in a marked centre of its own
	@CALLCENTER_DRILL=1 CALLCENTER_DATA_DIR=$${CALLCENTER_DATA_DIR:-var/drill} exec $(BIN)/python -m callcenter drill $(DAY) --speed $(or $(SPEED),60)

serve: $(VENV)/.run ## run the centre (settings: CALLCENTER_*, see docs/operations.md)
	@exec $(BIN)/python -m callcenter serve

test: ## set everything up and run the tests (under 6 minutes)
	@$(MAKE) --no-print-directory -j2 $(VENV)/.dev system
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

storm: $(VENV)/.dev ## a hundred times the busy hour for a minute: presses, stuck buttons, returning bracelets, heartbeats
	@exec $(BIN)/python -m benchmarks.storm $(ARGS)

month: $(VENV)/.dev ## simulate a month of 2,000 residents in virtual time and check every alert: 6 minutes (ARGS="--seed 7 --days 3")
	@exec $(BIN)/python -m benchmarks.month $(ARGS)

year: $(VENV)/.dev ## simulate a year of 2,000 residents without a database, every promise checked at every step: a minute (ARGS="--seed 7 --days 30")
	@exec $(BIN)/python -m benchmarks.year $(ARGS)

chaos: $(VENV)/.dev system ## break a deployment of many processes for 10 minutes and count what was lost (ARGS="--seed 7 --minutes 3")
	@exec $(BIN)/python -m tests.chaos $(ARGS)

lock: $(VENV)/.dev ## resolve the locked requirements anew
	echo pip | $(LOCK) --upgrade -o requirements-pip.lock -
	$(LOCK) --upgrade -o requirements.lock pyproject.toml
	$(LOCK) --extra dev -c requirements.lock -c requirements-pip.lock -o requirements-dev.lock pyproject.toml

screenshots: $(VENV)/.dev ## make the README's pictures anew, from a demo
	@exec $(BIN)/python -m tools.screenshots

schemas: $(VENV)/.run ## write the generated files: JSON Schemas of the payloads, docs/alert-states.md
	$(BIN)/python -m tools.generate
