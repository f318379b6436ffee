"""Gradients of the special functions."""

import numpy as np

from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.convert import constant_tensor
from reflow.graph.registry import gradient
from reflow.ops.arithmetic_gradients import by_partials
from reflow.ops.complex import conj
from reflow.ops.constant import zeros_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import exp, log, reciprocal, sign, square
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.special import bessel_i0e, bessel_i1e, digamma, lgamma, polygamma, zeta


def _error_function_gradient(op, grad, factor):
    """The derivative of erf is 2 / sqrt(pi) exp(-x^2)."""
    scale = constant_tensor(factor, grad.dtype.base_dtype, "Const")
    with control_dependencies([grad.op]):
        return grad * scale * exp(-square(conj(op._inputs[0])))


@gradient("Erf")
def _erf_gradient(op, grad):
    return _error_function_gradient(op, grad, 2 / np.sqrt(np.pi))


@gradient("Erfc")
def _erfc_gradient(op, grad):
    return _error_function_gradient(op, grad, -2 / np.sqrt(np.pi))


@gradient("Lgamma")
def _lgamma_gradient(op, grad):
    with control_dependencies([grad.op]):
        return grad * digamma(conj(op._inputs[0]))


@gradient("Digamma")
def _digamma_gradient(op, grad):
    with control_dependencies([grad.op]):
        x = conj(op._inputs[0])
        return grad * polygamma(constant_tensor(1, x.dtype.base_dtype, "Const"), x)


@gradient("BesselI0e")
def _bessel_i0e_gradient(op, grad):
    """i1e(x) - sign(x) i0e(x)."""
    x, y = op._inputs[0], op.outputs[0]
    with control_dependencies([grad.op]):
        return grad * (bessel_i1e(x) - sign(x) * y)


@gradient("BesselI1e")
def _bessel_i1e_gradient(op, grad):
    """i0e(x) - i1e(x) (sign(x) + 1 / x), and its limit 1/2 where 1 / x overflows."""
    x, y = op._inputs[0], op.outputs[0]
    with control_dependencies([grad.op]):
        tiny = float(np.finfo(x.dtype.as_numpy_dtype).eps)
        nothing = zeros_like(x)
        is_large = abs_(x) > tiny
        safe = call("Select", is_large, x, tiny + nothing)
        derivative = bessel_i0e(safe) - y * (sign(safe) + reciprocal(safe))
        return grad * call("Select", is_large, derivative, 0.5 + nothing)


def _igamma_partial_x(a, x):
    """The integrand: x^(a - 1) exp(-x) / gamma(a)."""
    return exp(-x + (a - 1) * log(x) - lgamma(a))


@gradient("Igamma")
def _igamma_gradient(op, grad):
    a, x = op._inputs
    return by_partials(op, grad, lambda _: call("IgammaGradA", a, x), lambda _: _igamma_partial_x(a, x))


@gradient("Igammac")
def _igammac_gradient(op, grad):
    by_a, by_x = _igamma_gradient(op, grad)
    return -by_a, -by_x


def _gradient_of_second(op, grad, partial):
    """Of an op of two inputs, the gradient by the second: its partial derivative times `grad`, summed to its shape."""
    first, second = op._inputs
    shape_first, shape_second = shape(first), shape(second)
    axes = call("BroadcastGradientArgs", shape_first, shape_second)[1]
    with control_dependencies([grad.op]):
        derivative = partial(conj(first), conj(second))
        return reshape(reduce_sum(derivative * grad, axes), shape_second)


@gradient("Betainc")
def _betainc_gradient(op, grad):
    """By x: x^(a - 1) (1 - x)^(b - 1) / B(a, b); TensorFlow has none by a and b."""
    a, b, x = op._inputs
    shape_a, shape_x = shape(a), shape(x)
    axes = call("BroadcastGradientArgs", shape_a, shape_x)[1]
    log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
    derivative = exp((b - 1) * log(1 - x) + (a - 1) * log(x) - log_beta)
    return None, None, reshape(reduce_sum(derivative * grad, axes), shape_x)


@gradient("Zeta")
def _zeta_gradient(op, grad):
    """By q: -x zeta(x + 1, q); TensorFlow has none by x."""
    return None, _gradient_of_second(op, grad, lambda x, q: -x * zeta(x + 1, q))


@gradient("Polygamma")
def _polygamma_gradient(op, grad):
    """By x: the polygamma function of the next order."""
    return None, _gradient_of_second(op, grad, lambda n, x: polygamma(n + 1, x))
