"""Sound as WAV files: DecodeWav, EncodeWav. One kind only: RIFF with linear 16-bit samples, as in TensorFlow.

The format: Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" (1991), chapter 3.
"""

import struct
from typing import NamedTuple

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import scalar, with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid

_FULL_SCALE = 1 << 15
_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1


class _Format(NamedTuple):
    """The fields of a chunk "fmt "."""

    encoding: int
    channels: int
    sample_rate: int
    bytes_per_second: int
    bytes_per_frame: int
    bits: int


class _Reader:
    """Walks over the bytes of a file."""

    def __init__(self, data: bytes):
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self.position + count
        if end > len(self.data):
            raise invalid("Data too short when trying to read string")
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def expect(self, text: bytes) -> None:
        """Step over `text`."""
        found = self.take(len(text))
        if found != text:
            raise invalid(f"Header mismatch: Expected {text.decode()} but found {found.decode('latin-1')}")

    def number(self) -> int:
        """The next four bytes as a number."""
        return struct.unpack("<I", self.take(4))[0]

    @property
    def at_end(self) -> bool:
        """True if nothing is left."""
        return self.position >= len(self.data)


# --- decoding -----------------------------------------------------------------------------------------------------


def _check_format(found: _Format) -> None:
    if found.encoding != 1:
        raise invalid(f"Bad audio format for WAV: Expected 1 (PCM), but got{found.encoding}")
    if found.bits != 16:
        raise invalid(f"Can only read 16-bit WAV files, but received {found.bits}")
    frame = (found.bits * found.channels + 7) // 8
    if found.bytes_per_frame != frame:
        raise invalid(f"Bad bytes per sample in WAV header: Expected {frame} but got {found.bytes_per_frame}")
    second = (found.bytes_per_frame * found.sample_rate) & _UINT32_MAX
    if found.bytes_per_second != second:
        raise invalid(f"Bad bytes per second in WAV header: Expected {second} but got {found.bytes_per_second} "
                      f"(sample_rate={found.sample_rate}, bytes_per_sample={found.bytes_per_frame})")  # fmt: skip


def _read_format(reader: _Reader) -> _Format:
    """Everything before the first chunk after "fmt "."""
    reader.expect(b"RIFF")
    reader.number()
    reader.expect(b"WAVE")
    reader.expect(b"fmt ")
    size = reader.number()
    if size not in (16, 18):
        raise invalid(f"Bad file size for WAV: Expected 16 or 18, but got{size}")
    found = _Format(*struct.unpack("<HHIIHH", reader.take(16)))
    _check_format(found)
    if size == 18:
        reader.take(2)
    return found


def _read_samples(reader: _Reader, found: _Format) -> np.ndarray:
    """The int16 samples, one row a moment, one column a channel."""
    samples = None
    while not reader.at_end:
        name, size = reader.take(4), reader.number()
        if size > _INT32_MAX:
            raise invalid(f"WAV data chunk '{name.decode('latin-1')}' is too large: {size} bytes, but the limit is "
                          f"{_INT32_MAX}")  # fmt: skip
        if name != b"data":
            reader.position += size
            continue
        if samples is not None:
            raise invalid("More than one data chunk found in WAV")
        if not found.bytes_per_frame:
            raise invalid("A WAV file of no channels has no samples")
        frames = size // found.bytes_per_frame
        data = reader.take(frames * found.bytes_per_frame)
        samples = np.frombuffer(data, "<i2").reshape(frames, found.channels)
    if samples is None:
        raise invalid("No data chunk found in WAV")
    return samples


def _decode(contents, desired_channels, desired_samples):
    if contents.ndim:
        raise invalid(f"contents must be scalar, got shape {in_brackets(contents.shape)}")
    reader = _Reader(contents.item())
    found = _read_format(reader)
    samples = _read_samples(reader, found)
    frames = len(samples) if desired_samples == -1 else desired_samples
    channels = found.channels if desired_channels == -1 else desired_channels
    # Channels that the file lacks repeat its last one; moments that it lacks are silent.
    samples = samples[:frames, np.minimum(np.arange(channels), found.channels - 1)]
    audio = np.zeros((frames, channels), np.float32)
    audio[: len(samples)] = samples
    return torch.from_numpy(audio / np.float32(_FULL_SCALE)), torch.tensor(found.sample_rate).to(torch.int32)


def _decoded_shape(op):
    with_rank(op._inputs[0].dims, 0)
    sizes = []
    for what in ("samples", "channels"):
        size = op.attrs[f"desired_{what}"]
        if size < -1:
            raise ValueError(f"{what} must be non-negative, got {size}")
        sizes.append(None if size == -1 else size)
    return [tuple(sizes), ()]


# --- encoding -----------------------------------------------------------------------------------------------------


def _encode(audio, sample_rate):
    if audio.dim() != 2:
        raise invalid(f"audio must be 2-dimensional{in_brackets(audio.shape)}")
    if not isinstance(sample_rate, int):
        raise invalid(f"Input sample_rate should be a scalar tensor, got {in_brackets(np.shape(sample_rate))} instead.")
    frames, channels = audio.shape
    if sample_rate <= 0:
        raise invalid(f"sample_rate must be in (0, 2^32), got: {sample_rate & (2**64 - 1)}")
    if not 0 < channels < 1 << 16:
        raise invalid(f"num_channels must be in (0, 2^16), got: {channels}")
    if not frames:
        raise invalid("num_frames must be positive.")
    scaled = audio.numpy() * np.float32(_FULL_SCALE)
    rounded = np.copysign(np.floor(np.abs(scaled) + np.float32(0.5)), scaled)
    samples = rounded.clip(-_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()
    frame = 2 * channels
    layout = struct.pack("<HHIIHH", 1, channels, sample_rate, sample_rate * frame & _UINT32_MAX, frame & 0xFFFF, 16)
    file = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(samples)) + samples
    return np.array(b"RIFF" + struct.pack("<I", len(file)) + file, object)


def _encoded_shape(op):
    with_rank(op._inputs[0].dims, 2)
    with_rank(op._inputs[1].dims, 0)
    return scalar(op)


# --- ops ----------------------------------------------------------------------------------------------------------

define_op(
    "DecodeWav", "contents: string -> audio: float, sample_rate: int32",
    "desired_channels: int = -1, desired_samples: int = -1", shape=_decoded_shape, kernel=_decode,
)  # fmt: skip
define_op("EncodeWav", "audio: float, sample_rate: int32 -> contents: string", shape=_encoded_shape, kernel=_encode,
          host="sample_rate")  # fmt: skip


@export("audio.decode_wav")
def decode_wav(contents, desired_channels=-1, desired_samples=-1, name=None):
    """The sound in a WAV file of 16-bit samples.

    Args:
      contents: string scalar, the file's bytes.
      desired_channels: how many channels to return; those that the file lacks repeat its last one. -1: the file's own.
      desired_samples: how many samples a channel to return: cut, or filled up with zeros. -1: the file's own.
      name: the node's name.

    Returns:
      (audio, sample_rate): float32 [samples, channels] between -1 and 1, and an int32 scalar.

    Raises:
      ValueError: for negative numbers other than -1.
      InvalidArgumentError: when run, for what is no such file.
    """
    return call("DecodeWav", contents, desired_channels=desired_channels, desired_samples=desired_samples, name=name)


@export("audio.encode_wav")
def encode_wav(audio, sample_rate, name=None):
    """The WAV file of 16-bit samples that holds a sound.

    Args:
      audio: float32 [samples, channels]; what lies outside of -1 to 1 is cut off.
      sample_rate: int32 scalar, samples a second.
      name: the node's name.

    Returns:
      A string scalar, the file's bytes.
    """
    return call("EncodeWav", audio, sample_rate, name=name)
