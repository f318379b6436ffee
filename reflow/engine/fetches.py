"""What `Session.run` accepts as fetches, and how their values are put back into the same structure."""

from reflow.graph import nest
from reflow.graph.errors import InaccessibleTensorError
from reflow.graph.indexed_slices import IndexedSlices, IndexedSlicesValue
from reflow.graph.operation import Operation, Tensor
from reflow.graph.sparse_tensor import SparseTensor, SparseTensorValue

# What these operations make is fetched as a TensorHandle.
_HANDLES = ("GetSessionHandle", "GetSessionHandleV2")
# Types that a program taught sessions to fetch and feed: (type, fetch function, feed function, partial feed function).
_conversions: list = []


def register_session_run_conversion_functions(tensor_type, fetch_function=None, feed_function=None,
                                              feed_function_for_partial_run=None):  # fmt: skip
    """Teach sessions a type of fetch and feed.

    Args:
      tensor_type: the type.
      fetch_function: `object -> (list of tensors, function from their values to the object's value)`.
      feed_function: `(object, value) -> list of (tensor, value)`.
      feed_function_for_partial_run: `object -> list of tensors`.

    Raises:
      ValueError: if the type, or a parent of it, is registered already.
    """
    for kind, *_ in _conversions:
        if issubclass(kind, tensor_type):
            raise ValueError(f"{tensor_type} has already been registered so ignore it.")
    _conversions.insert(0, (tensor_type, fetch_function, feed_function, feed_function_for_partial_run))


def conversion_for(value):
    """The registered row for a value's type, or None."""
    return next((row for row in _conversions if isinstance(value, row[0])), None)


class Fetches:
    """The fetches of one run: the distinct tensors, the operations, and how to rebuild the structure.

    Attributes:
      tensors: the distinct tensors to compute.
      targets: the operations to run.
    """

    def __init__(self, graph, fetches):
        self._graph = graph
        self._positions: dict[Tensor, int] = {}
        self.tensors: list[Tensor] = []
        self.targets: list[Operation] = []
        self._rebuild = self._mapper(fetches)

    def build(self, values: list):
        """The structure with values in the place of the fetches."""
        return self._rebuild(values)

    def _mapper(self, fetch):
        """A function from the list of values to what stands in the place of `fetch`."""
        if isinstance(fetch, (list, tuple)) or nest._is_mapping(fetch) or nest._is_attrs(fetch):
            return self._container_mapper(fetch)
        if fetch is None:
            raise TypeError("Fetch argument None has invalid type <class 'NoneType'>")
        if isinstance(fetch, SparseTensor):
            return self._composite([fetch.indices, fetch.values, fetch.dense_shape], SparseTensorValue._make)
        if isinstance(fetch, IndexedSlices):
            parts = [fetch.values, fetch.indices] + ([] if fetch.dense_shape is None else [fetch.dense_shape])
            return self._composite(parts, lambda v: IndexedSlicesValue(*v, *([None] * (3 - len(v)))))
        row = conversion_for(fetch)
        if row is not None:
            tensors, contract = row[1](fetch)
            return self._composite(tensors, contract)
        return self._element_mapper(fetch)

    def _container_mapper(self, fetch):
        if nest._is_mapping(fetch):
            keys = list(fetch)
            mappers = [self._mapper(fetch[k]) for k in keys]
            kind = type(fetch)

            def rebuild_mapping(values):
                pairs = [(k, m(values)) for k, m in zip(keys, mappers, strict=True)]
                if hasattr(fetch, "default_factory"):
                    return kind(fetch.default_factory, pairs)
                return kind(pairs)

            return rebuild_mapping
        if nest._is_attrs(fetch):
            names = [a.name for a in type(fetch).__attrs_attrs__]
            mappers = [self._mapper(getattr(fetch, n)) for n in names]
            return lambda values: type(fetch)(**{n: m(values) for n, m in zip(names, mappers, strict=True)})
        mappers = [self._mapper(item) for item in fetch]
        kind = type(fetch)
        if kind is list:
            return lambda values: [m(values) for m in mappers]
        if hasattr(kind, "_make"):
            return lambda values: kind._make([m(values) for m in mappers])
        return lambda values: kind([m(values) for m in mappers])

    def _composite(self, tensors, contract):
        mappers = [self._element_mapper(t) for t in tensors]
        return lambda values: contract([m(values) for m in mappers])

    def _element_mapper(self, fetch):
        try:
            element = self._graph.as_graph_element(fetch, allow_tensor=True, allow_operation=True)
        except TypeError as error:
            raise TypeError(f"Fetch argument {fetch!r} has invalid type {type(fetch)}, must be a string or Tensor. "
                            f"({error})") from None  # fmt: skip
        except (ValueError, KeyError) as error:
            message = error.args[0] if error.args else error
            raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({message})") from None
        if not self._graph.is_fetchable(element):
            raise InaccessibleTensorError(
                f"Operation {getattr(element, 'name', element)!r} has been marked as not fetchable. Typically this "
                "happens when it is defined in another function or code block. Use return values, explicit Python "
                "locals or TensorFlow collections to access it."
            )
        if isinstance(element, Operation):
            self.targets.append(element)
            return lambda values: None
        position = self._positions.setdefault(element, len(self.tensors))
        if position == len(self.tensors):
            self.tensors.append(element)
        if element.op.type in _HANDLES:
            return lambda values: values[position].tensor_handle
        return lambda values: values[position]
