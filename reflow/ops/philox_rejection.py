"""Gamma, Poisson and binomial numbers with TensorFlow's values, by rejection sampling.

Gamma and Poisson numbers have a stream each, some blocks behind their neighbour's, so that none depends on how often
another one was rejected. Binomial numbers follow one another in a single stream. Many numbers are drawn at once as
NumPy arrays: a pass proposes one for every element, and the elements whose proposal was rejected remain for the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from reflow.ops.philox import BATCH_OF_SCALAR_PARAMETERS, BLOCKS_PER_OUTPUT, PhiloxState, blocks_at
from reflow.ops.philox_distributions import normals_64, uniforms_64

# Outputs worked on at a time: their numbers stay in a core's cache.
_CHUNK = 4096


class _Lanes:
    """The streams of the elements that still want a number, each with a position of its own."""

    def __init__(self, key: int, counter: int, offsets: np.ndarray) -> None:
        self._key = key
        self._counter = counter
        self._numbers: list[_Numbers] = []
        self.position = offsets.astype(np.uint64)

    def __len__(self) -> int:
        return len(self.position)

    def select(self, flags: np.ndarray) -> _Lanes:
        """Returns lanes of their own at the positions of those whose flag is set."""
        return _Lanes(self._key, self._counter, self.position[flags])

    def numbers(self, decode: Callable[[np.ndarray], np.ndarray]) -> _Numbers:
        """Returns a source of float64 numbers for each lane, two from each block that it draws."""
        self._numbers.append(_Numbers(self, decode))
        return self._numbers[-1]

    def draw(self, lanes: np.ndarray | slice) -> np.ndarray:
        """Returns the next block of each of these lanes, uint32 [n, 4]."""
        words = blocks_at(self._key, self._counter, self.position[lanes])
        self.position[lanes] += np.uint64(1)
        return words

    def keep(self, kept: np.ndarray) -> None:
        """Drops the lanes whose flag is not set."""
        self.position = self.position[kept]
        for numbers in self._numbers:
            numbers.keep(kept)


class _Numbers:
    """Numbers of one distribution for each lane: a block is decoded at once and handed out from its end."""

    def __init__(self, lanes: _Lanes, decode: Callable[[np.ndarray], np.ndarray]) -> None:
        self._lanes = lanes
        self._decode = decode
        self._pairs = np.empty((len(lanes), 2))
        self._left = np.zeros(len(lanes), np.int8)

    def take(self, wanted: np.ndarray | None = None) -> np.ndarray:
        """Returns the next number of each lane; of those lanes only whose flag is set, if flags are given."""
        empty = self._left == 0
        if wanted is not None:
            empty &= wanted
        if empty.all():
            self._pairs = self._decode(self._lanes.draw(slice(None)))
            self._left.fill(2)
        elif empty.any():
            refilled = np.flatnonzero(empty)
            self._pairs[refilled] = self._decode(self._lanes.draw(refilled))
            self._left[refilled] = 2
        self._left -= 1 if wanted is None else wanted
        return np.where(self._left == 1, self._pairs[:, 1], self._pairs[:, 0])

    def keep(self, kept: np.ndarray) -> None:
        self._pairs, self._left = self._pairs[kept], self._left[kept]


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
    out = np.empty_like(alpha)
    normals, uniforms = lanes.numbers(normals_64), lanes.numbers(uniforms_64)
    exponential = alpha == 1
    if exponential.any():
        out[exponential] = -np.log1p(-uniforms.take(exponential)[exponential])
        lanes.keep(~exponential)
    rows = np.flatnonzero(~exponential)
    alpha = alpha[rows]
    boosted = alpha < 1  # drawn for alpha + 1, then scaled down
    d = alpha + np.where(boosted, 2.0 / 3, -1.0 / 3)
    c = 1.0 / 3 / np.sqrt(d)
    while len(rows):
        x = normals.take()
        v = 1 + c * x
        positive = v > 0
        v = v * v * v
        u = uniforms.take(positive)
        with np.errstate(divide="ignore", invalid="ignore"):
            accepted = u < 1 - 0.0331 * (x * x) * (x * x)
            accepted |= np.log(u) < 0.5 * x * x + d * (1 - v + np.log(v))
        accepted &= positive
        numbers = d * v
        scaled = accepted & boosted
        if scaled.any():
            numbers[scaled] *= uniforms.take(scaled)[scaled] ** (1 / alpha[scaled])
        out[rows[accepted]] = numbers[accepted]
        rest = ~accepted
        lanes.keep(rest)
        rows, alpha, boosted, c, d = rows[rest], alpha[rest], boosted[rest], c[rest], d[rest]
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
    small = rate < 10
    out = np.empty_like(rate)
    for rows, draw in ((small, _poisson_by_product), (~small, _poisson_by_transformed_rejection)):
        if rows.any():
            out[rows] = draw(lanes.select(rows), rate[rows])
    return out


def _poisson_by_product(lanes: _Lanes, rate: np.ndarray) -> np.ndarray:
    uniforms = lanes.numbers(uniforms_64)
    out = np.empty_like(rate)
    rows = np.arange(len(rate))
    limit, product, count = np.exp(-rate), np.ones_like(rate), 0
    while len(rows):
        product *= uniforms.take()
        rest = product > limit
        out[rows[~rest]] = count
        lanes.keep(rest)
        rows, limit, product = rows[rest], limit[rest], product[rest]
        count += 1
    return out


def _poisson_by_transformed_rejection(lanes: _Lanes, rate: np.ndarray) -> np.ndarray:
    uniforms = lanes.numbers(uniforms_64)
    out = np.empty_like(rate)
    rows = np.arange(len(rate))
    b = 0.931 + 2.53 * np.sqrt(rate)
    while len(rows):
        a = -0.059 + 0.02483 * b
        u = uniforms.take() - 0.5
        v = uniforms.take()
        with np.errstate(divide="ignore", invalid="ignore"):
            u_shifted = 0.5 - np.abs(u)
            k = np.floor((2 * a / u_shifted + b) * u + rate + 0.43)
        accepted = (u_shifted >= 0.07) & (v <= 0.9277 - 3.6224 / (b - 2))
        open_ = np.flatnonzero(~accepted & (k >= 0) & ((u_shifted >= 0.013) | (v <= u_shifted)))
        accepted[open_] = _poisson_ratio_test(*(values[open_] for values in (a, b, rate, u_shifted, v, k)))
        out[rows[accepted]] = k[accepted]
        rest = ~accepted
        lanes.keep(rest)
        rows, rate, b = rows[rest], rate[rest], b[rest]
    return out


def _poisson_ratio_test(
    a: np.ndarray, b: np.ndarray, rate: np.ndarray, u_shifted: np.ndarray, v: np.ndarray, k: np.ndarray
) -> np.ndarray:
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    with np.errstate(divide="ignore"):
        ratio = np.log(v * inverse_alpha / (a / (u_shifted * u_shifted) + b))
    return ratio <= -rate + k * np.log(rate) - torch.lgamma(torch.from_numpy(k + 1)).numpy()


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
    scalar = counts.numel() == probs.numel() == 1
    row_size = BATCH_OF_SCALAR_PARAMETERS if scalar else math.prod(shape[1:])
    n_rows = -(-out.size // row_size) if row_size else 0
    counter = state.reserve_outputs(n_rows * 200 * (row_size + 3) // 4)
    rows = [out] if scalar else list(out.reshape(shape[0], row_size))
    trials = np.broadcast_to(counts.detach().cpu().numpy().reshape(-1), len(rows))
    success = np.broadcast_to(probs.detach().cpu().numpy().reshape(-1), len(rows))
    for row, count, prob in zip(rows, trials, success, strict=True):
        counter = _fill_binomial(row, state.key, counter, count, prob)
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
        (_binomial_by_transformed_rejection, 1.5) if count * p >= 10 else (_binomial_by_inversion, 1 + n * float(p) / 2)
    )
    n_filled = 0
    while n_filled < len(out):
        starts = np.arange(min(int((len(out) - n_filled) * blocks_a_number) + 8, _CHUNK))
        lanes = _Lanes(key, counter, starts)
        numbers, ends = (values.tolist() for values in draw(lanes, n, float(p)))
        position = 0
        while position < len(starts) and n_filled < len(out):
            out[n_filled] = numbers[position]
            position = ends[position]
            n_filled += 1
        counter += position
    if flipped:
        np.subtract(n, out, out=out)
    return counter


def _binomial_by_inversion(lanes: _Lanes, n: float, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number that each lane draws and its position afterwards."""
    uniforms = lanes.numbers(uniforms_64)
    out, ends = np.empty(len(lanes)), lanes.position.copy()
    rows, total, count = np.arange(len(lanes)), np.zeros(len(lanes)), 0
    while len(rows):
        with np.errstate(divide="ignore"):
            total += np.ceil(np.log(uniforms.take()) / math.log1p(-p))
        rest = total <= n
        out[rows[~rest]] = count
        ends[rows[~rest]] = lanes.position[~rest]
        lanes.keep(rest)
        rows, total = rows[rest], total[rest]
        count += 1
    return out, ends


def _binomial_by_transformed_rejection(lanes: _Lanes, n: float, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the number that each lane draws and its position afterwards."""
    uniforms = lanes.numbers(uniforms_64)
    out, ends, rows = np.empty(len(lanes)), lanes.position.copy(), np.arange(len(lanes))
    deviation = math.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * p
    alpha = (2.83 + 5.1 / b) * deviation
    r = p / (1 - p)
    m = math.floor((n + 1) * p)
    tails = _stirling_tail(np.array([m, n - m])).sum()
    while len(rows):
        u = uniforms.take() - 0.5
        v = uniforms.take()
        with np.errstate(divide="ignore", invalid="ignore"):
            u_shifted = 0.5 - np.abs(u)
            k = np.floor((2 * a / u_shifted + b) * u + (n * p + 0.5))
            bound = (
                (m + 0.5) * math.log((m + 1) / (r * (n - m + 1)))
                + (n + 1) * np.log((n - m + 1) / (n - k + 1))
                + (k + 0.5) * np.log(r * (n - k + 1) / (k + 1))
                + tails
                - _stirling_tail(k)
                - _stirling_tail(n - k)
            )
            accepted = np.log(v * alpha / (a / (u_shifted * u_shifted) + b)) <= bound
        accepted &= (k >= 0) & (k <= n)
        accepted |= (u_shifted >= 0.07) & (v <= 0.92 - 4.2 / b)
        out[rows[accepted]] = k[accepted]
        ends[rows[accepted]] = lanes.position[accepted]
        lanes.keep(~accepted)
        rows = rows[~accepted]
    return out, ends


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
