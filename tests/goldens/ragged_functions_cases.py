"""Functions on ragged tensors, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases
from ragged_inputs import LISTS, ONE, SHAPES, TEXTS, THREE, TWO, fed, out

case = Cases()


def _named(tf, name):
    for part in name.split("."):
        tf = getattr(tf, part)
    return tf


# --- ranges and segment ids -------------------------------------------------------------------------------------------

RANGES = {
    "limits": ([3, 0, 2],),
    "bounds": ([1, 5, 3], [4, 5, 9]),
    "deltas": ([0, 5, 3], [3, 0, 4], [2, -2, 1]),
    "scalar": (4,),
    "mixed": (0, [3, 1]),
    "floats": ([0.0, 1.0], [1.0, 0.0], [0.25, -0.3]),
    "types": ([1, 2], [3.5, 4.0], 1),
    "zero": (0, [1], 0),
    "backwards": (5, [1, 2]),
    "lengths": ([1, 2], [1, 2, 3]),
    "matrix": ([[1]],),
    "empty": (np.zeros([0], "int32"),),
    "int64": (np.array([2, 3]), 9, 4),
}


@case.each(which=sorted(RANGES))
def ranges(tf, t, which):
    out(t, tf.ragged.range(*RANGES[which]), tf.ragged.range(*RANGES[which], row_splits_dtype=tf.int32, name="named"))


@case.each(dtype=["int32", "int64", "float32", "float64", "int8"])
def ranges_dtype(tf, t, dtype):
    out(t, tf.cast(tf.ragged.range([3, 5], dtype=tf.as_dtype(dtype)), tf.float32))


@case.each(bounds=[(["a"], ["b"]), (np.float16([1, 2]),), ([True],), (0, np.float16([1]))])
def ranges_refused(tf, t, bounds):
    out(t, tf.ragged.range(*bounds))


@case
def rangesfed(tf, t):
    out(t, tf.ragged.range(t.feed(t.integers(0, 3, 4), None), t.feed(t.integers(3, 9, 4), [None]), t.feed(np.int32(2))))


@case
def segment_ids(tf, t):
    splits, ids = np.array([0, 2, 2, 5]), np.array([0, 0, 2, 2, 2])
    to_ids, to_splits = tf.ragged.row_splits_to_segment_ids, tf.ragged.segment_ids_to_row_splits
    out(
        t,
        to_ids([0, 2, 2, 5]),
        to_ids(t.feed(splits.astype("int32")), name="ids"),
        to_ids(t.feed(splits), out_type=tf.int32),
    )
    out(t, to_splits([0, 0, 2]), to_splits(t.feed(ids)), to_splits(t.feed(ids.astype("int32")), 5, tf.int64, "splits"))
    out(t, to_splits(ids, t.feed(np.int64(4))))


@case.each(what=["empty", "float", "matrix"])
def segment_ids_refused(tf, t, what):
    value = {"empty": [], "float": [0.0, 1.0], "matrix": [[0, 1]]}[what]
    out(t, tf.ragged.row_splits_to_segment_ids(np.array(value, "int64") if what == "empty" else value))


@case.each(what=["float", "matrix", "segments"])
def row_splits_refused(tf, t, what):
    value = {"float": [0.0], "matrix": [[0]], "segments": [0]}[what]
    out(t, tf.ragged.segment_ids_to_row_splits(value, [1] if what == "segments" else None))


# --- concat, stack, tile, expand_dims, squeeze ------------------------------------------------------------------------


@case.each(
    which=[
        (f, shape, axis)
        for f in ("concat", "stack", "ragged.stack")
        for shape in sorted(SHAPES)
        for axis in (0, 1, 2, -1)
    ]
)
def joined(tf, t, which):
    ragged = [fed(t, *SHAPES[which[1]]) for _ in range(3)]
    out(t, _named(tf, which[0])(ragged, axis=which[2]))


@case.each(which=[(f, axis) for f in ("concat", "ragged.stack") for axis in (0, 1)])
def joined_of_other_lengths(tf, t, which):
    other = [[0, 1, 3, 3, 5, 9]]
    out(t, _named(tf, which[0])([fed(t, ONE), fed(t, other), fed(t, ONE, splits_dtype="int64", known=False)], which[1]))


MIXED_JOINS = {
    "dense_first": lambda tf, t: tf.concat([tf.ones([5, 2]), fed(t, ONE)], 0),
    "dense_rows": lambda tf, t: tf.concat([fed(t, ONE), tf.ones([5, 2])], 1),
    "ranks": lambda tf, t: tf.concat([fed(t, TWO), tf.ones([2, 3, 1])], 0),
    "stack_dense": lambda tf, t: tf.ragged.stack([tf.ones([2, 3]), tf.ones([3, 1])], 0),
    "stack_dense_1": lambda tf, t: tf.ragged.stack([tf.ones([2, 3]), tf.ones([2, 1])], 1),
    "stack_vectors": lambda tf, t: tf.ragged.stack([tf.ones([2]), tf.ones([3])]),
    "stack_last": lambda tf, t: tf.ragged.stack([tf.ones([2]), tf.ones([2])], 1),
    "stack_scalars": lambda tf, t: tf.ragged.stack([1, 2, 3]),
    "one": lambda tf, t: tf.concat([fed(t, ONE)], 0),
    "stack_one": lambda tf, t: tf.stack([fed(t, ONE)], 1),
    "not_list": lambda tf, t: tf.ragged.stack(fed(t, ONE)),
    "name": lambda tf, t: tf.concat([fed(t, ONE)] * 2, 0, name="joined"),
    "keywords": lambda tf, t: tf.concat(values=[fed(t, ONE)] * 2, axis=1),
    "stack_name": lambda tf, t: tf.stack([fed(t, ONE)] * 2, name="stacked"),
    "int32": lambda tf, t: tf.concat([fed(t, ONE, splits_dtype="int32")] * 2, 1),
    "empty": lambda tf, t: tf.ragged.stack([]),
    "axis": lambda tf, t: tf.concat([fed(t, ONE)] * 2, 2),
    "axis_tensor": lambda tf, t: tf.concat([fed(t, ONE)] * 2, tf.constant(0)),
    "other_ranks": lambda tf, t: tf.concat([fed(t, ONE), fed(t, TWO)], 0),
    "other_types": lambda tf, t: tf.concat([fed(t, ONE), fed(t, ONE, splits_dtype="int32")], 0),
    "other_rows_fed": lambda tf, t: tf.concat([fed(t, ONE, known=False), fed(t, [[0, 1]], known=False)], 1),
    "other_splits": lambda tf, t: tf.concat([fed(t, TWO), fed(t, THREE[:2])], 2),
    "dtypes": lambda tf, t: tf.concat([fed(t, ONE), fed(t, ONE, dtype="int32")], 0),
    "parallel_stack": lambda tf, t: tf.parallel_stack([fed(t, ONE)] * 2),
    "split": lambda tf, t: tf.split(fed(t, ONE), 2),
    "unstack": lambda tf, t: tf.unstack(fed(t, ONE)),
}


@case.each(which=sorted(MIXED_JOINS))
def joined_mixed(tf, t, which):
    out(t, MIXED_JOINS[which](tf, t))


@case.each(function=["concat", "stack"])
def joined_refused(tf, t, function):
    tf.Session().run(getattr(tf, function)([tf.ragged.constant([[1, 2]]), tf.ragged.constant([[3], [4, 5]])], axis=1))


@case.each(axis=[0, 1])
def joined_gradient(tf, t, axis):
    x, y = fed(t, ONE), fed(t, ONE)
    z = tf.concat([x, y], axis)
    out(t, z)
    t.grad(z.flat_values, [x.flat_values, y.flat_values])


@case.each(
    which=[
        ("one", (2, 3)),
        ("one", (1, 2)),
        ("one", (2, 1)),
        ("one", (0, 2)),
        ("inner", (2, 1, 3)),
        ("two", (2, 1, 3)),
        ("two", (1, 2, 1)),
        ("two", (2, 3, 2)),
        ("three", (1, 2, 1, 2)),
        ("three", (2, 2, 2, 2)),
        ("two_inner", (1, 2, 2, 2, 3)),
    ]
)
def tile(tf, t, which):
    x = fed(t, *SHAPES[which[0]])
    tiled = tf.tile(x, which[1])
    out(t, tiled, tf.tile(x, t.feed(np.array(which[1], "int32")), name="named"))
    t.grad(tiled.flat_values, x.flat_values)


@case.each(which=[(shape, axis) for shape in ("one", "two_inner") for axis in (0, 1, 2, 3, -1, -2, 9)])
def expand_dims(tf, t, which):
    out(t, tf.expand_dims(fed(t, *SHAPES[which[0]]), which[1]))


@case
def expand_dims_arguments(tf, t):
    x = fed(t, ONE)
    out(t, tf.expand_dims(x, dim=0), tf.expand_dims(input=x, axis=1, name="named"))


SQUEEZE = {
    "rows": ([[0, 3]], (), 0),
    "columns": ([[0, 1, 2]], (), 1),
    "columns_list": ([[0, 1, 2]], (), [1]),
    "both": ([[0, 1]], (), [0, 1]),
    "inner": ([[0, 2, 3]], (1,), 2),
    "inner_negative": ([[0, 2, 3]], (1, 2), -2),
    "two_outer": ([[0, 2], [0, 2, 3]], (), 0),
    "two_inner": ([[0, 2, 3], [0, 1, 2, 3]], (), 2),
    "two_middle": ([[0, 1, 2], [0, 1, 3]], (), 1),
    "wrong_rows": ([[0, 3, 4]], (), 0),
    "wrong_columns": ([[0, 2, 3]], (), 1),
    "no_axis": ([[0, 3]], (), None),
    "bad_axis": ([[0, 3]], (), [0.5]),
    "outside": ([[0, 3]], (), 5),
    "text": ([[0, 3]], (), "x"),
    "ragged_and_inner": ([[0, 3]], (1,), [0, 2]),
    "wrong_inner": ([[0, 3]], (2,), [2]),
}


@case.each(which=sorted(SQUEEZE))
def squeeze(tf, t, which):
    splits, inner, axis = SQUEEZE[which]
    out(t, tf.squeeze(fed(t, splits, inner), axis))


@case
def squeeze_arguments(tf, t):
    out(t, tf.squeeze(fed(t, [[0, 3]]), squeeze_dims=[0]), tf.squeeze(input=fed(t, [[0, 3]]), axis=0, name="named"))


@case.each(shape=sorted(SHAPES))
def size_and_rank(tf, t, shape):
    x = fed(t, *SHAPES[shape])
    out(t, tf.size(x), tf.size(x, out_type=tf.int64), tf.size(x, "named"), tf.rank(x), tf.rank(x, name="r"))


@case.each(shape=["one", "two", "inner"])
def one_hot(tf, t, shape):
    x = fed(t, *SHAPES[shape], dtype="int32")
    out(t, tf.one_hot(x, 5), tf.one_hot(x, 5, 2.0, -1.0, name="named"), tf.one_hot(indices=x, depth=3, dtype=tf.int32))


@case.each(axis=[0, 1, -1, 5])
def one_hot_axis(tf, t, axis):
    out(t, tf.one_hot(fed(t, ONE, dtype="int32"), 5, axis=axis))


# --- gather, where, masks ---------------------------------------------------------------------------------------------


@case.each(which=[(shape, indices) for shape in sorted(SHAPES) for indices in (1, (1, 0, 1), ((0, 1), (1, 1)), ())])
def gather(tf, t, which):
    x = fed(t, *SHAPES[which[0]])
    indices = t.feed(np.array(which[1], "int32"))
    y = tf.gather(x, indices)
    out(t, y)
    t.grad(getattr(y, "flat_values", y), x.flat_values)


GATHERS = {
    "ragged_indices": lambda tf, t: tf.gather(t.feed(t.normal(7)), fed(t, ONE, dtype="int32")),
    "both": lambda tf, t: tf.gather(fed(t, [[0, 2, 2, 3, 4, 5, 6, 7]]), fed(t, ONE, dtype="int64")),
    "nested_indices": lambda tf, t: tf.gather(t.feed(t.normal(7, 2)), fed(t, TWO, dtype="int32")),
    "arguments": lambda tf, t: tf.gather(params=fed(t, ONE), indices=[0, 2], name="g", axis=0),
    "constants": lambda tf, t: tf.gather(fed(t, ONE, dtype="string"), [2, 0]),
    "axis": lambda tf, t: tf.gather(fed(t, ONE), [0], axis=1),
    "batch": lambda tf, t: tf.gather(fed(t, ONE), [0], batch_dims=1),
    "outside": lambda tf, t: tf.gather(fed(t, ONE), t.feed(np.array([0, 5]))),
    "negative": lambda tf, t: tf.gather(fed(t, ONE), t.feed(np.array([[0], [-1]]))),
    "unknown_rank": lambda tf, t: tf.gather(fed(t, ONE), t.feed(np.array([0]), None)),
    "float": lambda tf, t: tf.gather(fed(t, ONE), [0.5]),
    "splits_types": lambda tf, t: tf.gather(fed(t, ONE), fed(t, ONE, dtype="int32", splits_dtype="int32")),
    "batch_1": lambda tf, t: tf.batch_gather(fed(t, ONE), [0, 2]),
    "batch_2": lambda tf, t: tf.batch_gather(fed(t, [[0, 2, 3, 5]]), [[1], [0], [1]]),
    "batch_3": lambda tf, t: tf.batch_gather(fed(t, [[0, 2, 3, 5]]), [[[1]], [[0]], [[1]]]),
    "batch_ragged": lambda tf, t: tf.batch_gather(fed(t, [[0, 2, 3, 5]]), tf.ragged.constant([[1, 0, 1], [], [1]])),
    "batch_dense": lambda tf, t: tf.batch_gather(
        t.feed(t.normal(3, 2)), tf.ragged.constant([[1, 0, 1], [], [1]]), name="b"
    ),
    "batch_deep": lambda tf, t: tf.batch_gather(
        fed(t, [[0, 2, 3], [0, 2, 4, 5]]), tf.ragged.constant([[[1, 0], [1]], [[0]]])
    ),
    "batch_deep_wrong": lambda tf, t: tf.batch_gather(
        fed(t, [[0, 1, 3], [0, 2, 4, 5]]), tf.ragged.constant([[[1, 0], [1]], [[0]]])
    ),
    "batch_scalar": lambda tf, t: tf.batch_gather(fed(t, ONE), 0),
    "batch_vector": lambda tf, t: tf.batch_gather(tf.ones([3]), tf.ragged.constant([[0]])),
    "batch_rank": lambda tf, t: tf.batch_gather(fed(t, ONE), t.feed(np.array([0]), None)),
    "batch_deep_dense": lambda tf, t: tf.batch_gather(tf.ones([2, 2, 2]), tf.ragged.constant([[[0]], [[1]]])),
    "batch_outside": lambda tf, t: tf.batch_gather(fed(t, [[0, 2, 3, 5]]), [[1], [9], [1]]),
}


@case.each(which=sorted(GATHERS))
def gathers(tf, t, which):
    out(t, GATHERS[which](tf, t))


@case.each(
    which=[
        ("one", [[0], [2]]),
        ("one", [[0, 1], [2, 2]]),
        ("two", [[2, 1, 0], [0, 0, 1]]),
        ("two", [[2, 1], [0, 0]]),
        ("two", [[[2, 1], [0, 0]]]),
        ("one", [[[0], [2]], [[3], [1]]]),
        ("inner", [[0, 1, 1], [2, 2, 0]]),
        ("inner", [[0, 1], [2, 2]]),
        ("one", [[], []]),
        ("two", [[], []]),
        ("one", [2]),
        ("one", [0, 1]),
        ("three", [[1, 1, 0], [0, 0, 1]]),
        ("three", [[1, 1, 0, 0], [0, 0, 1, 2]]),
        ("two_inner", [[2, 1, 0, 1, 0]]),
    ]
)
def gather_nd(tf, t, which):
    x = fed(t, *SHAPES[which[0]])
    indices = np.array(which[1], "int32")
    out(t, tf.gather_nd(x, t.feed(indices, [None] * (indices.ndim - 1) + [indices.shape[-1]])))


GATHERS_ND = {
    "ragged_indices": lambda tf, t: tf.gather_nd(
        fed(t, ONE), tf.ragged.constant([[[0, 1], [2, 2]], [[0, 0]]], ragged_rank=1)
    ),
    "name": lambda tf, t: tf.gather_nd(params=fed(t, ONE), indices=[[0]], name="named"),
    "batch": lambda tf, t: tf.gather_nd(fed(t, ONE), [[0]], batch_dims=1),
    "scalar": lambda tf, t: tf.gather_nd(fed(t, ONE), 0),
    "ragged_inside": lambda tf, t: tf.gather_nd(fed(t, ONE), tf.ragged.constant([[0], [1]])),
    "unknown_rank": lambda tf, t: tf.gather_nd(fed(t, ONE), t.feed(np.array([[0]]), None)),
    "unknown_size": lambda tf, t: tf.gather_nd(fed(t, ONE), t.feed(np.array([[0]]), [None, None])),
}


@case.each(which=sorted(GATHERS_ND))
def gathers_nd(tf, t, which):
    out(t, GATHERS_ND[which](tf, t))


@case.each(shape=sorted(SHAPES))
def where(tf, t, shape):
    condition = fed(t, *SHAPES[shape], dtype="bool")
    x, y = (condition.with_flat_values(t.feed(t.normal(*condition.flat_values.shape.as_list()))) for _ in range(2))
    z = tf.where(condition, x, y)
    out(t, tf.where(condition), z)
    t.grad(z.flat_values, [x.flat_values, y.flat_values])


WHERES = {
    "rows": lambda tf, t: tf.where([True, False, True, True, False], fed(t, ONE), fed(t, [[0, 1, 1, 2, 3, 4]])),
    "rows_dense": lambda tf, t: tf.where([True, False, True, True, False], fed(t, ONE), tf.ones([5, 2])),
    "name": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), fed(t, ONE), fed(t, ONE), name="named"),
    "coordinates": lambda tf, t: tf.where(condition=fed(t, ONE, dtype="bool"), name="named"),
    "one": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), fed(t, ONE)),
    "dense_x": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), tf.ones([5, 4]), fed(t, ONE)),
    "dense_both": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), 1.0, 2.0),
    "matrix": lambda tf, t: tf.where(tf.fill([5, 1], True), fed(t, ONE), fed(t, ONE)),
    "splits": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), fed(t, ONE), fed(t, [[0, 8]])),
    "types": lambda tf, t: tf.where(fed(t, ONE, dtype="bool"), fed(t, ONE), fed(t, ONE, splits_dtype="int32")),
    "int32": lambda tf, t: tf.where(fed(t, TWO, dtype="bool", splits_dtype="int32")),
}


@case.each(which=sorted(WHERES))
def wheres(tf, t, which):
    out(t, WHERES[which](tf, t))


MASKS = {
    "dense_1": lambda tf, t: (tf.ones([3, 2]), [True, False, True]),
    "dense_2": lambda tf, t: (t.feed(t.normal(3, 2)), t.feed(t.integers(0, 2, 3, 2).astype(bool))),
    "dense_3": lambda tf, t: (t.feed(t.normal(3, 2, 2)), t.feed(t.integers(0, 2, 3, 2, 2).astype(bool))),
    "dense_4": lambda tf, t: (t.feed(t.normal(2, 3, 2, 2)), t.feed(t.integers(0, 2, 2, 3, 2, 2).astype(bool))),
    "dense_inner": lambda tf, t: (t.feed(t.normal(3, 2, 2)), t.feed(t.integers(0, 2, 3, 2).astype(bool))),
    "ragged": lambda tf, t: (fed(t, ONE), fed(t, ONE, dtype="bool")),
    "ragged_rows": lambda tf, t: (fed(t, ONE), [True, False, True, True, False]),
    "ragged_deep": lambda tf, t: (fed(t, TWO), fed(t, TWO, dtype="bool")),
    "ragged_deep_rows": lambda tf, t: (fed(t, TWO), [True, False, True, False]),
    "ragged_middle": lambda tf, t: (fed(t, TWO), fed(t, TWO[:1], dtype="bool")),
    "dense_by_ragged": lambda tf, t: (
        t.feed(t.normal(2, 3)),
        tf.ragged.constant([[True, False, True], [False, True, True]]),
    ),
    "ragged_by_dense": lambda tf, t: (fed(t, [[0, 2, 4]]), [[True, False], [False, True]]),
    "value": lambda tf, t: (tf.ragged.constant_value(LISTS), [True, False, True, True, False]),
    "int32": lambda tf, t: (fed(t, ONE, splits_dtype="int32"), fed(t, ONE, dtype="bool", splits_dtype="int32")),
    "splits": lambda tf, t: (fed(t, ONE), fed(t, [[0, 8]], dtype="bool")),
    "scalar": lambda tf, t: (fed(t, ONE), True),
    "type": lambda tf, t: (fed(t, ONE), [1, 0, 1, 0, 0]),
    "ragged_type": lambda tf, t: (fed(t, ONE), fed(t, ONE, dtype="int32")),
    "rank": lambda tf, t: (fed(t, ONE), t.feed(np.array([True] * 5), None)),
    "types": lambda tf, t: (fed(t, ONE), fed(t, ONE, dtype="bool", splits_dtype="int32")),
}


@case.each(which=sorted(MASKS))
def boolean_mask(tf, t, which):
    out(t, tf.ragged.boolean_mask(*MASKS[which](tf, t)))


STACKS = {
    "vector": lambda tf, t: (t.feed(t.normal(6)), t.feed(t.integers(0, 3, 6)), 4),
    "rows": lambda tf, t: (t.feed(t.normal(6, 2)), t.feed(t.integers(0, 3, 6)), 3),
    "matrix": lambda tf, t: (t.feed(t.normal(3, 2)), t.feed(t.integers(0, 3, 3, 2)), 3),
    "scalar": lambda tf, t: (t.feed(t.normal(3)), 1, 3),
    "ragged": lambda tf, t: (fed(t, ONE), [0, 2, 1, 0, 0], 3),
    "ragged_both": lambda tf, t: (fed(t, TWO), tf.ragged.constant([[0, 2], [], [1, 1, 0], [2]]), 3),
    "int64": lambda tf, t: (t.feed(t.normal(4)), t.feed(np.array([1, 0, 1, 1])), t.feed(np.int64(2))),
    "too_great": lambda tf, t: (t.feed(t.normal(3)), t.feed(np.array([0, 3, 1])), 3),
    "splits": lambda tf, t: (fed(t, ONE), tf.ragged.constant([[0] * 8, [], [], [], []]), 3),
    "shapes": lambda tf, t: (t.feed(t.normal(3)), [0, 1], 2),
    "unknown": lambda tf, t: (t.feed(t.normal(3)), t.feed(np.zeros(3, "int32"), None), 2),
    "count": lambda tf, t: (t.feed(t.normal(3)), [0, 1, 0], [2]),
}


@case.each(which=sorted(STACKS))
def stack_dynamic_partitions(tf, t, which):
    out(t, tf.ragged.stack_dynamic_partitions(*STACKS[which](tf, t)))
    if which == "ragged_both":
        t.values_only()  # TensorFlow casts a ragged tensor, and what it tries first takes a name.


@case.each(which=["ragged", "ragged_both", "too_great"])
def dynamic_partition(tf, t, which):
    t.values_only()
    data, partitions, _ = STACKS[which](tf, t)
    out(t, tf.dynamic_partition(data, partitions, 3))


@case.each(count=[2.0, 2.5, np.int64(2)])
def dynamic_partition_counts(tf, t, count):
    t.values_only()
    out(t, tf.dynamic_partition(fed(t, ONE), [0, 1, 0, 0, 0], count))


@case.each(count=[-1, -7, -1.0, None, "2"])
def dynamic_partition_refused(tf, t, count):
    out(t, tf.dynamic_partition(fed(t, ONE), [0, 1, 0, 0, 0], count))


# --- reductions and segments ------------------------------------------------------------------------------------------

REDUCTIONS = ["reduce_sum", "reduce_prod", "reduce_min", "reduce_max", "reduce_mean", "reduce_any", "reduce_all"]


@case.each(
    which=[
        (f, shape, axis)
        for f in REDUCTIONS
        for shape in ("one", "inner", "two", "two_inner")
        for axis in (0, 1, 2, -1, (0, 1), (1, 2), (-1,), ())
    ]
)
def reduce(tf, t, which):
    x = fed(t, *SHAPES[which[1]], dtype="bool" if which[0] in ("reduce_any", "reduce_all") else "float32")
    axis = list(which[2]) if isinstance(which[2], tuple) else which[2]
    out(t, _named(tf, which[0])(x, axis))
    t.values_only()


@case.each(which=[(f, axis) for f in ("reduce_variance", "reduce_std") for axis in (None, 0, 1)])
def spread_refused(tf, t, which):
    getattr(tf.math, which[0])(fed(t, ONE), axis=which[1])


@case.each(name=REDUCTIONS)
def reduce_everything(tf, t, name):
    x = fed(t, TWO, dtype="bool" if name in ("reduce_any", "reduce_all") else "int32")
    out(
        t, _named(tf, name)(x), _named(tf, name)(x, name="named"), _named(tf, "math." + name)(input_tensor=x, axis=None)
    )
    # TensorFlow leaves a RaggedRank behind of its first try.
    t.values_only()


REDUCES = {
    "axis_tensor": lambda tf, t: tf.reduce_sum(fed(t, TWO), tf.constant([0, 1])),
    "axis_array": lambda tf, t: tf.reduce_max(fed(t, TWO), axis=tf.constant(1)),
    "name": lambda tf, t: tf.reduce_sum(fed(t, TWO), axis=1, name="named"),
    "mean_name": lambda tf, t: tf.reduce_mean(fed(t, TWO), axis=0, name="named"),
    "old_names": lambda tf, t: tf.reduce_sum(fed(t, TWO), reduction_indices=1, keep_dims=False),
    "int32": lambda tf, t: tf.reduce_sum(fed(t, TWO, splits_dtype="int32"), axis=1),
    "keepdims": lambda tf, t: tf.reduce_sum(fed(t, TWO), axis=1, keepdims=True),
    "keep_dims": lambda tf, t: tf.reduce_all(fed(t, TWO, dtype="bool"), axis=1, keep_dims=True),
    "axis_fed": lambda tf, t: tf.reduce_sum(fed(t, TWO), axis=t.feed(np.int32(1))),
    "outside": lambda tf, t: tf.reduce_sum(fed(t, TWO), axis=3),
    "integer_mean": lambda tf, t: tf.reduce_mean(fed(t, TWO, dtype="int32"), axis=1),
    "integer_max": lambda tf, t: tf.reduce_max(fed(t, ONE, dtype="int32"), axis=1),
    "integer_min": lambda tf, t: tf.reduce_min(fed(t, ONE, dtype="int64"), axis=1),
}


@case.each(which=sorted(REDUCES))
def reduces(tf, t, which):
    out(t, REDUCES[which](tf, t))


@case.each(which=[(f, axis) for f in ("reduce_sum", "reduce_mean", "reduce_max") for axis in (0, 1, 2)])
def reduce_gradient(tf, t, which):
    x = fed(t, TWO)
    y = _named(tf, which[0])(x, axis=which[1])
    out(t, y)
    t.grad(getattr(y, "flat_values", y), x.flat_values)


@case.each(which=[("one", 0), ("one", 1), ("two", 0), ("two", 1), ("two", 2), ("two", None), ("one", [0, 1])])
def reduce_join(tf, t, which):
    x = fed(t, *SHAPES[which[0]], dtype="string")
    out(t, tf.strings.reduce_join(x, axis=which[1]))
    if which[1] is not None:
        out(t, tf.reduce_join(x, axis=which[1], separator="-", name="named"))


SEGMENTS = ["sum", "prod", "min", "max", "mean", "sqrt_n"]


@case.each(which=[(f, shape) for f in SEGMENTS for shape in ("one", "inner", "two")])
def unsorted_segment(tf, t, which):
    x = fed(t, *SHAPES[which[1]])
    rows = len(SHAPES[which[1]][0][0]) - 1
    ids = t.feed(t.integers(0, 3, rows))
    y = _named(tf, "unsorted_segment_" + which[0])(x, ids, 4)
    out(t, y)
    t.grad(y.flat_values, x.flat_values)


SEGMENTS_OF_ELEMENTS = {
    "elements": lambda tf, t: tf.math.unsorted_segment_sum(fed(t, ONE), fed(t, ONE, dtype="int32"), 8, name="named"),
    "deep": lambda tf, t: tf.math.unsorted_segment_max(fed(t, TWO), fed(t, TWO, dtype="int64"), 7),
    "middle": lambda tf, t: tf.math.unsorted_segment_mean(fed(t, TWO), fed(t, TWO[:1], dtype="int64"), 7),
    "splits": lambda tf, t: tf.unsorted_segment_sum(fed(t, ONE), fed(t, [[0, 8]], dtype="int32"), 8),
    "dense": lambda tf, t: tf.unsorted_segment_sum(tf.ones([5]), fed(t, ONE, dtype="int32"), 8),
    "types": lambda tf, t: tf.unsorted_segment_sum(fed(t, ONE), fed(t, ONE), 8),
    "sorted": lambda tf, t: tf.segment_sum(fed(t, ONE), [0, 0, 1, 1, 2]),
}


@case.each(which=sorted(SEGMENTS_OF_ELEMENTS))
def unsorted_segments(tf, t, which):
    out(t, SEGMENTS_OF_ELEMENTS[which](tf, t))


# --- strings ----------------------------------------------------------------------------------------------------------


def _texts(t, splits=None):
    return t.tf.RaggedTensor.from_nested_row_splits(t.feed(TEXTS), splits or ONE, validate=False)


STRINGS = {
    "split": lambda tf, t: tf.strings.split(t.feed(TEXTS), result_type="RaggedTensor"),
    "split_ragged": lambda tf, t: tf.strings.split(_texts(t), result_type="RaggedTensor"),
    "split_sparse": lambda tf, t: tf.strings.split(_texts(t)),
    "split_scalar": lambda tf, t: tf.strings.split("a b", result_type="RaggedTensor"),
    "split_matrix": lambda tf, t: tf.strings.split(t.feed(TEXTS.reshape(4, 2)), " ", 1, "RaggedTensor"),
    "split_matrix_sparse": lambda tf, t: tf.strings.split([["a b", "c"], ["", "d e"]]),
    "split_wrong": lambda tf, t: tf.strings.split(["a"], result_type="x"),
    "string_split": lambda tf, t: tf.string_split(t.feed(TEXTS), result_type="RaggedTensor"),
    "string_split_ragged": lambda tf, t: tf.string_split(_texts(t)),
    "bytes": lambda tf, t: tf.strings.bytes_split(t.feed(TEXTS)),
    "bytes_ragged": lambda tf, t: tf.strings.bytes_split(_texts(t)),
    "bytes_scalar": lambda tf, t: tf.strings.bytes_split("abc"),
    "bytes_matrix": lambda tf, t: tf.strings.bytes_split(t.feed(np.array([[b"ab", b"c"]], object))),
    "decode": lambda tf, t: tf.strings.unicode_decode(t.feed(TEXTS), "UTF-8"),
    "decode_ragged": lambda tf, t: tf.strings.unicode_decode(_texts(t), "UTF-8"),
    "decode_scalar": lambda tf, t: tf.strings.unicode_decode("ab", "UTF-8"),
    "decode_matrix": lambda tf, t: tf.strings.unicode_decode([["ab", "c"]], "UTF-8"),
    "decode_offsets": lambda tf, t: tf.strings.unicode_decode_with_offsets(_texts(t), "UTF-8"),
    "unicode_split": lambda tf, t: tf.strings.unicode_split(t.feed(TEXTS), "UTF-8"),
    "unicode_split_ragged": lambda tf, t: tf.strings.unicode_split(_texts(t), "UTF-8"),
    "unicode_split_offsets": lambda tf, t: tf.strings.unicode_split_with_offsets(t.feed(TEXTS), "UTF-8"),
    "encode": lambda tf, t: tf.strings.unicode_encode(tf.ragged.constant([[97, 98], [], [233]]), "UTF-8"),
    "encode_deep": lambda tf, t: tf.strings.unicode_encode(tf.ragged.constant([[[97, 98], []], [[233]]]), "UTF-16-BE"),
    "encode_inner": lambda tf, t: tf.strings.unicode_encode(
        tf.ragged.constant([[[97, 98], [99, 100]], [[233, 97]]], ragged_rank=1), "UTF-8"
    ),
    "encode_dense": lambda tf, t: tf.strings.unicode_encode([[97, 98], [99, 100]], "UTF-8"),
    "encode_vector": lambda tf, t: tf.strings.unicode_encode([97, 98], "UTF-8"),
    "ngrams": lambda tf, t: tf.strings.ngrams(_texts(t), 2),
    "ngrams_several": lambda tf, t: tf.strings.ngrams(_texts(t, [[0, 4, 7, 8]]), [1, 3], "-", ("<", ">")),
    "ngrams_vector": lambda tf, t: tf.strings.ngrams(t.feed(TEXTS), 3),
    "ngrams_matrix": lambda tf, t: tf.strings.ngrams([["a", "b", "c"], ["d", "e", "f"]], 2, pad_values="-"),
    "ngrams_deep": lambda tf, t: tf.strings.ngrams(_texts(t, [[0, 2, 5], ONE[0]]), 2, preserve_short_sequences=True),
    "transcode": lambda tf, t: tf.strings.unicode_transcode(_texts(t), "UTF-8", "UTF-16-BE"),
    "lower": lambda tf, t: tf.strings.lower(_texts(t)),
    "format": lambda tf, t: tf.strings.format("{}", _texts(t)),
}


@case.each(which=sorted(STRINGS))
def strings(tf, t, which):
    out(t, STRINGS[which](tf, t))
