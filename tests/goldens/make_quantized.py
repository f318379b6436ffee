"""Records what TensorFlow 1.15.5 does in the cases of quantized_cases.py and quantized_graphs_cases.py."""

import gzip
import json
import os

import op_recording
import quantized_cases
import quantized_graphs_cases
import tensorflow as tf
import without_kernels_cases

op_recording.record(tf, "quantized", quantized_cases.case)
outcomes = {
    name: without_kernels_cases.outcome(tf, function)
    for name, function in quantized_graphs_cases.case.functions.items()
}
with gzip.GzipFile(os.path.join(op_recording.HERE, "quantized_graphs.json.gz"), "w", mtime=0) as out:
    out.write(json.dumps(outcomes, sort_keys=True).encode())
