"""Attribute values of a NodeDef: from `AttrValue` protos to the Python forms that operations keep, and back.

| attr type | Python form                                                                 |
| --------- | --------------------------------------------------------------------------- |
| type      | DType                                                                       |
| shape     | raw dims: a tuple of int or None, or None for an unknown rank               |
| int, float, bool | the Python type                                                      |
| string    | bytes                                                                       |
| tensor    | array; a TensorProto for types without an array form (resource, variant)    |
| func      | NameAttrList                                                                |
| list(x)   | list of the form of x                                                       |
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from tensorboard.compat.proto.attr_value_pb2 import AttrValue, NameAttrList
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

from reflow.graph.dtypes import BY_ENUM, DType, as_dtype
from reflow.graph.shapes import TensorShape, as_dims
from reflow.graph.tensor_proto import ndarray_to_proto, proto_to_ndarray

# The field that holds an attr type, the same in AttrValue and in its ListValue.
_FIELDS = {
    "string": "s", "int": "i", "float": "f", "bool": "b", "type": "type", "shape": "shape", "tensor": "tensor",
    "func": "func",
}  # fmt: skip
_TYPE_OF_FIELD = {field: attr_type for attr_type, field in _FIELDS.items()}

# How C++ spells the types whose Python name differs.
_CPP_NAMES = {"float32": "float", "float64": "double", "float16": "half"}


def to_attr_value(attr_type: str, value) -> AttrValue:
    """The AttrValue proto of an attribute in its Python form.

    Args:
      attr_type: the type as an op definition names it, such as "int" or "list(shape)".
      value: the Python form; an AttrValue is returned as it is.

    Raises:
      TypeError, ValueError: if the value is not of the type.
    """
    if isinstance(value, AttrValue):
        return value
    element = _element_type(attr_type)
    if element is None:
        return AttrValue(**{_FIELDS[attr_type]: _WRITERS[attr_type](value)})
    result = AttrValue()
    result.list.SetInParent()
    if value:
        write = _WRITERS[element]
        getattr(result.list, _FIELDS[element]).extend([write(each) for each in value])
    return result


def from_attr_value(attr_type: str, proto: AttrValue, name: str | None = None):
    """The Python form of an AttrValue proto.

    Args:
      attr_type: the type that the op definition wants, such as "int" or "list(shape)".
      proto: the AttrValue.
      name: the attribute's name, for the message of an error.

    Raises:
      ValueError: if the proto holds no value or one of another type, or a damaged one.
    """
    try:
        _check_type(attr_type, proto)
        element = _element_type(attr_type)
        if element is None:
            return _READERS[attr_type](getattr(proto, _FIELDS[attr_type]))
        if not element:
            return []
        read = _read_listed_type if element == "type" else _READERS[element]
        return [read(each) for each in getattr(proto.list, _FIELDS[element])]
    except ValueError as error:
        if name is None:
            raise
        raise ValueError(f"{error}\n\t for attr '{name}'") from error


def attr_for_user(attr_type: str, value):
    """An attribute as `Operation.get_attr` returns it: shapes, tensors and functions as protos, the rest as it is."""
    element = _element_type(attr_type)
    if element is None:
        return _WRITERS[attr_type](value) if attr_type in ("shape", "tensor") else value
    if element in ("shape", "tensor"):
        return [_WRITERS[element](each) for each in value]
    return list(value)


def attr_type_of(proto: AttrValue) -> str | None:
    """The type of the value that a proto holds; "list()" for an empty list, None if it holds nothing.

    Attributes that no op definition declares, such as "_class", carry their type only this way.
    """
    field = proto.WhichOneof("value")
    if field != "list":
        return _TYPE_OF_FIELD.get(field, field)
    held = [descriptor.name for descriptor, _ in proto.list.ListFields()]
    return f"list({_TYPE_OF_FIELD[held[0]]})" if held else "list()"


def infer_attr_type(value) -> str | None:
    """The type of an attribute that no op definition declares, from its Python form (None for an empty AttrValue).

    Raises:
      TypeError: for a value that no attribute holds.
    """
    if isinstance(value, AttrValue):
        return attr_type_of(value)
    if isinstance(value, list):
        return f"list({infer_attr_type(value[0])})" if value else "list()"
    for classes, attr_type in _CLASSES:
        if isinstance(value, classes):
            return attr_type
    raise TypeError(f"Don't know how to store {value!r} as an attribute")


def validate_attr(name: str, attr_type: str, value, allowed=None, minimum: int | None = None) -> None:
    """Check an attribute against the constraints of an op definition.

    Args:
      name: the attribute's name.
      attr_type: its type, such as "type" or "list(int)".
      value: its Python form.
      allowed: the DTypes or bytes it may have, or None for any.
      minimum: the least int, or the least length of a list.

    Raises:
      ValueError: in the words of TensorFlow's C++.
    """
    is_list = _element_type(attr_type) is not None
    if minimum is not None:
        if is_list and len(value) < minimum:
            raise ValueError(f"Length for attr '{name}' of {len(value)} must be at least minimum {minimum}")
        if attr_type == "int" and value < minimum:
            raise ValueError(f"Value for attr '{name}' of {value} must be at least minimum {minimum}")
    if allowed is None:
        return
    for each in value if is_list else (value,):
        if each not in allowed:
            options = [_in_message(option) for option in allowed]
            if isinstance(allowed, (set, frozenset)):
                options.sort()
            raise ValueError(
                f"Value for attr '{name}' of {_in_message(each)} is not in the list of allowed values: "
                + ", ".join(options)
            )


def _in_message(value) -> str:
    if isinstance(value, DType):
        return cpp_type_name(value)
    return '"' + value.decode("utf-8", "backslashreplace") + '"'


def cpp_type_name(dtype: DType) -> str:
    """The name of a type in TensorFlow's C++ messages and signatures: "float" for float32, "half_ref", "int32"."""
    name: str = dtype.base_dtype.name
    base = _CPP_NAMES.get(name, name)
    return base if dtype is dtype.base_dtype else f"{base}_ref"


def _element_type(attr_type: str) -> str | None:
    """The x of "list(x)"; None for a type that is no list."""
    return attr_type[5:-1] if attr_type.startswith("list(") else None


def _check_type(attr_type: str, proto: AttrValue) -> None:
    field = proto.WhichOneof("value")
    if field == _FIELDS.get(attr_type):
        return
    if field == "placeholder":
        raise ValueError("AttrValue had value with unexpected type 'placeholder'")
    is_list = attr_type.startswith("list(")
    held = [] if field is None else [attr_type_of(proto)]
    if field == "list":
        held = [f"list({_TYPE_OF_FIELD[d.name]})" for d, _ in proto.list.ListFields()]
    if not held and not is_list:
        raise ValueError(f"AttrValue missing value with expected type '{attr_type}'")
    for each in held:
        if each != attr_type:
            raise ValueError(f"AttrValue had value with type '{each}' when '{attr_type}' expected")


# Writers: Python form to field; readers: field to Python form ---------------------------------------------------------


def _write_type(value):
    return as_dtype(value).base_dtype.as_datatype_enum


def _read_type(enum, verb="has"):
    dtype = BY_ENUM.get(enum)
    if dtype is None:
        raise ValueError(f"AttrValue {verb} invalid DataType" + (f" enum: {enum}" if enum else ""))
    if dtype is not dtype.base_dtype:
        raise ValueError(f"AttrValue must not have reference type value of {cpp_type_name(dtype)}")
    return dtype


def _read_listed_type(enum):
    return _read_type(enum, "contains")


def _write_shape(value):
    return value if isinstance(value, TensorShapeProto) else TensorShape(value).as_proto()


def _read_shape(proto):
    dims = as_dims(proto)
    if dims is not None and any(d is not None and d < 0 for d in dims):
        raise ValueError(f"Shape {list(dims)} has negative dimensions")
    return dims


def _write_string(value):
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


def _write_tensor(value):
    return value if isinstance(value, TensorProto) else ndarray_to_proto(value)


def _read_tensor(proto):
    dtype = BY_ENUM.get(proto.dtype)
    if dtype is not None and not dtype.is_numpy_compatible:
        return proto
    try:
        return proto_to_ndarray(proto)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _write_func(value):
    return value if isinstance(value, NameAttrList) else NameAttrList(name=value)


def _unchanged(value):
    return value


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "type": _write_type, "shape": _write_shape, "int": int, "float": float, "bool": bool, "string": _write_string,
    "tensor": _write_tensor, "func": _write_func,
}  # fmt: skip

_READERS: dict[str, Callable[[Any], Any]] = {
    "type": _read_type, "shape": _read_shape, "int": _unchanged, "float": _unchanged, "bool": _unchanged,
    "string": _unchanged, "tensor": _read_tensor, "func": _unchanged,
}  # fmt: skip

# In this order: a bool is an int too.
_CLASSES: tuple[tuple[Any, str], ...] = (
    ((bool, np.bool_), "bool"), ((int, np.integer), "int"), ((float, np.floating), "float"), ((str, bytes), "string"),
    (DType, "type"), ((tuple, type(None), TensorShapeProto, TensorShape), "shape"),
    ((np.ndarray, TensorProto), "tensor"), (NameAttrList, "func"),
)  # fmt: skip
