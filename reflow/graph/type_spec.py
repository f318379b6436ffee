"""Type specifications: what is known of a value before there is one: `TypeSpec`, and `TensorSpec` for plain tensors.

Specifications of composite tensors stand beside these (`SparseTensorSpec` in `sparse_tensor.py`, ...). For `tf.nest`
such a specification has `_component_specs` and `_from_components(components)`, and the composite tensor that it
describes has `_type_spec` and `_to_components()`.
"""

import abc
from collections.abc import Callable
from typing import Any

import numpy as np

from reflow.graph import dtypes
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape

_SPEC_MAKERS: dict[type, Callable[[Any], "TypeSpec"]] = {}


@export("TypeSpec")
class TypeSpec(abc.ABC):
    """The base of type specifications.

    A kind of specification defines `value_type` and `_serialize()`, a tuple of what it holds (shapes, types, numbers,
    strings, further specifications, tuples and dicts of these); its class is called with that tuple to make it again.
    """

    @property
    @abc.abstractmethod
    def value_type(self):
        """The Python type of the values."""

    @abc.abstractmethod
    def _serialize(self) -> tuple:
        """What the specification holds."""

    def is_compatible_with(self, spec_or_value):
        """Whether a specification, or that of a value, may describe the same value as this one.

        Args:
          spec_or_value: a TypeSpec, or a value that has one.

        Returns:
          A bool.

        Raises:
          TypeError: if the value has no specification.
        """
        other = spec_or_value if isinstance(spec_or_value, TypeSpec) else type_spec_from_value(spec_or_value)
        return type(self) is type(other) and _is_compatible(self._serialize(), other._serialize())

    def most_specific_compatible_type(self, other):
        """The narrowest specification of which this and another one are special cases.

        Args:
          other: a TypeSpec.

        Returns:
          A TypeSpec.

        Raises:
          ValueError: if there is none.
        """
        if type(self) is not type(other):
            raise ValueError(f"No TypeSpec is compatible with both {self} and {other}")
        return type(self)(*_common(self._serialize(), other._serialize()))

    def __eq__(self, other):
        return type(self) is type(other) and _key(self._serialize()) == _key(other._serialize())

    def __hash__(self):
        return hash((type(self), _key(self._serialize())))

    def __reduce__(self):
        return type(self), self._serialize()

    def __repr__(self):
        return f"{type(self).__name__}{self._serialize()!r}"


def _is_compatible(a, b) -> bool:
    """`is_compatible_with` of what two specifications hold."""
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_is_compatible, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_is_compatible(a[key], b[key]) for key in a)
    if isinstance(a, (TypeSpec, TensorShape, DType)):
        return a.is_compatible_with(b)
    return a == b


def _common(a, b):
    """`most_specific_compatible_type` of what two specifications hold."""
    if type(a) is type(b):
        if isinstance(a, tuple) and len(a) == len(b):
            return tuple(map(_common, a, b))
        if isinstance(a, dict) and a.keys() == b.keys():
            return {key: _common(a[key], b[key]) for key in a}
        if isinstance(a, TensorShape):
            return a.most_specific_compatible_shape(b)
        if isinstance(a, TypeSpec):
            return a.most_specific_compatible_type(b)
        if a == b:
            return a
    raise ValueError(f"Types are not compatible: {a!r} vs {b!r}")


def _key(value):
    """What a specification holds as something that can be compared and hashed."""
    if isinstance(value, dict):
        return tuple([(key, _key(value[key])) for key in sorted(value)])
    if isinstance(value, tuple):
        return tuple([_key(item) for item in value])
    if isinstance(value, TensorShape):
        # Shapes of unknown rank cannot be compared themselves.
        return TensorShape, value._dims
    return value


# --- tensors ----------------------------------------------------------------------------------------------------------


@export("TensorSpec")
class TensorSpec(TypeSpec):
    """The shape, type and name of a tensor.

    Args:
      shape: what converts to a `tf.TensorShape`.
      dtype: what converts to a `tf.DType`.
      name: a string, or None.

    Raises:
      TypeError: if the shape or the type does not convert.
    """

    def __init__(self, shape, dtype=dtypes.float32, name=None):
        self._shape = TensorShape(shape)
        self._dtype = as_dtype(dtype)
        self._name = name

    @classmethod
    def from_spec(cls, spec, name=None):
        """The specification `spec` under another name, or its own if `name` is None."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    @classmethod
    def from_tensor(cls, tensor, name=None):
        """The specification of a Tensor, named as its operation if `name` is None.

        Raises:
          ValueError: if it is no Tensor.
        """
        if not isinstance(tensor, Tensor):
            raise ValueError("`tensor` should be a tf.Tensor")
        return TensorSpec(tensor.shape, tensor.dtype, name or tensor.op.name)

    @property
    def shape(self):
        """The TensorShape."""
        return self._shape

    @property
    def dtype(self):
        """The type of the elements."""
        return self._dtype

    @property
    def name(self):
        """The name, or None."""
        return self._name

    @property
    def value_type(self):
        """`tf.Tensor`."""
        return Tensor

    def _serialize(self):
        return self._shape, self._dtype, self._name

    def is_compatible_with(self, spec_or_tensor):
        """Whether a TensorSpec or Tensor has the same type, and a shape that may be the same; names do not count."""
        return (isinstance(spec_or_tensor, (TensorSpec, Tensor))
                and self._dtype.is_compatible_with(spec_or_tensor.dtype)
                and self._shape.is_compatible_with(spec_or_tensor.shape))  # fmt: skip

    def most_specific_compatible_type(self, other):
        """The narrowest TensorSpec of which this and another one are special cases; its name is None if they differ.

        Raises:
          ValueError: if `other` is no TensorSpec or has another type.
        """
        if type(self) is not type(other) or self._dtype != other.dtype:
            raise ValueError(f"Types are not compatible: {self!r} vs {other!r}")
        shape = self._shape.most_specific_compatible_shape(other.shape)
        return TensorSpec(shape, self._dtype, self._name if self._name == other.name else None)

    def __repr__(self):
        return f"TensorSpec(shape={self._shape}, dtype={self._dtype!r}, name={self._name!r})"


# --- values -----------------------------------------------------------------------------------------------------------


def register_type_spec(value_type: type, make: Callable[[Any], TypeSpec]) -> None:
    """Let values of a type (and of those derived from it) have a specification.

    Args:
      value_type: the type.
      make: function from a value to its TypeSpec.
    """
    _SPEC_MAKERS[value_type] = make


def type_spec_from_value(value) -> TypeSpec:
    """The specification of a value: a tensor, an array, a composite tensor or what converts to a tensor.

    Args:
      value: the value.

    Returns:
      A TypeSpec.

    Raises:
      TypeError: if the value is of a type that has none.
    """
    make = _spec_maker(type(value))
    if make is not None:
        return make(value)
    try:
        tensor = to_tensor(value)
    except (TypeError, ValueError):
        raise TypeError(f"Could not build a TypeSpec for {value!r} with type {type(value).__name__}") from None
    return TensorSpec(tensor.shape, tensor.dtype)


def _spec_maker(cls: type):
    return next((_SPEC_MAKERS[ancestor] for ancestor in cls.__mro__ if ancestor in _SPEC_MAKERS), None)


register_type_spec(Tensor, lambda tensor: TensorSpec(tensor.shape, tensor.dtype))
register_type_spec(np.ndarray, lambda array: TensorSpec(array.shape, as_dtype(array.dtype)))
