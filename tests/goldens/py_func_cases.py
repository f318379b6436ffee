"""Python functions as ops."""

import numpy as np
from op_recording import Cases

case = Cases()


@case
def functions(tf, t):
    t.values_only()  # The tokens differ.
    x, y = t.feed(t.normal(2, 3)), t.feed(np.int32(3))
    t.out(
        tf.py_func(lambda a, b: a * b.astype("float32"), [x, y], tf.float32),
        *tf.py_func(
            lambda a: (a + 1, a.shape[0], "text", [b"a", b"bc"]), [x], [tf.float32, tf.int64, tf.string, tf.string]
        ),
    )
    t.out(*tf.py_func(lambda a: [a > 0, np.float64(2.5)], [x], [tf.bool, tf.float64], stateful=False))
    t.out(tf.numpy_function(lambda: np.arange(3, dtype="int32"), [], tf.int32))
    t.out(tf.py_func(lambda s: s + b"!", [tf.constant("hello")], tf.string))


@case
def kinds_of_arguments(tf, t):
    t.values_only()
    x, s = t.feed(np.float32(1)), t.feed(np.array([b"a", b"b"], object))

    def kinds(*values):
        return ",".join(type(v).__name__.rstrip("_") for v in values)

    t.out(tf.py_func(kinds, [x, [1.0], "text", s, True], tf.string))


@case
def without_results(tf, t):
    t.values_only()
    seen = []
    op = tf.py_func(lambda: seen.append(1), [], [])
    with tf.control_dependencies([op]):
        t.out(tf.constant(1))


@case
def without_gradient(tf, t):
    t.values_only()
    x = t.feed(t.normal(2))
    y = tf.py_func(lambda a: a, [x], tf.float32)
    y.set_shape([2])
    t.grad(t.out(y), x)


@case.each(bad=["type", "number", "none", "object", "not_callable", "results"])
def wrong(tf, t, bad):
    functions = {
        "type": (lambda: 1.5, tf.float32), "number": (lambda: (1, 2), tf.int64), "none": (lambda: None, tf.int64),
        "object": (dict, tf.int64), "not_callable": (5, tf.int64), "results": (lambda: 5, []),
    }  # fmt: skip
    t.out(tf.py_func(functions[bad][0], [], functions[bad][1]))


def _raise(error):
    raise error


@case.each(error=[ValueError, TypeError, KeyError, NotImplementedError, StopIteration, MemoryError, ZeroDivisionError])
def exceptions(tf, t, error):
    t.out(tf.py_func(lambda: _raise(error("no")), [], tf.float32))
