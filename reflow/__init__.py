"""Reflow: the TensorFlow 1.x system in Python. `import reflow as tf` offers the 1.x API.

A program builds a dataflow graph; a `tf.Session` runs parts of it. `reflow.install()` makes `import tensorflow` resolve
here, and `reflow run script.py` does so for a whole program.
"""

import gc
import importlib
import sys

from reflow import namespace as _namespace
from reflow.engine import allocator as _allocator

# The rooms that hold public names. Importing them fills the export table.
_ROOMS = [
    "reflow.graph.context", "reflow.graph.nest", "reflow.graph.device", "reflow.graph.sparse_tensor",
    "reflow.graph.indexed_slices", "reflow.graph.graph_def", "reflow.graph.graph_util", "reflow.graph.meta_graph",
    "reflow.ops", "reflow.autodiff", "reflow.gradient_tape", "reflow.engine.session", "reflow.files",
    "reflow.platform", "reflow.variables", "reflow.ragged", "reflow.train", "reflow.lookup", "reflow.layers",
    "reflow.losses", "reflow.metrics", "reflow.distributions", "reflow.linear_operators", "reflow.summary",
    "reflow.profiler", "reflow.data_sets", "reflow.protos", "reflow.testing", "reflow.compat.legacy",
    "reflow.raw_ops",
]  # fmt: skip



def _import_rooms():
    _allocator.use_huge_pages()
    for room in _ROOMS:
        try:
            importlib.import_module(room)
        except ModuleNotFoundError as error:
            if not room.startswith(error.name or "?"):
                raise
    _namespace.assemble(sys.modules[__name__])


# What is imported stays. So the collector need not look at it again each time there is more of it, which takes a third
# of the import's time, nor later when a program's graph has grown. The garbage that stays with it is 1 MiB.
_collects_garbage = gc.isenabled()
gc.disable()
try:
    # The `reflow` command hands programs to processes of their own: it starts at once, without the rooms.
    if not _namespace.in_reflow_command():
        _import_rooms()
    gc.freeze()
finally:
    if _collects_garbage:
        gc.enable()


def __getattr__(name):
    """`reflow.contrib` is imported when a program first asks for it: most never do."""
    if name == "contrib":
        return importlib.import_module("reflow.contrib")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), "contrib"})
