"""Sparse tensors reduced over axes, to dense tensors or to sparse ones."""

import math
from collections.abc import Callable

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.gathering import gather_nd
from reflow.ops.reduction import reduction_axes
from reflow.ops.reduction_gradients import reduced_shape
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.segment import combine, limits
from reflow.ops.shape_ops import reshape
from reflow.ops.shape_rules import unknown
from reflow.ops.sparse_coordinates import (
    at_positions,
    check_parts,
    first_outside,
    flat_positions,
    in_brackets,
    invalid,
    row_keys,
)

# --- kernels ------------------------------------------------------------------------------------------------------


def _kept_axes(axes, rank: int) -> list[int]:
    """The axes that are not reduced. TensorFlow's kernels count any number modulo the rank."""
    listed = axes if isinstance(axes, list) else [axes]
    reduced = {axis % rank for axis in listed} if rank else set()
    return [axis for axis in range(rank) if axis not in reduced]


def _groups(function: str, input_indices, input_values, input_shape, reduction_axes):
    """The values reduced over the axes.

    Returns:
      (the kept axes, a matrix of the coordinates along these, the reduced values), one row a group, sorted.
    """
    check_parts(input_indices, input_values, input_shape, ("input_indices", "input_values", "input_shape"))
    kept = _kept_axes(reduction_axes, len(input_shape))
    coordinates = input_indices[:, kept]
    keys, groups = torch.unique(row_keys(coordinates)[0], return_inverse=True)
    rows = coordinates.new_zeros((len(keys), len(kept)))
    rows[groups] = coordinates
    start = 0 if function == "sum" else limits(input_values.dtype)[0]
    return kept, rows, combine(function, input_values, groups, len(keys), start)


def _dense_kernel(function: str):
    def kernel(input_indices, input_values, input_shape, reduction_axes, keep_dims):
        kept, rows, reduced = _groups(function, input_indices, input_values, input_shape, reduction_axes)
        dims = input_shape.tolist()
        kept_dims = [dims[axis] for axis in kept]
        wrong = first_outside(rows, kept_dims)
        if wrong is not None:
            raise invalid(f"Index {in_brackets(rows[wrong])} is out of bounds of the reduced shape "
                          f"{in_brackets(kept_dims)}")  # fmt: skip
        groups = torch.full((math.prod(kept_dims),), -1)
        groups[flat_positions(rows, kept_dims)] = torch.arange(len(rows))
        output = at_positions(reduced, groups)
        return output.reshape([d if i in kept else 1 for i, d in enumerate(dims)] if keep_dims else kept_dims)

    return kernel


def _sparse_kernel(function: str):
    def kernel(input_indices, input_values, input_shape, reduction_axes, keep_dims):
        kept, rows, reduced = _groups(function, input_indices, input_values, input_shape, reduction_axes)
        if not keep_dims:
            return rows, reduced, input_shape[kept]
        indices = rows.new_zeros((len(rows), len(input_shape)))
        indices[:, kept] = rows
        output_shape = torch.ones_like(input_shape)
        output_shape[kept] = input_shape[kept]
        return indices, reduced, output_shape

    return kernel


def _dense_shape(op):
    dims, axes = constant_value(op._inputs[2]), constant_value(op._inputs[3])
    if dims is None or axes is None:
        return [None]
    kept = _kept_axes(axes.reshape(-1).tolist(), len(dims))
    if op.attrs["keep_dims"]:
        return [tuple([int(d) if i in kept else 1 for i, d in enumerate(dims)])]
    return [tuple([int(dims[i]) for i in kept])]


# --- ops and public functions -------------------------------------------------------------------------------------

_INPUTS = "input_indices: int64, input_values: T, input_shape: int64, reduction_axes: int32"


def _define(name: str, function: str, types: str, summary: str) -> tuple[Callable, Callable]:
    """Define SparseReduce<name> and SparseReduce<name>Sparse; returns their public functions."""
    op_name, public_name = f"SparseReduce{name}", f"reduce_{name.lower()}"
    attrs = f"keep_dims: bool = false, T: type in {types}"
    define_op(op_name, f"{_INPUTS} -> output: T", attrs, shape=_dense_shape, kernel=_dense_kernel(function),
              host="reduction_axes")  # fmt: skip
    define_op(
        f"{op_name}Sparse", f"{_INPUTS} -> output_indices: int64, output_values: T, output_shape: int64", attrs,
        shape=unknown, kernel=_sparse_kernel(function), host="reduction_axes",
    )  # fmt: skip

    def to_dense(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
        axis = renamed_argument("axis", axis, "reduction_axes", reduction_axes)
        return _reduced(op_name, sp_input, axis, keepdims, keep_dims)

    def to_sparse(sp_input, axis=None, keepdims=None, reduction_axes=None, keep_dims=None):
        axis = renamed_argument("axis", axis, "reduction_axes", reduction_axes)
        return SparseTensor(*_reduced(f"{op_name}Sparse", sp_input, axis, keepdims, keep_dims))

    return (_published(to_dense, public_name, summary, "A Tensor, 0 where there is nothing to reduce"),
            _published(to_sparse, f"{public_name}_sparse", summary, "A SparseTensor"))  # fmt: skip


def _reduced(op_name, sp_input, axis, keepdims, keep_dims):
    keepdims = renamed_argument("keepdims", keepdims, "keep_dims", keep_dims)
    return call(op_name, sp_input.indices, sp_input.values, sp_input.dense_shape, reduction_axes(sp_input, axis),
                keep_dims=bool(keepdims))  # fmt: skip


def _published(function: Callable, name: str, summary: str, result: str) -> Callable:
    function.__name__ = function.__qualname__ = f"sparse_{name}"
    function.__doc__ = f"""{summary} of the values of a SparseTensor over axes.

    Args:
      sp_input: a SparseTensor, its values in row-major order.
      axis: the axes to reduce: an int, a list of ints, or an int32 tensor; all of them if None. Negative axes count
        from the end.
      keepdims: keep the axes that are reduced, with size 1.
      reduction_axes: the old name of `axis`.
      keep_dims: the old name of `keepdims`.

    Returns:
      {result}, of the type of `sp_input`, without the axes that were reduced.

    Raises:
      ValueError: if an argument is given under both names.
    """
    return export(f"sparse.{name}", f"sparse_{name}")(function)


sparse_reduce_sum, sparse_reduce_sum_sparse = _define("Sum", "sum", "number", "The sum")
sparse_reduce_max, sparse_reduce_max_sparse = _define("Max", "amax", "real", "The maximum")


@gradient("SparseReduceSum")
def _sum_gradient(op, grad):
    indices, _, dense_shape, axes = op.inputs
    kept_shape = reduced_shape(dense_shape, axes)
    grad = reshape(grad, kept_shape)
    scale = dense_shape // cast(kept_shape, dtypes.int64)
    return [None, gather_nd(grad, indices // scale), None, None]
