"""Functions in C bound to what does not change of their arguments: kernels that the emitted Python calls with tensors.

Of a kernel on few numbers nearly all of the time goes to the call: to checking the tensors, making the output, asking
for pointers, converting them for `ctypes`. `bind` has all of that done by `kernel.cpp`, an extension of Python on
PyTorch's C++ interface (0.6 us a call with an output), or, where that cannot be built, here (3 us).
"""

from __future__ import annotations

import ctypes
import functools
import inspect
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from types import EllipsisType

import torch

from reflow.ops import native
from reflow.ops.native import extensions

_SOURCE = Path(__file__).with_name("kernel.cpp")
# An input or output: its shape and type. None stands for an input that is a number, or an output that is not wanted;
# Ellipsis for an argument that is ignored. For what is ignored or not wanted the function gets a null pointer.
Spec = tuple[Sequence[int], torch.dtype] | EllipsisType | None
# The number of elements from which on there are threads: never.
_NEVER = 1 << 62


def declare(function, words: int) -> None:
    """Declares a function in C whose arguments are `words` pointers and int64_t, and which returns an int64_t."""
    function.argtypes, function.restype = [ctypes.c_void_p] * words, ctypes.c_int64


def bind(
    function,
    plain: Callable | None,
    inputs: Sequence[Spec],
    outputs: Sequence[Spec],
    numbers: Sequence = (),
    *,
    parallel: bool = False,
    any_size: bool = False,
    from_list: bool = False,
    by_rows: bool = False,
    rows=None,
    name: str | None = None,
) -> Callable:
    """Makes a kernel of a function in C.

    The function takes pointers and int64_t alone: the inputs, the outputs, the numbers, the number of threads. Other
    than 0, what it returns says that `plain` has to run.

    Args:
      function: of a `ctypes` library.
      plain: the same computation in PyTorch, called with all arguments where the tensors have not the types, sizes or
        layouts that the function takes. None where all inputs are numbers and the function returns 0.
      inputs: the leading arguments of a call.
      outputs: what the kernel makes. A call may give the memory of the only one as `out`.
      numbers: integers, and `ctypes` objects, of which the function gets the address.
      parallel: whether the function works on all threads; if of `any_size`, where it is large. It then runs without the
        interpreter's lock.
      any_size: whether the input is of any size, its count of elements the only number, and the output of that size.
      from_list: whether the inputs come as a list, the first argument of a call.
      by_rows: whether the inputs come as a list of tensors whose rows (of the last dimension) may be apart: some
        columns of larger ones. The function then takes an array of words and their count: of each input the pointer
        and how far its rows are apart, and then the outputs, numbers and threads.
      rows: a function in C of the inputs and numbers, which returns the first dimension of the only output, or -1 where
        `plain` has to run. The kernel's function takes the result behind the numbers.
      name: for the emitted source.

    Returns:
      The kernel. It returns the output, or a tuple of several. Its signature is that of `plain`.
    """
    words = len(inputs) + len(outputs) + len(numbers) + 1 + (rows is not None)
    declare(function, 2 if by_rows else words)
    if rows is not None:
        declare(rows, len(inputs) + len(numbers))
    name = name or f"native_{function.__name__.removeprefix('reflow_')}"
    make = _by_ctypes if extension() is None else _by_extension
    least_parallel = (native.PARALLEL if any_size else 0) if parallel else _NEVER
    arguments = inputs, outputs, numbers, least_parallel, any_size, from_list or by_rows, by_rows, rows, name
    return make(function, _with_out(plain), *arguments)


def _with_out(plain: Callable | None) -> Callable:
    """As `plain`, but the caller may give the memory of the output as `out`."""
    if plain is None:
        return _fail

    def plain_into(*arguments, out=None, **attrs):
        result = plain(*arguments, **attrs)
        return result if out is None else out.copy_(result)

    return functools.update_wrapper(plain_into, plain) if _has_signature(plain) else plain_into


def _fail(*_):
    raise RuntimeError("a kernel in C failed that cannot")


def _has_signature(function: Callable) -> bool:
    try:
        inspect.signature(function)
    except ValueError:
        return False  # a function of PyTorch's in C
    return True


def _addresses(numbers: Sequence) -> list[int]:
    return [n if isinstance(n, int) else ctypes.addressof(n) for n in numbers]


def _example(spec: Spec) -> torch.Tensor | EllipsisType | None:
    return native.template(tuple(spec[0]), spec[1]) if isinstance(spec, tuple) else spec


# --- by the extension ---------------------------------------------------------------------------------------------


def _by_extension(
    function, plain, inputs, outputs, numbers, parallel, any_size, from_list, by_rows, rows, name
) -> Callable:  # fmt: skip
    pointers = [ctypes.cast(f, ctypes.c_void_p).value if f is not None else 0 for f in (function, rows)]
    examples = tuple(map(_example, inputs)), tuple(map(_example, outputs))
    kept = function, rows, numbers
    return extension().Kernel(*pointers, *examples, tuple(_addresses(numbers)), parallel, any_size, from_list, by_rows,
                               plain, kept, name, inspect.signature(plain))  # fmt: skip


def extension():
    """The module of `kernel.cpp`, built if need be; None where it cannot be had."""
    return extensions.load(_SOURCE)


# --- by ctypes ----------------------------------------------------------------------------------------------------


def _by_ctypes(
    function, plain, inputs, outputs, numbers, parallel, any_size, from_list, by_rows, rows, name
) -> Callable:  # fmt: skip
    addresses, likes = _addresses(numbers), [_example(spec) for spec in outputs]
    if by_rows:
        function = functools.partial(_call_with_array, function)

    def kernel(*arguments, out=None, **attrs):
        given = arguments[0] if from_list else arguments
        words = _words_by_rows(given, inputs) if by_rows else _words(given, inputs, any_size)
        if words is None:
            return plain(*arguments, out=out, **attrs)
        fixed, sizes, count = addresses, {}, 0
        if any_size:
            count = arguments[0].numel()
            fixed, sizes = [count], {"size": arguments[0].shape}
        elif rows is not None:
            n_rows = rows(*words, *fixed)
            if n_rows < 0:
                return plain(*arguments, out=out, **attrs)
            fixed, sizes = [*fixed, n_rows], {"size": (n_rows, *outputs[0][0][1:])}
        made = [like if like is None else _make(like, **sizes) if out is None else out for like in likes]
        pointers = [None if tensor is None else tensor.data_ptr() for tensor in made]
        if function(*words, *pointers, *fixed, torch.get_num_threads() if count >= parallel else 1):
            return plain(*arguments, out=out, **attrs)
        wanted = [tensor for tensor in made if tensor is not None]
        return wanted[0] if len(wanted) == 1 else tuple(wanted)

    kernel.__name__, kernel.__signature__, kernel.kept = name, inspect.signature(plain), numbers
    return kernel


def _call_with_array(function, *words) -> int:
    return function((ctypes.c_int64 * len(words))(*words), len(words))


def _make(like: torch.Tensor, size=None) -> torch.Tensor:
    return torch.empty_like(like) if size is None else like.new_empty(size)


def _words(arguments, inputs: Sequence[Spec], any_size: bool) -> list[int] | None:
    """The words for the arguments of a call; None if the function does not take them."""
    words = []
    if len(arguments) < len(inputs):
        return None
    for argument, spec in zip(arguments, inputs, strict=False):
        if spec is None or spec is ...:
            words.append(argument if spec is None else None)
        elif type(argument) is torch.Tensor and _fits(argument, spec, any_size):
            words.append(argument.data_ptr())
        else:
            return None
    return words


def _fits(tensor: torch.Tensor, spec, any_size: bool) -> bool:
    dims, dtype = spec
    known = tensor.dtype is dtype and tensor.is_cpu and tensor.is_contiguous()
    return known and (any_size or tensor.numel() == prod(dims))


def _words_by_rows(tensors, inputs: Sequence) -> list[int] | None:
    """As `_words`: of each tensor the pointer and how far its rows are apart."""
    words: list[int] = []
    for tensor, (dims, dtype) in zip(tensors, inputs, strict=True):
        if type(tensor) is not torch.Tensor or tensor.dtype is not dtype or not tensor.is_cpu:
            return None
        is_dense = tensor.is_contiguous() and tensor.numel() == prod(dims)
        if not is_dense and tuple(tensor.shape) != tuple(dims):
            return None
        # What lies without gaps is read as if it had the shape that was bound.
        stride = (dims[-1] if dims else 1) if is_dense else row_stride(tensor)
        if stride is None:
            return None
        words += tensor.data_ptr(), stride
    return words


def row_stride(tensor: torch.Tensor) -> int | None:
    """How far the rows of a tensor are apart; None if not all so far, or their numbers are not side by side."""
    if tensor.is_contiguous():
        return tensor.shape[-1] if tensor.dim() else 1
    sizes, (*strides, last) = tensor.shape, tensor.stride()
    regular = all(strides[i] == strides[i + 1] * sizes[i + 1] for i in range(len(strides) - 1))
    return strides[-1] if strides and last == 1 and regular else None
