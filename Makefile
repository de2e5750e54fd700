# `make demo` shows a deploy, `make test` proves it; both make their own .venv.
.PHONY: demo test rehearse record-calls conformance conformance-sweep lint clean servers bench help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(VENV)/.installed: requirements.txt requirements-local.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("cannot make .venv: Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ". Run make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.installed ## Replace four running servers under traffic, with no AWS account
	@$(BIN)/python -m examples.demo

bench: $(VENV)/.installed ## Measure what a deploy costs, and write docs/performance.md
	@$(BIN)/python -m benchmarks $(PARTS)

servers: ## Install the Debian packages of the real servers that tests use (as root)
	@scripts/install-test-servers

test: $(VENV)/.installed servers ## Run the tests, without the long rehearsals
	@$(BIN)/python -m pytest -n 4 --no-loadscope-reorder -m "not long" tests

rehearse: $(VENV)/.installed servers ## Run all rehearsals, also the long ones
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder tests/rehearsal

conformance: $(VENV)/.installed ## Hold the embedded cloud to AWS's behaviour; or a real account, see docs/conformance.md
	@$(BIN)/python -m tests.conformance $(ARGS)

conformance-sweep: $(VENV)/.installed ## Remove what conformance runs that are over left in a real account
	@$(BIN)/python -m tests.conformance sweep $(RUN)

record-calls: $(VENV)/.installed ## Record which AWS calls each task makes; fab iam_policy is made from them
	@FABSCALE_RECORD_CALLS=1 $(BIN)/python -m pytest tests/rehearsal

lint: $(VENV)/.installed ## Check style, types, templates and shell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/lint_templates.py

clean: ## Stop the embedded cloud and remove everything that was made
	@if [ -x $(BIN)/fab ]; then $(BIN)/fab local_down || true; fi
	rm -rf $(VENV) .fab build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
