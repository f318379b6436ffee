"""Cross entropy of softmax in C, for float32: `native` rules of the ops and of their parts.

In PyTorch it is a chain of calls, which take longer than the numbers do where classes are few. Labels are checked on
the way; where one is no class, PyTorch's kernel runs after all, for TensorFlow's error.
"""

import ctypes
import functools
import math
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native
from reflow.ops.native.kernel import bind, declare
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("cross_entropy.c")
# Of more numbers than this the threads' start is worth it: each costs some twenty instructions.
_PARALLEL = 1 << 13


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    sparse, dense = library.reflow_sparse_cross_entropy, library.reflow_cross_entropy
    declare(sparse, 8)
    declare(dense, 7)
    features, label, labels = (ctypes.c_float * 2)(1, 3), (ctypes.c_int64 * 1)(0), (ctypes.c_float * 2)(1, 0)
    loss, gradient = (ctypes.c_float * 2)(), (ctypes.c_float * 4)()
    bad = sparse(features, label, loss, gradient, True, 1, 2, 1)
    dense(features, labels, ctypes.addressof(loss) + 4, ctypes.addressof(gradient) + 8, 1, 2, 1)
    expected_loss, share = math.log(1 + math.exp(2)), 1 / (1 + math.exp(2))
    answers, expected = (*loss, *gradient), (expected_loss, expected_loss, *[share - 1, 1 - share] * 2)
    if bad or not all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(answers, expected, strict=True)):
        raise RuntimeError("it fails the known-answer test")


def rule(plain: Callable, loss: bool = True, gradient: bool = True) -> Callable:
    """A `native` rule of an op with the inputs features and labels.

    Args:
      plain: its kernel.
      loss: whether the first, or only, output is the loss of each row.
      gradient: whether the last, or only, output is the gradient by the features.
    """

    def find(node):
        features, labels = node.dims(0), node.dims(1)
        if node.dtype(0) is not dtypes.float32 or features is None or None in features or 0 in features:
            return None
        is_sparse = node.dtype(1) in (dtypes.int32, dtypes.int64)
        if len(features) != 2 or labels != (features[:1] if is_sparse else features) or _library() is None:
            return None
        return _kernel(plain, features, to_torch(node.dtype(1)), loss, gradient)

    return find


@functools.lru_cache(1000)
def _kernel(plain: Callable, dims: tuple, labels: torch.dtype, with_loss: bool, with_gradient: bool) -> Callable:
    """`labels` tells the type of the numbers of classes, or float32: labels are distributions."""
    library, are_classes = _library(), labels is not torch.float32
    function = library.reflow_sparse_cross_entropy if are_classes else library.reflow_cross_entropy
    features, loss = (dims, torch.float32), (dims[:1], torch.float32)
    inputs = [features, (dims[:1], labels) if are_classes else features]
    outputs = [loss if with_loss else None, features if with_gradient else None]
    numbers = [int(labels is torch.int64), *dims] if are_classes else dims
    parallel = dims[0] * dims[1] >= _PARALLEL
    return bind(function, plain, inputs, outputs, numbers, parallel=parallel, name="native_cross_entropy")


def softmax(name: str, plain: Callable) -> Callable:
    """The `native` rule of Softmax or LogSoftmax of few numbers; of many PyTorch's function is as fast.

    Args:
      name: the function in C.
      plain: PyTorch's function.
    """

    def find(node):
        dims = node.dims(0)
        if node.dtype(0) is not dtypes.float32 or not dims or None in dims or 0 in dims or prod(dims) > _PARALLEL:
            return None
        return _softmax(name, plain, dims) if _library() is not None else None

    return find


@functools.lru_cache(1000)
def _softmax(name: str, plain: Callable, dims: tuple) -> Callable:
    function, numbers = getattr(_library(), f"reflow_{name}"), (dims, torch.float32)
    return bind(function, functools.partial(plain, dim=-1), [numbers], [numbers], [prod(dims[:-1]), dims[-1]])
