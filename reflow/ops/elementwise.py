"""Elementwise functions of one tensor: sign, powers and roots, exponentials and logarithms, rounding, tests."""

from collections.abc import Callable

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.complex import conj
from reflow.ops.constant import zeros
from reflow.ops.factories import FLOATING, FLOATING_COMPLEX, gradient_op, of_sparse_too, unary
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_ops import shape
from reflow.ops.shape_rules import unchanged_shape

_SIGNED = "bfloat16|half|float|double|int32|int64|complex64|complex128"


# Of no more numbers a kernel in C is faster, because its call is.
_FEW = 1 << 14

# --- sign and size ------------------------------------------------------------------------------------------------

unary("Abs", "bfloat16|half|float|double|int8|int16|int32|int64", "torch.abs({x})",
      native=elementwise_native.unary("abs", torch.abs, most=_FEW))  # fmt: skip
negative = unary(
    "Neg", _SIGNED, "torch.neg({x})", "negative", "math.negative", summary="-x, elementwise.", sparse=True,
    native=elementwise_native.unary("negative", torch.neg, most=_FEW),
)  # fmt: skip
sign = unary(
    "Sign", _SIGNED, "torch.sgn({x})", "sign", "math.sign",
    summary="-1, 0 or 1 as x < 0, x == 0 (or NaN) or x > 0, elementwise; x / |x| for complex x, and 0 for 0.",
    sparse=True,
)  # fmt: skip


@export("abs", "math.abs")
@of_sparse_too
def abs(x, name=None):
    """The absolute value, elementwise; the modulus of complex numbers.

    Args:
      x: a tensor or SparseTensor of bfloat16, half, float32, float64, int32, int64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type; of float32 for complex64 and of float64 for complex128. A
      SparseTensor for a SparseTensor.
    """
    if type(x) is Tensor and not x.dtype.is_complex:
        return call("Abs", x, name=name)
    with name_scope(name, "Abs", [x]) as scope:
        x = to_tensor(x, name="x")
        if x.dtype.is_complex:
            return call("ComplexAbs", x, Tout=x.dtype.base_dtype.real_dtype, name=scope)
        return call("Abs", x, name=scope)


@gradient("Abs")
def _abs_gradient(op, grad):
    return grad * sign(op._inputs[0])


@gradient("Neg")
def _negative_gradient(op, grad):
    return -grad


@gradient("Sign")
def _sign_gradient(op, grad):
    """The sign is constant wherever it has a derivative."""
    x = op._inputs[0]
    return zeros(shape(x), dtype=x.dtype.base_dtype)


# --- powers and roots ---------------------------------------------------------------------------------------------

square = unary(
    "Square", _SIGNED, "torch.square({x})", "square", "math.square", summary="x * x, elementwise.", sparse=True
)
sqrt = unary(
    "Sqrt", FLOATING_COMPLEX, "torch.sqrt({x})", "sqrt", "math.sqrt", summary="The square root, elementwise.",
    sparse=True, native=elementwise_native.unary("sqrt", torch.sqrt),
)  # fmt: skip
rsqrt = unary(
    "Rsqrt", FLOATING_COMPLEX, "torch.rsqrt({x})", "rsqrt", "math.rsqrt", summary="1 / sqrt(x), elementwise.",
    native=elementwise_native.unary("rsqrt", torch.rsqrt),
)
reciprocal = unary(
    "Reciprocal", _SIGNED, "torch.reciprocal({x})", "reciprocal", "math.reciprocal", summary="1 / x, elementwise.",
    integers=False,
)  # fmt: skip
unary("Inv", _SIGNED, "torch.reciprocal({x})", integers=False)

def _gradient_by_result(op_name: str, function: Callable, single: str, compiled: str | None = None) -> None:
    """Define the op of a gradient that is computed from y = f(x) and dy, and is 0 where dy is 0, whatever y is.

    Args:
      op_name: TensorFlow's op name.
      function: `(conjugate of y, dy)`, which takes any type, and knows nothing of the zeros.
      single: a template for float32 and float64, in which ATen makes fewer passes.
      compiled: the function in C for float32, if there is one.
    """
    # threshold_backward selects without a mask of bools: ATen's kernels that read or make those are not vectorized.
    single = f"torch.ops.aten.threshold_backward({single}, {{dy}}.abs(), 0)"

    def kernel(y, dy):
        return function(y.conj(), dy).masked_fill_(dy == 0, 0)

    def lower(node):
        y, dy = node.args
        return single.format(y=y, dy=dy) if node.dtype(0) in (dtypes.float32, dtypes.float64) else None

    native = elementwise_native.binary(compiled, kernel) if compiled else None
    gradient_op(op_name, FLOATING_COMPLEX, kernel, lower=lower, native=native)


# sqrt' = 1 / (2 y), rsqrt' = -y^3 / 2, reciprocal' = -y^2.
_gradient_by_result(
    "SqrtGrad", lambda y, dy: torch.div(dy, y).mul_(0.5), "torch.addcdiv({y}.new_zeros(()), {dy}, {y}, value=0.5)",
    "sqrt_grad",
)  # fmt: skip
_gradient_by_result(
    "RsqrtGrad", lambda y, dy: (dy * y * y * y).mul_(-0.5),
    "torch.addcmul({y}.new_zeros(()), {dy} * {y}, {y} * {y}, value=-0.5)", "rsqrt_grad",
)  # fmt: skip
for _name in ("ReciprocalGrad", "InvGrad"):
    _gradient_by_result(_name, lambda y, dy: (dy * y * y).neg_(), "({dy} * {y}).mul_({y}).neg_()")


@gradient("Square")
def _square_gradient(op, grad):
    with control_dependencies([grad.op]):
        x = conj(op._inputs[0])
        return call("Mul", grad, call("Mul", x, constant_tensor(2.0, x.dtype.base_dtype, "Const")))


@gradient("Sqrt")
def _sqrt_gradient(op, grad):
    return call("SqrtGrad", op.outputs[0], grad)


@gradient("SqrtGrad")
def _sqrt_gradient_gradient(op, grad):
    """z = dy / (2 y): by y it is -z / y, by dy 1 / (2 y)."""
    a, z = op._inputs[0], op.outputs[0]
    with control_dependencies([grad.op]):
        ga = grad / a
        return -conj(ga) * z, 0.5 * ga


@gradient("Rsqrt")
def _rsqrt_gradient(op, grad):
    return call("RsqrtGrad", op.outputs[0], grad)


@gradient("RsqrtGrad")
def _rsqrt_gradient_gradient(op, grad):
    """z = -dy y^3 / 2: by y it is -3/2 dy y^2, by dy RsqrtGrad itself."""
    y, dy = op._inputs
    with control_dependencies([grad.op]):
        conj_y, conj_grad = conj(y), conj(grad)
        by_y = -1.5 * conj_grad * dy * square(conj_y)
        return by_y, call("RsqrtGrad", conj_y, grad)


@gradient("Reciprocal", "Inv")
def _reciprocal_gradient(op, grad):
    return call("ReciprocalGrad", op.outputs[0], grad)


@gradient("ReciprocalGrad", "InvGrad")
def _reciprocal_gradient_gradient(op, grad):
    """z = -dy y^2: by y it is -2 dy y, by dy ReciprocalGrad itself."""
    y, dy = op._inputs
    with control_dependencies([grad.op]):
        conj_y, conj_grad = conj(y), conj(grad)
        return conj_grad * -2.0 * dy * conj_y, call("ReciprocalGrad", conj_y, grad)


# --- exponentials and logarithms ----------------------------------------------------------------------------------

exp = unary(
    "Exp", FLOATING_COMPLEX, "torch.exp({x})", "exp", "math.exp", summary="e to the power x, elementwise.",
    native=elementwise_native.unary("exp", torch.exp, least=1 << 6),
)  # fmt: skip
expm1 = unary(
    "Expm1", FLOATING_COMPLEX, "torch.expm1({x})", "expm1", "math.expm1",
    summary="exp(x) - 1, elementwise, accurate for small x.",
)  # fmt: skip
log = unary(
    "Log", FLOATING_COMPLEX, "torch.log({x})", "log", "math.log", summary="The natural logarithm, elementwise.",
    native=elementwise_native.unary("log", torch.log, least=1 << 6),
)  # fmt: skip
log1p = unary(
    "Log1p", FLOATING_COMPLEX, "torch.log1p({x})", "log1p", "math.log1p",
    summary="The natural logarithm of 1 + x, elementwise, accurate for small x.",
)  # fmt: skip


@gradient("Exp")
def _exp_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * conj(op.outputs[0])


@gradient("Expm1")
def _expm1_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * exp(conj(op._inputs[0]))


@gradient("Log")
def _log_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * reciprocal(conj(op._inputs[0]))


@gradient("Log1p")
def _log1p_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * reciprocal(1 + conj(op._inputs[0]))


# --- rounding -----------------------------------------------------------------------------------------------------

floor = unary(
    "Floor", FLOATING, "torch.floor({x})", "floor", "math.floor",
    summary="The largest integer that is not greater than x, elementwise.",
)  # fmt: skip
ceil = unary(
    "Ceil", FLOATING, "torch.ceil({x})", "ceil", "math.ceil",
    summary="The smallest integer that is not less than x, elementwise.",
)  # fmt: skip
rint = unary(
    "Rint", FLOATING, "torch.round({x})", "rint", "math.rint",
    summary="The nearest integer, halves to the even one, elementwise.",
)  # fmt: skip
unary("Round", _SIGNED, "torch.round({x})")


@export("round", "math.round")
def round(x, name=None):
    """The nearest integer, halves to the even one, elementwise.

    Args:
      x: a tensor of bfloat16, half, float32, float64, int32, int64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type; `x` itself if it holds integers.
    """
    x = to_tensor(x, name="x")
    return x if x.dtype.is_integer else call("Round", x, name=name)


@gradient("Floor", "Ceil", "Round", "Rint")
def _rounding_gradient(op, grad):
    return None


# --- tests --------------------------------------------------------------------------------------------------------

is_finite = unary(
    "IsFinite", FLOATING, "torch.isfinite({x})", "is_finite", "math.is_finite", "debugging.is_finite",
    signature="x: T -> y: bool", summary="True where x is neither infinite nor NaN, elementwise.",
    native=elementwise_native.is_finite,
)  # fmt: skip
is_inf = unary(
    "IsInf", FLOATING, "torch.isinf({x})", "is_inf", "math.is_inf", "debugging.is_inf",
    signature="x: T -> y: bool", summary="True where x is plus or minus infinity, elementwise.",
)  # fmt: skip
is_nan = unary(
    "IsNan", FLOATING, "torch.isnan({x})", "is_nan", "math.is_nan", "debugging.is_nan",
    signature="x: T -> y: bool", summary="True where x is NaN, elementwise.",
)  # fmt: skip

define_op("LogicalNot", "x: bool -> y: bool", shape=unchanged_shape, kernel="torch.logical_not({x})", gradient=None)


@export("logical_not", "math.logical_not")
def logical_not(x, name=None):
    """True where x is false, elementwise.

    Args:
      x: a bool tensor.
      name: a name for the operation.

    Returns:
      A bool tensor shaped like `x`.
    """
    return call("LogicalNot", x, name=name)


Tensor._override_operator("__neg__", negative)
Tensor._override_operator("__abs__", abs)
Tensor._override_operator("__invert__", logical_not)
