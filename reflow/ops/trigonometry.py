"""Trigonometric and hyperbolic functions and their inverses."""

import torch

from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.convert import constant_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.complex import conj
from reflow.ops.elementwise import reciprocal, sqrt, square
from reflow.ops.factories import FLOATING, FLOATING_COMPLEX, gradient_op, unary
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_rules import broadcast

_WITH_INTEGERS = "bfloat16|half|float|double|int32|int64|complex64|complex128"

sin = unary("Sin", FLOATING_COMPLEX, "torch.sin({x})", "sin", "math.sin", summary="The sine of x radians, elementwise.")
cos = unary("Cos", FLOATING_COMPLEX, "torch.cos({x})", "cos", "math.cos", summary="The cosine, elementwise.")
tan = unary(
    "Tan", _WITH_INTEGERS, "torch.tan({x})", "tan", "math.tan", integers=False, summary="The tangent, elementwise."
)
asin = unary(
    "Asin", _WITH_INTEGERS, "torch.asin({x})", "asin", "math.asin", integers=False,
    summary="The inverse sine in radians, elementwise.",
)  # fmt: skip
acos = unary(
    "Acos", _WITH_INTEGERS, "torch.acos({x})", "acos", "math.acos", integers=False,
    summary="The inverse cosine in radians, elementwise.",
)  # fmt: skip
atan = unary(
    "Atan", _WITH_INTEGERS, "torch.atan({x})", "atan", "math.atan", integers=False,
    summary="The inverse tangent in radians, elementwise.",
)  # fmt: skip
sinh = unary(
    "Sinh", FLOATING_COMPLEX, "torch.sinh({x})", "sinh", "math.sinh", summary="The hyperbolic sine, elementwise."
)
cosh = unary(
    "Cosh", FLOATING_COMPLEX, "torch.cosh({x})", "cosh", "math.cosh", summary="The hyperbolic cosine, elementwise."
)
tanh = unary(
    "Tanh", FLOATING_COMPLEX, "torch.tanh({x})", "tanh", "math.tanh", "nn.tanh",
    summary="The hyperbolic tangent, elementwise.", sparse=True,
    native=elementwise_native.unary("tanh", torch.tanh, least=1 << 6),
)  # fmt: skip
asinh = unary(
    "Asinh", FLOATING_COMPLEX, "torch.asinh({x})", "asinh", "math.asinh",
    summary="The inverse hyperbolic sine, elementwise.",
)  # fmt: skip
acosh = unary(
    "Acosh", FLOATING_COMPLEX, "torch.acosh({x})", "acosh", "math.acosh",
    summary="The inverse hyperbolic cosine, elementwise.",
)  # fmt: skip
atanh = unary(
    "Atanh", FLOATING_COMPLEX, "torch.atanh({x})", "atanh", "math.atanh",
    summary="The inverse hyperbolic tangent, elementwise.",
)  # fmt: skip
gradient_op(
    "TanhGrad", FLOATING_COMPLEX, lambda y, dy: dy * (1 - y * y),
    lower=lambda node: None if node.dtype(0).is_complex
    else f"torch.ops.aten.tanh_backward({node.args[1]}, {node.args[0]})",
    native=elementwise_native.binary("tanh_grad", lambda y, dy: torch.ops.aten.tanh_backward(dy, y)),
)  # fmt: skip
define_op("Atan2", "y: T, x: T -> z: T", f"T: type in {FLOATING}", shape=broadcast, kernel="torch.atan2({y}, {x})")


@export("atan2", "math.atan2")
def atan2(y, x, name=None):
    """The angle in radians, in (-pi, pi], at which the point (x, y) is seen from the origin, elementwise.

    Args:
      y: a tensor of bfloat16, half, float32 or float64.
      x: a tensor of the same type, of a shape that broadcasts with that of `y`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    return call("Atan2", y, x, name=name)


# --- gradients ----------------------------------------------------------------------------------------------------


@gradient("Sin")
def _sin_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * cos(conj(op._inputs[0]))


@gradient("Cos")
def _cos_gradient(op, grad):
    with control_dependencies([grad.op]):
        x = conj(op._inputs[0])
        return -grad * sin(x)


@gradient("Tan")
def _tan_gradient(op, grad):
    """1 / cos^2."""
    with control_dependencies([grad.op]):
        return square(reciprocal(cos(conj(op._inputs[0])))) * grad


@gradient("Sinh")
def _sinh_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * cosh(conj(op._inputs[0]))


@gradient("Cosh")
def _cosh_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * sinh(conj(op._inputs[0]))


@gradient("Tanh")
def _tanh_gradient(op, grad):
    with control_dependencies([grad.op]):
        return call("TanhGrad", conj(op.outputs[0]), grad)


@gradient("TanhGrad")
def _tanh_gradient_gradient(op, grad):
    """z = dy (1 - y^2): by y it is -2 dy y, by dy TanhGrad itself."""
    with control_dependencies([grad.op]):
        y, dy = conj(op._inputs[0]), conj(op._inputs[1])
        return grad * -2.0 * dy * y, call("TanhGrad", y, grad)


def _one_and_square(op, grad):
    x_squared = square(conj(op._inputs[0]))
    return constant_tensor(1, grad.dtype.base_dtype, "Const"), x_squared


@gradient("Asin")
def _asin_gradient(op, grad):
    """1 / sqrt(1 - x^2)."""
    with control_dependencies([grad.op]):
        one, x_squared = _one_and_square(op, grad)
        return grad * reciprocal(sqrt(call("Sub", one, x_squared)))


@gradient("Acos")
def _acos_gradient(op, grad):
    """-1 / sqrt(1 - x^2)."""
    with control_dependencies([grad.op]):
        one, x_squared = _one_and_square(op, grad)
        inverse = reciprocal(sqrt(call("Sub", one, x_squared)))
        return -grad * inverse


@gradient("Atan")
def _atan_gradient(op, grad):
    """1 / (1 + x^2)."""
    with control_dependencies([grad.op]):
        one, x_squared = _one_and_square(op, grad)
        return grad * reciprocal(call("Add", one, x_squared))


@gradient("Atanh")
def _atanh_gradient(op, grad):
    """1 / (1 - x^2)."""
    with control_dependencies([grad.op]):
        one, x_squared = _one_and_square(op, grad)
        return grad * reciprocal(call("Sub", one, x_squared))


@gradient("Asinh")
def _asinh_gradient(op, grad):
    """1 / cosh(y)."""
    with control_dependencies([grad.op]):
        return grad / cosh(conj(op.outputs[0]))


@gradient("Acosh")
def _acosh_gradient(op, grad):
    """1 / sinh(y)."""
    with control_dependencies([grad.op]):
        return grad / sinh(conj(op.outputs[0]))


@gradient("Atan2")
def _atan2_gradient(op, grad):
    """By y it is x / (x^2 + y^2), by x -y / (x^2 + y^2); TensorFlow's, which knows no broadcasting."""
    y, x = op._inputs
    with control_dependencies([grad.op]):
        scaled = grad / (square(x) + square(y))
        return x * scaled, -y * scaled
