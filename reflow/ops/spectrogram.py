"""Features of sound for speech recognition: AudioSpectrogram, Mfcc.

A spectrogram has the magnitudes of the Fourier transforms of overlapping pieces. Mel-frequency cepstral coefficients
(Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", 1980) are the
cosine transform of the logarithm of what triangular filters, evenly spaced over the mel scale, let through.
"""

import math

import numpy as np
import torch

from reflow.graph.registry import define_op
from reflow.ops.cached_tensors import cached_tensor
from reflow.ops.shape_rules import with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid

# What a filter lets through at the least: its logarithm is taken.
_LEAST_ENERGY = 1e-12

# --- spectrogram --------------------------------------------------------------------------------------------------


def _transform_length(window_size: int) -> int:
    """The least power of two that holds a window."""
    return 1 << max(window_size - 1, 0).bit_length()


def _piece_count(samples: int, window_size: int, stride: int) -> int:
    return 1 + (samples - window_size) // stride if samples >= window_size else 0


def _spectrogram(input, window_size, stride, magnitude_squared):
    if input.dim() != 2:
        raise invalid(f"input must be 2-dimensional: {in_brackets(input.shape)}")
    if window_size < 2:
        raise invalid(f"Spectrogram initialization failed for window size {window_size} and stride {stride}")
    samples, channels = input.shape
    length = _transform_length(window_size)
    if not channels or samples < window_size:
        return input.new_zeros(channels, _piece_count(samples, window_size, stride), length // 2 + 1)
    pieces = input.T.double().unfold(1, window_size, stride)
    spectrum = torch.fft.rfft(pieces * torch.hann_window(window_size, dtype=torch.float64), length)
    energy = (spectrum.real.square() + spectrum.imag.square()).float()
    return energy if magnitude_squared else energy.sqrt()


def _spectrogram_shape(op):
    samples, channels = with_rank(op._inputs[0].dims, 2)
    window_size, stride = op.attrs["window_size"], op.attrs["stride"]
    if stride < 1:
        raise ValueError(f"stride must be positive, got {stride}")
    pieces = None if samples is None else _piece_count(samples, window_size, stride)
    return [(channels, pieces, _transform_length(window_size) // 2 + 1)]


define_op(
    "AudioSpectrogram", "input: float -> spectrogram: float",
    "window_size: int, stride: int, magnitude_squared: bool = false", shape=_spectrogram_shape, kernel=_spectrogram,
)  # fmt: skip


# --- cepstral coefficients ----------------------------------------------------------------------------------------


def _mel(hertz):
    return 1127.0 * np.log1p(hertz / 700.0)


@cached_tensor
def _filters(bins: int, sample_rate: int, count: int, low: float, high: float) -> torch.Tensor | None:
    """The weight of each frequency bin (row) in each filter (column).

    None if there are no such filters; no columns if they reach beyond the last bin.
    """
    if count < 1 or sample_rate <= 0 or bins < 2 or low < 0 or high <= low:
        return None
    hertz_a_bin = 0.5 * sample_rate / (bins - 1)
    # The constant part of the signal is left out even if `low` is 0.
    first, last = int(1.5 + low / hertz_a_bin), int(high / hertz_a_bin)
    if last >= bins:
        return torch.zeros(bins, 0, device="cpu")
    start = _mel(low)
    # Filter i rises over edges i to i + 1 and falls over edges i + 1 to i + 2.
    edges = start + (_mel(high) - start) / (count + 1) * np.arange(count + 2)
    weights = np.zeros((bins, count + 2))
    used = np.arange(first, last + 1)
    mels = _mel(used * hertz_a_bin)
    below = np.searchsorted(edges[1:], mels).clip(0, count)
    falling = (edges[below + 1] - mels) / (edges[below + 1] - edges[below])
    weights[used, below] = falling
    weights[used, below + 1] = 1 - falling
    return torch.from_numpy(weights[:, 1:-1].copy())


@cached_tensor
def _cosines(inputs: int, outputs: int) -> torch.Tensor:
    """The matrix [inputs, outputs] of the orthogonal cosine transform of type II."""
    angles = math.pi / inputs * np.outer(np.arange(inputs) + 0.5, np.arange(outputs))
    return torch.from_numpy(math.sqrt(2.0 / inputs) * np.cos(angles))


def _mfcc(spectrogram, sample_rate, upper_frequency_limit, lower_frequency_limit, filterbank_channel_count,
          dct_coefficient_count):  # fmt: skip
    if spectrogram.dim() != 3:
        raise invalid(f"spectrogram must be 3-dimensional: {in_brackets(spectrogram.shape)}")
    if not isinstance(sample_rate, int):
        raise invalid(f"Input sample_rate should be a scalar tensor, got {in_brackets(np.shape(sample_rate))} instead.")
    count, outputs = filterbank_channel_count, dct_coefficient_count
    filters = _filters(spectrogram.shape[2], sample_rate, count, lower_frequency_limit, upper_frequency_limit)
    if filters is None or not 1 <= outputs <= count:
        raise invalid(f"Mfcc initialization failed for channel count {spectrogram.shape[2]} and sample rate "
                      f"{sample_rate}: {count} filters from {lower_frequency_limit} to {upper_frequency_limit} Hz, "
                      f"{outputs} coefficients")  # fmt: skip
    if not filters.shape[1]:
        # TensorFlow's answer where the spectrogram does not reach as far as the filters.
        return spectrogram.new_zeros(*spectrogram.shape[:2], outputs)
    energy = spectrogram.double().sqrt() @ filters.to(spectrogram.device)
    return (energy.clamp(min=_LEAST_ENERGY).log() @ _cosines(count, outputs).to(spectrogram.device)).float()


def _mfcc_shape(op):
    channels, pieces, _ = with_rank(op._inputs[0].dims, 3)
    with_rank(op._inputs[1].dims, 0)
    return [(channels, pieces, op.attrs["dct_coefficient_count"])]


define_op(
    "Mfcc", "spectrogram: float, sample_rate: int32 -> output: float",
    "upper_frequency_limit: float = 4000, lower_frequency_limit: float = 20, filterbank_channel_count: int = 40, "
    "dct_coefficient_count: int = 13", shape=_mfcc_shape, kernel=_mfcc, host="sample_rate",
)  # fmt: skip
