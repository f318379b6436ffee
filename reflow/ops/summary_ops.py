"""Summary ops: their output is a serialized Summary proto, a string scalar."""

import io
import sys
import wave

import numpy as np
import torch
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata

from reflow.graph import errors
from reflow.graph.dtypes import DType
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import scalar
from reflow.ops.torch_types import FROM_TORCH, array_of


def _serialized(summary: Summary) -> np.ndarray:
    return np.array(summary.SerializeToString(), object)


def _define_summary(name: str, signature: str, attrs: str, kernel) -> None:
    define_op(name, f"{signature} -> summary: string", attrs, shape=scalar, kernel=kernel, gradient=None)


def _numbers(tensor) -> np.ndarray:
    return array_of(tensor).astype(np.float64)


# --- scalars and histograms -----------------------------------------------------------------------------------------


def _scalar_summary(tags, values):
    numbers = _numbers(values)
    if tags.shape != numbers.shape:
        raise errors.InvalidArgumentError(None, None, f"tags and values not the same shape: {list(tags.shape)} != "
                                          f"{list(numbers.shape)}")  # fmt: skip
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
    proto = HistogramProto(num=flat.size, sum=flat.sum(), sum_squares=(flat * flat).sum())
    proto.min = flat.min() if flat.size else sys.float_info.max
    proto.max = flat.max() if flat.size else -sys.float_info.max
    counts = np.bincount(np.searchsorted(_LIMITS, flat, side="right"), minlength=_LIMITS.size)[: _LIMITS.size]
    # A bucket is written if it holds something, or if it ends a run of empty ones.
    filled = counts > 0
    written = filled | np.append(filled[1:], True)
    proto.bucket_limit.extend(_LIMITS[written])
    proto.bucket.extend(counts[written])
    return proto


def _histogram_summary(tag, values):
    numbers = _numbers(values)
    name = tag.item().decode()
    if np.isnan(numbers).any():
        raise errors.InvalidArgumentError(None, None, f"Nan in summary histogram for: {name}")
    if np.isinf(numbers).any():
        raise errors.InvalidArgumentError(None, None, f"Infinity in summary histogram for: {name}")
    return _serialized(Summary(value=[Summary.Value(tag=tag.item(), histo=histogram_proto(numbers))]))


_define_summary("HistogramSummary", "tag: string, values: T", "T: type in real = float", _histogram_summary)


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

    Pixels with a value that is not finite take `bad_color`.
    """
    finite = np.isfinite(image)
    good = image[finite]
    low, high = (good.min(), good.max()) if good.size else (0.0, 0.0)
    tiny = 1e-6
    if low < 0:
        largest = max(-low, high)
        scale, offset = (0.0 if largest < tiny else 127.0 / largest), 128.0
    else:
        scale, offset = (0.0 if high < tiny else 255.0 / high), 0.0
    scaled = np.where(finite, image, 0) * np.float32(scale) + np.float32(offset)
    result = scaled.astype(np.uint8)
    result[~finite.all(axis=2)] = bad_color[: image.shape[2]]
    return result


def _image_summary(tag, tensor, max_images, bad_color):
    images = array_of(tensor)
    if images.ndim != 4 or images.shape[3] not in _MODES:
        raise errors.InvalidArgumentError(None, None, "Tensor must be 4-D with last dim 1, 3, or 4, not "
                                          f"{list(images.shape)}")  # fmt: skip
    base = tag.item().decode()
    summary = Summary()
    for i, image in enumerate(images[:max_images]):
        if image.dtype != np.uint8:
            image = _to_bytes_image(image.astype(np.float32), np.asarray(bad_color).astype(np.uint8))
        name = f"{base}/image/{i}" if max_images > 1 else f"{base}/image"
        height, width, depth = image.shape
        summary.value.add(tag=name).image.MergeFrom(Summary.Image(
            height=height, width=width, colorspace=depth, encoded_image_string=encode_png(image)))  # fmt: skip
    return _serialized(summary)


define_op(
    "ImageSummary", "tag: string, tensor: T -> summary: string",
    "max_images: int >= 1 = 3, T: type in uint8|float|half|double = float, bad_color: tensor = [255, 0, 0, 255]",
    shape=scalar, kernel=_image_summary, gradient=None,
)  # fmt: skip


# --- audio ----------------------------------------------------------------------------------------------------------


def encode_wav(samples: np.ndarray, sample_rate: int) -> bytes:
    """Float samples [frames, channels] in -1..1 as a 16-bit WAV file; louder ones are clipped."""
    scaled = np.clip(np.round(samples * np.float32(1 << 15)), -(1 << 15), (1 << 15) - 1).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(scaled.tobytes())
    return buffer.getvalue()


def _audio_summary(tag, tensor, sample_rate, max_outputs):
    clips = array_of(tensor)
    if clips.ndim not in (2, 3):
        raise errors.InvalidArgumentError(None, None, f"Tensor must be 3-D or 2-D, got: {list(clips.shape)}")
    clips = clips if clips.ndim == 3 else clips[:, :, None]
    base = tag.item().decode()
    rate = float(sample_rate)
    if rate <= 0:
        raise errors.InvalidArgumentError(None, None, "sample_rate must be > 0")
    summary = Summary()
    for i, clip in enumerate(clips[:max_outputs]):
        name = f"{base}/audio/{i}" if max_outputs > 1 else f"{base}/audio"
        summary.value.add(tag=name).audio.MergeFrom(Summary.Audio(
            sample_rate=rate, num_channels=clip.shape[1], length_frames=clip.shape[0], content_type="audio/wav",
            encoded_audio_string=encode_wav(clip, int(rate))))  # fmt: skip
    return _serialized(summary)


_define_summary("AudioSummary", "tag: string, tensor: float", "sample_rate: float, max_outputs: int >= 1 = 3",
                _audio_summary)  # fmt: skip
_define_summary("AudioSummaryV2", "tag: string, tensor: float, sample_rate: float", "max_outputs: int >= 1 = 3",
                _audio_summary)  # fmt: skip


# --- tensors, merging -----------------------------------------------------------------------------------------------


def _tensor_proto(tensor):
    from reflow.graph.tensor_proto import ndarray_to_proto

    dtype = FROM_TORCH.get(tensor.dtype) if isinstance(tensor, torch.Tensor) else DType("string")
    return ndarray_to_proto(array_of(tensor), dtype)


def _tensor_summary(tensor):
    return _serialized(Summary(value=[Summary.Value(tensor=_tensor_proto(tensor))]))


def _tensor_summary_v2(tag, tensor, serialized_summary_metadata):
    metadata = SummaryMetadata.FromString(serialized_summary_metadata.item())
    return _serialized(Summary(value=[Summary.Value(tag=tag.item(), tensor=_tensor_proto(tensor), metadata=metadata)]))


_define_summary("TensorSummary", "tensor: T", 'T: type, description: string = "", labels: list(string) = [], '
                'display_name: string = ""', _tensor_summary)  # fmt: skip
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
