"""Views of tensors, made without PyTorch's Python layer: `native` rules of ops that look at memory another way.

A reshape from Python takes 1 us, a slice or a split 2 to 3; of a contiguous tensor each of their views takes 0.4 here.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.ops.native import extensions
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("view.cpp")
# What these make is often not contiguous, and then their users' kernels serve.
_MAKERS_OF_VIEWS = frozenset({"Slice", "Split", "SplitV", "StridedSlice", "Tile", "Transpose", "Unpack"})


def view(plain: Callable, position: int = 0) -> Callable:
    """The `native` rule of an op that gives views of one of its inputs, while its others are known numbers.

    Args:
      plain: the op's kernel. Its results for an example tell sizes, strides and offsets.
      position: of the input that is a tensor.
    """

    def rule(node):
        dims, dtype = node.dims(position), to_torch(node.dtype(position))
        if dims is None or None in dims or 0 in dims or not isinstance(dtype, torch.dtype):
            return None
        if node.node.inputs[position].node.type in _MAKERS_OF_VIEWS or extensions.load(_SOURCE) is None:
            return None
        others = [node.constant(i) for i in range(len(node.args)) if i != position]
        if any(value is None for value in others):
            return None
        attrs = tuple((a, _hashable(node.attrs[a])) for a in inspect.signature(plain).parameters if a in node.attrs)
        known = tuple(_hashable(value.tolist()) for value in others)
        return _view(plain, position, dims, known, attrs)

    return rule


def _hashable(value):
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _as_list(value):
    return [_as_list(item) for item in value] if isinstance(value, tuple) else value


@functools.lru_cache(4000)
def _view(plain: Callable, position: int, dims: tuple, known: tuple, attrs: tuple) -> Callable | None:
    tensor = torch.empty(dims, device="meta")
    arguments = [_as_list(value) for value in known]
    arguments.insert(position, tensor)
    try:
        result = plain(*arguments, **dict(attrs))
    except Exception:  # whatever it is, the kernel says so when it runs
        return None
    views = result if isinstance(result, list) else [result]
    memory = tensor.untyped_storage()._cdata
    if not all(isinstance(v, torch.Tensor) and v.untyped_storage()._cdata == memory for v in views):
        return None
    name = f"native_{getattr(plain, '__name__', 'view').strip('_')}"
    return extensions.load(_SOURCE).View(position, prod(dims), views, isinstance(result, list), plain, name,
                                         inspect.signature(plain))  # fmt: skip
