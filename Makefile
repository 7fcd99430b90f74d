SHELL := /bin/bash
PYTHON ?= python3
UV := 0.13.8
BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)

# Extras that were installed once stay: .venv/extras lists them.
EXTRAS :=
comma := ,
KNOWN := $(patsubst locks/%.lock,%,$(wildcard locks/*.lock))
INSTALLED := $(filter $(KNOWN),$(shell cat .venv/extras 2>/dev/null))
WANTED := $(sort $(INSTALLED) $(subst $(comma), ,$(EXTRAS)))
UNKNOWN := $(filter-out $(KNOWN),$(WANTED))
$(if $(UNKNOWN),$(error EXTRAS: no such extra: $(UNKNOWN); known: $(KNOWN)))
LOCKS := requirements.lock $(WANTED:%=locks/%.lock)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: venv
venv: .venv/extras .venv/bin/fairtrial ## the environment in .venv, exactly as the locks say; EXTRAS=a,b adds extras

# The list of extras is written last: a half-made environment is never taken for a whole one.
# Compiling takes 20 seconds once, and 3 off the start of every Snakemake.
.venv/extras: $(LOCKS) $(if $(filter-out $(INSTALLED),$(WANTED)),FORCE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo >&2 \
	  "$(PYTHON) is missing or older than 3.11. Another one: make venv PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo >&2 \
	  "$(PYTHON) cannot make environments. Debian, Ubuntu: apt-get install python3-venv"; exit 1; }
	test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install -q uv==$(UV); }
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python $(LOCKS)
	printf '%s\n' $(WANTED) > $@

.venv/bin/fairtrial: workflow/fairtrial_command.py workflow/envs/command.sh .venv/extras
	sh workflow/envs/command.sh .venv

.PHONY: FORCE
FORCE:

.PHONY: demo
demo: venv ## run the experiment that params.yaml names (as shipped: quickstart), to its report
	@snakemake

# What checks and tests need, beside the extras that are there.
.PHONY: dev
dev:
	@$(MAKE) --no-print-directory venv EXTRAS=dev

PYTEST := pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
# One process more than cores: it has the tests with SLURM, which mostly wait.
MORE := --numprocesses $(shell echo $$(( $$(nproc) + 1 )))

.PHONY: check
check: lint ## lint and the fast tests, in five minutes
	$(PYTEST) -q -m "not slow and not slurm and not use and not gridengine"

.PHONY: test
test: dev ## every test but those of test-use; those that need SLURM or real data say why they are skipped
	$(PYTEST) $(MORE) --durations 25 -m "not use and not gridengine"

.PHONY: test-use
test-use: dev ## containers, remotes and servers, for real; what a machine lacks is said
	$(PYTEST) --durations 10 -m use

.PHONY: lint
lint: dev ## style, types, and Snakemake's own linter
	ruff check
	ruff format --check
	mypy
	snakefmt --check Snakefile workflow/Snakefile workflow/rules
	snakemake --lint

COMPILE := uv pip compile --quiet pyproject.toml --universal --generate-hashes \
  --no-emit-index-url --python-version 3.11

TOGETHER := .venv/together.lock

# The extras are resolved together first, so that several can be installed at once.
.PHONY: lock
lock: venv ## write requirements.lock and locks/ anew from pyproject.toml
	$(COMPILE) -o requirements.lock
	cp locks/dev.lock $(TOGETHER) && \
	$(COMPILE) --all-extras --constraint requirements.lock -o $(TOGETHER) && \
	for extra in $$(python -c 'import tomllib, pathlib; text = pathlib.Path("pyproject.toml").read_text(); \
	  print(*tomllib.loads(text)["project"]["optional-dependencies"])'); do \
	  $(COMPILE) --extra $$extra --constraint $(TOGETHER) -o locks/$$extra.lock || exit 1; done
	$(subst pyproject.toml,container/serve.in,$(COMPILE)) --constraint locks/dev.lock -o container/serve.lock

.PHONY: image
image: venv ## a container image of `fairtrial serve` for an exported ONNX file: MODEL=file.onnx [REPO=address]
	container/build.sh $(if $(MODEL),--model $(MODEL)) $(if $(REPO),--repo $(REPO)) $(if $(BASE),--base $(BASE))

.PHONY: schemas
schemas: venv ## write workflow/schemas/ anew from the models of params.yaml and config/
	PYTHONPATH=workflow python -m fairtrial.planning.schemas
