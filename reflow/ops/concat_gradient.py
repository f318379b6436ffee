"""The gradient of a concatenation: the pieces of the output's gradient, dense or as IndexedSlices."""

from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.ops.joining import concat, split, stack
from reflow.ops.shape_ops import rank, shape, shape_n, squeeze

# From this many inputs on, one split is cheaper than a slice for each.
_MANY = 16


def concat_gradients(values, axis, grad):
    """The gradients of the concatenated tensors.

    Args:
      values: the tensors that were concatenated.
      axis: the axis, a scalar tensor.
      grad: the gradient of the result: a Tensor, or IndexedSlices if `axis` is constant.

    Returns:
      A list, one gradient a value.
    """
    if len(values) == 1:
        return [grad]
    positive_axis = axis % rank(values[0])
    if isinstance(grad, Tensor):
        return _dense(values, positive_axis, grad)
    if isinstance(grad, IndexedSlices):
        if _constant_axis(axis, values[0]) > 0:
            return _slices_of_columns(values, positive_axis, grad)
        return _slices_of_rows(values, positive_axis, grad)
    raise TypeError(f"Expected Tensor or IndexedSlices, got {type(grad)}")


def _dense(values, axis, grad):
    sizes = _input_shapes(values)
    if len(sizes) > _MANY:
        along_axis = squeeze(call("Slice", stack(sizes, axis=1), [axis, 0], [1, -1]))
        return split(grad, along_axis, axis)
    offsets = call("ConcatOffset", axis, sizes)
    return [call("Slice", grad, begin, size) for begin, size in zip(offsets, sizes, strict=True)]


def _input_shapes(values):
    """Constants if all shapes are known, else one ShapeN (after the Shape nodes that were tried, as in TensorFlow)."""
    sizes = []
    for value in values:
        size = shape(value)
        if size.op.type != "Const":
            return shape_n(values)
        sizes.append(size)
    return sizes


def _constant_axis(axis, value):
    static = constant_value(axis)
    if static is None:
        raise ValueError("Can only compute IndexedSlices gradient with statically-known concat_dim")
    if static >= 0:
        return int(static)
    if value.dims is None:
        raise ValueError("Can only compute IndexedSlices gradient with negative concat_dim when first value rank is "
                         "statically-known.")  # fmt: skip
    return int(static) % len(value.dims)


def _slices_of_columns(values, axis, grad):
    """Every input had all the rows: it gets their numbers, and its columns of the gradient."""
    from reflow.ops.constant import fill

    sizes = [shape(value) for value in values]
    rank_vector = shape(sizes[0])
    mask = concat([fill(call("ExpandDims", axis, 0), 0), [1], fill(rank_vector - axis - 1, 0)], 0)
    begin = fill(rank_vector, 0)
    grads = []
    for size in sizes:
        kept = concat([[-1], call("Slice", size, [1], [-1])], 0)
        grads.append(IndexedSlices(call("Slice", grad.values, begin, kept), grad.indices, size))
        begin = call("Add", begin, size * mask)
    return grads


def _slices_of_rows(values, axis, grad):
    """Every input had a range of the rows: it gets the slices that fall into it."""
    from reflow.ops.constant import constant
    from reflow.ops.gathering import gather
    from reflow.ops.select import where

    index_type = grad.indices.dtype.base_dtype
    start = constant(0, index_type)
    grads = []
    for size in [shape(value) for value in values]:
        rows = gather(size, axis)
        if rows.dtype is not index_type:
            rows = call("Cast", rows, DstT=index_type)
        end = start + rows
        inside = call("LogicalAnd", grad.indices >= start, grad.indices < end)
        chosen = squeeze(where(inside), axis=[1])
        indices = gather(grad.indices, chosen) - start
        grads.append(IndexedSlices(gather(grad.values, chosen), indices, size))
        start = end
    return grads
