"""What a structure is to `tf.nest`: its kind, its children in flattening order, and how to make one like it."""

import collections
import collections.abc
import enum
import functools
from collections.abc import Iterator


class Kind(enum.Enum):
    """How the children of a value are read, and how it is made again from new ones."""

    LEAF = enum.auto()
    SEQUENCE = enum.auto()
    NAMEDTUPLE = enum.auto()
    MAPPING = enum.auto()
    VIEW = enum.auto()
    ATTRS = enum.auto()
    COMPOSITE = enum.auto()
    SPEC = enum.auto()


_LEAF_SEQUENCES = (str, bytes)
COMPOSITE_KINDS = (Kind.COMPOSITE, Kind.SPEC)


@functools.lru_cache(maxsize=4096)
def _kind_of_type(cls: type) -> Kind:
    """The kind of every instance of `cls`; cached, because checks against abstract classes are slow."""
    if issubclass(cls, tuple) and _has_field_names(cls):
        return Kind.NAMEDTUPLE
    if issubclass(cls, collections.abc.Mapping):
        return Kind.MAPPING
    if issubclass(cls, collections.abc.MappingView):
        return Kind.VIEW
    if issubclass(cls, collections.abc.Sequence) and not issubclass(cls, _LEAF_SEQUENCES):
        return Kind.SEQUENCE
    if hasattr(cls, "__attrs_attrs__"):
        return Kind.ATTRS
    if hasattr(cls, "_to_components"):
        return Kind.COMPOSITE
    if hasattr(cls, "_from_components"):
        return Kind.SPEC
    return Kind.LEAF


def _has_field_names(cls: type) -> bool:
    fields = getattr(cls, "_fields", None)
    return isinstance(fields, collections.abc.Sequence) and all(isinstance(name, str) for name in fields)


def kind_of(value, expand_composites: bool = False) -> Kind:
    """The kind of a value; composite tensors and their specs are leaves unless `expand_composites` is set."""
    kind = _kind_of_type(type(value))  # type: ignore[arg-type] # A class can be hashed; the checker doubts it.
    return Kind.LEAF if kind in COMPOSITE_KINDS and not expand_composites else kind


def is_sequence(seq) -> bool:
    """Tells whether `seq` is a structure with children: a list, tuple, mapping, ... but not a string or array."""
    return kind_of(seq) is not Kind.LEAF


def is_sequence_or_composite(seq) -> bool:
    """Tells whether `seq` is a structure, counting composite tensors and their type specs as such."""
    return kind_of(seq, expand_composites=True) is not Kind.LEAF


def is_namedtuple(instance, strict: bool = False) -> bool:
    """Tells whether `instance` is a namedtuple; with `strict`, of a class directly below `tuple`."""
    return kind_of(instance) is Kind.NAMEDTUPLE and (not strict or type(instance).__base__ is tuple)


def is_mapping(instance) -> bool:
    """Tells whether `instance` is a dict or another `collections.abc.Mapping`."""
    return kind_of(instance) is Kind.MAPPING


def is_attrs(instance) -> bool:
    """Tells whether `instance` is of a class made with `attr.s`."""
    return kind_of(instance) is Kind.ATTRS


def same_namedtuples(first, second) -> bool:
    """Tells whether two namedtuples have equal class names and fields; their classes may differ."""
    return type(first).__name__ == type(second).__name__ and first._fields == second._fields


def sorted_keys(mapping) -> list:
    """The keys of `mapping` in sorted order.

    Raises:
      TypeError: if they cannot be compared with one another.
    """
    try:
        return sorted(mapping)
    except TypeError as error:
        raise TypeError(f"nest only supports dicts with sortable keys: {list(mapping)!r} ({error})") from None


def items_of(iterable) -> Iterator[tuple]:
    """Yields (key, child) pairs in flattening order; a key is a dict key, field name or index."""
    kind = kind_of(iterable, expand_composites=True)
    if kind is Kind.MAPPING:
        yield from ((key, iterable[key]) for key in sorted_keys(iterable))
    elif kind is Kind.ATTRS:
        yield from ((field.name, getattr(iterable, field.name)) for field in type(iterable).__attrs_attrs__)
    elif kind is Kind.NAMEDTUPLE:
        yield from zip(iterable._fields, iterable, strict=True)
    elif kind is Kind.COMPOSITE:
        yield type(iterable).__name__, iterable._to_components()
    elif kind is Kind.SPEC:
        # A composite and its spec have the same keys, so that one can be matched with the other.
        yield iterable.value_type.__name__, iterable._component_specs
    else:
        yield from enumerate(iterable)


def children_of(iterable) -> Iterator:
    """Yields the children of a structure in flattening order."""
    return (child for _, child in items_of(iterable))


def structure_like(instance, args):
    """Makes a structure of the type of `instance` from children in flattening order.

    Args:
      instance: the structure to imitate; mapping views and ranges become lists.
      args: an iterable with one value for each child of `instance`.

    Returns:
      The new structure. A mapping keeps the key order of `instance`.
    """
    kind = kind_of(instance, expand_composites=True)
    if kind is Kind.MAPPING:
        return _mapping_like(instance, dict(zip(sorted_keys(instance), args, strict=False)))
    if kind is Kind.VIEW or isinstance(instance, range):
        return list(args)
    if kind in (Kind.NAMEDTUPLE, Kind.ATTRS):
        return type(instance)(*args)
    if kind is Kind.COMPOSITE:
        (components,) = args
        return instance._type_spec._from_components(components)
    if kind is Kind.SPEC:
        (components,) = args
        return instance._from_components(components)
    return type(instance)(args)


def _mapping_like(instance, values: dict):
    items = [(key, values[key]) for key in instance]
    if isinstance(instance, collections.defaultdict):
        return type(instance)(instance.default_factory, items)
    return type(instance)(items)
