# One command per habit. Each sets up what it needs: `make run` and `make test` work on a bare machine with Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check lint format bench bench-turn docs clean

run: $(READY)
	$(BIN)/python -m local up --sample

# What runs the app inside of the tests' process measures its coverage, which slows it; the rest goes without.
COVERED := tests/models tests/cosmos tests/functions

test: lint
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term $(COVERED)
	$(BIN)/python -m pytest --numprocesses 2 $(COVERED:%=--ignore=%)

# For the everyday: in a minute, without the stack.
check: lint
	$(BIN)/python -m pytest --quiet --numprocesses 2 tests/models tests/docs tests/test_structure.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m bench

# What a live turn costs of the host's processor time, and where that goes.
bench-turn: $(READY)
	$(BIN)/python -m bench turn_time

docs: $(READY)
	$(BIN)/python -m docs.data_model
	$(BIN)/python -m docs.api_description
	$(BIN)/python -m docs.rights
	$(BIN)/python -m bench capacity --write

clean:
	rm -rf $(VENV) .data .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(READY): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Vimarsh needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12 " + "$(MAKECMDGOALS)")'
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[local,dev]'
	@touch $(READY)
