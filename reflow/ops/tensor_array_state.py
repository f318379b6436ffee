"""The array behind the TensorArray ops: made anew in every step."""

from typing import Any

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.shapes import Dims, dims_compatible, dims_in_brackets


def _fail(message: str):
    return errors.InvalidArgumentError(None, None, message)


class _Element:
    """A place of the array: its value, the shape that a missing value has, and what happened to it."""

    __slots__ = ("value", "dims", "is_written", "is_read", "is_cleared")

    def __init__(self, dims: Dims = None):
        self.value: Any = None
        self.dims = dims
        self.is_written = self.is_read = self.is_cleared = False


class TensorArrayState:
    """An array of tensors, each of which is written once; gradients are written any number of times and add up.

    Args:
      dtype: the torch.dtype of the elements, or the DType where torch has none.
      size: how many elements there are.
      dims: raw dims that every element has to fit.
      dynamic_size: grow where something is written behind the end.
      clear_after_read: forget an element once it was read.
      identical_shapes: all elements have the shape of the first one written.
      is_gradient: this array collects the gradients of another one.
    """

    def __init__(self, dtype, size: int, dims: Dims, dynamic_size: bool, clear_after_read: bool,
                 identical_shapes: bool, is_gradient: bool = False):  # fmt: skip
        if size < 0:
            raise _fail("Size should be >= 0.")
        self.dtype = dtype
        self.dims = dims
        self._elements = [_Element() for _ in range(size)]
        self._dynamic_size = dynamic_size
        self._clear_after_read = clear_after_read
        self._identical_shapes = identical_shapes
        self._is_gradient = is_gradient
        self._is_closed = False
        self._gradients: dict[bytes, TensorArrayState] = {}

    def __len__(self):
        self._check_open()
        return len(self._elements)

    def close(self) -> None:
        """Forget all elements; nothing can be read or written any more."""
        self._elements.clear()
        self._is_closed = True

    def gradient(self, source: bytes, prepended: tuple = ()) -> "TensorArrayState":
        """The array that collects the gradients of one call of `tf.gradients`; from now on this one does not grow.

        Args:
          source: names the call.
          prepended: what stands in front of the shapes of this array's elements.
        """
        self._check_open()
        self._dynamic_size = False
        if source not in self._gradients:
            dims = None if self.dims is None else (*prepended, *self.dims)
            array = TensorArrayState(self.dtype, len(self._elements), dims, False, False, self._identical_shapes, True)
            for element, ours in zip(array._elements, self._elements, strict=True):
                element.dims = None if ours.dims is None else (*prepended, *ours.dims)
            self._gradients[source] = array
        return self._gradients[source]

    def write(self, index: int, value) -> None:
        """Write an element.

        Raises:
          InvalidArgumentError: if there is no such element, it was written or read before, or the shape does not fit.
        """
        self._check_open()
        dims = tuple(value.shape)
        if index < 0 or index >= len(self._elements) and not self._dynamic_size:
            raise _fail(f"Tried to write to index {index} but array is not resizeable and size is: "
                        f"{len(self._elements)}")  # fmt: skip
        if not dims_compatible(self.dims, dims):
            raise _fail(f"Could not write to TensorArray index {index} because the value shape is "
                        f"{dims_in_brackets(dims)} which is incompatible with the TensorArray's inferred element "
                        f"shape: {dims_in_brackets(self.dims)} (consider setting infer_shape=False).")  # fmt: skip
        self._elements.extend(_Element() for _ in range(index + 1 - len(self._elements)))
        self._put(index, value, dims)

    def _put(self, index: int, value, dims: tuple) -> None:
        element = self._elements[index]
        if element.is_read:
            raise _fail(f"Could not write to TensorArray index {index} because it has already been read.")
        if element.is_written:
            if not self._is_gradient:
                raise _fail(f"Could not write to TensorArray index {index} because it has already been written to.")
            if tuple(element.value.shape) != dims:
                raise _fail(f"Could not aggregate to TensorArray index {index} because the existing shape is "
                            f"{dims_in_brackets(tuple(element.value.shape))} but the new input shape is "
                            f"{dims_in_brackets(dims)}.")  # fmt: skip
            element.value = element.value + value
            return
        if self._identical_shapes:
            self.dims = dims
        # A variable may change while the array holds its value.
        element.value = value.clone() if isinstance(value, torch.Tensor) else np.array(value)
        element.dims, element.is_written = dims, True

    def read(self, index: int):
        """An element; one that was not written is zeros if its shape is known.

        Raises:
          InvalidArgumentError: if there is no such element, its shape is not known, or it was cleared.
        """
        self._check_open()
        if not 0 <= index < len(self._elements):
            raise _fail(f"Tried to read from index {index} but array size is: {len(self._elements)}")
        element = self._elements[index]
        if element.is_cleared:
            raise _fail(f"Could not read index {index} twice because it was cleared after a previous read (perhaps try "
                        "setting clear_after_read = false?).")  # fmt: skip
        if not element.is_written:
            element.value = self._zeros(index, element.dims or self.dims)
            element.is_written = True
        value = element.value
        element.is_read = True
        if self._clear_after_read:
            element.value, element.is_cleared = None, True
        return value

    def _zeros(self, index: int, dims: Dims):
        if dims is None or None in dims:
            raise _fail(f"Could not read from TensorArray index {index}.  Furthermore, the element shape is not fully "
                        f"defined: {dims_in_brackets(dims)}.  It is possible you are working with a resizeable "
                        "TensorArray and stop_gradients is not allowing the gradients to be written.  If you set the "
                        "full element_shape property on the forward TensorArray, the proper all-zeros tensor will be "
                        "returned instead of incurring this error.")  # fmt: skip
        return empty(self.dtype, dims)

    def _check_open(self) -> None:
        if self._is_closed:
            raise _fail("TensorArray has already been closed.")


def empty(dtype, dims: tuple):
    """Zeros, or empty strings."""
    if isinstance(dtype, torch.dtype):
        return torch.zeros(dims, dtype=dtype)
    array = np.empty(dims, object)
    array.fill(b"")
    return array
