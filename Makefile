# 7taps Analytics. `make help` lists everything. Needs Python 3.11 or newer and make, nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := app migrations tests benchmarks
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help run demo test test-fast bench check fix lock secrets clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## run the whole system in the foreground: stores, API, worker, scheduler
	@exec $(BIN)/python -m app up

demo: $(VENV)/.installed ## send a made-up course through the door of the running system, then print its report
	@$(BIN)/python -m app demo $(ARGS)

test: $(VENV)/.installed-dev ## all tests, on a real PostgreSQL and Redis that the tests start themselves
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

test-fast: $(VENV)/.installed-dev ## the tests that start no processes of their own
	@$(BIN)/python -m pytest -m "not flow" $(ARGS)

bench: $(VENV)/.installed ## measure on stores of its own; one JSON line per figure, with ratios from the same run
	@$(BIN)/python -m benchmarks $(ARGS)

check: $(VENV)/.installed-dev ## black, isort, ruff, mypy, import-linter, alembic check
	$(BIN)/black --check --quiet $(SOURCES) || { $(BIN)/black --diff --quiet $(SOURCES); false; }
	$(BIN)/isort --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.alembic_check

fix: $(VENV)/.installed-dev ## format and mend what can be mended without thinking
	$(BIN)/isort --quiet $(SOURCES)
	$(BIN)/black --quiet $(SOURCES)
	$(BIN)/ruff check --quiet --fix $(SOURCES)

lock: $(VENV)/.installed-dev ## compile requirements*.in into requirements*.txt
	$(PIP) install uv
	$(BIN)/$(LOCK) requirements.in -o requirements.txt
	$(BIN)/$(LOCK) requirements-dev.in -o requirements-dev.txt

secrets: $(VENV)/.installed ## write .env with fresh secrets; where there is one, print what it lacks
	@$(BIN)/python -m app secrets --write .env

clean: ## remove the virtual environment and every cache; the data in .data stays
	rm -rf $(VENV) .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "This Python cannot make virtual environments (on Debian: apt install python3-venv)." >&2; exit 1; }

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@
