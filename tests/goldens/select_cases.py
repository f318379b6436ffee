"""Choices by condition."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=[d for d in TYPES if d not in ("string", "float16")])
def places(tf, t, dtype):
    value = t.integers(0, 2, 3, 4).astype(dtype)
    t.out(tf.where(t.feed(value)), tf.where(t.feed(value, [None, 4]), name="w"), tf.where_v2(t.feed(value)))


@case
def places_of_shapes(tf, t):
    t.out(
        tf.where([True, False]),
        tf.where(t.feed(np.zeros([0, 2], bool))),
        tf.where(t.feed(np.array([[True]]), None)),
        tf.where(t.feed(np.array([np.nan, 0, -0.0, np.inf], "float32"))),
    )


@case.each(dtype=TYPES)
def choice(tf, t, dtype):
    c = t.feed(t.random.rand(3, 4) > 0.5)
    x, y = t.feed(array(t, dtype, 3, 4)), t.feed(array(t, dtype, 3, 4)[::-1])
    z = t.out(tf.where(c, x, y))
    t.out(
        tf.where(t.feed(np.array([True, False, True])), x, y),
        tf.where(True, x, y),
        tf.where(t.feed(np.array(False)), x, y),
    )
    t.out(tf.where_v2(c, x, y), tf.where_v2(c, x, y[0]), tf.where_v2(True, x[:, :1], y[0]))
    if dtype == "float32":
        t.grad(z, [x, y], second=True)


@case
def choice_gradients(tf, t):
    c, rows = t.feed(t.random.rand(3, 4) > 0.5), t.feed(np.array([True, False, True]))
    x, y, v = t.feed(t.normal(3, 4)), t.feed(t.normal(3, 4), [None, 4]), t.feed(t.normal(4))
    t.grad(t.out(tf.where(rows, x, y)), [x, y])
    t.grad(t.out(tf.where_v2(c, x, v)), [x, v])


@case.each(bad=["one", "one_v2", "shapes", "condition", "v2"])
def wrong_choice(tf, t, bad):
    x, y = t.feed(t.normal(3, 4)), t.feed(t.normal(3))
    if bad == "one":
        tf.where(True, x)
    elif bad == "one_v2":
        tf.where_v2(True, x)
    elif bad == "shapes":
        tf.where(True, x, y)
    elif bad == "condition":
        tf.where([True, False], x, x)
    else:
        tf.where_v2(True, x, y)


@case
def wrong_choice_when_run(tf, t):
    t.out(tf.where(t.feed(np.array([True, False]), None), t.feed(t.normal(3, 4)), t.feed(t.normal(3, 4))))


@case.each(dtype=TYPES)
def boolean_mask(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4), [None, 4])
    y = t.out(tf.boolean_mask(x, [True, False, True]))
    t.out(
        tf.boolean_mask(x, t.feed(t.random.rand(3, 4) > 0.5)),
        tf.boolean_mask(x, [True, True, False, False], axis=1, name="m"),
    )
    if dtype == "float32":
        t.grad(y, x)


@case.each(bad=["scalar", "rank", "shape"])
def wrong_mask(tf, t, bad):
    x = t.feed(t.normal(3, 4))
    mask = {"scalar": True, "rank": t.feed(np.array([True] * 3), None), "shape": [True, False]}[bad]
    tf.boolean_mask(x, mask)


@case.each(dtype=TYPES + ["bfloat16"])
def one_hot(tf, t, dtype):
    values = dict(on_value="a", off_value="b") if dtype == "string" else {}
    t.out(tf.one_hot(t.feed(np.array([[0, 2], [-1, 7]], "int32")), 3, dtype=tf.as_dtype(dtype), **values))


@case
def one_hot_forms(tf, t):
    x = t.feed(np.array([[0, 2, 1]]), [None, 3])
    depth = t.feed(np.int32(4))
    t.out(
        tf.one_hot(x, 3),
        tf.one_hot(x, 3, axis=0),
        tf.one_hot(x, 3, axis=1),
        tf.one_hot(x, depth),
        tf.one_hot(x, 3, 5, 2),
        tf.one_hot(x, 3, on_value=2.0),
        tf.one_hot(x, 3, off_value=7),
        tf.one_hot(1, 3),
        tf.one_hot(np.uint8(1), 3, name="hot"),
        tf.one_hot([], 3, dtype=tf.int32) if False else tf.one_hot(x, 0),
        tf.one_hot(t.feed(np.array([1, 0]), None), 2),
    )


@case.each(bad=["dtype", "values", "axis", "depth", "type"])
def wrong_one_hot(tf, t, bad):
    if bad == "dtype":
        tf.one_hot([0], 3, on_value=1.0, dtype=tf.int32)
    elif bad == "values":
        tf.one_hot([0], 3, on_value=1.0, off_value=1)
    elif bad == "axis":
        tf.one_hot([0], 3, axis=3)
    elif bad == "depth":
        tf.one_hot([0], -1)
    else:
        tf.one_hot([0.5], 3)
