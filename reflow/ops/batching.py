"""Batches of what concurrent steps bring: Batch, Unbatch and its gradient. One of the steps computes for all."""

import itertools
import threading
import time

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, dims_in_brackets
from reflow.ops.shape_rules import with_rank, with_rank_at_least

_ids = itertools.count(1)


def _invalid(message: str):
    return errors.InvalidArgumentError(None, None, message)


def _joined(parts: list):
    return torch.cat(parts) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts)


class _Task:
    """What one step brings: tensors of one first size, under a number of their own."""

    def __init__(self, tensors: list):
        for tensor in tensors:
            if not tensor.ndim:
                raise _invalid("Batching input tensors must have at least one dimension")
        if len({tensor.shape[0] for tensor in tensors}) > 1:
            raise _invalid(
                "Batching input tensors supplied in a given op invocation must have equal 0th-dimension size"
            )
        self.id = next(_ids)
        self.tensors = tensors
        self.size = tensors[0].shape[0]


class BatchQueue:
    """Gathers tasks until a batch is full, or its first task has waited long enough.

    Args:
      max_size: the greatest size of a batch.
      timeout: seconds.
      allowed_sizes: ascending sizes up to the greatest; a batch is filled up to one of them. Empty: any size.
    """

    def __init__(self, max_size: int, timeout: float, allowed_sizes: list[int]):
        if allowed_sizes and allowed_sizes[-1] != max_size:
            raise _invalid("final entry in allowed_batch_sizes must equal max_batch_size")
        if any(b <= a for a, b in itertools.pairwise(allowed_sizes)):
            raise _invalid("allowed_batch_sizes entries must be monotonically increasing")
        self._max_size = max_size
        self._timeout = timeout
        self._allowed = allowed_sizes
        self._changed = threading.Condition()
        self._open: list[_Task] = []

    def batch(self, tensors: list) -> tuple[list, torch.Tensor, torch.Tensor]:
        """(the tensors of a batch, its rows [id, start, end], the id of this step's part).

        The step that began a batch gets it; the others get nothing of it here, but from Unbatch.
        """
        task = _Task(tensors)
        if task.size > self._max_size:
            raise _invalid(f"Task size {task.size} is larger than maximum batch size {self._max_size}")
        with self._changed:
            self._changed.wait_for(lambda: self._size() + task.size <= self._max_size)
            self._open.append(task)
            self._changed.notify_all()
            if self._open[0] is not task:
                return [t[:0] for t in tensors], torch.zeros((0, 3), dtype=torch.int64), torch.tensor(task.id)
            end = time.monotonic() + self._timeout
            while self._size() < self._max_size and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            tasks, self._open = self._open, []
            self._changed.notify_all()
        return *self._made(tasks), torch.tensor(task.id)

    def _size(self) -> int:
        return sum(task.size for task in self._open)

    def _made(self, tasks: list[_Task]) -> tuple[list, torch.Tensor]:
        ends = list(itertools.accumulate(task.size for task in tasks))
        rows = [[task.id, end - task.size, end] for task, end in zip(tasks, ends, strict=True)]
        padding = next((size for size in self._allowed if size >= ends[-1]), ends[-1]) - ends[-1]
        columns = zip(*(task.tensors for task in tasks), strict=True)
        batched = [_joined([*column, *[column[0][:1]] * padding]) for column in map(list, columns)]
        return batched, torch.tensor(rows, dtype=torch.int64)


class Exchange:
    """Parts of batches by id, which one step leaves and another takes."""

    def __init__(self):
        self._parts: dict[int, object] = {}
        self._changed = threading.Condition()

    def put(self, parts: dict[int, object]) -> None:
        """Leave parts."""
        with self._changed:
            self._parts.update(parts)
            self._changed.notify_all()

    def take(self, key: int, timeout: float | None):
        """The part of that id, as soon as it is there.

        Raises:
          DeadlineExceededError: if it is not there in so many seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: key in self._parts, timeout):
                raise errors.DeadlineExceededError(None, None, "Batched data did not arrive within timeout window.")
            return self._parts.pop(key)


# --- kernels ------------------------------------------------------------------------------------------------------


def _batch(queue, in_tensors):
    return queue.batch(in_tensors)


def _unbatch(exchange, batched_tensor, batch_index, id, timeout_micros):
    if batch_index and batch_index[-1][2] > batched_tensor.shape[0]:
        raise _invalid(f"The batch has {batch_index[-1][2]} rows, the tensor the shape "
                       f"{dims_in_brackets(tuple(batched_tensor.shape))}")  # fmt: skip
    copy = torch.Tensor.clone if isinstance(batched_tensor, torch.Tensor) else np.copy
    exchange.put({key: copy(batched_tensor[start:end]) for key, start, end in batch_index})
    return exchange.take(id, timeout_micros / 1e6)


def _unbatch_grad(exchange, original_input, batch_index, grad, id):
    exchange.put({id: grad.clone()})
    if not batch_index:
        return torch.zeros_like(original_input)
    parts = _joined([exchange.take(key, None) for key, _, _ in batch_index])
    padding = original_input.shape[0] - parts.shape[0]
    return torch.cat([parts, parts.new_zeros((padding, *parts.shape[1:]))]) if padding else parts


# --- ops ----------------------------------------------------------------------------------------------------------


def _resource(kind, make):
    def resource(resources, node_name, attrs):
        name = attrs["shared_name"].decode() or node_name
        return resources.get_or_create(kind, attrs["container"], name, lambda: make(attrs))

    return resource


def _make_queue(attrs):
    return BatchQueue(attrs["max_batch_size"], attrs["batch_timeout_micros"] / 1e6, attrs["allowed_batch_sizes"])


def _any_rows(dims: Dims) -> Dims:
    dims = with_rank_at_least(dims, 1)
    return None if dims is None else (None, *dims[1:])


def _batch_shape(op) -> list[Dims]:
    return [*(_any_rows(tensor.dims) for tensor in op._inputs), (None, 3), ()]


def _unbatch_shape(op) -> list[Dims]:
    with_rank(op._inputs[1].dims, 2)
    with_rank(op._inputs[2].dims, 0)
    return [_any_rows(op._inputs[0].dims)]


def _unbatch_grad_shape(op) -> list[Dims]:
    dims = op._inputs[2].dims
    return [None if dims is None else (None,) * len(dims)]


_NAMES = "container: string = '', shared_name: string = ''"

# Steps wait for each other: that is an effect.
define_op(
    "Batch", "in_tensors: list:T -> batched_tensors: list:T, batch_index: int64, id: int64",
    "num_batch_threads: int, max_batch_size: int, max_enqueued_batches: int = 10, batch_timeout_micros: int, "
    f"allowed_batch_sizes: list(int) = [], grad_timeout_micros: int, {_NAMES}, batching_queue: string = '', "
    "T: list(type) >= 1", shape=_batch_shape, kernel=_batch, resource=_resource("batch queue", _make_queue),
    writes=True,
)  # fmt: skip
define_op("Unbatch", "batched_tensor: T, batch_index: int64, id: int64 -> unbatched_tensor: T",
          f"timeout_micros: int, {_NAMES}, T: type", host="batch_index id", shape=_unbatch_shape, kernel=_unbatch,
          resource=_resource("unbatch", lambda attrs: Exchange()), writes=True)  # fmt: skip
define_op("UnbatchGrad", "original_input: T, batch_index: int64, grad: T, id: int64 -> batched_grad: T",
          f"{_NAMES}, T: type", host="batch_index id", shape=_unbatch_grad_shape, kernel=_unbatch_grad,
          resource=_resource("unbatch gradient", lambda attrs: Exchange()), writes=True)  # fmt: skip
