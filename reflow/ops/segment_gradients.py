"""Gradients of the reductions by segment."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_tensor
from reflow.graph.registry import gradient
from reflow.ops.arithmetic import divide, maximum
from reflow.ops.casting import cast
from reflow.ops.comparison import equal, greater, greater_equal, logical_and
from reflow.ops.constant import fill, ones_like, zeros_like
from reflow.ops.gathering import gather
from reflow.ops.segment import segment_sum, unsorted_segment_sum
from reflow.ops.shape_ops import expand_dims, rank, shape


@gradient("SegmentSum")
def _segment_sum_gradient(op, grad):
    return gather(grad, op._inputs[1]), None


@gradient("SegmentMean")
def _segment_mean_gradient(op, grad):
    data, ids = op._inputs
    input_rank = rank(data)
    ones_shape = call("ConcatV2", [shape(ids), fill(expand_dims(input_rank - 1, 0), 1)], 0, name="concat")
    one_each = fill(ones_shape, constant_tensor(1, grad.dtype.base_dtype, "Const"))
    scaled = divide(grad, segment_sum(one_each, ids))
    return gather(scaled, ids), None


@gradient("SegmentMin", "SegmentMax")
def _segment_extremum_gradient(op, grad):
    """The gradient goes to the extremum of the segment, in equal parts if it occurs several times."""
    data, ids = op._inputs
    nothing = zeros_like(data, dtype=data.dtype)
    is_selected = equal(data, gather(op.outputs[0], ids))
    occurrences = segment_sum(cast(is_selected, grad.dtype), ids)
    gathered = gather(divide(grad, occurrences), ids)
    return call("Select", is_selected, gathered, nothing), None


# --- ids in any order ---------------------------------------------------------------------------------------------


def _clipped(ids):
    return maximum(ids, zeros_like(ids))


def _kept(ids, rows):
    """Where ids are not negative: a bool tensor shaped like the rows."""
    is_kept = greater_equal(ids, 0)
    for _ in range(len(rows.dims) - len(is_kept.dims)):
        is_kept = expand_dims(is_kept, -1)
    return is_kept & ones_like(rows, dtype=dtypes.bool_)


def _gather_kept(params, ids, clipped, is_kept=None):
    """(params[ids], with zeros where an id is negative; the mask of those that are not)."""
    rows = gather(params, clipped)
    if is_kept is None:
        is_kept = _kept(ids, rows)
    return call("Select", is_kept, rows, zeros_like(rows)), is_kept


@gradient("UnsortedSegmentSum")
def _unsorted_sum_gradient(op, grad):
    ids = op._inputs[1]
    return _gather_kept(grad, ids, _clipped(ids))[0], None, None


@gradient("UnsortedSegmentMin", "UnsortedSegmentMax")
def _unsorted_extremum_gradient(op, grad):
    data, ids, count = op._inputs
    clipped = _clipped(ids)
    rows, is_kept = _gather_kept(op.outputs[0], ids, clipped)
    is_selected = logical_and(equal(data, rows), is_kept)
    occurrences = unsorted_segment_sum(cast(is_selected, grad.dtype), ids, count)
    gathered, _ = _gather_kept(divide(grad, occurrences), ids, clipped, is_kept)
    return call("Select", is_selected, gathered, zeros_like(gathered)), None, None


@gradient("UnsortedSegmentProd")
def _unsorted_prod_gradient(op, grad):
    """The product divided by each factor; for a zero, the product of the others, and 0 if there is another zero."""
    data, ids, count = op._inputs
    is_zero = equal(data, 0)
    zeros_in_segment = unsorted_segment_sum(cast(is_zero, dtypes.int32), ids, count)
    grad = call("Select", greater(zeros_in_segment, 1), zeros_like(grad), grad)
    factors = call("Select", is_zero, ones_like(data), data)
    others = call("UnsortedSegmentProd", factors, ids, count)
    clipped = _clipped(ids)
    product = gather(op.outputs[0], clipped)
    product_of_others = gather(others, clipped)
    derivative = call("Select", is_zero, product_of_others, product / data)
    return _gather_kept(grad, ids, clipped)[0] * derivative, None, None
