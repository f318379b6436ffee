"""Records which ops TensorFlow 1.15.5's CPU build defines but cannot run, and how it builds graphs of them."""

import json
import os

import op_recording
import tensorflow as tf
import without_kernels_cases
from tensorflow.core.framework import op_def_pb2
from tensorflow.python import pywrap_tensorflow
from tensorflow.python.framework import kernels

library = pywrap_tensorflow.TF_GetBuffer(pywrap_tensorflow.TF_GetAllOpList())
defined = {op.name for op in op_def_pb2.OpList.FromString(library).op}
registered = kernels.get_all_registered_kernels().kernel
runnable = {kernel.op for kernel in registered if kernel.device_type in ("CPU", "DEFAULT")}
public = {name for name in defined - runnable if hasattr(tf.raw_ops, name)}
with open(os.path.join(op_recording.HERE, "without_kernels.json"), "w") as out:
    out.write(json.dumps(sorted(public), indent=0) + "\n")
outcomes = {
    name: without_kernels_cases.outcome(tf, function) for name, function in without_kernels_cases.case.functions.items()
}
with open(os.path.join(op_recording.HERE, "without_kernels_graphs.json"), "w") as out:
    out.write(json.dumps(outcomes, indent=0, sort_keys=True) + "\n")
