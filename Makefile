# Everything a person or a machine does with this project. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first Python of the machine that is new enough.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$name; break; fi; done)
BIN := .venv/bin
SOURCES := $(wildcard cursor_monitor worker tests bench chaos scripts rxconfig.py)
ONLY ?=

.PHONY: help run test lint fix bench chaos fuzz scan audit screenshots clean install install-dev sbom page-lock python

help: ## list what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: python ## install everything and start the product on http://localhost:3000 (PORT, HOST, … change it)
	@export CURSOR_MONITOR_STARTED=$$(date +%s); \
	$(PYTHON) scripts/install.py requirements.lock && exec $(BIN)/python -m cursor_monitor.cli up

test: lint ## run every check and the whole test suite, browser included
	@CHROMIUM_PATH="$$($(BIN)/python scripts/browser.py)"; export CHROMIUM_PATH; \
	PGBOUNCER_PATH="$$($(BIN)/python scripts/pgbouncer.py)"; export PGBOUNCER_PATH; \
	REDIS_SERVER_PATH="$$($(BIN)/python scripts/redis_server.py)"; export REDIS_SERVER_PATH; \
	export PYTHONDONTWRITEBYTECODE=; \
	$(BIN)/pytest -n 4 --dist worksteal -m "not e2e" --ignore=tests/e2e && \
	$(BIN)/pytest -n 2 --dist worksteal -m e2e tests/e2e tests/runtime/test_up.py

lint: install-dev ## check style, types and the import rules
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

fix: install-dev ## mend style where a tool can
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: install-dev ## measure against peers and limits; ONLY=name runs one part
	$(BIN)/python -m bench $(ONLY)

chaos: install-dev ## break everything at random and prove that nothing was lost or paid twice; SEED, ORCHESTRATIONS, WORKERS, GAP_SECONDS; REPORT=1
	$(BIN)/python -m chaos

fuzz: install-dev ## ask the whole API in 10,000 ways that its document allows and forbids; CALLS changes how many
	FUZZ_CALLS=$(or $(CALLS),10000) $(BIN)/pytest -q -s tests/integration/api/test_openapi.py

scan: install-dev ## look for credentials in every file and in all that was ever committed
	$(BIN)/python -m scripts.secret_scan

audit: install-dev ## ask for known holes in the Python packages, where their database can be reached
	$(BIN)/python -m scripts.audit

sbom: install ## list what the product is made of in sbom.json (CycloneDX)
	$(BIN)/python -m scripts.sbom > sbom.json

screenshots: install-dev ## take a picture of every page, in light, dark and on a phone; ONLY=name, README=1 renews the README's
	ONLY="$(ONLY)" README="$(README)" $(BIN)/python scripts/screenshots.py

page-lock: install ## renew reflex.lock, the npm packages of the pages
	$(BIN)/python -m cursor_monitor.runtime.pages --update-lock

install: python ## create .venv and install what running needs
	@$(PYTHON) scripts/install.py requirements.lock

install-dev: python ## create .venv and install what developing needs
	@$(PYTHON) scripts/install.py requirements-dev.lock

clean: ## remove everything that can be made again; the data stays
	rm -rf .venv .web .states assets/external .pytest_cache .ruff_cache .hypothesis .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python3"; exit 1; }
