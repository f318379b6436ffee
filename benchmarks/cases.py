"""The table of what is measured, and how a worker prepares each case."""

import importlib
from typing import NamedTuple, Optional, Tuple

from benchmarks.implementations import SESSIONS
from benchmarks.models.base import multiply_adds
from benchmarks.ops import OPS

EVERYONE = ("reflow", "tf1", "tf2", "torch", "torch-compile", "jax")
INTERPRETED = ("reflow", "tf1", "tf2", "torch", "jax")
TRAINED = ("mlp", "lenet", "cifar", "lstm_small", "lstm_large")
EAGER = ("reflow", "tf1", "tf2", "torch")
NETWORKS = ("alexnet", "vgg_a", "overfeat", "googlenet")
# Enough that no implementation could profit from seeing one batch again and again.
BATCH_COUNT = 4


class Case(NamedTuple):
    """A model in a mode, a micro measurement in a variant, or an operation: one row of a table, or one a metric."""

    name: str
    module: str
    variant: str
    implementations: Tuple[str, ...]
    unit: str
    rounds: Optional[int] = None

    @property
    def is_model(self):
        return self.module.startswith("models.")

    @property
    def is_op(self):
        return self.module == "ops"

    @property
    def op(self):
        return OPS[self.variant]

    @property
    def model(self):
        return importlib.import_module("benchmarks." + self.module).MODEL

    @property
    def batch(self):
        return 1 if self.variant == "inference" else self.model.batch

    @property
    def multiply_adds(self):
        """Of one step; None for micro measurements."""
        return multiply_adds(self.model, self.variant, self.batch) if self.is_model else None

    def prepare(self, name, framework, batch=None):
        """The program of this case in implementation `name`, whose module is `framework` (None for imports)."""
        if self.is_model:
            return prepare_model(name, framework, self.model, self.variant, batch or self.batch)
        return importlib.import_module("benchmarks." + self.module).prepare(name, framework, self.variant)


def prepare_model(name, framework, model, mode, batch, batch_count=BATCH_COUNT):
    """A model's program: `mode` is one of those that `benchmarks.drivers` lists."""
    if name in SESSIONS:
        from benchmarks.drivers.session_driver import SessionProgram

        return SessionProgram(framework, model, mode, batch, batch_count)
    if name == "jax":
        from benchmarks.drivers.jax_driver import JaxProgram

        return JaxProgram(framework, model, mode, batch, batch_count)
    from benchmarks.drivers.torch_driver import TorchProgram

    return TorchProgram(framework, model, mode, batch, batch_count, compiled=name == "torch-compile")


def _models():
    for name in TRAINED + NETWORKS:
        yield Case(name, "models." + name, "train", EVERYONE, "ms")
    for mode in ("forward", "inference"):
        for name in NETWORKS:
            yield Case(name + "/" + mode, "models." + name, mode, EVERYONE, "ms")


def _micro():
    yield Case("overhead", "micro.overhead", "", SESSIONS, "us")
    yield Case("build/dense", "micro.build", "dense", SESSIONS, "us")
    yield Case("build/chain", "micro.build", "chain", SESSIONS, "us")
    yield Case("first_run", "micro.first_run", "", SESSIONS, "s", rounds=3)
    yield Case("tiny_chain", "micro.tiny_chain", "", INTERPRETED, "us")
    for variant in ("uniform", "normal", "truncated"):
        yield Case("random/" + variant, "micro.random_ops", variant, INTERPRETED, "ms")
    yield Case("import", "micro.imports", "", INTERPRETED, "s")


def _ops():
    for name in OPS:
        yield Case("op/" + name, "ops", name, EAGER, "us")


CASES = {case.name: case for case in (*_models(), *_micro(), *_ops())}
# Not a row: the machine's matrix-product rate, measured beside every model.
PRODUCT = Case("product", "micro.product", "", ("torch",), "ms")
