"""Places in sorted rows and in tensors, and the distance of sequences: searchsorted, unravel_index, edit_distance."""

import math

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.sparse_tensor import SparseTensor, SparseTensorValue
from reflow.ops.shape_rules import with_rank
from reflow.ops.torch_types import array_of

# --- LowerBound, UpperBound ---------------------------------------------------------------------------------------


def _bound_shape(op):
    rows, _ = with_rank(op._inputs[0].dims, 2)
    value_rows, _ = with_rank(op._inputs[1].dims, 2)
    if None not in (rows, value_rows) and rows != value_rows:
        raise ValueError(f"Dimensions must be equal, but are {rows} and {value_rows}")
    return [op._inputs[1].dims]


def _bound(side):
    def kernel(sorted_inputs, values, out_type):
        if sorted_inputs.shape[0] != values.shape[0]:
            raise ValueError(f"Leading dim_size of both tensors must match: {sorted_inputs.shape[0]} vs. "
                             f"{values.shape[0]}")  # fmt: skip
        rows = [np.searchsorted(row, wanted, side)
                for row, wanted in zip(array_of(sorted_inputs), array_of(values), strict=True)]  # fmt: skip
        places = np.stack(rows) if rows else np.zeros(values.shape, np.int64)
        return torch.from_numpy(places).to(out_type)

    return kernel


for _name, _side in (("LowerBound", "left"), ("UpperBound", "right")):
    define_op(
        _name, "sorted_inputs: T, values: T -> output: out_type", "T: type, out_type: type in index = int32",
        shape=_bound_shape, kernel=_bound(_side),
    )  # fmt: skip


@export("searchsorted")
def searchsorted(sorted_sequence, values, side="left", out_type=dtypes.int32, name=None):
    """Where values would have to be inserted into sorted sequences to keep them sorted.

    Args:
      sorted_sequence: a tensor [..., n], sorted along the last axis.
      values: a tensor [..., m] of the same type.
      side: "left": before equal elements, "right": after them.
      out_type: int32 or int64.
      name: the node's name.

    Returns:
      A Tensor of `out_type` and the shape of `values`.

    Raises:
      ValueError: for another side.
    """
    from reflow.ops.shape_ops import reshape, shape_internal

    sequence_size, values_size = shape_internal(sorted_sequence)[-1], shape_internal(values)[-1]
    sequences, rows = reshape(sorted_sequence, [-1, sequence_size]), reshape(values, [-1, values_size])
    if side not in ("left", "right"):
        raise ValueError(f"side must be either 'right' or 'left'.  Saw: {side}.")
    op_name = "UpperBound" if side == "right" else "LowerBound"
    places = call(op_name, sequences, rows, out_type=as_dtype(out_type), name=name)
    return reshape(places, shape_internal(values))


# --- UnravelIndex -------------------------------------------------------------------------------------------------


def _unravel_index_shape(op):
    indices, (rank,) = op._inputs[0].dims, with_rank(op._inputs[1].dims, 1)
    if indices is None:
        return [None]
    if not indices:
        return [(rank,)]
    return [(rank, indices[0] if len(indices) == 1 else None)]


def _unravel_index(indices, dims, Tidx):
    if len(indices.shape) > 1:
        raise ValueError("The indices can only be scalar or vector.")
    rows = []
    for i in range(len(dims)):
        # Numbers beyond the shape wrap around, as in TensorFlow 1.15.
        inside = torch.fmod(indices, math.prod(dims[i:]))
        rows.append(torch.div(inside, math.prod(dims[i + 1:]), rounding_mode="trunc"))
    return torch.stack(rows).to(Tidx)


define_op(
    "UnravelIndex", "indices: Tidx, dims: Tidx -> output: Tidx", "Tidx: type in index = int32",
    shape=_unravel_index_shape, kernel=_unravel_index, host="dims",
)  # fmt: skip


@export("unravel_index")
def unravel_index(indices, dims, name=None):
    """Row-major numbers of elements as indices.

    Args:
      indices: int32 or int64 scalar or vector [n].
      dims: vector [r] of the same type: the shape that the numbers are about.
      name: the node's name.

    Returns:
      A Tensor [r] or [r, n]: a row of indices for each axis.
    """
    return call("UnravelIndex", indices, dims, name=name)


# --- EditDistance -------------------------------------------------------------------------------------------------


def _edit_distance_shape(op):
    hypothesis, truth = (constant_value(op._inputs[i]) for i in (2, 5))
    if hypothesis is None or truth is None:
        return [None]
    if len(hypothesis) != len(truth):
        raise ValueError(f"Num elements of hypothesis_shape does not match truth_shape: {len(hypothesis)} vs. "
                         f"{len(truth)}")  # fmt: skip
    return [tuple([max(a, b) for a, b in zip(hypothesis.tolist()[:-1], truth.tolist()[:-1], strict=True)])]


def _sequences(indices, values):
    """The values by the index of their sequence, in order."""
    found: dict[tuple, list] = {}
    for index, value in zip(array_of(indices).tolist(), array_of(values).tolist(), strict=True):
        found.setdefault(tuple(index[:-1]), []).append(value)
    return found


def _distance(a, b):
    """The least number of insertions, deletions and replacements that make `b` of `a` (Levenshtein)."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


def _edit_distance(hypothesis_indices, hypothesis_values, hypothesis_shape, truth_indices, truth_values, truth_shape,
                   normalize):  # fmt: skip
    dims = [max(a, b) for a, b in zip(hypothesis_shape[:-1], truth_shape[:-1], strict=True)]
    hypotheses, truths = _sequences(hypothesis_indices, hypothesis_values), _sequences(truth_indices, truth_values)
    result = np.zeros(dims, np.float32)
    for index in hypotheses.keys() | truths.keys():
        hypothesis, truth = hypotheses.get(index, []), truths.get(index, [])
        distance = _distance(truth, hypothesis)
        if normalize:
            # Without a truth, any hypothesis is infinitely far away.
            distance = distance / len(truth) if truth else float("inf")
        result[index] = distance
    return torch.from_numpy(result)


define_op(
    "EditDistance",
    "hypothesis_indices: int64, hypothesis_values: T, hypothesis_shape: int64, truth_indices: int64, truth_values: T, "
    "truth_shape: int64 -> output: float", "normalize: bool = true, T: type",
    shape=_edit_distance_shape, kernel=_edit_distance, host="hypothesis_shape truth_shape", gradient=None,
)  # fmt: skip


@export("edit_distance")
def edit_distance(hypothesis, truth, normalize=True, name="edit_distance"):
    """Levenshtein distances of sequences.

    Args:
      hypothesis: SparseTensor of rank r, whose last axis is that of the sequences.
      truth: SparseTensor of the same type and rank.
      normalize: divide by the length of the true sequence (infinity if that is empty).
      name: the node's name.

    Returns:
      A float32 Tensor of rank r - 1.

    Raises:
      TypeError: if an argument is no SparseTensor.
    """
    for what, value in (("Hypothesis", hypothesis), ("Truth", truth)):
        if not isinstance(value, (SparseTensor, SparseTensorValue)):
            raise TypeError(f"{what} must be a SparseTensor.")
    return call("EditDistance", hypothesis.indices, hypothesis.values, hypothesis.dense_shape, truth.indices,
                truth.values, truth.dense_shape, normalize=normalize, name=name)  # fmt: skip
