"""The mel scale: weights that turn spectra into it, and mel-frequency cepstral coefficients."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.joining import split
from reflow.ops.padding import pad
from reflow.ops.ranges import linspace
from reflow.ops.shape_ops import expand_dims, reshape, shape
from reflow.ops.signal_cosine import dct
from reflow.ops.signal_frames import frame

# mel = 1127 ln(1 + hertz / 700) (O'Shaughnessy 1987).
_BREAK_HERTZ = 700.0
_HIGH_FREQUENCY_Q = 1127.0


def _hertz_to_mel(hertz):
    with name_scope(None, "hertz_to_mel", [hertz]):
        return _HIGH_FREQUENCY_Q * call("Log", 1.0 + to_tensor(hertz) / _BREAK_HERTZ)


@export("signal.linear_to_mel_weight_matrix")
def linear_to_mel_weight_matrix(num_mel_bins=20, num_spectrogram_bins=129, sample_rate=8000, lower_edge_hertz=125.0,
                                upper_edge_hertz=3800.0, dtype=dtypes.float32, name=None):  # fmt: skip
    """A matrix that turns linear spectra into mel spectra: triangles over bands that are even on the mel scale.

    The bin of frequency zero counts for nothing.

    Args:
      num_mel_bins: int: how many bands.
      num_spectrogram_bins: int: how many bins a linear spectrum has: fft_length // 2 + 1.
      sample_rate: samples a second: a number or a constant tensor.
      lower_edge_hertz: the lower edge of the first band.
      upper_edge_hertz: the upper edge of the last band.
      dtype: a float type.
      name: a name for the operations.

    Returns:
      A matrix [num_spectrogram_bins, num_mel_bins] of type `dtype`.

    Raises:
      ValueError: if an argument is out of range, the edges out of order, or `dtype` is no float type.
    """
    with name_scope(name, "linear_to_mel_weight_matrix") as scope:
        if isinstance(sample_rate, Tensor):
            sample_rate = constant_value(sample_rate)
            if sample_rate is None:
                raise ValueError("`sample_rate` was a non-constant Tensor. Must be a Python float or a constant "
                                 "Tensor.")  # fmt: skip
        _check_arguments(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype)
        sample_rate = to_tensor(sample_rate, dtype, "sample_rate")
        lower_edge_hertz = to_tensor(lower_edge_hertz, dtype, "lower_edge_hertz")
        upper_edge_hertz = to_tensor(upper_edge_hertz, dtype, "upper_edge_hertz")
        zero = to_tensor(0.0, dtype)
        frequencies = linspace(zero, sample_rate / 2.0, num_spectrogram_bins)[1:]
        bins = expand_dims(_hertz_to_mel(frequencies), 1)
        edges = frame(
            linspace(_hertz_to_mel(lower_edge_hertz), _hertz_to_mel(upper_edge_hertz), num_mel_bins + 2),
            frame_length=3, frame_step=1,
        )  # fmt: skip
        lower, center, upper = (reshape(edge, [1, num_mel_bins]) for edge in split(edges, 3, axis=1))
        rising = (bins - lower) / (center - lower)
        falling = (upper - bins) / (upper - center)
        return pad(maximum(zero, minimum(rising, falling)), [[1, 0], [0, 0]], name=scope)


def _check_arguments(num_mel_bins, sample_rate, lower_edge_hertz, upper_edge_hertz, dtype):
    if num_mel_bins <= 0:
        raise ValueError(f"num_mel_bins must be positive. Got: {num_mel_bins}")
    if sample_rate <= 0.0:
        raise ValueError(f"sample_rate must be positive. Got: {sample_rate}")
    if lower_edge_hertz < 0.0:
        raise ValueError(f"lower_edge_hertz must be non-negative. Got: {lower_edge_hertz}")
    if lower_edge_hertz >= upper_edge_hertz:
        raise ValueError(f"lower_edge_hertz {lower_edge_hertz:.1f} >= upper_edge_hertz {upper_edge_hertz:.1f}")
    if upper_edge_hertz > sample_rate / 2:
        raise ValueError("upper_edge_hertz must not be larger than the Nyquist frequency (sample_rate / 2). Got: "
                         f"{upper_edge_hertz} for sample_rate: {sample_rate}")  # fmt: skip
    if not dtype.is_floating:
        raise ValueError(f"dtype must be a floating point type. Got: {dtype}")


@export("signal.mfccs_from_log_mel_spectrograms")
def mfccs_from_log_mel_spectrograms(log_mel_spectrograms, name=None):
    """Mel-frequency cepstral coefficients: the cosine transform (type 2) of log mel spectra, divided by sqrt(2 n).

    Args:
      log_mel_spectrograms: a float32 tensor [..., num_mel_bins] of logarithms of mel spectra.
      name: a name scope for the operations.

    Returns:
      A float32 tensor of the same shape.

    Raises:
      ValueError: if there are no bins.
    """
    with name_scope(name, "mfccs_from_log_mel_spectrograms", [log_mel_spectrograms]):
        log_mel_spectrograms = to_tensor(log_mel_spectrograms, dtypes.float32)
        dims = log_mel_spectrograms.dims
        if dims and dims[-1] is not None:
            count = dims[-1]
            if not count:
                raise ValueError(f"num_mel_bins must be positive. Got: {log_mel_spectrograms}")
        else:
            count = shape(log_mel_spectrograms)[-1]
        return dct(log_mel_spectrograms, type=2) * call("Rsqrt", cast(count, dtypes.float32) * 2.0)
