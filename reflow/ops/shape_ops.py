"""Shapes as tensors, and new shapes for old elements: Shape, Size, Rank, Reshape, ExpandDims, Squeeze, Bitcast."""

import math

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import add_constant, constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export, export_value
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dims, dims_in_brackets, num_elements
from reflow.graph.sparse_tensor import SparseTensor, SparseTensorValue
from reflow.ops.native.view import view
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import axis_within, constant_int, shape_from_input

export_value("newaxis", None)

_OUT_TYPE = "out_type: type in index = int32"


# --- Shape, ShapeN, Size, Rank ------------------------------------------------------------------------------------


def _rank_vector(dims: Dims) -> Dims:
    return (None,) if dims is None else (len(dims),)


def _shape_value(op):
    dims = op._inputs[0].dims
    return None if dims is None or None in dims else np.array(dims, op.attrs["out_type"].np_dtype)


def _shape(input, out_type):
    return torch.tensor(_size_of(input), dtype=out_type)


def _size_of(x):
    return x.shape if isinstance(x, (torch.Tensor, np.ndarray)) else ()


define_op(
    "Shape", "input: T -> output: out_type", f"T: type, {_OUT_TYPE}",
    shape=lambda op: [_rank_vector(op._inputs[0].dims)], kernel=_shape,
    lower=lambda node: f"torch.tensor({node.args[0]}.shape, dtype=torch.{node.attrs['out_type'].name})",
    value=_shape_value, value_dims=lambda op: op._inputs[0].dims, gradient=None,
)  # fmt: skip


def _shape_n(input, out_type):
    return [_shape(x, out_type) for x in input]


def _shape_n_values(op):
    dims = [t.dims for t in op._inputs]
    if any(d is None or None in d for d in dims):
        return None
    return [np.array(d, op.attrs["out_type"].np_dtype) for d in dims]


define_op(
    "ShapeN", "input: N*T -> output: N*out_type", f"N: int >= 1, T: type, {_OUT_TYPE}",
    shape=lambda op: [_rank_vector(t.dims) for t in op._inputs], kernel=_shape_n,
    values=_shape_n_values, gradient=None,
)  # fmt: skip


def _size_value(op):
    size = num_elements(op._inputs[0].dims)
    return None if size is None else np.array(size, op.attrs["out_type"].np_dtype)


def _size(input, out_type):
    return torch.tensor(math.prod(_size_of(input)), dtype=out_type)


define_op(
    "Size", "input: T -> output: out_type", f"T: type, {_OUT_TYPE}",
    shape=lambda op: [()], kernel=_size, value=_size_value, gradient=None,
)  # fmt: skip


def _rank_value(op):
    dims = op._inputs[0].dims
    return None if dims is None else np.array(len(dims), np.int32)


def _rank(input):
    return torch.tensor(len(_size_of(input)), dtype=torch.int32)


define_op(
    "Rank", "input: T -> output: int32", "T: type",
    shape=lambda op: [()], kernel=_rank, value=_rank_value, gradient=None,
)  # fmt: skip


@export("shape")
def shape(input, name=None, out_type=dtypes.int32):
    """The shape of a tensor, as a tensor.

    Args:
      input: a Tensor or SparseTensor.
      name: the node's name.
      out_type: int32 or int64.

    Returns:
      A vector of `out_type`: a constant if the shape is fully known when the graph is built.
    """
    return shape_internal(input, name, True, out_type)


def shape_internal(input, name=None, optimize=True, out_type=dtypes.int32):
    """`shape`; with `optimize` a fully known shape is a constant."""
    out_type = as_dtype(out_type)
    if isinstance(input, Tensor):
        dims = input.dims
        if not optimize or dims is None or None in dims:
            return call("Shape", input, name=name, out_type=out_type)
        return add_constant(input.op.graph, np.array(dims, out_type.np_dtype), out_type, name or "Shape")
    with name_scope(name, "Shape", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            return call("Cast", input.dense_shape, DstT=out_type)
        return shape_internal(to_tensor(input), scope, optimize, out_type)


@export("shape_n")
def shape_n(input, out_type=dtypes.int32, name=None):
    """The shapes of several tensors.

    Args:
      input: a list of tensors of one type.
      out_type: int32 or int64.
      name: the node's name.

    Returns:
      A list of vectors of `out_type`.
    """
    return call("ShapeN", input, out_type=out_type, name=name)


@export("size")
def size(input, name=None, out_type=dtypes.int32):
    """The number of elements of a tensor.

    Args:
      input: a Tensor or SparseTensor.
      name: the node's name.
      out_type: int32 or int64.

    Returns:
      A scalar of `out_type`.
    """
    return size_internal(input, name, True, out_type)


def size_internal(input, name=None, optimize=True, out_type=dtypes.int32):
    """`size`; with `optimize` a fully known size is a constant."""
    from reflow.ops.constant import constant

    out_type = as_dtype(out_type)
    with name_scope(name, "Size", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            return call("Prod", call("Cast", input.dense_shape, DstT=out_type), 0, name=scope)
        tensor = to_tensor(input)
        if optimize and tensor.dims is not None:
            known = 0 if 0 in tensor.dims else num_elements(tensor.dims)
            if known is not None:
                return constant(known, out_type, name=scope)
        return call("Size", tensor, out_type=out_type, name=scope)


@export("rank")
def rank(input, name=None):
    """The number of dimensions of a tensor.

    Args:
      input: a Tensor or SparseTensor.
      name: the node's name.

    Returns:
      An int32 scalar.
    """
    return rank_internal(input, name, True)


def rank_internal(input, name=None, optimize=True):
    """`rank`; with `optimize` a known rank is a constant."""
    from reflow.ops.constant import constant

    with name_scope(name, "Rank", [input]) as scope:
        if isinstance(input, (SparseTensor, SparseTensorValue)):
            return call("Size", input.dense_shape, name=scope)
        tensor = to_tensor(input)
        if optimize and tensor.dims is not None:
            return constant(len(tensor.dims), dtypes.int32, name=scope)
        return call("Rank", tensor, name=scope)


# --- Reshape ------------------------------------------------------------------------------------------------------


def reshape_dims(op):
    out = shape_from_input(op, 1)
    dims = op._inputs[0].dims
    if out is None or dims is None or dims.count(None) > 1 or out.count(None) > 1:
        return [out]
    have, want = (math.prod(d for d in each if d is not None) for each in (dims, out))
    if None not in out:
        if None not in dims and have != want:
            raise ValueError(f"Cannot reshape a tensor with {have} elements to shape {dims_in_brackets(out)} "
                             f"({want} elements)")  # fmt: skip
        return [out]
    if None in dims:
        return [out]
    if want == 0:
        return [out]
    if have % want:
        raise ValueError(f"Dimension size must be evenly divisible by {want} but is {have}")
    return [tuple([have // want if d is None else d for d in out])]


def _reshape(tensor, shape):
    """Beside a size 0, -1 stands for what the sizes that are not 0 leave; ATen does not work that out."""
    if 0 in shape and -1 in shape:
        have, want = (math.prod(size for size in sizes if size > 0) for sizes in (tensor.shape, shape))
        shape = [have // want if size == -1 else size for size in shape]
    return tensor.reshape(shape)


def _lower_reshape(node):
    shape = node.constant(1)
    if shape is None or (shape == 0).any() and (shape == -1).any():
        return None
    return "{}.reshape({})".format(*node.args)


define_op(
    "Reshape", "tensor: T, shape: Tshape -> output: T", "T: type, Tshape: type in index = int32",
    shape=reshape_dims, kernel=_reshape, lower=_lower_reshape, native=view(_reshape), host="shape", aliases=(0,),
    value=lambda op: _reshaped_value(op), value_dims=lambda op: _reshaped_dims(op),
)  # fmt: skip


def _reshaped_value(op):
    value = constant_value(op._inputs[0])
    shape = None if value is None else constant_value(op._inputs[1])
    return None if shape is None else value.reshape(shape)


def _reshaped_dims(op):
    """A shape vector reshaped to a vector stays what it is."""
    from reflow.graph.convert import constant_value_as_dims

    source = op._inputs[0]
    return constant_value_as_dims(source) if source.dims is not None and len(source.dims) == 1 else None


@gradient("Reshape")
def _reshape_gradient(op, grad):
    return [_in_shape_of_input(op, grad), None]


def _in_shape_of_input(op, grad):
    return reshape(grad, shape_internal(op._inputs[0]))


@export("reshape", "manip.reshape")
def reshape(tensor, shape, name=None):
    """The elements of a tensor, in row-major order, in another shape.

    Args:
      tensor: a tensor.
      shape: int32 or int64 vector; one size may be -1 and is then worked out from the others.
      name: the node's name.

    Returns:
      A Tensor of the same type.

    Raises:
      ValueError: if the shapes are known and hold different numbers of elements.
    """
    return call("Reshape", tensor, shape, name=name)


# --- ExpandDims, Squeeze ------------------------------------------------------------------------------------------


def _expand_dims_shape(op):
    dims, axis = op._inputs[0].dims, constant_value(op._inputs[1])
    if dims is None or axis is None:
        return [None]
    if axis.size != 1:
        raise ValueError("'dim' input must be a tensor with a single value")
    where = int(axis.reshape(()))
    rank = len(dims)
    if not -rank - 1 <= where <= rank:
        raise ValueError(f"dim {where} not in the interval [{-rank - 1}, {rank}].")
    where += rank + 1 if where < 0 else 0
    return [dims[:where] + (1,) + dims[where:]]


def _expand_dims(input, dim):
    """A new axis of size 1; `dim` is a number, or a list holding one."""
    while isinstance(dim, list):
        (dim,) = dim
    if isinstance(input, torch.Tensor):
        return input.unsqueeze(dim)
    return np.expand_dims(input, dim)


def _lower_expand_dims(node):
    axis = node.constant(1)
    if axis is None or node.dtype(0) is dtypes.string:
        return None
    return f"{node.args[0]}.unsqueeze({int(axis.reshape(()))})"


def _expand_dims_value(op):
    value, axis = constant_value(op._inputs[0]), constant_value(op._inputs[1])
    return None if value is None or axis is None else np.expand_dims(value, int(axis.reshape(())))


def _expand_dims_value_dims(op):
    """A scalar size becomes a shape vector of one size."""
    size = constant_int(op._inputs[0]) if op._inputs[0].dims == () else None
    return None if size is None else (None if size < 0 else size,)


define_op(
    "ExpandDims", "input: T, dim: Tdim -> output: T", "T: type, Tdim: type in index = int32",
    shape=_expand_dims_shape, kernel=_expand_dims, lower=_lower_expand_dims, native=view(_expand_dims), host="dim",
    aliases=(0,), value=_expand_dims_value, value_dims=_expand_dims_value_dims,
)  # fmt: skip


@gradient("ExpandDims")
def _expand_dims_gradient(op, grad):
    return [_in_shape_of_input(op, grad), None]


@export("expand_dims")
def expand_dims(input, axis=None, name=None, dim=None):
    """A tensor with an axis of size 1 inserted.

    Args:
      input: a tensor.
      axis: int scalar in [-rank - 1, rank]: where the new axis stands in the result.
      name: the node's name.
      dim: the old name of `axis`.

    Returns:
      A Tensor of the same elements and one more dimension.

    Raises:
      ValueError: if `axis` is missing, given twice, or out of range.
    """
    axis = renamed_argument("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return call("ExpandDims", input, axis, name=name)


def _squeeze_shape(op):
    dims, axes = op._inputs[0].dims, op.attrs["squeeze_dims"]
    if dims is None:
        return [None]
    if not axes:
        return [None if None in dims else tuple([d for d in dims if d != 1])]
    dropped = {_squeezed_axis(axis, len(dims)) for axis in axes}
    for axis in sorted(dropped):
        if dims[axis] not in (1, None):
            raise ValueError(f"Can not squeeze dim[{axis}], expected a dimension of 1, got {dims[axis]}")
    return [tuple([d for i, d in enumerate(dims) if i not in dropped])]


def _squeezed_axis(axis, rank):
    return axis_within(axis, rank, "Tried to squeeze dim index")


def _squeeze(input, squeeze_dims):
    axes = tuple([_squeezed_axis(axis, len(input.shape)) for axis in squeeze_dims])
    axes = axes or tuple([i for i, d in enumerate(input.shape) if d == 1])
    if any(input.shape[axis] != 1 for axis in axes):
        axis = next(a for a in axes if input.shape[a] != 1)
        raise ValueError(f"Can not squeeze dim[{axis}], expected a dimension of 1, got {input.shape[axis]}")
    return input.squeeze(axes)


def _lower_squeeze(node):
    dims, axes = node.dims(0), node.attrs["squeeze_dims"]
    # An axis may be missing where the op stands in a branch that this step does not take.
    if dims is None or not axes or any(dims[axis : axis + 1 or None] != (1,) for axis in axes):
        return None
    return f"{node.args[0]}.squeeze({tuple(axes)})"


def _squeeze_value(op):
    value, axes = constant_value(op._inputs[0]), op.attrs["squeeze_dims"]
    return None if value is None else value.squeeze(tuple(axes) or None)


define_op(
    "Squeeze", "input: T -> output: T", "T: type, squeeze_dims: list(int) = []",
    shape=_squeeze_shape, kernel=_squeeze, lower=_lower_squeeze, native=view(_squeeze), aliases=(0,),
    value=_squeeze_value,
)  # fmt: skip


@gradient("Squeeze")
def _squeeze_gradient(op, grad):
    return _in_shape_of_input(op, grad)


@export("squeeze")
def squeeze(input, axis=None, name=None, squeeze_dims=None):
    """A tensor without its axes of size 1.

    Args:
      input: a tensor.
      axis: an int or a list of ints: only these axes, which must have size 1; all such axes if None.
      name: the node's name.
      squeeze_dims: the old name of `axis`.

    Returns:
      A Tensor of the same elements.

    Raises:
      ValueError: if a named axis is known to have another size, or `axis` is given under both names.
    """
    axis = renamed_argument("axis", axis, "squeeze_dims", squeeze_dims)
    if np.isscalar(axis):
        axis = [axis]
    return call("Squeeze", input, squeeze_dims=[] if axis is None else axis, name=name)


# --- Bitcast ------------------------------------------------------------------------------------------------------


def _bitcast_shape(op):
    dims = op._inputs[0].dims
    have, want = op.attrs["T"].size, op.attrs["type"].size
    if dims is None or have == want:
        return [dims]
    if have > want:
        return [(*dims, have // want)]
    if not dims or dims[-1] not in (None, want // have):
        raise ValueError(f"Cannot bitcast due to shape. {dims[-1] if dims else '?'} does not match {want // have}")
    return [dims[:-1]]


def _bitcast(input, type):
    have, want = input.element_size(), torch.empty((), dtype=type).element_size()
    if have >= want:
        return input.contiguous().view(-1).view(type).reshape([*input.shape, *([have // want] if have > want else [])])
    if not input.dim() or input.shape[-1] * have != want:
        raise ValueError(f"Cannot bitcast from shape {list(input.shape)}: the last dimension must be {want // have}")
    return input.contiguous().view(-1).view(type).reshape(input.shape[:-1])


_BITCAST_TYPES = ("bfloat16|half|float|double|int64|int32|uint8|uint16|uint32|uint64|int8|int16|complex64|complex128"
                  "|qint8|quint8|qint16|quint16|qint32")  # fmt: skip

define_op(
    "Bitcast", "input: T -> output: type", f"T: type in {_BITCAST_TYPES}, type: type in {_BITCAST_TYPES}",
    shape=_bitcast_shape, kernel=_bitcast, aliases=(0,),
)  # fmt: skip


@export("bitcast")
def bitcast(input, type, name=None):
    """The bytes of a tensor read as another type.

    Args:
      input: a tensor of shape [...], or [..., n] if its elements are n times smaller than those of `type`.
      type: the type to read.
      name: the node's name.

    Returns:
      A Tensor of `type`; of shape [..., n] if its elements are n times smaller than those of `input`.
    """
    return call("Bitcast", input, type=type, name=name)
