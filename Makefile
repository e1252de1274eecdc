# `make demo` and `make check` need nothing but Python >= 3.11: they set up .venv by themselves, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PACKAGES := spec/resultspec reference/resultspec_reference conformance/resultspec_conformance

.PHONY: help install check lint types test docs wheel-test demo bench lock

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

install: $(STAMP)  ## Set up .venv with everything that the targets below need

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $(STAMP)

check: lint types docs wheel-test test  ## Everything that CI checks; the tests come last

lint: install  ## Style and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install  ## mypy and pyright, strict
	$(BIN)/mypy $(PACKAGES) spec/typing_tests
	$(BIN)/pyright

test: install  ## The tests
	$(BIN)/python -m pytest -q

docs: install  ## The documentation, warnings as errors
	$(BIN)/sphinx-build -q -n -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

wheel-test: install  ## Build the wheel, and use it as its users do: bare with pytest, and with the extras
	sh conformance/tests/wheel_test.sh $(BIN)/python

demo: install  ## Judge two handlers of the reference and one over a third-party store
	$(BIN)/resultspec check \
	  "resultspec_reference:LocalResultHandler(directory='{scratch}/results')" \
	  resultspec_reference:JSONResultHandler \
	  examples/diskcache_handler.py:DiskCacheHandler

# Prefect wants other versions of what the project uses: it gets an environment of its own.
bench: install  ## Times of the suite, and of LocalResultHandler beside its peers: ratios of one run
	$(BIN)/python conformance/benchmarks/suite.py
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[bench]'
	test -d $(VENV)/prefect || $(PYTHON) -m venv $(VENV)/prefect
	$(VENV)/prefect/bin/python -m pip install --quiet 'prefect>=3.4,<4' 'fastapi==0.150.0' numpy
	$(BIN)/python reference/benchmarks/local.py --prefect $(VENV)/prefect/bin/python --data docs/data/local.json

lock:  ## Pin every dependency anew; needs uv
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra reference --extra engine --extra postgresql --extra dask --extra conformance --extra dev pyproject.toml -o constraints.txt
