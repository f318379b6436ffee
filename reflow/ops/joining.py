"""Tensors joined and taken apart: Concat, Pack, Split, Unpack, and lists of tensors as tensors."""

import functools

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import (
    constant_value,
    constant_value_as_dims,
    register_tensor_conversion_function,
    to_tensor,
)
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dimension, as_shape, dims_in_brackets
from reflow.ops.movement import moves_elements
from reflow.ops.native.view import view
from reflow.ops.shape_rules import (
    axis_within,
    constant_int,
    merge,
    merged_from_last,
    with_rank,
    with_rank_at_least,
    with_size,
)
from reflow.platform.deprecation import note

# --- Pack ---------------------------------------------------------------------------------------------------------


# Types whose tensors are arrays of Python objects.
_OBJECTS = (dtypes.string, dtypes.variant, dtypes.resource)


def _pack_shape(op):
    dims = merged_from_last(op._inputs)
    if dims is None:
        return [None]
    axis = axis_within(op.attrs["axis"], len(dims) + 1, "Invalid axis")
    return [dims[:axis] + (op.attrs["N"],) + dims[axis:]]


def _pack(values, axis):
    if isinstance(values[0], torch.Tensor):
        return torch.stack(values, axis)
    if not isinstance(values[0], np.ndarray):  # Handles of resources: the states themselves.
        handles = np.empty(len(values), object)
        handles[:] = values
        return handles
    return np.stack(values, axis)


def _lower_pack(node):
    return None if node.dtype(0) in _OBJECTS else f"torch.stack([{', '.join(node.args)}], {node.attrs['axis']})"


def _pack_value(op):
    values = [constant_value(t) for t in op._inputs]
    return None if any(v is None for v in values) else np.stack(values, op.attrs["axis"])


def _pack_value_dims(op):
    """Packed scalars are sizes: those that are constant and not negative are known."""
    if any(t.dims not in (None, ()) for t in op._inputs):
        return None
    sizes = [constant_int(t) for t in op._inputs]
    return tuple([None if size is None or size < 0 else size for size in sizes])


define_op(
    "Pack", "values: N*T -> output: T", "N: int >= 1, T: type, axis: int = 0",
    shape=_pack_shape, kernel=_pack, lower=_lower_pack, value=_pack_value, value_dims=_pack_value_dims,
)  # fmt: skip


@gradient("Pack")
def _pack_gradient(op, grad):
    return unstack(grad, num=op.attrs["N"], axis=op.attrs["axis"])


@export("stack")
def stack(values, axis=0, name="stack"):
    """Tensors of one shape joined along a new axis.

    Args:
      values: a list of tensors of one shape and type.
      axis: where the new axis stands in the result; negative counts from the end.
      name: the node's name.

    Returns:
      A Tensor with one dimension more; a constant if all values are.

    Raises:
      ValueError: if `axis` is out of range or the shapes differ.
    """
    if axis == 0:
        try:
            return to_tensor(values, name=name)
        except (TypeError, ValueError):
            pass  # Tensors that cannot be packed as they are: Pack says what is wrong with them.
    dims = to_tensor(values[0], name=name).dims
    if dims is not None and not -len(dims) - 1 <= axis <= len(dims):
        raise ValueError(f"axis = {axis} not in [{-len(dims) - 1}, {len(dims) + 1})")
    return call("Pack", values, axis=axis, name=name)


def _parallel_concat(values):
    if isinstance(values[0], torch.Tensor):
        return torch.cat(values)
    return np.concatenate(values)


def _parallel_concat_shape(op):
    dims = op.attrs["shape"]
    if dims is None:
        raise ValueError("shape must be set for ParallelConcat")
    for tensor in op._inputs:
        if tensor.dims is None or None in tensor.dims:
            raise ValueError("All input shapes must be fully defined.")
        merge(tensor.dims, (1, *dims[1:]))
    return [dims]


define_op(
    "ParallelConcat", "values: N*T -> output: T", "N: int >= 1, T: type, shape: shape",
    shape=_parallel_concat_shape, kernel=_parallel_concat,
)  # fmt: skip


@export("parallel_stack")
def parallel_stack(values, name="parallel_stack"):
    """`stack` along axis 0 for values whose shapes are known.

    Args:
      values: a list of tensors of one type and one fully known shape.
      name: the node's name.

    Returns:
      A Tensor of shape [len(values), ...].
    """
    with name_scope(name):
        shape = as_shape([len(values)]).concatenate(to_tensor(values[0]).shape)
        rows = [call("ExpandDims", value, 0) for value in values]
        return call("ParallelConcat", rows, shape=shape)


# --- Unpack -------------------------------------------------------------------------------------------------------


def _unpack_shape(op):
    dims, num = op._inputs[0].dims, op.attrs["num"]
    if dims is None:
        return [None] * num
    axis = axis_within(op.attrs["axis"], len(dims), "Invalid axis")
    with_size(dims[axis], num)
    return [dims[:axis] + dims[axis + 1 :]] * num


def _unpack(value, num, axis):
    if value.shape[axis] != num:
        raise ValueError(f"Input shape axis {axis} must equal {num}, got shape {list(value.shape)}")
    if isinstance(value, torch.Tensor):
        return list(value.unbind(axis))
    return [np.moveaxis(value, axis, 0)[i, ...] for i in range(num)]


define_op(
    "Unpack", "value: T -> output: num*T", "num: int >= 0, T: type, axis: int = 0",
    shape=_unpack_shape, kernel=_unpack, native=view(_unpack), aliases=(0,),
)  # fmt: skip


@gradient("Unpack")
def _unpack_gradient(op, *grads):
    return stack(list(grads), axis=op.attrs["axis"])


@export("unstack")
def unstack(value, num=None, axis=0, name="unstack"):
    """The slices of a tensor along one axis.

    Args:
      value: a tensor of rank 1 or more.
      num: the size of that axis; taken from the static shape if None.
      axis: the axis that the slices lose; negative counts from the end.
      name: the node's name.

    Returns:
      A list of `num` Tensors.

    Raises:
      ValueError: if `axis` is out of range, or `num` is None and not known from the shape.
    """
    if num is None:
        value = to_tensor(value)
        dims = value.dims
        if dims is not None:
            if not -len(dims) <= axis < len(dims):
                raise ValueError(f"axis = {axis} not in [{-len(dims)}, {len(dims)})")
            num = dims[axis]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {value.shape}")
    return call("Unpack", value, num=num, axis=axis, name=name)


# --- Concat -------------------------------------------------------------------------------------------------------


def concat_dims(values, axis_tensor):
    """Dims of the concatenation of tensors along a constant or unknown axis."""
    with_rank(axis_tensor.dims, 0)
    rank = next((len(t.dims) for t in values if t.dims is not None), None)
    if rank is None:
        return None
    if rank == 0:
        raise ValueError("Can't concatenate scalars (use tf.stack instead)")
    for tensor in values:
        with_rank(tensor.dims, rank)
    axis = constant_int(axis_tensor)
    if axis is None:
        return (None,) * rank
    before, total, after = None, 0, None
    for tensor in reversed(values):
        dims = with_rank_at_least(tensor.dims, -axis if axis < 0 else axis + 1)
        if dims is None:
            total = None
            continue
        where = axis % len(dims)
        size = dims[where]
        total = None if total is None or size is None else total + size
        before, after = merge(dims[:where], before), merge(dims[where + 1 :], after)
    return (*before, total, *after)


def _concat(values, axis):
    if isinstance(values[0], torch.Tensor):
        return torch.cat(values, axis)
    return np.concatenate(values, axis)


def _lower_concat_v2(node):
    return None if node.dtype(0) in _OBJECTS else f"torch.cat([{', '.join(node.args[:-1])}], {node.args[-1]})"


def _concat_value(values, axis_tensor):
    arrays, axis = [constant_value(t) for t in values], constant_int(axis_tensor)
    return None if axis is None or any(a is None for a in arrays) else np.concatenate(arrays, axis)


def _concat_value_dims(values):
    parts = [constant_value_as_dims(t) for t in values]
    return None if any(p is None for p in parts) else tuple(size for part in parts for size in part)


define_op(
    "ConcatV2", "values: N*T, axis: Tidx -> output: T", "N: int >= 2, T: type, Tidx: type in index = int32",
    shape=lambda op: [concat_dims(op._inputs[:-1], op._inputs[-1])],
    kernel=_concat, lower=_lower_concat_v2, host="axis",
    value=lambda op: _concat_value(op._inputs[:-1], op._inputs[-1]),
    value_dims=lambda op: _concat_value_dims(op._inputs[:-1]),
)  # fmt: skip

define_op(
    "Concat", "concat_dim: int32, values: N*T -> output: T", "N: int >= 2, T: type",
    shape=lambda op: [concat_dims(op._inputs[1:], op._inputs[0])],
    kernel=lambda concat_dim, values: _concat(values, concat_dim), host="concat_dim",
    value=lambda op: _concat_value(op._inputs[1:], op._inputs[0]),
    value_dims=lambda op: _concat_value_dims(op._inputs[1:]),
)  # fmt: skip


def _concat_offset(concat_dim, shape):
    first = shape[0]
    axis = concat_dim + len(first) if concat_dim < 0 else concat_dim
    offsets, start = [], 0
    for i, sizes in enumerate(shape):
        if len(sizes) != len(first) or sizes[:axis] + sizes[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise ValueError(f"All dimensions except {axis} must match. Input {i} has shape {sizes} and doesn't match "
                             f"input 0 with shape {first}.")  # fmt: skip
        offset = [0] * len(sizes)
        offset[axis] = start
        start += sizes[axis]
        offsets.append(torch.tensor(offset, dtype=torch.int32))
    return offsets


define_op(
    "ConcatOffset", "concat_dim: int32, shape: N*int32 -> offset: N*int32", "N: int >= 2",
    shape=lambda op: [t.dims for t in op._inputs[1:]], kernel=_concat_offset, host="concat_dim shape", gradient=None,
)  # fmt: skip


@gradient("Concat")
def _concat_gradient(op, grad):
    from reflow.ops.concat_gradient import concat_gradients

    return [None, *concat_gradients(op._inputs[1:], op._inputs[0], grad)]


@gradient("ConcatV2")
def _concat_v2_gradient(op, grad):
    from reflow.ops.concat_gradient import concat_gradients

    return [*concat_gradients(op._inputs[:-1], op._inputs[-1], grad), None]


def _is_axis(value):
    return isinstance(value, (int, np.integer))


def _old_call(old_names, is_old):
    """Decorator: the function also takes its arguments as before TensorFlow 1.0, and notes that once.

    Args:
      old_names: the new names of the arguments in their old order, by their old names.
      is_old: `first positional argument -> bool`: whether it is what used to come first.
    """

    def decorate(function):
        @functools.wraps(function)
        def either(*args, **kwargs):
            renamed = {old_names.get(key, key): value for key, value in kwargs.items()}
            if renamed.keys() != kwargs.keys() or args and is_old(args[0]):
                order = ", ".join(old_names)
                note(function, f"{function.__name__}({order}) is the order of arguments before TensorFlow 1.0")
                return function(**dict(zip(old_names.values(), args, strict=False)), **renamed)
            return function(*args, **kwargs)

        return either

    return decorate


@export("concat")
@_old_call({"concat_dim": "axis", "values": "values", "name": "name"}, _is_axis)
def concat(values, axis, name="concat"):
    """Tensors joined along an axis that they have.

    Args:
      values: a list of tensors of one type, whose shapes differ along `axis` only.
      axis: int scalar; negative counts from the end.
      name: the node's name.

    Returns:
      A Tensor.

    Raises:
      ValueError: if the shapes do not fit.
    """
    if not isinstance(values, (list, tuple)):
        values = [values]
    if len(values) == 1:
        from reflow.ops.identity import identity

        with name_scope(name):
            to_tensor(axis, dtypes.int32, "concat_dim").shape.assert_has_rank(0)
            return identity(values[0], name=name)
    return call("ConcatV2", values, axis, name=name)


# --- Split --------------------------------------------------------------------------------------------------------


def _split_shape(op):
    dims, num = op._inputs[1].dims, op.attrs["num_split"]
    axis = constant_int(op._inputs[0])
    if dims is None or axis is None:
        return [None if dims is None else (None,) * len(dims)] * num
    if not -len(dims) <= axis < len(dims):
        raise ValueError(f"Dimension size, given by scalar input {axis} must be in range [-{len(dims)}, {len(dims)})")
    axis %= len(dims)
    size = dims[axis]
    if size is not None and size % num:
        raise ValueError(f"Dimension size must be evenly divisible by {num} but is {size}\n\t"
                         "Number of ways to split should evenly divide the split dimension")  # fmt: skip
    return [dims[:axis] + (None if size is None else size // num,) + dims[axis + 1 :]] * num


@moves_elements
def _split_parts(value, sizes, axis):
    return list(value.split(sizes, axis))


def _split(split_dim, value, num_split):
    size = value.shape[split_dim]
    if size % num_split:
        raise ValueError("Number of ways to split should evenly divide the split dimension, but got split_dim "
                         f"{split_dim} (size = {size}) and num_split {num_split}")  # fmt: skip
    return _split_parts(value, [size // num_split] * num_split, split_dim)


def _lower_split(node):
    dims, axis, num = node.dims(1), node.constant(0), node.attrs["num_split"]
    if node.dtype(1) is dtypes.string or axis is None or dims is None or not -len(dims) <= axis < len(dims):
        return None
    if not dims[int(axis)]:
        return None
    return f"{node.args[1]}.split({dims[int(axis)] // num}, {int(axis)})"


define_op(
    "Split", "split_dim: int32, value: T -> output: num_split*T", "num_split: int >= 1, T: type",
    shape=_split_shape, kernel=_split, lower=_lower_split, native=view(_split, position=1), host="split_dim",
    aliases=(1,),
)  # fmt: skip


def _split_v_shape(op):
    dims, num = op._inputs[0].dims, op.attrs["num_split"]
    with_rank(op._inputs[1].dims, 1)
    sizes, axis = constant_value(op._inputs[1]), constant_int(op._inputs[2])
    if dims is None or axis is None:
        return [None if dims is None else (None,) * len(dims)] * num
    axis = axis_within(axis, len(dims))
    if sizes is None:
        return [dims[:axis] + (None,) + dims[axis + 1 :]] * num
    if len(sizes) != num:
        raise ValueError("Length of size_splits should be equal to num_outputs")
    sizes = _whole_sizes(sizes.tolist(), dims[axis], "can't split axis of size {total} into pieces of size {sizes}")
    return [dims[:axis] + (size,) + dims[axis + 1 :] for size in sizes]


_DO_NOT_FIT = (
    "Determined shape must either match input shape along split_dim exactly if fully specified, or be less than the "
    "size of the input along split_dim if not fully specified.  Got: {known}"
)


def _whole_sizes(sizes, total, words=_DO_NOT_FIT):
    """The sizes with a single -1 replaced by what is left of `total` (None if that is not known)."""
    if sizes.count(-1) > 1:
        raise ValueError("size_splits can only have one -1")
    known = sum(size for size in sizes if size != -1)
    if total is not None and (known > total or known < total and -1 not in sizes):
        raise ValueError(words.format(total=total, sizes=dims_in_brackets(sizes), known=known))
    rest = None if total is None else total - known
    return [rest if size == -1 else size for size in sizes]


def _split_v(value, size_splits, split_dim):
    return _split_parts(value, _whole_sizes(size_splits, value.shape[split_dim]), split_dim)


define_op(
    "SplitV", "value: T, size_splits: Tlen, split_dim: int32 -> output: num_split*T",
    "num_split: int >= 1, T: type, Tlen: type in index = int64",
    shape=_split_v_shape, kernel=_split_v, host="size_splits split_dim", aliases=(0,),
)  # fmt: skip


@gradient("Split")
def _split_gradient(op, *grads):
    return None, concat(list(grads), op._inputs[0])


@gradient("SplitV")
def _split_v_gradient(op, *grads):
    return concat(list(grads), op._inputs[2]), None, None


@export("split")
@_old_call({"split_dim": "axis", "num_split": "num_or_size_splits", "value": "value", "name": "name"}, _is_axis)
def split(value, num_or_size_splits, axis=0, num=None, name="split"):
    """A tensor cut into pieces along one axis.

    Args:
      value: a tensor.
      num_or_size_splits: an int: so many pieces of equal size; or an int vector: the sizes, one of which may be -1.
      axis: int scalar; negative counts from the end.
      num: how many pieces, if `num_or_size_splits` is a vector of unknown length.
      name: the node's name.

    Returns:
      A list of Tensors.

    Raises:
      ValueError: if the number of pieces is not known, or the pieces do not make up the axis.
    """
    sizes = to_tensor(num_or_size_splits)
    if isinstance(num_or_size_splits, (int, Dimension)):
        return call("Split", axis, value, num_split=num_or_size_splits, name=name)
    if sizes.dims == ():
        raise ValueError("Rank-0 tensors are not supported as the num_or_size_splits argument to split. Argument "
                         f"provided: {num_or_size_splits}")  # fmt: skip
    if num is None:
        num = sizes.dims[0] if sizes.dims else None
        if num is None:
            raise ValueError(f"Cannot infer num from shape {num_or_size_splits}")
    return call("SplitV", value, sizes, axis, num_split=num, name=name)


# --- lists that hold tensors --------------------------------------------------------------------------------------

_PLAIN = frozenset({int, float, complex, bytes, bool, str, memoryview, np.ndarray}) | set(np.sctypeDict.values())


def is_dense_tensor_like(value) -> bool:
    """True for a Tensor and for what stands for one tensor, such as a variable."""
    return isinstance(value, Tensor) or hasattr(value, "_as_graph_element") and hasattr(value, "name")


def _list_to_tensor(value, dtype=None, name=None, as_ref=False):
    """The conversion of a list or tuple with tensors somewhere in it: they are packed."""
    if as_ref or _is_plain(value):
        return NotImplemented
    found = _dtype_within(value)
    if found is None:
        return NotImplemented
    if dtype is None:
        dtype = found
    elif dtype is not found:
        value = _cast_within(value, dtype)
    return _packed(value, dtype, name or "packed")


def _is_plain(value):
    return all(type(v) in _PLAIN or isinstance(v, (list, tuple)) and _is_plain(v) for v in value)


def _dtype_within(value):
    for each in value:
        if is_dense_tensor_like(each):
            return each.dtype.base_dtype
        if isinstance(each, (list, tuple)):
            found = _dtype_within(each)
            if found is not None:
                return found
    return None


def _cast_within(value, dtype):
    if isinstance(value, (list, tuple)):
        return [_cast_within(each, dtype) for each in value]
    if is_dense_tensor_like(value) and value.dtype.base_dtype is not dtype:
        return call("Cast", value, DstT=dtype)
    return value


def _packed(values, dtype, name):
    """The list as a tensor if there are tensors in it, else the list."""
    with name_scope(name) as scope:
        elements, must_pack = [], False
        for i, each in enumerate(values):
            if isinstance(each, (list, tuple)):
                each = _packed(each, dtype, str(i))
            elif is_dense_tensor_like(each) and dtype is not None and each.dtype.base_dtype is not dtype:
                raise TypeError(f"Cannot convert a list containing a tensor of dtype {each.dtype} to {dtype} "
                                f"(Tensor is: {each!r})")  # fmt: skip
            must_pack = must_pack or is_dense_tensor_like(each)
            elements.append(each)
        if not must_pack:
            return elements
        from reflow.ops.constant import constant

        tensors = [e if is_dense_tensor_like(e) else constant(e, dtype, name=str(i)) for i, e in enumerate(elements)]
        return call("Pack", tensors, name=scope)


register_tensor_conversion_function((list, tuple), _list_to_tensor, 99)
