"""What `Session.run` accepts as feeds: keys to tensors, values to torch tensors of the right type and shape."""

import numpy as np
import torch

from reflow.engine.fetches import conversion_for
from reflow.engine.torch_devices import to_host
from reflow.graph import dtypes, errors, nest
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.shapes import dims_to_str
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.session_tensors import TensorHandle, type_of
from reflow.ops.torch_types import FROM_TORCH, name_in_messages, tensor_of


def feed_pairs(graph, feed_dict) -> list[tuple[Tensor, object]]:
    """Flatten a feed dict to pairs of a graph's tensor and its value.

    Raises:
      TypeError, ValueError: for a key that is no tensor of the graph, may not be fed, or occurs twice.
    """
    pairs: list[tuple[Tensor, object]] = []
    for key, value in nest.flatten_dict_items(feed_dict).items() if _has_nested_keys(feed_dict) else feed_dict.items():
        pairs.extend(_expand(key, value))
    resolved = []
    for key, value in pairs:
        try:
            tensor = graph.as_graph_element(key, allow_tensor=True, allow_operation=False)
        except (TypeError, ValueError, KeyError) as error:
            raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error.args[0]}") from None
        if not graph.is_feedable(tensor):
            raise ValueError(f"Tensor {tensor} may not be fed.")
        resolved.append((tensor, value))
    return resolved


def _has_nested_keys(feed_dict) -> bool:
    return any(isinstance(k, (tuple, list)) for k in feed_dict)


def _expand(key, value):
    if isinstance(key, SparseTensor):
        parts = value if isinstance(value, tuple) else (value.indices, value.values, value.dense_shape)
        return zip([key.indices, key.values, key.dense_shape], parts, strict=True)
    if isinstance(key, IndexedSlices):
        tensors = [t for t in (key.values, key.indices, key.dense_shape) if t is not None]
        parts = value if isinstance(value, tuple) else (value.values, value.indices, value.dense_shape)
        return zip(tensors, parts, strict=False)
    row = conversion_for(key)
    if row is not None and row[2] is not None:
        return row[2](key, value)
    return [(key, value)]


def feed_value(tensor: Tensor, value):
    """The torch tensor (or string array) for a fed value.

    Args:
      tensor: the tensor that is fed.
      value: a NumPy array, a Python value, a torch tensor, or the handle of a tensor that the session keeps.

    Raises:
      TypeError: if the value does not convert to the tensor's type.
      InvalidArgumentError: if the tensor behind the handle is of another type, or there is none.
      ValueError: if its shape does not fit the static shape.
    """
    dtype = tensor.dtype.base_dtype
    if isinstance(value, Tensor):
        raise TypeError("The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python "
                        "scalars, strings, lists, numpy ndarrays, or TensorHandles. For reference, the tensor object "
                        f"was {value} which was passed to the feed with key {tensor}.")  # fmt: skip
    if type(value) is TensorHandle:
        fed = to_host(_kept(value, dtype))
    elif isinstance(value, torch.Tensor):
        value = value.cpu() if value.is_cuda else value
        fed = value if FROM_TORCH.get(value.dtype) is dtype else tensor_of(_as_array(value.numpy(), dtype))
    elif dtype is dtypes.resource or dtype is dtypes.variant:
        return value
    else:
        array = value
        if type(array) is not np.ndarray or array.dtype != dtype.np_dtype or dtype is dtypes.string:
            array = _as_array(value, dtype)
        fed = tensor_of(array)
    dims = tensor.dims
    if dims is not None and fed.shape != dims and not _fits(fed.shape, dims):
        raise ValueError(f"Cannot feed value of shape {tuple(fed.shape)} for Tensor {tensor.name!r}, which has shape "
                         f"{dims_to_str(dims)!r}")  # fmt: skip
    return fed


def _kept(handle: TensorHandle, dtype):
    value = handle.value
    if type_of(value) is not dtype:
        raise errors.InvalidArgumentError(None, None, f"Expects arg[0] to be {name_in_messages(dtype)} but "
                                          f"{name_in_messages(type_of(value))} is provided")  # fmt: skip
    return value


def _as_array(value, dtype) -> np.ndarray:
    if isinstance(value, int) and dtype.is_integer and not dtype.min <= value <= dtype.max:
        raise TypeError(f"Type of feed value {value} with type {type(value)} is not compatible with Tensor type "
                        f"{dtype.as_numpy_dtype}. Try explicitly setting the type of the feed tensor to a larger type "
                        "(e.g. int64).")  # fmt: skip
    if dtype is dtypes.string:
        array = np.asarray(value, dtype=object)
        return np.asarray(np.frompyfunc(_as_bytes, 1, 1)(array), dtype=object) if array.size else array
    return np.asarray(value, dtype=dtype.np_dtype)


def _as_bytes(value) -> bytes:
    if isinstance(value, bytes):
        return bytes(value)
    return value.encode() if isinstance(value, str) else str(value).encode()


def _fits(shape, dims) -> bool:
    return len(shape) == len(dims) and all(d is None or d == s for s, d in zip(shape, dims, strict=True))
