# What each target does stands beside it; `make help` prints the list.
PYTHON ?= python3
# A pyenv shim can stand on the PATH without a 3.7 behind it, so ask pyenv's folder first.
PYTHON37 ?= $(or $(lastword $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.7.*/bin/python)),python3.7)
VENV := .venv
BIN := $(VENV)/bin
# The peers (TensorFlow 1.15.5, TensorFlow 2.21, JAX) are large: they live outside the checkout and are made once.
PEERS ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/reflow/peers
export REFLOW_PEERS := $(PEERS)

.PHONY: help peers venv
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s ':'

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
