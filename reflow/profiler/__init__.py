"""`tf.profiler`: parameters, floating-point operations, time and memory by scope, type, data flow and line."""

from reflow.profiler import analysis, flops, messages, op_log, options  # noqa: F401
