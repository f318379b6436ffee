"""Values to arrays to TensorProtos and back: TensorFlow 1.x's conversion rules of Python values, in one place.

`to_ndarray` is what constants are built on; `make_tensor_proto` and `make_ndarray` are the public pair. The value of a
tensor is a NumPy array of its dtype's `np_dtype`: strings are object arrays of bytes, bfloat16 is `ml_dtypes.bfloat16`,
quantized types are one-field records.
"""

import contextlib
import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import Dimension, as_shape

_MAX_CONTENT_BYTES = 1 << 31
_OBJECT = np.dtype(object)
_FLOAT32 = np.dtype(np.float32)
_INT32 = np.dtype(np.int32)
_BOOL = np.dtype(bool)

# A Python scalar of this class, with this dtype asked for, becomes an array of this NumPy type. An int beyond int32
# overflows on the way and takes the general route.
_SCALAR_ROUTES: dict[tuple[type, DType | None], np.dtype] = {
    (float, None): _FLOAT32,
    (int, None): _INT32,
    (bool, None): _BOOL,
    (float, dtypes.float32): _FLOAT32,
    (float, dtypes.float64): np.dtype(np.float64),
    (int, dtypes.float32): _FLOAT32,
    (int, dtypes.int32): _INT32,
    (int, dtypes.int64): np.dtype(np.int64),
    (bool, dtypes.bool_): _BOOL,
}
_FLOAT32_SAFE = 3e38  # Within this, no cast to float32 overflows (NumPy warns where one does).

# Which classes of Python values a dtype takes, by kind of dtype.
_INTEGRAL = (numbers.Integral, np.integer, Dimension)
_REAL = (numbers.Real, np.integer, np.floating)
_COMPLEX = (numbers.Complex, np.number)
_TEXT = (bytes, str)
_USUAL_CLASS = {dtypes.int32: int, dtypes.int64: int, dtypes.float32: float, dtypes.float64: float}
_PLAIN_CLASSES = {int, float, bool, complex, str, bytes, type(None)}


def to_ndarray(value, dtype=None, shape=None, verify_shape=False, allow_broadcast=False) -> np.ndarray:
    """The array that TensorFlow makes of a Python value or an array: the value of a constant.

    Args:
      value: a Python scalar, nested lists or tuples of them, an array or anything with `__array__`, or a TensorProto.
      dtype: a DType (or what `as_dtype` takes) to convert to, or None to infer it: Python ints become int32 (int64 or
        uint64 where they do not fit), floats float32, arrays and NumPy scalars keep their type.
      shape: the dims of the result (ints) or None for the value's own. A value with fewer elements is filled up with
        its last one; a single element gives a broadcast view.
      verify_shape: require the value to have exactly `shape`.
      allow_broadcast: fill up only values with a single element.

    Returns:
      A new array in native byte order, or a read-only broadcast view if `shape` repeats one element.

    Raises:
      TypeError: for values that `dtype` does not take or that are no tensor.
      ValueError: for ragged lists, None, or more elements than `shape` holds.
    """
    array = _quick_scalar(value, dtype)
    # A scalar makes an empty tensor too: that it is one element too many does not count.
    if array is None or shape is not None and 0 in shape:
        if isinstance(value, TensorProto):
            return proto_to_ndarray(value)
        array = _convert(value, dtype, shape)
    if shape is None:
        return array
    _check_shape_flags(verify_shape, allow_broadcast)
    dims = tuple([int(d) for d in shape])
    _check_size(array, dims, verify_shape, allow_broadcast)
    return _fill(array, dims)


def _quick_scalar(value, dtype):
    """The array of a Python scalar where its class and the dtype alone decide what it becomes, else None."""
    if dtype is not None and dtype.__class__ is not DType:
        return None
    np_dtype = _SCALAR_ROUTES.get((value.__class__, dtype))
    if np_dtype is None or np_dtype is _FLOAT32 and not -_FLOAT32_SAFE < value < _FLOAT32_SAFE:
        return None
    try:
        return np.array(value, np_dtype)
    except OverflowError:
        return None


def _check_shape_flags(verify_shape, allow_broadcast):
    if allow_broadcast and verify_shape:
        raise ValueError("allow_broadcast and verify_shape are not both allowed.")


def _convert(value, dtype, shape):
    """The array for a value before it is filled up to `shape`."""
    if dtype is not None:
        dtype = as_dtype(dtype).base_dtype
    if _is_array_like(value):
        return _from_array(np.asarray(value), dtype, value)
    if value is None:
        raise ValueError("None values not supported.")
    if shape is not None and 0 in [int(d) for d in shape]:
        return _empty(shape, dtype)
    return _from_python(value, dtype)


def _empty(shape, dtype):
    _require_numpy_compatible(dtype, np.dtype(np.float64), shape)
    array = np.empty([int(d) for d in shape], _FLOAT32 if dtype is None else dtype.np_dtype)
    if array.dtype == _OBJECT:
        array.fill(b"")
    return array


def _is_array_like(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return True
    if value.__class__ in _PLAIN_CLASSES or isinstance(value, (list, tuple)) or _is_tensor(value):
        return False
    if callable(getattr(value, "__array__", None)) or isinstance(getattr(value, "__array_interface__", None), dict):
        return True
    return isinstance(value, (bytearray, memoryview)) or (not isinstance(value, bytes) and _has_buffer(value))


def _has_buffer(value):
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def _is_tensor(value):
    # Imported late: operation.py needs this module while it loads.
    from reflow.graph.operation import Tensor

    return isinstance(value, Tensor)


def _require_numpy_compatible(dtype, np_dtype, value):
    if dtype is not None and not dtype.is_numpy_compatible:
        raise TypeError(f"Incompatible types: {dtype} vs. {np_dtype}. Value is {value}")


# Arrays ---------------------------------------------------------------------------------------------------------------


def _from_array(array, dtype, value):
    """A converted copy of an array: later writes to the caller's array must not reach the graph."""
    if array.dtype.kind in "SUO" and dtype in (None, dtypes.string):
        return _bytes_array(array.ravel().tolist(), array.shape)
    _require_numpy_compatible(dtype, array.dtype, value)
    if dtype is None:
        return array.astype(as_dtype(array.dtype.newbyteorder("=")).np_dtype, order="C")
    if dtype is dtypes.string:
        return _bytes_array(array.ravel().tolist(), array.shape)
    with np.errstate(all="ignore"):
        return array.astype(dtype.np_dtype, order="C")


def _bytes_array(elements, shape):
    result = np.empty(len(elements), _OBJECT)
    result[:] = [_as_bytes(element) for element in elements]
    return result.reshape(shape)


def _as_bytes(value):
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytearray):
        return bytes(value)
    raise TypeError(f"Expected binary or unicode string, got {value!r}")


# Python values --------------------------------------------------------------------------------------------------------


def _from_python(value, dtype):
    classes: set[type] = set()
    _collect_classes(value, classes)
    _check_classes(value, classes, dtype)
    if dtype is None:
        return _infer(value, classes)
    if dtype is dtypes.string:
        return _from_strings(value)
    _require_numpy_compatible(dtype, np.array(value).dtype, value)
    array = _to_numpy(value, dtype.np_dtype)
    if not dtype.is_quantized:
        _check_dense(value, array)
    return array


def _collect_classes(value, classes):
    """Add the classes of all leaves of nested sequences and mappings to the set `classes`."""
    members = _members(value)
    if members is None:
        classes.add(value.__class__)
        return
    level = set(map(type, members))
    if level <= _PLAIN_CLASSES:
        classes |= level
        return
    for each in members:
        _collect_classes(each, classes)


def _members(value):
    """What a nested structure holds, or None for a leaf."""
    cls = value.__class__
    if cls is list or cls is tuple:
        return value
    if cls in _PLAIN_CLASSES:
        return None
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, Sequence) and not isinstance(value, _TEXT) else None


def _check_classes(value, classes, dtype):
    """Raise TypeError if some leaf is of a class that the dtype does not take, as TensorFlow words it."""
    if dtype is not None and dtype.is_quantized:
        _check_quantized(value, dtype)
        return
    wanted = _wanted_classes(dtype)
    if wanted is None:
        if not classes <= _PLAIN_CLASSES and any(_is_tensor(leaf) for leaf in _leaves(value)):
            raise TypeError("List of Tensors when single Tensor expected")
    elif classes != {_USUAL_CLASS.get(dtype)} and not all(issubclass(cls, wanted) for cls in classes):
        raise _expected(dtype, next(leaf for leaf in _leaves(value) if not isinstance(leaf, wanted)))


def _wanted_classes(dtype):
    if dtype is None or dtype in (dtypes.resource, dtypes.variant):
        return None
    if dtype.is_integer:
        return _INTEGRAL
    if dtype.is_floating:
        return _REAL
    if dtype.is_complex:
        return _COMPLEX
    return bool if dtype.is_bool else _TEXT


def _expected(dtype, leaf):
    return TypeError(f"Expected {dtype.name}, got {leaf!r} of type '{type(leaf).__name__}' instead.")


def _check_quantized(value, dtype):
    """An element of a quantized type is written as a tuple of one int; lists nest them."""
    if isinstance(value, tuple):
        for leaf in _leaves(value):
            if not isinstance(leaf, _INTEGRAL):
                raise _expected(dtype, leaf)
    elif isinstance(value, list):
        for each in value:
            _check_quantized(each, dtype)
    else:
        raise _expected(dtype, value)


def _leaves(value):
    members = _members(value)
    if members is None:
        yield value
        return
    for each in members:
        yield from _leaves(each)


def _infer(value, classes):
    """The array for Python values of which no dtype is known."""
    if classes == {float}:
        array = _to_numpy(value, _FLOAT32)
    elif classes == {int} or classes == {bool}:
        array = _ints_or_bools(value)
    elif classes and classes <= {str, bytes}:
        return _from_strings(value)
    else:
        array = _infer_by_numpy(value)
    _check_dense(value, array)
    return _from_strings(value) if array.dtype.kind in "SUO" else array


def _ints_or_bools(value):
    try:
        array = np.array(value)
        if array.dtype != np.int64:
            return _shrunk(array)
        return np.array(value, _INT32)
    except OverflowError:
        return array
    except ValueError:
        return np.array(value, _OBJECT)


def _infer_by_numpy(value):
    try:
        return _shrunk(np.array(value))
    except (ValueError, OverflowError):
        return np.array(value, _OBJECT)  # Ragged or mixed; the callers say what is wrong with it.


def _shrunk(array):
    """Python's floats and ints are 64 bits wide; TensorFlow prefers 32 where that loses no integer."""
    if array.dtype == np.float64:
        with np.errstate(over="ignore"):
            return array.astype(_FLOAT32)
    if array.dtype == np.int64:
        small = array.astype(_INT32)
        return small if np.array_equal(small, array) else array
    if array.dtype.kind not in "SUO":
        as_dtype(array.dtype)  # Raises for types that no tensor has, such as dates.
    return array


def _to_numpy(value, np_dtype):
    if np_dtype.kind not in "iu":
        with np.errstate(over="ignore"):
            return np.array(value, np_dtype)
    with contextlib.suppress(OverflowError):
        return np.array(value, np_dtype)
    # TensorFlow's ints wrap around: 300 as int8 is 44.
    wide = np.array(value)
    if wide.dtype != np.uint64 or np_dtype.kind != "u" or np_dtype.itemsize < 4:
        wide = np.array(value, np.int64)
    return wide.astype(np_dtype)


def _check_dense(value, array):
    dims = _dense_dims(value)
    if list(array.shape) != dims:
        raise ValueError(
            f"Argument must be a dense tensor: {value} - got shape {list(array.shape)}, but wanted {dims}."
        )


def _dense_dims(value):
    dims = []
    while isinstance(value, (list, tuple)):
        dims.append(len(value))
        if not value:
            break
        value = value[0]
    return dims


def _from_strings(value):
    """An object array of bytes for nested lists of str and bytes; NumPy's own would trim trailing zero bytes."""
    nested = np.array(value, _OBJECT)
    _check_dense(value, nested)
    try:
        return _bytes_array(list(_leaves(value)), nested.shape)
    except TypeError:
        raise TypeError(
            f"Failed to convert object of type {type(value)} to Tensor. "
            f"Contents: {value}. Consider casting elements to a supported type."
        ) from None


# Shapes ---------------------------------------------------------------------------------------------------------------


def _check_size(array, dims, verify_shape, allow_broadcast):
    """Raise unless an array can be filled up to `dims`."""
    size = math.prod(dims)
    if allow_broadcast:
        if array.shape not in ((), (1,)) and array.size != size:
            raise TypeError(f"Expected Tensor's shape: {dims}, got {array.shape}.")
        return
    if verify_shape and array.shape != dims:
        raise TypeError(f"Expected Tensor's shape: {dims}, got {array.shape}.")
    if array.size > size:
        raise ValueError(f"Too many elements provided. Needed at most {size}, but received {array.size}")


def _fill(array, dims):
    """The array in shape `dims`, its last element repeated as often as it takes."""
    size = math.prod(dims)
    if array.size == size:
        return array.reshape(dims)
    flat = array.ravel()
    if flat.size == 0:
        flat = np.array([b""], _OBJECT) if array.dtype == _OBJECT else np.zeros(1, array.dtype)
    if flat.size == 1:
        # What np.broadcast_to returns, at a tenth of its time: programs make a great many constants.
        view = np.ndarray(dims, flat.dtype, flat, 0, (0,) * len(dims))
        view.flags.writeable = False
        return view
    filled = np.empty(size, array.dtype)
    filled[: flat.size] = flat
    filled[flat.size :] = flat[-1]
    return filled.reshape(dims)


# Protos ---------------------------------------------------------------------------------------------------------------

_CONTENT_TYPES = frozenset({
    dtypes.float32, dtypes.float64, dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8,
    dtypes.uint32, dtypes.uint64, dtypes.qint8, dtypes.quint8, dtypes.qint16, dtypes.quint16, dtypes.qint32,
})  # fmt: skip

# The repeated field that holds a type's elements, and the NumPy type in which they stand there.
_VALUE_FIELD = {
    dtypes.float32: ("float_val", np.float32), dtypes.float64: ("double_val", np.float64),
    dtypes.int64: ("int64_val", np.int64), dtypes.uint32: ("uint32_val", np.uint32),
    dtypes.uint64: ("uint64_val", np.uint64), dtypes.bool_: ("bool_val", np.bool_),
    dtypes.float16: ("half_val", np.uint16), dtypes.bfloat16: ("half_val", np.uint16),
    dtypes.complex64: ("scomplex_val", np.float32), dtypes.complex128: ("dcomplex_val", np.float64),
    dtypes.string: ("string_val", np.object_),
} | {
    each: ("int_val", each.np_dtype[0] if each.is_quantized else each.np_dtype)
    for each in (dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8, dtypes.uint16, dtypes.qint8, dtypes.quint8,
                 dtypes.qint16, dtypes.quint16, dtypes.qint32)
}  # fmt: skip


def ndarray_to_proto(array, dtype=None, shape=None) -> TensorProto:
    """The TensorProto of an array, laid out as TensorFlow lays it out.

    One element, and half, complex, bool and string elements, stand in the typed fields; longer numeric arrays in
    `tensor_content`. A broadcast view of one element (all strides 0) is written as that element alone.

    Args:
      array: an array of `dtype.np_dtype`.
      dtype: its DType, or None to derive it from the array.
      shape: the dims to write, if more than the array has elements for: the last element then counts as repeated.

    Raises:
      TypeError: for a type that has no form in a TensorProto, such as resource.
      ValueError: for 2 GB or more.
    """
    dtype = as_dtype(array.dtype) if dtype is None else dtype.base_dtype
    dims = array.shape if shape is None else tuple(shape)
    if dtype not in _VALUE_FIELD:
        raise TypeError(f"Element type not supported in TensorProto: {dtype.name}")
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    for size in dims:
        proto.tensor_shape.dim.add().size = size
    proto.tensor_shape.SetInParent()
    if array.size > 1 and not any(array.strides):
        array = array[(slice(1),) * array.ndim].reshape(())
    elif array.size > 1 and dtype in _CONTENT_TYPES and array.size == math.prod(dims):
        if array.nbytes >= _MAX_CONTENT_BYTES:
            raise ValueError("Cannot create a tensor proto whose content is larger than 2GB.")
        proto.tensor_content = array.tobytes()
        return proto
    field, np_dtype = _VALUE_FIELD[dtype]
    flat = array.ravel()
    getattr(proto, field).extend((flat if np_dtype is np.object_ else flat.view(np_dtype)).tolist())
    return proto


def proto_to_ndarray(proto) -> np.ndarray:
    """The array of a TensorProto, without a copy where that is possible.

    Returns:
      A read-only array: a view of the proto's bytes, or a broadcast view if the proto repeats one element.

    Raises:
      TypeError: if its type has no elements in a TensorProto, such as resource.
      ValueError: if the shape and the elements of the proto contradict each other.
    """
    try:
        dtype = dtypes.BY_ENUM[proto.dtype].base_dtype
        field, field_type = _VALUE_FIELD[dtype]
    except KeyError:
        raise TypeError(f"Unsupported tensor type: {proto.dtype}") from None
    dims = tuple([d.size for d in proto.tensor_shape.dim])
    if proto.tensor_shape.unknown_rank or any(d < 0 for d in dims):
        raise ValueError(f"A TensorProto needs a fully known shape, but has {as_shape(proto.tensor_shape)}")
    if proto.tensor_content:
        return _content_array(proto.tensor_content, dtype, dims)
    return _read_only(_typed_array(getattr(proto, field), dtype, field_type, dims))


def _content_array(content, dtype, dims):
    size = math.prod(dims)
    if dtype.np_dtype == _OBJECT or len(content) != size * dtype.np_dtype.itemsize:
        raise ValueError(
            f"A TensorProto of {dtype.name} and shape {list(dims)} cannot have a tensor_content of {len(content)} bytes"
        )
    return np.frombuffer(content, dtype.np_dtype).reshape(dims)


def _typed_array(elements, dtype, field_type, dims):
    if field_type is np.object_:
        flat = np.empty(len(elements), _OBJECT)
        flat[:] = elements
    elif field_type is np.uint16 or np.dtype(field_type).itemsize < 4:
        # The field is wider than the type: a damaged file may hold values that do not fit, which then wrap.
        flat = np.array(elements, np.int64).astype(field_type).view(dtype.np_dtype)
    else:
        flat = np.array(elements, field_type).view(dtype.np_dtype)
    size = math.prod(dims)
    if flat.size > size:
        raise ValueError(f"A TensorProto with shape {list(dims)} holds {flat.size} elements")
    if 1 < flat.size < size and size * flat.itemsize >= _MAX_CONTENT_BYTES:
        raise ValueError(f"A TensorProto of shape {list(dims)} with {flat.size} elements is larger than 2GB")
    return _fill(flat, dims)


def _read_only(array):
    array.flags.writeable = False
    return array


@export("make_tensor_proto", "contrib.util.make_tensor_proto")
def make_tensor_proto(values, dtype=None, shape=None, verify_shape=False, allow_broadcast=False):
    """Make a TensorProto of Python values or an array.

    Args:
      values: a Python scalar, nested lists of them, an array; a TensorProto is returned as it is.
      dtype: the DType to convert to, or None to infer it (Python ints become int32, floats float32).
      shape: a list of ints, or None for the shape of `values`. The last of fewer values counts as repeated.
      verify_shape: require `values` to have exactly `shape`.
      allow_broadcast: fill up scalars and vectors of one element only; not together with `verify_shape`.

    Returns:
      A `TensorProto`; `make_ndarray` reads it.

    Raises:
      TypeError: for values that `dtype` does not take.
      ValueError: for ragged lists, None, 2 GB or more, or more elements than `shape` holds.
    """
    _check_shape_flags(verify_shape, allow_broadcast)
    if isinstance(values, TensorProto):
        return values
    dtype = None if not dtype else as_dtype(dtype).base_dtype
    if shape is None:
        return ndarray_to_proto(to_ndarray(values, dtype), dtype)
    array = _convert(values, dtype, shape)
    dims = tuple([int(d) for d in shape])
    _check_size(array, dims, verify_shape, allow_broadcast)
    return ndarray_to_proto(array, dtype, dims)


@export("make_ndarray", "contrib.util.make_ndarray", "python.framework.tensor_util.MakeNdarray")
def make_ndarray(tensor):
    """Make an array of a TensorProto.

    Args:
      tensor: a `TensorProto`.

    Returns:
      A new, writable array of the proto's shape; object arrays of bytes for strings.

    Raises:
      TypeError: for a type that has no elements in a TensorProto.
      ValueError: if the shape and the elements of the proto contradict each other.
    """
    return np.array(proto_to_ndarray(tensor), order="C")
