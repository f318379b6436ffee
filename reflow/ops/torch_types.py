"""Between TensorFlow's types and torch's, and between NumPy arrays and torch tensors."""

import warnings

import ml_dtypes
import numpy as np
import torch
from tensorboard.compat.proto.types_pb2 import DataType

from reflow.graph import dtypes
from reflow.graph.dtypes import DType

# Arrays that a program feeds may be read-only; nothing here writes to what is fed.
warnings.filterwarnings("ignore", message="The given NumPy array is not writ")

_TO_TORCH: dict[DType, torch.dtype] = {
    dtypes.float32: torch.float32, dtypes.float64: torch.float64, dtypes.float16: torch.float16,
    dtypes.bfloat16: torch.bfloat16, dtypes.int8: torch.int8, dtypes.int16: torch.int16, dtypes.int32: torch.int32,
    dtypes.int64: torch.int64, dtypes.uint8: torch.uint8, dtypes.uint16: torch.uint16, dtypes.uint32: torch.uint32,
    dtypes.uint64: torch.uint64, dtypes.bool_: torch.bool, dtypes.complex64: torch.complex64,
    dtypes.complex128: torch.complex128,
}  # fmt: skip
FROM_TORCH: dict[torch.dtype, DType] = {t: d for d, t in _TO_TORCH.items()}
# Quantized types run as the plain integers that hold them.
_TO_TORCH |= {
    dtypes.qint8: torch.int8, dtypes.quint8: torch.uint8, dtypes.qint16: torch.int16, dtypes.quint16: torch.uint16,
    dtypes.qint32: torch.int32,
}  # fmt: skip
_TO_TORCH |= {d._ref: t for d, t in list(_TO_TORCH.items())}


def to_torch(dtype: DType):
    """The torch.dtype that holds a DType; the DType itself (string, resource, variant) where torch has none."""
    return _TO_TORCH.get(dtype, dtype)


def name_in_messages(dtype: DType) -> str:
    """The name of a type in the messages of TensorFlow's kernels: "float" for float32."""
    return DataType.Name(dtype.as_datatype_enum).removeprefix("DT_").lower()


def tensor_of(array: np.ndarray):
    """A torch tensor over an array's memory, or the array itself if it holds strings."""
    kind = array.dtype.kind
    if kind == "O":
        return array
    if array.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(np.ascontiguousarray(array).view(np.int16)).view(torch.bfloat16).reshape(array.shape)
    if kind == "V":
        array = array.view(array.dtype[0])
    if any(s < 0 for s in array.strides):
        array = array.copy()
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return torch.from_numpy(array) if array.ndim else torch.from_numpy(array.reshape(1)).reshape(())


def array_of(tensor) -> np.ndarray:
    """The NumPy array over a torch tensor's memory; arrays (strings) and other objects come back unchanged."""
    if not isinstance(tensor, torch.Tensor):
        return tensor
    if tensor.is_conj() or tensor.is_neg():
        tensor = tensor.resolve_conj().resolve_neg()
    if tensor.dtype is torch.bfloat16:
        return tensor.contiguous().view(torch.int16).cpu().numpy().view(ml_dtypes.bfloat16)
    return tensor.cpu().numpy()
