"""Updates of the weights of dense layers by sums of outer products, in C.

The gradient of such weights, a' b of the layer's inputs and of the gradients of its sums, has as many numbers as the
weights. Here it goes into the variable and its slots without having been in memory.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

from reflow.ops import native

_SOURCE = Path(__file__).with_name("outer_products.c")
# At most: columns of a panel, rows that a thread works on, and examples for which a panel stays in the first cache.
_WIDTH, _ROWS, MOST_EXAMPLES = 32, 14, 256

_POINTER, _I64, _FLOAT = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float


class _Problem(ctypes.Structure):
    _fields_ = [(name, _I64) for name in ("depth", "rows", "columns", "threads")]


class _Adam(ctypes.Structure):
    _fields_ = [*((name, _POINTER) for name in ("var", "m", "v")),
                *((name, _FLOAT) for name in ("rate", "share", "decay", "share_of_squares", "epsilon"))]  # fmt: skip


def load() -> ctypes.CDLL | None:
    """The library of `outer_products.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    function = library.reflow_adam_by_outer_products
    function.argtypes = [ctypes.POINTER(_Problem), _POINTER, _POINTER, ctypes.POINTER(_Adam), _POINTER]
    function.restype = None
    var, m, v = (torch.full((17, 33), value) for value in (1.0, 0.0, 0.0))
    _adam(library, var, m, v, torch.ones(4, 17), torch.ones(4, 33), 0.5, 0.5, 0.75, 0.0)
    # The gradient is 4, so m is 2 and v is 4.
    if not (torch.all(m == 2) and torch.all(v == 4) and torch.all(var == 0.5)):
        raise RuntimeError("it fails the known-answer test")


def adam(
    var: torch.Tensor, m: torch.Tensor, v: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, rate: float, beta1: float,
    beta2: float, epsilon: float,
) -> bool:  # fmt: skip
    """m += (1 - beta1) * (a' b - m); v: likewise of squares; var -= rate * m / (sqrt(v) + epsilon).

    Args:
      var, m, v: float32 [rows, columns], changed in place.
      a: float32 [examples, rows].
      b: float32 [examples, columns].
      rate, beta1, beta2, epsilon: Adam's numbers.

    Returns:
      False, and nothing is changed, if PyTorch has to do it: for more examples than `MOST_EXAMPLES`, for other types,
      devices or layouts, without a compiler.
    """
    if a.shape[0] > MOST_EXAMPLES or not native.takes(var, m, v, a, b) or (library := load()) is None:
        return False
    _adam(library, var, m, v, a, b, rate, beta1, beta2, epsilon)
    return True


def _adam(library, var, m, v, a, b, rate, beta1, beta2, epsilon):
    (depth, rows), columns = a.shape, b.shape[1]
    problem = _Problem(depth, rows, columns, torch.get_num_threads())
    update = _Adam(var.data_ptr(), m.data_ptr(), v.data_ptr(), rate, 1 - beta1, beta2, 1 - beta2, epsilon)
    scratch = a.new_empty(-(-columns // _WIDTH) * _WIDTH * depth + problem.threads * _ROWS * columns)
    library.reflow_adam_by_outer_products(problem, a.data_ptr(), b.data_ptr(), update, scratch.data_ptr())
