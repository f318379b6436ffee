"""Records what TensorFlow 1.15.5 does in the cases of the array families; names on the command line choose some."""

import importlib
import sys

import op_recording
import tensorflow as tf

FAMILIES = [
    "batch_space", "checks", "constant", "diagonal", "fake_quant", "gathering", "grids", "identity", "inplace",
    "joining", "padding", "partition", "permute", "placeholder", "printing", "py_func", "quantization", "scattering",
    "search", "select", "shape_checks", "shape_ops", "slicing", "strided_slice", "unique",
]  # fmt: skip

for family in sys.argv[1:] or FAMILIES:
    op_recording.record(tf, family, importlib.import_module(family + "_cases").case)
