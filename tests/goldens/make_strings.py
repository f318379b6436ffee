"""Records what TensorFlow 1.15.5 does in the cases of the string families; names on the command line choose some."""

import importlib
import sys

import op_recording
import tensorflow as tf

FAMILIES = ["decode", "lookup", "parsing", "string_regex", "strings", "unicode"]

for family in sys.argv[1:] or FAMILIES:
    op_recording.record(tf, family, importlib.import_module(family + "_cases").case)
