"""Ragged tensors: made, converted, indexed, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases
from ragged_inputs import DEEP, LISTS, ONE, SHAPES, TEXTS, TWO, fed, out

case = Cases()

# --- factories --------------------------------------------------------------------------------------------------------

PARTITIONS = {
    "value_rowids": [0, 0, 0, 0, 2, 2, 2, 3],
    "row_splits": [0, 4, 4, 7, 8, 8],
    "row_lengths": [4, 0, 3, 1, 0],
    "row_starts": [0, 4, 4, 7, 8],
    "row_limits": [4, 4, 7, 8, 8],
}


@case.each(kind=sorted(PARTITIONS))
def factory(tf, t, kind):
    make = getattr(tf.RaggedTensor, "from_" + kind)
    values = t.feed(t.normal(8))
    out(t, make(values, PARTITIONS[kind]), make(values, t.feed(np.array(PARTITIONS[kind], "int32")), name="named"))
    out(t, make(values, t.feed(np.array(PARTITIONS[kind])), validate=False))
    out(t, make(np.arange(8), np.array(PARTITIONS[kind], "int32")))
    out(t, make(t.feed(t.normal(8, 2), [None, 2]), t.feed(np.array(PARTITIONS[kind]), [None])))


WRONG = {
    "value_rowids": [[0, 0, 0, 0, 2, 2, 1, 3], [0, 1], [-1, 0, 0, 0, 0, 0, 0, 0]],
    "row_splits": [[0, 4, 3, 8], [1, 8], [0, 7], [0, 9]],
    "row_lengths": [[4, -1, 5], [7], [9]],
    "row_starts": [[1, 4], [0, 4, 3], [0, 9]],
    "row_limits": [[4, 3, 8], [4, 7], [-1, 8]],
}


@case.each(wrong=[(kind, i) for kind in sorted(WRONG) for i in range(len(WRONG[kind]))])
def factory_wrong(tf, t, wrong):
    make = getattr(tf.RaggedTensor, "from_" + wrong[0])
    out(t, make(np.arange(8.0), t.feed(np.array(WRONG[wrong[0]][wrong[1]]), [None])))


@case.each(wrong=[(kind, i) for kind in sorted(WRONG) for i in range(len(WRONG[kind]))])
def factory_wrong_constant(tf, t, wrong):
    out(t, getattr(tf.RaggedTensor, "from_" + wrong[0])(np.arange(8.0), WRONG[wrong[0]][wrong[1]]))


@case.each(nrows=[4, 6, 3, -1])
def rowids_nrows(tf, t, nrows):
    out(t, tf.RaggedTensor.from_value_rowids(np.arange(8.0), PARTITIONS["value_rowids"], nrows))


@case.each(nrows=[4, 6, 3])
def rowids_nrowsfed(tf, t, nrows):
    ids = t.feed(np.array(PARTITIONS["value_rowids"]), [None])
    ragged = tf.RaggedTensor.from_value_rowids(np.arange(8.0), ids, t.feed(np.int64(nrows)))
    out(t, ragged, ragged.nrows(), ragged.nrows(tf.int32), ragged.value_rowids(), ragged.row_lengths())


@case
def rowids_empty(tf, t):
    out(t, tf.RaggedTensor.from_value_rowids(np.zeros([0], "float32"), np.zeros([0], "int64")))
    out(t, tf.RaggedTensor.from_value_rowids(np.zeros([0], "float32"), t.feed(np.zeros([0], "int64"), [None])))


@case
def nested_factories(tf, t):
    make = tf.RaggedTensor
    values = t.feed(t.normal(7))
    out(t, make.from_nested_row_splits(values, TWO), make.from_nested_row_splits(values, []))
    out(t, make.from_nested_row_lengths(values, [[2, 0, 3, 1], [2, 0, 1, 3, 1, 0]]))
    out(t, make.from_nested_value_rowids(values, [[0, 0, 2, 2, 2, 3], [0, 0, 2, 3, 3, 3, 4]], [4, 6], name="ids"))
    out(t, make.from_nested_value_rowids(values, [[0, 0, 2, 2, 2], [0, 0, 2, 3, 3, 3, 4]]))


FACTORY_ERRORS = {
    "constructor": lambda tf, t: tf.RaggedTensor(tf.zeros([2]), tf.constant([0, 2])),
    "validate": lambda tf, t: tf.RaggedTensor.from_row_splits([1, 2], [0, 2], validate=1),
    "empty_splits": lambda tf, t: tf.RaggedTensor.from_row_splits([1, 2], []),
    "float_splits": lambda tf, t: tf.RaggedTensor.from_row_splits([1, 2], [0.0, 2.0]),
    "matrix_splits": lambda tf, t: tf.RaggedTensor.from_row_splits([1, 2], [[0, 2]]),
    "scalar_values": lambda tf, t: tf.RaggedTensor.from_row_splits(3, [0, 2], validate=False),
    "mixed_splits": lambda tf, t: tf.RaggedTensor.from_row_splits(fed(t, ONE), tf.constant([0, 5], tf.int32)),
    "nested_tensor": lambda tf, t: tf.RaggedTensor.from_nested_row_splits([1, 2], tf.constant([[0, 2]])),
    "nested_nrows": lambda tf, t: tf.RaggedTensor.from_nested_value_rowids([1, 2], [[0, 0]], [1, 2]),
    "rowids_and_values": lambda tf, t: tf.RaggedTensor.from_value_rowids([1, 2], [0, 0, 0]),
    "internal_values": lambda tf, t: tf.RaggedTensor([1, 2], tf.constant([0, 2]), internal=True),
    "internal_splits": lambda tf, t: tf.RaggedTensor(tf.zeros([2]), [0, 2], internal=True),
    "sparse_kind": lambda tf, t: tf.RaggedTensor.from_sparse(tf.zeros([2, 2])),
    "sparse_rank": lambda tf, t: tf.RaggedTensor.from_sparse(tf.SparseTensor([[0, 0, 0]], [1], [1, 1, 1])),
    "to_list": lambda tf, t: fed(t, ONE).to_list(),
    "bool": lambda tf, t: bool(fed(t, ONE)),
    "with_values": lambda tf, t: fed(t, ONE).with_values(tf.zeros([3])),
    "with_scalar": lambda tf, t: fed(t, ONE).with_values(tf.zeros([])),
    "splits_dtype": lambda tf, t: fed(t, ONE).with_row_splits_dtype(tf.float32),
    "convert": lambda tf, t: tf.convert_to_tensor(fed(t, ONE)),
    "gradient": lambda tf, t: tf.gradients(tf.reduce_sum(fed(t, ONE)), fed(t, ONE)),
    "length": lambda tf, t: len(fed(t, ONE)),
    "matrix_rowids": lambda tf, t: tf.RaggedTensor.from_value_rowids([1.0, 2.0], [[0, 1]]),
    "matrix_rowids_nrows": lambda tf, t: tf.RaggedTensor.from_value_rowids([1.0, 2.0], [[0, 1]], nrows=2),
}


@case.each(what=sorted(FACTORY_ERRORS))
def refused(tf, t, what):
    FACTORY_ERRORS[what](tf, t)


# --- constants and placeholders ---------------------------------------------------------------------------------------

CONSTANTS = {
    "lists": (LISTS, {}),
    "deep": (DEEP, {}),
    "scalar": (3, {}),
    "vector": ([1, 2], {}),
    "empty": ([], {}),
    "empties": ([[], []], {}),
    "dtype": (LISTS, {"dtype": "float64"}),
    "strings": ([["a"], ["b", "cc"]], {}),
    "rank0": ([[1, 2], [3, 4]], {"ragged_rank": 0}),
    "rank1": ([[[1, 2]], [[3, 4], [5, 6]]], {"ragged_rank": 1}),
    "rank2": ([[[1, 2]], [[3, 4], [5, 6]]], {"ragged_rank": 2}),
    "rank_empty": ([], {"ragged_rank": 2}),
    "inner": ([[[1, 2]], [[3, 4], [5, 6]]], {"inner_shape": (2,)}),
    "inner_rank": ([[[1, 2]], [[3, 4], [5, 6]]], {"inner_shape": (2,), "ragged_rank": 1}),
    "inner_empty": ([[], []], {"inner_shape": (2,), "ragged_rank": 1}),
    "int32": (LISTS, {"row_splits_dtype": "int32"}),
    "array": (np.array([[1, 2], [3, 4]]), {}),
    "arrays": ([np.array([1, 2]), np.array([3])], {}),
    "tuples": (((1, 2), (3,)), {}),
    "name": (LISTS, {"name": "n"}),
    "floats": ([[1.5], [2.0, 3.0]], {}),
    "uneven": ([[1, [2]], [3]], {}),
    "uneven_rows": ([1, [2]], {}),
    "deeper_empty": ([[1], [[]]], {}),
    "scalar_rank": (3, {"ragged_rank": 1}),
    "scalar_inner": (3, {"inner_shape": (1,)}),
    "negative": ([[1]], {"ragged_rank": -1}),
    "too_deep": ([[1]], {"ragged_rank": 2}),
    "inconsistent": ([[[1, 2]], [[3]]], {"ragged_rank": 1}),
    "both_wrong": ([[1]], {"ragged_rank": 1, "inner_shape": (2,)}),
    "deeper_than_both": ([[[]]], {"ragged_rank": 1, "inner_shape": ()}),
    "none": ([[None]], {}),
    "mixed": ([[1], ["a"]], {}),
    "inner_mismatch": ([[[1, 2]], [[3, 4, 5]]], {"inner_shape": (2,)}),
}


@case.each(which=sorted(CONSTANTS))
def constant(tf, t, which):
    value, options = CONSTANTS[which]
    options = {key: tf.as_dtype(option) if key.endswith("dtype") else option for key, option in options.items()}
    out(t, tf.ragged.constant(value, **options))


@case.each(which=sorted(CONSTANTS))
def constant_value(tf, t, which):
    value, options = CONSTANTS[which]
    options = {key: option for key, option in options.items() if key != "name"}
    made = tf.ragged.constant_value(value, **options)
    out(
        t,
        *(
            [tf.constant(np.asarray(part)) for part in (made.flat_values,) + tuple(made.nested_row_splits)]
            if hasattr(made, "flat_values")
            else [tf.constant(np.asarray(made))]
        ),
    )
    t.values_only()


@case.each(rank=[0, 1, 2])
def placeholder(tf, t, rank):
    made = tf.ragged.placeholder(tf.float32, rank, [3] if rank else None, name="fed")
    made = made if rank else made + 0
    parts = [made.flat_values] + list(made.nested_row_splits) if rank else [made.op.inputs[0]]
    values = [np.ones([3, 3], "float32"), np.array([0, 1, 3]), np.array([0, 1, 3])] if rank else [np.float32(1)]
    for part, value in zip(parts, values):  # noqa: B905
        t.feeds[part] = value
    out(t, made)


# --- what a ragged tensor consists of ---------------------------------------------------------------------------------


@case.each(shape=sorted(SHAPES))
def parts(tf, t, shape):
    ragged = fed(t, *SHAPES[shape])
    out(t, ragged.values, ragged.row_splits, ragged.flat_values, ragged.nested_row_splits)
    out(t, ragged.nrows(), ragged.nrows(tf.int32, name="rows"), ragged.row_starts(), ragged.row_limits())
    out(t, ragged.value_rowids(), ragged.nested_value_rowids(), ragged.nested_row_lengths())
    t.out(tf.constant([ragged.ragged_rank, ragged.shape.ndims] + [d or -1 for d in ragged.shape.as_list()]))


@case.each(shape=sorted(SHAPES))
def parts_of_unknown(tf, t, shape):
    ragged = fed(t, *SHAPES[shape], known=False)
    out(t, ragged.nrows(), ragged.value_rowids(), ragged.row_lengths(), ragged.bounding_shape())
    t.out(tf.constant([d or -1 for d in ragged.shape.as_list()]))


@case.each(which=[(shape, axis) for shape in sorted(SHAPES) for axis in (0, 1, 2, 3, -1, 4)])
def row_lengths(tf, t, which):
    out(t, fed(t, *SHAPES[which[0]]).row_lengths(axis=which[1]))


@case.each(shape=sorted(SHAPES))
def bounding_shape(tf, t, shape):
    ragged = fed(t, *SHAPES[shape])
    out(t, ragged.bounding_shape(), ragged.bounding_shape(0), ragged.bounding_shape(1, out_type=tf.int32))
    out(t, ragged.bounding_shape([1, 0]), ragged.bounding_shape(tf.constant(1), name="box"))


@case.each(dtype=["int32", "int64"])
def with_splits_dtype(tf, t, dtype):
    ragged = fed(t, *SHAPES["two"])
    out(
        t,
        ragged.with_row_splits_dtype(dtype),
        ragged.with_values(tf.range(6)),
        ragged.with_flat_values(tf.ones([7, 2])),
    )
    rows = tf.RaggedTensor.from_value_rowids(tf.range(3), [0, 0, 1]).with_row_splits_dtype(dtype)
    out(t, rows, rows.value_rowids(), rows.row_lengths(), rows.nrows())


# --- conversions ------------------------------------------------------------------------------------------------------


@case.each(which=[(shape, default) for shape in sorted(SHAPES) for default in (None, 7)])
def to_tensor(tf, t, which):
    out(t, fed(t, *SHAPES[which[0]]).to_tensor(which[1]))


@case.each(dtype=["int32", "string", "bool", "uint8", "complex64"])
def to_tensor_dtype(tf, t, dtype):
    out(t, fed(t, ONE, dtype=dtype, splits_dtype="int32").to_tensor(None))


@case.each(default=[[1.0, 2.0], [[1.0], [2.0]], [1.0, 2.0, 3.0], "x", [[[1.0]]]])
def to_tensor_default(tf, t, default):
    out(t, fed(t, TWO, (2, 1)).to_tensor(default), fed(t, TWO, (2, 1), known=False).to_tensor(default, name="named"))


@case
def to_tensor_of_nothing(tf, t):
    out(t, tf.ragged.constant([[], []], tf.float32).to_tensor())


FROM_TENSOR = {
    "whole": ((3, 4), {}),
    "lengths": ((3, 4), {"lengths": [2, 0, 9]}),
    "negative": ((3, 4), {"lengths": [2, -1, 4]}),
    "rank2": ((2, 3, 2), {"ragged_rank": 2}),
    "rank3": ((2, 3, 2, 2), {"ragged_rank": 3}),
    "lengths2": ((2, 2, 2), {"lengths": ([1, 2], [2, 0, 1])}),
    "int32": ((3, 4), {"row_splits_dtype": "int32"}),
    "rank2_lengths": ((2, 3, 2), {"ragged_rank": 2, "lengths": [1, 0, 2, 2, 1, 0]}),
    "empty": ((0, 4), {}),
    "no_columns": ((3, 0), {}),
    "vector": ((3,), {}),
    "rank0": ((3, 4), {"ragged_rank": 0}),
    "rank_too_high": ((3, 4), {"ragged_rank": 2}),
    "both": ((3, 4), {"lengths": [1, 1, 1], "padding": 0}),
    "rank_type": ((3, 4), {"ragged_rank": 1.0}),
    "lengths_rank": ((3, 4), {"lengths": 2}),
    "inner": ((3, 4, 2), {}),
    "lengths_type": ((3, 4), {"lengths": [1.0, 2.0, 3.0]}),
    "inner_lengths": ((3, 4, 2), {"lengths": [1, 2, 0]}),
}


@case.each(which=sorted(FROM_TENSOR))
def from_tensor(tf, t, which):
    shape, options = FROM_TENSOR[which]
    values = t.normal(*shape)
    out(t, tf.RaggedTensor.from_tensor(t.feed(values), **options))
    out(t, tf.RaggedTensor.from_tensor(t.feed(values, [None] * len(shape)), name="unknown", **options))


@case.each(shape=[(3, 4), (2, 3, 2)])
def from_tensor_padding(tf, t, shape):
    values = t.integers(0, 2, *shape)
    padding = [0] * shape[2] if shape[2:] else 0
    out(t, tf.RaggedTensor.from_tensor(t.feed(values), padding=padding))


@case
def from_tensor_padding_rank2(tf, t):
    out(t, tf.RaggedTensor.from_tensor(t.feed(t.integers(0, 2, 2, 3, 3)), padding=0, ragged_rank=2))


@case
def from_tensor_padding_shape(tf, t):
    out(t, tf.RaggedTensor.from_tensor(tf.ones([2, 2]), padding=[0.0]))


@case.each(indices=[[[0, 0], [0, 1], [2, 0]], [[0, 0], [0, 2]], [[0, 1]], [[1, 0], [0, 0]], []])
def from_sparse(tf, t, indices):
    values = t.normal(len(indices))
    sparse = tf.SparseTensor(
        t.feed(np.array(indices, "int64").reshape(-1, 2)), t.feed(values), t.feed(np.array([4, 3]))
    )
    out(
        t, tf.RaggedTensor.from_sparse(sparse), tf.RaggedTensor.from_sparse(sparse, row_splits_dtype=tf.int32, name="n")
    )


@case.each(shape=sorted(SHAPES))
def to_sparse(tf, t, shape):
    ragged = fed(t, *SHAPES[shape])
    sparse = ragged.to_sparse()
    out(t, sparse)
    t.grad(sparse.values, ragged.flat_values)


# --- indexing ---------------------------------------------------------------------------------------------------------


class _Key(object):
    def __getitem__(self, key):
        return key


KEY = _Key()
KEYS = {
    "row": KEY[2],
    "last": KEY[-2],
    "rows": KEY[1:3],
    "from": KEY[3:],
    "to": KEY[:2],
    "all": KEY[:],
    "dots": KEY[...],
    "step": KEY[::2],
    "back": KEY[::-1],
    "negative": KEY[-3:-1],
    "none": KEY[3:1],
    "row_column": KEY[2, 1],
    "row_columns": KEY[2, 1:],
    "columns": KEY[:, 1:],
    "columns_to": KEY[:, :2],
    "columns_negative": KEY[:, -2:],
    "columns_to_negative": KEY[:, :-1],
    "columns_both": KEY[:, 1:-1],
    "columns_step": KEY[:, ::2],
    "new": KEY[None],
    "new_inside": KEY[:, None],
    "new_row": KEY[None, 1:3],
    "dots_columns": KEY[..., 1:],
    "rows_columns": KEY[1:4, :1],
    "columns_back": KEY[:, ::-1],
    "columns_zero": KEY[:, :0],
    "column": KEY[:, 1],
    "empty": (),
    "list": [2, 0],
    "inner": KEY[:, :, 0],
    "inner_slice": KEY[:, :, :1],
    "inner_new": KEY[:, :, None],
    "row_dots": KEY[2, ...],
    "dots_last": KEY[..., :1],
    "too_many": KEY[0, 0, 0, 0, 0, 0],
    "dots_too_many": KEY[..., 0, 0, 0, 0, 0, 0],
    "float_bound": KEY[:, 1.0:],
    "float_step": KEY[:, ::1.0],
    "string": "x",
    "all_three": KEY[1:, 1:, :1],
    "row_new": KEY[0, None],
    "beyond": KEY[9],
    "columns_beyond": KEY[:, 9:],
    "dots_new": KEY[..., None],
}


@case.each(which=[(shape, key) for shape in ("one", "inner", "two", "two_inner") for key in sorted(KEYS)])
def getitem(tf, t, which):
    out(t, fed(t, *SHAPES[which[0]])[KEYS[which[1]]])


@case
def getitem_tensors(tf, t):
    ragged = fed(t, *SHAPES["two"])
    two, one, minus = t.feed(np.int32(2)), t.feed(np.int64(1)), t.feed(np.int32(-1))
    out(
        t,
        ragged[two],
        ragged[one:],
        ragged[:, one:],
        ragged[:, :two],
        ragged[:, minus:],
        ragged[::two],
        ragged[two, one],
    )
    out(t, ragged[:, ::two])


@case
def getitem_gradient(tf, t):
    ragged = fed(t, *SHAPES["two"])
    out(t, ragged[1:, 1:])
    t.grad([ragged[2].flat_values, ragged[1:, 1:].flat_values, ragged[::2].flat_values], ragged.flat_values)


# --- raw ops ----------------------------------------------------------------------------------------------------------


@case.each(shape=[-1, (2, 3), (-1, 3), (4, 5), (2,), (2, 2, 2), 3])
def raw_to_tensor(tf, t, shape):
    t.out(
        tf.raw_ops.RaggedTensorToTensor(
            shape=np.array(shape, "int64"),
            values=t.feed(t.normal(8)),
            default_value=9.0,
            row_partition_tensors=ONE,
            row_partition_types=["ROW_SPLITS"],
        )
    )


@case.each(
    what=["default", "vector_default", "rowids", "mixed", "type", "lengths", "inner", "past", "strings", "unknown"]
)
def raw_to_tensor_of(tf, t, what):
    values, default, shape = t.feed(t.normal(7, 2)), np.float32(9), [-1, -1, -1, 2]
    tensors, types = TWO, ["ROW_SPLITS", "ROW_SPLITS"]
    if what == "vector_default":
        default = np.array([9, 8], "float32")
    elif what == "rowids":
        tensors, types = (
            [4, [0, 0, 2, 2, 2, 3], [0, 0, 2, 3, 3, 3, 4]],
            ["FIRST_DIM_SIZE", "VALUE_ROWIDS", "VALUE_ROWIDS"],
        )
    elif what == "mixed":
        tensors, types = [TWO[0], [0, 0, 2, 3, 3, 3, 4]], ["ROW_SPLITS", "VALUE_ROWIDS"]
    elif what == "type":
        types = ["ROW_SPLITS", "X"]
    elif what == "lengths":
        types = ["ROW_SPLITS", "ROW_LENGTHS"]
    elif what == "inner":
        shape = [-1, -1, -1, 3]
    elif what == "past":
        tensors = [TWO[0], [0, 2, 2, 3, 6, 7, 9]]
    elif what == "strings":
        values, default, shape = t.feed(TEXTS[:7]), b"-", -1
    elif what == "unknown":
        values, shape = t.feed(t.normal(7, 2), None), t.feed(np.array([3, 2, 2, 2]))
    t.out(
        tf.raw_ops.RaggedTensorToTensor(
            shape=np.array(shape) if isinstance(shape, (int, list)) else shape,
            values=values,
            default_value=default,
            row_partition_tensors=tensors,
            row_partition_types=types,
        )
    )


@case.each(which=[(shape, batched) for shape in sorted(SHAPES) for batched in (False, True)])
def variants(tf, t, which):
    ragged = fed(t, *SHAPES[which[0]])
    encoded = tf.raw_ops.RaggedTensorToVariant(
        rt_nested_splits=list(ragged.nested_row_splits), rt_dense_values=ragged.flat_values, batched_input=which[1]
    )
    t.out(tf.constant([-1 if d is None else d for d in encoded.shape.as_list()], tf.int32))
    back = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=encoded,
        input_ragged_rank=-1,
        output_ragged_rank=ragged.ragged_rank,
        Tvalues=tf.float32,
        Tsplits=tf.int64,
    )
    out(t, back.output_nested_splits, back.output_dense_values)


@case.each(wrong=[(0, 2, "float32"), (-1, 1, "int32"), (3, 4, "float32"), (-1, 3, "float32")])
def variants_refused(tf, t, wrong):
    ragged = fed(t, ONE)
    encoded = tf.raw_ops.RaggedTensorToVariant(
        rt_nested_splits=list(ragged.nested_row_splits), rt_dense_values=ragged.flat_values, batched_input=False
    )
    back = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=encoded,
        input_ragged_rank=wrong[0],
        output_ragged_rank=wrong[1],
        Tvalues=tf.as_dtype(wrong[2]),
        Tsplits=tf.int64,
    )
    t.out(back.output_dense_values)


@case
def variants_stacked(tf, t):
    encoded = [
        tf.raw_ops.RaggedTensorToVariant(
            rt_nested_splits=splits, rt_dense_values=t.feed(t.normal(splits[0][-1])), batched_input=False
        )
        for splits in ([[0, 2, 3]], [[0, 0, 4, 5]])
    ]
    back = tf.raw_ops.RaggedTensorFromVariant(
        encoded_ragged=tf.stack(encoded),
        input_ragged_rank=1,
        output_ragged_rank=2,
        Tvalues=tf.float32,
        Tsplits=tf.int64,
    )
    out(t, back.output_nested_splits, back.output_dense_values)


@case
def conditional(tf, t):
    x, flag = fed(t, ONE), t.feed(np.array(True))
    out(t, tf.cond(flag, lambda: x + 1.0, lambda: x * 2.0))
    t.values_only()
