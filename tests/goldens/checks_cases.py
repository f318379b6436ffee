"""Checks of values and types."""

import numpy as np
from op_recording import Cases

case = Cases()
BINARY = ["equal", "none_equal", "less", "less_equal", "greater", "greater_equal"]
UNARY = ["negative", "positive", "non_negative", "non_positive"]


def run(tf, t, *checks):
    """Runs operations before something that comes out."""
    with tf.control_dependencies([c for c in checks if c is not None]):
        t.out(tf.constant(1))


@case.each(name=BINARY)
def comparison(tf, t, name):
    check = getattr(tf, "assert_" + name)
    x, y = t.feed(np.array([1.0, 2.0, 3.0], "float32")), t.feed(np.array([1.0, 3.0, 2.0], "float32"))
    run(tf, t, check(x, y))


@case.each(name=BINARY)
def comparison_that_holds(tf, t, name):
    pairs = {
        "equal": (1, 1),
        "none_equal": (1, 2),
        "less": (1, 2),
        "less_equal": (1, 1),
        "greater": (2, 1),
        "greater_equal": (1, 1),
    }
    x, y = pairs[name]
    check = getattr(tf.debugging, "assert_" + name)
    x, y = t.feed(np.array([x, x], "int32")), t.feed(np.array(y, "int32"))
    run(tf, t, check(x, y), check(x, y, message="m", summarize=2, data=["d", x], name="mine"))


@case.each(name=BINARY)
def comparison_of_integers(tf, t, name):
    check = getattr(tf, "assert_" + name)
    x, y = t.feed(np.array([1, 1], "int32")), t.feed(np.array([[1], [2]], "int32"))
    check(x, y)
    t.out(x)


@case.each(name=BINARY)
def comparison_of_constants(tf, t, name):
    getattr(tf, "assert_" + name)([1, 2, 3], [1, 3, 2])


@case.each(name=UNARY)
def sign(tf, t, name):
    run(tf, t, getattr(tf, "assert_" + name)(t.feed(np.array([-1.0, 0.0, 1.0], "float32")), message="sign"))


@case.each(name=UNARY)
def sign_of_integers(tf, t, name):
    getattr(tf, "assert_" + name)(t.feed(np.array([-1, 0, 1], "int32")))
    t.out(tf.constant(1))


@case.each(name=UNARY)
def sign_of_nothing(tf, t, name):
    run(tf, t, getattr(tf.debugging, "assert_" + name)(t.feed(np.zeros(0, "float32"))))


@case
def equal_to_itself(tf, t):
    x = t.feed(t.normal(2))
    run(tf, t, tf.assert_equal(x, x))


@case.each(shift=[0.0, 1e-7, 1e-3])
def near(tf, t, shift):
    x = np.array([1.0, 2.0], "float64")
    run(tf, t, tf.assert_near(t.feed(x), t.feed(x + shift), atol=1e-6), tf.assert_near(t.feed(x), x))


@case
def asserted(tf, t):
    x = t.feed(np.array([1, 2], "int32"))
    run(tf, t, tf.Assert(tf.reduce_all(x > 0), [x, "positive"]), tf.Assert(True, ["fine"], summarize=1, name="mine"))


@case
def asserted_wrongly(tf, t):
    x = t.feed(np.array([1, 2], "int32"))
    run(tf, t, tf.Assert(tf.reduce_all(x > 1), [x]))


@case
def types(tf, t):
    x, i = t.feed(t.normal(2)), t.feed(np.int32(1))
    run(tf, t, tf.assert_integer(i), tf.assert_type(x, tf.float32, name="is"), tf.debugging.assert_integer(5))
    t.out(tf.constant([
        tf.is_numeric_tensor(x), tf.is_numeric_tensor(tf.constant("a")), tf.is_numeric_tensor(1.0),
        tf.debugging.is_numeric_tensor(tf.constant(True)),
    ]))  # fmt: skip


@case.each(bad=["integer", "type", "float", "same", "iterable", "tensor", "string"])
def wrong_types(tf, t, bad):
    x = t.feed(t.normal(2))
    if bad == "integer":
        tf.assert_integer(x, message="m")
    elif bad == "type":
        tf.assert_type(x, tf.int32)
    elif bad == "float":
        tf.debugging.assert_same_float_dtype([tf.constant(1)])
    elif bad == "same":
        tf.debugging.assert_same_float_dtype([x, tf.constant(1.0, tf.float64)])
    else:
        tf.debugging.assert_proper_iterable({"iterable": 5, "tensor": x, "string": "abc"}[bad])


@case
def same_types(tf, t):
    x = t.feed(np.array([1.0], "float64"))
    same = tf.debugging.assert_same_float_dtype
    tf.debugging.assert_proper_iterable([x])
    t.out(
        tf.constant([same([x, None]).as_datatype_enum, same().as_datatype_enum, same([x], tf.float64).as_datatype_enum])
    )


@case.each(dtype=["float32", "float64", "int32", "int64"])
def monotonic(tf, t, dtype):
    for values in ([1, 2, 2, 3], [1, 2, 3], [3, 1], [5], []):
        x = t.feed(np.array(values, dtype))
        t.out(tf.is_non_decreasing(x), tf.debugging.is_strictly_increasing(x))


@case
def monotonic_text(tf, t):
    tf.is_non_decreasing(["a"])


@case.each(dtype=["float16", "float32", "float64"])
def numerics(tf, t, dtype):
    x = t.feed(t.normal(2, 3, dtype=dtype), [None, 3])
    y = t.out(tf.check_numerics(x, "fine"))
    z = t.out(tf.debugging.assert_all_finite(x, "fine too"))
    if dtype == "float32":
        t.grad([y, z], x)


@case.each(value=[np.nan, np.inf, -np.inf])
def bad_numerics(tf, t, value):
    t.out(tf.check_numerics(t.feed(np.array([1.0, value], "float32")), "bad"))


@case
def bad_numerics_of_all(tf, t):
    x = t.feed(np.array([0.0, 1.0], "float32"))
    y = tf.log(x) * 2
    with tf.control_dependencies([tf.add_check_numerics_ops()]):
        t.out(tf.identity(y))


@case
def all_numerics(tf, t):
    x = t.feed(np.array([2.0, 1.0], "float32"))
    y = tf.log(x) * tf.cast(3, tf.float32)
    with tf.control_dependencies([tf.add_check_numerics_ops()]):
        t.out(tf.identity(y))


@case
def ensured_shapes(tf, t):
    x = t.feed(t.normal(2, 3), [None, 3])
    y = t.out(tf.ensure_shape(x, [2, None]))
    t.out(tf.ensure_shape(t.feed(t.normal(2, 3), None), [None, 3], name="e"))
    t.grad(y, x)


@case
def ensured_wrongly(tf, t):
    tf.ensure_shape(t.feed(t.normal(2, 3)), [3, 3])


@case
def ensured_wrongly_when_run(tf, t):
    t.out(tf.ensure_shape(t.feed(t.normal(2, 3), [None, 3]), [4, 3]))
