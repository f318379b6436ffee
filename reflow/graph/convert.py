"""From Python values to tensors: constants, and the conversion functions that types register."""

import contextlib
import threading

import numpy as np

from reflow.graph import dtypes
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.graph import Graph, check_op_name, get_default_graph
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, TensorShape
from reflow.graph.tensor_proto import to_ndarray


def _const_shape(op) -> list[Dims]:
    return [op.attrs["value"].shape]


CONST = define_op(
    "Const", "-> output: dtype", "value: tensor, dtype: type",
    shape=_const_shape, kernel=None, value=lambda op: op.attrs["value"],
    value_dims=lambda op: dims_of_value(op.attrs["value"]),
)  # fmt: skip


def dims_of_value(array: np.ndarray) -> Dims:
    """A shape vector's value as raw dims: -1 stands for an unknown size; None if it is no shape vector."""
    if array.ndim != 1:
        return None
    return tuple(None if d < 0 else int(d) for d in array)


def add_constant(graph: Graph, array: np.ndarray, dtype: DType, name: str) -> Tensor:
    """Add a Const node holding `array` under the scoped, unique form of `name`, or exactly that if it ends in "/"."""
    name = name or "Const"
    if name[-1:] == "/":
        scope = name[:-1]
    else:
        check_op_name(name)
        scope = graph.unique_name(name)
    return graph.add_operation(CONST, (), {"value": array, "dtype": dtype}, [dtype], scope, 3).outputs[0]


def constant_tensor(value, dtype: DType | None, name: str, shape=None) -> Tensor:
    """A Const tensor of the default graph for a Python or NumPy value."""
    array = to_ndarray(value, dtype, shape)
    return add_constant(get_default_graph(), array, dtype or as_dtype(array.dtype), name)


# --- conversion functions ---------------------------------------------------------------------------------------

_functions: dict[int, list] = {}
_lock = threading.Lock()
_by_type: dict[type, list] = {}


@export("register_tensor_conversion_function")
def register_tensor_conversion_function(base_type, conversion_func, priority=100):
    """Teach `convert_to_tensor` a type.

    Args:
      base_type: a type or tuple of types.
      conversion_func: `(value, dtype, name, as_ref) -> Tensor or NotImplemented`.
      priority: functions of lower priority are asked first.

    Raises:
      TypeError: if `base_type` is no type or the function cannot be called.
    """
    base_types = base_type if isinstance(base_type, tuple) else (base_type,)
    if not all(isinstance(t, type) for t in base_types):
        raise TypeError("base_type must be a type or a tuple of types.")
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    with _lock:
        _functions.setdefault(priority, []).append((base_types, conversion_func))
        _by_type.clear()


def _functions_for(kind: type) -> list:
    found = _by_type.get(kind)
    if found is None:
        found = [
            function
            for _, group in sorted(_functions.items())
            for base_types, function in group
            if issubclass(kind, base_types)
        ]
        _by_type[kind] = found
    return found


_SCALARS = (bool, int, float, complex, str, bytes)


def to_tensor(value, dtype=None, name=None, preferred_dtype=None, as_ref=False) -> Tensor:
    """`convert_to_tensor` for use inside: `dtype` and `preferred_dtype` are DTypes or None."""
    if isinstance(value, Tensor):
        if dtype is not None and not dtype.is_compatible_with(value.dtype):
            raise ValueError(f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype "
                             f"{value.dtype.name}: {value!r}")  # fmt: skip
        return value
    kind = type(value)
    if kind not in _SCALARS and kind is not np.ndarray:
        for function in _functions_for(kind):
            result = _try_conversion(function, value, dtype, preferred_dtype, name, as_ref)
            if result is not NotImplemented:
                if dtype is not None and not dtype.is_compatible_with(result.dtype):
                    raise RuntimeError(f"{name}: Conversion function {function} for type {kind} returned incompatible "
                                       f"dtype: requested = {dtype.name}, actual = {result.dtype.name}")  # fmt: skip
                return result
    if dtype is None and preferred_dtype is not None:
        try:
            return constant_tensor(value, preferred_dtype, name or "Const")
        except (TypeError, ValueError):
            pass
    return constant_tensor(value, dtype, name or "Const")


def _try_conversion(function, value, dtype, preferred_dtype, name, as_ref):
    if dtype is None and preferred_dtype is not None:
        try:
            result = function(value, dtype=preferred_dtype, name=name, as_ref=as_ref)
        except (TypeError, ValueError):
            result = NotImplemented
        if result is not NotImplemented and result.dtype.base_dtype is preferred_dtype.base_dtype:
            return result
    return function(value, dtype=dtype, name=name, as_ref=as_ref)


@export("convert_to_tensor")
def convert_to_tensor(value, dtype=None, name=None, preferred_dtype=None, dtype_hint=None):
    """The tensor for a Python value, NumPy array, variable, or tensor.

    Args:
      value: what to convert. Numbers, strings, lists and arrays become a constant.
      dtype: the wanted type; inferred from the value if None.
      name: a name for a new constant.
      preferred_dtype: the type to use if `dtype` is None and the value allows it.
      dtype_hint: the newer name of `preferred_dtype`.

    Returns:
      A Tensor.

    Raises:
      TypeError: if no conversion is known for the value's type or to `dtype`.
      ValueError: if the value is a tensor of another type, or a value of inconsistent shape.
    """
    hint = dtype_hint if dtype_hint is not None else preferred_dtype
    dtype = None if dtype is None else as_dtype(dtype)
    return to_tensor(value, dtype, name, None if hint is None else as_dtype(hint))


def convert_n_to_tensor(values, dtype=None, name=None, preferred_dtype=None, as_ref=False) -> list[Tensor]:
    """Convert a list of values, naming new constants `name_0`, `name_1`, ..."""
    dtype = None if dtype is None else as_dtype(dtype)
    return [
        to_tensor(v, dtype, None if name is None else f"{name}_{i}", preferred_dtype, as_ref)
        for i, v in enumerate(values)
    ]


# --- constant values ----------------------------------------------------------------------------------------------


# The tensors whose values a shape rule asks for, while the error that it raised is described; None otherwise.
_asked: list[Tensor] | None = None


@contextlib.contextmanager
def values_withheld():
    """Inside the block no constant values are told; the returned list collects the tensors they are asked of."""
    global _asked
    asked: list[Tensor] = []
    _asked = asked
    try:
        yield asked
    finally:
        _asked = None


def constant_value(tensor: Tensor) -> np.ndarray | None:
    """The value of `tensor` if construction can tell it (a constant, or computed from shapes and constants)."""
    if _asked is not None:
        _asked.append(tensor)
        return None
    op_def = tensor.op.op_def
    if op_def.values is not None:
        values = op_def.values(tensor.op)
        return None if values is None else values[tensor.value_index]
    if op_def.value is None or tensor.value_index != 0:
        return None
    return op_def.value(tensor.op)


def constant_value_as_dims(tensor: Tensor) -> Dims:
    """A shape vector as raw dims, with None for the sizes that are not known; None if nothing is known."""
    rule = None if _asked is not None else tensor.op.op_def.value_dims
    if rule is not None and tensor.value_index == 0:
        dims = rule(tensor.op)
        if dims is not None:
            return dims
    value = constant_value(tensor)
    if value is not None:
        return dims_of_value(value)
    if tensor.dims is not None and len(tensor.dims) == 1 and tensor.dims[0] is not None:
        return (None,) * tensor.dims[0]
    return None


@export("python.framework.tensor_util.constant_value_as_shape")
def constant_value_as_shape(tensor):
    """The TensorShape that an integer vector spells.

    Args:
      tensor: an integer vector. Sizes of -1, and those that only a run can tell, are not known.
    """
    return TensorShape(constant_value_as_dims(tensor))


@export("get_static_value", "contrib.util.constant_value")
def get_static_value(tensor, partial=False):
    """The constant value of `tensor` as a NumPy array, or None if it depends on what runs.

    Args:
      tensor: a Tensor; any other value is returned as it is.
      partial: accepted for compatibility.
    """
    if not isinstance(tensor, Tensor):
        return tensor
    value = constant_value(tensor)
    if value is None:
        return None
    if value.dtype == dtypes.string.np_dtype and value.ndim == 0:
        return value[()]
    return value if value.ndim else value[()]
