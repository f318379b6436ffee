"""Gradients of reductions: the gradient of the result is spread over what was reduced."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import colocate_with, device
from reflow.graph.convert import constant_tensor, constant_value
from reflow.graph.graph import get_default_graph
from reflow.graph.registry import gradient
from reflow.graph.shapes import num_elements
from reflow.ops.arithmetic import divide, maximum, truediv
from reflow.ops.casting import cast
from reflow.ops.complex import conj
from reflow.ops.constant import fill
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.shape_ops import rank, reshape, shape, size


def reduced_shape(input_shape, axes):
    """The shape of a reduction that keeps its axes with size 1, as a tensor.

    Args:
      input_shape: int32 or int64 vector.
      axes: int32 or int64 scalar or vector.

    Returns:
      An int32 vector.
    """
    input_shape, axes = cast(input_shape, dtypes.int32), cast(axes, dtypes.int32)
    input_rank = size(input_shape)
    axes = (axes + input_rank) % input_rank
    axes_shape = shape(axes)
    return call("DynamicStitch", [range_(0, input_rank), axes], [input_shape, fill(axes_shape, 1)])


def _size_ratio(x, y):
    """x // y of sizes, where a size of 0 goes into another 0 times."""
    return x // maximum(y, 1)


@gradient("Sum")
def _sum_gradient(op, grad):
    x, axes = op._inputs[0], constant_value(op._inputs[1])
    dims = x.dims
    if dims is not None and axes is not None:
        if np.array_equal(axes, np.arange(len(dims))):
            grad = reshape(grad, [1] * len(dims))
            sizes = shape(x) if None in dims else constant_tensor(list(dims), dtypes.int32, "Const")
            return [call("Tile", grad, sizes), None]
        if None not in dims:
            kept, repeats = _static_spread(dims, tuple(axes.reshape(-1).tolist()))
            return [call("Tile", reshape(grad, kept), repeats), None]
    return [_spread(grad, x, op._inputs[1]), None]


def _static_spread(dims: tuple[int, ...], axes: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The shape with the reduced axes kept, and how often to repeat along each axis.

    The first time in a graph TensorFlow computes them with ops, whose nodes stay in the graph.
    """
    known = get_default_graph().library_state.setdefault("reduced shapes", {})
    if (dims, axes) not in known:
        reduced = {axis % len(dims) for axis in axes}
        kept = [1 if i in reduced else d for i, d in enumerate(dims)]
        reduced_shape(list(dims), list(axes))
        _size_ratio(list(dims), kept)
        known[dims, axes] = kept, [d // max(k, 1) for d, k in zip(dims, kept, strict=True)]
    return known[dims, axes]


def _spread(grad, x, axes):
    """`grad` repeated along the axes that were reduced, where shapes are known only when the graph runs."""
    input_shape = shape(x)
    with colocate_with(input_shape):
        kept = reduced_shape(input_shape, axes)
        repeats = _size_ratio(input_shape, kept)
    return call("Tile", reshape(grad, kept), repeats)


@gradient("Mean")
def _mean_gradient(op, grad):
    """That of the sum, divided by how many numbers there are to a mean."""
    spread = _sum_gradient(op, grad)[0]
    x, y = op._inputs[0], op.outputs[0]
    elements, results = num_elements(x.dims), num_elements(y.dims)
    if elements is not None and results is not None:
        count = constant_tensor(elements // max(results, 1), spread.dtype.base_dtype, "Const")
    else:
        count = _size_ratio(reduce_prod(shape(x)), reduce_prod(shape(y)))
    return [truediv(spread, cast(count, spread.dtype)), None]


@gradient("Max", "Min")
def _extremum_gradient(op, grad):
    """The gradient goes to the extremum, in equal parts if it occurs several times."""
    x, axes = op._inputs
    kept = reduced_shape(shape(x), axes)
    y = reshape(op.outputs[0], kept)
    grad = reshape(grad, kept)
    indicators = cast(call("Equal", y, x), grad.dtype)
    occurrences = reshape(reduce_sum(indicators, axes), kept)
    return [divide(indicators, occurrences) * grad, None]


@gradient("Prod")
def _prod_gradient(op, grad):
    """By each factor it is the product of all others, those before it and those after it: nothing divides by zero."""
    x = op._inputs[0]
    input_shape = shape(x)
    axes = reshape(op._inputs[1], [-1])
    kept = reduced_shape(input_shape, op._inputs[1])
    repeats = _size_ratio(input_shape, kept)
    grad = call("Tile", reshape(grad, kept), repeats)
    # The axes that are reduced go first, so that the products run along one axis.
    with device("/cpu:0"):
        input_rank = rank(x)
        reduced = cast((axes + input_rank) % input_rank, dtypes.int32)
        others = call("ListDiff", range_(0, input_rank), reduced).out
        permutation = call("ConcatV2", [reduced, others], 0, name="concat")
        reduced_count = reduce_prod(_gather(input_shape, reduced))
        other_count = reduce_prod(_gather(input_shape, others))
    permuted = call("Transpose", x, permutation, name="transpose")
    permuted_shape = shape(permuted)
    columns = reshape(permuted, (reduced_count, other_count))
    before = call("Cumprod", columns, 0, exclusive=True)
    after = call("Cumprod", columns, 0, exclusive=True, reverse=True)
    product = reshape(conj(before) * conj(after), permuted_shape)
    result = grad * call("Transpose", product, call("InvertPermutation", permutation), name="transpose")
    return [reshape(result, input_shape), None]


def _gather(params, indices):
    return call("GatherV2", params, indices, 0)
