# Every target does the set-up it needs; `make help` lists them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup build demo test lint format docs wheel bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRITON_NEWEST := .triton-newest
REQUIREMENTS := tools/requirements
LIBRARY := pyflex/_lib/libpyflex.so
CXX_SOURCES = $(shell find passes tools -name '*.cpp' -o -name '*.h')

# A fresh clone elsewhere on the machine finds the compiled objects of this one.
export CCACHE_BASEDIR := $(CURDIR)
# What ccache asks for before it caches objects that use a precompiled header.
export CCACHE_SLOPPINESS := pch_defines,time_macros

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: debian $(VENV)/.ready $(TRITON_NEWEST)/.ready  ## install what is missing: Debian packages, .venv, both Tritons

.PHONY: debian
debian:
	@tools/setup-debian.sh

$(VENV)/.ready: $(REQUIREMENTS)/torch.txt $(REQUIREMENTS)/triton-oldest.txt $(REQUIREMENTS)/dev.txt \
		tools/setup-python.sh | debian
	@tools/setup-python.sh $(VENV) $(PYTHON)
	@touch $@

$(TRITON_NEWEST)/.ready: $(REQUIREMENTS)/triton-newest.txt | $(VENV)/.ready
	@echo "installing $$(tail -n 1 $<) in $(TRITON_NEWEST)"
	@rm -rf $(TRITON_NEWEST)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--target $(TRITON_NEWEST) -r $<
	@touch $@

build: debian  ## build pyflex-opt and the library that pyflex loads
	@test -f build/build.ninja || cmake -G Ninja -B build
	@ninja -C build
	@$(MAKE) --no-print-directory $(LIBRARY)

# Renamed into place: a process that has the old library mapped keeps it whole.
$(LIBRARY): build/lib/libpyflex.so
	@mkdir -p $(@D)
	@strip -o $@.new $<
	@mv $@.new $@

demo: build $(VENV)/.ready  ## build all and run the example, with a short report
	@$(BIN)/python examples/demo.py

test: setup lint build  ## every check: lint, types, lit, pytest
	@echo "lit"
	@$(BIN)/lit --quiet dialect_tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests

lint: $(VENV)/.ready  ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy pyflex
	@$(BIN)/clang-format --dry-run -Werror $(CXX_SOURCES)

format: $(VENV)/.ready  ## rewrite the sources in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/clang-format -i $(CXX_SOURCES)

docs: debian  ## regenerate docs/dialects from the .td files
	@tools/docs.sh docs/dialects

wheel: build $(VENV)/.ready  ## make a self-contained wheel in dist/
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

bench: build $(VENV)/.ready  ## time pyflex beside torch; ARGS="--mode regret" and others: see ARGS=--help
	@$(BIN)/python benchmarks/run.py $(ARGS)

clean:  ## remove what the targets made, the installed packages aside
	rm -rf build dist pyflex/_lib .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.*' -prune -exec rm -rf {} +
