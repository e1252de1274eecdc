# `make demo` and `make check` need nothing but Python >= 3.11: they set up .venv by themselves, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AZURITE := $(VENV)/azurite
# What is pinned: all that the tests need.
EXTRAS := reference engine postgresql dask fsspec obstore gcs s3 azure cloud service conformance dev
PACKAGES := spec/resultspec reference/resultspec_reference conformance/resultspec_conformance

ADAPTERS := $(patsubst reference/adapter_tests/%/constraints.txt,%,$(wildcard reference/adapter_tests/*/constraints.txt))

# A worker of the tests waits for a disk or another process half of its time.
WORKERS := $(shell echo $$(($$(nproc) * 3 / 2)))

.PHONY: help install check lint types test docs adapters wheel-test dist demo bench kill-matrix matrix comparison engines typing-table lock

help:  ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

install: $(STAMP) $(AZURITE)/.installed  ## Set up .venv with everything that the targets below need

# What is compiled once is not compiled in each of the processes that tests start, where Python may write no caches.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q $(PACKAGES) conformance/tests
	touch $(STAMP)

# The emulator of Azure that the tests start. Without npm they say what is missing, and fail where CI is set.
$(AZURITE)/.installed: reference/tests/azurite/package-lock.json | $(STAMP)
	mkdir -p $(AZURITE)
	cp reference/tests/azurite/package.json reference/tests/azurite/package-lock.json $(AZURITE)
	if npm ci --prefix $(AZURITE) --ignore-scripts --no-audit --no-fund --loglevel=error; then touch $@; \
	else echo "npm could not install Azurite, so the tests of AzureResultHandler cannot run"; fi

# What installs waits for the network and the disk: it begins first, and the others run beside it.
check: install  ## Everything that CI checks; the tests come last
	$(MAKE) --no-print-directory --jobs=$(shell nproc) --output-sync=target wheel-test adapters types docs lint
	$(MAKE) --no-print-directory test

lint: install  ## Style and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install  ## mypy and pyright, strict
	$(BIN)/mypy $(PACKAGES) spec/typing_tests reference/typing_tests reference/adapter_tests/typed
	$(BIN)/pyright

# Real processes, emulators and kills can be starved once on a busy machine: what failed is run once more, alone, for all to see.
test: install  ## The tests
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal || $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none

docs: install  ## The documentation, warnings as errors
	$(BIN)/sphinx-build -q -n -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

wheel-test: install  ## Build the wheel, and use it as its users do: bare with pytest, and with the extras
	sh conformance/tests/wheel_test.sh $(BIN)/python

dist: install  ## What a release uploads, and whether an index would take it
	rm -rf dist
	$(BIN)/python -m build --no-isolation > /dev/null
	$(BIN)/python -m twine check --strict dist/*

adapters: $(ADAPTERS:%=adapter-%)  ## The adapters, each beside its product in an environment of its own

adapter-%: $(VENV)/adapters/%/.installed
	$(VENV)/adapters/$*/bin/mypy --cache-dir $(VENV)/adapters/$*/mypy -m resultspec_reference.adapters.$*
	$(VENV)/adapters/$*/bin/python -m pytest -q --confcutdir=reference/adapter_tests reference/adapter_tests/$*

$(VENV)/adapters/%/.installed: reference/adapter_tests/%/constraints.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)/adapters/$*
	$(VENV)/adapters/$*/bin/python -m pip install --quiet --require-hashes -r $<
	$(VENV)/adapters/$*/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# Make would take it for a file in between, and remove it.
.PRECIOUS: $(VENV)/adapters/%/.installed

# The third violates the specification, for which the command ends with 1: here that is what is to be seen, and no error.
demo: install  ## Judge two handlers of the reference and one over a third-party store
	$(BIN)/resultspec check \
	  "resultspec_reference:LocalResultHandler(directory='{scratch}/results')" \
	  resultspec_reference:JSONResultHandler \
	  examples/diskcache_handler.py:DiskCacheHandler || test $$? -eq 1

# The suite is timed as its users install it. Prefect wants other versions of what the project uses, hence an environment too.
bench: install $(VENV)/comparison/.installed  ## Times of the suite, and of LocalResultHandler, beside their peers: ratios of one run
	$(PYTHON) -m venv --clear $(VENV)/user
	$(VENV)/user/bin/python -m pip install --quiet '.[reference,conformance]'
	$(VENV)/user/bin/python conformance/benchmarks/suite.py --peers $(VENV)/comparison/bin/python --data docs/data/suite.json
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[bench]'
	test -d $(VENV)/prefect || $(PYTHON) -m venv $(VENV)/prefect
	$(VENV)/prefect/bin/python -m pip install --quiet 'prefect>=3.4,<4' 'fastapi==0.150.0' numpy
	$(BIN)/python reference/benchmarks/local.py --prefect $(VENV)/prefect/bin/python --data docs/data/local.json

kill-matrix: install comparison  ## Which rules notice which saboteur, and which kits which defects, as data for the documentation
	$(BIN)/python conformance/comparison/kill_matrix.py

matrix: install  ## Which handlers keep which rules: ours, and plain ones over stores of others
	$(BIN)/python -m pip install --quiet --no-build-isolation -e '.[matrix]'
	$(BIN)/python conformance/comparison/matrix.py

comparison: $(VENV)/comparison/.installed  ## Which kits notice which defects of a store; installs the kits into an environment of their own
	$(VENV)/comparison/bin/python conformance/comparison/compare.py

$(VENV)/comparison/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)/comparison
	$(VENV)/comparison/bin/python -m pip install --quiet -e '.[conformance,comparison]'
	touch $@

engines: engine-reference $(patsubst reference/adapter_tests/%/driver.py,engine-%,$(wildcard reference/adapter_tests/*/driver.py))  ## What the suite says of engines, as data for the documentation

engine-reference: install
	cd reference/tests && ../../$(BIN)/python ../../conformance/comparison/engine_report.py engine_driver:subject ../../docs/data/engines/reference.json

engine-%: $(VENV)/adapters/%/.installed
	cd reference/adapter_tests/$* && \
	  ../../../$(VENV)/adapters/$*/bin/python ../../../conformance/comparison/engine_report.py driver:subject ../../../docs/data/engines/$*.json

typing-table: install  ## What five type checkers make of the typing tests; installs them into an environment of their own
	$(PYTHON) -m venv $(VENV)/typing
	$(VENV)/typing/bin/python -m pip install --quiet -e '.[typing]'
	$(VENV)/typing/bin/python conformance/comparison/typing_table.py $(BIN)/python

lock:  ## Pin every dependency anew; needs uv
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  $(EXTRAS:%=--extra %) pyproject.toml -o constraints.txt
	for adapter in $(ADAPTERS); do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --extra $$adapter --extra conformance --extra adapter-tests pyproject.toml -o reference/adapter_tests/$$adapter/constraints.txt; \
	done
