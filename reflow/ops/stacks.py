"""Stacks of tensors, made anew in every step: what loops keep for their gradients."""

from typing import Any

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import no_outputs, unknown


class Stack:
    """A stack of tensors of one type; `limit` is the most that it holds, None for any number."""

    def __init__(self, dtype, limit: int | None):
        self._dtype = dtype
        self._limit = limit
        self._values: list | None = []

    def push(self, value, dtype):
        """Put a copy of `value` on top and return it.

        Raises:
          InvalidArgumentError: if the type is another, the stack is full or closed.
        """
        if dtype != self._dtype:
            raise errors.InvalidArgumentError(None, None, f"Must have type {self._dtype} but got {dtype}")
        values = self._open()
        if self._limit is not None and len(values) >= self._limit:
            raise errors.InvalidArgumentError(None, None, f"Stack overflowed its max_size ({self._limit})")
        values.append(value.clone() if isinstance(value, torch.Tensor) else np.array(value))
        return values[-1]

    def pop(self, dtype):
        """Take the value on top.

        Raises:
          InvalidArgumentError: if there is none.
          InternalError: if it is of another type.
        """
        values = self._open()
        if not values:
            raise errors.InvalidArgumentError(None, None, "Stack is empty when calling Pop().")
        if dtype != self._dtype:
            raise errors.InternalError(None, None, f"Output 0 of type {self._dtype} does not match declared output "
                                       f"type {dtype}")  # fmt: skip
        return values.pop()

    def close(self) -> None:
        """Forget everything; nothing can be pushed or popped any more."""
        self._values = None

    def _open(self) -> list:
        if self._values is None:
            raise errors.InvalidArgumentError(None, None, "Stack has already been closed.")
        return self._values


def _stack(elem_type):
    return Stack(elem_type, None)


def _stack_v2(max_size, elem_type):
    return Stack(elem_type, max_size if max_size >= 0 else None)


def _push(handle, elem, T):
    return handle.push(elem, T)


def _pop(handle, elem_type):
    return handle.pop(elem_type)


def _close(handle):
    handle.close()


_MAKE = 'elem_type: type, stack_name: string = ""'
_PUSH = "T: type, swap_memory: bool = false"
define_op("Stack", "-> handle: ref string", _MAKE, shape=lambda op: [(2,)], kernel=_stack, is_stateful=True,
          gradient=None)  # fmt: skip
define_op("StackV2", "max_size: int32 -> handle: resource", _MAKE, host="max_size", shape=lambda op: [()],
          kernel=_stack_v2, is_stateful=True)  # fmt: skip

for _version, _handle in (("", "ref string"), ("V2", "resource")):
    _rules: dict[str, Any] = {"writes": True, **({"is_stateful": True} if _version else {"gradient": None})}
    define_op(f"StackPush{_version}", f"handle: {_handle}, elem: T -> output: T", _PUSH,
              shape=lambda op: [op._inputs[1].dims], kernel=_push, **_rules)  # fmt: skip
    define_op(f"StackPop{_version}", f"handle: {_handle} -> elem: elem_type", "elem_type: type", shape=unknown,
              kernel=_pop, **_rules)  # fmt: skip
    define_op(f"StackClose{_version}", f"handle: {_handle} ->", shape=no_outputs, kernel=_close, **_rules)
