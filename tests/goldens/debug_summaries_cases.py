"""What the debugger computes of a tensor: the ops have no public functions."""

import numpy as np
from op_recording import Cases

case = Cases()
MIXED = np.array([1, np.nan, np.inf, -np.inf, -2, 0, 3.5, -0.0, 1e-3], "float32")


def debug(tf, op, tensor, output, **attrs):
    """The output of a debugging op."""
    attrs["tensor_name"] = tf.AttrValue(s=b"watched:0")
    attrs["T"] = tf.AttrValue(type=tensor.dtype.as_datatype_enum)
    return tf.get_default_graph().create_op(op, [tensor], [output], attrs=attrs).outputs[0]


@case.each(dtype=["float16", "float32", "float64", "bfloat16", "int8", "uint8", "int16", "uint16", "int32", "int64"])
def nan_count(tf, t, dtype):
    t.values_only()
    for value in (MIXED, MIXED.reshape(3, 3), MIXED[:0], MIXED[1]):
        if "int" in dtype:
            value = np.where(np.isfinite(value), value, 3).astype("float32")
        # Static shapes are not compared: TensorFlow takes the vector of one number for a scalar.
        t.out(tf.reshape(debug(tf, "DebugNanCount", tf.cast(t.feed(value), dtype), tf.int64), [1]))


@case
def nan_count_of_complex(tf, t):
    t.out(debug(tf, "DebugNanCount", t.feed(np.array([1j], "complex64")), tf.int64))


@case.each(dtype=["float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64", "bool"])
def numeric_summary(tf, t, dtype):
    t.values_only()
    for value in (MIXED, MIXED.reshape(3, 3), MIXED[:0], MIXED[1:2], MIXED[4], MIXED[[1, 2, 3]], MIXED[[0, 6]]):
        if "float" not in dtype:
            value = np.where(np.isfinite(value), value, 3).astype("float32")
        t.out(debug(tf, "DebugNumericSummary", tf.cast(t.feed(value), dtype), tf.float64))


@case
def numeric_summary_with_bounds(tf, t):
    t.values_only()
    x = t.feed(MIXED)
    for low, high in ((-1.0, 2.0), (-2.0, 3.5), (0.0, np.inf), (-np.inf, 1.0)):
        bounds = dict(lower_bound=tf.AttrValue(f=low), upper_bound=tf.AttrValue(f=high))
        t.out(debug(tf, "DebugNumericSummary", x, tf.float64, **bounds))


@case
def numeric_summary_when_healthy(tf, t):
    t.values_only()
    for value in (MIXED, MIXED[4:], MIXED[:0], MIXED[1:2], MIXED[2:3], MIXED[4:].reshape(5, 1)):
        mute = dict(mute_if_healthy=tf.AttrValue(b=True))
        t.out(debug(tf, "DebugNumericSummary", t.feed(value), tf.float64, **mute))


@case
def numeric_summary_of_complex(tf, t):
    t.out(debug(tf, "DebugNumericSummary", t.feed(np.array([1j], "complex64")), tf.float64))
