"""Staging areas: what one step leaves for a later one. The ops, and the classes over them."""

import torch

from reflow.graph.build import call
from reflow.graph.context import colocate_with, get_default_graph, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import TensorShape, as_shape
from reflow.ops.shape_rules import no_outputs, scalar, unknown
from reflow.ops.staging_state import MapStage, Stage

# --- ops ----------------------------------------------------------------------------------------------------------


def _stage(resources, node_name, attrs):
    name = attrs["shared_name"].decode() or node_name
    limits = attrs["capacity"], attrs["memory_limit"]
    return resources.get_or_create("staging area", attrs["container"], name, lambda: Stage(*limits))


def _map_stage(is_ordered):
    def resource(resources, node_name, attrs):
        name = attrs["shared_name"].decode() or node_name
        limits = attrs["capacity"], attrs["memory_limit"]
        kind = "ordered map staging area" if is_ordered else "map staging area"
        return resources.get_or_create(kind, attrs["container"], name,
                                       lambda: MapStage(*limits, is_ordered))  # fmt: skip

    return resource


def _size_of(state):
    return torch.tensor(len(state), dtype=torch.int32)


def _incomplete_size_of(state):
    return torch.tensor(state.incomplete_size, dtype=torch.int32)


def _clear(state):
    state.clear()


def _take_any(state, indices):
    key, values = state.take_any(indices)
    return torch.tensor(key), values


def _no_key_shape(op):
    return [None] * (1 + len(op.attrs["dtypes"]))


_COMMON = ("capacity: int >= 0 = 0, memory_limit: int >= 0 = 0, container: string = '', shared_name: string = ''",
           "dtypes: list(type)")  # fmt: skip
_ANY = ", ".join(_COMMON)
_SOME = f"{_ANY} >= 1"


def _define(name, signature, attrs, kernel, resource, shape, host=""):
    # Whoever only looks has an effect, too: it waits for others.
    define_op(name, signature, attrs, host=host, shape=shape, kernel=kernel, resource=resource, is_stateful=True,
              writes=True)  # fmt: skip


_define("Stage", "values: list:dtypes ->", _SOME, lambda state, values: state.put(values), _stage, no_outputs)
_define("Unstage", "-> values: list:dtypes", _SOME, lambda state: state.take(), _stage, unknown)
_define("StagePeek", "index: int32 -> values: list:dtypes", _SOME, lambda state, index: state.peek(index), _stage,
        unknown, "index")  # fmt: skip
_define("StageSize", "-> size: int32", _ANY, _size_of, _stage, scalar)
_define("StageClear", "->", _ANY, _clear, _stage, no_outputs)

for _prefix, _ordered in (("", False), ("Ordered", True)):
    _resource = _map_stage(_ordered)
    _define(f"{_prefix}MapStage", "key: int64, indices: int32, values: list:fake_dtypes ->",
            f"{_ANY}, fake_dtypes: list(type) >= 1",
            lambda state, key, indices, values, dtypes: state.put(key, indices, values, len(dtypes)), _resource,
            no_outputs, "key indices")  # fmt: skip
    _define(f"{_prefix}MapPeek", "key: int64, indices: int32 -> values: list:dtypes", _SOME,
            lambda state, key, indices: state.peek(key, indices), _resource, unknown, "key indices")  # fmt: skip
    _define(f"{_prefix}MapUnstage", "key: int64, indices: int32 -> values: list:dtypes", _SOME,
            lambda state, key, indices: state.take(key, indices), _resource, unknown, "key indices")  # fmt: skip
    _define(f"{_prefix}MapUnstageNoKey", "indices: int32 -> key: int64, values: list:dtypes", _SOME, _take_any,
            _resource, _no_key_shape, "indices")  # fmt: skip
    _define(f"{_prefix}MapSize", "-> size: int32", _ANY, _size_of, _resource, scalar)
    _define(f"{_prefix}MapIncompleteSize", "-> size: int32", _ANY, _incomplete_size_of, _resource, scalar)
    _define(f"{_prefix}MapClear", "->", _ANY, _clear, _resource, no_outputs)


# --- classes ------------------------------------------------------------------------------------------------------


class BaseStagingArea:
    """What the staging areas have in common.

    Args:
      dtypes: the types of an element's components.
      shapes: their shapes, as far as they are known, or None.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: areas of one such name in a session are the same.
      capacity: the greatest number of elements; 0 for any.
      memory_limit: the greatest number of bytes; 0 for any.

    Raises:
      ValueError: if the numbers of types, shapes and names differ, or `shared_name` is no string.
    """

    def __init__(self, dtypes, shapes=None, names=None, shared_name=None, capacity=0, memory_limit=0):
        if shared_name is None:
            shared_name = get_default_graph().unique_name(type(self).__name__)
        elif not isinstance(shared_name, str):
            raise ValueError("shared_name must be a string")
        for what, values in (("shapes", shapes), ("names", names)):
            if values is not None and len(values) != len(dtypes):
                raise ValueError(f"StagingArea {what} must be the same length as dtypes")
        self._name = shared_name
        self._dtypes = dtypes
        self._shapes = [TensorShape(None)] * len(dtypes) if shapes is None else [as_shape(s) for s in shapes]
        self._names = names
        self._capacity = capacity
        self._memory_limit = memory_limit
        with name_scope(f"{self._name}_root"):
            self._colocation = call("NoOp")

    @property
    def name(self):
        """The name that areas share."""
        return self._name

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

    @property
    def capacity(self):
        """The greatest number of elements; 0 for any."""
        return self._capacity

    @property
    def memory_limit(self):
        """The greatest number of bytes; 0 for any."""
        return self._memory_limit

    def _call(self, op_name, *inputs, name, dtypes=None, colocated=True):
        attrs = {"shared_name": self._name, "capacity": self._capacity, "memory_limit": self._memory_limit}
        if dtypes is not None:
            attrs["dtypes"] = dtypes
        if not colocated:
            return call(op_name, *inputs, name=name, **attrs)
        with colocate_with(self._colocation):
            return call(op_name, *inputs, name=name, **attrs)

    def _components(self, values, indices):
        """(tensors, indices) of what is put: a dictionary by name, or a list and its indices."""
        if isinstance(values, dict):
            values, indices = self._named(values)
        else:
            if self._names:
                raise ValueError("You must enqueue a dictionary in a staging area with names")
            if indices is None:
                raise ValueError("Indices must be supplied when inserting a list of tensors")
            if len(indices) != len(values):
                raise ValueError(f"Number of indices '{len(indices)}' doesn't match number of values '{len(values)}'")
        if len(values) > len(self._dtypes):
            raise ValueError(f"Unexpected number of inputs '{len(values)}' vs '{len(self._dtypes)}'")
        tensors = []
        for value, index in zip(values, indices, strict=True):
            if value.dtype != self._dtypes[index]:
                raise ValueError(f"Datatypes do not match. '{value.dtype}' != '{self._dtypes[index]}'")
            value.get_shape().assert_is_compatible_with(self._shapes[index])
            tensors.append(to_tensor(value, name=f"component_{index}"))
        return tensors, indices

    def _named(self, values):
        if not self._names:
            raise ValueError("Staging areas must have names to enqueue a dictionary")
        if not set(values).issubset(self._names):
            raise ValueError("Keys in dictionary to put do not match names of staging area. Dictionary: "
                             f"({sorted(values)}), Queue: ({sorted(self._names)})")  # fmt: skip
        indices = [i for i, name in enumerate(self._names) if name in values]
        return [values[self._names[i]] for i in indices], indices

    def _result(self, tensors, indices):
        """What is taken: a list, or with names a dictionary."""
        tensors = self._transferred(tensors)
        for tensor, index in zip(tensors, indices, strict=True):
            tensor.set_shape(self._shapes[index])
        if self._names:
            return {self._names[i]: t for t, i in zip(tensors, indices, strict=True)}
        return tensors

    def _transferred(self, tensors):
        """The tensors on the current device, if that is not the area's."""
        from reflow.ops.identity import identity

        if call("NoOp").device == self._colocation.device:
            return tensors
        return [identity(t) for t in tensors]


@export("contrib.staging.StagingArea")
class StagingArea(BaseStagingArea):
    """Tuples of tensors that steps leave for later ones, taken in the order in which they came.

    Args:
      dtypes: the types of an element's components.
      shapes: their shapes, as far as they are known, or None.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: areas of one such name in a session are the same.
      capacity: the greatest number of elements; 0 for any. Who puts more waits.
      memory_limit: the greatest number of bytes; 0 for any. Who puts more waits.

    Raises:
      ValueError: if the numbers of types, shapes and names differ.
    """

    def put(self, values, name=None):
        """An operation that adds an element, as soon as there is room.

        Args:
          values: a tensor, a list of tensors, or a dictionary of tensors by name.
          name: the node's name.

        Raises:
          ValueError: if they do not fit the area.
        """
        if not isinstance(values, (list, tuple, dict)):
            values = [values]
        given = list(values.values()) if isinstance(values, dict) else list(values)
        with name_scope(name, f"{self._name}_put", given) as scope:
            tensors, _ = self._components(values, list(range(len(values))))
            return self._call("Stage", tensors, name=scope)

    def get(self, name=None):
        """The element that is there longest, as soon as there is one; it leaves the area.

        Args:
          name: the node's name.

        Returns:
          A list of tensors, or a dictionary if the area has names.
        """
        values = self._call("Unstage", name=name or f"{self._name}_get", dtypes=self._dtypes)
        return self._result(values, range(len(self._dtypes)))

    def peek(self, index, name=None):
        """The element at a place of the order, as soon as it is there; it stays.

        Args:
          index: int32 scalar.
          name: the node's name.

        Returns:
          A list of tensors, or a dictionary if the area has names.
        """
        values = self._call("StagePeek", index, name=name or f"{self._name}_peek", dtypes=self._dtypes)
        return self._result(values, range(len(self._dtypes)))

    def size(self, name=None):
        """How many elements there are, an int32 scalar.

        Args:
          name: the node's name.
        """
        return self._call("StageSize", name=name or f"{self._name}_size", dtypes=self._dtypes, colocated=False)

    def clear(self, name=None):
        """An operation that forgets all elements.

        Args:
          name: the node's name.
        """
        return self._call("StageClear", name=name or f"{self._name}_clear", dtypes=self._dtypes, colocated=False)


class MapStagingArea(BaseStagingArea):
    """Tuples of tensors that steps leave for later ones under a key; their components may come one by one.

    Args:
      dtypes: the types of an element's components.
      shapes: their shapes, as far as they are known, or None.
      names: their names, or None; with names, elements are dictionaries.
      shared_name: areas of one such name in a session are the same.
      ordered: who takes without a key gets the smallest.
      capacity: the greatest number of elements; 0 for any. Who puts more waits.
      memory_limit: the greatest number of bytes; 0 for any. Who puts more waits.

    Raises:
      ValueError: if the numbers of types, shapes and names differ.
    """

    def __init__(self, dtypes, shapes=None, names=None, shared_name=None, ordered=False, capacity=0, memory_limit=0):
        super().__init__(dtypes, shapes, names, shared_name, capacity, memory_limit)
        self._prefix = "OrderedMap" if ordered else "Map"

    def put(self, key, vals, indices=None, name=None):
        """An operation that gives components of a key's element, as soon as there is room.

        Args:
          key: int64 scalar.
          vals: a list of tensors, or a dictionary of tensors by name.
          indices: which components the list has.
          name: the node's name.

        Raises:
          ValueError: if they do not fit the area.
        """
        given = list(vals.values()) if isinstance(vals, dict) else list(vals)
        with name_scope(name, f"{self._name}_put", given) as scope:
            tensors, indices = self._components(vals, indices)
            return self._call(f"{self._prefix}Stage", key, indices, tensors, name=scope, dtypes=self._dtypes)

    def get(self, key=None, indices=None, name=None):
        """Components of a key's element, as soon as it is whole; they leave the area.

        Args:
          key: int64 scalar; None for any element, the one of the smallest key if the area is ordered.
          indices: which components: integers or names; None for all.
          name: the node's name.

        Returns:
          (key, a list of tensors or a dictionary).
        """
        indices, dtypes = self._which(indices)
        if key is not None:
            values = self._call(f"{self._prefix}Unstage", key, indices, name=name or f"{self._name}_get",
                                dtypes=dtypes)  # fmt: skip
            return key, self._result(values, indices)
        key, values = self._call(f"{self._prefix}UnstageNoKey", indices, name=name or f"{self._name}_get_nokey",
                                 dtypes=dtypes)  # fmt: skip
        return self._transferred([key])[0], self._result(values, indices)

    def peek(self, key, indices=None, name=None):
        """Components of a key's element, as soon as it is whole; they stay.

        Args:
          key: int64 scalar.
          indices: which components: integers or names; None for all.
          name: the node's name.

        Returns:
          A list of tensors, or a dictionary if the area has names.
        """
        indices, dtypes = self._which(indices)
        values = self._call(f"{self._prefix}Peek", key, indices, name=name or f"{self._name}_pop", dtypes=dtypes)
        return self._result(values, indices)

    def size(self, name=None):
        """How many whole elements there are, an int32 scalar.

        Args:
          name: the node's name.
        """
        return self._count("Size", name or f"{self._name}_size")

    def incomplete_size(self, name=None):
        """How many elements lack components, an int32 scalar.

        Args:
          name: the node's name.
        """
        return self._count("IncompleteSize", name or f"{self._name}_incomplete_size")

    def clear(self, name=None):
        """An operation that forgets all elements.

        Args:
          name: the node's name.
        """
        return self._count("Clear", name or f"{self._name}_clear")

    def _count(self, what, name):
        return self._call(f"{self._prefix}{what}", name=name, dtypes=self._dtypes, colocated=False)

    def _which(self, indices):
        """(indices, their types) of components that are asked for by number or name."""
        if indices is None:
            indices = list(range(len(self._dtypes)))
        if not isinstance(indices, (tuple, list)):
            raise TypeError(f"Invalid indices type '{type(indices)}'")
        if not indices:
            raise ValueError("Empty indices")
        if all(isinstance(i, str) for i in indices):
            indices = [self._index_of(name, indices) for name in indices]
        elif not all(isinstance(i, int) for i in indices):
            raise TypeError(f"Mixed types in indices '{indices}'. May only be str or int")
        return indices, [self._dtypes[i] for i in indices]

    def _index_of(self, name, names):
        if self._names is None:
            raise ValueError(f"String indices provided '{names}', but this Staging Area was not created with names.")
        if name not in self._names:
            raise ValueError(f"Named index '{name}' not in Staging Area names '{self._names}'")
        return list(self._names).index(name)
