# The commands to remember. Each sets up what it needs in $(VENV), with the versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
SETTINGS := pyproject.toml setup.py constraints.txt $(wildcard csrc/*)

.PHONY: help forecast test check bench docs site asan clean

help:
	@echo "make forecast   forecast examples/monthly_milk_production.csv, beside the baselines"
	@echo "make test       run the tests"
	@echo "make check      linter, types, layer contract, docs and public names"
	@echo "make bench      measure the main job and the kernels (long)"
	@echo "make docs       draw the figures of the documentation, build its site and serve it"
	@echo "make site       the same without serving it, into build/site"
	@echo "make asan       run the kernel tests under AddressSanitizer"
	@echo "make clean      remove what the others made"

forecast: $(VENV)/.package
	$(BIN)/ostinato forecast examples/monthly_milk_production.csv

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist worksteal

check: $(VENV)/.check
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/test_docs.py tests/test_public_api.py

bench: $(VENV)/.test
	$(BIN)/python benchmarks/main_job.py
	$(BIN)/python benchmarks/kernels.py

docs: site
	$(BIN)/mkdocs serve

site: $(VENV)/.docs
	$(BIN)/python docs/figures.py
	$(BIN)/mkdocs build

asan: $(VENV)/.test
	OSTINATO_SANITIZE=address $(BIN)/python setup.py --quiet build_ext --build-lib build/asan --build-temp build/asan-objects
	OSTINATO_LIBRARIES=build/asan/ostinato/lib ASAN_OPTIONS=detect_leaks=0 \
		LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
		$(BIN)/python -m pytest tests/kernels -m "not slow"

clean:
	rm -rf $(VENV) build src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis ostinato-*/

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ostinato needs Python 3.11 or newer; set PYTHON=/path/to/it"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) "setuptools>=77" wheel torch

$(VENV)/.package: $(VENV)/bin/python $(SETTINGS)
	$(PIP) --no-build-isolation --editable ".[baselines]"
	@touch $@

$(VENV)/.test: $(VENV)/.package
	$(PIP) --no-build-isolation --editable ".[baselines,test]"
	@touch $@

$(VENV)/.check: $(VENV)/.test
	$(PIP) --no-build-isolation --editable ".[baselines,test,check]"
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	$(PIP) --no-build-isolation --editable ".[baselines,docs]"
	@touch $@
