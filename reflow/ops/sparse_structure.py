"""Sparse tensors joined, split, sliced, reshaped, sorted and filled up."""

import math

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import add_constant, constant_value, constant_value_as_dims, to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.gathering import gather
from reflow.ops.identity import identity
from reflow.ops.joining import concat
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_max
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.shape_rules import merge, merge_size, with_rank
from reflow.ops.sparse_coordinates import (
    as_sparse_tensor,
    at_positions,
    check_parts,
    in_brackets,
    invalid,
    positions_of,
    row_order,
    take,
)
from reflow.ops.torch_types import array_of, tensor_of

# --- SparseConcat -------------------------------------------------------------------------------------------------


def _sparse_concat(indices, values, shapes, concat_dim):
    axis = _checked_axis(indices, values, shapes, concat_dim)
    moved, offset = [], 0
    for rows, sizes in zip(indices, shapes, strict=True):
        rows = rows.clone()
        rows[:, axis] += offset
        offset += int(sizes[axis])
        moved.append(rows)
    joined, output_shape = torch.cat(moved), shapes[0].clone()
    output_shape[axis] = offset
    joined_values = _joined(values)
    order = row_order(joined)
    if order is None:
        return joined, joined_values, output_shape
    return joined[order], take(joined_values, order), output_shape


def _joined(values):
    if isinstance(values[0], torch.Tensor):
        return torch.cat(values)
    return np.concatenate(values)


def _checked_axis(indices, values, shapes, concat_dim):
    """The axis to join at, counted from the front, once all parts are known to fit."""
    for parts in zip(indices, values, shapes, strict=True):
        check_parts(*parts)
    rank = len(shapes[0])
    if not -rank <= concat_dim < rank:
        raise invalid(f"Concat dimension must be in range [{-rank}, {rank}), got {concat_dim}")
    axis = concat_dim % rank
    first = shapes[0].tolist()
    for i, sizes in enumerate(shapes[1:], 1):
        if len(sizes) != rank:
            raise invalid(f"Ranks of all input tensors must match: expected {rank} but got {len(sizes)} at position "
                          f"{i}")  # fmt: skip
        for d, (ours, theirs) in enumerate(zip(first, sizes.tolist(), strict=True)):
            if d != axis and ours != theirs:
                raise invalid(f"Input shapes must match: expected {ours} for dimension {d} but got {theirs} at "
                              f"position {i}")  # fmt: skip
    return axis


def _sparse_concat_shape(op):
    count = op.attrs["N"]
    rows, columns, dims = 0, None, None
    for i in range(count):
        indices = with_rank(op._inputs[i].dims, 2)
        length = merge_size(indices[0], with_rank(op._inputs[count + i].dims, 1)[0])
        columns = merge_size(columns, indices[1])
        rows = None if rows is None or length is None else rows + length
        dims = merge(dims, with_rank(op._inputs[2 * count + i].dims, 1))
    return [(rows, columns), (rows,), dims]


define_op(
    "SparseConcat", "indices: N*int64, values: N*T, shapes: N*int64 -> output_indices: int64, output_values: T, "
    "output_shape: int64", "concat_dim: int, N: int >= 2, T: type",
    shape=_sparse_concat_shape, kernel=_sparse_concat, gradient=None,
)  # fmt: skip


@export("sparse.concat", "sparse_concat")
def sparse_concat(axis, sp_inputs, name=None, expand_nonconcat_dim=False, concat_dim=None, expand_nonconcat_dims=None):
    """SparseTensors joined along an axis.

    Args:
      axis: int: the axis; negative ones count from the end.
      sp_inputs: a list of SparseTensors of one type and rank.
      name: a name for the operation.
      expand_nonconcat_dim: the old name of `expand_nonconcat_dims`.
      concat_dim: the old name of `axis`.
      expand_nonconcat_dims: let other axes have different sizes; the result has the greatest of them.

    Returns:
      A SparseTensor, its values in row-major order; the only input itself if there is just one.

    Raises:
      TypeError: if `sp_inputs` is no list or tuple of SparseTensors.
      InvalidArgumentError: when it runs, if shapes or ranks do not fit.
    """
    expands = expand_nonconcat_dim if expand_nonconcat_dims is None else expand_nonconcat_dims
    axis = renamed_argument("axis", axis, "concat_dim", concat_dim)
    if not isinstance(sp_inputs, (list, tuple)):
        raise TypeError("Inputs must be a list or tuple.")
    sp_inputs = [as_sparse_tensor(sp_input) for sp_input in sp_inputs]
    if len(sp_inputs) == 1:
        return sp_inputs[0]
    shapes = [sp_input.dense_shape for sp_input in sp_inputs]
    if expands:
        shapes = _expanded_shapes(shapes, axis)
    indices, values, output_shape = call(
        "SparseConcat", [s.indices for s in sp_inputs], [s.values for s in sp_inputs], shapes, name=name,
        concat_dim=axis,
    )  # fmt: skip
    known = [None if expands else constant_value(s) for s in shapes]
    if all(s is not None for s in known):
        total = known[0].copy()
        total[axis] = sum(s[axis] for s in known)
        output_shape = to_tensor(total)
    return SparseTensor(indices, values, output_shape)


def _expanded_shapes(shapes, axis):
    """The shapes, all but their sizes at `axis` replaced by the greatest."""
    greatest = reduce_max(concat([reshape(s, [1, -1]) for s in shapes], 0), 0)
    if axis == -1:
        return [concat([greatest[:-1], s[-1:], []], 0) for s in shapes]
    return [concat([greatest[:axis], s[axis : axis + 1], greatest[axis + 1 :]], 0) for s in shapes]


# --- SparseSplit --------------------------------------------------------------------------------------------------


def _sparse_split(split_dim, indices, values, shape, num_split):
    check_parts(indices, values, shape)
    dims = shape.tolist()
    if not isinstance(split_dim, int):
        raise invalid("split_dim should be a scalar but received a vector")
    if not 0 <= split_dim < len(dims):
        raise invalid(f"Input split_dim should be between 0 and rank ({len(dims)}), got {split_dim}")
    axis = split_dim
    if not 1 <= num_split <= dims[axis]:
        raise invalid(f"Input num_split should be between 1 and the splitting dimension size ({dims[axis]}), got "
                      f"{num_split}")  # fmt: skip
    size, longer = divmod(dims[axis], num_split)
    output_indices, output_values, output_shapes, start = [], [], [], 0
    for part in range(num_split):
        length = size + (part < longer)
        column = indices[:, axis]
        inside = torch.nonzero((column >= start) & (column < start + length)).reshape(-1)
        rows, sizes = indices[inside], shape.clone()
        rows[:, axis] -= start
        sizes[axis] = length
        output_indices.append(rows)
        output_values.append(take(values, inside))
        output_shapes.append(sizes)
        start += length
    return output_indices, output_values, output_shapes


def _sparse_split_shape(op):
    dims, count = op._inputs[3].dims, op.attrs["num_split"]
    rank = None if dims is None else dims[0]
    return [(None, rank)] * count + [(None,)] * count + [dims] * count


define_op(
    "SparseSplit", "split_dim: int64, indices: int64, values: T, shape: int64 -> output_indices: num_split*int64, "
    "output_values: num_split*T, output_shape: num_split*int64", "num_split: int >= 1, T: type",
    shape=_sparse_split_shape, kernel=_sparse_split, host="split_dim",
)  # fmt: skip


class KeywordRequired:
    """Stands before arguments that are to be given by name."""

    def __repr__(self):
        return "KeywordRequired()"


@export("sparse.split", "sparse_split")
def sparse_split(keyword_required=KeywordRequired(), sp_input=None, num_split=None, axis=None, name=None,  # noqa: B008
                 split_dim=None):  # fmt: skip
    """A SparseTensor split along an axis. All arguments are to be given by name.

    If the size of the axis is no multiple of `num_split`, the first parts are longer by one.

    Args:
      keyword_required: not to be given.
      sp_input: a SparseTensor.
      num_split: int: how many parts.
      axis: int or scalar tensor: the axis.
      name: a name for the operation.
      split_dim: the old name of `axis`.

    Returns:
      A list of `num_split` SparseTensors.

    Raises:
      ValueError: if an argument is missing or given by position.
      TypeError: if `sp_input` is no SparseTensor.
      InvalidArgumentError: when it runs, if there is no such axis, or more parts than it has elements.
    """
    if not isinstance(keyword_required, KeywordRequired):
        raise ValueError("Keyword arguments are required for this function.")
    for what, value in (("sp_input", sp_input), ("num_split", num_split), ("axis", axis)):
        if value is None and not (what == "axis" and split_dim is not None):
            raise ValueError(f"{what} is required")
    axis = renamed_argument("axis", axis, "split_dim", split_dim)
    sp_input = as_sparse_tensor(sp_input)
    indices, values, shapes = call("SparseSplit", axis, sp_input.indices, sp_input.values, sp_input.dense_shape,
                                   name=name, num_split=num_split)  # fmt: skip
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)]


# --- SparseReorder ------------------------------------------------------------------------------------------------


def _sparse_reorder(input_indices, input_values, input_shape):
    check_parts(input_indices, input_values, input_shape)
    order = row_order(input_indices)
    if order is None:
        return input_indices, input_values
    return input_indices[order], take(input_values, order)


def _sparse_reorder_shape(op):
    indices, values, _ = op._inputs
    return [with_rank(indices.dims, 2), with_rank(values.dims, 1)]


define_op(
    "SparseReorder", "input_indices: int64, input_values: T, input_shape: int64 -> output_indices: int64, "
    "output_values: T", "T: type", shape=_sparse_reorder_shape, kernel=_sparse_reorder, aliases=(0, 1),
)  # fmt: skip


@gradient("SparseReorder")
def _sparse_reorder_gradient(op, _, values_grad):
    indices, _, dense_shape = op.inputs
    numbered = SparseTensor(indices, range_(shape(indices)[0]), dense_shape)
    inverse = call("InvertPermutation", sparse_reorder(numbered).values)
    return [None, gather(values_grad, inverse), None]


@export("sparse.reorder", "sparse_reorder")
def sparse_reorder(sp_input, name=None):
    """A SparseTensor with its values in row-major order, which most ops ask for.

    Args:
      sp_input: a SparseTensor.
      name: a name for the operation.

    Returns:
      A SparseTensor of the same shape and type.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
    """
    sp_input = as_sparse_tensor(sp_input)
    indices, values = call("SparseReorder", sp_input.indices, sp_input.values, sp_input.dense_shape, name=name)
    static = sp_input.get_shape()
    dense_shape = static.as_list() if static.is_fully_defined() else identity(sp_input.dense_shape)
    return SparseTensor(indices, values, dense_shape)


# --- SparseReshape ------------------------------------------------------------------------------------------------


def _sparse_reshape(input_indices, input_shape, new_shape):
    if input_indices.ndim != 2:
        raise invalid(f"Input indices should be a matrix but received shape {in_brackets(input_indices.shape)}")
    for what, part in (("Input", input_shape), ("Target", new_shape)):
        if part.ndim != 1:
            raise invalid(f"{what} shape should be a vector but received shape {in_brackets(part.shape)}")
    dims = input_shape.tolist()
    if input_indices.shape[1] != len(dims):
        raise invalid(f"Input tensor rank must match input shape length: {input_indices.shape[1]} vs. {len(dims)}")
    sizes = _whole_shape(dims, new_shape.tolist())
    output_shape = new_shape.new_tensor(sizes)
    if sizes == dims:
        return input_indices, output_shape
    position = input_indices.new_zeros(len(input_indices))
    for column, size in enumerate(dims):
        position = position * size + input_indices[:, column]
    columns = []
    for size in reversed(sizes):
        columns.append(position % max(size, 1))
        position = position // max(size, 1)
    columns = torch.stack(columns[::-1], 1) if columns else input_indices.new_zeros((len(input_indices), 0))
    return columns, output_shape


def _whole_shape(dims, sizes):
    """The new sizes with -1 replaced by what is left of the number of elements."""
    unknown = [d for d, size in enumerate(sizes) if size == -1]
    if len(unknown) > 1:
        raise invalid(f"only one output dimension may be -1, not both {unknown[0]} and {unknown[1]}")
    wrong = next((d for d, size in enumerate(sizes) if size < -1), None)
    if wrong is not None:
        raise invalid(f"size {wrong} must be non-negative, not {sizes[wrong]}")
    total, known = math.prod(dims), math.prod(s for s in sizes if s != -1)
    if unknown:
        if not known:
            raise invalid("reshape cannot infer the missing input size for an empty tensor unless all specified input "
                          "sizes are non-zero")  # fmt: skip
        if total % known:
            raise invalid(f"Input to reshape is a SparseTensor with {total} dense values, but the requested shape "
                          f"requires a multiple of {known}. input_shape={in_brackets(dims)} "
                          f"output_shape={in_brackets(sizes)}")  # fmt: skip
        sizes = [total // known if s == -1 else s for s in sizes]
    elif known != total:
        raise invalid(f"Input to reshape is a tensor with {total} dense values, but the requested shape has {known}. "
                      f"input_shape={in_brackets(dims)} output_shape={in_brackets(sizes)}")  # fmt: skip
    return sizes


def _sparse_reshape_shape(op):
    indices = with_rank(op._inputs[0].dims, 2)
    with_rank(op._inputs[1].dims, 1)
    new_shape = with_rank(op._inputs[2].dims, 1)
    return [(indices[0], new_shape[0]), new_shape]


define_op(
    "SparseReshape",
    "input_indices: int64, input_shape: int64, new_shape: int64 -> output_indices: int64, output_shape: int64",
    shape=_sparse_reshape_shape, kernel=_sparse_reshape, aliases=(0,),
)  # fmt: skip


@export("sparse.reshape", "sparse_reshape")
def sparse_reshape(sp_input, shape, name=None):
    """A SparseTensor with another shape: values keep their row-major positions.

    Args:
      sp_input: a SparseTensor.
      shape: integer vector: the new shape; one size may be -1, which stands for what is left.
      name: a name for the operations.

    Returns:
      A SparseTensor of the same type.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      ValueError: if the shapes are known not to fit; InvalidArgumentError when it runs if they were not.
    """
    sp_input = as_sparse_tensor(sp_input)
    shape = cast(shape, dtypes.int64)
    with name_scope(name, "SparseReshape", [sp_input]) as scope:
        indices, new_shape = call("SparseReshape", sp_input.indices, sp_input.dense_shape, shape, name=scope)
        static = _static_reshaped(sp_input, shape)
        if static is not None:
            new_shape = add_constant(get_default_graph(), static, dtypes.int64, "Const")
        return SparseTensor(indices, identity(sp_input.values), new_shape)


def _static_reshaped(sp_input, new_shape):
    """The new shape as an array, if both shapes are known; raises ValueError if they do not fit."""
    dims = constant_value_as_dims(new_shape)
    if dims is None or not sp_input.shape.is_fully_defined():
        return None
    value = constant_value(new_shape)
    if value is not None and (value == -1).sum() > 1:
        raise ValueError(f"At most one dimension can be inferred (-1). Found: {value}")
    if dims.count(None) > 1:
        return None
    total = math.prod(sp_input.shape.as_list())
    whole = [total // math.prod(d for d in dims if d is not None) if d is None else d for d in dims]
    if math.prod(whole) != total:
        raise ValueError(f"Cannot reshape a tensor with {total} elements to shape {list(dims)} "
                         f"({math.prod(whole)} elements).")  # fmt: skip
    return np.array(whole, np.int64)


# --- SparseSlice --------------------------------------------------------------------------------------------------


def _sparse_slice(indices, values, shape, start, size):
    check_parts(indices, values, shape)
    for what, part in (("start", start), ("size", size)):
        if part.ndim != 1:
            raise invalid(f"Input {what} should be a vector but received shape {in_brackets(part.shape)}")
        if len(part) != len(shape):
            raise invalid(f"Expected {what} to be a vector of length {len(shape)} but got length {len(part)}")
    inside = torch.nonzero(((indices >= start) & (indices < start + size)).all(1)).reshape(-1)
    output_shape = torch.minimum(size, shape - start).clamp(min=0)
    return indices[inside] - start, take(values, inside), output_shape


def _sparse_slice_shape(op):
    dims = op._inputs[2].dims
    rank = None if dims is None else dims[0]
    return [(None, rank), (None,), dims]


define_op(
    "SparseSlice", "indices: int64, values: T, shape: int64, start: int64, size: int64 -> output_indices: int64, "
    "output_values: T, output_shape: int64", "T: type", shape=_sparse_slice_shape, kernel=_sparse_slice,
)  # fmt: skip


def _sparse_slice_grad(backprop_val_grad, input_indices, input_start, output_indices):
    return at_positions(backprop_val_grad, positions_of(input_indices - input_start, output_indices))


def _sparse_slice_grad_shape(op):
    return [(with_rank(op._inputs[1].dims, 2)[0],)]


define_op(
    "SparseSliceGrad",
    "backprop_val_grad: T, input_indices: int64, input_start: int64, output_indices: int64 -> val_grad: T",
    "T: type in number", shape=_sparse_slice_grad_shape, kernel=_sparse_slice_grad,
)  # fmt: skip


@gradient("SparseSlice")
def _sparse_slice_gradient(op, *grads):
    by_values = call("SparseSliceGrad", grads[1], op.inputs[0], op.inputs[3], op.outputs[0])
    by_values.set_shape(op.inputs[1].get_shape())
    return [None, by_values, None, None, None]


@export("sparse.slice", "sparse_slice")
def sparse_slice(sp_input, start, size, name=None):
    """A box out of a SparseTensor.

    Args:
      sp_input: a SparseTensor.
      start: int64 vector [rank]: the first coordinates of the box.
      size: int64 vector [rank]: its sizes; what lies beyond the tensor is cut off.
      name: a name for the operations.

    Returns:
      A SparseTensor of the same type.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
    """
    sp_input = as_sparse_tensor(sp_input)
    start, size = to_tensor(start, dtypes.int64), to_tensor(size, dtypes.int64)
    with name_scope(name, "SparseSlice", [sp_input]) as scope:
        return SparseTensor(
            *call("SparseSlice", sp_input.indices, sp_input.values, sp_input.dense_shape, start, size, name=scope)
        )


# --- SparseFillEmptyRows ------------------------------------------------------------------------------------------


def _sparse_fill_empty_rows(indices, values, dense_shape, default_value):
    check_parts(indices, values, dense_shape, ("indices", "values", "dense_shape"))
    if default_value.ndim:
        raise invalid("default_value must be a scalar")
    rows, count = indices[:, 0], int(dense_shape[0])
    if not count:
        if len(rows):
            raise invalid(f"Received SparseTensor with dense_shape[0] = 0 but indices.shape[0] = {len(rows)}")
        empty = torch.zeros(0, dtype=torch.int64)
        return indices.clone(), take(values, empty), empty.bool(), empty
    outside = torch.nonzero((rows < 0) | (rows >= count)).reshape(-1)
    if len(outside):
        i, row = int(outside[0]), int(rows[outside[0]])
        raise invalid(f"indices({i}, 0) is invalid: {row} < 0" if row < 0 else
                      f"indices({i}, 0) is invalid: {row} >= {count}")  # fmt: skip
    is_empty = torch.bincount(rows, minlength=count) == 0
    added = torch.nonzero(is_empty).reshape(-1)
    new_rows = indices.new_zeros((len(added), indices.shape[1]))
    new_rows[:, 0] = added
    order = torch.argsort(torch.cat([rows, added]), stable=True)
    positions = torch.empty_like(order)
    positions[order] = torch.arange(len(order))
    return (torch.cat([indices, new_rows])[order], take(_with_default(values, default_value, len(added)), order),
            is_empty, positions[: len(rows)])  # fmt: skip


def _with_default(values, default, count):
    """The values and `count` times the default after them."""
    both = _joined([values, default.reshape(1)])
    numbers = torch.arange(len(values) + count).clamp(max=len(values))
    return take(both, numbers)


def _sparse_fill_empty_rows_shape(op):
    indices, values, dense_shape, default = op._inputs
    rows = merge_size(with_rank(indices.dims, 2)[0], with_rank(values.dims, 1)[0])
    with_rank(default.dims, 0)
    dims, (rank,) = constant_value_as_dims(dense_shape), with_rank(dense_shape.dims, 1)
    return [(None, rank), (None,), (dims[0] if dims else None,), (rows,)]


define_op(
    "SparseFillEmptyRows", "indices: int64, values: T, dense_shape: int64, default_value: T -> output_indices: int64, "
    "output_values: T, empty_row_indicator: bool, reverse_index_map: int64", "T: type",
    shape=_sparse_fill_empty_rows_shape, kernel=_sparse_fill_empty_rows,
)  # fmt: skip


def _sparse_fill_empty_rows_grad(reverse_index_map, grad_values):
    outside = torch.nonzero((reverse_index_map < 0) | (reverse_index_map >= len(grad_values))).reshape(-1)
    if len(outside):
        raise invalid(f"Elements in reverse index must be in [0, {len(grad_values)}) but got "
                      f"{int(reverse_index_map[outside[0]])}")  # fmt: skip
    is_default = torch.ones(len(grad_values), dtype=torch.bool)
    is_default[reverse_index_map] = False
    array = array_of(grad_values)
    total = tensor_of(array[is_default.numpy()].sum(dtype=array.dtype).reshape(()))
    return take(grad_values, reverse_index_map), total


define_op(
    "SparseFillEmptyRowsGrad", "reverse_index_map: int64, grad_values: T -> d_values: T, d_default_value: T", "T: type",
    shape=lambda op: [with_rank(op._inputs[0].dims, 1), ()], kernel=_sparse_fill_empty_rows_grad,
)  # fmt: skip


@gradient("SparseFillEmptyRows")
def _sparse_fill_empty_rows_gradient(op, _, values_grad, *rest):
    by_values, by_default = call("SparseFillEmptyRowsGrad", op.outputs[3], values_grad)
    return [None, by_values, None, by_default]


@export("sparse.fill_empty_rows", "sparse_fill_empty_rows")
def sparse_fill_empty_rows(sp_input, default_value, name=None):
    """A SparseTensor where rows without a value get one, in their first place.

    Args:
      sp_input: a SparseTensor, its values in row-major order.
      default_value: scalar: the value that they get.
      name: a name for the operations.

    Returns:
      (SparseTensor, bool vector: True for rows that had no value).

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      InvalidArgumentError: when it runs, if an index is out of range.
    """
    sp_input = as_sparse_tensor(sp_input)
    with name_scope(name, "SparseFillEmptyRows", [sp_input]):
        default_value = to_tensor(default_value, sp_input.values.dtype.base_dtype)
        indices, values, is_empty, _ = call("SparseFillEmptyRows", sp_input.indices, sp_input.values,
                                            sp_input.dense_shape, default_value)  # fmt: skip
        return SparseTensor(indices, values, sp_input.dense_shape), is_empty
