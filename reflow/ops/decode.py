"""Numbers out of bytes, and tensors as bytes: DecodeRaw, DecodeCompressed, SerializeTensor, ParseTensor and kin."""

import zlib

import numpy as np
import torch
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.tensor_proto import ndarray_to_proto, proto_to_ndarray
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_rules import constant_int, scalar, unchanged_shape, unknown, with_rank
from reflow.ops.strings import mapped
from reflow.ops.torch_types import FROM_TORCH, array_of, tensor_of

# --- raw bytes ----------------------------------------------------------------------------------------------------


def _numbers(data: bytes, shape, out_type: torch.dtype, little_endian: bool) -> torch.Tensor:
    rows = np.frombuffer(data, np.uint8).reshape(-1, out_type.itemsize)
    if out_type is torch.bool:
        return torch.from_numpy(rows != 0).reshape(shape)
    # The host is little-endian; of a complex number all bytes are reversed, not those of its parts.
    ordered = np.ascontiguousarray(rows if little_endian else rows[:, ::-1])
    return tensor_of(np.array(ordered).view(FROM_TORCH[out_type].np_dtype).reshape(shape))


def _decode_raw(bytes, out_type, little_endian):
    texts = bytes.reshape(-1).tolist()
    if not texts:
        return torch.zeros((*bytes.shape, 0), dtype=out_type)
    length = len(texts[0])
    for i, text in enumerate(texts):
        if len(text) != length:
            raise ValueError(f"DecodeRaw requires input strings to all be the same size, but element {i} has size "
                             f"{length} != {len(text)}")  # fmt: skip
    size = out_type.itemsize
    if length % size:
        raise ValueError(f"Input to DecodeRaw has length {length} that is not a multiple of {size}, the size of "
                         f"{FROM_TORCH[out_type].name}")  # fmt: skip
    return _numbers(b"".join(texts), (*bytes.shape, length // size), out_type, little_endian)


def _decode_padded(input_bytes, fixed_length, out_type, little_endian):
    size = out_type.itemsize
    if fixed_length <= 0:
        raise ValueError(f"fixed_length ({fixed_length}) must be greater than zero.")
    if fixed_length % size:
        raise ValueError(f"fixed_length ({fixed_length}) must be a multiple of the size of out_type ({size})")
    texts = [text[:fixed_length].ljust(fixed_length, b"\0") for text in input_bytes.reshape(-1).tolist()]
    return _numbers(b"".join(texts), (*input_bytes.shape, fixed_length // size), out_type, little_endian)


def _raw_shape(op):
    dims = op._inputs[0].dims
    return [None if dims is None else (*dims, None)]


def _padded_shape(op):
    dims, length, size = op._inputs[0].dims, constant_int(op._inputs[1]), op.attrs["out_type"].size
    if length is not None and length < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {length}")
    if length is not None and length % size:
        raise ValueError(f"Dimension size must be evenly divisible by {size} but is {length}")
    with_rank(op._inputs[1].dims, 0)
    return [None if dims is None else (*dims, None if length is None else length // size)]


define_op(
    "DecodeRaw", "bytes: string -> output: out_type",
    "out_type: type in half|float|double|int32|uint16|uint8|int16|int8|int64|complex64|complex128|bool, "
    "little_endian: bool = true",
    shape=_raw_shape, kernel=_decode_raw, gradient=None,
)  # fmt: skip
define_op(
    "DecodePaddedRaw", "input_bytes: string, fixed_length: int32 -> output: out_type",
    "out_type: type in half|float|double|int32|uint16|uint8|int16|int8|int64, little_endian: bool = true",
    shape=_padded_shape, kernel=_decode_padded, host="fixed_length", gradient=None,
)  # fmt: skip


@export("io.decode_raw", "decode_raw")
def decode_raw(input_bytes=None, out_type=None, little_endian=True, name=None, bytes=None):
    """The bytes of each string read as numbers.

    Args:
      input_bytes: a string tensor; all strings have one length.
      out_type: half, float32, float64, complex, bool or an integer type.
      little_endian: whether the lowest byte of a number comes first.
      name: the node's name.
      bytes: an older name of `input_bytes`.

    Returns:
      A tensor of `out_type` with one dimension more: the numbers of each string.

    Raises:
      ValueError: without `out_type`.
      InvalidArgumentError: when run, if the lengths differ, or are no multiple of a number's size.
    """
    input_bytes = renamed_argument("input_bytes", input_bytes, "bytes", bytes)
    if out_type is None:
        raise ValueError("decode_raw_v1() missing 1 positional argument: 'out_type'")
    return call("DecodeRaw", input_bytes, out_type=as_dtype(out_type), little_endian=little_endian, name=name)


# --- compressed bytes ---------------------------------------------------------------------------------------------

_WINDOW_BITS = {b"ZLIB": zlib.MAX_WBITS, b"GZIP": zlib.MAX_WBITS | 16}


def _decompressed(text: bytes, window_bits: int) -> bytes:
    try:
        return zlib.decompressobj(window_bits).decompress(text)
    except zlib.error as error:
        # zlib's module says "Error -3 while decompressing data: incorrect header check".
        code, _, reason = str(error).removeprefix("Error ").partition(" while decompressing data: ")
        raise errors.DataLossError(None, None, f"inflate() failed with error {code}: {reason}") from None


def _decode_compressed(bytes, compression_type):
    if not compression_type:
        return bytes
    if compression_type not in _WINDOW_BITS:
        raise ValueError("Only ZLIB, GZIP or NONE are supported compressions")
    return mapped(lambda text: _decompressed(text, _WINDOW_BITS[compression_type]), bytes)


define_op("DecodeCompressed", "bytes: string -> output: string", 'compression_type: string = ""',
          shape=unchanged_shape, kernel=_decode_compressed, aliases=(0,))  # fmt: skip


@export("io.decode_compressed", "decode_compressed")
def decode_compressed(bytes, compression_type="", name=None):
    """Each string decompressed.

    Args:
      bytes: a string tensor.
      compression_type: "" for none, "ZLIB" or "GZIP".
      name: the node's name.

    Returns:
      A string tensor shaped like `bytes`.

    Raises:
      DataLossError: when run, for malformed data.
    """
    return call("DecodeCompressed", bytes, compression_type=compression_type, name=name)


# --- tensors ------------------------------------------------------------------------------------------------------

# Nothing longer was ever serialized; a few malformed bytes that ask for more must not use up the memory.
_MOST_BYTES = 1 << 31


def _serialize(tensor, T):
    array = array_of(tensor)
    dtype = FROM_TORCH[T] if isinstance(T, torch.dtype) else T
    if dtype is dtypes.string:
        proto = ndarray_to_proto(array, dtype)
    else:
        proto = TensorProto(dtype=dtype.as_datatype_enum, tensor_content=array.tobytes())
        proto.tensor_shape.SetInParent()
        for size in array.shape:
            proto.tensor_shape.dim.add().size = size
    return np.array(proto.SerializeToString(), object)


def _parse(serialized, out_type):
    if serialized.ndim:
        raise ValueError(f"Expected `serialized` to be a scalar, got shape: {list(serialized.shape)}")
    try:
        proto = TensorProto.FromString(serialized.item())
    except DecodeError:
        raise ValueError("Could not parse `serialized` as TensorProto, length "
                         f"{len(serialized.item())}") from None  # fmt: skip
    wanted = out_type if isinstance(out_type, DType) else FROM_TORCH[out_type]
    found = dtypes.BY_ENUM.get(proto.dtype)
    if found is not wanted:
        raise ValueError(f"Type mismatch between parsed tensor ({found.name if found else proto.dtype}) and dtype "
                         f"({wanted.name})")  # fmt: skip
    array = proto_to_ndarray(proto)
    if array.size * array.dtype.itemsize > _MOST_BYTES:
        raise ValueError(f"The tensor has {array.size} elements, too many for a TensorProto")
    return tensor_of(array.copy())


define_op("SerializeTensor", "tensor: T -> serialized: string", "T: type", shape=scalar, kernel=_serialize,
          gradient=None)  # fmt: skip
define_op("ParseTensor", "serialized: string -> output: out_type", "out_type: type", shape=unknown, kernel=_parse,
          gradient=None)  # fmt: skip


@export("io.serialize_tensor", "serialize_tensor")
def serialize_tensor(tensor, name=None):
    """The bytes of the TensorProto of a tensor.

    Args:
      tensor: a tensor.
      name: the node's name.

    Returns:
      A string scalar.
    """
    return call("SerializeTensor", tensor, name=name)


@export("io.parse_tensor", "parse_tensor")
def parse_tensor(serialized, out_type, name=None):
    """The tensor whose TensorProto a string holds.

    Args:
      serialized: a string scalar.
      out_type: the tensor's type.
      name: the node's name.

    Returns:
      A tensor of unknown shape.

    Raises:
      InvalidArgumentError: when run, for malformed data or another type.
    """
    return call("ParseTensor", serialized, out_type=as_dtype(out_type), name=name)
