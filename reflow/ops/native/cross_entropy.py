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
from typing import NamedTuple

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


# By the type of the labels, how the function in C knows it; float32: labels are distributions.
_KINDS = {torch.float32: 0, torch.int32: 1, torch.int64: 2}


def _prepare(library: ctypes.CDLL) -> None:
    plain, weighted = library.reflow_cross_entropy, library.reflow_weighted_cross_entropy
    declare(plain, 9)
    declare(weighted, 10)
    features, label, labels = (ctypes.c_float * 2)(1, 3), (ctypes.c_int64 * 1)(0), (ctypes.c_float * 2)(1, 0)
    weight, loss = (ctypes.c_float * 1)(2), (ctypes.c_float * 2)()
    gradient, sums = (ctypes.c_float * 4)(), (ctypes.c_float * 2)()
    bad = plain(features, label, loss, gradient, None, _KINDS[torch.int64], 1, 2, 1)
    second_loss, second_gradient = ctypes.addressof(loss) + 4, ctypes.addressof(gradient) + 8
    bad += weighted(features, labels, weight, second_loss, second_gradient, sums, _KINDS[torch.float32], 1, 2, 1)
    expected_loss, share = math.log(1 + math.exp(2)), 1 / (1 + math.exp(2))
    by_features = [share - 1, 1 - share]
    expected = (expected_loss, expected_loss, *by_features, *[2 * g for g in by_features] * 2)
    answers = (*loss, *gradient, *sums)
    if bad or not all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(answers, expected, strict=True)):
        raise RuntimeError("it fails the known-answer test")


class Outputs(NamedTuple):
    """What is wanted of a cross entropy, in this order.

    Attributes:
      loss: of each row.
      gradient: by the features, times the weight of the row, if rows have weights.
      sums: of that gradient over the rows; only with it.
    """

    loss: bool = True
    gradient: bool = True
    sums: bool = False


def rule(plain: Callable, gradient: bool = True) -> Callable:
    """A `native` rule of an op that makes the loss of features and labels.

    Args:
      plain: its kernel.
      gradient: whether it makes the gradient by the features, too.
    """
    return lambda node: kernel_for(node, plain, Outputs(gradient=gradient))


def kernel_for(node, plain: Callable, outputs: Outputs) -> Callable | None:
    """A kernel in C of the features, the labels and, if the node has a third input, weights [batch, 1]; or None.

    Args:
      node: what a `native` rule sees.
      plain: the same computation in PyTorch. Kernels are remembered by it.
      outputs: what it makes.
    """
    features, labels = node.dims(0), node.dims(1)
    if node.dtype(0) is not dtypes.float32 or features is None or None in features or 0 in features:
        return None
    is_sparse = node.dtype(1) in (dtypes.int32, dtypes.int64)
    if len(features) != 2 or labels != (features[:1] if is_sparse else features) or _library() is None:
        return None
    return _kernel(plain, features, to_torch(node.dtype(1)), len(node.args) > 2, outputs)


@functools.lru_cache(1000)
def _kernel(plain: Callable, dims: tuple, labels: torch.dtype, is_weighted: bool, outputs: Outputs) -> Callable:
    library, column = _library(), (dims[:1], torch.float32)
    function = library.reflow_weighted_cross_entropy if is_weighted else library.reflow_cross_entropy
    features, classes = (dims, torch.float32), (dims[1:], torch.float32)
    inputs = [features, features if labels is torch.float32 else (dims[:1], labels)]
    wanted = [spec if is_wanted else None for spec, is_wanted in zip((column, features, classes), outputs, strict=True)]
    numbers, parallel = [_KINDS[labels], *dims], dims[0] * dims[1] >= _PARALLEL
    return bind(function, plain, inputs + [column] * is_weighted, wanted, numbers, parallel=parallel,
                name="native_cross_entropy")  # fmt: skip


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
