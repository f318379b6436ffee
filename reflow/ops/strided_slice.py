"""StridedSlice and `tensor[...]`: indices, ranges with steps, new axes and an ellipsis, read and assigned."""

import functools
import sys

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import add_constant, constant_value, constant_value_as_dims
from reflow.graph.dtypes import as_dtype
from reflow.graph.errors import UnimplementedError
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dimension, dims_in_brackets
from reflow.ops.movement import moves_elements
from reflow.ops.native.view import view
from reflow.ops.shape_rules import merge, shape_from_input, with_rank

_MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
_ATTRS = "T: type, Index: type in index, " + ", ".join(f"{mask}: int = 0" for mask in _MASKS)


# --- what a specification means -----------------------------------------------------------------------------------


def python_index(begin, end, strides, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0, shrink_axis_mask=0):
    """The Python index, a tuple, that a specification by vectors and bit masks stands for.

    It has an Ellipsis as its last item if it has none elsewhere, so that an element comes out as a scalar array.

    Raises:
      ValueError: for two ellipses, a stride of 0, or a negative stride at an axis that is indexed.
    """
    index = []
    for i, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        bit = 1 << i
        if ellipsis_mask & bit:
            index.append(...)
        elif new_axis_mask & bit:
            index.append(None)
        elif shrink_axis_mask & bit:
            if step <= 0:
                raise ValueError("only stride 1 allowed on non-range indexing.")
            index.append(first)
        else:
            if step == 0:
                raise ValueError(f"strides[{i}] must be non-zero")
            index.append(slice(None if begin_mask & bit else first, None if end_mask & bit else last, step))
    if index.count(...) > 1:
        raise ValueError("Multiple ellipses in slice spec not allowed")
    return tuple(index) if ... in index else (*index, ...)


def _forward_index(dims, index):
    """Torch knows no negative steps: an index of forward slices, and the axes of its result to flip afterwards."""
    if not any(isinstance(item, slice) and item.step < 0 for item in index):
        return index, []
    used = sum(item is not None and item is not ... for item in index)
    result, flips, source, target = [], [], 0, 0
    for item in index:
        if item is ...:
            skipped = len(dims) - used
            source, target = source + skipped, target + skipped
        elif item is None:
            target += 1
        else:
            if isinstance(item, slice):
                if item.step < 0:
                    item = _reversed(item, dims[source])
                    flips.append(target)
                target += 1
            source += 1
        result.append(item)
    return tuple(result), flips


def _reversed(item, size):
    """The forward slice of the same elements as a backward one."""
    numbers = range(*item.indices(size))
    return slice(numbers[-1], numbers[0] + 1, -item.step) if numbers else slice(0, 0, 1)


def _masks_of(op):
    return {mask: op.attrs[mask] for mask in _MASKS}


# --- StridedSlice -------------------------------------------------------------------------------------------------


def _strided_slice_shape(op):
    dims = op._inputs[0].dims
    vectors = op._inputs[1:4]
    first, second, third = (with_rank(v.dims, 1) for v in vectors)
    (length,) = merge(merge(first, second), third)
    begin, end, strides = map(constant_value, vectors)
    if dims is None or length is None or strides is None:
        return [None]
    known = begin is not None and end is not None
    zeros = [0] * length
    index = python_index(*((begin.tolist(), end.tolist()) if known else (zeros, zeros)), strides.tolist(),
                         **_masks_of(op))  # fmt: skip
    return [_sliced_dims(dims, index, known)]


def _sliced_dims(dims, index, known):
    """The dims of the result; without `known` the ends of slices in `index` count only where they are open."""
    used = sum(item is not None and item is not ... for item in index)
    if used > len(dims):
        raise ValueError(f"Index out of range using input dim {len(dims)}; input has only {len(dims)} dims")
    result, axis = [], 0
    for item in index:
        if item is ...:
            skipped = len(dims) - used
            result.extend(dims[axis:axis + skipped])
            axis += skipped
        elif item is None:
            result.append(1)
        else:
            size = dims[axis]
            if isinstance(item, slice):
                open_ends = item.start is None and item.stop is None
                measurable = size is not None and (known or open_ends)
                result.append(len(range(*item.indices(size))) if measurable else None)
            elif known and size is not None and not -size <= item < size:
                raise ValueError(f"slice index {item} of dimension {axis} out of bounds.")
            axis += 1
    return tuple(result)


@moves_elements
def _strided_slice(input, begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask):
    index = python_index(begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    index, flips = _forward_index(input.shape, index)
    return input[index].flip(flips) if flips else input[index]


def _lower_strided_slice(node):
    vectors = [node.constant(i) for i in (1, 2, 3)]
    if any(v is None for v in vectors):
        return None
    index = python_index(*(v.tolist() for v in vectors), **{mask: node.attrs[mask] for mask in _MASKS})
    if any(isinstance(item, slice) and item.step < 0 for item in index):
        return None
    return f"{node.args[0]}[{', '.join(map(_index_source, index))}]"


def _index_source(item):
    if item is ...:
        return "..."
    if not isinstance(item, slice):
        return repr(item)
    first, last = ("" if end is None else end for end in (item.start, item.stop))
    return f"{first}:{last}" if item.step == 1 else f"{first}:{last}:{item.step}"


def _constant_index(op):
    """The Python index, or None if it is not constant."""
    vectors = [constant_value(t) for t in op._inputs[1:4]]
    if any(v is None for v in vectors):
        return None
    return python_index(*(v.tolist() for v in vectors), **_masks_of(op))


def _strided_slice_value(op):
    index = _constant_index(op)
    value = None if index is None else constant_value(op._inputs[0])
    return None if value is None else value[index]


def _strided_slice_value_dims(op):
    """The slice of a partly known shape vector."""
    source, index = op._inputs[0], _constant_index(op)
    if index is None or source.dims is None or len(source.dims) != 1:
        return None
    dims = constant_value_as_dims(source)
    sizes = None if dims is None else np.array(dims, object)[index]
    return tuple(sizes) if sizes is not None and sizes.ndim == 1 else None


define_op(
    "StridedSlice", "input: T, begin: Index, end: Index, strides: Index -> output: T", _ATTRS,
    shape=_strided_slice_shape, kernel=_strided_slice, lower=_lower_strided_slice, native=view(_strided_slice),
    host="begin end strides", aliases=(0,), value=_strided_slice_value, value_dims=_strided_slice_value_dims,
)  # fmt: skip


def _strided_slice_grad(shape, begin, end, strides, dy, begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                        shrink_axis_mask):  # fmt: skip
    """Zeros of `shape`, with `dy` where the slice took its elements from."""
    index = python_index(begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    if not isinstance(dy, torch.Tensor):
        result = np.full(shape, b"", object)
    else:
        result = torch.zeros(shape, dtype=dy.dtype, device=dy.device)
    _write_slice(result, index, dy)
    return result


def _write_slice(target, index, value):
    if not isinstance(target, torch.Tensor):
        target[index] = value
        return
    index, flips = _forward_index(target.shape, index)
    target[index] = value.flip(flips) if flips and value.dim() else value


define_op(
    "StridedSliceGrad", "shape: Index, begin: Index, end: Index, strides: Index, dy: T -> output: T", _ATTRS,
    shape=lambda op: [shape_from_input(op, 0)], kernel=_strided_slice_grad, host="shape begin end strides",
)  # fmt: skip


@gradient("StridedSlice")
def _strided_slice_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    source, begin, end, strides = op._inputs
    size = shape(source, out_type=begin.dtype.base_dtype)
    return call("StridedSliceGrad", size, begin, end, strides, grad, **_masks_of(op)), None, None, None


@gradient("StridedSliceGrad")
def _strided_slice_grad_gradient(op, grad):
    _, begin, end, strides, _ = op._inputs
    return None, None, None, None, strided_slice(grad, begin, end, strides, **_masks_of(op))


@export("strided_slice")
def strided_slice(input_, begin, end, strides=None, begin_mask=0, end_mask=0, ellipsis_mask=0, new_axis_mask=0,
                  shrink_axis_mask=0, var=None, name=None):  # fmt: skip
    """A slice of a tensor with steps; what `tensor[...]` makes.

    Args:
      input_: a tensor.
      begin: int32 or int64 vector: the first index along each sliced axis; negative ones count from the end.
      end: a vector like `begin`: the index before which the slice ends.
      strides: a vector like `begin`: the steps, not 0; all 1 if None.
      begin_mask: bit i set: `begin[i]` is ignored and the slice begins at the first element.
      end_mask: bit i set: `end[i]` is ignored and the slice goes to the last element.
      ellipsis_mask: bit i set: position i stands for all axes that are not mentioned.
      new_axis_mask: bit i set: position i makes a new axis of size 1.
      shrink_axis_mask: bit i set: position i takes the element `begin[i]` and drops the axis.
      var: the variable behind `input_`: the result then has a method `assign(value)` that writes to the slice.
      name: the node's name.

    Returns:
      A Tensor of the same type.

    Raises:
      ValueError: if the slice cannot be taken from a tensor of this shape.
    """
    from reflow.ops.constant import ones_like

    if strides is None:
        strides = ones_like(begin)
    masks = dict(zip(_MASKS, (begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask), strict=True))
    result = call("StridedSlice", input_, begin, end, strides, name=name, **masks)
    result.assign = functools.partial(_assign, var, (begin, end, strides), masks, name)
    return result


def _assign(var, vectors, masks, slice_name, val, name=None):
    """Write `val` to the slice of a variable; returns what the variable's assignments return."""
    if var is None:
        raise ValueError("Sliced assignment is only supported for variables")
    begin, end, strides = vectors
    name = f"{slice_name}_assign" if name is None else name
    return var._strided_slice_assign(begin=begin, end=end, strides=strides, value=val, name=name, **masks)


# --- assignments to slices ----------------------------------------------------------------------------------------


def _strided_slice_assign(ref, begin, end, strides, value, begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                          shrink_axis_mask):  # fmt: skip
    index = python_index(begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    with ref.lock:
        _replace_slice(ref.read(), index, value)
    return ref


def _replace_slice(target, index, value):
    """Write `value` to a slice of `target`; raises UnimplementedError if it is not just as large."""
    forward = _forward_index(target.shape, index)[0] if isinstance(target, torch.Tensor) else index
    found, wanted = tuple(value.shape), tuple(target[forward].shape)
    if found != wanted:
        raise UnimplementedError(None, None, f"sliced l-value shape {dims_in_brackets(wanted)} does not match r-value "
                                 f"shape {dims_in_brackets(found)}. Automatic broadcasting not yet implemented.")
    _write_slice(target, index, value)


define_op(
    "StridedSliceAssign",
    "ref: ref T, begin: Index, end: Index, strides: Index, value: T -> output_ref: ref T", _ATTRS,
    shape=lambda op: [op._inputs[0].dims], kernel=_strided_slice_assign, host="begin end strides", writes=True,
)  # fmt: skip

define_op(
    "ResourceStridedSliceAssign", "ref: resource, begin: Index, end: Index, strides: Index, value: T ->", _ATTRS,
    shape=lambda op: [], kernel=_strided_slice_assign, host="begin end strides", writes=True, is_stateful=True,
)  # fmt: skip


def _tensor_strided_slice_update(input, begin, end, strides, value, begin_mask, end_mask, ellipsis_mask, new_axis_mask,
                                 shrink_axis_mask):  # fmt: skip
    index = python_index(begin, end, strides, begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_axis_mask)
    result = input.clone() if isinstance(input, torch.Tensor) else input.copy()
    _replace_slice(result, index, value)
    return result


define_op(
    "TensorStridedSliceUpdate", "input: T, begin: Index, end: Index, strides: Index, value: T -> output: T", _ATTRS,
    shape=lambda op: [op._inputs[0].dims], kernel=_tensor_strided_slice_update, host="begin end strides",
)  # fmt: skip


# --- tensor[...] --------------------------------------------------------------------------------------------------

_INDEX_TYPES = (dtypes.int32, dtypes.int64)
_INDEX_WORDS = ("Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 "
                "tensors are valid indices")  # fmt: skip


def slice_helper(tensor, slice_spec, var=None):
    """`tensor[slice_spec]`.

    Args:
      tensor: a Tensor.
      slice_spec: what stands in the brackets: ints, slices, scalar integer tensors, `...`, `None`, a tuple or list of
        those; or a boolean tensor or array, which selects as `boolean_mask` does.
      var: the variable that `tensor` reads: the result then has a method `assign(value)`.

    Returns:
      A Tensor.

    Raises:
      TypeError: for an index of another kind.
      ValueError: for an index that is out of range.
    """
    if _is_mask(slice_spec):
        from reflow.ops.select import boolean_mask

        return boolean_mask(tensor=tensor, mask=slice_spec)
    if not isinstance(slice_spec, (list, tuple)):
        slice_spec = [slice_spec]
    begin, end, strides = [], [], []
    masks = dict.fromkeys(_MASKS, 0)
    for i, item in enumerate(slice_spec):
        first, last, step, mask_names = _vector_items(item)
        begin.append(first)
        end.append(last)
        strides.append(step)
        for mask in mask_names:
            masks[mask] |= 1 << i
    with name_scope(None, "strided_slice", [tensor, *begin, *end, *strides]) as scope:
        return strided_slice(tensor, *_packed(begin, end, strides), var=var, name=scope, **masks)


def _is_mask(spec):
    return (isinstance(spec, bool) or isinstance(spec, Tensor) and spec.dtype.base_dtype is dtypes.bool_
            or isinstance(spec, np.ndarray) and spec.dtype == bool)  # fmt: skip


def _vector_items(item):
    """What one index puts into begin, end and strides, and the masks that get its bit."""
    if isinstance(item, slice):
        masks = []
        first, last, step = item.start, item.stop, item.step
        if _is_open(first):
            first = 0
            masks.append("begin_mask")
        else:
            _check_index(first)
        if _is_open(last):
            last = 0
            masks.append("end_mask")
        else:
            _check_index(last)
        if step is None:
            step = 1
        else:
            _check_index(step)
        return first, last, step, masks
    if item is ...:
        return 0, 0, 1, ["ellipsis_mask"]
    if item is None:
        return 0, 0, 1, ["new_axis_mask"]
    _check_index(item)
    return item, item + 1, 1, ["shrink_axis_mask"]


def _is_open(end):
    return end is None or not isinstance(end, Tensor) and end == sys.maxsize


def _check_index(item):
    if isinstance(item, (int, Dimension)):
        return
    dtype = getattr(item, "dtype", None)
    if dtype is None or as_dtype(dtype).base_dtype not in _INDEX_TYPES or item.shape and len(item.shape) == 1:
        raise TypeError(f"{_INDEX_WORDS}, got {item!r}")


def _packed(begin, end, strides):
    """The three vectors as tensors of one type."""
    from reflow.ops.constant import constant

    if not begin:
        return (constant([], dtypes.int32),) * 3
    vectors = [_vector(begin), _vector(end), _vector(strides)]
    if any(v.dtype is dtypes.int64 for v in vectors):
        vectors = [v if v.dtype is dtypes.int64 else call("Cast", v, DstT=dtypes.int64) for v in vectors]
    return vectors


def _vector(items):
    """`stack(items)`, without its detours where all are plain ints, as they mostly are."""
    if all(type(item) is int and -(2**31) <= item < 2**31 for item in items):
        return add_constant(get_default_graph(), np.array(items, np.int32), dtypes.int32, "stack")
    from reflow.ops.joining import stack

    return stack(items)


Tensor._override_operator("__getitem__", slice_helper)
