"""The state behind staging areas: tuples of tensors that wait between steps, in order or by key."""

import itertools

import numpy as np
import torch

from reflow.graph import errors
from reflow.ops.waiting import Waiting


def _size_of(values) -> int:
    """Bytes that tensors take; a string counts as many as it has."""
    return sum(v.nbytes if isinstance(v, torch.Tensor) else sum(map(len, v.reshape(-1))) for v in values)


def _kept(value):
    """A copy that nobody else has."""
    return value.clone() if isinstance(value, torch.Tensor) else np.array(value)


class _Area(Waiting):
    """What areas have in common: who puts waits for room, who takes for an element.

    Args:
      capacity: the greatest number of elements; 0 for any.
      memory_limit: the greatest number of bytes; 0 for any.
    """

    def __init__(self, capacity: int, memory_limit: int):
        super().__init__()
        self._capacity = capacity
        self._memory_limit = memory_limit
        self._bytes = 0

    def _wait_for_room(self, values) -> None:
        size = _size_of(values)
        if self._memory_limit and size > self._memory_limit:
            raise errors.ResourceExhaustedError(
                None, None, f"Attempted to insert tensors with combined size of '{size}' bytes into Staging Area with "
                f"a memory limit of '{self._memory_limit}'.")  # fmt: skip
        self._wait_for(lambda: self._has_room(size), "Put")
        self._bytes += size

    def _has_room(self, size: int) -> bool:
        if self._capacity and len(self) >= self._capacity:
            return False
        return not self._memory_limit or self._bytes + size <= self._memory_limit

    def __len__(self):
        raise NotImplementedError


class Stage(_Area):
    """A staging area that gives tuples in the order in which they came."""

    def __init__(self, capacity: int, memory_limit: int):
        super().__init__(capacity, memory_limit)
        self._tuples: list[list] = []

    def __len__(self):
        return len(self._tuples)

    def put(self, values: list) -> None:
        """Add a tuple, as soon as there is room.

        Raises:
          ResourceExhaustedError: if it will never fit.
        """
        with self._changed:
            self._wait_for_room(values)
            self._tuples.append([_kept(v) for v in values])
            self._changed.notify_all()

    def take(self) -> list:
        """Take the tuple that is there longest, as soon as there is one."""
        with self._changed:
            self._wait_for(lambda: self._tuples, "Take")
            values = self._tuples.pop(0)
            self._bytes -= _size_of(values)
            self._changed.notify_all()
            return values

    def peek(self, index: int) -> list:
        """Copies of the tuple at a place of the order, as soon as it is there."""
        with self._changed:
            self._wait_for(lambda: len(self._tuples) > index, "Take")
            return [_kept(v) for v in self._tuples[index]]

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._tuples.clear()
            self._bytes = 0
            self._changed.notify_all()


class MapStage(_Area):
    """A staging area that gives tuples by key; their components may come and go one by one.

    Args:
      capacity, memory_limit: as for any area.
      is_ordered: without a key, give the smallest; else the one that came first.
    """

    def __init__(self, capacity: int, memory_limit: int, is_ordered: bool):
        super().__init__(capacity, memory_limit)
        self._is_ordered = is_ordered
        self._complete: dict[int, dict] = {}
        self._incomplete: dict[int, dict] = {}

    def __len__(self):
        return len(self._complete)

    @property
    def incomplete_size(self) -> int:
        """How many keys lack components."""
        return len(self._incomplete)

    def put(self, key: int, indices: list[int], values: list, width: int) -> None:
        """Give components of a key's tuple, which has `width` of them, as soon as there is room.

        Raises:
          InvalidArgumentError: if the indices do not fit, or a component is there already.
          ResourceExhaustedError: if the components will never fit.
        """
        _check_order(indices)
        if any(not 0 <= index < width for index in indices):
            raise _invalid(f"An index of {indices} for key '{key}' was out of bounds '{width}'.")
        if len(indices) != len(values):
            raise _invalid(f"The number of indices '{len(indices)}' is not that of the values '{len(values)}'.")
        with self._changed:
            self._wait_for_room(values)
            parts = self._incomplete.setdefault(key, {})
            for index, value in zip(indices, values, strict=True):
                if index in parts:
                    raise _invalid(f"The tensor for index '{index}' for key '{key}' was already initialized '{width}'.")
                parts[index] = _kept(value)
            if len(parts) == width:
                del self._incomplete[key]
                self._complete.setdefault(key, parts)
            self._changed.notify_all()

    def take(self, key: int, indices: list[int]) -> list:
        """Take components of a key's tuple, as soon as it is whole.

        Raises:
          InvalidArgumentError: if the indices do not fit, or a component was taken before.
        """
        _check_order(indices)
        with self._changed:
            self._wait_for(lambda: key in self._complete, "Take")
            return self._remove(key, indices)

    def take_any(self, indices: list[int]) -> tuple[int, list]:
        """(key, components) of some tuple, as `take`."""
        _check_order(indices)
        with self._changed:
            self._wait_for(lambda: self._complete, "Take")
            key = min(self._complete) if self._is_ordered else next(iter(self._complete))
            return key, self._remove(key, indices)

    def peek(self, key: int, indices: list[int]) -> list:
        """Copies of components of a key's tuple, as `take`."""
        _check_order(indices)
        with self._changed:
            self._wait_for(lambda: key in self._complete, "Take")
            return [_kept(v) for v in self._components(key, indices)]

    def clear(self) -> None:
        """Forget everything."""
        with self._changed:
            self._complete.clear()
            self._incomplete.clear()
            self._bytes = 0
            self._changed.notify_all()

    def _components(self, key: int, indices: list[int]) -> list:
        parts = self._complete[key]
        for index in indices:
            if index not in parts:
                raise _invalid(f"Tensor at index '{index}' for key '{key}' has already been removed.")
        return [parts[index] for index in indices]

    def _remove(self, key: int, indices: list[int]) -> list:
        values = self._components(key, indices)
        for index in indices:
            del self._complete[key][index]
        if not self._complete[key]:
            del self._complete[key]
        self._bytes -= _size_of(values)
        self._changed.notify_all()
        return values


def _check_order(indices: list[int]) -> None:
    if any(b <= a for a, b in itertools.pairwise(indices)):
        raise _invalid("Indices are not strictly ordered")


def _invalid(message: str):
    return errors.InvalidArgumentError(None, None, message)
