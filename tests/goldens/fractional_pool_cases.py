"""Pooling over regions of random sizes, with gradients."""

import numpy as np
from op_recording import Cases

case = Cases()
# Rows, columns, and how many times fewer there are to be.
SIZES = [
    (10, 13, 1.44, 1.73),
    (7, 7, 1.4142, 1.4142),
    (9, 8, 2.5, 3.7),
    (6, 9, 2.0, 3.0),
    (5, 6, 1.0, 1.3),
    (23, 40, 3.3, 1.1),
]


def out(tf, t, results):
    """Record what a pooling returns; of the cuts not the static shapes, which TensorFlow takes for one less."""
    y, rows, columns = results
    t.out(y, *[tf.placeholder_with_default(cuts, [None]) for cuts in (rows, columns)])
    return y


@case.each(pseudo_random=[False, True])
def pooling(tf, t, pseudo_random):
    for i, (rows, columns, down, across) in enumerate(SIZES):
        for overlapping in (False, True):
            for function in (tf.nn.fractional_max_pool, tf.nn.fractional_avg_pool):
                x = t.feed(t.normal(2, rows, columns, 2))
                seeds = dict(deterministic=True, seed=i + 1, seed2=7 * i)
                y = out(tf, t, function(x, [1.0, down, across, 1.0], pseudo_random, overlapping, **seeds))
                t.grad(y, x)


@case.each(seed=range(1, 9))
def sequences(tf, t, seed):
    x = t.feed(np.zeros([1, 50, 60, 1], "float32"))
    for pseudo_random in (False, True):
        ratios, seeds = [1.0, 1.0 + seed / 8.0, 1.31, 1.0], dict(deterministic=True, seed=seed, seed2=-seed)
        out(tf, t, tf.nn.fractional_max_pool(x, ratios, pseudo_random, **seeds))


@case
def later_runs(tf, t):
    t.one_by_one()
    x = t.feed(t.normal(1, 10, 10, 1))
    pooled = tf.nn.fractional_max_pool(x, [1.0, 1.5, 1.5, 1.0], deterministic=True, seed=3)
    out(tf, t, pooled)
    out(tf, t, pooled)


@case.each(dtype=["float64", "int32", "int64"])
def types(tf, t, dtype):
    x = tf.cast(t.feed(t.integers(-50, 50, 2, 8, 9, 2)), dtype)
    for overlapping in (False, True):
        for function in (tf.nn.fractional_max_pool, tf.nn.fractional_avg_pool):
            out(tf, t, function(x, [1.0, 1.5, 1.7, 1.0], True, overlapping, True, 5, 6))
    rows, columns = np.array([0, 2, 5, 8], "int64"), np.array([0, 3, 5, 7, 9], "int64")
    grad = tf.cast(t.feed(t.integers(-50, 50, 2, 3, 4, 2)), dtype)
    common = dict(out_backprop=grad, row_pooling_sequence=rows, col_pooling_sequence=columns, overlapping=True)
    t.out(tf.raw_ops.FractionalAvgPoolGrad(orig_input_tensor_shape=np.array([2, 8, 9, 2], "int64"), **common))
    regions = tf.reduce_max(tf.reshape(x[:, :6, :8], [2, 3, 2, 4, 2, 2]), [2, 4])
    common.update(row_pooling_sequence=np.array([0, 2, 4, 6], "int64"), overlapping=False,
                  col_pooling_sequence=np.array([0, 2, 4, 6, 8], "int64"))  # fmt: skip
    t.out(tf.raw_ops.FractionalMaxPoolGrad(orig_input=x[:, :6, :8], orig_output=regions, **common))


@case
def unknown_shapes(tf, t):
    for shape in (None, [None, None, 6, 2]):
        x = t.feed(t.normal(2, 6, 6, 2), shape)
        out(tf, t, tf.nn.fractional_max_pool(x, [1.0, 2.0, 1.3, 1.0], deterministic=True, seed=1))


FAULTS = {
    "three_ratios": dict(pooling_ratio=[1.0, 1.5, 1.5]),
    "seed": dict(seed=1, deterministic=False),
    "negative_ratio": dict(pooling_ratio=[1.0, -1.5, 1.5, 1.0]),
}


@case.each(fault=sorted(FAULTS))
def fault(tf, t, fault):
    arguments = dict(pooling_ratio=[1.0, 1.5, 1.5, 1.0], deterministic=True, seed=1)
    arguments.update(FAULTS[fault])
    t.out(tf.nn.fractional_max_pool(t.feed(t.normal(1, 6, 6, 1)), **arguments)[1])


@case
def wrong_rank(tf, t):
    tf.nn.fractional_avg_pool(t.feed(t.normal(6, 6, 1)), [1.0, 1.5, 1.5, 1.0])
