"""The 1.x data types, one interned `DType` each, with TensorFlow's names and enum values."""

from typing import Any

import ml_dtypes
import numpy as np

from reflow.graph.export import export, export_value

_REF_OFFSET = 100


@export("DType", "dtypes.DType")
class DType:
    """The type of a tensor's elements, or a reference to a mutable tensor of them (`..._ref`).

    Types are interned: `as_dtype` returns the same object for the same type, so `is` compares them.

    Args:
      type_enum: the number of the type in TensorFlow's DataType enum, or what else `as_dtype` takes.
    """

    __slots__ = (
        "name", "as_datatype_enum", "as_numpy_dtype", "np_dtype", "is_floating", "is_integer", "is_complex",
        "is_bool", "is_quantized", "is_unsigned", "is_numpy_compatible", "is_ref", "base_dtype", "_ref", "_hash",
    )  # fmt: skip

    name: str
    as_datatype_enum: int
    as_numpy_dtype: Any
    np_dtype: np.dtype
    is_floating: bool
    is_integer: bool
    is_complex: bool
    is_bool: bool
    is_quantized: bool
    is_unsigned: bool
    is_numpy_compatible: bool
    is_ref: bool
    base_dtype: "DType"
    _ref: "DType"
    _hash: int

    def __new__(cls, type_enum=None):
        """`DType(1)` is the interned type of enum 1, so that types copy and unpickle to themselves."""
        return object.__new__(cls) if type_enum is None else as_dtype(type_enum)

    def __reduce__(self):
        return as_dtype, (self.name,)

    @property
    def _is_ref_dtype(self):
        return self.is_ref

    @property
    def _as_ref(self):
        return self._ref

    @property
    def real_dtype(self):
        """The type of the real part: float32 for complex64, float64 for complex128, else the type itself."""
        if self.base_dtype is complex64:
            return float32_ref if self.is_ref else float32
        if self.base_dtype is complex128:
            return float64_ref if self.is_ref else float64
        return self

    @property
    def min(self):
        """The smallest value the type represents.

        Raises:
          TypeError: for a type without an order, such as complex64 or string.
        """
        return self._limit("min")

    @property
    def max(self):
        """The largest value the type represents; raises TypeError as `min` does."""
        return self._limit("max")

    def _limit(self, which):
        base = self.base_dtype
        if base.is_quantized:
            return getattr(np.iinfo(base.np_dtype[0]), which)
        if base is bool_:
            return which == "max"
        if base.is_integer:
            return getattr(np.iinfo(base.np_dtype), which)
        if base.is_floating:
            return getattr(ml_dtypes.finfo(base.np_dtype), which)
        raise TypeError(f"Cannot find {which}imum value of {self}.")

    @property
    def limits(self, clip_negative=True):
        """(min, max) of the type's intensities as images use them: (0, 1) for floats, never below 0."""
        low, high = (0, 1) if self.is_floating else (self.min, self.max)
        return max(low, 0), high

    @property
    def size(self):
        """Bytes an element takes; 1 for string, resource and variant."""
        return 1 if self.np_dtype.kind == "O" else self.np_dtype.itemsize

    def is_compatible_with(self, other):
        """True if a tensor of type `other` can stand where this type is wanted: equal but for `_ref` on that side."""
        other = as_dtype(other)
        return self in (other, other.base_dtype)

    def __eq__(self, other):
        if self is other:
            return True
        if other is None or isinstance(other, DType):
            return False
        try:
            return as_dtype(other) is self
        except TypeError:
            return False

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return self._hash

    def __int__(self):
        return self.as_datatype_enum

    def __str__(self):
        return f"<dtype: {self.name!r}>"

    def __repr__(self):
        return f"tf.{self.name}"


def _make(name: str, enum: int, np_dtype: np.dtype, as_numpy: Any, base: DType | None = None) -> DType:
    dtype = object.__new__(DType)
    dtype.name = name
    dtype.as_datatype_enum = enum
    dtype.np_dtype = np_dtype
    dtype.as_numpy_dtype = as_numpy
    short = name.removesuffix("_ref")
    dtype.is_quantized = short.startswith(("qint", "quint"))
    dtype.is_floating = short in ("float16", "bfloat16", "float32", "float64")
    dtype.is_integer = short.startswith(("int", "uint"))
    dtype.is_complex = short.startswith("complex")
    dtype.is_bool = short == "bool"
    dtype.is_unsigned = short.startswith("uint")
    dtype.is_numpy_compatible = short not in ("resource", "variant")
    dtype.is_ref = base is not None
    dtype.base_dtype = base or dtype
    dtype._hash = enum
    return dtype


# name, DataType enum, NumPy type. Quantized types are one-field records, as np arrays of them are in TensorFlow.
_TABLE = [
    ("float32", 1, np.float32), ("float64", 2, np.float64), ("int32", 3, np.int32), ("uint8", 4, np.uint8),
    ("int16", 5, np.int16), ("int8", 6, np.int8), ("string", 7, np.object_), ("complex64", 8, np.complex64),
    ("int64", 9, np.int64), ("bool", 10, np.bool_), ("qint8", 11, np.dtype([("qint8", np.int8)])),
    ("quint8", 12, np.dtype([("quint8", np.uint8)])), ("qint32", 13, np.dtype([("qint32", np.int32)])),
    ("bfloat16", 14, ml_dtypes.bfloat16), ("qint16", 15, np.dtype([("qint16", np.int16)])),
    ("quint16", 16, np.dtype([("quint16", np.uint16)])), ("uint16", 17, np.uint16),
    ("complex128", 18, np.complex128), ("float16", 19, np.float16), ("resource", 20, np.object_),
    ("variant", 21, np.object_), ("uint32", 22, np.uint32), ("uint64", 23, np.uint64),
]  # fmt: skip

_BY_ANY: dict[Any, DType] = {}
_BY_NP: dict[np.dtype, DType] = {}
BY_ENUM: dict[int, DType] = {}


def _register(name, enum, as_numpy):
    np_dtype = np.dtype(as_numpy)
    dtype = _make(name, enum, np_dtype, as_numpy)
    dtype._ref = _make(f"{name}_ref", enum + _REF_OFFSET, np_dtype, as_numpy, base=dtype)
    dtype._ref._ref = dtype._ref
    for each in (dtype, dtype._ref):
        BY_ENUM[each.as_datatype_enum] = _BY_ANY[each.name] = each
        _BY_ANY[each.as_datatype_enum] = each
    if name not in ("resource", "variant"):
        _BY_NP[np_dtype] = dtype
        if isinstance(as_numpy, type):
            _BY_ANY[as_numpy] = dtype
    return dtype


for _row in _TABLE:
    _register(*_row)

float16: DType = BY_ENUM[19]
half = float16
bfloat16: DType = BY_ENUM[14]
float32: DType = BY_ENUM[1]
float64: DType = BY_ENUM[2]
double = float64
int8: DType = BY_ENUM[6]
int16: DType = BY_ENUM[5]
int32: DType = BY_ENUM[3]
int64: DType = BY_ENUM[9]
uint8: DType = BY_ENUM[4]
uint16: DType = BY_ENUM[17]
uint32: DType = BY_ENUM[22]
uint64: DType = BY_ENUM[23]
complex64: DType = BY_ENUM[8]
complex128: DType = BY_ENUM[18]
string: DType = BY_ENUM[7]
bool_: DType = BY_ENUM[10]
qint8: DType = BY_ENUM[11]
quint8: DType = BY_ENUM[12]
qint16: DType = BY_ENUM[15]
quint16: DType = BY_ENUM[16]
qint32: DType = BY_ENUM[13]
resource: DType = BY_ENUM[20]
variant: DType = BY_ENUM[21]
float32_ref: DType = float32._ref
float64_ref: DType = float64._ref
string_ref: DType = string._ref

# The names that signatures in op definitions and TensorFlow's own text protos use.
_BY_ANY.update({"float": float32, "double": float64, "half": float16, "float_ref": float32_ref,
                "double_ref": float64_ref, "half_ref": float16._ref, float: float32, int: int64, bool: bool_,
                str: string, bytes: string, object: string})  # fmt: skip

for _dtype in [BY_ENUM[row[1]] for row in _TABLE]:
    export_value(_dtype.name, _dtype)
    export_value(f"dtypes.{_dtype.name}", _dtype)
for _alias, _dtype in {"half": float16, "double": float64}.items():
    export_value(_alias, _dtype)
    export_value(f"dtypes.{_alias}", _dtype)
export_value("QUANTIZED_DTYPES", frozenset(d for e, d in BY_ENUM.items() if d.is_quantized))
export_value("dtypes.QUANTIZED_DTYPES", frozenset(d for e, d in BY_ENUM.items() if d.is_quantized))


@export("as_dtype", "dtypes.as_dtype")
def as_dtype(type_value: Any) -> DType:
    """The DType for something that names a type.

    Args:
      type_value: a DType, a DataType enum, a name such as "float32", a NumPy or a Python type.

    Raises:
      TypeError: if the value names no type.
    """
    if type(type_value) is DType:
        return type_value
    try:
        return _BY_ANY[type_value]
    except (KeyError, TypeError):
        pass
    try:
        np_dtype = np.dtype(type_value)
    except TypeError:
        np_dtype = None
    if np_dtype is not None:
        if np_dtype.kind in "SUO":
            return string
        if np_dtype in _BY_NP:
            return _BY_NP[np_dtype]
    if np_dtype is None and hasattr(type_value, "dtype"):
        return as_dtype(type_value.dtype)
    raise TypeError(f"Cannot convert value {type_value!r} to a TensorFlow DType.")
