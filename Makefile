# Two commands do everything: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test torture bench docs format clean

run: $(VENV)/.run
	$(BIN)/atisbo serve

test: $(VENV)/.test
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m checks.secrets
	$(BIN)/python -m checks.advisories
	$(BIN)/pytest

bench: $(VENV)/.test build/peers build/keras
	$(BIN)/python -m benchmarks.road
	$(BIN)/python -m benchmarks.peers
	$(BIN)/python -m benchmarks.crowd

torture: $(VENV)/.test
	$(BIN)/pytest -m torture -s tests/torture

build/mlserver: tests/inference/mlserver/requirements.txt
build/peers: benchmarks/peers/requirements.txt
build/keras: benchmarks/peers/keras.txt
build/mlserver build/peers build/keras:
	$(PYTHON) -m venv $@
	$@/bin/pip install --disable-pip-version-check --quiet --requirement $<
	touch $@

docs: $(VENV)/.test
	$(BIN)/mkdocs build --strict

format: $(VENV)/.test
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Atisbo needs Python 3.11 or newer; set PYTHON=/path/to/it" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable .
	$(BIN)/python -m compileall -q src
	touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[test]'
	touch $@ $(VENV)/.run
