"""All tables, by family."""

import importlib

_FAMILIES = ["elementwise", "reductions", "arrays", "selection", "text", "sparse", "matrices", "networks", "parsing"]

TABLES = {name: importlib.import_module(f"tests.differential.{name}").table for name in _FAMILIES}
