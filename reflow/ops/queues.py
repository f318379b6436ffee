"""Queues: tuples of tensors that some steps put in and others take out. The ops, and the classes over them."""

import functools
import hashlib
from collections.abc import Sequence

import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.random_seed import get_seed
from reflow.graph.registry import define_op
from reflow.graph.shapes import TensorShape, as_shape
from reflow.ops.queue_state import PaddingQueue, Queue, check_same, own_name
from reflow.ops.queue_state import PriorityQueue as PriorityQueueState
from reflow.ops.queue_state import RandomShuffleQueue as RandomShuffleQueueState
from reflow.ops.shape_rules import no_outputs, scalar, unknown, with_rank
from reflow.ops.torch_types import FROM_TORCH, name_in_messages, to_torch

# --- ops --------------------------------------------------------------------------------------------------------------


def _resource(make):
    """The queue behind a node; `make(name, attrs)` makes one."""

    def resource(resources, node_name, attrs):
        shared_name = attrs["shared_name"].decode()
        if not shared_name:
            return resources.get_or_create("queue", attrs["container"], node_name,
                                           lambda: make(own_name(node_name), attrs))  # fmt: skip
        wanted = make(shared_name, attrs)
        found = resources.get_or_create("shared queue", attrs["container"], shared_name, lambda: wanted)
        check_same(found, wanted)
        return found

    return resource


def _common(attrs) -> tuple:
    return attrs["capacity"], attrs["component_types"], attrs["shapes"]


def _random_queue(name, attrs):
    capacity, types, shapes = _common(attrs)
    seeds = attrs["seed"], attrs["seed2"]
    return RandomShuffleQueueState(name, capacity, types, shapes, attrs["min_after_dequeue"], seeds)


def _check_types(queue: Queue, given: list, *, is_input: bool) -> None:
    wanted = [to_torch(t) for t in queue.types]
    if given != wanted:
        form = "resource, {}->" if is_input else "resource->{}"
        have = ", ".join(name_in_messages(_dtype_of(t)) for t in given)
        expected = ", ".join(map(name_in_messages, queue.types))
        raise errors.InvalidArgumentError(None, None, f"Signature mismatch, have: {form.format(have)} expected: "
                                          f"{form.format(expected)}")  # fmt: skip


def _dtype_of(torch_dtype):
    return FROM_TORCH.get(torch_dtype, torch_dtype)


def _check_no_timeout(timeout_ms: int) -> None:
    if timeout_ms != -1:
        raise errors.InvalidArgumentError(None, None, "Timeout not supported yet.")


def _enqueue(handle, components, Tcomponents, timeout_ms):
    _check_no_timeout(timeout_ms)
    _check_types(handle, Tcomponents, is_input=True)
    handle.enqueue(components)


def _enqueue_many(handle, components, Tcomponents, timeout_ms):
    _check_no_timeout(timeout_ms)
    _check_types(handle, Tcomponents, is_input=True)
    handle.enqueue_many(components)


def _dequeue(handle, component_types, timeout_ms):
    _check_no_timeout(timeout_ms)
    _check_types(handle, component_types, is_input=False)
    return handle.dequeue()


def _dequeue_batch(op_name, takes_fewer, handle, n, component_types, timeout_ms):
    _check_no_timeout(timeout_ms)
    _check_types(handle, component_types, is_input=False)
    if n < 0:
        raise errors.InvalidArgumentError(None, None, f"{op_name} requested {n} < 0 elements")
    return handle.dequeue_many(n, takes_fewer)


def _dequeue_many(handle, n, component_types, timeout_ms):
    return _dequeue_batch("DequeueManyOp", False, handle, n, component_types, timeout_ms)


def _dequeue_up_to(handle, n, component_types, timeout_ms):
    return _dequeue_batch("DequeueUpToOp", True, handle, n, component_types, timeout_ms)


def _close(handle, cancel_pending_enqueues):
    handle.close(cancel_pending_enqueues)


def _size(handle):
    return torch.tensor(handle.size(), dtype=torch.int32)


def _is_closed(handle):
    return torch.tensor(handle.is_closed)


def _handle_shape(op):
    return [(2,) if op.op_def.outputs[0].is_ref else ()]


def _batch_shape(op):
    with_rank(op._inputs[1].dims, 0)
    count = constant_value(op._inputs[1])
    if count is not None and count < 0:
        raise ValueError(f"Input 'n' must be >= 0, but is {int(count)}")
    return unknown(op)


_TYPES = "component_types: list(type) >= 1"
_SHAPES = "shapes: list(shape) = []"
_NAMES = 'capacity: int = -1, {}container: string = "", shared_name: string = ""'
_ANY = _NAMES.format("")
_RANDOM = _NAMES.format("min_after_dequeue: int = 0, seed: int = 0, seed2: int = 0, ")
_ENQUEUE = "Tcomponents: list(type) >= 1, timeout_ms: int = -1"
_DEQUEUE = f"{_TYPES}, timeout_ms: int = -1"

for _version, _handle in (("", "ref string"), ("V2", "resource")):
    for _name, _attrs, _make in (
        ("FIFOQueue", f"{_TYPES}, {_SHAPES}, {_ANY}", lambda name, attrs: Queue(name, *_common(attrs))),
        ("RandomShuffleQueue", f"{_TYPES}, {_SHAPES}, {_RANDOM}", _random_queue),
        ("PaddingFIFOQueue", f"{_TYPES}, {_SHAPES}, {_ANY}", lambda name, attrs: PaddingQueue(name, *_common(attrs))),
        ("PriorityQueue", f"component_types: list(type) = [], shapes: list(shape), {_ANY}",
         lambda name, attrs: PriorityQueueState(name, *_common(attrs))),
    ):  # fmt: skip
        define_op(f"{_name}{_version}", f"-> handle: {_handle}", _attrs, shape=_handle_shape, resource=_resource(_make),
                  is_stateful=True)  # fmt: skip
    # An operation on a queue counts as an effect even if it only looks: control edges around it stay.
    for _name, _signature, _attrs, _shape, _kernel, _host in (
        ("Enqueue", ", components: list:Tcomponents ->", _ENQUEUE, no_outputs, _enqueue, ""),
        ("EnqueueMany", ", components: list:Tcomponents ->", _ENQUEUE, no_outputs, _enqueue_many, ""),
        ("Dequeue", " -> components: list:component_types", _DEQUEUE, unknown, _dequeue, ""),
        ("DequeueMany", ", n: int32 -> components: list:component_types", _DEQUEUE, _batch_shape, _dequeue_many, "n"),
        ("DequeueUpTo", ", n: int32 -> components: list:component_types", _DEQUEUE, _batch_shape, _dequeue_up_to, "n"),
        ("Close", " ->", "cancel_pending_enqueues: bool = false", no_outputs, _close, ""),
        ("IsClosed", " -> is_closed: bool", "", scalar, _is_closed, ""),
        ("Size", " -> size: int32", "", scalar, _size, ""),
    ):
        _rules = {"is_stateful": True} if _version else {} if _name == "IsClosed" else {"gradient": None}
        define_op(f"Queue{_name}{_version}", f"handle: {_handle}{_signature}", _attrs, host=_host, shape=_shape,
                  kernel=_kernel, writes=True, **_rules)  # fmt: skip

define_op("FakeQueue", "resource: resource -> handle: ref string", shape=lambda op: [(2,)], kernel="{resource}",
          is_stateful=True)  # fmt: skip


# --- what the constructors take ---------------------------------------------------------------------------------------


def _as_types(types) -> list:
    return [as_dtype(t) for t in (types if isinstance(types, (list, tuple)) else [types])]


def as_shapes(shapes, partial: bool = False):
    """A list of shapes from one or several; they must be fully known, but for `partial` ones only their ranks."""
    is_one = shapes is None or isinstance(shapes, TensorShape) or _is_dims(shapes)
    if partial and (is_one or not isinstance(shapes, Sequence) or not shapes or any(_is_size(s) for s in shapes)):
        raise ValueError("When providing partial shapes, a list of shapes must be provided.")
    if shapes is None:
        return None
    if not isinstance(shapes, (TensorShape, list, tuple)):
        raise TypeError("shapes must be a TensorShape or a list or tuple of TensorShapes.")
    result = [as_shape(s) for s in ([shapes] if is_one else shapes)]
    if not partial and not all(s.is_fully_defined() for s in result):
        raise ValueError(f"All shapes must be fully defined: {result}")
    if any(s.dims is None for s in result):
        raise ValueError(f"All shapes must have a defined rank: {result}")
    return result


def _is_size(value) -> bool:
    return value is None or isinstance(value, int)


def _is_dims(shapes) -> bool:
    """Whether this is one shape, given by its sizes."""
    return isinstance(shapes, (list, tuple)) and all(map(_is_size, shapes))


def _as_names(names, types):
    if names is None:
        return None
    names = list(names) if isinstance(names, (list, tuple)) else [names]
    if len(names) != len(types):
        raise ValueError("List of names must have the same length as the list of dtypes")
    return names


def _common_shape(a: TensorShape, b: TensorShape) -> TensorShape:
    """What two shapes have in common."""
    if a.ndims is None or b.ndims is None or a.ndims != b.ndims:
        return TensorShape(None)
    return TensorShape([x if x == y else None for x, y in zip(a.as_list(), b.as_list(), strict=True)])


# --- classes ----------------------------------------------------------------------------------------------------------


@export("queue.QueueBase", "io.QueueBase", "QueueBase")
class QueueBase:
    """What queues have in common.

    Args:
      dtypes: the types of an element's components.
      shapes: their shapes, as far as they are known, or None.
      names: their names, or None; with names, elements are dictionaries.
      queue_ref: the handle of the queue.

    Raises:
      ValueError: if the numbers of types, shapes and names differ.
    """

    def __init__(self, dtypes, shapes, names, queue_ref):
        for what, values in (("shapes", shapes), ("names", names)):
            if values is not None and len(values) != len(dtypes):
                raise ValueError(f"Queue {what} must have the same length as dtypes")
        self._dtypes = dtypes
        self._shapes = [TensorShape(None) for _ in dtypes] if shapes is None else [as_shape(s) for s in shapes]
        self._names = names
        self._queue_ref = queue_ref
        self._name = queue_ref.op.name.split("/")[-1]

    @staticmethod
    def from_list(index, queues):
        """The queue with a number that only the run tells.

        Args:
          index: integer scalar tensor: which queue.
          queues: a list of queues, whose components have the same types and names.

        Returns:
          A QueueBase.

        Raises:
          TypeError: if `queues` is no list of queues, or they differ in types or names.
        """
        from reflow.ops.gathering import gather
        from reflow.ops.joining import stack

        if not queues or not isinstance(queues, list) or not all(isinstance(q, QueueBase) for q in queues):
            raise TypeError("A list of queues expected")
        first = queues[0]
        if any(q.dtypes != first.dtypes for q in queues):
            raise TypeError("Queues do not have matching component dtypes.")
        if any(q.names != first.names for q in queues):
            raise TypeError("Queues do not have matching component names.")
        shapes = [functools.reduce(_common_shape, each) for each in zip(*(q.shapes for q in queues), strict=True)]
        handle = gather(stack([q.queue_ref for q in queues]), index)
        return QueueBase(first.dtypes, shapes, first.names, handle)

    @property
    def queue_ref(self):
        """The handle of the queue."""
        return self._queue_ref

    @property
    def name(self):
        """The name of the queue's operation."""
        return self._queue_ref.op.name

    @property
    def dtypes(self):
        """The types of an element's components."""
        return self._dtypes

    @property
    def shapes(self):
        """Their shapes, as far as they are known."""
        return self._shapes

    @property
    def names(self):
        """Their names, or None."""
        return self._names

    def enqueue(self, vals, name=None):
        """An operation that adds an element, as soon as there is room.

        When it runs it raises CancelledError if the queue is closed before, or meanwhile with
        `cancel_pending_enqueues`, or if the session closes.

        Args:
          vals: a tensor, a list of tensors, or a dictionary of tensors by name.
          name: the node's name.

        Raises:
          ValueError: if they do not fit the queue.
        """
        with name_scope(name, f"{self._name}_enqueue", _values_of(vals)) as scope:
            tensors = self._components(vals)
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                tensor.shape.assert_is_compatible_with(shape)
            return call(self._op("QueueEnqueue"), self._queue_ref, tensors, name=scope)

    def enqueue_many(self, vals, name=None):
        """An operation that adds the rows of tensors as elements, each as soon as there is room; as `enqueue`.

        Args:
          vals: a tensor, a list of tensors, or a dictionary of tensors by name, all of one first dimension.
          name: the node's name.

        Raises:
          ValueError: if they do not fit the queue.
        """
        with name_scope(name, f"{self._name}_EnqueueMany", _values_of(vals)) as scope:
            tensors = self._components(vals)
            size = tensors[0].shape.with_rank_at_least(1)[0]
            for tensor, shape in zip(tensors, self._shapes, strict=False):
                size = size.merge_with(tensor.shape.with_rank_at_least(1)[0])
                tensor.shape[1:].assert_is_compatible_with(shape)
            return call(self._op("QueueEnqueueMany"), self._queue_ref, tensors, name=scope)

    def _op(self, name: str) -> str:
        """The op of this name for the kind of handle that the queue has."""
        return f"{name}V2" if self._queue_ref.dtype == dtypes.resource else name

    def _components(self, values) -> list:
        """The tensors of an element."""
        if isinstance(values, dict):
            values = self._named(values)
        elif self._names:
            raise ValueError("You must enqueue a dictionary in a Queue with names")
        elif not isinstance(values, (list, tuple)):
            values = [values]
        return [to_tensor(value, dtype, name=f"component_{i}")
                for i, (value, dtype) in enumerate(zip(values, self._dtypes, strict=False))]  # fmt: skip

    def _named(self, values: dict) -> list:
        if not self._names:
            raise ValueError("Queue must have names to enqueue a dictionary")
        if sorted(self._names, key=str) != sorted(values, key=str):
            raise ValueError("Keys in dictionary to enqueue do not match names of Queue.  Dictionary: "
                             f"({sorted(values)}), Queue: ({sorted(self._names)})")  # fmt: skip
        return [values[name] for name in self._names]

    def dequeue(self, name=None):
        """The next element, as soon as there is one; it leaves the queue.

        When it runs it raises OutOfRangeError if the queue is closed and empty, CancelledError if the session closes.

        Args:
          name: the node's name.

        Returns:
          A tensor, a list of tensors if there are several components, or a dictionary if they have names.
        """
        return self._dequeue("Dequeue", [], name, TensorShape([]))

    def dequeue_many(self, n, name=None):
        """The next `n` elements, as one tensor a component, as soon as there are as many.

        When it runs it raises OutOfRangeError if the queue is closed and has too few, which then stay in it.

        Args:
          n: int32 scalar.
          name: the node's name.

        Returns:
          As `dequeue`; each tensor has one dimension more.
        """
        return self._dequeue("DequeueMany", [n], name, None)

    def dequeue_up_to(self, n, name=None):
        """As `dequeue_many`, but if the queue is closed, what is left of it, at least one element.

        Args:
          n: int32 scalar.
          name: the node's name.
        """
        return self._dequeue("DequeueUpTo", [n], name, TensorShape([None]))

    def _dequeue(self, what, inputs, name, batch):
        tensors = call(self._op(f"Queue{what}"), self._queue_ref, *inputs, component_types=self._dtypes,
                       name=name or f"{self._name}_{what}")  # fmt: skip
        if batch is None:
            count = constant_value(tensors[0].op.inputs[1])
            batch = TensorShape([None if count is None else int(count)])
        for tensor, shape in zip(tensors, self._shapes, strict=True):
            tensor.set_shape(batch.concatenate(shape))
        if self._names:
            return dict(zip(self._names, tensors, strict=True))
        return tensors[0] if len(tensors) == 1 else tensors

    def close(self, cancel_pending_enqueues=False, name=None):
        """An operation that closes the queue: nothing can be added any more, what is there can be taken.

        Args:
          cancel_pending_enqueues: those that wait for room fail; else they are served first.
          name: the node's name.
        """
        return call(self._op("QueueClose"), self._queue_ref, cancel_pending_enqueues=cancel_pending_enqueues,
                    name=name or f"{self._name}_Close")  # fmt: skip

    def is_closed(self, name=None):
        """Whether the queue is closed, a boolean scalar.

        Args:
          name: the node's name.
        """
        return call(self._op("QueueIsClosed"), self._queue_ref, name=name or f"{self._name}_Is_Closed")

    def size(self, name=None):
        """How many elements there are, an int32 scalar.

        Args:
          name: the node's name.
        """
        return call(self._op("QueueSize"), self._queue_ref, name=name or f"{self._name}_Size")


def _values_of(values) -> list:
    if isinstance(values, dict):
        return list(values.values())
    return list(values) if isinstance(values, (list, tuple)) else [values]


@export("queue.FIFOQueue", "FIFOQueue")
class FIFOQueue(QueueBase):
    """A queue that gives its elements in the order in which they came.

    Args:
      capacity: the greatest number of elements; negative for any. Who adds more waits.
      dtypes: the types of an element's components.
      shapes: their shapes, fully known, or None; without, only single elements can be taken.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: queues of one such name in a session are the same.
      name: the node's name.

    Raises:
      ValueError: if the numbers of types, shapes and names differ, or a shape is not fully known.
    """

    def __init__(self, capacity, dtypes, shapes=None, names=None, shared_name=None, name="fifo_queue"):
        types = _as_types(dtypes)
        shapes = as_shapes(shapes)
        names = _as_names(names, types)
        handle = call("FIFOQueueV2", component_types=types, shapes=shapes or [], capacity=capacity,
                      shared_name=shared_name or "", name=name)  # fmt: skip
        super().__init__(types, shapes, names, handle)


@export("queue.RandomShuffleQueue", "io.RandomShuffleQueue", "RandomShuffleQueue")
class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order.

    Args:
      capacity: the greatest number of elements; negative for any. Who adds more waits.
      min_after_dequeue: so many elements stay in the queue until it is closed, for a better mix. Who takes more waits.
      dtypes: the types of an element's components.
      shapes: their shapes, fully known, or None; without, only single elements can be taken.
      names: their names, or None; with names, elements are dictionaries.
      seed: an integer, as for other random operations.
      shared_name: queues of one such name in a session are the same.
      name: the node's name.

    Raises:
      ValueError: if the numbers of types, shapes and names differ, or a shape is not fully known.
    """

    def __init__(self, capacity, min_after_dequeue, dtypes, shapes=None, names=None, seed=None, shared_name=None,
                 name="random_shuffle_queue"):  # fmt: skip
        types = _as_types(dtypes)
        shapes = as_shapes(shapes)
        names = _as_names(names, types)
        seeds = get_seed(seed)
        if seeds == (None, None):
            seeds = 0, 0
        elif seed is None and shared_name is not None:
            # The same stream for all queues of this name, whatever else their graphs hold.
            digest = hashlib.md5(f"{seeds[0]}{shared_name}".encode(), usedforsecurity=False).hexdigest()
            seeds = seeds[0], int(digest[:8], 16) & 0x7FFFFFFF
        handle = call("RandomShuffleQueueV2", component_types=types, shapes=shapes or [], capacity=capacity,
                      min_after_dequeue=min_after_dequeue, seed=seeds[0], seed2=seeds[1],
                      shared_name=shared_name or "", name=name)  # fmt: skip
        super().__init__(types, shapes, names, handle)


@export("queue.PaddingFIFOQueue", "io.PaddingFIFOQueue", "PaddingFIFOQueue")
class PaddingFIFOQueue(QueueBase):
    """A FIFOQueue of values whose sizes vary: in a batch they are padded with zeros to the largest.

    Args:
      capacity: the greatest number of elements; negative for any. Who adds more waits.
      dtypes: the types of an element's components.
      shapes: a list of their shapes, of known rank; sizes that are None vary.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: queues of one such name in a session are the same.
      name: the node's name.

    Raises:
      ValueError: if `shapes` is no list of shapes, or the numbers of types, shapes and names differ.
    """

    def __init__(self, capacity, dtypes, shapes, names=None, shared_name=None, name="padding_fifo_queue"):
        types = _as_types(dtypes)
        shapes = as_shapes(shapes, partial=True)
        names = _as_names(names, types)
        if len(types) != len(shapes):
            raise ValueError(f"Shapes must be provided for all components, but received {len(types)} dtypes and "
                             f"{len(shapes)} shapes.")  # fmt: skip
        handle = call("PaddingFIFOQueueV2", component_types=types, shapes=shapes, capacity=capacity,
                      shared_name=shared_name or "", name=name)  # fmt: skip
        super().__init__(types, shapes, names, handle)


@export("queue.PriorityQueue", "io.PriorityQueue", "PriorityQueue")
class PriorityQueue(QueueBase):
    """A queue that gives the element first whose priority is the smallest.

    The first component of an element, beside those of `types`, is its priority: an int64 scalar.

    Args:
      capacity: the greatest number of elements; negative for any. Who adds more waits.
      types: the types of an element's other components.
      shapes: their shapes, fully known.
      names: the names of all components, or None; with names, elements are dictionaries.
      shared_name: queues of one such name in a session are the same.
      name: the node's name.

    Raises:
      TypeError: if `shapes` is None.
      ValueError: if the numbers of types, shapes and names differ, or a shape is not fully known.
    """

    def __init__(self, capacity, types, shapes=None, names=None, shared_name=None, name="priority_queue"):
        types = _as_types(types)
        shapes = as_shapes(shapes)
        if shapes is None:
            raise TypeError("Expected list for 'shapes' argument to 'priority_queue_v2' Op, not None.")
        handle = call("PriorityQueueV2", component_types=types, shapes=shapes, capacity=capacity,
                      shared_name=shared_name or "", name=name)  # fmt: skip
        super().__init__([dtypes.int64, *types], [TensorShape([]), *shapes] if shapes else shapes, names, handle)
