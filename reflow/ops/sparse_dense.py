"""Sparse tensors made dense, and added to, multiplied with and divided by dense ones."""

import math
import operator
from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.arithmetic import quotient_type
from reflow.ops.casting import cast
from reflow.ops.constant import ones, zeros, zeros_like
from reflow.ops.gathering import gather_nd
from reflow.ops.joining import concat
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import expand_dims, shape, size
from reflow.ops.shape_rules import shape_from_input, unchanged
from reflow.ops.sparse_coordinates import (
    as_sparse_tensor,
    check_parts,
    check_sorted,
    first_outside,
    flat_positions,
    in_brackets,
    invalid,
)
from reflow.ops.torch_types import array_of, tensor_of

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)

# --- SparseToDense ------------------------------------------------------------------------------------------------


def _sparse_to_dense(sparse_indices, output_shape, sparse_values, default_value, validate_indices):
    if sparse_indices.ndim > 2:
        raise invalid("sparse_indices should be a scalar, vector, or matrix, got shape "
                      f"{in_brackets(sparse_indices.shape)}")  # fmt: skip
    rows = sparse_indices.reshape(-1, 1) if sparse_indices.ndim < 2 else sparse_indices
    _check_output_shape(rows, output_shape)
    if sparse_values.ndim > 1 or (sparse_values.ndim and sparse_values.shape[0] != len(rows)):
        raise invalid(f"sparse_values has incorrect shape {in_brackets(sparse_values.shape)}, should be [] or "
                      f"[{len(rows)}]")  # fmt: skip
    if default_value.ndim:
        raise invalid("default_value should be a scalar.")
    if validate_indices:
        check_sorted(rows, output_shape)
    elif first_outside(rows, output_shape) is not None:
        raise invalid(f"Indices are not valid (out of bounds).  Shape: {in_brackets(output_shape)}")
    positions = flat_positions(rows, output_shape)
    if sparse_values.dtype in _UNSIGNED:
        # ATen sets no elements of these types; signed ones have the same bits.
        signed = _UNSIGNED[sparse_values.dtype]
        dense = _filled(positions, output_shape, sparse_values.view(signed), default_value.view(signed))
        return dense.view(sparse_values.dtype)
    return _filled(positions, output_shape, sparse_values, default_value)


_UNSIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def _check_output_shape(rows, output_shape):
    if not isinstance(output_shape, list):
        raise invalid("output_shape should be a vector, got shape []")
    if len(output_shape) != rows.shape[1]:
        raise invalid(f"output_shape has incorrect number of elements: {len(output_shape)} should be: {rows.shape[1]}")


def _filled(positions, dims, values, default):
    """A tensor of `default` with `values` at flat positions; the last of several values of one place stays."""
    count = math.prod(dims)
    if not isinstance(values, torch.Tensor):
        # Of bytes that stand in no array NumPy cuts off the zeros at the end.
        dense = np.full(count, np.asarray(default, object), object)
        dense[positions.numpy()] = values if values.ndim else values.item()
        return dense.reshape(dims)
    dense = default.expand(count).clone()
    if len(positions) > 1 and values.ndim and bool((positions[1:] <= positions[:-1]).any()):
        places = torch.arange(len(positions), device=positions.device)
        last = places.new_zeros(count).scatter_reduce(0, positions, places, "amax", include_self=False)
        values = values[last[positions]]
    dense[positions] = values
    return dense.reshape(dims)


define_op(
    "SparseToDense",
    "sparse_indices: Tindices, output_shape: Tindices, sparse_values: T, default_value: T -> dense: T",
    "validate_indices: bool = true, T: type, Tindices: type in index",
    shape=lambda op: [shape_from_input(op, 1)], kernel=_sparse_to_dense, host="output_shape",
)  # fmt: skip


@gradient("SparseToDense")
def _sparse_to_dense_gradient(op, grad):
    indices, output_shape = op.inputs[:2]
    values_grad = gather_nd(grad, indices)
    default_grad = reduce_sum(grad) - reduce_sum(values_grad)
    return [zeros_like(indices), zeros_like(output_shape), values_grad, default_grad]


@export("sparse_to_dense")
def sparse_to_dense(sparse_indices, output_shape, sparse_values, default_value=0, validate_indices=True, name=None):
    """A dense tensor with values at the places that `sparse_indices` names.

    Args:
      sparse_indices: int32 or int64 tensor: a scalar or vector of places in a vector, or a matrix [n, rank].
      output_shape: vector [rank] of the type of `sparse_indices`: the result's shape.
      sparse_values: a vector [n], or one scalar for all places.
      default_value: scalar: the value everywhere else.
      validate_indices: check that the indices are in lexicographic order without repeats.
      name: a name for the operation.

    Returns:
      A tensor of the type of `sparse_values`.

    Raises:
      InvalidArgumentError: when it runs, if an index is out of bounds, or out of order where that is checked.
    """
    return call("SparseToDense", sparse_indices, output_shape, sparse_values, default_value, name=name,
                validate_indices=validate_indices)  # fmt: skip


@export("sparse.to_dense", "sparse_tensor_to_dense")
def sparse_tensor_to_dense(sp_input, default_value=None, validate_indices=True, name=None):
    """The dense tensor that a SparseTensor stands for.

    Args:
      sp_input: a SparseTensor.
      default_value: scalar: the value of places without one; zero if None.
      validate_indices: check that the indices are in lexicographic order without repeats.
      name: a name for the operation.

    Returns:
      A tensor of the type of `sp_input`.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      InvalidArgumentError: when it runs, if an index is out of bounds, or out of order where that is checked.
    """
    sp_input = as_sparse_tensor(sp_input)
    if default_value is None:
        default_value = zeros([], sp_input.dtype)
    return sparse_to_dense(sp_input.indices, sp_input.dense_shape, sp_input.values, default_value, validate_indices,
                           name)  # fmt: skip


# --- SparseTensorDenseAdd -----------------------------------------------------------------------------------------


def _sparse_tensor_dense_add(a_indices, a_values, a_shape, b):
    check_parts(a_indices, a_values, a_shape, ("a_indices", "a_values", "a_shape"))
    dims = a_shape.tolist()
    if b.ndim != len(dims):
        raise invalid(f"Two operands have different ranks; got sparse shape {in_brackets(dims)} and dense shape "
                      f"{in_brackets(b.shape)}")  # fmt: skip
    for axis, (ours, theirs) in enumerate(zip(dims, b.shape, strict=True)):
        if ours != theirs:
            raise invalid(f"Dimension {axis} does not equal (no broadcasting is supported): sparse side {ours} vs "
                          f"dense side {theirs}")  # fmt: skip
    outside = first_outside(a_indices, dims)
    if outside is not None:
        raise invalid(f"Sparse tensor has some invalid index {in_brackets(a_indices[outside])} for shape "
                      f"{in_brackets(dims)}")  # fmt: skip
    return _added_at(b, flat_positions(a_indices, dims), a_values)


def _added_at(dense, positions, values):
    """`dense` plus values at flat positions, those of one place summed up."""
    if dense.dtype in _UNSIGNED:
        array = array_of(dense).reshape(-1).copy()
        np.add.at(array, positions.numpy(), array_of(values))
        return tensor_of(array).reshape(dense.shape)
    flat = dense.reshape(-1).clone()
    return flat.index_add_(0, positions, values).reshape(dense.shape)


define_op(
    "SparseTensorDenseAdd", "a_indices: Tindices, a_values: T, a_shape: Tindices, b: T -> output: T",
    "T: type in number, Tindices: type in index", shape=unchanged(3), kernel=_sparse_tensor_dense_add,
)  # fmt: skip


@gradient("SparseTensorDenseAdd")
def _sparse_tensor_dense_add_gradient(op, grad):
    return [None, gather_nd(grad, op.inputs[0]), None, grad]


# --- SparseDenseCwiseAdd, Mul, Div --------------------------------------------------------------------------------


def _cwise(operation: Callable):
    """The kernel that combines each value with the element of the dense tensor, broadcast, at its place."""

    def kernel(sp_indices, sp_values, sp_shape, dense):
        check_parts(sp_indices, sp_values, sp_shape, ("sp_indices", "sp_values", "sp_shape"))
        dims, sizes = sp_shape.tolist(), list(dense.shape)
        added = len(dims) - len(sizes)
        if added < 0 or any(s not in (1, d) for s, d in zip(sizes, dims[added:], strict=True)):
            raise invalid("SparseDenseBinaryOpShared broadcasts dense to sparse only; got incompatible shapes: "
                          f"{in_brackets(dims)} vs. {in_brackets(sizes)}")  # fmt: skip
        if first_outside(sp_indices, dims) is not None:
            raise invalid("Provided indices are out-of-bounds w.r.t. dense side with broadcasted shape")
        columns = [sp_indices[:, added + i] % s for i, s in enumerate(sizes)]
        elements = dense[tuple(columns)] if columns else dense.expand(len(sp_values))
        return operation(sp_values, elements)

    return kernel


def _through_numpy(function, numpy):
    def operation(x, y):
        if x.dtype in _UNSIGNED:
            return tensor_of(numpy(array_of(x), array_of(y)))
        return function(x, y)

    return operation


def _quotient(x, y):
    """Integers are divided as C++ does, cutting off."""
    if x.is_floating_point() or x.is_complex():
        return x / y
    if bool((y == 0).any()):
        raise invalid("Integer division by zero")
    return torch.div(x, y, rounding_mode="trunc")


def _define_cwise(name: str, operation: Callable) -> None:
    define_op(
        f"SparseDenseCwise{name}", "sp_indices: int64, sp_values: T, sp_shape: int64, dense: T -> output: T",
        "T: type in number", shape=_values_shape, kernel=_cwise(operation),
    )  # fmt: skip


def _values_shape(op):
    dims = op._inputs[0].dims
    return [(None if dims is None else dims[0],)]


_define_cwise("Add", _through_numpy(operator.add, np.add))
_define_cwise("Mul", _through_numpy(operator.mul, np.multiply))
_define_cwise("Div", _through_numpy(_quotient, np.floor_divide))


@gradient("SparseDenseCwiseAdd")
def _cwise_add_gradient(op, grad):
    raise NotImplementedError("Gradient for SparseDenseCwiseAdd is currently not implemented yet.")


@gradient("SparseDenseCwiseMul")
def _cwise_mul_gradient(op, grad):
    places, elements, y_shape = _dense_elements(op)
    return _cwise_gradients(op, grad * elements, places, grad * op.inputs[1], y_shape)


@gradient("SparseDenseCwiseDiv")
def _cwise_div_gradient(op, grad):
    places, elements, y_shape = _dense_elements(op)
    by_values = grad / elements
    return _cwise_gradients(op, by_values, places, grad * (-op.inputs[1] / call("Square", elements)), y_shape)


def _dense_elements(op):
    """Where each value's partner stands in the dense tensor, the partners, and the dense tensor's shape."""
    indices, _, sparse_shape, dense = op.inputs
    dense_shape = cast(shape(dense), dtypes.int64)
    added = expand_dims(size(sparse_shape) - size(dense_shape), 0)
    with_ones = concat([ones(added, dtypes.int64), dense_shape], 0)
    places = indices // (sparse_shape // with_ones)
    places = call("Slice", places, concat([[0], added], 0), [-1, -1])
    return places, gather_nd(dense, places), dense_shape


def _cwise_gradients(op, by_values, places, updates, dense_shape):
    updates = SparseTensor(places, updates, dense_shape)
    by_dense = call("SparseTensorDenseAdd", updates.indices, updates.values, updates.dense_shape,
                    zeros_like(op.inputs[3]))  # fmt: skip
    return [None, by_values, None, by_dense]


def sparse_dense_cwise_add(sp_t, dense_t):
    """A SparseTensor whose values have the elements of a dense tensor at their places added.

    Args:
      sp_t: a SparseTensor.
      dense_t: a tensor of the same type whose shape broadcasts to that of `sp_t`.

    Returns:
      A SparseTensor with the indices of `sp_t`.
    """
    values = call("SparseDenseCwiseAdd", sp_t.indices, sp_t.values, sp_t.dense_shape, dense_t)
    return SparseTensor(sp_t.indices, values, sp_t.dense_shape)


# --- operators of SparseTensor ------------------------------------------------------------------------------------


def _sparse_operator(name: str, function: Callable) -> None:
    """Install `SparseTensor.__name__`, whose other operand is dense; nodes are named after it."""

    def operate(x, y):
        with name_scope(None, name, [x, y]) as scope:
            y = to_tensor(y, x.dtype.base_dtype, "y")
            return SparseTensor(x.indices, function(x, y, scope), x.dense_shape)

    SparseTensor._override_operator(f"__{name}__", operate)


def _cwise_call(op_name: str) -> Callable:
    return lambda x, y, name: call(op_name, x.indices, x.values, x.dense_shape, y, name=name)


def _true_quotient(x, y, name):
    """As Python 3 divides: integers become floats first."""
    with name_scope(name, "truediv", [x.indices, x.values, x.dense_shape, y]) as scope:
        values, wider = x.values, quotient_type(x.values, y)
        if wider is not None:
            values, y = cast(values, wider), cast(y, wider)
        return call("SparseDenseCwiseDiv", x.indices, values, x.dense_shape, y, name=scope)


_sparse_operator("div", _cwise_call("SparseDenseCwiseDiv"))
_sparse_operator("truediv", _true_quotient)
_sparse_operator("mul", _cwise_call("SparseDenseCwiseMul"))
