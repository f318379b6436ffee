"""Gamma, Poisson and binomial numbers with TensorFlow's values, by rejection sampling.

Gamma and Poisson numbers have a stream each, some blocks behind their neighbour's, so that none depends on how often
another one was rejected. All advance together as NumPy arrays: a pass proposes a number for every element that still
wants one. Binomial numbers follow one another in a single stream.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from reflow.ops.philox import BATCH_OF_SCALAR_PARAMETERS, BLOCKS_PER_OUTPUT, PhiloxState, blocks_at
from reflow.ops.philox_distributions import normals_64, uniforms_64

# Outputs worked on at a time: their numbers stay in a core's cache.
_CHUNK = 8192


class _Lanes:
    """The streams of some output elements, each with a position of its own."""

    def __init__(self, key: int, counter: int, offsets: np.ndarray) -> None:
        self._key = key
        self._counter = counter
        self._next = offsets.astype(np.uint64)

    def __len__(self) -> int:
        return len(self._next)

    def draw(self, lanes: np.ndarray) -> np.ndarray:
        """Returns the next block of each of these lanes, uint32 [len(lanes), 4]."""
        words = blocks_at(self._key, self._counter, self._next[lanes])
        self._next[lanes] += np.uint64(1)
        return words

    def n_drawn(self, offsets: np.ndarray) -> np.ndarray:
        """Returns how many blocks each lane has drawn since it stood at `offsets`, int64."""
        return self._next.astype(np.int64) - offsets


class _Numbers:
    """Numbers of one distribution for each lane: a block is decoded at once and handed out from its end."""

    def __init__(self, lanes: _Lanes, decode: Callable[[np.ndarray], np.ndarray]) -> None:
        self._lanes = lanes
        self._decode = decode
        self._values = decode(np.zeros((len(lanes), 4), np.uint32))
        self._left = np.zeros(len(lanes), np.intp)

    def take(self, lanes: np.ndarray) -> np.ndarray:
        empty = lanes[self._left[lanes] == 0]
        if len(empty):
            self._values[empty] = self._decode(self._lanes.draw(empty))
            self._left[empty] = self._values.shape[1]
        self._left[lanes] -= 1
        return self._values[lanes, self._left[lanes]]


def gamma(state: PhiloxState, shape: Sequence[int], alpha: torch.Tensor) -> torch.Tensor:
    """Gamma numbers of rate 1; the arithmetic is in double precision.

    Source: Marsaglia, Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).

    Args:
        state: the op's stream.
        shape: shape of the sample drawn for each shape parameter.
        alpha: the shape parameters, float16, float32 or float64.

    Returns:
        Tensor of shape `shape` + `alpha.shape` and the type of `alpha`.
    """
    return _sample_per_output(state, shape, alpha, _gamma).to(alpha.dtype)


def _gamma(lanes: _Lanes, alpha: np.ndarray) -> np.ndarray:
    normals = _Numbers(lanes, normals_64)
    uniforms = _Numbers(lanes, uniforms_64)
    out = np.empty_like(alpha)
    exponential = np.flatnonzero(alpha == 1)
    out[exponential] = -np.log1p(-uniforms.take(exponential))
    boosted = alpha < 1  # drawn for alpha + 1, then scaled down
    d = alpha + np.where(boosted, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / np.sqrt(d)
    pending = np.flatnonzero(alpha != 1)
    while len(pending):
        x = normals.take(pending)
        v = 1 + c[pending] * x
        positive = v > 0
        tried, x, v = pending[positive], x[positive], v[positive]
        v = v * v * v
        u = uniforms.take(tried)
        accepted = u < 1 - 0.0331 * (x * x) * (x * x)
        with np.errstate(divide="ignore"):
            accepted |= np.log(u) < 0.5 * x * x + d[tried] * (1 - v + np.log(v))
        done = tried[accepted]
        out[done] = d[done] * v[accepted]
        scaled = done[boosted[done]]
        out[scaled] *= uniforms.take(scaled) ** (1 / alpha[scaled])
        pending = _without(pending, done, len(lanes))
    return out


def poisson(state: PhiloxState, shape: Sequence[int], rate: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Poisson numbers; the arithmetic is in double precision.

    Sources: Knuth, "Seminumerical Algorithms", for rates below 10; Hormann, "The transformed rejection method for
    generating Poisson random variables", Insurance: Mathematics and Economics 12 (1993), for the others.

    Args:
        state: the op's stream.
        shape: shape of the sample drawn for each rate.
        rate: the rates, of any real type.
        dtype: type of the result: float16, float32, float64, int32 or int64.

    Returns:
        Tensor of shape `shape` + `rate.shape`.
    """
    return _sample_per_output(state, shape, rate, _poisson).to(dtype)


def _poisson(lanes: _Lanes, rate: np.ndarray) -> np.ndarray:
    uniforms = _Numbers(lanes, uniforms_64)
    out = np.empty_like(rate)
    small = rate < 10
    _poisson_by_product(uniforms, rate, np.flatnonzero(small), out)
    _poisson_by_transformed_rejection(uniforms, rate, np.flatnonzero(~small), out)
    return out


def _poisson_by_product(uniforms: _Numbers, rate: np.ndarray, pending: np.ndarray, out: np.ndarray) -> None:
    limit = np.exp(-rate)
    product = np.ones_like(rate)
    count = 0
    while len(pending):
        product[pending] *= uniforms.take(pending)
        low = product[pending] <= limit[pending]
        out[pending[low]] = count
        pending = pending[~low]
        count += 1


def _poisson_by_transformed_rejection(
    uniforms: _Numbers, rate: np.ndarray, pending: np.ndarray, out: np.ndarray
) -> None:
    while len(pending):
        mean = rate[pending]
        b = 0.931 + 2.53 * np.sqrt(mean)
        a = -0.059 + 0.02483 * b
        inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
        u = uniforms.take(pending) - 0.5
        v = uniforms.take(pending)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            u_shifted = 0.5 - np.abs(u)
            k = np.floor((2 * a / u_shifted + b) * u + mean + 0.43)
            accepted = (u_shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
            impossible = (k < 0) | ((u_shifted < 0.013) & (v > u_shifted))
            s = np.log(v * inverse_alpha / (a / (u_shifted * u_shifted) + b))
            accepted |= ~impossible & (s <= -mean + k * np.log(mean) - _lgamma(k + 1))
        out[pending[accepted]] = k[accepted]
        pending = pending[~accepted]


def binomial(
    state: PhiloxState, shape: Sequence[int], counts: torch.Tensor, probs: torch.Tensor, dtype: torch.dtype
) -> torch.Tensor:
    """Binomial numbers; the arithmetic is in double precision.

    Sources: inversion by sums of geometric numbers where the mean is below 10; Hormann, "The generation of binomial
    random variates", Journal of Statistical Computation and Simulation 46 (1993), for the others.

    Args:
        state: the op's stream.
        shape: shape of the result, at least one dimension.
        counts: numbers of trials, one or shape[0].
        probs: probabilities of success, one or shape[0], of the type of `counts`.
        dtype: type of the result: float16, float32, float64, int32 or int64.

    Returns:
        Tensor of that shape and type.
    """
    out = np.empty(math.prod(shape))
    n_rows, row_size = shape[0], math.prod(shape[1:])
    if counts.numel() == probs.numel() == 1:
        row_size = BATCH_OF_SCALAR_PARAMETERS
        n_rows = -(-out.size // row_size)
    counter = state.reserve_outputs(n_rows * 200 * (row_size + 3) // 4)
    trials = np.broadcast_to(counts.detach().cpu().numpy().reshape(-1), n_rows)
    success = np.broadcast_to(probs.detach().cpu().numpy().reshape(-1), n_rows)
    for index in range(n_rows):
        row = out[index * row_size : (index + 1) * row_size]
        counter = _fill_binomial(row, state.key, counter, trials[index], success[index])
    return torch.from_numpy(out).view(tuple(shape)).to(dtype)


def _fill_binomial(out: np.ndarray, key: int, counter: int, count: np.number, prob: np.number) -> int:
    """Writes numbers of one distribution to `out` and returns the counter behind the blocks they took.

    A number takes as many blocks as it needs and the next number starts behind them. To draw many at once, the number
    that would start at each of the coming blocks is computed, and then those are chosen that follow one another.
    """
    n = float(count)
    if not (n > 0 and 0 < prob < 1):
        out[:] = 0 if n <= 0 or prob <= 0 else n if prob >= 1 else np.nan
        return counter
    flipped = prob > 0.5
    p = type(prob)(1) - prob if flipped else prob
    draw, blocks_a_number = (
        (_binomial_by_transformed_rejection, 2) if count * p >= 10 else (_binomial_by_inversion, 1 + n * p / 2)
    )
    n_filled = 0
    while n_filled < len(out):
        starts = np.arange(int((len(out) - n_filled) * blocks_a_number) + 8)
        lanes = _Lanes(key, counter, starts)
        numbers = draw(_Numbers(lanes, uniforms_64), n, float(p), len(starts)).tolist()
        n_used = lanes.n_drawn(starts).tolist()
        position = 0
        while position < len(starts) and n_filled < len(out):
            out[n_filled] = numbers[position]
            position += n_used[position]
            n_filled += 1
        counter += position
    if flipped:
        np.subtract(n, out, out=out)
    return counter


def _binomial_by_inversion(uniforms: _Numbers, n: float, p: float, size: int) -> np.ndarray:
    out, total = np.zeros(size), np.zeros(size)
    pending = np.arange(size)
    with np.errstate(divide="ignore"):
        while len(pending):
            total[pending] += np.ceil(np.log(uniforms.take(pending)) / math.log1p(-p))
            pending = pending[total[pending] <= n]
            out[pending] += 1
    return out


def _binomial_by_transformed_rejection(uniforms: _Numbers, n: float, p: float, size: int) -> np.ndarray:
    deviation = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * deviation
    r = p / (1 - p)
    m = math.floor((n + 1) * p)
    out = np.empty(size)
    pending = np.arange(size)
    while len(pending):
        u = uniforms.take(pending)
        v = uniforms.take(pending)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = u - 0.5
            u_shifted = 0.5 - np.abs(u)
            k = np.floor((2 * a / u_shifted + b) * u + (n * p + 0.5))
            accepted = (u_shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
            possible = (k >= 0) & (k <= n)
            bound = (
                (m + 0.5) * np.log((m + 1) / (r * (n - m + 1)))
                + (n + 1) * np.log((n - m + 1) / (n - k + 1))
                + (k + 0.5) * np.log(r * (n - k + 1) / (k + 1))
                + _stirling_tail(np.float64(m))
                + _stirling_tail(np.float64(n - m))
                - _stirling_tail(k)
                - _stirling_tail(n - k)
            )
            accepted |= possible & (np.log(v * alpha / (a / (u_shifted * u_shifted) + b)) <= bound)
        out[pending[accepted]] = k[accepted]
        pending = pending[~accepted]
    return out


# log k! less Stirling's approximation of it, for k = 0 .. 9, as printed in Hormann's paper.
_STIRLING_TAILS = np.array(
    [
        0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
        0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
    ]
)  # fmt: skip


def _stirling_tail(k: np.ndarray) -> np.ndarray:
    square = (k + 1) * (k + 1)
    # The series has 1 / 1260 with the other sign; TensorFlow 1.15 computes this.
    series = (1.0 / 12 - (1.0 / 360 + 1.0 / 1260 / square) / square) / (k + 1)
    return np.where(k <= 9, _STIRLING_TAILS[np.clip(np.nan_to_num(k), 0, 9).astype(np.intp)], series)


def _sample_per_output(
    state: PhiloxState,
    sample_shape: Sequence[int],
    parameters: torch.Tensor,
    sample: Callable[[_Lanes, np.ndarray], np.ndarray],
) -> torch.Tensor:
    """Samples with a stream for each output.

    Args:
        state: the op's stream.
        sample_shape: shape of the sample of each parameter.
        parameters: parameters of the distributions.
        sample: from lanes and the parameter of each, float64, to their numbers, float64.

    Returns:
        Tensor of shape sample_shape + parameters.shape. The streams follow one another parameter by parameter.
    """
    values = parameters.detach().cpu().double().numpy().reshape(-1)
    n_samples = math.prod(sample_shape)
    out = np.empty(len(values) * n_samples)
    start = state.reserve_outputs(len(out))
    for first in range(0, len(out), _CHUNK):
        index = np.arange(first, min(first + _CHUNK, len(out)))
        lanes = _Lanes(state.key, start, index * BLOCKS_PER_OUTPUT)
        out[first : first + len(index)] = sample(lanes, values[index // n_samples])
    transposed = np.ascontiguousarray(out.reshape(len(values), n_samples).T)
    return torch.from_numpy(transposed).view(*sample_shape, *parameters.shape)


def _without(lanes: np.ndarray, done: np.ndarray, n_lanes: int) -> np.ndarray:
    keep = np.ones(n_lanes, bool)
    keep[done] = False
    return lanes[keep[lanes]]


def _lgamma(values: np.ndarray) -> np.ndarray:
    return torch.lgamma(torch.from_numpy(values)).numpy()
