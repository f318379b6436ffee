"""Matrix products: MatMul, BatchMatMul, SparseMatMul and their public forms."""

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import broadcast_dims
from reflow.ops.matrix_like import MatrixLike, product_with_operator
from reflow.ops.native.few_rows import few_rows
from reflow.ops.native.small_products import small_product, small_products
from reflow.ops.output_activations import activated, expression
from reflow.ops.shape_rules import matrix_dims, matrix_parts, merge, merge_size, with_rank

_MATMUL_TYPES = "T: type in bfloat16|half|float|double|int32|int64|complex64|complex128"


# --- matrices -----------------------------------------------------------------------------------------------------


def _matmul_shape(op):
    attrs = op.attrs
    a, b = with_rank(op._inputs[0].dims, 2), with_rank(op._inputs[1].dims, 2)
    rows, inner_a = reversed(a) if attrs["transpose_a"] else a
    inner_b, columns = reversed(b) if attrs["transpose_b"] else b
    merge_size(inner_a, inner_b)
    return [(rows, columns)]


def _matmul(a, b, transpose_a, transpose_b):
    return torch.mm(a.t() if transpose_a else a, b.t() if transpose_b else b)


# Below so many multiply-adds oneDNN's call costs more than its product saves over the BLAS that torch.mm uses; with a
# transposed first factor it needs a long inner dimension, too. (Measured on an AVX-512 machine.)
_ONEDNN_LEAST_WORK = 8_000_000
_ONEDNN_LEAST_INNER = 256
_ONEDNN_LEAST_COLUMNS = 2048


def onednn_product(node, bias: str = "None", residual: str = "", activation: str = "") -> str | None:
    """The expression of a large float32 product by oneDNN, which is quicker there; None where it is not, or lacks.

    Args:
      node: the `Call` of a product whose first two inputs are the factors.
      bias: the expression of a vector to add to each row.
      residual: the expression of a matrix to add.
      activation: what the sum goes through; one of `output_activations`.
    """
    a, b = node.args[:2]
    dims_a, dims_b = node.dims(0), node.dims(1)
    known = dims_a is not None and dims_b is not None and None not in dims_a + dims_b
    if not known or node.dtype(0) is not dtypes.float32 or not torch.backends.mkldnn.is_available():
        return None
    transpose_a, transpose_b = node.attrs["transpose_a"], node.attrs["transpose_b"]
    inner = dims_a[0] if transpose_a else dims_a[1]
    rows = dims_a[1] if transpose_a else dims_a[0]
    columns = dims_b[0] if transpose_b else dims_b[1]
    if rows * inner * columns < _ONEDNN_LEAST_WORK or node.node.device.rpartition("device:")[2].startswith("GPU"):
        return None
    if transpose_a and (inner < _ONEDNN_LEAST_INNER or columns < _ONEDNN_LEAST_COLUMNS):
        return None
    a = f"{a}.t()" if transpose_a else a
    b = b if transpose_b else f"{b}.t()"
    return linear(a, b, bias, residual, activation)


# By activation, oneDNN's name and numbers for it.
ONEDNN_ACTIVATIONS = {
    "": "'none', []", "Relu": "'relu', []", "Relu6": "'hardtanh', [0.0, 6.0]", "Tanh": "'tanh', []",
    "Sigmoid": "'sigmoid', []",
}  # fmt: skip


def linear(a: str, weights: str, bias: str = "None", residual: str = "", activation: str = "") -> str:
    """The expression of oneDNN's product, given those of its inputs; the weights are transposed."""
    if residual:
        total = f"torch.ops.mkldnn._linear_pointwise.binary({a}, {residual}, {weights}, {bias}, 'add')"
        return expression(total, activation)
    at_once, later = (activation, "") if activation in ONEDNN_ACTIVATIONS else ("", activation)
    after = f"{ONEDNN_ACTIVATIONS[at_once]}, ''"
    return expression(f"torch.ops.mkldnn._linear_pointwise.default({a}, {weights}, {bias}, {after})", later)


def linear_kernel(a, weights, bias, residual, activation):
    """What `linear` is the expression of, for activations that oneDNN lacks: bias and residual are tensors or None."""
    if residual is None:
        return activated(torch.ops.mkldnn._linear_pointwise.default(a, weights, bias, "none", [], ""), activation)
    return activated(torch.ops.mkldnn._linear_pointwise.binary(a, residual, weights, bias, "add"), activation)


def _lower_matmul(node):
    product = onednn_product(node)
    if product is not None:
        return product
    a, b = node.args
    if node.attrs["transpose_a"]:
        a = f"{a}.t()"
    if node.attrs["transpose_b"]:
        b = f"{b}.t()"
    return f"torch.mm({a}, {b})"


_few_rows, _small_product = few_rows(_matmul), small_product(_matmul)

define_op(
    "MatMul", "a: T, b: T -> product: T", f"transpose_a: bool = false, transpose_b: bool = false, {_MATMUL_TYPES}",
    shape=_matmul_shape, kernel=_matmul, lower=_lower_matmul,
    native=lambda node: _few_rows(node) or _small_product(node),
)  # fmt: skip


@gradient("MatMul")
def _matmul_gradient(op, grad):
    """With C = A B: dA = dC B^H and dB = A^H dC; transposed factors give transposed products."""
    a, b = (_conjugate(t) for t in op._inputs)
    transpose_a, transpose_b = op.attrs["transpose_a"], op.attrs["transpose_b"]

    def product(x, y, transpose_x, transpose_y):
        return call("MatMul", x, y, transpose_a=transpose_x, transpose_b=transpose_y)

    if transpose_a:
        grad_a = product(b, grad, transpose_b, True)
    else:
        grad_a = product(grad, b, False, not transpose_b)
    if transpose_b:
        grad_b = product(grad, a, True, transpose_a)
    else:
        grad_b = product(a, grad, not transpose_a, False)
    return grad_a, grad_b


def _conjugate(tensor: Tensor) -> Tensor:
    return call("Conj", tensor) if tensor.dtype.is_complex else tensor


# --- batches of matrices ------------------------------------------------------------------------------------------


def _batch_matmul_dims(op, join_batches):
    (batch_x, *x), (batch_y, *y) = (matrix_parts(t.dims) for t in op._inputs)
    rows, inner_x = reversed(x) if op.attrs["adj_x"] else x
    inner_y, columns = reversed(y) if op.attrs["adj_y"] else y
    batch = join_batches(batch_x, batch_y)
    merge_size(inner_x, inner_y)
    return [matrix_dims(batch, rows, columns)]


def _batch_matmul_shape(op):
    return _batch_matmul_dims(op, merge)


def _batch_matmul_v2_shape(op):
    return _batch_matmul_dims(op, broadcast_dims)


def _batch_matmul(x, y, adj_x, adj_y):
    return torch.matmul(x.mH if adj_x else x, y.mH if adj_y else y)


def _lower_batch_matmul(node):
    x, y = node.args
    if node.attrs["adj_x"]:
        x = f"{x}.mH"
    if node.attrs["adj_y"]:
        y = f"{y}.mH"
    return f"torch.matmul({x}, {y})"


define_op(
    "BatchMatMul", "x: T, y: T -> output: T", f"{_MATMUL_TYPES}, adj_x: bool = false, adj_y: bool = false",
    shape=_batch_matmul_shape, kernel=_batch_matmul, lower=_lower_batch_matmul,
    native=small_products(_batch_matmul),
)  # fmt: skip
define_op(
    "BatchMatMulV2", "x: T, y: T -> output: T", f"{_MATMUL_TYPES}, adj_x: bool = false, adj_y: bool = false",
    shape=_batch_matmul_v2_shape, kernel=_batch_matmul, lower=_lower_batch_matmul,
    native=small_products(_batch_matmul),
)  # fmt: skip


@gradient("BatchMatMul")
def _batch_matmul_gradient(op, grad):
    """As MatMul's; an adjoint factor is undone by the adjoint of the product."""
    x, y = op._inputs
    adj_x, adj_y = op.attrs["adj_x"], op.attrs["adj_y"]
    if adj_x:
        grad_x = matmul(y, grad, adjoint_a=adj_y, adjoint_b=True)
    else:
        grad_x = matmul(grad, y, adjoint_b=not adj_y)
    if adj_y:
        grad_y = matmul(grad, x, adjoint_a=True, adjoint_b=adj_x)
    else:
        grad_y = matmul(x, grad, adjoint_a=not adj_x)
    return grad_x, grad_y


@gradient("BatchMatMulV2")
def _batch_matmul_v2_gradient(op, grad):
    """As BatchMatMul's, summed over the batch dimensions along which an input was broadcast."""
    x, y = op._inputs
    grad_x, grad_y = _batch_matmul_gradient(op, grad)
    if x.dims is not None and None not in x.dims and x.dims == y.dims:
        return grad_x, grad_y
    x_shape, y_shape = call("Shape", x), call("Shape", y)
    x_axes, y_axes = call("BroadcastGradientArgs", x_shape[:-2], y_shape[:-2])
    return (
        call("Reshape", call("Sum", grad_x, x_axes), x_shape),
        call("Reshape", call("Sum", grad_y, y_axes), y_shape),
    )


# --- products of matrices with many zeros -------------------------------------------------------------------------


def _sparse_matmul(a, b, transpose_a, transpose_b):
    return _matmul(a.float(), b.float(), transpose_a, transpose_b)


define_op(
    "SparseMatMul", "a: Ta, b: Tb -> product: float",
    "transpose_a: bool = false, transpose_b: bool = false, a_is_sparse: bool = false, b_is_sparse: bool = false, "
    "Ta: type in float|bfloat16 = float, Tb: type in float|bfloat16 = float",
    shape=_matmul_shape, kernel=_sparse_matmul,
)  # fmt: skip


@gradient("SparseMatMul")
def _sparse_matmul_gradient(op, grad):
    """As MatMul's, as sparse products again: an input stays as sparse as it was said to be."""
    a, b = op._inputs
    transpose_a, transpose_b = op.attrs["transpose_a"], op.attrs["transpose_b"]
    sparse = {a: op.attrs["a_is_sparse"], b: op.attrs["b_is_sparse"], grad: grad.op.type == "ReluGrad"}

    def product(x, y, dtype, transpose_x, transpose_y):
        factor = call("Transpose", y, [1, 0]) if transpose_y else y
        result = matmul(x, factor, transpose_a=transpose_x, a_is_sparse=sparse[x], b_is_sparse=sparse[y])
        return result if result.dtype is dtype else call("Cast", result, DstT=dtype)

    type_a, type_b = a.dtype.base_dtype, b.dtype.base_dtype
    if transpose_a:
        grad_a = product(b, grad, type_a, transpose_b, True)
    else:
        grad_a = product(grad, b, type_a, False, not transpose_b)
    if transpose_b:
        grad_b = product(grad, a, type_b, True, transpose_a)
    else:
        grad_b = product(a, grad, type_b, not transpose_a, False)
    return grad_a, grad_b


@export("sparse_matmul")
def sparse_matmul(a, b, transpose_a=False, transpose_b=False, a_is_sparse=False, b_is_sparse=False, name=None):
    """The product of two matrices that are expected to hold many zeros, as float32.

    Args:
      a: [m, k] matrix ([k, m] with `transpose_a`), float32 or bfloat16.
      b: [k, n] matrix ([n, k] with `transpose_b`), float32 or bfloat16.
      transpose_a, transpose_b: transpose that factor first.
      a_is_sparse, b_is_sparse: hints; the result does not depend on them.
      name: a name for the operation.

    Returns:
      A float32 [m, n] matrix.
    """
    return call("SparseMatMul", a, b, name=name, transpose_a=transpose_a, transpose_b=transpose_b,
                a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


@export("matmul", "linalg.matmul")
def matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False,
           b_is_sparse=False, name=None):  # fmt: skip
    """The matrix product `a @ b`, over the last two dimensions; leading dimensions are batches and broadcast.

    Args:
      a: tensor [..., m, k] of bfloat16, half, float32, float64, int32, int64, complex64 or complex128, or a linear
        operator.
      b: tensor [..., k, n] of the same type, or a linear operator.
      transpose_a, transpose_b: transpose that factor's matrices first.
      adjoint_a, adjoint_b: transpose and conjugate that factor's matrices first.
      a_is_sparse, b_is_sparse: hints that a matrix holds many zeros; only for matrices, not batches.
      name: a name for the operation.

    Returns:
      A tensor [..., m, n] of the same type; a linear operator if both factors are.

    Raises:
      ValueError: if a factor is to be both transposed and adjoint, or the shapes do not fit.
    """
    plain = not (adjoint_a or adjoint_b or a_is_sparse or b_is_sparse)
    if plain and _is_matrix(a) and _is_matrix(b) and dtypes.bfloat16 not in (a.dtype, b.dtype):
        return call("MatMul", a, b, name=name, transpose_a=transpose_a, transpose_b=transpose_b)
    if isinstance(a, MatrixLike) or isinstance(b, MatrixLike):
        return product_with_operator(a, b, transpose_a, transpose_b, adjoint_a, adjoint_b, a_is_sparse, b_is_sparse,
                                     name)  # fmt: skip
    if transpose_a and adjoint_a:
        raise ValueError("Only one of transpose_a and adjoint_a can be True.")
    if transpose_b and adjoint_b:
        raise ValueError("Only one of transpose_b and adjoint_b can be True.")
    with name_scope(name, "MatMul", [a, b]) as scope:
        a, b = to_tensor(a, name="a"), to_tensor(b, name="b")
        if not (a_is_sparse or b_is_sparse) and not (_has_rank_2(a) and _has_rank_2(b)):
            a = _conjugate(a) if transpose_a else a
            b = _conjugate(b) if transpose_b else b
            return call("BatchMatMulV2", a, b, name=scope, adj_x=transpose_a or adjoint_a,
                        adj_y=transpose_b or adjoint_b)  # fmt: skip
        a = _conjugate(a) if adjoint_a else a
        b = _conjugate(b) if adjoint_b else b
        transposes = {"transpose_a": transpose_a or adjoint_a, "transpose_b": transpose_b or adjoint_b}
        if _wants_sparse_product(a, b, a_is_sparse or b_is_sparse):
            product = call("SparseMatMul", a, b, name=scope, a_is_sparse=a_is_sparse, b_is_sparse=b_is_sparse,
                           **transposes)  # fmt: skip
            if a.dtype.base_dtype is b.dtype.base_dtype is dtypes.bfloat16:
                return call("Cast", product, DstT=dtypes.bfloat16)
            return product
        return call("MatMul", a, b, name=scope, **transposes)


def _is_matrix(value) -> bool:
    return type(value) is Tensor and value.dims is not None and len(value.dims) == 2


def _has_rank_2(tensor: Tensor) -> bool:
    """True for a matrix, and for what cannot be a batch of matrices."""
    return tensor.dims is not None and len(tensor.dims) <= 2


def _wants_sparse_product(a: Tensor, b: Tensor, is_sparse: bool) -> bool:
    """MatMul takes no mix of bfloat16 and float32, SparseMatMul no other types."""
    types = {a.dtype.base_dtype, b.dtype.base_dtype}
    if is_sparse and types <= {dtypes.bfloat16, dtypes.float32}:
        return True
    return dtypes.bfloat16 in types and len(types) == 2


@export("linalg.matvec")
def matvec(a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None):
    """The products of matrices and vectors: output[..., i] = sum over k of a[..., i, k] * b[..., k].

    Args:
      a: tensor [..., m, k].
      b: tensor [..., k] of the same type.
      transpose_a, adjoint_a, a_is_sparse, b_is_sparse: as in `matmul`.
      name: a name for the operation.

    Returns:
      A tensor [..., m].

    Raises:
      ValueError: if both `transpose_a` and `adjoint_a` are true, or the shapes do not fit.
    """
    with name_scope(name, "MatVec", [a, b]):
        column = call("ExpandDims", b, -1)
        product = matmul(a, column, transpose_a=transpose_a, adjoint_a=adjoint_a, a_is_sparse=a_is_sparse,
                         b_is_sparse=b_is_sparse)  # fmt: skip
        return call("Squeeze", product, squeeze_dims=[-1])


def _matmul_operator(x, y):
    if type(y) is Tensor:
        return matmul(x, y, name="matmul")
    with name_scope(None, "matmul", [x]) as scope:
        return matmul(x, to_tensor(y, name="y", preferred_dtype=x.dtype.base_dtype), name=scope)


def _reflected_matmul_operator(y, x):
    with name_scope(None, "matmul", [y]) as scope:
        return matmul(to_tensor(x, y.dtype.base_dtype, "x"), y, name=scope)


Tensor._override_operator("__matmul__", _matmul_operator)
Tensor._override_operator("__rmatmul__", _reflected_matmul_operator)
