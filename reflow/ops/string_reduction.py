"""Strings of a tensor joined: ReduceJoin, UnsortedSegmentJoin, StringNGrams."""

import itertools
import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import axis_within, constant_int, merge_prefix, with_rank
from reflow.ops.strings import string_array
from reflow.platform.deprecation import deprecated_argument_lookup

# --- ReduceJoin ---------------------------------------------------------------------------------------------------


def _axes_of(axes, rank):
    """The axes counted from the front, in the order given."""
    counted = []
    for axis in axes:
        if not -rank <= axis < rank:
            raise errors.OutOfRangeError(
                None, None, f"Invalid reduction dimension {axis} for input with {rank} dimension(s)"
            )
        if axis % rank in counted:
            raise ValueError(f"Duplicate reduction dimension {axis}")
        counted.append(axis % rank)
    return counted


def _reduce_join(inputs, reduction_indices, keep_dims, separator):
    axes = reduction_indices if isinstance(reduction_indices, list) else [reduction_indices]
    axes = _axes_of(axes, inputs.ndim)
    if not axes:
        return inputs
    kept = [axis for axis in range(inputs.ndim) if axis not in axes]
    shape = [1 if axis in axes else inputs.shape[axis] for axis in range(inputs.ndim) if keep_dims or axis in kept]
    joined = math.prod(inputs.shape[axis] for axis in axes)
    # The first axis is joined first: its strings are next to each other.
    rows = inputs.transpose(kept + axes[::-1]).reshape(math.prod(inputs.shape[axis] for axis in kept), joined)
    return string_array(tuple(shape), map(separator.join, rows.tolist()))


def _reduce_join_shape(op):
    dims, axes = op._inputs[0].dims, constant_value(op._inputs[1])
    if dims is None or axes is None:
        return [(None,) * len(dims) if dims is not None and op.attrs["keep_dims"] else None]
    reduced = {axis_within(int(axis), len(dims), "Invalid reduction dimension") for axis in axes.reshape(-1)}
    if not reduced:
        return [dims]
    keep_dims = op.attrs["keep_dims"]
    return [tuple([1 if i in reduced else d for i, d in enumerate(dims) if keep_dims or i not in reduced])]


define_op(
    "ReduceJoin", "inputs: string, reduction_indices: int32 -> output: string",
    'keep_dims: bool = false, separator: string = ""',
    shape=_reduce_join_shape, kernel=_reduce_join, host="reduction_indices", aliases=(0,), gradient=None,
)  # fmt: skip


@export("strings.reduce_join", "reduce_join")
def reduce_join(inputs, axis=None, keep_dims=None, separator="", name=None, reduction_indices=None, keepdims=None):
    """The strings along some axes joined to one.

    Args:
      inputs: a string tensor.
      axis: an int or a list of ints: the axes, in the order in which they are joined; None for all, the last one first.
      keep_dims: an older name of `keepdims`.
      separator: what to put between the strings.
      name: the node's name.
      reduction_indices: an older name of `axis`.
      keepdims: whether the axes stay, with size 1.

    Returns:
      A string tensor.

    Raises:
      ValueError: for an axis that `inputs` does not have.
    """
    from reflow.ops.ranges import range as range_of
    from reflow.ops.shape_ops import rank

    keepdims = bool(renamed_argument("keepdims", keepdims, "keep_dims", keep_dims))
    axis = deprecated_argument_lookup("axis", axis, "reduction_indices", reduction_indices)
    with name_scope(None, "ReduceJoin", [inputs, axis]):
        inputs = to_tensor(inputs)
        if axis is None and inputs.dims is not None:
            axis = to_tensor(np.arange(len(inputs.dims) - 1, -1, -1), dtypes.int32, "Const")
        elif axis is None:
            axis = range_of(rank(inputs) - 1, -1, -1)
        return call("ReduceJoin", inputs, axis, keep_dims=keepdims, separator=separator, name=name)


# --- UnsortedSegmentJoin ------------------------------------------------------------------------------------------


def _segment_join(inputs, segment_ids, num_segments, separator):
    ids = segment_ids.numpy()
    if isinstance(num_segments, list):
        (num_segments,) = num_segments
    if num_segments < 0:
        raise ValueError("Number of segments must be non-negative")
    if not ids.ndim:
        raise ValueError("Segment_id cannot have rank 0")
    if ids.ndim > inputs.ndim:
        raise errors.OutOfRangeError(None, None, f"Invalid segment_id rank {ids.ndim} for input with {inputs.ndim} "
                                     "dimension(s)")  # fmt: skip
    if ids.shape != inputs.shape[: ids.ndim]:
        raise ValueError(f"segment_ids shape {list(ids.shape)} must be a prefix of inputs shape {list(inputs.shape)}")
    inner = inputs.shape[ids.ndim :]
    rows = inputs.reshape(ids.size, -1) if inputs.size else np.empty((ids.size, 0), object)
    parts: list[list[list[bytes]]] = [[[] for _ in range(rows.shape[1])] for _ in range(num_segments)]
    for segment, row in zip(ids.reshape(-1).tolist(), rows.tolist(), strict=True):
        if not 0 <= segment < num_segments:
            raise ValueError("segment_ids are not allowed to exceed num_segments or to have negative values.")
        for column, text in zip(parts[segment], row, strict=True):
            column.append(text)
    if not rows.size:
        return string_array((num_segments, *inner), [b""] * (num_segments * int(np.prod(inner))))
    return string_array((num_segments, *inner), map(separator.join, itertools.chain(*parts)))


def _segment_join_shape(op):
    inputs, ids = op._inputs[0].dims, op._inputs[1].dims
    with_rank(op._inputs[2].dims, 0)
    inputs, ids = merge_prefix(inputs, ids)
    count = constant_int(op._inputs[2])
    if count is not None and count < 0:
        raise ValueError(f"Dimension size, given by scalar input 2, must be non-negative but is {count}")
    if inputs is None or ids is None:
        return [None]
    return [(count, *inputs[len(ids) :])]


define_op(
    "UnsortedSegmentJoin", "inputs: string, segment_ids: Tindices, num_segments: Tnumsegments -> output: string",
    'separator: string = "", Tindices: type in int32|int64, Tnumsegments: type in int32|int64 = int32',
    shape=_segment_join_shape, kernel=_segment_join, host="num_segments",
)  # fmt: skip


@export("strings.unsorted_segment_join")
def unsorted_segment_join(inputs, segment_ids, num_segments, separator="", name=None):
    """The strings of each segment joined to one.

    Args:
      inputs: a string tensor.
      segment_ids: int32 or int64, its shape is a prefix of that of `inputs`: the segment of each.
      num_segments: how many segments there are.
      separator: what to put between the strings.
      name: the node's name.

    Returns:
      A string tensor: `num_segments` in place of the axes of `segment_ids`; "" for segments without strings.
    """
    return call("UnsortedSegmentJoin", inputs, segment_ids, num_segments, separator=separator, name=name)


# --- StringNGrams -------------------------------------------------------------------------------------------------


def _padded(row, width, left_pad, right_pad, pad_width):
    count = width - 1 if pad_width < 0 else min(pad_width, width - 1)
    return [left_pad] * count + row + [right_pad] * count


def _ngrams_of(row, width, separator, left_pad, right_pad, pad_width):
    """All n-grams of one width of one row."""
    padded = _padded(row, width, left_pad, right_pad, pad_width)
    return [separator.join(padded[i : i + width]) for i in range(len(padded) - width + 1)]


def _whole_row(row, widths, separator, left_pad, right_pad, pad_width):
    """The one n-gram of a row that is too short for all widths."""
    if pad_width >= 0:
        count = min(pad_width, min(widths) - 1)
        row = [left_pad] * count + row + [right_pad] * count
    return [separator.join(row)]


def _check_splits(splits, count):
    if not len(splits):
        if count:
            raise ValueError(f"If the splits vector is empty, the data must be empty too; it has {count} elements")
        return
    if splits[0] != 0:
        raise ValueError(f"First split value must be 0, got {splits[0]}")
    if any(b < a or b > count for a, b in itertools.pairwise(splits)):
        raise ValueError(f"Invalid split value: splits must be in ascending order and at most {count}")
    if splits[-1] != count:
        raise ValueError(f"Last split value must be data size. Expected {count}, got {splits[-1]}")


def _ngrams(data, data_splits, separator, ngram_widths, left_pad, right_pad, pad_width, preserve_short_sequences):
    texts, splits = data.tolist(), data_splits.tolist()
    _check_splits(splits, len(texts))
    results, ends = [], [0] if splits else []
    for start, end in itertools.pairwise(splits):
        row = texts[start:end]
        grams = [gram for width in ngram_widths
                 for gram in _ngrams_of(row, width, separator, left_pad, right_pad, pad_width)]  # fmt: skip
        if preserve_short_sequences and not grams and row:
            grams = _whole_row(row, ngram_widths, separator, left_pad, right_pad, pad_width)
        results += grams
        ends.append(len(results))
    return string_array((len(results),), results), torch.tensor(ends, dtype=data_splits.dtype)


def _ngrams_shape(op):
    with_rank(op._inputs[0].dims, 1)
    return [(None,), with_rank(op._inputs[1].dims, 1)]


define_op(
    "StringNGrams", "data: string, data_splits: Tsplits -> ngrams: string, ngrams_splits: Tsplits",
    "separator: string, ngram_widths: list(int), left_pad: string, right_pad: string, pad_width: int, "
    "preserve_short_sequences: bool, Tsplits: type in int32|int64 = int64",
    shape=_ngrams_shape, kernel=_ngrams,
)  # fmt: skip
