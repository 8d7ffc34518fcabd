# The two commands of the README do all the set-up: `make build` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=
# Files of tests are shared out to so many processes.
PYTEST_JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PIP_ARGS ?=
# As installing a wheel does: where bytecode is not written, each start would compile anew.
COMPILE = $(BIN)/python -m compileall -q venvstacks_dag

# Sequences for the oracle, and the seed of the first.
N ?= 500
SEED ?= 1

.PHONY: build test check unit oracle run-apps clean

build: $(VENV)/.users
	$(BIN)/doit build

test: check unit

# Everything that looks at the code without running it.
check: $(VENV)/.developers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# All tests, with a coverage report; the pure rooms must stay above 95 % by branch.
unit: $(VENV)/.developers
	$(BIN)/coverage erase
	$(BIN)/pytest -n $(PYTEST_JOBS) --dist loadfile --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/coverage html -q
	$(BIN)/coverage report --skip-covered --skip-empty
	@for room in spec graph resolve archive inventory drawing; do \
	  $(BIN)/coverage report --include="venvstacks_dag/$$room/*" --fail-under=95 --format=total >/dev/null \
	  || { echo "coverage of venvstacks_dag/$$room is below 95 %"; exit 1; }; \
	done

# Random sequences of edits, builds, kills and reverts, in numbers that CI has no time for.
oracle: $(VENV)/.developers
	$(BIN)/python -m tests.oracle --sequences $(N) --seed $(SEED)

# Both demo applications, with their layers' own Python.
run-apps:
	specs/demo/_build/app-classifier/bin/python -P -m classifier
	specs/demo/_build/app-service/bin/python -P -m service

clean:
	rm -rf specs/*/_build specs/*/_artifacts htmlcov .coverage .coverage.*

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.users: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -e .
	$(COMPILE)
	touch $@

$(VENV)/.developers: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check $(PIP_ARGS) -e '.[dev]'
	$(COMPILE)
	touch $@ $(VENV)/.users
