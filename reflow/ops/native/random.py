"""Uniform and normal numbers and shuffles in C, from an op's stream to its output in one call: `native` rules."""

import functools
from collections.abc import Callable
from math import prod

import torch

from reflow.graph import dtypes
from reflow.ops import native
from reflow.ops.native import philox
from reflow.ops.native.kernel import bind
from reflow.ops.torch_types import to_torch

_LOW_HALF = (1 << 64) - 1
# Of more numbers than this the threads' start is worth it: a number costs some ten instructions.
_PARALLEL = 1 << 14


def numbers(name: str) -> Callable:
    """The `native` rule of an op that draws float32 numbers; `name` is the function in C."""

    def rule(node):
        dims = node.output_dims()
        if node.attrs["dtype"] is not dtypes.float32 or dims is None or None in dims or philox.load() is None:
            return None
        return _numbers(name, dims)

    return rule


@functools.lru_cache(1000)
def _numbers(name: str, dims: tuple) -> Callable:
    count = prod(dims)
    function, outputs = getattr(philox.load(), f"reflow_random_{name}"), [(dims, torch.float32)]
    draw = bind(function, None, [None] * 3, outputs, [count], parallel=count >= _PARALLEL)

    def kernel(state, shape):
        counter = state.reserve_outputs(count)
        return draw(state.key, counter & _LOW_HALF, counter >> 64)

    kernel.__name__ = f"native_random_{name}"
    return kernel


def shuffle(shuffled: Callable) -> Callable:
    """The `native` rule of RandomShuffle.

    Args:
      shuffled: the function `(value, key, low half of the counter, high half) -> value` for tensors that are not
        contiguous.
    """

    def rule(node):
        dims = node.dims(0)
        if dims is None or None in dims or 0 in dims or dims[:1] in ((), (1,)) or philox.load() is None:
            return None
        dtype = to_torch(node.dtype(0))
        return _shuffle(shuffled, dims, dtype) if isinstance(dtype, torch.dtype) else None

    return rule


@functools.lru_cache(1000)
def _shuffle(shuffled: Callable, dims: tuple, dtype: torch.dtype) -> Callable:
    n_rows, width = dims[0], prod(dims[1:]) * dtype.itemsize
    n_blocks = (n_rows + 2) // 4  # one word for each row but the last
    tensors, function = (dims, dtype), philox.load().reflow_random_shuffle
    # More than one thread for the copy; the order is made by one.
    move = bind(function, shuffled, [tensors, None, None, None], [tensors], [n_rows, width],
                parallel=native.is_large(n_rows * width // 4))  # fmt: skip

    def native_shuffle(state, value):
        counter = state.reserve(n_blocks)
        return move(value, state.key, counter & _LOW_HALF, counter >> 64)

    return native_shuffle
