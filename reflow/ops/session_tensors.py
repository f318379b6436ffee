"""Tensors that a session keeps from one run to the next, without a detour through NumPy."""

import itertools
from typing import Any

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import colocate_with, device
from reflow.graph.device import canonical_name
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.ops.placeholder import placeholder
from reflow.ops.shape_rules import no_outputs, scalar, unknown
from reflow.ops.torch_types import FROM_TORCH, array_of, name_in_messages


class SessionTensors:
    """The tensors that one session keeps, by handle: "name of the operation;number;device"."""

    def __init__(self):
        self._values: dict[bytes, object] = {}
        self._numbers = itertools.count()

    def keep(self, name: str, value) -> "TensorHandle":
        """Keep a tensor or string array until the handle that is returned is forgotten."""
        place = f"GPU:{value.device.index}" if isinstance(value, torch.Tensor) and value.is_cuda else "CPU:0"
        text = f"{name};{next(self._numbers)};/job:localhost/replica:0/task:0/device:{place}"
        self._values[text.encode()] = value
        return TensorHandle(text, self)

    def find(self, handle: bytes):
        """The tensor behind a handle.

        Raises:
          InvalidArgumentError: if there is none.
        """
        value = self._values.get(handle)
        if value is None:
            raise errors.InvalidArgumentError(
                None, None, f"The tensor with handle {_quoted(handle)} is not in the session store.")  # fmt: skip
        return value

    def delete(self, handle: bytes) -> None:
        """Free the tensor behind a handle.

        Raises:
          InvalidArgumentError: if there is none.
        """
        if self._values.pop(handle, None) is None:
            raise errors.InvalidArgumentError(
                None, None, f"Failed to delete a tensor with handle {_quoted(handle)} in the session store."
            )  # fmt: skip

    def discard(self, handle: bytes) -> None:
        """Free the tensor behind a handle, if there is one."""
        self._values.pop(handle, None)


def _quoted(handle: bytes) -> str:
    return f"'{handle.decode(errors='replace')}'"


class TensorHandle:
    """Stands for a tensor that a session keeps: what a run gives for a fetched `tf.get_session_handle(...)`.

    The session frees the tensor once the program has no handle of it any more. A handle may be fed for a tensor.
    """

    def __init__(self, handle: str, tensors: SessionTensors):
        self._handle = handle
        self._tensors = tensors
        self._is_owner = True

    def __del__(self):
        if self._is_owner:
            self._tensors.discard(self._handle.encode())

    def __str__(self):
        return self._handle

    @property
    def handle(self):
        """The handle as a string, which is fed to what `tf.get_session_tensor` returns."""
        return self._handle

    @property
    def value(self):
        """The tensor itself, a torch.Tensor or an array of strings."""
        if not self._is_owner:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")
        return self._tensors.find(self._handle.encode())

    def eval(self):
        """The value, as a NumPy array or scalar.

        Raises:
          TypeError: after `delete` or `get_raw_handle`.
          InvalidArgumentError: if `tf.delete_session_tensor` has freed it.
        """
        return np.array(array_of(self.value))[()]

    def delete(self):
        """Free the tensor now.

        Raises:
          TypeError: after `delete` or `get_raw_handle`.
          InvalidArgumentError: if `tf.delete_session_tensor` has freed it.
        """
        if not self._is_owner:
            raise TypeError(f"Persistent tensor {self._handle} may have already been deleted.")
        self._is_owner = False
        self._tensors.delete(self._handle.encode())

    def get_raw_handle(self):
        """The handle as a string; from now on it is the program that has to free the tensor."""
        self._is_owner = False
        return self._handle


def type_of(value) -> dtypes.DType:
    """The type of a kept tensor."""
    return FROM_TORCH[value.dtype] if isinstance(value, torch.Tensor) else dtypes.string


class HandleText(bytes):
    """The handle of a kept tensor as the string that flows in a graph; the tensor lives as long as this does."""

    def __new__(cls, handle: TensorHandle):
        text = super().__new__(cls, str(handle).encode())
        text.tensor_handle = handle
        return text


# --- ops --------------------------------------------------------------------------------------------------------------


def _store(resources, name, attrs):
    return resources.get_or_create("session tensors", b"", "", SessionTensors), name


def _get_handle(store, value):
    tensors, name = store
    kept = value.clone() if isinstance(value, torch.Tensor) else np.array(value)
    return np.array(HandleText(tensors.keep(name, kept)), object)


def _get_tensor(store, handle, dtype):
    value = store[0].find(handle.item())
    found, wanted = type_of(value), FROM_TORCH.get(dtype, dtype)
    if wanted is not found:
        raise errors.InternalError(None, None, f"Output 0 of type {name_in_messages(found)} does not match declared "
                                   f"output type {name_in_messages(wanted)}")  # fmt: skip
    return value.clone() if isinstance(value, torch.Tensor) else np.array(value)


def _delete(store, handle):
    store[0].delete(handle.item())


_RULES: dict[str, Any] = {"is_stateful": True, "resource": _store, "gradient": None}
define_op("GetSessionHandle", "value: T -> handle: string", "T: type", shape=scalar, kernel=_get_handle, **_RULES)
define_op("GetSessionHandleV2", "value: T -> handle: resource", "T: type", shape=scalar, kernel=_get_handle, **_RULES)
define_op("GetSessionTensor", "handle: string -> value: dtype", "dtype: type", shape=unknown, kernel=_get_tensor,
          **_RULES)  # fmt: skip
define_op("DeleteSessionTensor", "handle: string ->", shape=no_outputs, kernel=_delete, **_RULES)


# --- functions --------------------------------------------------------------------------------------------------------


@export("get_session_handle")
def get_session_handle(data, name=None):
    """A handle of a tensor, by which the session keeps its value for later runs.

    Args:
      data: a Tensor.
      name: the node's name.

    Returns:
      A string scalar; a session that runs it gives a TensorHandle.

    Raises:
      TypeError: if `data` is no Tensor.
    """
    if not isinstance(data, Tensor):
        raise TypeError("`data` must be of type Tensor.")
    with colocate_with(data):
        return call("GetSessionHandle", data, name=name)


@export("get_session_tensor")
def get_session_tensor(handle, dtype, name=None):
    """The tensor behind a handle.

    Args:
      handle: the handle of a kept tensor, a string, which tells the device.
      dtype: the type of the tensor.
      name: the node's name.

    Returns:
      (a placeholder to be fed with the handle, the Tensor).
    """
    with _device_of(handle):
        holder = placeholder(dtypes.string)
        return holder, call("GetSessionTensor", holder, dtype=dtype, name=name)


@export("delete_session_tensor")
def delete_session_tensor(handle, name=None):
    """The operation that frees the tensor behind a handle.

    Args:
      handle: the handle of a kept tensor, a string, which tells the device.
      name: the node's name.

    Returns:
      (a placeholder to be fed with the handle, the Operation).
    """
    with _device_of(handle):
        holder = placeholder(dtypes.string)
        return holder, call("DeleteSessionTensor", holder, name=name)


def _device_of(handle):
    text = handle.decode() if isinstance(handle, bytes) else str(handle)
    return device(canonical_name(text.split(";")[-1]))
