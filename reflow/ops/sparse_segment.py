"""Reductions by segment of rows that are picked out of a tensor: SparseSegmentSum, ...Mean, ...SqrtN."""

from collections.abc import Callable

import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.gathering import gather
from reflow.ops.movement import moves_elements
from reflow.ops.segment import check_sorted, combine, unsorted_segment_sum
from reflow.ops.shape_ops import shape
from reflow.ops.shape_rules import constant_int, merge, with_rank, with_rank_at_least

_INDEX = "Tidx: type in index = int32"
_NUM_SEGMENTS = "Tnumsegments: type in index = int32"


def _check_ids(indices, segment_ids):
    if indices.ndim != 1 or indices.shape != segment_ids.shape:
        raise errors.InvalidArgumentError(None, None, "segment_ids and indices should have same size.")


def _check_indices(indices, size):
    is_outside = (indices < 0) | (indices >= size)
    if bool(is_outside.any()):
        position = int(is_outside.nonzero()[0])
        raise errors.InvalidArgumentError(
            None, None, f"Bad: indices[{position}] == {int(indices[position])} out of range [0, {size})"
        )


def _per_segment(values, ndim):
    return values.reshape(-1, *[1] * (ndim - 1))


def _scale(total, ids, root: bool | None):
    """Sums divided by the number of rows of each segment, or by its root; as they are if `root` is None."""
    if root is None:
        return total
    counts = torch.bincount(ids, minlength=total.shape[0]).clamp(min=1).to(total.dtype)
    return total / _per_segment(counts.sqrt() if root else counts, total.ndim)


@moves_elements
def _rows_at(data, indices):
    return torch.index_select(data, 0, indices)


def _kernel(root: bool | None):
    def kernel(data, indices, segment_ids, num_segments=None):
        _check_ids(indices, segment_ids)
        count = check_sorted(segment_ids)
        if num_segments is not None:
            if count > num_segments:
                raise errors.InvalidArgumentError(None, None, "segment ids must be < num_segments")
            count = num_segments
        _check_indices(indices, data.shape[0])
        ids = segment_ids.long()
        rows = _rows_at(data, indices)
        return _scale(combine("sum", rows, ids, count, 0), ids, root)

    return kernel


def _gradient_kernel(root: bool):
    """The gradient by the data: each row gets the gradient of its segment, scaled as the segment was."""

    def kernel(grad, indices, segment_ids, output_dim0):
        _check_ids(indices, segment_ids)
        ids = segment_ids.long()
        if ids.numel() and (int(ids.max()) >= grad.shape[0] or int(ids.min()) < 0):
            raise errors.InvalidArgumentError(None, None, "Invalid number of segments")
        is_outside = (indices < 0) | (indices >= output_dim0)
        if bool(is_outside.any()):
            index = int(indices[is_outside][0])
            raise errors.InvalidArgumentError(None, None, f"Index {index} out of range [0, {output_dim0}).")
        return combine("sum", _scale(grad, ids, root)[ids], indices.long(), output_dim0, 0)

    return kernel


def _shape(op):
    data = with_rank_at_least(op._inputs[0].dims, 1)
    merge(with_rank(op._inputs[1].dims, 1), with_rank(op._inputs[2].dims, 1))
    count = None
    if len(op._inputs) == 4:
        with_rank(op._inputs[3].dims, 0)
        count = constant_int(op._inputs[3])
        if count is not None and count < 0:
            raise ValueError("Cannot specify a negative value for num_segments")
    return [None if data is None else (count, *data[1:])]


def _define(name: str, types: str, root: bool | None) -> None:
    define_op(
        f"SparseSegment{name}", "data: T, indices: Tidx, segment_ids: int32 -> output: T",
        f"T: type in {types}, {_INDEX}", shape=_shape, kernel=_kernel(root),
    )  # fmt: skip
    define_op(
        f"SparseSegment{name}WithNumSegments",
        "data: T, indices: Tidx, segment_ids: int32, num_segments: Tnumsegments -> output: T",
        f"T: type in {types}, {_INDEX}, {_NUM_SEGMENTS}", shape=_shape, kernel=_kernel(root), host="num_segments",
    )  # fmt: skip
    if root is not None:
        define_op(
            f"SparseSegment{name}Grad", "grad: T, indices: Tidx, segment_ids: int32, output_dim0: int32 -> output: T",
            f"T: type in {types}, {_INDEX}", shape=_shape, kernel=_gradient_kernel(root), host="output_dim0",
        )  # fmt: skip


_define("Sum", "real", None)
_define("Mean", "float|double", False)
_define("SqrtN", "float|double", True)


# --- gradients ----------------------------------------------------------------------------------------------------


def _rows(op):
    return shape(op._inputs[0])[0]


@gradient("SparseSegmentSum", "SparseSegmentSumWithNumSegments")
def _sum_gradient(op, grad):
    input_rows = _rows(op)
    by_data = unsorted_segment_sum(gather(grad, op._inputs[2]), op._inputs[1], input_rows)
    return [by_data] + [None] * (len(op._inputs) - 1)


@gradient("SparseSegmentMean", "SparseSegmentMeanWithNumSegments")
def _mean_gradient(op, grad):
    by_data = call("SparseSegmentMeanGrad", grad, op._inputs[1], op._inputs[2], _rows(op))
    return [by_data] + [None] * (len(op._inputs) - 1)


@gradient("SparseSegmentSqrtN", "SparseSegmentSqrtNWithNumSegments")
def _sqrt_n_gradient(op, grad):
    by_data = call("SparseSegmentSqrtNGrad", grad, op._inputs[1], op._inputs[2], _rows(op))
    return [by_data] + [None] * (len(op._inputs) - 1)


# --- public functions ---------------------------------------------------------------------------------------------


def _public(name: str, public_name: str, summary: str) -> Callable:
    op_name = f"SparseSegment{name}"

    def function(data, indices, segment_ids, name=None, num_segments=None):
        if num_segments is None:
            return call(op_name, data, indices, segment_ids, name=name)
        return call(f"{op_name}WithNumSegments", data, indices, segment_ids, num_segments, name=name)

    function.__name__ = function.__qualname__ = f"sparse_{public_name}"
    function.__doc__ = f"""{summary} of the rows data[indices] of each segment; of no rows it is 0.

    Args:
      data: a tensor [n, ...] of a {"real" if name == "Sum" else "float32 or float64"} type.
      indices: int32 or int64 vector [m]: the rows of `data` to take.
      segment_ids: int32 vector [m], sorted: the segment that each of these rows belongs to.
      name: a name for the operation.
      num_segments: int32 or int64 scalar, how many segments there are; one more than the last id if None.

    Returns:
      A tensor [num_segments, ...] of the same type.

    Raises:
      InvalidArgumentError: when it runs, if the ids are not sorted, or an id or index is out of range.
    """
    return export(f"sparse_{public_name}", f"sparse.{public_name}")(function)


sparse_segment_sum = _public("Sum", "segment_sum", "The sum")
sparse_segment_mean = _public("Mean", "segment_mean", "The mean")
sparse_segment_sqrt_n = _public("SqrtN", "segment_sqrt_n", "The sum, divided by the root of the number,")
