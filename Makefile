# Search-trace distillation. `make help` lists the targets; plain `make` sets up and runs the demonstration.

# A recipe of pipeline/recipes by name, or the path of your own.
RECIPE ?= demo
# More for the command line, as in ARGS='--domain.width=8 --workers 2'.
ARGS ?=
# More for pytest, as in PYTEST_ARGS='-m gpu'.
PYTEST_ARGS ?=
# The Python to build .venv with; empty takes the first one that is new enough.
PYTHON ?=
# Pinned versions, the ones that CI uses. `make setup CONSTRAINTS=` takes the newest in the ranges of
# pyproject.toml instead, say for a GPU that needs another build of torch.
CONSTRAINTS ?= .ci/constraints.txt
# Where torch without CUDA is had, for machines without an NVIDIA GPU: it saves some gigabytes.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

STAGES := generate curate encode train bootstrap evaluate report
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UNFINISHED := $(VENV)/.unfinished
SOURCES := pipeline generators trainers tests

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := demo
.PHONY: demo help setup $(STAGES) check test bench faults cluster-demo dist clean

demo: report ## set up, then run the recipe through every stage (the default)

help: ## list the targets
	@echo "make [TARGET] [RECIPE=name or path] [ARGS='--any.field=value ...']"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv and install pinned dependencies
	@echo '$(VENV) is ready'

generate: $(READY) ## draw problems, run the teacher, verify: shards of Parquet
curate: $(READY) ## drop duplicates and unsound rows, split: the data set
encode: $(READY) ## words to ids in the recipe's notation
train: $(READY) ## packed batches through Lightning: a checkpoint
bootstrap: $(READY) ## rounds of sampling, keeping the shortest, fine-tuning
evaluate: $(READY) ## answer the held-out split: rollouts and metrics
report: $(READY) ## one HTML page about everything above
$(STAGES):
	@$(BIN)/python -m pipeline $@ --recipe $(RECIPE) $(ARGS)

check: $(READY) ## format check, lint, types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

test: check ## check, then the tests
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

bench: $(READY) ## measure speeds and the longer recipes (up to an hour)
	@set -e; for file in $(wildcard tests/bench/*.py); do echo "$$file"; $(BIN)/python $$file $(ARGS); done

faults: $(READY) ## kill, fill, break, fuzz, soak; a table of what was lost (an hour)
	@PYTHONPATH=tests $(BIN)/python -m faults $(ARGS)

cluster-demo: $(READY) ## a Ray cluster of three nodes makes the bytes of a local run
	@$(BIN)/python -c 'import ray' 2>/dev/null \
	|| $(BIN)/python -m pip install -q $(addprefix -c ,$(CONSTRAINTS)) -e '.[ray]'
	@$(BIN)/python -m pipeline.clusterdemo $(ARGS)

# Beside the other outputs, which git ignores and `make clean` keeps.
dist: $(READY) ## build the wheel and the source archive: artifacts/dist
	@rm -rf artifacts/dist
	$(BIN)/python -m hatchling build -d artifacts/dist

clean: ## remove .venv and caches; artifacts stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(SOURCES) -name __pycache__ -prune -exec rm -rf {} +

# $(call system,TEST,PACKAGE): where the command TEST fails, install PACKAGE through apt without asking;
# where that is not allowed, one sentence says what is missing.
define system
if ! $(1) >/dev/null 2>&1; then \
  if test "$$(id -u)" = 0; then root=env; else root='sudo -n'; fi; \
  if command -v apt-get >/dev/null && $$root true 2>/dev/null; then \
    echo 'installing $(2) through apt'; \
    $$root apt-get update -qq; \
    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
  fi; \
  if ! $(1) >/dev/null 2>&1; then \
    echo 'The system package $(2) is missing; install it and run make again.' >&2; exit 1; \
  fi; \
fi
endef

# The first Python that is new enough, and the package in which Debian ships its venv.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
FOUND = $(firstword $(foreach python,$(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11),\
  $(shell $(python) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(python))))
VENV_PACKAGE = $(if $(FOUND),$(shell $(FOUND) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'))
TORCH = $(or $(shell sed -n '/^torch==/p' $(CONSTRAINTS) /dev/null),torch)

# Without an NVIDIA GPU the build for CPUs is tried first; where its index cannot be reached, pip takes the usual one.
define cpu_torch
if ! nvidia-smi -L >/dev/null 2>&1 && ! $(BIN)/python -m pip show -q torch 2>/dev/null; then \
  $(BIN)/python -m pip install -q --no-deps --timeout 10 --retries 1 --index-url $(TORCH_CPU_INDEX) '$(TORCH)' \
  || echo 'No torch for CPUs from $(TORCH_CPU_INDEX); taking the usual build.'; \
fi
endef

# A set-up that was cut short leaves UNFINISHED behind, and perhaps a package half copied: the next one starts anew.
$(READY): pyproject.toml $(CONSTRAINTS)
	@test -n '$(FOUND)' || { echo 'Python 3.11 or newer is needed; name one as in make PYTHON=python3.12' >&2; exit 1; }
	@$(call system,$(FOUND) -m ensurepip --version,$(VENV_PACKAGE))
	@test -n '$(LIBSWIPL_PATH)' || ( $(call system,command -v swipl,swi-prolog-nox) ) \
	|| echo 'Only the Prolog recipes and the tests marked engine need it; set-up goes on.' >&2
	@test -n '$(STOCKFISH_PATH)' || ( $(call system,PATH=$$PATH:/usr/games command -v stockfish,stockfish) ) \
	|| echo 'Only the chess recipes and the tests marked engine need it; set-up goes on.' >&2
	@( $(call system,command -v chromium,chromium) ) \
	|| echo 'Only the tests marked browser need it; set-up goes on.' >&2
	@if test -e $(UNFINISHED) || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  $(FOUND) -m venv --clear $(VENV); \
	fi
	@touch $(UNFINISHED)
	@$(cpu_torch)
	$(BIN)/python -m pip install $(addprefix -c ,$(CONSTRAINTS)) -e '.[dev]'
	@$(BIN)/python -m pipeline compile || echo 'The first run will compile what it needs.' >&2
	@rm $(UNFINISHED) && touch $@
