"""Programs of elementwise operations on float32 in C: the `native` rule of the op that stands for many.

A program is a tuple of steps, (name of the op, operands); an operand counts the inputs first and then the steps before.
What a step makes stays in the cache, a block of 256 numbers at a time, and only results go to memory. An
LSTM cell, five functions and five sums and products of 20 x 200 numbers, takes 10 us; 47 with PyTorch's functions.
"""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.native.kernel import bind

_SOURCE = Path(__file__).with_name("programs.c")
# In the order of `OPERATIONS` in the C source: the ops, and the numbers that cost as much as one number costs them.
_COSTS = {
    "Add": 1, "Sub": 1, "Mul": 1, "RealDiv": 2, "Maximum": 1, "Minimum": 1, "SquaredDifference": 1, "Neg": 1,
    "Square": 1, "Sqrt": 2, "Rsqrt": 3, "Reciprocal": 2, "Abs": 1, "Exp": 6, "Log": 6, "Sigmoid": 7, "Tanh": 7,
    "Relu": 1, "SigmoidGrad": 2, "TanhGrad": 2, "ReluGrad": 1,
}  # fmt: skip
_CODES = {name: code for code, name in enumerate(_COSTS)}
OPERATIONS = frozenset(_COSTS)
# As in the C source.
_REGISTERS = 24
# Longer programs gain nothing, and are hard to read.
MOST_STEPS = 64
_FULL, _ROW, _SCALAR = range(3)
# From so many numbers on, each times the cost of its steps, a second thread is worth its start.
_PARALLEL = 1 << 16

Steps = Sequence[tuple]


class _Program(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_int64) for name in ("inputs", "outputs", "temporaries", "steps", "rows", "columns")],
        *[(name, ctypes.POINTER(ctypes.c_int64)) for name in ("kinds", "code", "results")],
    ]


def library() -> ctypes.CDLL | None:
    """The library of `programs.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    kernel = _bind(library, None, (2,), ((2,), ()), (("Mul", 0, 1), ("Tanh", 2)), (3,))
    result = kernel([torch.tensor([0.25, -1.0]), torch.tensor(2.0)]).tolist()
    if not all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(result, (math.tanh(0.5), math.tanh(-2)), strict=True)):
        raise RuntimeError("it fails the known-answer test")


def fits(inputs: int, steps: Steps, results: Sequence[int]) -> bool:
    """Whether the function in C has room for a program."""
    _, temporaries = _registers(inputs, steps, results)
    tensors = inputs + len(results)
    return inputs + temporaries <= _REGISTERS and tensors <= _REGISTERS and len(steps) <= MOST_STEPS


def kind_of(dims, result: tuple) -> int | None:
    """How an input of a shape goes into a result of a shape: in full, as a row, as a scalar; or None."""
    if dims == result:
        return _FULL
    if dims is None or None in dims:
        return None
    if prod(dims) == 1 and len(dims) <= len(result):
        return _SCALAR
    is_row = 0 < len(dims) <= len(result) and dims[-1] == result[-1] and prod(dims) == result[-1]
    return _ROW if is_row else None


def rule(plain: Callable) -> Callable:
    """The `native` rule of an op with the attributes `steps` and `results`, whose kernel is `plain`."""

    def find(node):
        if library() is None:
            return None
        shapes = tuple(node.dims(i) for i in range(len(node.args)))
        return _kernel(plain, node.output_dims(), shapes, node.attrs["steps"], node.attrs["results"])

    return find


@functools.lru_cache(2000)
def _kernel(plain: Callable, dims: tuple, shapes: tuple, steps: Steps, results: tuple) -> Callable:
    return _bind(library(), plain, dims, shapes, steps, results)


def _bind(library, plain: Callable | None, dims: tuple, shapes: tuple, steps: Steps, results: tuple) -> Callable:
    code, temporaries = _registers(len(shapes), steps, results)
    register = dict(enumerate(range(len(shapes)))) | {len(shapes) + i: step[3] for i, step in enumerate(code)}
    arrays = [
        _array(kind_of(shape, dims) for shape in shapes), _array(word for step in code for word in step),
        _array(register[value] for value in results),
    ]  # fmt: skip
    columns = dims[-1] if dims else 1
    program = _Program(len(shapes), len(results), temporaries, len(steps), prod(dims) // columns, columns, *arrays)
    work = prod(dims) * sum(_COSTS[name] for name, *_ in steps)
    return bind(
        library.reflow_run_program, plain, [(shape, torch.float32) for shape in shapes],
        [(dims, torch.float32)] * len(results), [program], parallel=work >= _PARALLEL, by_rows=True, name="elementwise",
    )  # fmt: skip


def _array(words):
    words = list(words)
    return (ctypes.c_int64 * len(words))(*words)


def _registers(inputs: int, steps: Steps, results: Sequence[int]) -> tuple[list[tuple], int]:
    """(code, first operand, second operand, register of the result) of each step, and how many registers that takes.

    A register is free again after the last step that reads it; a step may write where it reads.
    """
    last = {operand: position for position, (_, *operands) in enumerate(steps) for operand in operands}
    register = {i: i for i in range(inputs)}
    free: list[int] = []
    code, top = [], inputs
    for position, (name, *operands) in enumerate(steps):
        first, second = register[operands[0]], register[operands[-1]]
        for operand in dict.fromkeys(operands):
            if operand >= inputs and last[operand] == position and operand not in results:
                free.append(register[operand])
        if not free:
            free.append(top)
            top += 1
        register[inputs + position] = free.pop()
        code.append((_CODES[name], first, second, register[inputs + position]))
    return code, top - inputs
