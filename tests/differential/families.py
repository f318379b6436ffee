"""All tables, by family."""

import importlib

_FAMILIES = ["elementwise", "reductions", "arrays", "selection", "text", "sparse", "matrices", "decompositions",
             "networks", "windows", "state", "sequences", "parsing", "serialized", "ragged", "quantized",
             "old_names", "trees", "protos", "sound", "summaries", "lists",
             "tensor_arrays"]  # fmt: skip

TABLES = {name: importlib.import_module(f"tests.differential.{name}").table for name in _FAMILIES}
