"""Kernels that move elements without looking at them, for tensors and for arrays of strings.

Strings are NumPy object arrays, which ATen does not know. A kernel that only moves elements serves them all the same:
it moves the elements' numbers, and the strings follow.
"""

import functools

import numpy as np
import torch

from reflow.graph import dtypes


def moves_elements(kernel):
    """Decorator: a kernel whose first argument is moved, and may then be an array of strings.

    The kernel returns a tensor, or a list or tuple of tensors, of elements of its first argument.
    """

    @functools.wraps(kernel)
    def moving(data, *rest, **attrs):
        if isinstance(data, torch.Tensor):
            return kernel(data, *rest, **attrs)
        numbers = torch.arange(data.size).reshape(data.shape)
        return _strings_at(data, kernel(numbers, *rest, **attrs))

    return moving


def _strings_at(data, numbers):
    if isinstance(numbers, (list, tuple)):
        return [_strings_at(data, each) for each in numbers]
    taken = np.empty(numbers.shape, object)
    taken[...] = data.reshape(-1)[numbers.numpy()]
    return taken


def unless_string(template: str, position: int = 0):
    """A `lower` rule: `template` over the expressions {0}, {1}, ... of the inputs, unless input `position` is strings.

    With it a kernel function serves strings, and tensors take the direct call.
    """

    def lower(call):
        if call.dtype(position) is dtypes.string:
            return None
        return template.format(*call.args, **call.attrs)

    return lower
