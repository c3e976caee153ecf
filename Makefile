# `make help` lists what there is. Everything installs into .venv of this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# What is installed is what the lock says, on the Pythons that the tests run on; elsewhere the ranges of the package.
LOCKED = $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
# The oldest SDK of Pulumi that the package allows.
OLDEST = $(shell sed -n 's/.*"pulumi>=\([0-9.]*\).*/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup lock demo demo-flink check format test test-portable test-full test-slow test-flink chaos bench clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(STAMP) ## install the package and all its tools into .venv (SDK=oldest|newest takes another SDK than the lock's)

$(STAMP): pyproject.toml requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing packages into $(VENV) (once) ..."
	@if $(LOCKED); then \
	  $(PIP) install --require-hashes -r requirements/dev.lock && $(PIP) install --no-build-isolation --no-deps -e .; \
	else $(PIP) install -e '.[dev]'; fi
	@case "$(SDK)" in \
	  oldest) $(PIP) install "pulumi==$(OLDEST)" ;; \
	  newest) $(PIP) install --upgrade "pulumi>=$(OLDEST),<4" ;; \
	esac
	@touch $@

lock: $(STAMP) ## settle anew which packages are installed, with their hashes, and write NOTICE
	@$(PIP) install uv
	@$(BIN)/uv pip compile pyproject.toml --upgrade --extra dev -o requirements/dev.lock $(LOCK_OPTIONS)
	@$(BIN)/uv pip compile pyproject.toml --upgrade --extra flink -c requirements/dev.lock -o requirements/flink.lock $(LOCK_OPTIONS)
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(BIN)/python requirements/notice.py > NOTICE
	@touch $(STAMP)

# One lock for all platforms and all Pythons from the oldest on; it names no place to download from.
LOCK_OPTIONS = --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links
FLINK = if $(LOCKED); then $(PIP) install --require-hashes -r requirements/flink.lock; else $(PIP) install -e '.[flink]'; fi

demo: $(STAMP) ## the quick start against a local DLI (ENGINE=pulumi|embedded forces an engine)
	@$(BIN)/python examples/demo.py

demo-flink: $(STAMP) ## the same on a real Apache Flink: upgrade, crash, rollback, seen in a stream's count (needs a JDK)
	@$(FLINK)
	@$(BIN)/python examples/demo_flink.py

check: $(STAMP) ## lint, types and import directions; no test is run
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## rewrite the sources in the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test: $(STAMP) ## the tests (about ten minutes on two cores)
	@$(BIN)/python -m pytest -n auto -m "not slow" $(PYTEST_ARGS)

test-portable: $(STAMP) ## the tests in which Python and Pulumi's SDK matter (PYTHON=, SDK=oldest|newest, VENV=)
	@$(BIN)/python -m pytest -n auto -m "not slow" $(PYTEST_ARGS) tests/host tests/resources tests/specs

test-full: test-slow test-flink ## the slow tests: kill matrices, whole programs, a real Flink

test-slow: $(STAMP)
	@$(BIN)/python -m pytest -n auto -m "slow and not java" $(PYTEST_ARGS)

test-flink: $(STAMP)
	@if command -v javac >/dev/null 2>&1; then \
	  echo "installing Flink's own libraries (once) ..."; \
	  $(FLINK); \
	else echo "no JDK (javac) found: the tests with a real Flink are skipped"; fi
	@$(BIN)/python -m pytest -m java $(PYTEST_ARGS)

chaos: $(STAMP) ## seeded programs under faults, kills and people's acts: figures, and each seed that fails (N=1000, FIRST=0)
	@$(BIN)/python -m tests.chaos -n $(or $(N),100) --first $(or $(FIRST),0)

bench: $(STAMP) ## cost of a deployment by number of jobs, in calls and time (N="1 10 100 500", ENGINE=pulumi|embedded)
	@$(BIN)/python -m benchmarks $(if $(N),--jobs $(N)) $(if $(ENGINE),--engine $(ENGINE))

clean: ## remove what was installed and built
	rm -rf $(VENV) .venvs build dist *.egg-info
