"""Update rules of optimizers in C, for float32: all variables in one call, which passes over memory once.

PyTorch has fused kernels for some optimizers; with others, each step of a rule is a pass over all variables or slots.
"""

import ctypes
import math
from collections.abc import Sequence
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.native.columns import addresses

_SOURCE = Path(__file__).with_name("optimizer.c")


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, size = ctypes.c_void_p, ctypes.c_int64 * 1
    for name in "momentum", "adagrad", "rms_prop":
        function = getattr(library, f"reflow_{name}")
        function.argtypes, function.restype = [pointer, pointer, ctypes.c_int64, pointer, ctypes.c_int], None
    tensors = [(ctypes.c_float * 1)(value) for value in (1, 2, 3, 4)]
    columns = (pointer * 4)(*[ctypes.addressof(t) for t in tensors])
    library.reflow_rms_prop(columns, size(1), 1, (ctypes.c_double * 4)(0.5, 0.5, 0.5, 7), 1)
    mean, step = 0.5 * 2 + 0.5 * 16, 0.5 * 3 + 0.5 * 4 / 4
    if [t[0] for t in tensors] != [1 - step, mean, step, 4]:
        raise RuntimeError("it fails the known-answer test")


def update(rule: str, columns: Sequence[list[torch.Tensor]], numbers: Sequence[float]) -> bool:
    """Update variables and slots in place.

    Args:
      rule: the function in C.
      columns: the variables, those of their slots, and the gradients, in lists of one length.
      numbers: what the rule takes besides.

    Returns:
      False, and nothing is changed, if PyTorch has to do it: for other types, devices or layouts, without a compiler.
    """
    if not columns[0] or not all(map(math.isfinite, numbers)):
        return False
    library = _library()
    if library is None:
        return False
    arguments = addresses(columns)
    if arguments is None:
        return False
    numel = sum(map(torch.Tensor.numel, columns[0]))
    getattr(library, f"reflow_{rule}")(*arguments, len(columns[0]), (ctypes.c_double * len(numbers))(*numbers),
                                       native.threads_for(numel))  # fmt: skip
    return True
