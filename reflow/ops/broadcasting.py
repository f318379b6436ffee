"""Broadcasting seen from a gradient: over which axes to sum so that it gets the shape of an input again."""

import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value_as_dims
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.ops.shape_ops import reshape, shape_internal


def reduction_axes(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """The axes of the broadcast shape over which gradients by x and by y are summed.

    Axes where both sizes are 1 count for both, unless the shapes are equal: TensorFlow's choice.

    Raises:
      ValueError: if the shapes do not broadcast.
    """
    if x == y:
        return [], []
    rank = max(len(x), len(y))
    axes_x, axes_y = [], []
    for axis, (a, b) in enumerate(zip((1,) * (rank - len(x)) + x, (1,) * (rank - len(y)) + y, strict=True)):
        if a != b and 1 not in (a, b):
            raise ValueError(f"Incompatible shapes: {_bracketed(x)} vs. {_bracketed(y)}")
        if a == 1:
            axes_x.append(axis)
        if b == 1:
            axes_y.append(axis)
    return axes_x, axes_y


def _bracketed(sizes) -> str:
    return f"[{','.join(map(str, sizes))}]"


def _broadcast_gradient_args(s0, s1, T):
    try:
        axes = reduction_axes(tuple(s0), tuple(s1))
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None
    return tuple(torch.tensor(a, dtype=T) for a in axes)


def _broadcast_gradient_args_shape(op):
    """Exact for known shapes, so that the plan sees constants and the sums over no axes fall away."""
    x, y = map(constant_value_as_dims, op._inputs)
    if x is None or y is None or None in x or None in y:
        return [(None,), (None,)]
    return [(len(axes),) for axes in reduction_axes(x, y)]


define_op(
    "BroadcastGradientArgs", "s0: T, s1: T -> r0: T, r1: T", "T: type in index = int32",
    shape=_broadcast_gradient_args_shape, kernel=_broadcast_gradient_args, host="s0 s1", gradient=None,
)  # fmt: skip


# --- in gradient functions ----------------------------------------------------------------------------------------


def known_equal_shapes(x: Tensor, y: Tensor, grad) -> bool:
    """True if x, y and the gradient are known to have one shape, so that nothing was broadcast."""
    dims = x.dims
    return dims is not None and None not in dims and dims == y.dims and isinstance(grad, Tensor) and dims == grad.dims


def reduced_to_inputs(op, grad, gradient_x, gradient_y):
    """The gradients of an op of two inputs, each summed over the axes along which its input was broadcast.

    Where both static shapes are known the axes are constants, and a gradient that has its input's shape already is left
    as it is.

    Args:
      op: the operation.
      grad: the gradient of its output.
      gradient_x, gradient_y: functions that make the gradients before they are summed.

    Returns:
      A pair of tensors.
    """
    x, y = op._inputs
    if not isinstance(grad, Tensor):
        return summed_to_inputs(op, gradient_x, gradient_y)
    if _not_known(x.dims) or _not_known(y.dims):
        return summed_to_inputs(op, gradient_x, gradient_y, optimize=False)
    axes_x, axes_y = _static_axes(x.dims, y.dims)
    gx = gradient_x()
    if x.dims != grad.dims:
        gx = reshape(call("Sum", gx, axes_x), x.dims)
    gy = gradient_y()
    if y.dims != grad.dims:
        gy = reshape(call("Sum", gy, axes_y), y.dims)
    return gx, gy


def summed_to_inputs(op, gradient_x, gradient_y, optimize=True):
    """As `reduced_to_inputs`, where the sums stand in the graph even if they are over no axes.

    Args:
      optimize: take shapes that are fully known as constants.
    """
    x, y = op._inputs
    shape_x, shape_y = shape_internal(x, optimize=optimize), shape_internal(y, optimize=optimize)
    axes_x, axes_y = call("BroadcastGradientArgs", shape_x, shape_y)
    gx = reshape(call("Sum", gradient_x(), axes_x), shape_x)
    return gx, reshape(call("Sum", gradient_y(), axes_y), shape_y)


def _not_known(dims) -> bool:
    return dims is None or None in dims


def _static_axes(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """`reduction_axes`; the first time in a graph TensorFlow computes them with an op, which stays in the graph."""
    known = get_default_graph().library_state.setdefault("broadcast gradient axes", {})
    if (x, y) not in known:
        call("BroadcastGradientArgs", list(x), list(y))
        known[x, y] = reduction_axes(x, y)
    return known[x, y]
