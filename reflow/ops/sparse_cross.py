"""Crossed features: all combinations of one feature of each of several columns, as strings or hashes."""

import itertools

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.sparse_coordinates import check_parts, in_brackets, invalid
from reflow.ops.string_hash import farm_fingerprint, hash_strings
from reflow.ops.strings import string_array

_WORD = 2**64 - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_INT64_MAX = 2**63 - 1

# --- columns ------------------------------------------------------------------------------------------------------


def _sparse_column(indices, values, shape, features):
    """The features of each row of a sparse matrix, as lists."""
    check_parts(indices, values, shape)
    if len(shape) != 2:
        raise invalid(f"shape should imply a 2D tensor, but got shape {in_brackets(shape.tolist())}")
    rows: list[list] = [[] for _ in range(int(shape[0]))]
    for row, feature in zip(indices[:, 0].tolist(), features(values), strict=True):
        if not 0 <= row < len(rows):
            raise invalid(f"Index {row} is out of bounds of the batch of {len(rows)}")
        rows[row].append(feature)
    return rows


def _dense_column(values, features):
    if values.ndim != 2:
        raise invalid(f"Dense inputs should be a matrix but received shape {in_brackets(values.shape)}")
    flat, width = features(values.reshape(-1)), values.shape[1]
    return [flat[row * width : (row + 1) * width] for row in range(values.shape[0])]


def _texts(values) -> list[bytes]:
    return [b"%d" % value for value in values.tolist()] if isinstance(values, torch.Tensor) else values.tolist()


def _fingerprints(values) -> list[int]:
    """Integers stand for themselves."""
    if isinstance(values, torch.Tensor):
        return [value & _WORD for value in values.tolist()]
    return hash_strings(values.tolist(), farm_fingerprint).tolist()


# --- crosses ------------------------------------------------------------------------------------------------------


def _shift_mixed(word: int) -> int:
    return word ^ word >> 47


def _joined_fingerprint(first: int, second: int) -> int:
    """A fingerprint of two fingerprints, in this order (FingerprintCat64 of TensorFlow)."""
    word = first ^ _MULTIPLIER
    word ^= _shift_mixed(second * _MULTIPLIER & _WORD) * _MULTIPLIER & _WORD
    word = word * _MULTIPLIER & _WORD
    return _shift_mixed(_shift_mixed(word) * _MULTIPLIER & _WORD)


def _hash(features, key: int, num_buckets: int) -> int:
    word = key & _WORD
    for feature in features:
        word = _joined_fingerprint(word, feature)
    return word % (num_buckets or _INT64_MAX)


def _sparse_cross(indices, values, shapes, dense_inputs, hashed_output, num_buckets, hash_key):
    features = _fingerprints if hashed_output else _texts
    columns = [_sparse_column(*parts, features) for parts in zip(indices, values, shapes, strict=True)]
    columns += [_dense_column(dense, features) for dense in dense_inputs]
    sizes = {len(column) for column in columns}
    if len(sizes) > 1:
        raise invalid(f"Expected all inputs to have the same batch size, but got {sorted(sizes)}")
    batch = sizes.pop() if sizes else 0
    places, crosses, widest = [], [], 0
    for row in range(batch):
        combinations = list(itertools.product(*(column[row] for column in columns)))
        widest = max(widest, len(combinations))
        places += [(row, i) for i in range(len(combinations))]
        if hashed_output:
            crosses += [_hash(combination, hash_key, num_buckets) for combination in combinations]
        else:
            crosses += [b"_X_".join(combination) for combination in combinations]
    output = torch.from_numpy(np.array(crosses, np.int64)) if hashed_output else string_array((len(crosses),), crosses)
    return torch.tensor(places, dtype=torch.int64).reshape(-1, 2), output, torch.tensor([batch, widest])


define_op(
    "SparseCross", "indices: N*int64, values: list:sparse_types, shapes: N*int64, dense_inputs: list:dense_types -> "
    "output_indices: int64, output_values: out_type, output_shape: int64",
    "N: int >= 0, hashed_output: bool, num_buckets: int >= 0, hash_key: int, "
    "sparse_types: list(type) in int64|string, dense_types: list(type) in int64|string, "
    "out_type: type in int64|string, internal_type: type in int64|string",
    shape=lambda op: [(None, 2), (None,), (2,)], kernel=_sparse_cross,
)  # fmt: skip

_DEFAULT_HASH_KEY = 0xDECAFCAFFE


@export("sparse.cross")
def sparse_cross(inputs, name=None):
    """All combinations of one feature of each input, row by row, as strings "a_X_b".

    Args:
      inputs: a list of matrices, SparseTensors and Tensors of integers or strings: rows of features.
      name: a name for the operation.

    Returns:
      A string SparseTensor [batch, crosses].

    Raises:
      TypeError: if `inputs` is no list of tensors.
    """
    return _crossed(inputs, False, 0, _DEFAULT_HASH_KEY, name)


@export("sparse.cross_hashed")
def sparse_cross_hashed(inputs, num_buckets=0, hash_key=None, name=None):
    """All combinations of one feature of each input, row by row, as hashes.

    Args:
      inputs: a list of matrices, SparseTensors and Tensors of integers or strings: rows of features.
      num_buckets: int: take the hashes modulo this; 0 for the whole range of int64.
      hash_key: int: what hashing starts from; None for a fixed one.
      name: a name for the operation.

    Returns:
      An int64 SparseTensor [batch, crosses].

    Raises:
      TypeError: if `inputs` is no list of tensors.
    """
    return _crossed(inputs, True, num_buckets, hash_key or _DEFAULT_HASH_KEY, name)


def _crossed(inputs, is_hashed, num_buckets, hash_key, name):
    if not isinstance(inputs, list):
        raise TypeError("Inputs must be a list")
    if not all(isinstance(value, (SparseTensor, Tensor)) for value in inputs):
        raise TypeError("All inputs must be SparseTensors")
    sparse = [value for value in inputs if isinstance(value, SparseTensor)]
    values = [_string_or_int64(value.values) for value in sparse]
    dense = [_string_or_int64(value) for value in inputs if not isinstance(value, SparseTensor)]
    has_integers = any(tensor.dtype is dtypes.int64 for tensor in values + dense)
    return SparseTensor(*call(
        "SparseCross", [value.indices for value in sparse], values, [value.dense_shape for value in sparse], dense,
        name=name, hashed_output=is_hashed, num_buckets=num_buckets, hash_key=hash_key,
        out_type=dtypes.int64 if is_hashed else dtypes.string,
        internal_type=dtypes.int64 if has_integers else dtypes.string,
    ))  # fmt: skip


def _string_or_int64(tensor):
    return tensor if tensor.dtype.base_dtype is dtypes.string else cast(tensor, dtypes.int64)
