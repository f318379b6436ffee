"""Checks of many tensors at once: of an update's variables, slots and gradients, which would take 3 us a variable."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import torch

from reflow.ops.native import extensions

_SOURCE = Path(__file__).with_name("columns.cpp")
Column = list[torch.Tensor]


def have_one_shape(columns: Sequence[Column]) -> bool:
    """Whether the tensors at each place of the columns have one shape."""
    extension = extensions.load(_SOURCE)
    if extension is not None:
        return extension.have_one_shape(*columns)
    return all(tensor.shape == row[0].shape for row in zip(*columns, strict=True) for tensor in row)


def addresses(columns: Sequence[Column]):
    """What a function in C gets of columns of float32 tensors.

    Returns:
      (the pointers of all tensors, column by column; the counts of elements of those of the first column), as arguments
      for `ctypes`; None if a tensor is of another type, on another device, or not contiguous.
    """
    extension = extensions.load(_SOURCE)
    if extension is not None:
        return extension.addresses(*columns)
    tensors = [tensor for column in columns for tensor in column]
    if not all(t.dtype is torch.float32 and t.is_cpu and t.is_contiguous() for t in tensors):
        return None
    counts = [tensor.numel() for tensor in columns[0]]
    pointers = (ctypes.c_void_p * len(tensors))(*[tensor.data_ptr() for tensor in tensors])
    return pointers, (ctypes.c_int64 * len(counts))(*counts)
