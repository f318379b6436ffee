"""The value of a tensor list: what TensorList ops pass to each other as a scalar variant.

A list never changes, and shares no memory with the tensors that were put in and taken out; each op makes a new list.
"""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.shapes import Dims, dims_compatible, dims_in_brackets, merge_dims
from reflow.ops.tensor_array_state import empty as zeros
from reflow.ops.torch_types import FROM_TORCH, name_in_messages


def invalid(message: str) -> errors.InvalidArgumentError:
    """The exception for a mistake that the run shows."""
    return errors.InvalidArgumentError(None, None, message)


def copied(value):
    """A tensor (or string array) with memory of its own."""
    return value.clone() if isinstance(value, torch.Tensor) else value.copy()


def merged(a: Dims, b: Dims) -> Dims:
    """What two partial shapes say together.

    Raises:
      InvalidArgumentError: if they contradict each other.
    """
    try:
        return merge_dims(a, b)
    except ValueError:
        raise invalid("PartialTensorShape: Incompatible shapes during merge: "
                      f"{dims_in_brackets(a)} vs. {dims_in_brackets(b)}") from None  # fmt: skip


def type_name(dtype) -> str:
    """A torch.dtype or DType as messages name it."""
    return name_in_messages(FROM_TORCH.get(dtype, dtype))


class TensorList:
    """Tensors of one type whose shapes fit one partial shape; places that nobody wrote hold None.

    Args:
      dtype: a torch.dtype, or the DType where torch has none.
      dims: raw dims that every element has to fit.
      elements: tensors that belong to lists alone, or None.
      most: the greatest number of elements; -1 for any.
    """

    __slots__ = ("dtype", "dims", "elements", "most")

    def __init__(self, dtype, dims: Dims, elements: list, most: int = -1):
        self.dtype, self.dims, self.elements, self.most = dtype, dims, elements, most

    def with_elements(self, elements: list) -> "TensorList":
        """A list like this one with other elements."""
        return TensorList(self.dtype, self.dims, elements, self.most)

    def check(self, value, dtype, words: str) -> None:
        """Raise InvalidArgumentError for a value of another type, or of a shape that does not fit."""
        self.check_type(dtype)
        if not dims_compatible(tuple(value.shape), self.dims):
            raise invalid(f"{words} element shape: {dims_in_brackets(tuple(value.shape))} list shape: "
                          f"{dims_in_brackets(self.dims)}")  # fmt: skip

    def check_type(self, dtype) -> None:
        """Raise InvalidArgumentError if the elements are of another type."""
        if dtype != self.dtype:
            raise invalid(f"Invalid data types; op elements {type_name(dtype)} but list elements "
                          f"{type_name(self.dtype)}")  # fmt: skip

    def known_dims(self, dims: Dims) -> Dims:
        """What `dims`, the list and its elements say together of an element's shape."""
        dims = merged(dims, self.dims)
        for element in self.elements:
            if element is not None:
                dims = merged(dims, tuple(element.shape))
        return dims

    def element(self, index: int, dims: Dims):
        """A copy of one element; zeros of shape `dims` where nobody wrote, if the shape is known.

        Raises:
          InvalidArgumentError: if it is not.
        """
        found = self.elements[index]
        if found is not None:
            return copied(found)
        dims = self.known_dims(dims)
        if dims is None or None in dims:
            raise invalid("Trying to read an uninitialized tensor but element_shape is not fully defined: "
                          f"{dims_in_brackets(dims)} and no list element is set.")  # fmt: skip
        return zeros(self.dtype, dims)

    def stacked(self, indices, dims: Dims, verb: str):
        """The elements at `indices` along a new first axis.

        Raises:
          InvalidArgumentError: if they have different shapes, or none is known.
        """
        dims = self.known_dims(dims) if indices else merged(dims, self.dims)
        if dims is None or None in dims:
            shape = dims_in_brackets(dims)
            if indices:
                what = {"stack": "list which only contains uninitialized tensors and has a",
                        "gather": "uninitialized tensors from a list with"}[verb]  # fmt: skip
                raise invalid(f"Tried to {verb} {what} non-fully-defined element_shape: {shape}")
            if verb == "gather":
                raise invalid(f"Tried to gather 0-elements from a list with non-fully-defined shape: {shape}")
            raise invalid(f"Tried to stack elements of an empty list with non-fully-defined element_shape: {shape}")
        if not indices:
            return zeros(self.dtype, (0, *dims))
        elements = [self.elements[i] for i in indices]
        parts = [zeros(self.dtype, dims) if e is None else e for e in elements]
        return torch.stack(parts) if isinstance(parts[0], torch.Tensor) else np.stack(parts)

    def __add__(self, other):
        """Element by element: how gradients of lists add up."""
        if not isinstance(other, TensorList):
            return NotImplemented
        if self.dtype != other.dtype:
            raise invalid("Trying to add two lists of tensors of different dtypes. One is "
                          f"{type_name(self.dtype)} and the other is {type_name(other.dtype)}")  # fmt: skip
        if len(self.elements) != len(other.elements):
            raise invalid("Trying to add two lists of tensors with different lengths. One is "
                          f"{len(self.elements)} and the other is {len(other.elements)}")  # fmt: skip
        pairs = zip(self.elements, other.elements, strict=True)
        sums = [a + b if a is not None and b is not None else (b if a is None else a) for a, b in pairs]
        return TensorList(self.dtype, merged(self.dims, other.dims), sums, self.most)

    def zeros_like(self) -> "TensorList":
        """A list of zeros."""
        return self.with_elements([None if e is None else zeros(self.dtype, tuple(e.shape)) for e in self.elements])
