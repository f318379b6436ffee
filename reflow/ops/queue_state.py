"""The state behind queues: elements that wait between steps, and the steps that wait for elements or for room.

Steps are served in the order in which they came, those that enqueue and those that dequeue each in a line of its own:
a step that wants more than there is takes what comes and keeps the others behind it waiting.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.shapes import dims_compatible, dims_in_brackets
from reflow.ops.philox import PhiloxState, blocks
from reflow.ops.torch_types import name_in_messages, to_torch
from reflow.ops.waiting import Waiting

# So many blocks of random words are made at a time.
_BLOCKS = 16
_numbers = itertools.count()


def own_name(node_name: str) -> str:
    """What messages call a queue that has no shared name."""
    return f"_{next(_numbers)}_{node_name}"


def _fail(message: str):
    return errors.InvalidArgumentError(None, None, message)


def _kept(value):
    """A copy that nobody else has."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _rows(value) -> list:
    """Copies of the rows of a batch."""
    if isinstance(value, torch.Tensor):
        return list(value.clone().unbind(0))
    # The dots make arrays of rows that are scalars.
    return [value[i, ...].copy() for i in range(len(value))]


def _dims(value) -> tuple:
    return tuple(getattr(value, "shape", ()))


# --- the steps that wait ----------------------------------------------------------------------------------------------


class _Attempt:
    """What one step wants of a queue; `is_done` when it got it or will not."""

    def __init__(self):
        self.is_done = False
        self.error: Exception | None = None

    def finish(self, error: Exception | None = None) -> bool:
        """It is done, well or with an error; True, for that is progress."""
        self.is_done, self.error = True, error
        return True

    def give_back(self, queue: "Queue") -> None:
        """The step stops waiting: undo what can be undone."""


class _Enqueue(_Attempt):
    def __init__(self, elements: Iterable[list]):
        super().__init__()
        self._rest = deque(elements)

    def advance(self, queue: "Queue") -> bool:
        """Do what can be done by now; True if that was anything."""
        if queue.is_closed:
            return self.finish(errors.CancelledError(None, None, f"{queue.family} '{queue.name}' is closed."))
        count = min(len(self._rest), queue.capacity - len(queue))
        for _ in range(count):
            queue.put(self._rest.popleft())
        return count > 0 if self._rest else self.finish()


class _Close(_Attempt):
    """Stands in the line of those that enqueue: they come first."""

    def advance(self, queue: "Queue") -> bool:
        """Close the queue."""
        if queue.is_closed:
            return self.finish(errors.CancelledError(None, None, f"Queue '{queue.name}' is already closed."))
        queue.is_closed = True
        return self.finish()


class _Dequeue(_Attempt):
    def __init__(self, count: int, takes_fewer: bool, family: str):
        super().__init__()
        self.elements: list[list] = []
        self._count = count
        self._takes_fewer = takes_fewer
        self._family = family

    def advance(self, queue: "Queue") -> bool:
        """Take what is there; True if that was anything."""
        missing = self._count - len(self.elements)
        if queue.is_closed and len(queue) < missing:
            size = len(queue)
            self.give_back(queue)
            if not self._takes_fewer or not len(queue):
                return self.finish(errors.OutOfRangeError(
                    None, None, f"{self._family} '{queue.name}' is closed and has insufficient elements (requested "
                    f"{missing}, current size {size})"))  # fmt: skip
            missing = self._count = len(queue)
        count = min(missing, queue.available())
        self.elements.extend(queue.take() for _ in range(count))
        return self.finish() if count == missing else count > 0

    def give_back(self, queue: "Queue") -> None:
        queue.put_back(self.elements)
        self.elements = []


# --- queues -----------------------------------------------------------------------------------------------------------


class Queue(Waiting):
    """First in, first out.

    Args:
      name: for messages.
      capacity: the greatest number of elements; negative for any.
      types: the DTypes of an element's components.
      shapes: their raw dims, or an empty list: any.
    """

    kind = "FIFOQueue"
    # What the messages about single elements call the queue.
    family = "FIFOQueue"

    def __init__(self, name: str, capacity: int, types: list, shapes: list):
        super().__init__()
        if shapes and len(shapes) != len(types):
            raise _fail("Different number of component types.  Types: "
                        f"{', '.join(map(name_in_messages, types))}, Shapes: {_shapes_text(shapes)}")  # fmt: skip
        self.name = name
        self.capacity = capacity if capacity >= 0 else (1 << 31) - 1
        self.types = types
        self.shapes = shapes
        self.is_closed = False
        self._elements: Any = deque()
        self._enqueues: deque[_Attempt] = deque()
        self._dequeues: deque[_Attempt] = deque()

    # --- elements, with the lock held ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._elements)

    def available(self) -> int:
        """How many elements may be taken now."""
        return len(self)

    def put(self, element: list) -> None:
        """Add an element."""
        self._elements.append(element)

    def take(self) -> list:
        """Take the next element."""
        return self._elements.popleft()

    def put_back(self, elements: list[list]) -> None:
        """Undo `take`."""
        self._elements.extendleft(reversed(elements))

    # --- what steps do ------------------------------------------------------------------------------------------------

    def enqueue(self, values: list) -> None:
        """Add an element, as soon as there is room.

        Raises:
          InvalidArgumentError: if the values do not fit the queue.
          CancelledError: if the queue is closed, or it is closed meanwhile with `cancel_pending_enqueues`.
        """
        for i, (value, dims) in enumerate(zip(values, self.shapes, strict=False)):
            self._check_shape(i, dims, _dims(value))
        self._run(_Enqueue([[_kept(v) for v in values]]))

    def enqueue_many(self, values: list) -> None:
        """Add the rows of the values, each as soon as there is room; raises as `enqueue`."""
        for i, value in enumerate(values):
            if not _dims(value):
                raise _fail(f"The values to enqueue must have a batch dimension, but component {i} is a scalar")
        count = len(values[0])
        for i, value in enumerate(values):
            if self.shapes:
                dims = self.shapes[i]
                self._check_shape(i, None if dims is None else (count, *dims), _dims(value))
            elif len(value) != count:
                raise _fail("All input tensors must have the same size in the 0th dimension. Component "
                            f"{i} has {len(value)}, and should have {count}")  # fmt: skip
        if count:
            self._run(_Enqueue([list(row) for row in zip(*map(_rows, values), strict=True)]))

    def _check_shape(self, index: int, wanted, dims: tuple) -> None:
        if not dims_compatible(wanted, dims):
            raise _fail(f"Shape mismatch in tuple component {index}. Expected {dims_in_brackets(wanted)}, got "
                        f"{dims_in_brackets(dims)}")  # fmt: skip

    def dequeue(self) -> list:
        """Take an element, as soon as there is one.

        Raises:
          OutOfRangeError: if the queue is closed and has none.
        """
        return self._run(_Dequeue(1, False, self.family)).elements[0]

    def dequeue_many(self, count: int, takes_fewer: bool) -> list:
        """Take elements as they come, until there are `count`; if the queue closes first, they stay in it.

        Args:
          count: how many.
          takes_fewer: take what is left if the queue is closed, but at least one.

        Returns:
          For each component, its values in these elements as one.

        Raises:
          InvalidArgumentError: if the shapes of the components are not known.
          OutOfRangeError: if the queue is closed and has too few.
        """
        if not self.shapes:
            raise _fail(f"{self.kind}'s DequeueMany and DequeueUpTo require the components to have specified shapes.")
        if not count:
            return [_empty(t, dims) for t, dims in zip(self.types, self.shapes, strict=True)]
        elements = self._run(_Dequeue(count, takes_fewer, self.kind)).elements
        return [self._batch(i, [element[i] for element in elements]) for i in range(len(self.types))]

    def _batch(self, index: int, values: list):
        """The values of one component as one."""
        return torch.stack(values) if isinstance(values[0], torch.Tensor) else np.stack(values)

    def close(self, cancel_pending_enqueues: bool) -> None:
        """Take no more elements once those that wait for room are in, or at once with `cancel_pending_enqueues`.

        Raises:
          CancelledError: if the queue is closed and `cancel_pending_enqueues` is False.
        """
        if not cancel_pending_enqueues:
            self._run(_Close())
            return
        with self._changed:
            self.is_closed = True
            for attempt in self._enqueues:
                attempt.finish(errors.CancelledError(None, None, "Enqueue operation was cancelled"))
            self._enqueues.clear()
            self._advance_all()

    def size(self) -> int:
        """How many elements there are."""
        with self._changed:
            return len(self)

    # --- serving ------------------------------------------------------------------------------------------------------

    def _run(self, attempt):
        """Stand in line, and wait until the attempt is done."""
        line, what = (self._dequeues, "Dequeue") if isinstance(attempt, _Dequeue) else (self._enqueues, "Enqueue")
        with self._changed:
            line.append(attempt)
            self._advance_all()
            if not attempt.is_done:
                self._wait(attempt, line, what)
        if attempt.error is not None:
            raise attempt.error
        return attempt

    def _wait(self, attempt, line: deque, what: str) -> None:
        try:
            self._wait_for(lambda: attempt.is_done, what)
        except BaseException:
            if not attempt.is_done:
                line.remove(attempt)
            attempt.give_back(self)
            self._advance_all()
            raise

    def _advance_all(self) -> None:
        while self._advance(self._enqueues) | self._advance(self._dequeues):
            pass
        self._changed.notify_all()

    def _advance(self, line: deque) -> bool:
        """Serve those in a line, the first first, as far as it goes; True if anything was done."""
        progress = False
        while line:
            progress |= line[0].advance(self)
            if not line[0].is_done:
                break
            line.popleft()
        return progress


class RandomShuffleQueue(Queue):
    """Gives its elements in random order.

    Args:
      min_after_dequeue: so many elements stay in the queue until it is closed.
      seeds: the op's attributes ``seed`` and ``seed2``.
      others: as for `Queue`.
    """

    kind = family = "RandomShuffleQueue"

    def __init__(self, name, capacity, types, shapes, min_after_dequeue: int, seeds: tuple[int, int]):
        super().__init__(name, capacity, types, shapes)
        if min_after_dequeue < 0:
            raise _fail(f"min_after_dequeue {min_after_dequeue} must be >= 0")
        if min_after_dequeue >= self.capacity:
            raise _fail(f"min_after_dequeue {min_after_dequeue} must be < capacity {self.capacity}")
        self._elements = []
        self.min_after_dequeue = min_after_dequeue
        self.seeds = seeds
        self._random = PhiloxState(*seeds)
        self._words: list[int] = []

    def available(self) -> int:
        """How many elements may be taken now."""
        return len(self) if self.is_closed else max(len(self) - self.min_after_dequeue, 0)

    def take(self) -> list:
        """Take any element; the last one moves to its place."""
        index = self._word() % len(self)
        element, last = self._elements[index], self._elements.pop()
        if index < len(self):
            self._elements[index] = last
        return element

    def put_back(self, elements: list[list]) -> None:
        """Undo `take`, as far as that matters."""
        self._elements.extend(reversed(elements))

    def _word(self) -> int:
        """The next 32 random bits."""
        if not self._words:
            words = blocks(self._random.key, self._random.reserve(_BLOCKS), _BLOCKS).reshape(-1)
            self._words = words[::-1].tolist()
        return self._words.pop()


class PaddingQueue(Queue):
    """First in, first out; where sizes are left open, the values of a batch are padded to the largest."""

    kind = "PaddingFIFOQueue"

    def _batch(self, index: int, values: list):
        declared = self.shapes[index]
        largest = tuple(max(sizes) for sizes in zip(*map(_dims, values), strict=True)) if declared else ()
        if declared is None or all(_dims(value) == largest for value in values):
            return super()._batch(index, values)
        dims = (len(values), *largest)
        if isinstance(values[0], torch.Tensor):
            batch = torch.zeros(dims, dtype=values[0].dtype)
        else:
            batch = np.full(dims, b"", object)
        for row, value in zip(batch, values, strict=True):
            row[tuple(map(slice, _dims(value)))] = value
        return batch


class _Prioritized(list):
    """An element that is smaller than others if its priority is."""

    def __lt__(self, other):
        return self[0] < other[0]


class PriorityQueue(Queue):
    """Gives the element first whose priority is the smallest: an int64 scalar before the components."""

    kind = family = "PriorityQueue"

    def __init__(self, name, capacity, types, shapes):
        super().__init__(name, capacity, [dtypes.int64, *types], [(), *shapes])
        self._elements = []

    def put(self, element: list) -> None:
        """Add an element.

        Python's heap orders equal priorities as that of C++ does, which TensorFlow uses.
        """
        heapq.heappush(self._elements, _Prioritized([int(element[0]), *element]))

    def take(self) -> list:
        """Take the element of the smallest priority."""
        return list(heapq.heappop(self._elements))[1:]

    def put_back(self, elements: list[list]) -> None:
        """Undo `take`."""
        for element in reversed(elements):
            self.put(element)


def _empty(dtype, dims):
    """A batch of no values."""
    dims = (0, *[size or 0 for size in dims or ()])
    torch_dtype = to_torch(dtype)
    if isinstance(torch_dtype, torch.dtype):
        return torch.zeros(dims, dtype=torch_dtype)
    return np.empty(dims, object)


def _shapes_text(shapes: list) -> str:
    return "[" + ",".join(map(dims_in_brackets, shapes)) + "]"


def check_same(found: Queue, wanted: Any) -> None:
    """That a shared queue is what another node of its name wants.

    Raises:
      InvalidArgumentError: if it is of another kind, capacity, type or shape.
    """
    if type(found) is not type(wanted):
        raise _fail(f"Expected {wanted.kind}, found {found.kind}")
    if found.capacity != wanted.capacity:
        raise _differs(found, "capacity", found.capacity, wanted.capacity)
    if found.types != wanted.types:
        types = (", ".join(map(name_in_messages, queue.types)) for queue in (found, wanted))
        raise _differs(found, "component types", *types)
    if found.shapes != wanted.shapes and not isinstance(found, PaddingQueue):
        raise _differs(found, "component shapes", _shapes_text(found.shapes), _shapes_text(wanted.shapes))
    if isinstance(found, RandomShuffleQueue):
        if found.min_after_dequeue != wanted.min_after_dequeue:
            raise _differs(found, "min_after_dequeue", found.min_after_dequeue, f"{wanted.min_after_dequeue}.")
        if found.seeds != wanted.seeds:
            raise _fail(f"Shared queue '{found.name}' has random seeds {found.seeds} but requested seeds are "
                        f"{wanted.seeds}.")  # fmt: skip


def _differs(found: Queue, what: str, has, wanted):
    verb = "were" if what.endswith("s") else "was"
    return _fail(f"Shared queue '{found.name}' has {what} {has} but requested {what} {verb} {wanted}")
