"""Sparse tensors added to and compared with each other, and their softmax."""

from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor, is_sparse
from reflow.ops.padding import broadcast_static_shape
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.segment import combine
from reflow.ops.shape_rules import with_rank
from reflow.ops.sparse_coordinates import (
    as_sparse_tensor,
    at_positions,
    check_parts,
    in_brackets,
    invalid,
    positions_of,
    row_keys,
    take,
)
from reflow.ops.sparse_dense import sparse_dense_cwise_add
from reflow.ops.sparse_reduction import sparse_reduce_sum
from reflow.ops.torch_types import array_of, tensor_of

# --- merging ------------------------------------------------------------------------------------------------------


def _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
    check_parts(a_indices, a_values, a_shape, ("a_indices", "a_values", "a_shape"))
    check_parts(b_indices, b_values, b_shape, ("b_indices", "b_values", "b_shape"))
    a_dims, b_dims = a_shape.tolist(), b_shape.tolist()
    if len(a_dims) != len(b_dims):
        raise invalid(f"Operands do not have the same ranks; got shapes: {in_brackets(a_dims)} and "
                      f"{in_brackets(b_dims)}")  # fmt: skip
    for axis, (a, b) in enumerate(zip(a_dims, b_dims, strict=True)):
        if a != b:
            raise invalid(f"Operands' shapes do not match: got {a} and {b} for dimension {axis}")


def _merged(a_indices, b_indices) -> tuple[torch.Tensor, torch.Tensor]:
    """Both lists of rows run through at once, as lists that are sorted are merged.

    Returns:
      Two int64 vectors, one element for each row of the result: the number of the row of `a` and of `b` that it is,
      -1 if it is not in that list.
    """
    a_keys, b_keys = row_keys(a_indices, b_indices)
    if not (_increases(a_keys) and _increases(b_keys)):
        return _merged_one_by_one(a_keys.tolist(), b_keys.tolist())
    keys = torch.unique(torch.cat([a_keys, b_keys]))
    return _places(keys, a_keys), _places(keys, b_keys)


def _increases(keys) -> bool:
    return bool((keys[1:] > keys[:-1]).all())


def _places(keys, part):
    places = torch.full_like(keys, -1)
    places[torch.searchsorted(keys, part)] = torch.arange(len(part), device=part.device)
    return places


def _merged_one_by_one(a, b):
    """Of lists that are not sorted the result is what merging them makes of it."""
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        in_a, in_b = a[i] <= b[j], a[i] >= b[j]
        pairs.append((i if in_a else -1, j if in_b else -1))
        i, j = i + in_a, j + in_b
    pairs += [(k, -1) for k in range(i, len(a))] + [(-1, k) for k in range(j, len(b))]
    return torch.tensor([p[0] for p in pairs]).long(), torch.tensor([p[1] for p in pairs]).long()


def _rows_of(merged, a_indices, b_indices):
    from_a, from_b = merged
    both = torch.cat([a_indices, b_indices])
    return both[torch.where(from_a >= 0, from_a, from_b + len(a_indices))]


# --- SparseAdd ----------------------------------------------------------------------------------------------------


def _sparse_add(a_indices, a_values, a_shape, b_indices, b_values, b_shape, thresh):
    _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape)
    if thresh.ndim:
        raise invalid(f"The magnitude threshold must be a scalar: got shape {in_brackets(thresh.shape)}")
    merged = _merged(a_indices, b_indices)
    x, y = (array_of(at_positions(v, p)) for v, p in zip((a_values, b_values), merged, strict=True))
    total = x + y
    # Only what both tensors have a value for is held against the threshold.
    alone = array_of((merged[0] < 0) | (merged[1] < 0))
    kept = torch.from_numpy(alone | (abs(total) >= array_of(thresh))).nonzero().reshape(-1)
    return _rows_of(merged, a_indices, b_indices)[kept], take(tensor_of(total), kept), a_shape.clone()


def _sparse_add_shape(op):
    dims = with_rank(op._inputs[2].dims, 1)
    return [(None, dims[0]), (None,), dims]


define_op(
    "SparseAdd", "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64, "
    "thresh: Treal -> sum_indices: int64, sum_values: T, sum_shape: int64",
    "T: type in number, Treal: type in real", shape=_sparse_add_shape, kernel=_sparse_add,
)  # fmt: skip


def _sparse_add_grad(backprop_val_grad, a_indices, b_indices, sum_indices):
    if len(backprop_val_grad) != len(sum_indices):
        raise invalid("# elements in backprop_val_grad and # rows in sum_indices should match (#nnz of sum): got "
                      f"{len(backprop_val_grad)} and {len(sum_indices)}")  # fmt: skip
    return tuple(at_positions(backprop_val_grad, positions_of(rows, sum_indices)) for rows in (a_indices, b_indices))


def _sparse_add_grad_shape(op):
    return [(with_rank(op._inputs[i].dims, 2)[0],) for i in (1, 2)]


define_op(
    "SparseAddGrad",
    "backprop_val_grad: T, a_indices: int64, b_indices: int64, sum_indices: int64 -> a_val_grad: T, b_val_grad: T",
    "T: type in number", shape=_sparse_add_grad_shape, kernel=_sparse_add_grad, gradient=None,
)  # fmt: skip


@gradient("SparseAdd")
def _sparse_add_gradient(op, *grads):
    by_a, by_b = call("SparseAddGrad", grads[1], op.inputs[0], op.inputs[3], op.outputs[0])
    by_a.set_shape(op.inputs[1].get_shape())
    by_b.set_shape(op.inputs[4].get_shape())
    return [None, by_a, None, None, by_b, None, None]


@export("sparse.add", "sparse_add")
def sparse_add(a, b, threshold=None, thresh=None):
    """The sum of two tensors of which at least one is sparse.

    Args:
      a: a SparseTensor, SparseTensorValue or Tensor.
      b: another one of the same shape and type; one of the two is sparse.
      threshold: scalar of the (real) type of the values: sums of two sparse values of a smaller magnitude are left
        out; 0 if None.
      thresh: the old name of `threshold`.

    Returns:
      A SparseTensor if both are sparse, else a Tensor.

    Raises:
      TypeError: if neither is sparse.
      InvalidArgumentError: when it runs, if the shapes differ.
    """
    threshold = renamed_argument("threshold", threshold, "thresh", thresh)
    if not is_sparse(a) and not is_sparse(b):
        raise TypeError("At least one input should be SparseTensor; do you mean to use tf.add()?")
    if not (is_sparse(a) and is_sparse(b)):
        if is_sparse(b):
            a, b = b, a
        return call("SparseTensorDenseAdd", a.indices, a.values, a.dense_shape, b)
    a, b = as_sparse_tensor(a), as_sparse_tensor(b)
    threshold = to_tensor(0 if threshold is None else threshold, a.values.dtype.real_dtype.base_dtype, "threshold")
    indices, values, dense_shape = call("SparseAdd", a.indices, a.values, a.dense_shape, b.indices, b.values,
                                        b.dense_shape, threshold)  # fmt: skip
    a.get_shape().assert_is_compatible_with(b.get_shape())
    static = broadcast_static_shape(a.get_shape(), b.get_shape())
    return SparseTensor(indices, values, static.as_list() if static.is_fully_defined() else dense_shape)


# --- SparseSparseMaximum, SparseSparseMinimum ---------------------------------------------------------------------


def _define_extremum(name: str, types: str, choose: Callable) -> Callable:
    op_name = f"SparseSparse{name}"

    def kernel(a_indices, a_values, a_shape, b_indices, b_values, b_shape):
        _check_pair(a_indices, a_values, a_shape, b_indices, b_values, b_shape)
        merged = _merged(a_indices, b_indices)
        x, y = at_positions(a_values, merged[0]), at_positions(b_values, merged[1])
        return _rows_of(merged, a_indices, b_indices), choose(x, y)

    define_op(
        op_name, "a_indices: int64, a_values: T, a_shape: int64, b_indices: int64, b_values: T, b_shape: int64 -> "
        "output_indices: int64, output_values: T", f"T: type in {types}", shape=lambda op: [(None, None), (None,)],
        kernel=kernel, gradient=_no_gradient(op_name),
    )  # fmt: skip

    def function(sp_a, sp_b, name=None):
        with name_scope(name, op_name, [sp_a.indices, sp_a.values, sp_b.indices, sp_b.values]) as scope:
            indices, values = call(op_name, sp_a.indices, sp_a.values, sp_a.dense_shape, sp_b.indices, sp_b.values,
                                   sp_b.dense_shape, name=scope)  # fmt: skip
        return SparseTensor(indices, values, sp_a.dense_shape)

    public_name = f"sparse_{name.lower()}"
    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""The {name.lower()} of two SparseTensors, elementwise; a place without a value counts as 0.

    Args:
      sp_a: a SparseTensor of a real type, its values in row-major order.
      sp_b: another one of the same shape and type.
      name: a name for the operation.

    Returns:
      A SparseTensor with a value wherever one of the two has one.

    Raises:
      InvalidArgumentError: when it runs, if the shapes differ.
    """
    return export(f"sparse.{name.lower()}", public_name)(function)


def _no_gradient(op_name):
    """As TensorFlow's: it takes one gradient where there are two, so a TypeError is what the caller gets."""

    def raise_not_implemented(op, grad):
        raise NotImplementedError(f"Gradient for {op_name} is currently not implemented yet.")

    return raise_not_implemented


def _chosen(numpy_name: str, torch_function: Callable) -> Callable:
    """NumPy for types that ATen does not compare."""
    numpy_function = getattr(np, numpy_name)

    def choose(x, y):
        if x.dtype in (torch.uint16, torch.uint32, torch.uint64):
            return tensor_of(numpy_function(array_of(x), array_of(y)))
        return torch_function(x, y)

    return choose


sparse_maximum = _define_extremum("Maximum", "real", _chosen("maximum", torch.maximum))
sparse_minimum = _define_extremum("Minimum", "number", _chosen("minimum", torch.minimum))


# --- SparseSoftmax ------------------------------------------------------------------------------------------------


def _sparse_softmax(sp_indices, sp_values, sp_shape):
    check_parts(sp_indices, sp_values, sp_shape, ("sp_indices", "sp_values", "sp_shape"))
    if len(sp_shape) < 2:
        raise errors.InvalidArgumentError(
            None, None, f"Input should have rank >= 2, but got: {in_brackets(sp_shape.tolist())}"
        )
    _, rows = torch.unique(row_keys(sp_indices[:, :-1])[0], return_inverse=True)
    count = int(rows.max()) + 1 if len(rows) else 0
    greatest = combine("amax", sp_values, rows, count, -torch.inf)
    exponentials = (sp_values - greatest[rows]).exp()
    return exponentials / combine("sum", exponentials, rows, count, 0)[rows]


def _sparse_softmax_shape(op):
    with_rank(op._inputs[0].dims, 2)
    with_rank(op._inputs[2].dims, 1)
    return [with_rank(op._inputs[1].dims, 1)]


define_op(
    "SparseSoftmax", "sp_indices: int64, sp_values: T, sp_shape: int64 -> output: T", "T: type in float|double",
    shape=_sparse_softmax_shape, kernel=_sparse_softmax,
)  # fmt: skip


@gradient("SparseSoftmax")
def _sparse_softmax_gradient(op, grad):
    indices, _, dense_shape = op.inputs
    probabilities = SparseTensor(indices, op.outputs[0], dense_shape)
    sp_grad = SparseTensor(indices, grad, dense_shape)
    product = SparseTensor(indices, probabilities.values * sp_grad.values, dense_shape)
    total = -sparse_reduce_sum(product, [-1], keepdims=True)
    return [None, sparse_dense_cwise_add(sp_grad, total).values * probabilities.values, None]


@export("sparse.softmax", "sparse_softmax")
def sparse_softmax(sp_input, name=None):
    """The softmax over the last axis of the values that are there: exp(x) / sum(exp(x)).

    Args:
      sp_input: a SparseTensor of float32 or float64, of rank 2 or more, its values in row-major order.
      name: a name for the operations.

    Returns:
      A SparseTensor with the same indices.

    Raises:
      InvalidArgumentError: when it runs, if the rank is less than 2.
    """
    with name_scope(name, "SparseSoftmax", [sp_input.indices, sp_input.values]):
        values = call("SparseSoftmax", sp_input.indices, sp_input.values, sp_input.dense_shape)
        return SparseTensor(sp_input.indices, values, sp_input.dense_shape)
