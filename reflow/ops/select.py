"""Choices by condition: where, Select, boolean_mask, one_hot."""

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import broadcast_dims, dims_in_brackets
from reflow.ops.masks import selected
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.native import indexing as indexing_native
from reflow.ops.shape_rules import constant_int, merge

# --- Where --------------------------------------------------------------------------------------------------------


def _where_shape(op):
    dims = op._inputs[0].dims
    return [(None, None if dims is None else len(dims))]


def _where(input):
    return torch.nonzero(input if input.dtype is torch.bool else input != 0)


define_op(
    "Where", "input: T -> index: int64", "T: type in number|bool = bool",
    shape=_where_shape, kernel=_where,
    lower=lambda node: f"torch.nonzero({node.args[0]})" if node.dtype(0) is dtypes.bool_ else None,
)  # fmt: skip


# --- Select -------------------------------------------------------------------------------------------------------


def _select_shape(op):
    condition, t, e = (tensor.dims for tensor in op._inputs)
    dims = merge(t, e)
    if condition is None or dims is None or len(condition) == 0:
        return [dims]
    if len(condition) == 1 and len(dims) > 1:
        merge(condition, dims[:1])
        return [dims]
    return [merge(condition, dims)]


def _select(condition, t, e):
    if t.shape != e.shape:
        raise ValueError(f"'then' and 'else' must have the same size.  but received: {list(t.shape)} vs. "
                         f"{list(e.shape)}")  # fmt: skip
    if condition.shape != t.shape and condition.dim():
        if condition.dim() != 1 or not t.shape or condition.shape[0] != t.shape[0]:
            raise ValueError(f"Number of batches of 'then' must match size of 'cond', but saw: {list(t.shape)} vs. "
                             f"{list(condition.shape)}")  # fmt: skip
        condition = condition.reshape([-1] + [1] * (len(t.shape) - 1))
    return _select_v2(condition, t, e)


def _select_v2(condition, t, e):
    if isinstance(t, torch.Tensor):
        return torch.where(condition, t, e)
    return np.asarray(np.where(condition.numpy(), t, e), object)


def _lower_select(node):
    condition, dims = node.dims(0), node.dims(1)
    if node.dtype(1) is dtypes.string or condition is None or condition != dims or dims != node.dims(2) or None in dims:
        return None
    return selected(node) or f"torch.where({', '.join(node.args)})"


def _select_value(op):
    """So that shape rules see through a choice between known sizes."""
    if not op._inputs[1].dtype.is_integer:
        return None
    condition, t, e = (constant_value(tensor) for tensor in op._inputs)
    if condition is None or t is None or e is None or condition.shape not in ((), t.shape):
        return None
    return np.where(condition, t, e)


define_op(
    "Select", "condition: bool, t: T, e: T -> output: T", "T: type",
    shape=_select_shape, kernel=_select, lower=_lower_select, value=_select_value,
    native=elementwise_native.select,
)  # fmt: skip

define_op(
    "SelectV2", "condition: bool, t: T, e: T -> output: T", "T: type",
    shape=lambda op: [broadcast_dims(broadcast_dims(op._inputs[1].dims, op._inputs[2].dims), op._inputs[0].dims)],
    kernel=_select_v2,
    lower=lambda node: None if node.dtype(1) is dtypes.string else f"torch.where({', '.join(node.args)})",
)  # fmt: skip

define_op(
    "RefSelect", "index: int32, inputs: ref N*T -> output: ref T", "N: int >= 1, T: type",
    shape=lambda op: [_ref_select_dims(op._inputs[1:])],
    kernel=lambda index, inputs: inputs[int(index)],
)  # fmt: skip


def _ref_select_dims(inputs):
    first = inputs[0].dims
    return first if all(t.dims == first for t in inputs) else None


@gradient("Select")
def _select_gradient(op, grad):
    from reflow.ops.constant import zeros_like

    condition, t, _ = op._inputs
    zeros = zeros_like(t)
    return None, call("Select", condition, grad, zeros), call("Select", condition, zeros, grad)


@gradient("SelectV2")
def _select_v2_gradient(op, grad):
    """As of Select, summed over the axes along which an input was broadcast."""
    from reflow.ops.constant import zeros
    from reflow.ops.shape_ops import shape

    condition, t, e = op._inputs
    nothing = zeros([], dtype=grad.dtype.base_dtype)
    grad_t = call("SelectV2", condition, grad, nothing)
    t_shape, output_shape = shape(t), shape(op.outputs[0])
    grad_t = _summed_to(grad_t, t_shape, output_shape)
    grad_e = call("SelectV2", condition, nothing, grad)
    grad_e = _summed_to(grad_e, shape(e), output_shape)
    return None, grad_t, grad_e


def _summed_to(grad, target_shape, output_shape):
    from reflow.ops.reduction import reduce_sum
    from reflow.ops.shape_ops import reshape

    axes, _ = call("BroadcastGradientArgs", target_shape, output_shape)
    return reshape(reduce_sum(grad, keepdims=True, axis=axes), target_shape)


@export("where")
def where(condition, x=None, y=None, name=None):
    """The places where a condition holds; or elements of `x` where it holds and of `y` elsewhere.

    Args:
      condition: bool tensor (or, without `x` and `y`, of numbers: those that are not 0 count).
      x: a tensor. `condition` has its shape, or is a scalar, or a vector that selects rows.
      y: a tensor like `x`.
      name: the node's name.

    Returns:
      With `x` and `y` a Tensor like them; without, an int64 matrix [number of places, rank of condition] of indices in
      row-major order.

    Raises:
      ValueError: if only one of `x` and `y` is given, or the shapes do not fit.
    """
    return _places_or_choice("Select", condition, x, y, name)


@export("where_v2")
def where_v2(condition, x=None, y=None, name=None):
    """`where` with NumPy's rule: `condition`, `x` and `y` broadcast against each other.

    Args:
      condition: bool tensor.
      x: a tensor.
      y: a tensor of the type of `x`.
      name: the node's name.

    Returns:
      As `where`.

    Raises:
      ValueError: if only one of `x` and `y` is given, or the shapes do not broadcast.
    """
    return _places_or_choice("SelectV2", condition, x, y, name)


def _places_or_choice(op_name, condition, x, y, name):
    if x is None and y is None:
        return _places(condition, name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return call(op_name, condition, x, y, name=name)


def _places(condition, name):
    with name_scope(name, "Where", [condition]) as scope:
        condition = to_tensor(condition, name="condition", preferred_dtype=dtypes.bool_)
        return call("Where", condition, name=scope)


# --- boolean_mask -------------------------------------------------------------------------------------------------


@export("boolean_mask")
def boolean_mask(tensor, mask, name="boolean_mask", axis=None):
    """The elements (or slices) of a tensor at which a mask holds.

    Args:
      tensor: a tensor.
      mask: bool tensor of known rank k, whose shape equals that of `tensor` from `axis` on.
      name: the name scope.
      axis: where the masked axes begin, 0 if None.

    Returns:
      A Tensor of shape tensor.shape[:axis] + [number of True] + tensor.shape[axis + k:].

    Raises:
      ValueError: if the mask is a scalar, of unknown rank, or does not fit.
    """
    from reflow.ops.gathering import gather
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import reshape, shape, squeeze

    with name_scope(name, values=[tensor, mask]):
        tensor, mask = to_tensor(tensor, name="tensor"), to_tensor(mask, name="mask")
        if mask.dims is None:
            raise ValueError("Number of mask dimensions must be specified, even if some dimensions are None.  E.g. "
                             "shape=[None] is ok, but shape=None is not.")  # fmt: skip
        if mask.dims == ():
            raise ValueError("mask cannot be scalar.")
        axis = 0 if axis is None else axis
        end = axis + len(mask.dims)
        static = tensor.shape
        static[axis:end].assert_is_compatible_with(mask.shape)
        leading = call("Prod", shape(tensor)[axis:end], [0])
        tensor = reshape(tensor, concat([shape(tensor)[:axis], [leading], shape(tensor)[end:]], 0))
        tensor.set_shape(static[:axis].concatenate([static[axis:end].num_elements()]).concatenate(static[end:]))
        indices = squeeze(where(reshape(mask, [-1])), axis=[1])
        return gather(tensor, indices, axis=axis)


# --- OneHot -------------------------------------------------------------------------------------------------------


def _one_hot_shape(op):
    dims, depth = op._inputs[0].dims, constant_int(op._inputs[1])
    if depth is not None and depth < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {depth}")
    if dims is None:
        return [None]
    if op.attrs["axis"] < -1:
        raise ValueError("axis must be >= -1")
    axis = op.attrs["axis"] % (len(dims) + 1)
    return [dims[:axis] + (depth,) + dims[axis:]]


def _one_hot(indices, depth, on_value, off_value, axis):
    for name, value in (("depth", depth), ("on_value", on_value), ("off_value", off_value)):
        if np.ndim(value):
            raise ValueError(f"{name} must be a scalar, but got: {dims_in_brackets(np.shape(value))}")
    if depth < 0:
        raise ValueError(f"depth must be non-negative, got: {depth}")
    if axis > indices.dim():
        raise ValueError(f"Expected axis to be -1 or between [0, {indices.dim() + 1}).  But received: {axis}")
    axis = axis % (indices.dim() + 1)
    if _is_plain(depth, on_value, off_value):
        return _zeros_and_ones(indices, depth, axis)
    classes = torch.arange(depth, device=indices.device).reshape([-1] + [1] * (indices.dim() - axis))
    hot = indices.unsqueeze(axis) == classes
    if isinstance(on_value, torch.Tensor):
        return torch.where(hot, on_value, off_value)
    return np.asarray(np.where(hot.numpy(), on_value, off_value), object)


def _is_plain(depth, on_value, off_value) -> bool:
    """True for ones and zeros of float32, in which a CPU compares fast; all class numbers have to be exact in it."""
    return (isinstance(on_value, torch.Tensor) and on_value.dtype is torch.float32 and depth < 1 << 24
            and on_value.is_cpu and on_value.item() == 1.0 and off_value.item() == 0.0)  # fmt: skip


def _zeros_and_ones(indices, depth, axis):
    shape = indices.shape[:axis] + (depth,) + indices.shape[axis:]
    classes = torch.arange(depth, dtype=torch.float32, device=indices.device)
    classes = classes.reshape([-1] + [1] * (indices.dim() - axis))
    return torch.eq(indices.float().unsqueeze(axis), classes, out=classes.new_empty(shape))


define_op(
    "OneHot", "indices: TI, depth: int32, on_value: T, off_value: T -> output: T",
    "axis: int = -1, T: type, TI: type in uint8|int32|int64 = int64",
    shape=_one_hot_shape, kernel=_one_hot, native=indexing_native.one_hot(_one_hot), host="depth", gradient=None,
)  # fmt: skip


@export("one_hot")
def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """Class numbers as vectors that are `on_value` at the class and `off_value` elsewhere.

    Args:
      indices: uint8, int32 or int64 tensor; a number outside of [0, depth) gives a vector of `off_value` only.
      depth: int32 scalar: the length of the vectors.
      on_value: scalar, 1 if None.
      off_value: scalar, 0 if None.
      axis: where the vectors' axis stands in the result; -1 (the last) if None.
      dtype: the result's type; that of the values, or float32.
      name: the node's name.

    Returns:
      A Tensor with one dimension more than `indices`.

    Raises:
      TypeError: if the types of the values differ from each other or from `dtype`.
    """
    with name_scope(name, "one_hot", [indices, depth, on_value, off_value, axis, dtype]) as scope:
        dtype = None if dtype is None else as_dtype(dtype).base_dtype
        on_type = None if on_value is None else to_tensor(on_value).dtype.base_dtype
        off_type = None if off_value is None else to_tensor(off_value).dtype.base_dtype
        for what, found in (("on_value", on_type), ("off_value", off_type)):
            if found is not None and dtype is not None and found is not dtype:
                raise TypeError(f"dtype {found} of {what} does not match dtype parameter {dtype}")
        dtype = dtype or on_type or off_type or dtypes.float32
        if on_value is None:
            on_value, on_type = to_tensor(1, dtype, "on_value"), dtype
        if off_value is None:
            off_value, off_type = to_tensor(0, dtype, "off_value"), dtype
        if on_type is not off_type:
            raise TypeError(f"dtype {on_type} of on_value does not match dtype {off_type} of off_value")
        return call("OneHot", indices, depth, on_value, off_value, axis=-1 if axis is None else axis, name=scope)


