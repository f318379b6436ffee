"""Special functions: the gamma and error functions, Bessel functions, incomplete gamma and beta functions, zeta."""

import functools

import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import exp
from reflow.ops.factories import FLOATING, unary
from reflow.ops.incomplete_functions import (
    betainc_kernel,
    igamma_gradient_kernel,
    igamma_kernel,
    igammac_kernel,
)
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_rules import broadcast, merge

_PRECISE = "T: type in float|double"

# --- gamma and error functions ------------------------------------------------------------------------------------


def _digamma(x):
    """At the poles TensorFlow gives plus infinity, and at minus infinity too."""
    return torch.where((x <= 0) & (x == torch.floor(x)), float("inf"), torch.digamma(x))


lgamma = unary(
    "Lgamma", FLOATING, "torch.lgamma({x})", "lgamma", "math.lgamma",
    summary="The logarithm of the absolute value of the gamma function, elementwise.",
)  # fmt: skip
digamma = unary(
    "Digamma", FLOATING, _digamma, "digamma", "math.digamma", summary="The derivative of `lgamma`, elementwise."
)
erf = unary(
    "Erf", FLOATING, "torch.erf({x})", "erf", "math.erf", summary="The Gauss error function, elementwise.", sparse=True
)
erfc = unary("Erfc", FLOATING, "torch.erfc({x})", "erfc", "math.erfc", summary="1 - erf(x), elementwise.")


# --- Bessel functions ---------------------------------------------------------------------------------------------

bessel_i0e = unary(
    "BesselI0e", FLOATING, "torch.special.i0e({x})", "math.bessel_i0e",
    summary="exp(-|x|) times the modified Bessel function of the first kind of order 0, elementwise.",
    sparse=True,
)  # fmt: skip
bessel_i1e = unary(
    "BesselI1e", FLOATING, "torch.special.i1e({x})", "math.bessel_i1e",
    summary="exp(-|x|) times the modified Bessel function of the first kind of order 1, elementwise.",
    sparse=True,
)  # fmt: skip


@export("math.bessel_i0")
def bessel_i0(x, name=None):
    """The modified Bessel function of the first kind of order 0, elementwise.

    Args:
      x: a Tensor of half, bfloat16, float32 or float64.
      name: a name scope for the operations.

    Returns:
      A tensor shaped like `x`, of the same type.
    """
    with name_scope(name, "bessel_i0", [x]):
        return exp(abs_(x)) * bessel_i0e(x)


@export("math.bessel_i1")
def bessel_i1(x, name=None):
    """The modified Bessel function of the first kind of order 1, elementwise.

    Args:
      x: a Tensor of half, bfloat16, float32 or float64.
      name: a name scope for the operations.

    Returns:
      A tensor shaped like `x`, of the same type.
    """
    with name_scope(name, "bessel_i1", [x]):
        return exp(abs_(x)) * bessel_i1e(x)


# --- incomplete gamma and beta functions --------------------------------------------------------------------------


def _betainc_shape(op):
    """Scalars go with any shape; all others are alike."""
    shapes = [tensor.dims for tensor in op._inputs]
    # One of unknown rank may be a scalar: then the others settle the result.
    known = [dims for dims in shapes if dims]
    if not known:
        return [None if None in shapes else ()]
    return [functools.reduce(merge, known)]


_IGAMMA = "a: T, x: T -> z: T"
define_op("Igamma", _IGAMMA, _PRECISE, shape=broadcast, kernel=igamma_kernel)
define_op("Igammac", _IGAMMA, _PRECISE, shape=broadcast, kernel=igammac_kernel)
define_op("IgammaGradA", _IGAMMA, _PRECISE, shape=broadcast, kernel=igamma_gradient_kernel)
define_op("Betainc", "a: T, b: T, x: T -> z: T", _PRECISE, shape=_betainc_shape, kernel=betainc_kernel)


@export("igamma", "math.igamma")
def igamma(a, x, name=None):
    """The lower regularized incomplete gamma function P(a, x), elementwise.

    P(a, x) is the integral of t^(a - 1) exp(-t) from 0 to x, divided by gamma(a).

    Args:
      a: a tensor of float32 or float64.
      x: a tensor of the same type, of a shape that broadcasts with that of `a`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    return call("Igamma", a, x, name=name)


@export("igammac", "math.igammac")
def igammac(a, x, name=None):
    """The upper regularized incomplete gamma function Q(a, x) = 1 - P(a, x), elementwise.

    Args:
      a: a tensor of float32 or float64.
      x: a tensor of the same type, of a shape that broadcasts with that of `a`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    return call("Igammac", a, x, name=name)


@export("betainc", "math.betainc")
def betainc(a, b, x, name=None):
    """The regularized incomplete beta function I_x(a, b), elementwise.

    I_x(a, b) is the integral of t^(a - 1) (1 - t)^(b - 1) from 0 to x, divided by that from 0 to 1.

    Args:
      a: a tensor of float32 or float64.
      b: a tensor of the same type; shaped like `a`, or a scalar.
      x: a tensor of the same type; shaped like `a`, or a scalar.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape.
    """
    return call("Betainc", a, b, x, name=name)


# --- zeta and its relatives ---------------------------------------------------------------------------------------


def _polygamma(a, x):
    """(-1)^(a + 1) a! zeta(a + 1, x), of order 0 digamma, and NaN for what is no order."""
    order, point = torch.broadcast_tensors(a.double(), x.double())
    sign = 1 - 2 * torch.remainder(order + 1, 2)
    value = sign * torch.exp(torch.lgamma(order + 1)) * torch.special.zeta(order + 1, point)
    value = torch.where(order == 0, _digamma(point), value)
    is_order = (order >= 0) & (order == torch.floor(order))
    return torch.where(is_order, value, float("nan")).to(x.dtype)


define_op("Zeta", "x: T, q: T -> z: T", _PRECISE, shape=broadcast, kernel="torch.special.zeta({x}, {q})")
define_op("Polygamma", "a: T, x: T -> z: T", _PRECISE, shape=broadcast, kernel=_polygamma)


@export("zeta", "math.zeta")
def zeta(x, q, name=None):
    """The Hurwitz zeta function, the sum over n >= 0 of (q + n)^(-x), elementwise.

    Args:
      x: a tensor of float32 or float64, greater than 1.
      q: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    return call("Zeta", x, q, name=name)


@export("polygamma", "math.polygamma")
def polygamma(a, x, name=None):
    """The derivative of order `a` of the digamma function, elementwise.

    Args:
      a: a tensor of float32 or float64 that holds non-negative integers.
      x: a tensor of the same type, of a shape that broadcasts with that of `a`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type; NaN where `a` is no non-negative integer.
    """
    return call("Polygamma", a, x, name=name)


@export("lbeta", "math.lbeta")
def lbeta(x, name=None):
    """The logarithm of the absolute value of the beta function, over the last axis.

    Beta(x) = prod_i gamma(x_i) / gamma(sum_i x_i).

    Args:
      x: a tensor [..., n] of a float type.
      name: a name scope for the operations.

    Returns:
      A tensor [...] of the same type.
    """
    with name_scope(name, "lbeta", [x]):
        x = to_tensor(x, name="x")
        log_product = reduce_sum(lgamma(x), axis=[-1])
        return log_product - lgamma(reduce_sum(x, axis=[-1]))
