"""Short-time Fourier transforms: the spectra of a signal's frames, and the signal of spectra."""

import numpy as np

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.ops.arithmetic import maximum
from reflow.ops.arithmetic import pow as pow_
from reflow.ops.casting import cast
from reflow.ops.constant import constant, zeros
from reflow.ops.fft import irfft, rfft
from reflow.ops.joining import concat
from reflow.ops.padding import pad, tile
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import rank, reshape, shape
from reflow.ops.signal_frames import frame, overlap_and_add
from reflow.ops.signal_windows import hann_window


@export("signal.stft")
def stft(signals, frame_length, frame_step, fft_length=None, window_fn=hann_window, pad_end=False, name=None):
    """The Fourier transforms of a signal's overlapping frames.

    Args:
      signals: a float32 tensor [..., samples].
      frame_length: integer scalar: how many samples a frame has.
      frame_step: integer scalar: how many samples lie between the starts of two frames.
      fft_length: integer scalar: the length of the transform; the least power of two that a frame fits in if None.
      window_fn: `(frame_length, dtype=...) -> window` that frames are multiplied with; None for no window.
      pad_end: pad the end, so that a frame starts at every step.
      name: a name scope for the operations.

    Returns:
      A complex64 tensor [..., frames, fft_length // 2 + 1].

    Raises:
      ValueError: if `signals` is a scalar, or another argument none.
    """
    with name_scope(name, "stft", [signals, frame_length, frame_step]):
        signals = to_tensor(signals, name="signals")
        signals.shape.with_rank_at_least(1)
        frame_length = _scalar(frame_length, "frame_length")
        frame_step = _scalar(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _enclosing_power_of_two(frame_length)
        else:
            fft_length = to_tensor(fft_length, name="fft_length")
        frames = frame(signals, frame_length, frame_step, pad_end=pad_end)
        if window_fn is not None:
            frames *= window_fn(frame_length, dtype=frames.dtype)
        return rfft(frames, [fft_length])


def _scalar(value, name):
    tensor = to_tensor(value, name=name)
    tensor.shape.assert_has_rank(0)
    return tensor


def _enclosing_power_of_two(value):
    """The least power of two that is not less."""
    known = constant_value(value)
    if known is not None:
        return constant(int(2 ** np.ceil(np.log(known) / np.log(2.0))), value.dtype.base_dtype)
    exponent = call("Ceil", call("Log", cast(value, float32)) / call("Log", 2.0))
    return cast(pow_(2.0, exponent), value.dtype.base_dtype)


@export("signal.inverse_stft_window_fn")
def inverse_stft_window_fn(frame_step, forward_window_fn=hann_window, name=None):
    """The window for `inverse_stft` that makes up for the window of `stft` (Griffin and Lim 1984).

    Args:
      frame_step: integer scalar: how many samples lie between the starts of two frames.
      forward_window_fn: the `window_fn` of `stft`.
      name: a name scope for the operations.

    Returns:
      A function `(frame_length, dtype) -> window`, for the argument `window_fn` of `inverse_stft`.
    """
    with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
        frame_step = _scalar(frame_step, "frame_step")

    def window_fn(frame_length, dtype):
        with name_scope(name, "inverse_stft_window_fn", [forward_window_fn]):
            frame_length = _scalar(frame_length, "frame_length")
            window = forward_window_fn(frame_length, dtype=dtype)
            squares = call("Square", window)
            overlaps = -(-frame_length // frame_step)
            squares = pad(squares, [(0, overlaps * frame_step - frame_length)])
            squares = reshape(squares, [overlaps, frame_step])
            total = tile(reduce_sum(squares, 0, keepdims=True), [overlaps, 1])
            return window / reshape(total, [overlaps * frame_step])[:frame_length]

    return window_fn


@export("signal.inverse_stft")
def inverse_stft(stfts, frame_length, frame_step, fft_length=None, window_fn=hann_window, name=None):
    """The signal whose frames have these Fourier transforms: frames are windowed and added up where they overlap.

    Args:
      stfts: a complex64 tensor [..., frames, fft_length // 2 + 1].
      frame_length: integer scalar: how many samples a frame has.
      frame_step: integer scalar: how many samples lie between the starts of two frames.
      fft_length: integer scalar: the length of the transform; the least power of two that a frame fits in if None.
      window_fn: `(frame_length, dtype=...) -> window`, see `inverse_stft_window_fn`; None for no window.
      name: a name scope for the operations.

    Returns:
      A float32 tensor [..., samples].

    Raises:
      ValueError: if the rank of `stfts` is less than 2, or another argument is no scalar.
    """
    with name_scope(name, "inverse_stft", [stfts]):
        stfts = to_tensor(stfts, name="stfts")
        stfts.shape.with_rank_at_least(2)
        frame_length = _scalar(frame_length, "frame_length")
        frame_step = _scalar(frame_step, "frame_step")
        if fft_length is None:
            fft_length = _enclosing_power_of_two(frame_length)
        else:
            fft_length = _scalar(fft_length, "fft_length")
        frames = _of_length(irfft(stfts, [fft_length]), frame_length)
        if window_fn is not None:
            frames *= window_fn(frame_length, dtype=stfts.dtype.real_dtype)
        return overlap_and_add(frames, frame_step)


def _of_length(frames, frame_length):
    """The frames cut or padded with zeros to a length."""
    known = constant_value(frame_length)
    dims = frames.dims
    if known is None or dims is None or dims[-1] is None:
        frames = _cut_or_padded(frames, frame_length)
    elif dims[-1] > known:
        frames = frames[..., :known]
    elif dims[-1] < known:
        frames = pad(frames, [[0, 0]] * (len(dims) - 1) + [[0, int(known) - dims[-1]]])
    if known is not None and frames.dims is not None:
        frames.set_shape([None] * (len(frames.dims) - 1) + [int(known)])
    return frames


def _cut_or_padded(frames, frame_length):
    frames = frames[..., :frame_length]
    frames_rank, sizes = rank(frames), shape(frames)
    outer = zeros([frames_rank - 1, 2], dtype=frame_length.dtype.base_dtype)
    return pad(frames, concat([outer, [[0, maximum(0, frame_length - sizes[-1])]]], 0))
