"""Shuffles, multinomial draws and parameterized truncated normal numbers with TensorFlow's values.

These ops read one stream from its beginning to its end. When there is much to do, TensorFlow splits the rows of a
multinomial draw and the batches of truncated normal numbers among its threads and starts each thread's part elsewhere
in the stream, so that its numbers depend on the number of threads. Here they are what one thread draws
(``intra_op_parallelism_threads=1``), which is also what many threads draw of small outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from reflow.ops.philox import BATCH_OF_SCALAR_PARAMETERS, BLOCKS_PER_OUTPUT, PhiloxState, blocks, shuffled_indices
from reflow.ops.philox_distributions import normals_32, normals_64, uniforms_16, uniforms_32, uniforms_64

Values = tuple[np.ndarray, np.ndarray]

_MAX_ITERATIONS = 1000
_LOW_HALF = (1 << 64) - 1
# The bounds reach at least this far to one side of the mean where normal numbers are worth proposing.
_DEVIATIONS_INSIDE = 1.3


def shuffle(state: PhiloxState, value: torch.Tensor | np.ndarray) -> torch.Tensor | np.ndarray:
    """Puts the rows of a value into random order.

    Args:
        state: the op's stream.
        value: tensor, or NumPy array of strings; shuffled along its first axis.

    Returns:
        A value of the same kind, shape and type; `value` itself where there is nothing to shuffle.
    """
    n_rows = len(value) if value.ndim else 1
    if n_rows <= 1 or 0 in value.shape:
        return value
    counter = state.reserve(_blocks_to_shuffle(n_rows))
    return shuffled(value, state.key, counter & _LOW_HALF, counter >> 64)


def _blocks_to_shuffle(n_rows: int) -> int:
    return (n_rows + 2) // 4  # one word for each row but the last


def shuffled(value: torch.Tensor | np.ndarray, key: int, low: int, high: int) -> torch.Tensor | np.ndarray:
    """The rows of a value in the order that the stream of a key gives from a counter on, given as two halves."""
    n_rows = len(value)
    words = blocks(key, high << 64 | low, _blocks_to_shuffle(n_rows)).reshape(-1)
    indices = shuffled_indices(words, n_rows)
    if isinstance(value, torch.Tensor):
        return value.index_select(0, torch.from_numpy(indices).to(value.device))
    return value[indices]


def multinomial(
    state: PhiloxState, logits: torch.Tensor, num_samples: int, out_dtype: torch.dtype = torch.int64
) -> torch.Tensor:
    """Draws classes with the probabilities that unnormalized logarithms give, by inversion in double precision.

    Args:
        state: the op's stream.
        logits: [batch, classes] unnormalized log-probabilities; infinite ones and NaN count as impossible.
        num_samples: classes drawn for each row.
        out_dtype: int32 or int64.

    Returns:
        Tensor [batch, num_samples] of class numbers.
    """
    batch, _ = logits.shape
    n_words = 2 * batch * num_samples
    # TensorFlow rounds the samples of a row up to four when it reserves, but not when it draws.
    start = state.reserve(2 * batch * ((num_samples + 3) // 4 * 4) * BLOCKS_PER_OUTPUT)
    words = blocks(state.key, start, -(-n_words // 4)).reshape(-1)[:n_words]
    logits = logits.detach().cpu()
    finite = torch.isfinite(logits)
    wide = logits.double()
    highest = wide.masked_fill(~finite, -math.inf).amax(dim=1, keepdim=True)
    cumulated = (wide - highest).exp_().masked_fill_(~finite, 0).cumsum(dim=1)
    uniforms = torch.from_numpy(uniforms_64(words).reshape(batch, num_samples))
    return torch.searchsorted(cumulated, uniforms * cumulated[:, -1:], right=True).to(out_dtype)


def parameterized_truncated_normal(
    state: PhiloxState,
    shape: Sequence[int],
    means: torch.Tensor,
    stdevs: torch.Tensor,
    minvals: torch.Tensor,
    maxvals: torch.Tensor,
) -> torch.Tensor:
    """Normal numbers that stay between bounds, with parameters for each row.

    Source: Robert, "Simulation of truncated normal variables", Statistics and Computing 5 (1995).

    Args:
        state: the op's stream.
        shape: shape of the result, at least one dimension.
        means: means, one or shape[0], float16, float32 or float64; the arithmetic is in that type.
        stdevs: standard deviations of the untruncated normals, one or shape[0].
        minvals: lower bounds, one or shape[0].
        maxvals: upper bounds, one or shape[0].

    Returns:
        Tensor of that shape and the type of `means`.

    Raises:
        ValueError: a standard deviation that is not positive, bounds in the wrong order, or two infinite bounds.
        RuntimeError: too many proposals in a row were rejected.
    """
    parameters = [tensor.detach().cpu().numpy() for tensor in (means, stdevs, minvals, maxvals)]
    out = np.empty(math.prod(shape), parameters[0].dtype)
    n_batches, batch_size = shape[0], math.prod(shape[1:])
    if all(values.size == 1 for values in parameters[:2]) and all(values.ndim == 0 for values in parameters[2:]):
        batch_size = BATCH_OF_SCALAR_PARAMETERS
        n_batches = -(-out.size // batch_size)
    n_reserved = n_batches * 2 * _MAX_ITERATIONS * (batch_size + 3) // 4
    counter = state.reserve(n_reserved)
    rows = np.stack([np.broadcast_to(values.reshape(-1), n_batches) for values in parameters], axis=1)
    for index, row in enumerate(rows):
        batch = out[index * batch_size : (index + 1) * batch_size]
        counter = _fill_batch(batch, state.key, counter, *row)
    return torch.from_numpy(out).view(tuple(shape))


def _fill_batch(
    out: np.ndarray, key: int, counter: int, mean: np.floating, stdev: np.floating, low: np.floating, high: np.floating
) -> int:
    """Writes one batch to `out` and returns the counter behind the blocks it took."""
    if not (stdev > 0 and low < high and (np.isfinite(low) or np.isfinite(high))):
        raise ValueError("Invalid parameters")
    if low == -np.inf or high < mean:  # mirrored, so that a single bound is the lower one and two are positive
        low, high, stdev = high, low, -stdev
    propose, blocks_a_proposal = _proposal((low - mean) / stdev, (high - mean) / stdev)
    n_filled, n_rejected = 0, 0
    while n_filled < len(out):
        n_proposals = len(out) - n_filled
        words = blocks(key, counter, n_proposals * blocks_a_proposal).reshape(n_proposals, blocks_a_proposal, 4)
        values, accepted = propose(words)
        taken = np.flatnonzero(accepted)[: len(out) - n_filled]
        out[n_filled : n_filled + len(taken)] = values.reshape(-1)[taken] * stdev + mean
        n_filled += len(taken)
        if n_filled == len(out):
            return counter + (int(taken[-1]) // values[0].size + 1) * blocks_a_proposal
        counter += n_proposals * blocks_a_proposal
        n_rejected = 0 if len(taken) else n_rejected + values.size
        if n_rejected > _MAX_ITERATIONS:
            raise RuntimeError("TruncatedNormal rejection sampler failed to accept a sample.")
    return counter


def _proposal(low: np.floating, high: np.floating) -> tuple[Callable[[np.ndarray], Values], int]:
    """Chooses how to propose normal numbers in [low, high].

    Returns:
        A function from words [n, blocks of a proposal, 4] to [n, m] proposed numbers and which of them are accepted,
        and the number of blocks of a proposal.
    """
    real = type(low)
    root = np.sqrt(low * low + real(4))
    cutoff = real(2) * np.exp(real(0.5) + (low * (low - root)) / real(4)) / (low + root)
    inside = real(_DEVIATIONS_INSIDE)
    uniforms = _UNIFORMS[real]
    if (low < -inside and high >= 0) or (high > inside and low <= 0):
        return lambda words: _propose_normal(_NORMALS[real](words), low, high), 1
    if high - low < cutoff:
        return lambda words: _propose_uniform(uniforms(words), low, high), 2
    return lambda words: _propose_exponential(uniforms(words), low, high), 1


def _propose_normal(normals: np.ndarray, low: np.floating, high: np.floating) -> Values:
    values = normals[:, 0]
    return values, (values >= low) & (values <= high)


def _propose_uniform(uniforms: np.ndarray, low: np.floating, high: np.floating) -> Values:
    values = uniforms[:, 0] * (high - low) + low
    densest = type(low)(0) if low < 0 else low * low
    return values, uniforms[:, 1] <= np.exp((densest - values * values) / type(low)(2))


def _propose_exponential(uniforms: np.ndarray, low: np.floating, high: np.floating) -> Values:
    real = type(low)
    alpha = (low + np.sqrt(low * low + real(4))) / real(2)
    with np.errstate(divide="ignore"):
        values = -np.log(uniforms[:, 0, 0::2]) / alpha + low
    x = alpha - values if low < alpha else low - alpha
    return values, (uniforms[:, 0, 1::2] <= np.exp(-x * x / real(2))) & (values < high)


def _as_half(decode: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    return lambda words: decode(words).astype(np.float16)


_UNIFORMS = {np.float16: _as_half(uniforms_16), np.float32: uniforms_32, np.float64: uniforms_64}
_NORMALS = {np.float16: _as_half(normals_32), np.float32: normals_32, np.float64: normals_64}
