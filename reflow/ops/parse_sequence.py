"""Parsing SequenceExample messages: ParseSequenceExample, ParseSingleSequenceExample."""

import itertools

import numpy as np
import torch

from reflow.files import protos
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.example_columns import Column, coordinates, parsed, sparse_matrix, sparse_vector, transposed
from reflow.ops.example_features import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    RawFeatures,
    VarLenFeature,
    default_tensors,
    raw_features,
)
from reflow.ops.parse_example import dense_batch, dense_columns, named_outputs, names_of, sparse_batch, sparse_shapes
from reflow.ops.shape_rules import with_rank

# --- feature lists ------------------------------------------------------------------------------------------------


def _rows_in(column: Column, lists, name: str) -> list[list] | None:
    """The values of each step of one sequence; None if it has no such list."""
    if column.key not in lists:
        return None
    return [column.values_of(feature, f"Name: {name}, Key: {column.key}, Index: {step}") or []
            for step, feature in enumerate(lists[column.key].feature)]  # fmt: skip


def _dense_rows(column: Column, lists, name: str, may_lack: set) -> list[list]:
    rows = _rows_in(column, lists, name)
    if rows is None:
        if column.key not in may_lack:
            raise ValueError(f"Name: {name}, Feature list '{column.key}' is required but could not be found.  Did you "
                             "mean to include it in feature_list_dense_missing_assumed_empty or "
                             "feature_list_dense_defaults?")  # fmt: skip
        return []
    for step, row in enumerate(rows):
        count = int(np.prod(column.dims))
        column.check_count(row, count, column.dims, f"Name: {name}, Key: {column.key}, Index: {step}")
    return rows


def _dense_lists(column: Column, sequences: list, names: list[str], may_lack: set):
    """(dense tensor [batch, steps, ...], lengths) of one feature list, padded at the end."""
    rows = [_dense_rows(column, lists, name, may_lack) for lists, name in zip(sequences, names, strict=True)]
    lengths = [len(steps) for steps in rows]
    longest = max(lengths, default=0)
    empty = column.filler * int(np.prod(column.dims))
    padded = [steps + [empty] * (longest - len(steps)) for steps in rows]
    values = [value for steps in padded for step in steps for value in step]
    return column.tensor(values, (len(rows), longest, *column.dims)), torch.tensor(lengths, dtype=torch.int64)


def _sparse_lists(column: Column, sequences: list, names: list[str]):
    """(indices [n, 3], values, shape) of one feature list."""
    rows = [_rows_in(column, lists, name) or [] for lists, name in zip(sequences, names, strict=True)]
    steps = list(itertools.chain(*rows))
    counts = [len(step) for step in steps]
    sequence_of_step = coordinates([len(each) for each in rows])
    within = coordinates(counts)
    indices = np.concatenate([sequence_of_step[within[:, 0]], within[:, 1:]], 1)
    shape = [len(rows), max(map(len, rows), default=0), max(counts, default=0)]
    values = list(itertools.chain(*steps))
    return torch.from_numpy(indices), column.tensor(values, (len(values),)), torch.tensor(shape)


# --- kernels ------------------------------------------------------------------------------------------------------


def _texts(keys) -> list[str]:
    return [key.decode(errors="surrogateescape") for key in keys]


def _parse_batch(
    serialized, debug_name, context_dense_defaults, feature_list_dense_missing_assumed_empty, context_sparse_keys,
    context_dense_keys, feature_list_sparse_keys, feature_list_dense_keys, context_sparse_types, Tcontext_dense,
    context_dense_shapes, feature_list_sparse_types, feature_list_dense_types, feature_list_dense_shapes,
):  # fmt: skip
    if serialized.ndim != 1:
        raise ValueError(f"Expected serialized to be a vector, got shape: {list(serialized.shape)}")
    names = names_of(debug_name, serialized.size)
    message_class = protos.load("example").SequenceExample
    messages = [parsed(message_class, text) for text in serialized.tolist()]
    contexts = [message.context.feature for message in messages]
    sequences = [message.feature_lists.feature_list for message in messages]
    context_dense = dense_columns(_texts(context_dense_keys), Tcontext_dense, context_dense_shapes,
                                  context_dense_defaults)  # fmt: skip
    context_sparse = _sparse_columns(_texts(context_sparse_keys), context_sparse_types)
    list_sparse = _sparse_columns(_texts(feature_list_sparse_keys), feature_list_sparse_types)
    list_dense = _list_columns(_texts(feature_list_dense_keys), feature_list_dense_types, feature_list_dense_shapes)
    may_lack = set(_texts(feature_list_dense_missing_assumed_empty))
    dense = [_dense_lists(column, sequences, names, may_lack) for column in list_dense]
    return (
        *transposed([sparse_batch(column, contexts, names) for column in context_sparse]),
        [dense_batch(column, contexts, names) for column in context_dense],
        *transposed([_sparse_lists(column, sequences, names) for column in list_sparse]),
        [values for values, _ in dense],
        [lengths for _, lengths in dense],
    )


def _sparse_columns(keys, types) -> list[Column]:
    return [Column(*each) for each in zip(keys, types, strict=True)]


def _list_columns(keys, types, shapes) -> list[Column]:
    return [Column(*each) for each in zip(keys, types, shapes, strict=True)]


def _parse_single(
    serialized, feature_list_dense_missing_assumed_empty, context_sparse_keys, context_dense_keys,
    feature_list_sparse_keys, feature_list_dense_keys, context_dense_defaults, debug_name, context_sparse_types,
    Tcontext_dense, context_dense_shapes, feature_list_sparse_types, feature_list_dense_types,
    feature_list_dense_shapes,
):  # fmt: skip
    if serialized.ndim:
        raise ValueError(f"Expected serialized to be a scalar, got shape: {list(serialized.shape)}")

    def texts(arrays):
        return _texts(array.item() for array in arrays)

    message = parsed(protos.load("example").SequenceExample, serialized.item())
    context, lists = message.context.feature, message.feature_lists.feature_list
    name = names_of(debug_name, 1)[0]
    context_dense = dense_columns(texts(context_dense_keys), Tcontext_dense, context_dense_shapes,
                                  context_dense_defaults)  # fmt: skip
    context_sparse = _sparse_columns(texts(context_sparse_keys), context_sparse_types)
    list_sparse = _sparse_columns(texts(feature_list_sparse_keys), feature_list_sparse_types)
    list_dense = _list_columns(texts(feature_list_dense_keys), feature_list_dense_types, feature_list_dense_shapes)
    may_lack = set(_texts(feature_list_dense_missing_assumed_empty.tolist()))
    return (
        *transposed([_single_context(column, context, name) for column in context_sparse]),
        [dense_batch(column, [context], [name])[0] for column in context_dense],
        *transposed([sparse_matrix(column, _rows_in(column, lists, name) or []) for column in list_sparse]),
        [_dense_lists(column, [lists], [name], may_lack)[0][0] for column in list_dense],
    )


def _single_context(column: Column, context, name):
    return sparse_vector(column, column.values_in(context, f"Name: {name}, Context feature '{column.key}'") or [])


# --- shape rules --------------------------------------------------------------------------------------------------


def _check_counts(attrs):
    """Checks that each kind of columns has as many keys, types and shapes as its number says."""
    for where in ("context", "feature_list"):
        sparse = [f"{where}_sparse_keys", f"{where}_sparse_types"]
        dense = [f"{where}_dense_{what}" for what in ("keys", "types", "shapes")]
        for kind, names in (("sparse", sparse), ("dense", dense)):
            count = attrs[f"N{where}_{kind}"]
            sizes = [len(attrs["Tcontext_dense" if name == "context_dense_types" else name]) for name in names]
            if any(size != count for size in sizes):
                *parts, last = (f"{name} ({size})" for name, size in zip(names, sizes, strict=True))
                raise ValueError(f"num_{where}_{kind} ({count}) must match the size of {', '.join(parts)} and {last}")


def _batch_shape(op):
    attrs = op.attrs
    _check_counts(attrs)
    (batch,) = with_rank(op._inputs[0].dims, 1)
    count = attrs["Nfeature_list_dense"]
    return [
        *sparse_shapes(attrs["Ncontext_sparse"], 2),
        *[(batch, *dims) for dims in attrs["context_dense_shapes"]],
        *sparse_shapes(attrs["Nfeature_list_sparse"], 3),
        *[(batch, None, *dims) for dims in attrs["feature_list_dense_shapes"]],
        *[(batch,)] * count,
    ]


def _single_shape(op):
    attrs = op.attrs
    with_rank(op._inputs[0].dims, 0)
    return [
        *sparse_shapes(attrs["Ncontext_sparse"], 1),
        *attrs["context_dense_shapes"],
        *sparse_shapes(attrs["Nfeature_list_sparse"], 2),
        *[(None, *dims) for dims in attrs["feature_list_dense_shapes"]],
    ]


# --- ops ----------------------------------------------------------------------------------------------------------

_OUTPUTS = (
    "context_sparse_indices: Ncontext_sparse*int64, context_sparse_values: list:context_sparse_types, "
    "context_sparse_shapes: Ncontext_sparse*int64, context_dense_values: list:Tcontext_dense, "
    "feature_list_sparse_indices: Nfeature_list_sparse*int64, "
    "feature_list_sparse_values: list:feature_list_sparse_types, "
    "feature_list_sparse_shapes: Nfeature_list_sparse*int64, "
    "feature_list_dense_values: list:feature_list_dense_types"
)
_COUNTS_AND_TYPES = (
    "Ncontext_sparse: int >= 0 = 0, Ncontext_dense: int >= 0 = 0, Nfeature_list_sparse: int >= 0 = 0, "
    "Nfeature_list_dense: int >= 0 = 0, context_sparse_types: list(type) in float|int64|string >= 0 = [], "
    "Tcontext_dense: list(type) in float|int64|string >= 0 = [], "
    "feature_list_dense_types: list(type) in float|int64|string >= 0 = [], "
    "context_dense_shapes: list(shape) >= 0 = [], "
    "feature_list_sparse_types: list(type) in float|int64|string >= 0 = [], "
    "feature_list_dense_shapes: list(shape) >= 0 = []"
)

define_op(
    "ParseSequenceExample",
    "serialized: string, debug_name: string, context_dense_defaults: list:Tcontext_dense -> "
    f"{_OUTPUTS}, feature_list_dense_lengths: Nfeature_list_dense*int64",
    "feature_list_dense_missing_assumed_empty: list(string) >= 0, context_sparse_keys: list(string) >= 0, "
    "context_dense_keys: list(string) >= 0, feature_list_sparse_keys: list(string) >= 0, "
    f"feature_list_dense_keys: list(string) >= 0, {_COUNTS_AND_TYPES}",
    shape=_batch_shape, kernel=_parse_batch,
)  # fmt: skip
define_op(
    "ParseSingleSequenceExample",
    "serialized: string, feature_list_dense_missing_assumed_empty: string, "
    "context_sparse_keys: Ncontext_sparse*string, context_dense_keys: Ncontext_dense*string, "
    "feature_list_sparse_keys: Nfeature_list_sparse*string, "
    "feature_list_dense_keys: Nfeature_list_dense*string, context_dense_defaults: list:Tcontext_dense, "
    f"debug_name: string -> {_OUTPUTS}",
    _COUNTS_AND_TYPES, shape=_single_shape, kernel=_parse_single,
)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


def _raw(context_features, sequence_features) -> tuple[RawFeatures, RawFeatures]:
    if not (context_features or sequence_features):
        raise ValueError("Missing features.")
    context = raw_features(context_features, [VarLenFeature, FixedLenFeature])
    lists = raw_features(sequence_features, [VarLenFeature, FixedLenSequenceFeature])
    return context, lists


def _may_lack(lists: RawFeatures) -> list:
    for key, value in lists.dense_defaults.items():
        if value is not None:
            raise ValueError(f"Value feature_list_dense_defaults[{key}] must be None")
    return list(lists.dense_defaults)


def _check(context: RawFeatures, lists: RawFeatures) -> None:
    context.check_keys("context_dense and context_sparse")
    lists.check_keys("feature_list_dense and feature_list_sparse")


@export("io.parse_sequence_example")
def parse_sequence_example(serialized, context_features=None, sequence_features=None, example_names=None, name=None):
    """Parses serialized SequenceExample messages.

    Args:
      serialized: a string vector, a SequenceExample message an element.
      context_features: a dict of names to FixedLenFeature and VarLenFeature: features of a whole sequence.
      sequence_features: a dict of names to FixedLenSequenceFeature and VarLenFeature: features of its steps.
      example_names: a string vector of names that messages mention, or None.
      name: a name scope.

    Returns:
      Three dicts: of the context features to tensors [batch, ...]; of the sequence features to tensors
      [batch, steps, ...], dense ones padded at the end; of the dense sequence features to their lengths, int64 [batch].

    Raises:
      ValueError: for features that are malformed.
      InvalidArgumentError: when run, for malformed messages, and for features of another type or size.
    """
    context, lists = _raw(context_features, sequence_features)
    with name_scope(name, "ParseSequenceExample", [serialized]):
        _check(context, lists)
        may_lack = _may_lack(lists)
        defaults = default_tensors(context, with_rows=False, reshaped=False)
        outputs = call(
            "ParseSequenceExample", serialized, [] if example_names is None else example_names, defaults,
            Ncontext_sparse=len(context.sparse_keys), Ncontext_dense=len(context.dense_keys),
            Nfeature_list_sparse=len(lists.sparse_keys), Nfeature_list_dense=len(lists.dense_keys),
            context_sparse_keys=context.sparse_keys, context_dense_keys=context.dense_keys,
            feature_list_sparse_keys=lists.sparse_keys, feature_list_dense_keys=lists.dense_keys,
            feature_list_dense_missing_assumed_empty=may_lack, name=name, **_types_and_shapes(context, lists),
        )  # fmt: skip
        lengths = dict(zip(lists.dense_keys, outputs[8], strict=True))
        return named_outputs(context, *outputs[:4]), named_outputs(lists, *outputs[4:8]), lengths


def _types_and_shapes(context: RawFeatures, lists: RawFeatures) -> dict:
    return {
        "context_sparse_types": context.sparse_types, "context_dense_shapes": context.dense_shapes,
        "feature_list_sparse_types": lists.sparse_types, "feature_list_dense_types": lists.dense_types,
        "feature_list_dense_shapes": lists.dense_shapes,
    }  # fmt: skip


@export("io.parse_single_sequence_example", "parse_single_sequence_example")
def parse_single_sequence_example(serialized, context_features=None, sequence_features=None, example_name=None,
                                  name=None):  # fmt: skip
    """Parses one serialized SequenceExample message.

    Args:
      serialized: a string scalar.
      context_features: a dict of names to FixedLenFeature and VarLenFeature: features of the whole sequence.
      sequence_features: a dict of names to FixedLenSequenceFeature and VarLenFeature: features of its steps.
      example_name: a string scalar, a name that messages mention, or None.
      name: a name scope.

    Returns:
      Two dicts: of the context features to tensors, and of the sequence features to tensors [steps, ...].

    Raises:
      ValueError, InvalidArgumentError: as `tf.io.parse_sequence_example`.
    """
    context, lists = _raw(context_features, sequence_features)
    with name_scope(name, "ParseSingleSequenceExample", [serialized]):
        _check(context, lists)
        may_lack = _may_lack(lists)
        defaults = default_tensors(context, with_rows=False)
        outputs = call(
            "ParseSingleSequenceExample", serialized, may_lack, context.sparse_keys, context.dense_keys,
            lists.sparse_keys, lists.dense_keys, defaults, "" if example_name is None else example_name, name=name,
            **_types_and_shapes(context, lists),
        )  # fmt: skip
        return named_outputs(context, *outputs[:4]), named_outputs(lists, *outputs[4:8])
