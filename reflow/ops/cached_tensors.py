"""Tensors that kernels keep from one run to the next, such as the matrix of a transform."""

import functools
from collections.abc import Callable

from torch.utils._python_dispatch import _disable_current_modes


def cached_tensor(function: Callable) -> Callable:
    """A function that keeps the last 32 tensors that `function` made, by its arguments: they name its device, too.

    The JIT also runs kernels on tensors without data; a tensor that is made then has data all the same, for later runs.
    """

    @functools.lru_cache(maxsize=32)
    @functools.wraps(function)
    def cached(*args):
        with _disable_current_modes():
            return function(*args)

    return cached
