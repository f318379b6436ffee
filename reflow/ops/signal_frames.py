"""Signals cut into overlapping frames, and put together again."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.ops.arithmetic import floormod, maximum, minimum
from reflow.ops.constant import zeros, zeros_like
from reflow.ops.gathering import gather
from reflow.ops.joining import concat, split
from reflow.ops.padding import pad
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_max, reduce_sum
from reflow.ops.shape_ops import rank, reshape, shape, size
from reflow.ops.strided_slice import strided_slice

# --- frames -------------------------------------------------------------------------------------------------------


@export("signal.frame")
def frame(signal, frame_length, frame_step, pad_end=False, pad_value=0, axis=-1, name=None):
    """Overlapping frames of a signal.

    Args:
      signal: a tensor of rank 1 or more.
      frame_length: integer scalar: how many samples a frame has.
      frame_step: integer scalar: how many samples lie between the starts of two frames.
      pad_end: pad the end, so that a frame starts at every step, instead of leaving out frames that are not full.
      pad_value: scalar of the type of `signal` to pad with.
      axis: integer scalar: the axis of the samples.
      name: a name scope for the operations.

    Returns:
      A tensor with [frames, frame_length] in place of the axis.

    Raises:
      ValueError: if `signal` is a scalar, or another argument none.
    """
    with name_scope(name, "frame", [signal, frame_length, frame_step, pad_value]):
        signal = to_tensor(signal, name="signal")
        frame_length = to_tensor(frame_length, name="frame_length")
        frame_step = to_tensor(frame_step, name="frame_step")
        axis = to_tensor(axis, name="axis")
        signal.shape.with_rank_at_least(1)
        for scalar in (frame_length, frame_step, axis):
            scalar.shape.assert_has_rank(0)
        static_shape = _static_frames(signal, frame_length, frame_step, pad_end, axis)
        frames = _frames(signal, frame_length, frame_step, pad_end, pad_value, axis)
        if static_shape:
            frames.set_shape(static_shape)
        return frames


def _static_frames(signal, frame_length, frame_step, pad_end, axis):
    """What is known of the result's shape, as a list; None if nothing is."""
    length, step, axis = (constant_value(t) for t in (frame_length, frame_step, axis))
    if signal.dims is None:
        return None
    if axis is None:
        return [None] * (len(signal.dims) + 1)
    dims, axis = list(signal.dims), int(axis)
    samples, count = dims[axis], None
    if samples is not None and step is not None:
        if pad_end:
            count = max(0, -(-samples // int(step)))
        elif length is not None:
            count = max(0, (samples - int(length) + int(step)) // int(step))
    return dims[:axis] + [count, None if length is None else int(length)] + dims[axis:][1:]


def _frames(signal, frame_length, frame_step, pad_end, pad_value, axis):
    """Frames are gathered from shorter blocks, of which both a frame and a step have a whole number."""
    signal_rank = rank(signal)
    axis = range_(signal_rank)[axis]
    signal_shape = shape(signal)
    outer, samples, inner = split(signal_shape, [axis, 1, signal_rank - 1 - axis])
    samples = reshape(samples, [])
    outer_rank, inner_rank = size(outer), size(inner)
    if pad_end:
        pad_value = to_tensor(pad_value, signal.dtype.base_dtype)
        pad_value.shape.assert_has_rank(0)
        count = -(-samples // frame_step)
        missing = maximum(0, frame_length + frame_step * (count - 1) - samples)
        dtype = missing.dtype.base_dtype
        paddings = concat([zeros([outer_rank, 2], dtype), [[0, missing]], zeros([inner_rank, 2], dtype)], 0)
        signal = pad(signal, paddings, constant_values=pad_value)
        signal_shape = shape(signal)
        samples = signal_shape[axis]
    else:
        count = maximum(0, 1 + (samples - frame_length) // frame_step)
    block = _greatest_common_divisor(frame_length, frame_step)
    blocks_of_frame = frame_length // block
    blocks_of_step = frame_step // block
    block_count = samples // block
    whole = concat([outer, [block_count * block], inner], 0)
    split_shape = concat([outer, [block_count, block], inner], 0)
    blocks = reshape(strided_slice(signal, zeros_like(signal_shape), whole), split_shape)
    starts = reshape(range_(count) * blocks_of_step, [count, 1])
    offsets = reshape(range_(blocks_of_frame), [1, blocks_of_frame])
    chosen = starts + offsets
    return reshape(gather(blocks, chosen, axis=axis), concat([outer, [count, frame_length], inner], 0))


def _greatest_common_divisor(a, b):
    with name_scope("gcd"):
        known_a, known_b = constant_value(a), constant_value(b)
        if known_a is not None and known_b is not None:
            return to_tensor(np.gcd(known_a, known_b))
        candidates = range_(1, minimum(a, b) + 1)
        divides = call("LogicalAnd", call("Equal", floormod(a, candidates), 0),
                       call("Equal", floormod(b, candidates), 0))  # fmt: skip
        return reduce_max(call("Select", divides, candidates, zeros_like(candidates)))


# --- signals ------------------------------------------------------------------------------------------------------


@export("signal.overlap_and_add")
def overlap_and_add(signal, frame_step, name=None):
    """The signal that overlapping frames add up to.

    Args:
      signal: a tensor [..., frames, frame_length].
      frame_step: integer scalar: how many samples lie between the starts of two frames.
      name: a name scope for the operations.

    Returns:
      A tensor [..., frame_length + frame_step (frames - 1)] of the same type.

    Raises:
      ValueError: if the rank is less than 2, or `frame_step` is no integer scalar.
    """
    with name_scope(name, "overlap_and_add", [signal, frame_step]):
        signal = to_tensor(signal, name="signal")
        signal.shape.with_rank_at_least(2)
        frame_step = to_tensor(frame_step, name="frame_step")
        frame_step.shape.assert_has_rank(0)
        if not frame_step.dtype.is_integer:
            raise ValueError(f"frame_step must be an integer. Got {frame_step.dtype}")
        return _added(signal, frame_step)


def _added(signal, frame_step):
    """Frames are cut into segments as long as a step; shifted by padding, segments of one place are summed up."""
    signal_shape = shape(signal)
    outer = signal_shape[:-2]
    outer_rank = size(outer)

    def whole(inner_shape):
        return concat([outer, inner_shape], 0)

    length, count = signal_shape[-1], signal_shape[-2]
    samples = length + frame_step * (count - 1)
    step = constant_value(frame_step)
    if step is not None and signal.dims is not None and int(step) == signal.dims[-1]:
        return reshape(signal, whole([samples]), name="fast_path")
    segments = -(-length // frame_step)
    paddings = [[0, segments], [0, segments * frame_step - length]]
    paddings = concat([zeros([outer_rank, 2], dtypes.int32), paddings], 0)
    signal = reshape(pad(signal, paddings), whole([count + segments, segments, frame_step]))
    perm = concat([range_(outer_rank), outer_rank + [1, 0, 2]], 0)
    signal = transpose(signal, perm)
    signal = reshape(signal, whole([(count + segments) * segments, frame_step]))
    signal = signal[..., : (count + segments - 1) * segments, :]
    signal = reshape(signal, whole([segments, count + segments - 1, frame_step]))
    signal = reduce_sum(signal, -3)
    signal = reshape(signal, whole([(count + segments - 1) * frame_step]))
    return signal[..., :samples]
