# Two commands do all the set-up: `make run` serves, `make test` tests. `make help` lists the rest.
HOST ?= 127.0.0.1
PORT ?= 8080
PYTEST_ARGS ?= --numprocesses 3 --dist loadfile
BIN := .venv/bin
INPUTS := pyproject.toml tools/setup.sh

.DEFAULT_GOAL := help
.PHONY: help run test check lint bench drill train lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

.venv/.run-ready: requirements.txt $(INPUTS)
	@sh tools/setup.sh run

.venv/.dev-ready: requirements-dev.txt $(INPUTS)
	@sh tools/setup.sh dev

run: .venv/.run-ready ## serve the shipped models and the sample wiki on http://127.0.0.1:8080 (PORT=, HOST=)
	@ASSAY_LOG__LEVEL=$${ASSAY_LOG__LEVEL:-warning} ASSAY_LOG__JSON=$${ASSAY_LOG__JSON:-false} \
		exec $(BIN)/assay serve --host $(HOST) --port $(PORT)

test: .venv/.dev-ready ## the whole test suite
	$(BIN)/pytest $(PYTEST_ARGS)

lint: .venv/.dev-ready ## format, lint, types and floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## all that CI checks

bench: .venv/.dev-ready ## measure speed, as ratios side by side
	$(BIN)/python bench/extraction.py
	$(BIN)/python bench/index_dump.py
	$(BIN)/python bench/quality.py
	PYTHONPATH=tests $(BIN)/python -m bench.agreement
	PYTHONPATH=tests $(BIN)/python -m bench.serving
	PYTHONPATH=tests $(BIN)/python -m bench.streams

drill: .venv/.dev-ready ## seeded defects, rolled out in two data centres on this machine, under load
	$(BIN)/assay drill

train: .venv/.dev-ready ## train every shipped bundle again from ../shared/data
	$(BIN)/assay train --all --data ../shared/data --output src/assay/bundles

lock: .venv/.dev-ready ## pin the dependencies anew, with hashes
	$(BIN)/python -m pip --quiet install uv
	$(BIN)/uv pip compile pyproject.toml --group build --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --quiet --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --quiet --constraints requirements.txt --output-file requirements-dev.txt

clean: ## remove the environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
