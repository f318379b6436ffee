"""Summary ops: their output is a serialized Summary proto, a string scalar."""

import io
import sys
import wave

import numpy as np
import torch
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes, errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import TensorShape, dims_in_brackets
from reflow.ops.shape_rules import scalar
from reflow.ops.torch_types import FROM_TORCH, array_of


def _serialized(summary: Summary) -> np.ndarray:
    return np.array(summary.SerializeToString(), object)


def _define_summary(name: str, signature: str, attrs: str, kernel, **options) -> None:
    define_op(name, f"{signature} -> summary: string", attrs, shape=scalar, kernel=kernel, gradient=None, **options)


def _numbers(tensor) -> np.ndarray:
    return array_of(tensor).astype(np.float64)


# --- scalars and histograms -----------------------------------------------------------------------------------------


def _scalar_summary(tags, values):
    numbers = _numbers(values)
    if tags.shape != numbers.shape:
        shapes = f"{dims_in_brackets(tags.shape)} != {dims_in_brackets(numbers.shape)}"
        only = f" (tag '{tags.item().decode()}')" if tags.size == 1 else ""
        raise errors.InvalidArgumentError(None, None, f"tags and values not the same shape: {shapes}{only}")
    rows = zip(tags.reshape(-1), numbers.reshape(-1), strict=True)
    return _serialized(Summary(value=[Summary.Value(tag=t, simple_value=v) for t, v in rows]))


_define_summary("ScalarSummary", "tags: string, values: T", "T: type in real", _scalar_summary)


def _bucket_limits() -> np.ndarray:
    """Limits that grow by 10 % from 1e-12 to 1e20, their negatives, zero, and the largest doubles."""
    limits, limit = [], 1e-12
    while limit < 1e20:
        limits.append(limit)
        limit *= 1.1
    limits.append(sys.float_info.max)
    return np.array([-x for x in reversed(limits)] + [0.0] + limits)


_LIMITS = _bucket_limits()


def histogram_proto(values: np.ndarray) -> HistogramProto:
    """The histogram of finite numbers over TensorFlow's default buckets; runs of empty buckets become one.

    Args:
      values: float64 array of any shape.
    """
    flat = values.reshape(-1)
    proto = HistogramProto(num=flat.size, sum=_in_order(flat), sum_squares=_in_order(flat * flat))
    # Of zeros of both signs the first one counts.
    proto.min = flat[flat.argmin()] if flat.size else sys.float_info.max
    proto.max = flat[flat.argmax()] if flat.size else -sys.float_info.max
    counts = np.bincount(np.searchsorted(_LIMITS, flat, side="right"), minlength=_LIMITS.size)[: _LIMITS.size]
    # A bucket is written if it holds something, or if it ends a run of empty ones.
    filled = counts > 0
    written = filled | np.append(filled[1:], True)
    proto.bucket_limit.extend(_LIMITS[written])
    proto.bucket.extend(counts[written])
    return proto


def _in_order(numbers: np.ndarray) -> float:
    """The sum as TensorFlow rounds it: one number after the other."""
    return np.add.accumulate(numbers)[-1] if numbers.size else 0.0


def histogram_summary(tag, values):
    """The serialized summary of a histogram: a kernel."""
    numbers = _numbers(values)
    name = tag.item().decode()
    if np.isnan(numbers).any():
        raise errors.InvalidArgumentError(None, None, f"Nan in summary histogram for: {name}")
    if np.isinf(numbers).any():
        raise errors.InvalidArgumentError(None, None, f"Infinity in summary histogram for: {name}")
    return _serialized(Summary(value=[Summary.Value(tag=tag.item(), histo=histogram_proto(numbers))]))


_define_summary("HistogramSummary", "tag: string, values: T", "T: type in real = float", histogram_summary)


# --- images ---------------------------------------------------------------------------------------------------------

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def encode_png(image: np.ndarray) -> bytes:
    """A uint8 image [height, width, 1, 3 or 4] as PNG."""
    depth = image.shape[2]
    buffer = io.BytesIO()
    Image.fromarray(image[:, :, 0] if depth == 1 else image, _MODES[depth]).save(buffer, "PNG")
    return buffer.getvalue()


def _to_bytes_image(image: np.ndarray, bad_color: np.ndarray) -> np.ndarray:
    """A float image scaled to 0..255: by its greatest value, or about 128 if it has negative ones.

    Pixels with a value that is not finite take `bad_color`, and do not count for the scale. As in TensorFlow, all is
    computed in the image's own type.
    """
    finite = np.isfinite(image).all(axis=2, keepdims=True)
    good = image[finite[..., 0]]
    low, high = map(np.float32, (good.min(), good.max()) if good.size else (0, 0))
    tiny = 1e-6
    if low < 0:
        largest = max(-low, high)
        scale, offset = (0.0 if largest < tiny else np.float32(127) / largest), 128.0
    else:
        scale, offset = (0.0 if high < tiny else np.float32(255) / high), 0.0
    scaled = np.where(finite, image, 0) * image.dtype.type(scale) + image.dtype.type(offset)
    result = scaled.astype(np.uint8)
    result[~finite[..., 0]] = bad_color[: image.shape[2]]
    return result


def image_summary(tag, tensor, max_images, bad_color):
    """The serialized summary of images: a kernel."""
    images = array_of(tensor)
    if images.ndim != 4 or images.shape[3] not in _MODES:
        raise errors.InvalidArgumentError(None, None, "Tensor must be 4-D with last dim 1, 3, or 4, not "
                                          f"{dims_in_brackets(images.shape)}")  # fmt: skip
    base = tag.item().decode()
    summary = Summary()
    for i, image in enumerate(images[:max_images]):
        if image.dtype != np.uint8:
            image = _to_bytes_image(image, np.asarray(bad_color).astype(np.uint8))
        name = f"{base}/image/{i}" if max_images > 1 else f"{base}/image"
        height, width, depth = image.shape
        summary.value.add(tag=name).image.MergeFrom(Summary.Image(
            height=height, width=width, colorspace=depth, encoded_image_string=encode_png(image)))  # fmt: skip
    return _serialized(summary)


define_op(
    "ImageSummary", "tag: string, tensor: T -> summary: string",
    "max_images: int >= 1 = 3, T: type in uint8|float|half|double = float, bad_color: tensor = [255, 0, 0, 255]",
    shape=scalar, kernel=image_summary, gradient=None,
)  # fmt: skip


# --- audio ----------------------------------------------------------------------------------------------------------


def encode_wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Float samples [frames, channels] in -1..1 as a 16-bit WAV file; louder ones are clipped."""
    scaled = samples.astype(np.float64) * (1 << 15)
    # Halves are rounded away from zero.
    rounded = np.trunc(scaled + np.copysign(0.5, scaled))
    integers = np.clip(rounded, -(1 << 15), (1 << 15) - 1).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(integers.tobytes())
    return buffer.getvalue()


def audio_summary(tag, tensor, sample_rate, max_outputs):
    """The serialized summary of clips of sound: a kernel."""
    clips = array_of(tensor)
    if clips.ndim not in (2, 3):
        raise errors.InvalidArgumentError(None, None, "Tensor must be 3-D or 2-D, got: "
                                          f"{dims_in_brackets(clips.shape)}")  # fmt: skip
    if tag.ndim:
        raise errors.InvalidArgumentError(None, None, "Tag must be a scalar")
    clips = clips if clips.ndim == 3 else clips[:, :, None]
    base = tag.item().decode()
    rate = float(sample_rate)
    if rate <= 0:
        raise errors.InvalidArgumentError(None, None, "sample_rate must be > 0")
    summary = Summary()
    if not clips[:max_outputs].size and len(clips):
        raise errors.InvalidArgumentError(None, None, "audio is null")
    for i, clip in enumerate(clips[:max_outputs]):
        name = f"{base}/audio/{i}" if max_outputs > 1 else f"{base}/audio"
        summary.value.add(tag=name).audio.MergeFrom(Summary.Audio(
            sample_rate=rate, num_channels=clip.shape[1], length_frames=clip.shape[0], content_type="audio/wav",
            encoded_audio_string=encode_wav(clip, round(rate))))  # fmt: skip
    return _serialized(summary)


_define_summary("AudioSummary", "tag: string, tensor: float", "sample_rate: float, max_outputs: int >= 1 = 3",
                audio_summary)  # fmt: skip
_define_summary("AudioSummaryV2", "tag: string, tensor: float, sample_rate: float", "max_outputs: int >= 1 = 3",
                audio_summary)  # fmt: skip


# --- tensors, merging -----------------------------------------------------------------------------------------------


def tensor_proto(tensor) -> TensorProto:
    """The tensor as this op spells it: numbers always as bytes."""
    array = array_of(tensor)
    proto = TensorProto(tensor_shape=TensorShape(array.shape).as_proto())
    if isinstance(tensor, torch.Tensor):
        proto.dtype = FROM_TORCH[tensor.dtype].as_datatype_enum
        proto.tensor_content = array.tobytes()
    else:
        proto.dtype = dtypes.string.as_datatype_enum
        proto.string_val.extend(array.reshape(-1))
    return proto


def _tensor_summary(node_name, tensor):
    return _serialized(Summary(value=[Summary.Value(node_name=node_name, tensor=tensor_proto(tensor))]))


def _tensor_summary_v2(tag, tensor, serialized_summary_metadata):
    if tag.ndim:
        raise errors.InvalidArgumentError(None, None, "tag must be scalar")
    metadata = SummaryMetadata.FromString(serialized_summary_metadata.item())
    return _serialized(Summary(value=[Summary.Value(tag=tag.item(), tensor=tensor_proto(tensor), metadata=metadata)]))


_define_summary("TensorSummary", "tensor: T", 'T: type, description: string = "", labels: list(string) = [], '
                'display_name: string = ""', _tensor_summary,
                resource=lambda resources, node_name, attrs: node_name)  # fmt: skip
_define_summary("TensorSummaryV2", "tag: string, tensor: T, serialized_summary_metadata: string", "T: type",
                _tensor_summary_v2)  # fmt: skip


def _merge_summary(inputs):
    merged, tags = Summary(), set()
    for serialized in inputs:
        for each in serialized.reshape(-1):
            for value in Summary.FromString(each).value:
                if value.tag and value.tag in tags:
                    raise errors.InvalidArgumentError(None, None, f"Duplicate tag {value.tag} found in summary inputs")
                tags.add(value.tag)
                merged.value.append(value)
    return _serialized(merged)


_define_summary("MergeSummary", "inputs: N*string", "N: int >= 1", _merge_summary)
