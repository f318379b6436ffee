"""Casts, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

NUMERIC = [
    "float16",
    "float32",
    "float64",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "complex64",
    "complex128",
]


@case.each(source=NUMERIC)
def casts(tf, t, source):
    values = np.array([0, 1, 2, 3, 100, 127])
    if source[0] != "u" and source != "bool":
        values = np.concatenate([values, [-1, -2, -100]])
    if source[0] in "fbc" and source != "bool":
        values = np.concatenate([values, [0.5, -1.75, 2.5]])
    x = t.feed(values, dtype=tf.as_dtype(source))
    for target in NUMERIC:
        if not (values.min() < 0 and target[0] == "u") and not (source[0] == "c" and target == "bool"):
            t.out(tf.cast(x, target))


@case.each(source=["float32", "float64"])
def casts_of_special_values(tf, t, source):
    """What is out of range becomes what the processor makes of it."""
    x = t.feed(np.array([np.nan, np.inf, -np.inf, 1e20, -1e20, 300.0, -300.0, 3e9, -1.5], source))
    for target in ("int8", "int16", "int32", "int64", "uint8", "uint16", "bool", "float16", "bfloat16"):
        t.out(tf.cast(x, target))


@case
def casts_to_large_unsigned(tf, t):
    x = t.feed(np.array([0.0, 1.5, 300.0, 3e9], "float64"))
    t.out(tf.cast(x, tf.uint32), tf.cast(x, tf.uint64), tf.cast(x, tf.uint16))


@case
def casts_that_truncate(tf, t):
    x = t.feed(np.array([1.0, 1.9999999, -1.9999999, 3.1415926, 0.0, np.inf, np.nan], "float64"))
    for target in ("float32", "float16", "bfloat16"):
        t.out(tf.raw_ops.Cast(x=x, DstT=tf.as_dtype(target), Truncate=True))
    single = tf.cast(x, tf.float32)
    t.out(
        tf.raw_ops.Cast(x=single, DstT=tf.bfloat16, Truncate=True),
        tf.raw_ops.Cast(x=single, DstT=tf.float16, Truncate=True),
    )


@case
def cast_functions(tf, t):
    x = t.feed(t.integers(-5, 5, 4))
    t.out(
        tf.to_float(x),
        tf.to_double(x),
        tf.to_int32(x),
        tf.to_int64(x),
        tf.to_bfloat16(x),
        tf.to_complex64(x),
        tf.to_complex128(x),
        tf.cast(x, tf.int32),
        tf.cast([1.5, 2.5], tf.int32),
        tf.cast(x, "float32", name="named"),
        tf.cast(1, tf.float32),
    )


@case
def cast_gradients(tf, t):
    x = t.feed(t.normal(3))
    t.grad(t.out(tf.cast(x, tf.float64)), x)
    t.grad(t.out(tf.cast(x, tf.complex64)), x)
    t.grad(t.out(tf.cast(x, tf.int32)), x)


@case
def saturating_casts(tf, t):
    x = t.feed(np.array([-1e10, -129.0, -1.0, 0.0, 100.0, 255.0, 256.0, 1e10], "float32"))
    for target in (tf.uint8, tf.int8, tf.int16, tf.uint16, tf.float64, tf.float16):
        t.out(tf.saturate_cast(x, target))
    t.out(tf.saturate_cast(t.feed(np.array([-1, 70000], "int32")), tf.uint16, name="named"))


@case
def cast_of_string(tf, t):
    t.out(tf.cast(t.feed(np.array(["1"], object), dtype=tf.string), tf.int32))


@case
def casts_of_composites(tf, t):
    sparse = tf.SparseTensor([[0, 1]], [1.5], [2, 2])
    slices = tf.IndexedSlices(t.feed(t.normal(2, 2)), tf.constant([0, 1]))
    t.out(tf.cast(sparse, tf.int32).values, tf.cast(slices, tf.float64).values)
