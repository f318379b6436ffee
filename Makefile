# What each target does stands beside it; `make help` prints the list.
PYTHON ?= python3
# A pyenv shim can stand on the PATH without a 3.7 behind it, so ask pyenv's folder first.
PYTHON37 ?= $(or $(lastword $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.7.*/bin/python)),python3.7)
VENV := .venv
BIN := $(VENV)/bin
# The peers (TensorFlow 1.15.5, TensorFlow 2.21, JAX) are large: they live outside the checkout and are made once.
PEERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/reflow/peers
export REFLOW_PEERS := $(PEERS)

# torch is installed first, in its CPU build if pip finds one: TORCH_INDEX=... names an index that has it.
# (Without one, a Linux machine gets the build that pulls gigabytes of CUDA; it works as well.)
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)
TORCH_INDEX ?=
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST_ARGS ?= -n 2
# Two test processes on two cores: one thread each.
test oracle: export OMP_NUM_THREADS = 1
DEMO_LOGS ?= runs/mnist_mlp

.PHONY: help venv demo test lint bench bench-ops goldens oracle browser peers alias clean
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s ':'

venv: $(VENV)/.installed ## make the virtual environment (.venv) with Reflow in it, as a developer has it

# The stamp keeps an unchanged environment from being installed again.
$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) 'torch==$(TORCH)'
	$(PIP) install -q -c constraints.txt -e '.[dev]'
	$(BIN)/python -c 'from reflow.ops.native import build_all, extensions; build_all(); extensions.build_all()'
	touch $@

demo: venv ## train a network on MNIST, restore its checkpoint in a new process, say how to open TensorBoard
	$(BIN)/reflow run examples/mnist_mlp.py --logdir $(DEMO_LOGS)
	$(BIN)/reflow run examples/mnist_mlp.py --logdir $(DEMO_LOGS) --restore
	@echo
	@echo 'The graph and the curves:  $(BIN)/tensorboard --logdir $(DEMO_LOGS)'

test: venv ## run the fast tests
	$(BIN)/pytest $(PYTEST_ARGS)

lint: venv ## check style, types and the rooms' contract
	$(BIN)/ruff check .
	$(BIN)/mypy reflow --exclude reflow/ops/
	$(BIN)/lint-imports

bench: venv peers ## print the benchmark table, the peers beside Reflow
	$(BIN)/python -m benchmarks

bench-ops: venv peers ## the same for single operations; writes docs/op_benchmarks.md (half an hour)
	$(BIN)/python -m benchmarks op --impl reflow,tf1,tf2,torch --seconds 0.1 --op-markdown docs/op_benchmarks.md

goldens: venv $(PEERS)/tf1/.done $(PEERS)/tf2/.done ## record tests/goldens anew from TensorFlow 1.15.5
	for script in tests/goldens/make_*.py; do $(PEERS)/tf1/bin/python $$script || exit 1; done
	$(BIN)/python -m tests.differential.record

oracle: venv peers ## run the tests that compare with TensorFlow while they run
	$(BIN)/pytest -m oracle

browser: venv ## run the tests that open TensorBoard in a headless Chromium
	$(BIN)/pytest -m browser

alias: venv ## install the distribution that gives Reflow the name `tensorflow`
	$(PIP) install -q --no-deps ./alias

clean: ## remove what the targets above made in the checkout
	rm -rf $(VENV) build dist runs .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(PEERS)/tf1/.done: peers/tf1.txt
	$(PYTHON37) -m venv $(PEERS)/tf1
	$(PEERS)/tf1/bin/pip install -q -U 'pip<24.1'
	$(PEERS)/tf1/bin/pip install -q -r peers/tf1.txt
	touch $@

$(PEERS)/%/.done: peers/%.txt
	$(PYTHON) -m venv $(PEERS)/$*
	$(PEERS)/$*/bin/pip install -q -r peers/$*.txt
	touch $@

peers: $(PEERS)/tf1/.done $(PEERS)/tf2/.done $(PEERS)/jax/.done ## install the peers that goldens and benchmarks compare with
