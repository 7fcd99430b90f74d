SHELL := /bin/bash
PYTHON ?= python3
UV := 0.13.8
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: venv
venv: .venv/requirements.lock ## the environment in .venv, exactly as requirements.lock says

# The copy of the lock is written last: a half-made environment is never taken for a whole one.
# Compiling takes 20 seconds once, and 3 off the start of every Snakemake.
.venv/requirements.lock: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo >&2 \
	  "$(PYTHON) is missing or older than 3.11. Another one: make venv PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo >&2 \
	  "$(PYTHON) cannot make environments. Debian, Ubuntu: apt-get install python3-venv"; exit 1; }
	test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv==$(UV); }
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	cp requirements.lock $@

.PHONY: demo
demo: venv ## run the experiment that params.yaml names (as shipped: quickstart), to its report
	@snakemake
	@echo "Report: results/$$(sed -n 's/^experiment: *\([^ #]*\).*/\1/p' params.yaml)/report.pdf"

.PHONY: test
test: venv ## every test; those that need SLURM or real data say why they are skipped
	pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 25

.PHONY: lint
lint: venv ## style, types, and Snakemake's own linter
	ruff check
	ruff format --check
	mypy
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

.PHONY: lock
lock: venv ## write requirements.lock anew from pyproject.toml
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes \
	  --no-emit-index-url --python-version 3.11 -o requirements.lock
