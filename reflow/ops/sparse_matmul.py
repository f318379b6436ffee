"""The product of a sparse and a dense matrix."""

import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value_as_dims, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.gathering import gather
from reflow.ops.permute import transpose
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_rules import merge_size, with_rank
from reflow.ops.sparse_coordinates import as_sparse_tensor, check_parts, in_brackets, invalid


def _sparse_tensor_dense_matmul(a_indices, a_values, a_shape, b, adjoint_a, adjoint_b):
    check_parts(a_indices, a_values, a_shape, ("a_indices", "a_values", "a_shape"))
    if b.ndim != 2:
        raise invalid("Tensor 'b' is not a matrix")
    if len(a_shape) != 2:
        raise invalid("Tensor 'a_shape' must have 2 elements")
    rows, columns = a_indices[:, 0].long(), a_indices[:, 1].long()
    height, width = a_shape.tolist()
    if adjoint_a:
        rows, columns, height, width = columns, rows, width, height
        a_values = a_values.conj()
    if adjoint_b:
        b = b.mT.conj()
    if width != b.shape[0]:
        raise invalid(f"Cannot multiply A and B because inner dimension does not match: {width} vs. {b.shape[0]}.  Did "
                      f"you forget a transpose?  Dimensions of A: {in_brackets([height, width])}).  Dimensions of B: "
                      f"{in_brackets(b.shape)}")  # fmt: skip
    _check_range(rows, height, "m")
    _check_range(columns, width, "k")
    return _product(rows, columns, a_values, height, b)


def _check_range(numbers, size, what):
    outside = torch.nonzero((numbers < 0) | (numbers >= size)).reshape(-1)
    if len(outside):
        raise invalid(f"{what} ({int(numbers[outside[0]])}) from index[{int(outside[0])},{int(what == 'k')}] out of "
                      f"bounds (>={size})")  # fmt: skip


def _product(rows, columns, values, height, b):
    if values.is_floating_point() and values.element_size() >= 4 and b.shape[1]:
        left = torch.sparse_coo_tensor(torch.stack([rows, columns]), values, (height, b.shape[0]))
        return torch.sparse.mm(left, b)
    product = b.new_zeros((height, b.shape[1]))
    return product.index_add_(0, rows, values.unsqueeze(1) * b[columns])


def _shape(op):
    indices, values, a_shape, b = op._inputs
    with_rank(indices.dims, 2)
    with_rank(values.dims, 1)
    dims = constant_value_as_dims(a_shape)
    height, width = with_rank(dims, 2)
    b_height, b_width = with_rank(b.dims, 2)
    if op.attrs["adjoint_a"]:
        height, width = width, height
    if op.attrs["adjoint_b"]:
        b_height, b_width = b_width, b_height
    merge_size(width, b_height)
    return [(height, b_width)]


define_op(
    "SparseTensorDenseMatMul", "a_indices: Tindices, a_values: T, a_shape: int64, b: T -> product: T",
    "T: type, Tindices: type in index = int64, adjoint_a: bool = false, adjoint_b: bool = false",
    shape=_shape, kernel=_sparse_tensor_dense_matmul,
)  # fmt: skip


@gradient("SparseTensorDenseMatMul")
def _sparse_tensor_dense_matmul_gradient(op, grad):
    indices, values, dense_shape, b = op.inputs
    adjoint_a, adjoint_b = op.attrs["adjoint_a"], op.attrs["adjoint_b"]
    if values.dtype.base_dtype.is_complex:
        raise NotImplementedError("SparseTensorDenseMatMul op does not support complex gradients.")
    by_b = call("SparseTensorDenseMatMul", indices, values, dense_shape, grad, adjoint_a=not adjoint_a)
    if adjoint_b:
        by_b = transpose(by_b)
    rows, columns = indices[:, 0], indices[:, 1]
    if adjoint_a:
        rows, columns = columns, rows
    from_grad = gather(grad, rows)
    from_b = gather(transpose(b) if adjoint_b else b, columns)
    return [None, reduce_sum(from_grad * from_b, axis=1), None, by_b]


@export("sparse.sparse_dense_matmul", "sparse.matmul", "sparse_tensor_dense_matmul")
def sparse_tensor_dense_matmul(sp_a, b, adjoint_a=False, adjoint_b=False, name=None):
    """The product of a sparse and a dense matrix.

    Args:
      sp_a: a SparseTensor of rank 2.
      b: a matrix of the same type.
      adjoint_a: take the conjugate transpose of `sp_a`.
      adjoint_b: take the conjugate transpose of `b`.
      name: a name for the operations.

    Returns:
      A matrix, a Tensor of the same type.

    Raises:
      TypeError: if `sp_a` is no SparseTensor.
      ValueError: if the shapes are known not to fit; InvalidArgumentError when it runs if they were not.
    """
    sp_a = as_sparse_tensor(sp_a)
    with name_scope(name, "SparseTensorDenseMatMul", [sp_a.indices, sp_a.values, b]):
        b = to_tensor(b, name="b")
        return call("SparseTensorDenseMatMul", sp_a.indices, sp_a.values, sp_a.dense_shape, b, adjoint_a=adjoint_a,
                    adjoint_b=adjoint_b)  # fmt: skip
