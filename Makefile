# What a developer needs, from nothing but CPython 3.11 or later, make and a package index.
# Each target first sets up .venv; nothing else has to be installed or activated.

# The first interpreter that really runs (a shim may exist and fail) and can make a venv.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1 && echo "$$python" && break; done)
WORKERS ?= auto

VENV := .venv
BIN := $(VENV)/bin
UNFINISHED := $(VENV).unfinished
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4

# Bytecode is written: without it each worker and each started process compiles every module anew.
unexport PYTHONDONTWRITEBYTECODE

# What the targets need in .venv. The environment grows: a target adds what it lacks.
with-cli := --editable '.[cli]'
with-service := --editable '.[service]'
with-test := --editable . --group test
with-test-all := --editable . --group test-all
with-docs := --editable . --group test --group docs
with-dev := --editable . --group dev

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-rest test-all lint docs bench wheel-test clean
.NOTPARALLEL:

help:
	@echo "make demo         see a failover: three vendors on this machine fail and recover"
	@echo "make serve        the e-mail service, with a mailbox on http://127.0.0.1:8000"
	@echo "make test         the quick tests"
	@echo "make test-all     every test, with the coverage; needs the servers of docs/testing.md"
	@echo "make lint         ruff, mypy, codespell"
	@echo "make docs         the documentation, in docs/_build/html"
	@echo "make bench        what a mail costs"
	@echo "make wheel-test   the tests against the built wheel, on each CPython that is here"
	@echo "make setup        everything for all of these in $(VENV)"
	@echo "make clean        remove what these have written, but $(VENV)"

# An environment whose set-up was killed half-way is made anew. One whose set-up failed in
# order (no network, say) is whole, and is only completed.
$(VENV)/.with-%: pyproject.toml Makefile
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
	{ $(BIN)/python -m pip install --quiet 'pip>=25.1' \
		&& $(BIN)/python -m pip install --quiet $(with-$*); } || status=$$?; \
	rm -f $(UNFINISHED); \
	[ $$status -eq 0 ] || { echo "Setting up $(VENV) failed; 'make' tries again." >&2; exit $$status; }
	@touch $@

setup: $(VENV)/.with-dev
	@touch $(addprefix $(VENV)/.with-,cli service test test-all docs)

demo: $(VENV)/.with-cli
	@$(BIN)/mailfailover demo

# The service on http://127.0.0.1:8000 with a mailbox, if no provider is configured.
serve: $(VENV)/.with-service
	@$(BIN)/mailfailover serve --preview

# tests/conftest.py says which tests are slow. What pytest names at the end has become slow.
# xdist hands out files in a tenth of the time that it needs for tests.
# COVERAGE=1 leaves the coverage in a file, to which `make test-rest` adds its own.
test: $(VENV)/.with-test
	$(PYTEST) --dist loadfile -q -m "not slow" --hypothesis-profile quick \
		--durations 5 --durations-min 0.5 \
		$(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0)

# What `make test COVERAGE=1` leaves out: the slow tests, and properties with all their examples.
test-rest: $(VENV)/.with-test-all
	$(PYTEST) --dist loadgroup -m "slow or hypothesis" --cov --cov-append \
		--durations 20 --durations-min 5

test-all:
	@status=0; \
	$(MAKE) test COVERAGE=1 || status=1; \
	$(MAKE) test-rest || status=1; \
	exit $$status

# Every check runs, whatever an earlier one said.
lint: $(VENV)/.with-dev
	@status=0; \
	run() { echo "$$*"; "$(BIN)/$$@" || status=1; }; \
	run ruff check .; \
	run ruff format --check .; \
	run mypy; \
	run codespell; \
	run validate-pyproject pyproject.toml; \
	exit $$status

docs: $(VENV)/.with-docs
	$(BIN)/python -m sphinx --fail-on-warning --nitpicky --keep-going --quiet \
		-b html docs docs/_build/html

bench: $(VENV)/.with-dev
	@$(BIN)/python -m tests.benchmarks.bench

wheel-test: $(VENV)/.with-test
	@bash .ci/wheel-test

# Leaves .venv: it repairs itself.
clean:
	rm -rf docs/_build dist build htmlcov .coverage .coverage.* .hypothesis \
		.pytest_cache .mypy_cache .ruff_cache
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
