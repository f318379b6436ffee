"""Records which ops TensorFlow 1.15.5 differentiates: gradient_registry.json, op name to "function" or "none"."""

import json
import pathlib

import tensorflow as tf  # noqa: F401 - importing it fills the registry
from tensorflow.python.framework import ops

registry = ops._gradient_registry._registry
kinds = {name: "none" if entry["type"] is None else "function" for name, entry in registry.items()}
path = pathlib.Path(__file__).with_name("gradient_registry.json")
path.write_text(json.dumps(kinds, indent=0, sort_keys=True) + "\n")
