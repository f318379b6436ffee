"""Reflow: the TensorFlow 1.x system in Python. `import reflow as tf` offers the 1.x API.

A program builds a dataflow graph; a `tf.Session` runs parts of it. `reflow.install()` makes `import tensorflow` resolve
here, and `reflow run script.py` does so for a whole program.
"""

import gc
import importlib
import sys

from reflow import namespace as _namespace

# The rooms that hold public names. Importing them fills the export table.
_ROOMS = [
    "reflow.graph.context", "reflow.graph.nest", "reflow.graph.device", "reflow.graph.sparse_tensor",
    "reflow.graph.indexed_slices", "reflow.graph.graph_def", "reflow.graph.graph_util", "reflow.graph.meta_graph",
    "reflow.ops", "reflow.autodiff", "reflow.engine.session", "reflow.files", "reflow.platform", "reflow.variables",
    "reflow.ragged", "reflow.train", "reflow.lookup", "reflow.layers", "reflow.losses", "reflow.metrics",
    "reflow.distributions", "reflow.linear_operators", "reflow.summary", "reflow.profiler", "reflow.data_sets",
    "reflow.protos", "reflow.testing", "reflow.compat.legacy", "reflow.raw_ops",
]  # fmt: skip

# The `reflow` command hands programs to processes of their own: it starts at once, without the rooms.
if not _namespace.in_reflow_command():
    for _room in _ROOMS:
        try:
            importlib.import_module(_room)
        except ModuleNotFoundError as _error:
            if not _room.startswith(_error.name or "?"):
                raise

    _namespace.assemble(sys.modules[__name__])

# What was imported stays: the collector need not look at it again each time a program's graph has grown.
gc.freeze()


def __getattr__(name):
    """`reflow.contrib` is imported when a program first asks for it: most never do."""
    if name == "contrib":
        return importlib.import_module("reflow.contrib")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), "contrib"})
