# `make help` lists what there is. Everything installs into .venv of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-flink check format test test-full test-slow test-flink bench clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## install the package and all its tools into .venv

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing packages into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP) ## the quick start against a local DLI (ENGINE=pulumi|embedded forces an engine)
	@$(BIN)/python examples/demo.py

demo-flink: $(STAMP) ## the same on a real Apache Flink: upgrade, crash, rollback, seen in a stream's count (needs a JDK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[flink]'
	@$(BIN)/python examples/demo_flink.py

check: $(STAMP) ## lint, types and import directions; no test is run
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## rewrite the sources in the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: $(STAMP) ## the tests (under three minutes)
	@$(BIN)/python -m pytest -n auto -m "not slow" $(PYTEST_ARGS)

test-full: test-slow test-flink ## the slow tests: kill matrices, whole programs, a real Flink

test-slow: $(STAMP)
	@$(BIN)/python -m pytest -n auto -m "slow and not java" $(PYTEST_ARGS)

test-flink: $(STAMP)
	@if command -v javac >/dev/null 2>&1; then \
	  echo "installing Flink's own libraries (once) ..."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[flink]'; \
	else echo "no JDK (javac) found: the tests with a real Flink are skipped"; fi
	@$(BIN)/python -m pytest -m java $(PYTEST_ARGS)

bench: $(STAMP) ## cost of a deployment by number of jobs, in calls and time (N="1 10 100 500", ENGINE=pulumi|embedded)
	@$(BIN)/python -m benchmarks $(if $(N),--jobs $(N)) $(if $(ENGINE),--engine $(ENGINE))

clean: ## remove what was installed and built
	rm -rf $(VENV) build dist *.egg-info
