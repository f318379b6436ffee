"""Kernels of the incomplete gamma and beta functions that ATen lacks, in float64.

Formula numbers are those of the NIST Digital Library of Mathematical Functions (DLMF).
"""

import torch

from reflow.graph.errors import InvalidArgumentError
from reflow.graph.shapes import dims_in_brackets

_MOST_STEPS = 2000
_PRECISION = 1e-16
_TINY = 1e-300


def igamma_kernel(a, x):
    """P(a, x); NaN outside a > 0, x >= 0 and for infinite a, but 0 wherever x is 0, as TensorFlow has it."""
    a, x = torch.broadcast_tensors(a, x)
    value = torch.where((a > 0) & torch.isfinite(a), torch.special.gammainc(a, x), float("nan"))
    return torch.where(x == 0, 0.0, value)


def igammac_kernel(a, x):
    """Q(a, x); NaN outside a > 0, x >= 0 and for infinite a unless x is 0 or infinite."""
    a, x = torch.broadcast_tensors(a, x)
    value = torch.where((a > 0) & torch.isfinite(a), torch.special.gammaincc(a, x), float("nan"))
    value = torch.where((a > 0) & (x == float("inf")), 0.0, value)
    return torch.where((a > 0) & (x == 0), 1.0, value)


# --- dP(a, x) / da ------------------------------------------------------------------------------------------------


def igamma_gradient_kernel(a, x):
    """The derivative of P(a, x) by a."""
    dtype = x.dtype
    a, x = torch.broadcast_tensors(a.double(), x.double())
    is_regular = (a > 0) & (x > 0) & torch.isfinite(a) & torch.isfinite(x)
    safe_a, safe_x = torch.where(is_regular, a, 1.0), torch.where(is_regular, x, 0.5)
    by_fraction = (safe_x > 1) & (safe_x > safe_a)
    series = _series_derivative(safe_a, torch.where(by_fraction, 0.5, safe_x))
    fraction = -_fraction_derivative(torch.where(by_fraction, safe_a, 1.0), torch.where(by_fraction, safe_x, 2.0))
    value = torch.where(by_fraction, fraction, series)
    is_zero = (x == 0) | ((a > 0) & torch.isfinite(a) & (x == float("inf")))
    value = torch.where(is_regular, value, torch.where(is_zero, 0.0, float("nan")))
    return value.to(dtype)


def _series_derivative(a, x):
    """d/da of P(a, x) = x^a exp(-x) / gamma(a + 1) * sum over n of x^n / ((a + 1) ... (a + n)), DLMF 8.11.4."""
    term, term_by_a = torch.ones_like(a), torch.zeros_like(a)
    total, total_by_a = torch.ones_like(a), torch.zeros_like(a)
    for n in range(1, _MOST_STEPS):
        ratio = x / (a + n)
        term_by_a = ratio * (term_by_a - term / (a + n))
        term = term * ratio
        total, total_by_a = total + term, total_by_a + term_by_a
        if bool((term_by_a.abs() <= _PRECISION * total_by_a.abs()).all()):
            break
    factor = torch.exp(a * torch.log(x) - x - torch.lgamma(a + 1))
    return factor * (total_by_a + total * (torch.log(x) - torch.digamma(a + 1)))


def _fraction_derivative(a, x):
    """d/da of Q(a, x) = x^a exp(-x) / gamma(a) * F, with Legendre's continued fraction F (DLMF 8.9.2).

    F = 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...))), taken by its convergents p / q, which
    are differentiated step by step.
    """
    zero = torch.zeros_like(a)
    b = x + 1 - a
    previous = (zero, zero, torch.ones_like(a), zero)
    current = (torch.ones_like(a), zero, b, -torch.ones_like(a))
    by_a = zero
    for n in range(1, _MOST_STEPS):
        b = b + 2
        numerator, numerator_by_a = -n * (n - a), n
        p = b * current[0] + numerator * previous[0]
        p_by_a = b * current[1] - current[0] + numerator * previous[1] + numerator_by_a * previous[0]
        q = b * current[2] + numerator * previous[2]
        q_by_a = b * current[3] - current[2] + numerator * previous[3] + numerator_by_a * previous[2]
        # Only the ratios count: dividing by q keeps all four in range.
        previous = tuple(v / q for v in current)
        current = (p / q, p_by_a / q, torch.ones_like(a), q_by_a / q)
        before, by_a = by_a, current[1] - current[0] * current[3]
        if bool(((by_a - before).abs() <= _PRECISION * by_a.abs()).all()):
            break
    factor = torch.exp(a * torch.log(x) - x - torch.lgamma(a))
    return factor * (by_a + current[0] * (torch.log(x) - torch.digamma(a)))


# --- I_x(a, b) ----------------------------------------------------------------------------------------------------


def betainc_kernel(a, b, x):
    """I_x(a, b); NaN outside a > 0, b > 0, 0 <= x <= 1 and for infinite a or b."""
    shapes = {tuple(t.shape) for t in (a, b, x) if t.dim()}
    if len(shapes) > 1:
        words = " vs. ".join(map(dims_in_brackets, sorted(shapes)))
        raise InvalidArgumentError(None, None, f"Shapes of a, b and x are inconsistent: {words}")
    dtype = x.dtype
    a, b, x = torch.broadcast_tensors(a.double(), b.double(), x.double())
    is_regular = (a > 0) & (b > 0) & torch.isfinite(a) & torch.isfinite(b) & (x >= 0) & (x <= 1)
    a, b = torch.where(is_regular, a, 1.0), torch.where(is_regular, b, 1.0)
    point = torch.where(is_regular, x, 0.5)
    # The fraction converges quickly below the mean; above it I_x(a, b) = 1 - I_(1 - x)(b, a), DLMF 8.17.4.
    is_above = point > (a + 1) / (a + b + 2)
    p, q = torch.where(is_above, b, a), torch.where(is_above, a, b)
    below = _beta_fraction(p, q, torch.where(is_above, 1 - point, point))
    value = torch.where(is_above, 1 - below, below)
    return torch.where(is_regular, value, float("nan")).to(dtype)


def _beta_fraction(a, b, x):
    """I_x(a, b) by its continued fraction (DLMF 8.17.22), evaluated from the front by Lentz's method."""
    def nonzero(value):
        return torch.where(value.abs() < _TINY, _TINY, value)

    c, d = torch.ones_like(x), 1 / nonzero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / nonzero(1 + coefficient * d)
            c = nonzero(1 + coefficient / c)
            fraction = fraction * c * d
        if bool(((c * d - 1).abs() <= _PRECISION).all()):
            break
    log_factor = torch.xlogy(a, x) + torch.xlogy(b, 1 - x) + torch.lgamma(a + b) - torch.lgamma(a) - torch.lgamma(b)
    return torch.exp(log_factor) * fraction / a
