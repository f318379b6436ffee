"""Kernels that move elements without looking at them, also for the types that ATen cannot move everywhere.

Strings are NumPy object arrays, and many of ATen's kernels lack the wide unsigned types. A kernel that only moves
elements serves them all the same: of strings it moves their numbers, and unsigned integers move as signed ones.
"""

import functools

import numpy as np
import torch

from reflow.graph import dtypes

_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}
_INDIRECT = frozenset((dtypes.string, dtypes.uint16, dtypes.uint32, dtypes.uint64, dtypes.quint16))


def moves_elements(kernel):
    """Decorator: a kernel whose first argument is moved, and may then be of any type, an array of strings too.

    The kernel returns a tensor, or a list or tuple of tensors, of elements of its first argument.
    """

    @functools.wraps(kernel)
    def moving(data, *rest, **attrs):
        if isinstance(data, torch.Tensor):
            signed = _SIGNED.get(data.dtype)
            if signed is None:
                return kernel(data, *rest, **attrs)
            return _mapped(lambda part: part.view(data.dtype), kernel(data.view(signed), *rest, **attrs))
        numbers = torch.arange(data.size).reshape(data.shape)
        return _mapped(lambda part: _strings_at(data, part), kernel(numbers, *rest, **attrs))

    return moving


def as_signed(tensor: torch.Tensor) -> torch.Tensor:
    """The bits of wide unsigned integers as signed ones, which more of ATen's kernels take; any other tensor itself."""
    return tensor.view(_SIGNED[tensor.dtype]) if tensor.dtype in _SIGNED else tensor


def _mapped(function, parts):
    return [function(part) for part in parts] if isinstance(parts, (list, tuple)) else function(parts)


def _strings_at(data, numbers):
    taken = np.empty(numbers.shape, object)
    taken[...] = data.reshape(-1)[numbers.numpy()]
    return taken


def is_direct(dtype) -> bool:
    """True if ATen's kernels take the type themselves."""
    return dtype not in _INDIRECT


def direct(template: str, position: int = 0):
    """A `lower` rule: `template` over the expressions {0}, {1}, ... of the inputs, where ATen takes input `position`.

    With it a kernel function serves all types, and those that ATen knows take the direct call.
    """

    def lower(call):
        return template.format(*call.args, **call.attrs) if is_direct(call.dtype(position)) else None

    return lower
