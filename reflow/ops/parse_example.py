"""Parsing Example messages: ParseExample, ParseSingleExample."""

from reflow.files import protos
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.example_columns import Column, parsed, sparse_matrix, sparse_vector, transposed
from reflow.ops.example_features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RawFeatures,
    SparseFeature,
    VarLenFeature,
    default_tensors,
    node_name,
    raw_features,
)
from reflow.ops.shape_rules import with_rank

_KINDS = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)

# --- kernels ------------------------------------------------------------------------------------------------------


def dense_columns(keys, types, shapes, defaults) -> list[Column]:
    """The dense columns of an op, their defaults checked."""
    columns = [Column(*each) for each in zip(keys, types, shapes, defaults, strict=True)]
    for column in columns:
        column.check_default()
    return columns


def _features_of(serialized: list[bytes]) -> list:
    message_class = protos.load("example").Example
    return [parsed(message_class, text).features.feature for text in serialized]


def sparse_batch(column: Column, examples: list, names: list[str]):
    """(indices, values, shape) of one feature of several examples."""
    rows = [column.values_in(features, f"Name: {name}, Key: {column.key}, Index: {i}") or []
            for i, (features, name) in enumerate(zip(examples, names, strict=True))]  # fmt: skip
    return sparse_matrix(column, rows)


def dense_batch(column: Column, examples: list, names: list[str]):
    """The dense tensor of one feature of several examples."""
    rows = []
    for i, (features, name) in enumerate(zip(examples, names, strict=True)):
        place = f"Name: {name}, Key: {column.key}, Index: {i}"
        values = column.values_in(features, place)
        if column.is_ragged:
            rows.append(column.ragged(values, place))
        else:
            missing = (f"Name: {name}, Feature: {column.key} (data type: {column.type_name}) is required but could "
                       "not be found.")  # fmt: skip
            rows.append(column.fixed(values, place, missing))
    if column.is_ragged:
        return column.padded(rows)
    return column.tensor([value for row in rows for value in row], (len(rows), *column.dims))


def names_of(names, count: int) -> list[str]:
    """The names of the examples in messages."""
    if not names.size:
        return ["<unknown>"] * count
    if names.size != count:
        raise ValueError(f"Expected len(names) == len(serialized), but got {names.size} vs. {count}")
    return [name.decode(errors="replace") for name in names.reshape(-1).tolist()]


def _texts(arrays) -> list[str]:
    return [array.item().decode(errors="surrogateescape") for array in arrays]


def _parse_example(serialized, names, sparse_keys, dense_keys, dense_defaults, sparse_types, dense_shapes, Tdense):
    if serialized.ndim != 1:
        raise ValueError(f"Expected serialized to be a vector, got shape: {list(serialized.shape)}")
    dense = dense_columns(_texts(dense_keys), Tdense, dense_shapes, dense_defaults)
    sparse = [Column(*each) for each in zip(_texts(sparse_keys), sparse_types, strict=True)]
    shown = names_of(names, serialized.size)
    examples = _features_of(serialized.tolist())
    return (*transposed([sparse_batch(column, examples, shown) for column in sparse]),
            [dense_batch(column, examples, shown) for column in dense])  # fmt: skip


def _parse_single(serialized, dense_defaults, sparse_keys, dense_keys, sparse_types, dense_shapes, Tdense):
    if serialized.ndim:
        raise ValueError(f"Expected serialized to be a scalar, got shape: {list(serialized.shape)}")
    dense = dense_columns([key.decode() for key in dense_keys], Tdense, dense_shapes, dense_defaults)
    sparse = [Column(key.decode(), dtype) for key, dtype in zip(sparse_keys, sparse_types, strict=True)]
    (features,) = _features_of([serialized.item()])
    triples = [sparse_vector(column, column.values_in(features, f"Key: {column.key}") or []) for column in sparse]
    return (*transposed(triples), [_single_dense(column, features) for column in dense])


def _single_dense(column: Column, features):
    values = column.values_in(features, f"Key: {column.key}")
    if column.is_ragged:
        return column.padded([column.ragged(values, f"Key: {column.key}")])[0]
    missing = f"Feature: {column.key} (data type: {column.type_name}) is required but could not be found."
    return column.tensor(column.fixed(values, f"Key: {column.key}", missing), column.dims)


# --- shape rules --------------------------------------------------------------------------------------------------


def sparse_shapes(count: int, rank: int) -> list:
    """The shapes of the indices, values and shapes of some sparse outputs."""
    return [(None, rank)] * count + [(None,)] * count + [(rank,)] * count


def _parse_example_shape(op):
    (batch,) = with_rank(op._inputs[0].dims, 1)
    with_rank(op._inputs[1].dims, 1)
    dense = [(batch, *dims) for dims in op.attrs["dense_shapes"]]
    return sparse_shapes(op.attrs["Nsparse"], 2) + dense


def _parse_single_shape(op):
    with_rank(op._inputs[0].dims, 0)
    return sparse_shapes(op.attrs["num_sparse"], 1) + list(op.attrs["dense_shapes"])


# --- ops ----------------------------------------------------------------------------------------------------------

define_op(
    "ParseExample",
    "serialized: string, names: string, sparse_keys: Nsparse*string, dense_keys: Ndense*string, "
    "dense_defaults: list:Tdense -> sparse_indices: Nsparse*int64, sparse_values: list:sparse_types, "
    "sparse_shapes: Nsparse*int64, dense_values: list:Tdense",
    "Nsparse: int >= 0, Ndense: int >= 0, sparse_types: list(type) in float|int64|string >= 0, "
    "Tdense: list(type) in float|int64|string >= 0, dense_shapes: list(shape) >= 0",
    shape=_parse_example_shape, kernel=_parse_example,
)  # fmt: skip
define_op(
    "ParseSingleExample",
    "serialized: string, dense_defaults: list:Tdense -> sparse_indices: num_sparse*int64, "
    "sparse_values: list:sparse_types, sparse_shapes: num_sparse*int64, dense_values: list:Tdense",
    "num_sparse: int >= 0, sparse_keys: list(string) >= 0, dense_keys: list(string) >= 0, "
    "sparse_types: list(type) in float|int64|string >= 0, Tdense: list(type) in float|int64|string >= 0, "
    "dense_shapes: list(shape) >= 0",
    shape=_parse_single_shape, kernel=_parse_single,
)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


def _with_rows(features: dict) -> dict:
    """The features with sequences said to have an unknown number of rows."""
    result = dict(features)
    for key, feature in features.items():
        if isinstance(feature, FixedLenSequenceFeature):
            if not feature.allow_missing:
                raise ValueError("Unsupported: FixedLenSequenceFeature requires allow_missing to be True.")
            result[key] = feature._replace(shape=[None, *feature.shape])
    return result


def _checked(raw: RawFeatures) -> RawFeatures:
    if not raw.dense_keys and not raw.sparse_keys:
        raise ValueError("Must provide at least one sparse key or dense key")
    raw.check_keys()
    return raw


def named_outputs(raw: RawFeatures, indices, values, shapes, dense) -> dict:
    """The outputs of a parsing op by key: SparseTensors and Tensors."""
    sparse = [SparseTensor(*each) for each in zip(indices, values, shapes, strict=True)]
    return dict(zip(raw.sparse_keys + raw.dense_keys, sparse + dense, strict=True))


def _merged(features: dict, tensors: dict) -> dict:
    """`tensors` with those of SparseFeatures put together, without those that only they are made of."""
    from reflow.ops.sparse_functions import sparse_merge

    tensors = dict(tensors)
    for key in sorted(features):
        feature = features[key]
        if isinstance(feature, SparseFeature):
            is_one = isinstance(feature.index_key, str)
            ids = tensors[feature.index_key] if is_one else [tensors[each] for each in feature.index_key]
            tensors[key] = sparse_merge(ids, tensors[feature.value_key], vocab_size=feature.size,
                                        already_sorted=feature.already_sorted)  # fmt: skip
    return {key: tensor for key, tensor in tensors.items() if key in features}


@export("io.parse_example", "parse_example")
def parse_example(serialized, features, name=None, example_names=None):
    """Parses serialized Example messages.

    Args:
      serialized: a string vector, an Example message an element.
      features: a dict of names to FixedLenFeature, VarLenFeature, SparseFeature, FixedLenSequenceFeature.
      name: a name scope.
      example_names: a string vector of names that messages mention, or None.

    Returns:
      A dict of names to tensors [batch, ...], sparse ones for VarLenFeature and SparseFeature.

    Raises:
      ValueError: for features that are malformed.
      InvalidArgumentError: when run, for malformed examples, and for features of another type or size.
    """
    if not features:
        raise ValueError(f"Missing: features was {features}.")
    features = _with_rows(features)
    return _merged(features, _parse_raw(serialized, raw_features(features, _KINDS), example_names, name))


def _parse_raw(serialized, raw: RawFeatures, names, name) -> dict:
    with name_scope(name, "ParseExample", [serialized, names]):
        defaults = default_tensors(_checked(raw))
        outputs = call("ParseExample", serialized, [] if names is None else names, raw.sparse_keys, raw.dense_keys,
                       defaults, sparse_types=raw.sparse_types, dense_shapes=raw.dense_shapes, name=name)  # fmt: skip
        return named_outputs(raw, *outputs)


@export("io.parse_single_example", "parse_single_example")
def parse_single_example(serialized, features, name=None, example_names=None):
    """Parses one serialized Example message.

    Args:
      serialized: a string scalar.
      features: as for `tf.parse_example`.
      name: a name scope.
      example_names: a string scalar, a name that messages mention, or None.

    Returns:
      A dict of names to tensors, sparse ones for VarLenFeature and SparseFeature.

    Raises:
      ValueError, InvalidArgumentError: as `tf.parse_example`.
    """
    if not features:
        raise ValueError("Missing features.")
    features = _with_rows(features)
    raw = raw_features(features, _KINDS)
    if example_names is not None:
        return _merged(features, _parse_batch_of_one(serialized, raw, example_names, name))
    with name_scope(name, "ParseSingleExample", [serialized]):
        serialized = to_tensor(serialized, name="serialized")
        defaults = default_tensors(_checked(raw))
        outputs = call("ParseSingleExample", serialized, defaults, num_sparse=len(raw.sparse_keys),
                       sparse_keys=raw.sparse_keys, sparse_types=raw.sparse_types, dense_keys=raw.dense_keys,
                       dense_shapes=raw.dense_shapes, name=name)  # fmt: skip
        tensors = named_outputs(raw, *outputs)
    return _merged(features, tensors)


def _parse_batch_of_one(serialized, raw: RawFeatures, names, name) -> dict:
    from reflow.ops.shape_ops import expand_dims, squeeze
    from reflow.ops.slicing import slice_

    with name_scope(name, "ParseSingleExample", [serialized, names]):
        serialized = expand_dims(_scalar(serialized, "serialized"), 0)
        names = expand_dims(_scalar(names, "names"), 0)
        outputs = _parse_raw(serialized, raw, names, name)
        for key in raw.dense_keys:
            outputs[key] = squeeze(outputs[key], [0], name=f"Squeeze_{node_name(key)}")
        for key in raw.sparse_keys:
            parts = outputs[key]
            outputs[key] = SparseTensor(
                slice_(parts.indices, [0, 1], [-1, -1], name=f"Slice_Indices_{node_name(key)}"), parts.values,
                slice_(parts.dense_shape, [1], [-1], name=f"Squeeze_Shape_{node_name(key)}"),
            )  # fmt: skip
        return outputs


def _scalar(value, name):
    """The tensor of a scalar, which an assertion checks if its rank is not known."""
    from reflow.ops.checks import Assert
    from reflow.ops.comparison import equal
    from reflow.ops.control import with_dependencies
    from reflow.ops.shape_ops import rank

    tensor = to_tensor(value)
    if tensor.dims is None:
        prefix = name.capitalize()
        check = Assert(equal(rank(tensor), 0), [f"Input {name} must be a scalar"], name=f"{prefix}IsScalar")
        return with_dependencies([check], tensor, name=f"{prefix}Dependencies")
    if tensor.dims:
        raise ValueError(f"Input {name} must be a scalar")
    return tensor
