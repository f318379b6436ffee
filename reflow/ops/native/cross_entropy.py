"""Cross entropy of softmax in C, for float32: `native` rules of the ops and of their parts.

In PyTorch it is a chain of calls, which take longer than the numbers do where classes are few. Labels are checked on
the way; where one is no class, PyTorch's kernel runs after all, for TensorFlow's error.
"""

import ctypes
import functools
import math
from collections.abc import Callable
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native

_SOURCE = Path(__file__).with_name("cross_entropy.c")
# Of more numbers than this the threads' start is worth it: each costs some twenty instructions.
_PARALLEL = 1 << 13


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, i64, flag = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int
    sparse, dense = library.reflow_sparse_cross_entropy, library.reflow_cross_entropy
    sparse.restype, sparse.argtypes = i64, [pointer, pointer, flag, i64, i64, pointer, pointer, flag]
    dense.restype, dense.argtypes = None, [pointer, pointer, i64, i64, pointer, pointer, flag]
    features, label, labels = (ctypes.c_float * 2)(1, 3), (i64 * 1)(0), (ctypes.c_float * 2)(1, 0)
    loss, gradient = (ctypes.c_float * 2)(), (ctypes.c_float * 4)()
    bad = sparse(features, label, True, 1, 2, loss, gradient, 1)
    dense(features, labels, 1, 2, ctypes.byref(loss, 4), ctypes.byref(gradient, 8), 1)
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
        return _kernel(plain, features, node.dtype(1) is dtypes.int64 if is_sparse else None, loss, gradient)

    return find


@functools.lru_cache(1000)
def _kernel(plain: Callable, dims: tuple, wide: bool | None, with_loss: bool, with_gradient: bool) -> Callable:
    """`wide` tells the type of the numbers of classes; None stands for distributions."""
    library = _library()
    function = library.reflow_cross_entropy if wide is None else library.reflow_sparse_cross_entropy
    type_of_labels = () if wide is None else (wide,)
    losses = native.template(dims[:1], torch.float32)
    batch, classes = dims
    is_large = batch * classes >= _PARALLEL

    def native_cross_entropy(features, labels):
        features, labels = features.contiguous(), labels.contiguous()
        loss = torch.empty_like(losses) if with_loss else None
        gradient = torch.empty_like(features) if with_gradient else None
        bad = function(
            features.data_ptr(), labels.data_ptr(), *type_of_labels, batch, classes,
            loss.data_ptr() if with_loss else None, gradient.data_ptr() if with_gradient else None,
            torch.get_num_threads() if is_large else 1,
        )  # fmt: skip
        if bad:
            return plain(features, labels)
        return (loss, gradient) if with_loss and with_gradient else loss if with_loss else gradient

    return native_cross_entropy
