"""Tensors made of ranges and of repetitions: meshgrid, sequence_mask, repeat."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.constant import constant, ones
from reflow.ops.joining import concat, stack
from reflow.ops.padding import broadcast_to, tile
from reflow.ops.select import boolean_mask
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape, size


@export("meshgrid")
def meshgrid(*args, **kwargs):
    """Coordinates on a grid: n tensors of rank n, each of which repeats one of the given ones along the other axes.

    Args:
      *args: n tensors of rank 1 (or scalars), the coordinates along each axis.
      **kwargs: `indexing`: "xy" (the default: the first two axes are exchanged, as in plots) or "ij"; `name`.

    Returns:
      A list of n Tensors of rank n.

    Raises:
      TypeError: for another keyword.
      ValueError: for another indexing.
    """
    indexing = kwargs.pop("indexing", "xy")
    name = kwargs.pop("name", "meshgrid")
    if kwargs:
        raise TypeError(f"'{next(iter(kwargs))}' is an invalid keyword argument for this function")
    if indexing not in ("xy", "ij"):
        raise ValueError("indexing parameter must be either 'xy' or 'ij'")
    with name_scope(name, "meshgrid", args):
        n = len(args)
        columns = [reshape(stack(x), (1,) * i + (-1,) + (1,) * (n - i - 1)) for i, x in enumerate(args)]
        sizes = [size(x) for x in args]
        dtype = to_tensor(args[0]).dtype.base_dtype
        if indexing == "xy" and n > 1:
            columns[0] = reshape(columns[0], (1, -1) + (1,) * (n - 2))
            columns[1] = reshape(columns[1], (-1, 1) + (1,) * (n - 2))
            sizes[0], sizes[1] = sizes[1], sizes[0]
        everywhere = ones(sizes, dtype)
        return [x * everywhere for x in columns]


def _all_axes(x):
    """The axes of a tensor, as an int32 vector: a constant if the rank is known."""
    if isinstance(x, Tensor) and x.dims is not None:
        return constant(list(range(len(x.dims))), dtypes.int32)
    if isinstance(x, SparseTensor) and x.dense_shape.dims and x.dense_shape.dims[0] is not None:
        return constant(list(range(x.dense_shape.dims[0])), dtypes.int32)
    return call("Range", 0, rank(x), 1)


@export("sequence_mask")
def sequence_mask(lengths, maxlen=None, dtype=dtypes.bool_, name=None):
    """Rows that hold True at their first `lengths[i]` places and False after them.

    Args:
      lengths: integer tensor.
      maxlen: integer scalar, the length of a row; the greatest of `lengths` if None.
      dtype: the result's type.
      name: the name scope.

    Returns:
      A Tensor of shape lengths.shape + [maxlen].

    Raises:
      ValueError: if `maxlen` is known not to be a scalar.
    """
    with name_scope(name, "SequenceMask", [lengths, maxlen]):
        lengths = to_tensor(lengths)
        if maxlen is None:
            maxlen = call("Max", lengths, _all_axes(lengths))
            maxlen = call("Maximum", constant(0, maxlen.dtype), maxlen)
        else:
            maxlen = to_tensor(maxlen)
        if maxlen.dims:
            raise ValueError("maxlen must be scalar for sequence_mask")
        number_type = maxlen.dtype.base_dtype
        places = call("Range", constant(0, number_type), maxlen, constant(1, number_type))
        ends = call("Cast", expand_dims(lengths, -1), DstT=number_type)
        mask = places < ends
        dtype = dtypes.bool_ if dtype is None else as_dtype(dtype).base_dtype
        return mask if dtype is dtypes.bool_ else call("Cast", mask, DstT=dtype)


# --- repeat -------------------------------------------------------------------------------------------------------


@export("repeat")
def repeat(input, repeats, axis=None, name=None):
    """A tensor each element (or slice) of which is repeated.

    Args:
      input: a tensor.
      repeats: integer scalar, or vector with a number for each index along `axis`: how often.
      axis: int, the axis along which to repeat; None to flatten the tensor before.
      name: the name scope.

    Returns:
      A Tensor of the same type, longer along `axis`.

    Raises:
      TypeError: if `axis` is no int or `repeats` is not of an integer type.
      ValueError: if `axis` is out of range.
    """
    if axis is None:
        input, axis = reshape(input, [-1]), 0
    return _repeat_along(input, repeats, axis, name)


def _repeat_along(data, repeats, axis, name):
    if not isinstance(axis, int):
        raise TypeError(f"axis must be an int; got {type(axis).__name__}")
    with name_scope(name, "Repeat", [data, repeats]):
        data, repeats = to_tensor(data, name="data"), _as_int32(repeats, "repeats")
        repeats.shape.with_rank_at_most(1)
        data = _with_an_axis(data)
        data_shape = shape(data)
        axis = _axis_from_front(axis, data.dims)
        if repeats.dims is not None and len(repeats.dims) == 1:
            data.shape.dims[axis].assert_is_compatible_with(repeats.dims[0])
        if repeats.dims == ():
            tiled = _tile_axis(expand_dims(data, axis + 1), axis + 1, repeats)
            return reshape(tiled, concat([data_shape[:axis], [-1], data_shape[axis + 1:]], axis=0))
        return _repeat_by_mask(data, data_shape, repeats, axis)


def _repeat_by_mask(data, data_shape, repeats, axis):
    """Repeats everything as often as the most repeated, and masks out what is too much."""
    if repeats.dims is None or len(repeats.dims) != axis + 1:
        repeats_shape, repeats_rank = shape(repeats), rank(repeats)
        repeats = broadcast_to(repeats, concat([data_shape[: axis + 1 - repeats_rank], repeats_shape], axis=0))
        repeats.set_shape([None] * (axis + 1))
    most = call("Maximum", 0, call("Max", repeats, _all_axes(repeats)))
    mask = sequence_mask(repeats, most)
    tiled = _tile_axis(expand_dims(data, axis + 1), axis + 1, most)
    result = boolean_mask(tiled, mask)
    if axis:
        result = reshape(result, concat([data_shape[:axis], [-1], data_shape[axis + 1:]], axis=0))
    if data.dims is not None:
        result.set_shape(data.dims[:axis] + (0 if repeats.dims[0] == 0 else None,) + data.dims[axis + 1:])
    return result


def _as_int32(value, name):
    tensor = to_tensor(value, name=name, preferred_dtype=dtypes.int32)
    if not tensor.dtype.is_integer:
        raise TypeError(f"{name} must be an integer tensor; dtype={tensor.dtype}")
    return call("Cast", tensor, DstT=dtypes.int32)


def _with_an_axis(data):
    """The tensor, with an axis of size 1 if it is a scalar."""
    if data.dims is None:
        return reshape(data, concat([[1], shape(data)], axis=0)[-rank(data):])
    return data if data.dims else stack([data])


def _axis_from_front(axis, dims):
    if dims is None:
        if axis < 0:
            raise ValueError("axis may only be negative if ndims is statically known.")
        return axis
    if not -len(dims) <= axis < len(dims):
        raise ValueError(f"axis={axis} out of bounds: expected {-len(dims)}<=axis<{len(dims)}")
    return axis % len(dims)


def _tile_axis(data, axis, multiple):
    if data.dims is not None:
        multiples = [1] * len(data.dims)
        multiples[axis] = multiple
    else:
        once = ones(rank(data), dtypes.int32)
        multiples = concat([once[:axis], [multiple], once[axis + 1:]], axis=0)
    return tile(data, multiples)
