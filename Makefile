# What a developer needs, from nothing but CPython 3.11 or later, make and a package index.
# Each target first sets up .venv; nothing else has to be installed or activated.

# The first interpreter that really runs (a shim may exist and fail) and can make a venv.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && echo "$$python" && break; done)
WORKERS ?= auto

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UNFINISHED := $(VENV).unfinished
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test lint docs bench wheel-test clean

help:
	@echo "make demo | serve | test | lint | docs | bench | wheel-test | clean"

setup: $(READY)

# An environment whose set-up was killed half-way is made anew. One whose set-up failed in
# order (no network, say) is whole, and is only completed.
$(READY): pyproject.toml Makefile
	@rm -f $@
	@if [ -e $(UNFINISHED) ] || ! $(BIN)/python -c \
		'import sys, pip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
		if [ -z "$(PYTHON)" ]; then \
			echo "No CPython 3.11 or later with its venv module was found." \
				"Install one, or name it: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		echo "Setting up $(VENV) with $(PYTHON)"; \
		touch $(UNFINISHED) && $(PYTHON) -m venv --clear $(VENV) || exit 1; \
	fi
	@touch $(UNFINISHED); status=0; \
	{ $(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' \
		&& $(BIN)/python -m pip install --quiet --editable . --group dev; } || status=$$?; \
	rm -f $(UNFINISHED); \
	[ $$status -eq 0 ] || { echo "Setting up $(VENV) failed; 'make' tries again." >&2; exit $$status; }
	@touch $@

demo: $(READY)
	@$(BIN)/mailfailover demo

# The service on http://127.0.0.1:8000 with a mailbox, if no provider is configured.
serve: $(READY)
	@$(BIN)/mailfailover serve --preview

test: $(READY)
	$(PYTEST) --cov

# Every check runs, whatever an earlier one said.
lint: $(READY)
	@status=0; \
	run() { echo "$$*"; "$(BIN)/$$@" || status=1; }; \
	run ruff check .; \
	run ruff format --check .; \
	run mypy; \
	run codespell; \
	run validate-pyproject pyproject.toml; \
	exit $$status

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --nitpicky --keep-going --quiet \
		-b html docs docs/_build/html
	$(BIN)/python -m pytest tests/test_docs_examples.py

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks.bench

wheel-test: $(READY)
	@bash .ci/wheel-test

# Leaves .venv: it repairs itself.
clean:
	rm -rf docs/_build dist build htmlcov .coverage .coverage.* .hypothesis \
		.pytest_cache .mypy_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
