"""Constants, and tensors filled with one value: constant, zeros, ones, fill, zeros_like, ones_like, Empty."""

import functools
import math
import operator

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import add_constant, constant_value, register_tensor_conversion_function, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dimension, TensorShape
from reflow.graph.tensor_proto import to_ndarray
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_rules import shape_from_input, unchanged_shape, with_rank

# A tensor of fewer elements stands in the graph as a constant; a larger one is filled when the graph runs.
_SMALL = 1000
_INT = {int}


# --- Const --------------------------------------------------------------------------------------------------------


@export("constant")
def constant(value, dtype=None, shape=None, name="Const", verify_shape=False):
    """A tensor that always has the given value.

    Args:
      value: a Python number, string, nested list of them, or NumPy array.
      dtype: the type; inferred from `value` if None (Python ints become int32, floats float32).
      shape: the shape; that of `value` if None. A shorter value is filled up with its last element.
      name: the node's name.
      verify_shape: require `value` to have exactly `shape` instead of filling it up.

    Returns:
      A Tensor of `dtype`.

    Raises:
      TypeError: if `value` cannot be of type `dtype`.
      ValueError: if `value` has more elements than `shape` holds.
    """
    dtype = None if dtype is None else as_dtype(dtype)
    array = to_ndarray(value, dtype, shape, verify_shape)
    return add_constant(get_default_graph(), array, dtype or as_dtype(array.dtype), name)


def _shape_to_tensor(shape, dtype=None, name=None, as_ref=False):
    if not shape.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {shape}")
    sizes = shape.as_list()
    too_large = next((size for size in sizes if size >= 2**31), None)
    _check_shape_dtype(dtype)
    if dtype is dtypes.int32 and too_large is not None:
        raise ValueError(f"Cannot convert a TensorShape to dtype int32; a dimension is too large ({too_large})")
    dtype = dtype or (dtypes.int32 if too_large is None else dtypes.int64)
    return constant(sizes, dtype, name=name or "shape_as_tensor")


def _dimension_to_tensor(dimension, dtype=None, name=None, as_ref=False):
    if dimension.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {dimension}")
    _check_shape_dtype(dtype)
    return constant(dimension.value, dtype or dtypes.int32, name=name or "shape_as_tensor")


def _check_shape_dtype(dtype):
    if dtype not in (None, dtypes.int32, dtypes.int64):
        raise TypeError(f"Cannot convert a TensorShape to dtype: {dtype}")


register_tensor_conversion_function(TensorShape, _shape_to_tensor, 100)
register_tensor_conversion_function(Dimension, _dimension_to_tensor, 100)


# --- Fill ---------------------------------------------------------------------------------------------------------


def _fill_value(op):
    dims, value = op.outputs[0].dims, constant_value(op._inputs[1])
    if dims is None or None in dims or value is None:
        return None
    return np.full(dims, value, value.dtype)


def _fill(dims, value):
    if isinstance(value, torch.Tensor):
        return value.new_empty(dims).fill_(value)
    return np.full(dims, value, object)


def _fill_shape(op):
    with_rank(op._inputs[1].dims, 0)
    dims, sizes = shape_from_input(op, 0), constant_value(op._inputs[0])
    if sizes is not None and (sizes < 0).any():
        raise ValueError("Fill dimensions must be >= 0")
    return [dims]


define_op(
    "Fill", "dims: index_type, value: T -> output: T", "T: type, index_type: type in index = int32",
    shape=_fill_shape,
    kernel=_fill, native=elementwise_native.fill(_fill), host="dims", value=_fill_value,
)  # fmt: skip


@gradient("Fill")
def _fill_gradient(op, grad):
    from reflow.ops.reduction import reduce_sum

    return None, reduce_sum(grad)


@export("fill")
def fill(dims, value, name=None):
    """A tensor of shape `dims`, every element of which is `value`.

    Args:
      dims: int32 or int64 vector.
      value: scalar of any type.
      name: the node's name.

    Returns:
      A Tensor of the type of `value`.

    Raises:
      InvalidArgumentError: when it runs, if `dims` holds a negative size.
    """
    return call("Fill", dims, value, name=name)


@export("zeros")
def zeros(shape, dtype=dtypes.float32, name=None):
    """A tensor of zeros (False, empty strings).

    Args:
      shape: ints, a TensorShape, or an int32 vector.
      dtype: the type.
      name: the node's name.

    Returns:
      A Tensor of `shape` and `dtype`.
    """
    dtype = as_dtype(dtype).base_dtype
    zero = False if dtype.is_bool else "" if dtype is dtypes.string else 0
    return _filled(shape, zero, dtype, name, "zeros")


@export("ones")
def ones(shape, dtype=dtypes.float32, name=None):
    """A tensor of ones (True).

    Args:
      shape: ints, a TensorShape, or an int32 vector.
      dtype: the type.
      name: the node's name.

    Returns:
      A Tensor of `shape` and `dtype`.
    """
    dtype = as_dtype(dtype).base_dtype
    return _filled(shape, True if dtype.is_bool else 1, dtype, name, "ones")


def _filled(shape, value, dtype, name, default_name):
    if _is_small_literal(shape):  # What follows comes to the same, in twice the time.
        graph = get_default_graph()
        scope = graph.scope_for(default_name if name is None else name)
        return add_constant(graph, to_ndarray(value, dtype, shape), dtype, f"{scope}/" if scope else "Const")
    with name_scope(name, default_name, [shape]) as scope:
        if not isinstance(shape, Tensor):
            if _is_small(shape):
                return constant(value, dtype, shape, scope)
            shape = _shape_tensor(shape)
        if not shape.dims:
            shape = call("Reshape", shape, [-1])
        return call("Fill", shape, constant(value, dtype), name=scope)


def _is_small_literal(shape) -> bool:
    """True for a list of few ints."""
    return type(shape) in (list, tuple) and {*map(type, shape)} <= _INT and _is_small_size(shape)


def _is_small(shape):
    """True if the shape is known and small, as TensorFlow tells it: over lists of sizes only, not a single size."""
    try:
        sizes = list(shape)
    except TypeError:  # A single size, or a variable.
        return False
    if any(isinstance(size, Tensor) for size in sizes):
        # TensorFlow asks NumPy for the product, which leaves a product and a comparison in the graph.
        functools.reduce(operator.mul, sizes) < _SMALL  # noqa: B015
        return False
    sizes = [size.value if isinstance(size, Dimension) else size for size in sizes]
    return None not in sizes and _is_small_size(sizes)


def _is_small_size(sizes) -> bool:
    return math.prod(sizes) < _SMALL and min(sizes, default=0) >= 0


def _shape_tensor(shape):
    try:
        return _shape_to_tensor(TensorShape(shape))
    except (TypeError, ValueError):
        return to_tensor(shape, dtypes.int32)


# --- ZerosLike, OnesLike ------------------------------------------------------------------------------------------


def _zeros_like(x):
    if isinstance(x, torch.Tensor):
        return torch.zeros_like(x)
    zeros = np.full(x.shape, b"", object)
    if x.size and hasattr(x.flat[0], "zeros_like"):  # Variants: the objects know.
        for place in np.ndindex(x.shape):
            zeros[place] = x[place].zeros_like()
    return zeros


def _constant_like(number):
    def value(op):
        dims = op._inputs[0].dims
        dtype = op.attrs["T"]
        if dims is None or None in dims or not dtype.is_numpy_compatible or dtype is dtypes.string:
            return None
        return np.broadcast_to(np.array(number, dtype.np_dtype), dims)

    return value


define_op(
    "ZerosLike", "x: T -> y: T", "T: type",
    shape=unchanged_shape, kernel=_zeros_like, gradient=None, value=_constant_like(0),
)  # fmt: skip

define_op(
    "OnesLike", "x: T -> y: T",
    "T: type in bfloat16|half|float|double|int8|uint8|int16|uint16|int32|int64|complex64|complex128|bool",
    shape=unchanged_shape, kernel="torch.ones_like({x})", gradient=None, value=_constant_like(1),
)  # fmt: skip


@export("zeros_like")
def zeros_like(tensor, dtype=None, name=None, optimize=True):
    """Zeros in the shape of another tensor.

    Args:
      tensor: the tensor (or a value that converts to one) that gives the shape.
      dtype: the result's type; that of `tensor` if None.
      name: the node's name.
      optimize: make a constant if the shape is fully known.

    Returns:
      A Tensor.
    """
    from reflow.ops.shape_ops import shape_internal

    with name_scope(name, "zeros_like", [tensor]) as scope:
        tensor = to_tensor(tensor, name="tensor")
        dtype = tensor.dtype.base_dtype if dtype is None else as_dtype(dtype).base_dtype
        if optimize and tensor.shape.is_fully_defined() and tensor.dtype.base_dtype is not dtypes.variant:
            return zeros(tensor.shape, dtype, scope)
        if dtype is not tensor.dtype.base_dtype and dtype is not dtypes.variant:
            return zeros(shape_internal(tensor, optimize=optimize), dtype, scope)
        return call("ZerosLike", tensor, name=scope)


@export("ones_like")
def ones_like(tensor, dtype=None, name=None, optimize=True):
    """Ones in the shape of another tensor.

    Args:
      tensor: the tensor (or a value that converts to one) that gives the shape.
      dtype: the result's type; that of `tensor` if None.
      name: the node's name.
      optimize: take the shape as a constant if it is fully known.

    Returns:
      A Tensor.
    """
    from reflow.ops.shape_ops import shape_internal

    with name_scope(name, "ones_like", [tensor]) as scope:
        tensor = to_tensor(tensor, name="tensor")
        shape = shape_internal(tensor, optimize=optimize)
        result = ones(shape, tensor.dtype if dtype is None else dtype, scope)
        result.set_shape(tensor.shape)
        return result


# --- Empty and other constants ------------------------------------------------------------------------------------


def _empty(shape, dtype):
    if isinstance(dtype, torch.dtype):
        return torch.zeros(shape, dtype=dtype)
    return np.full(shape, b"", object)


define_op(
    "Empty", "shape: int32 -> output: dtype", "dtype: type, init: bool = false",
    shape=lambda op: [shape_from_input(op, 0)], kernel=_empty, host="shape", is_stateful=True,
)  # fmt: skip

define_op(
    "HostConst", "-> output: dtype", "value: tensor, dtype: type",
    shape=lambda op: [op.attrs["value"].shape], kernel=None, value=lambda op: op.attrs["value"],
)  # fmt: skip
