"""The normal and the Laplace distribution function, with logarithms and inverse, accurate far from the middle."""

import functools

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.constant import constant, fill, zeros_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import exp, log, log1p, sqrt, square
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import shape
from reflow.ops.special import erf, erfc

# Between these bounds the logarithm of the distribution function is computed as such; below them by an asymptotic
# series, above them as minus the small probability of the other side.
_DIRECT = {dtypes.float32: (np.array(-10, np.float32), np.array(5, np.float32)),
           dtypes.float64: (np.array(-20, np.float64), np.array(8, np.float64))}  # fmt: skip

# Rational approximations of the inverse (Cephes), lowest power first: numerator and denominator near the middle, for
# probabilities down to exp(-32), and below.
_MIDDLE = (
    (-1.23916583867381258016e0, 1.39312609387279679503e1, -5.66762857469070293439e1, 9.80010754185999661536e1,
     -5.99633501014107895267e1),
    (-1.18331621121330003142e0, 1.59056225126211695515e1, -8.20372256168333339912e1, 2.00260212380060660359e2,
     -2.25462687854119370527e2, 8.63602421390890590575e1, 4.67627912898881538453e0, 1.95448858338141759834e0, 1.0),
)  # fmt: skip
_SMALL = (
    (-8.57456785154685413611e-4, -3.50424626827848203418e-2, -1.40256079171354495875e-1, 2.18663306850790267539e0,
     1.46849561928858024014e1, 4.40805073893200834700e1, 5.71628192246421288162e1, 3.15251094599893866154e1,
     4.05544892305962419923e0),
    (-9.33259480895457427372e-4, -3.80806407691578277194e-2, -1.42182922854787788574e-1, 2.50464946208309415979e0,
     1.50425385692907503408e1, 4.13172038254672030440e1, 4.53907635128879210584e1, 1.57799883256466749731e1, 1.0),
)  # fmt: skip
_TINY = (
    (6.23974539184983293730e-9, 2.65806974686737550832e-6, 3.01581553508235416007e-4, 1.23716634817820021358e-2,
     2.01485389549179081538e-1, 1.33303460815807542389e0, 3.93881025292474443415e0, 6.91522889068984211695e0,
     3.23774891776946035970e0),
    (6.79019408009981274425e-9, 2.89247864745380683936e-6, 3.28014464682127739104e-4, 1.34204006088543189037e-2,
     2.16236993594496635890e-1, 1.37702099489081330271e0, 3.67983563856160859403e0, 6.02427039364742014255e0, 1.0),
)  # fmt: skip


def _as_float(x, name):
    x = to_tensor(x, name=name)
    if x.dtype.base_dtype not in _DIRECT:
        raise TypeError(f"{name}.dtype={x.dtype} is not handled: float32 or float64 is.")
    return x


def normal_cdf(x):
    """The probability that a standard normal variable is below each x (float32 or float64)."""
    with name_scope("ndtr", values=[x]):
        return _normal_cdf(_as_float(x, "x"))


def _normal_cdf(x):
    half_sqrt_2 = constant(0.5 * np.sqrt(2.0), dtype=x.dtype.base_dtype, name="half_sqrt_2")
    w = x * half_sqrt_2
    z = abs_(w)
    in_middle = z < half_sqrt_2
    near = 1.0 + erf(w)
    is_upper = w > 0.0
    return 0.5 * where_v2(in_middle, near, where_v2(is_upper, 2.0 - erfc(z), erfc(z)))


def log_normal_cdf(x, series_order=3):
    """The logarithm of the probability that a standard normal variable is below each x (float32 or float64)."""
    with name_scope("log_ndtr", values=[x]):
        x = _as_float(x, "x")
        lower, upper = _DIRECT[x.dtype.base_dtype]
        is_upper = x > upper
        tail = -_normal_cdf(-x)
        is_direct = x > lower
        # The arguments are clipped so that the part which is not chosen has a finite gradient.
        direct = log(_normal_cdf(maximum(x, lower)))
        return where_v2(is_upper, tail, where_v2(is_direct, direct, _log_lower_tail(minimum(x, lower), series_order)))


def _log_lower_tail(x, series_order):
    squared = square(x)
    scale = -0.5 * squared - log(-x) - 0.5 * np.log(2.0 * np.pi)
    return scale + log(_tail_series(x, series_order))


def _tail_series(x, series_order):
    """1 - 1 / x^2 + 1 * 3 / x^4 - 1 * 3 * 5 / x^6 ..."""
    squared = square(x)
    even, odd = zeros_like(x), zeros_like(x)
    power = squared
    for n in range(1, series_order + 1):
        term = np.array(np.prod(np.arange(2 * n - 1, 1, -2)), x.dtype.as_numpy_dtype) / power
        if n % 2:
            odd += term
        else:
            even += term
        power *= squared
    return 1.0 + even - odd


def _polynomial(x, coefficients):
    *lower, highest = np.array(coefficients, x.dtype.as_numpy_dtype)
    return functools.reduce(lambda value, c: c + value * x, reversed(lower), highest + zeros_like(x) * x)


def _ratio(x, polynomials):
    return _polynomial(x, polynomials[0]) / _polynomial(x, polynomials[1])


def normal_quantile(p):
    """The value below which a standard normal variable is with each probability p (float32 or float64)."""
    with name_scope("ndtri", values=[p]):
        p = _as_float(p, "p")
        # By symmetry only probabilities up to 1 - exp(-2) are of interest; 0 stands aside until the end.
        is_high = p > -np.expm1(-2.0)
        lower = where_v2(is_high, 1.0 - p, p)
        lower = where_v2(lower <= 0.0, fill(shape(p), np.array(0.5, p.dtype.as_numpy_dtype)), lower)
        w = lower - 0.5
        ww = w**2
        middle = (w + w * ww * _ratio(ww, _MIDDLE)) * -np.sqrt(2.0 * np.pi)
        z = sqrt(-2.0 * log(lower))
        first = z - log(z) / z
        tiny = first - _ratio(1.0 / z, _TINY) / z
        small = first - _ratio(1.0 / z, _SMALL) / z
        x = where_v2(lower > np.exp(-2.0), middle, where_v2(z >= 8.0, tiny, small))
        x = where_v2(p > 1.0 - np.exp(-2.0), x, -x)
        infinity = fill(shape(p), constant(np.inf, dtype=p.dtype.base_dtype))
        return where_v2(p <= 0.0, -infinity, where_v2(p >= 1.0, infinity, x))


def log_laplace_cdf(x):
    """The logarithm of the probability that a standard Laplace variable is below each x."""
    with name_scope("log_cdf_laplace", values=[x]):
        x = to_tensor(x, name="x")
        lower = -np.log(2.0) + x
        # Of the distance from 0, so that it is at most 1 where the lower side is chosen.
        upper = log1p(-0.5 * exp(-abs_(x)))
        return where_v2(x < 0.0, lower, upper)
