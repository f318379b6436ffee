"""Barriers: tuples whose components arrive one by one, under a key, and that are taken once they are complete."""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import as_shape, dims_compatible, dims_in_brackets
from reflow.ops.queues import as_shapes
from reflow.ops.shape_rules import merge_size, no_outputs, scalar, with_rank, with_rank_at_least
from reflow.ops.waiting import Waiting

_FIRST_INDEX = -(1 << 63)


def _fail(message: str):
    return errors.InvalidArgumentError(None, None, message)


class BarrierState(Waiting):
    """The tuples of one barrier.

    Args:
      name: for messages.
      shapes: raw dims of each component, a list.
    """

    def __init__(self, name: str, shapes: list):
        super().__init__()
        self._name = name
        self._shapes = shapes
        # Key to (index of its first insertion, components so far).
        self._incomplete: dict[bytes, tuple[int, list]] = {}
        # (index of the first insertion, (key, components)) of complete tuples, in the order in which they became so.
        self._ready: list[tuple[int, tuple[bytes, list]]] = []
        self._next = _FIRST_INDEX
        self._is_closed = False
        self._takes_no_more = False

    def insert(self, component: int, keys, values) -> None:
        """Give one component of several tuples.

        Raises:
          InvalidArgumentError: if a tuple has the component already, or a value does not fit.
          CancelledError: if the barrier is closed and a key is new.
        """
        if not 0 <= component < len(self._shapes):
            raise _fail(f"The component ID is out of range {component} > num_components ({len(self._shapes)})")
        if not values.ndim or values.shape[0] != len(keys):
            raise _fail(f"Shape mismatch for values: {dims_in_brackets(tuple(values.shape))} for {len(keys)} keys")
        self._check_values(component, values)
        with self._changed:
            # The tuples that one insertion begins have one index.
            number = self._next
            for key, value in zip(keys.tolist(), values, strict=True):
                own = value.clone() if isinstance(value, torch.Tensor) else np.array(value, object)
                self._insert(component, key, own, number)
            self._changed.notify_all()

    def _check_values(self, component: int, values) -> None:
        dims = tuple(values.shape[1:])
        if 0 in dims:
            raise _fail(f"Tensors with no elements are not supported for component {component}")
        if not dims_compatible(self._shapes[component], dims):
            raise _fail(f"Shape mismatch in component {component}: expected "
                        f"{dims_in_brackets(self._shapes[component])}, got {dims_in_brackets(dims)}")  # fmt: skip

    def _insert(self, component: int, key: bytes, value, number: int) -> None:
        found = self._incomplete.get(key)
        if found is None:
            if self._is_closed:
                raise errors.CancelledError(None, None, f"Barrier {self._name} is closed.  Pending enqueues cancelled: "
                                            f"{str(self._takes_no_more).lower()}.  Number of new insertions: 1.  "
                                            f"Number of incomplete keys: {len(self._incomplete)}.")  # fmt: skip
            found = self._incomplete[key] = number, [None] * len(self._shapes)
            self._next = number + 1
        elif self._takes_no_more:
            raise errors.CancelledError(None, None, f"Barrier {self._name} is closed.")
        begun, components = found
        if components[component] is not None:
            raise _fail(f"Key {key.decode(errors='replace')} already has a value for component {component} in barrier "
                        f"{self._name}")  # fmt: skip
        components[component] = value
        if all(each is not None for each in components):
            del self._incomplete[key]
            self._ready.append((begun, (key, components)))

    def take(self, count: int, allow_small_batch: bool, timeout_ms: int):
        """Wait for `count` complete tuples and take those that were begun first.

        Returns:
          (indices, keys, a list of components), each stacked.

        Raises:
          OutOfRangeError: if the barrier is closed and has too few.
          DeadlineExceededError: after `timeout_ms`, if that is not negative.
        """
        if count < 0:
            raise _fail("num_elements must not be negative")
        with self._changed:
            seconds = timeout_ms / 1000 if timeout_ms >= 0 else None
            if not self._wait_for(lambda: len(self._ready) >= count or self._gets_no_more(), "Dequeue", seconds):
                raise errors.DeadlineExceededError(None, None, f"Timed out waiting for barrier {self._name}")
            if len(self._ready) < count and not (allow_small_batch and self._ready):
                raise errors.OutOfRangeError(
                    None, None, f"Barrier '{self._name}' is closed and has insufficient elements (requested {count}, "
                    f"total size {len(self._ready)})")  # fmt: skip
            # Tuples of one index: those that were complete first.
            self._ready.sort(key=lambda numbered: numbered[0])
            taken, self._ready = self._ready[:count], self._ready[count:]
            return [number for number, _ in taken], [pair for _, pair in taken]

    def _gets_no_more(self) -> bool:
        return self._is_closed and (self._takes_no_more or not self._incomplete)

    def close(self, cancel_pending_enqueues: bool) -> None:
        """Accept no new keys; with `cancel_pending_enqueues`, nothing at all."""
        with self._changed:
            self._is_closed = True
            self._takes_no_more = self._takes_no_more or cancel_pending_enqueues
            self._changed.notify_all()

    def sizes(self) -> tuple[int, int]:
        """(how many tuples are complete, how many are not)."""
        with self._changed:
            return len(self._ready), len(self._incomplete)


# --- ops --------------------------------------------------------------------------------------------------------------


def _resource(resources, node_name, attrs):
    name = attrs["shared_name"].decode() or node_name
    shapes = attrs["shapes"] or [None] * len(attrs["component_types"])
    return resources.get_or_create("barrier", attrs["container"], name, lambda: BarrierState(name, shapes))


def _insert_many(handle, keys, values, component_index):
    handle.insert(component_index, keys, values)


def _take_many(handle, num_elements, component_types, allow_small_batch, timeout_ms):
    numbers, rows = handle.take(num_elements, allow_small_batch, timeout_ms)
    keys = np.empty(len(rows), object)
    keys[:] = [key for key, _ in rows]
    columns = [[components[i] for _, components in rows] for i in range(len(component_types))]
    values = [_stacked(column, dtype) for column, dtype in zip(columns, component_types, strict=True)]
    return torch.tensor(numbers, dtype=torch.int64), keys, values


def _stacked(column: list, dtype):
    if not column:
        return torch.zeros(0, dtype=dtype) if isinstance(dtype, torch.dtype) else np.empty(0, object)
    return torch.stack(column) if isinstance(column[0], torch.Tensor) else np.stack(column)


def _insert_shape(op):
    keys = with_rank(op._inputs[1].dims, 1)
    values = with_rank_at_least(op._inputs[2].dims, 1)
    if values is not None:
        merge_size(keys[0], values[0])
    return no_outputs(op)


def _take_shape(op):
    with_rank(op._inputs[1].dims, 0)
    return [None] * (2 + len(op.attrs["component_types"]))


# An operation on a barrier counts as an effect even if it only looks: control edges around it stay.
define_op("Barrier", "-> handle: ref string", "component_types: list(type) >= 1, shapes: list(shape) = [], "
          'capacity: int = -1, container: string = "", shared_name: string = ""', shape=lambda op: [(2,)],
          resource=_resource, is_stateful=True)  # fmt: skip
define_op("BarrierInsertMany", "handle: ref string, keys: string, values: T ->", "T: type, component_index: int",
          shape=_insert_shape, kernel=_insert_many, writes=True)  # fmt: skip
define_op("BarrierTakeMany",
          "handle: ref string, num_elements: int32 -> indices: int64, keys: string, values: list:component_types",
          "component_types: list(type) >= 1, allow_small_batch: bool = false, wait_for_incomplete: bool = false, "
          "timeout_ms: int = -1", host="num_elements", shape=_take_shape, kernel=_take_many, writes=True)  # fmt: skip
define_op("BarrierClose", "handle: ref string ->", "cancel_pending_enqueues: bool = false", shape=no_outputs,
          kernel="{handle}.close({cancel_pending_enqueues})", writes=True)  # fmt: skip
define_op("BarrierReadySize", "handle: ref string -> size: int32", shape=scalar,
          kernel="torch.tensor({handle}.sizes()[0], dtype=torch.int32)", writes=True)  # fmt: skip
define_op("BarrierIncompleteSize", "handle: ref string -> size: int32", shape=scalar,
          kernel="torch.tensor({handle}.sizes()[1], dtype=torch.int32)", writes=True)  # fmt: skip


# --- class ------------------------------------------------------------------------------------------------------------


@export("python.ops.data_flow_ops.Barrier")
class Barrier:
    """Puts tuples together whose components arrive one by one.

    Args:
      types: the types of the components.
      shapes: their shapes, as far as they are known.
      shared_name: barriers of one such name in a session are the same.
      name: the node's name.

    Raises:
      ValueError: if a shape has no elements, or there are not as many shapes as types.
    """

    def __init__(self, types, shapes=None, shared_name=None, name="barrier"):
        self._types = [as_dtype(t) for t in (types if isinstance(types, (list, tuple)) else [types])]
        if shapes is None:
            self._shapes = [as_shape(None) for _ in self._types]
        else:
            self._shapes = _as_shapes(shapes, len(self._types))
        self._barrier_ref = call("Barrier", component_types=self._types, shapes=self._shapes,
                                 shared_name=shared_name or "", name=name)  # fmt: skip
        self._name = self._barrier_ref.op.name.split("/")[-1]

    @property
    def barrier_ref(self):
        """The handle of the barrier."""
        return self._barrier_ref

    @property
    def name(self):
        """The name of the barrier's operation."""
        return self._barrier_ref.op.name

    def insert_many(self, component_index, keys, values, name=None):
        """An operation that gives one component of several tuples.

        Args:
          component_index: which component.
          keys: string vector [n].
          values: tensor [n, ...].
          name: the node's name.
        """
        return call("BarrierInsertMany", self._barrier_ref, keys, values, component_index=component_index,
                    name=name or f"{self._name}_BarrierInsertMany")  # fmt: skip

    def take_many(self, num_elements, allow_small_batch=False, timeout=None, name=None):
        """Complete tuples, those first that were begun first.

        Args:
          num_elements: int32 scalar: how many to wait for.
          allow_small_batch: take fewer if the barrier is closed.
          timeout: how many milliseconds to wait; without end if None.
          name: the node's name.

        Returns:
          A named tuple (int64 indices, string keys, list of components).
        """
        taken = call("BarrierTakeMany", self._barrier_ref, num_elements, component_types=self._types,
                     allow_small_batch=allow_small_batch, timeout_ms=-1 if timeout is None else timeout,
                     name=name or f"{self._name}_BarrierTakeMany")  # fmt: skip
        indices, keys, *values = taken.indices.op.outputs
        known = None if allow_small_batch else constant_value(indices.op.inputs[1])
        count = None if known is None else int(known)
        for tensor in (indices, keys):
            tensor.set_shape([count])
        for tensor, shape in zip(values, self._shapes, strict=True):
            if shape.ndims is not None:
                tensor.set_shape([count, *shape.as_list()])
        return taken

    def close(self, cancel_pending_enqueues=False, name=None):
        """An operation after which no new keys are accepted.

        Args:
          cancel_pending_enqueues: accept no component of known keys, either.
          name: the node's name.
        """
        return call("BarrierClose", self._barrier_ref, cancel_pending_enqueues=cancel_pending_enqueues,
                    name=name or f"{self._name}_BarrierClose")  # fmt: skip

    def ready_size(self, name=None):
        """How many tuples are complete, an int32 scalar.

        Args:
          name: the node's name.
        """
        return call("BarrierReadySize", self._barrier_ref, name=name or f"{self._name}_BarrierReadySize")

    def incomplete_size(self, name=None):
        """How many tuples are not complete, an int32 scalar.

        Args:
          name: the node's name.
        """
        return call("BarrierIncompleteSize", self._barrier_ref, name=name or f"{self._name}_BarrierIncompleteSize")


def _as_shapes(shapes, count):
    shapes = as_shapes(shapes)
    if len(shapes) != count:
        raise ValueError(f"{len(shapes)} shapes for {count} types")
    for i, shape in enumerate(shapes):
        if shape.num_elements() == 0:
            raise ValueError(f"Empty tensors are not supported, but received shape '{shape}' at index {i}")
    return shapes
