"""Casts between types."""

import logging

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_tensor, constant_value, constant_value_as_dims, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.torch_types import to_torch

_log = logging.getLogger("tensorflow")

# Bits of the mantissa, and the integers of the same size.
_MANTISSA = {torch.float64: 52, torch.float32: 23, torch.float16: 10, torch.bfloat16: 7}
_SAME_SIZE = {torch.float64: torch.int64, torch.float32: torch.int32, torch.float16: torch.int16}


def _cast(x, DstT, Truncate):
    if not isinstance(x, torch.Tensor) or not isinstance(DstT, torch.dtype):
        source = dtypes.string.name if isinstance(x, np.ndarray) else str(x.dtype).removeprefix("torch.")
        target = DstT.name if isinstance(DstT, dtypes.DType) else str(DstT).removeprefix("torch.")
        raise errors.UnimplementedError(None, None, f"Cast {source} to {target} is not supported")
    if x.is_complex() and not DstT.is_complex:
        x = x.real
    if Truncate:
        x = _without_low_bits(x, DstT)
    return x.to(DstT, copy=True)


def _without_low_bits(x, dtype):
    """x with those bits of the mantissa cleared that `dtype` has no room for, so that the cast rounds towards zero."""
    dropped = _MANTISSA.get(x.dtype, 0) - _MANTISSA.get(dtype, 0)
    if dropped <= 0 or dtype not in _MANTISSA:
        return x
    cleared = (x.view(_SAME_SIZE[x.dtype]) & -(1 << dropped)).view(x.dtype)
    return torch.where(torch.isnan(x), x, cleared)


def _lower_cast(node):
    source, target = node.dtype(0), to_torch(node.attrs["DstT"])
    if node.attrs["Truncate"] or not isinstance(target, torch.dtype) or not isinstance(to_torch(source), torch.dtype):
        return None
    if to_torch(source) is target:
        return f"{node.args[0]}.clone()"
    if source.is_complex and not target.is_complex:
        return f"{node.args[0]}.real.to({target}, copy=True)"
    if target is torch.float32 and source is dtypes.bool_:
        # The same bytes seen as numbers: ATen's cast from numbers is vectorized, that from bools is not.
        return f"{node.args[0]}.view(torch.int8).to({target})"
    return f"{node.args[0]}.to({target})"


def _cast_value(op):
    target = op.attrs["DstT"]
    if not (target.is_integer or target.is_floating or target.is_bool):
        return None
    value = constant_value(op._inputs[0])
    if value is None or value.dtype.kind not in "biuf":
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        return value.astype(target.np_dtype)


def _cast_dims(op):
    return constant_value_as_dims(op._inputs[0]) if op.attrs["DstT"].is_integer else None


define_op(
    "Cast", "x: SrcT -> y: DstT", "SrcT: type, DstT: type, Truncate: bool = false",
    shape=unchanged_shape, kernel=_cast, lower=_lower_cast, native=elementwise_native.conversion(_cast),
    value=_cast_value, value_dims=_cast_dims,
)  # fmt: skip

_DIFFERENTIABLE = frozenset(
    (dtypes.float16, dtypes.float32, dtypes.float64, dtypes.bfloat16, dtypes.complex64, dtypes.complex128)
)


@gradient("Cast")
def _cast_gradient(op, grad):
    source = op._inputs[0].dtype.base_dtype
    return cast(grad, source) if {source, grad.dtype.base_dtype} <= _DIFFERENTIABLE else None


@export("cast", "dtypes.cast")
def cast(x, dtype, name=None):
    """`x` in another type: floats are cut off towards zero for integers, complex numbers lose their imaginary part.

    Args:
      x: a numeric or bool Tensor, SparseTensor or IndexedSlices.
      dtype: the type to cast to.
      name: a name for the operation.

    Returns:
      A Tensor, SparseTensor or IndexedSlices, as `x` is, of type `dtype`; `x` itself if it is of that type.

    Raises:
      TypeError: if `dtype` is no type.
    """
    base = as_dtype(dtype).base_dtype
    if type(x) is Tensor:
        if x.dtype is base:
            return x
        if not (x.dtype.is_complex or x.dtype.is_ref):
            return call("Cast", x, DstT=base, name=name)
    elif getattr(x, "dtype", None) is base and hasattr(x, "handle"):
        return x
    with name_scope(name, "Cast", [x]) as scope:
        if isinstance(x, SparseTensor):
            return SparseTensor(x.indices, cast(x.values, base, scope), x.dense_shape)
        if isinstance(x, IndexedSlices):
            return IndexedSlices(cast(x.values, base, scope), x.indices, x.dense_shape)
        x = to_tensor(x, name="x")
        if x.dtype.base_dtype is base:
            return x
        if x.dtype.is_complex and base.is_floating:
            _log.warning("Casting complex to real discards imaginary part.")
        return call("Cast", x, DstT=base, name=scope)


@export("saturate_cast", "dtypes.saturate_cast")
def saturate_cast(value, dtype, name=None):
    """`value` in another type; what is out of the range of that type becomes its nearest bound.

    Args:
      value: a tensor of a real type.
      dtype: the type to cast to.
      name: a name for the operation.

    Returns:
      A tensor shaped like `value`, of type `dtype`.
    """
    with name_scope(name, "saturate_cast", [value]) as scope:
        value = to_tensor(value, name="value")
        base, source = as_dtype(dtype).base_dtype, value.dtype.base_dtype
        if source.min < base.min:
            value = call("Maximum", value, constant_tensor(base.min, source, "min"))
        if source.max > base.max:
            value = call("Minimum", value, constant_tensor(base.max, source, "max"))
        return cast(value, base, scope)


# --- casts to one type --------------------------------------------------------------------------------------------


def _cast_to(public_name: str, dtype, scope_name: str):
    def function(x, name=scope_name):
        return cast(x, dtype, name)

    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""`x` as {dtype.name}: an old spelling of `cast(x, tf.{dtype.name})`.

    Args:
      x: a numeric or bool Tensor, SparseTensor or IndexedSlices.
      name: a name for the operation.

    Returns:
      A Tensor, SparseTensor or IndexedSlices, as `x` is, of {dtype.name}.
    """
    return export(public_name)(function)


to_float = _cast_to("to_float", dtypes.float32, "ToFloat")
to_double = _cast_to("to_double", dtypes.float64, "ToDouble")
to_int32 = _cast_to("to_int32", dtypes.int32, "ToInt32")
to_int64 = _cast_to("to_int64", dtypes.int64, "ToInt64")
to_bfloat16 = _cast_to("to_bfloat16", dtypes.bfloat16, "ToBFloat16")
to_complex64 = _cast_to("to_complex64", dtypes.complex64, "ToComplex64")
to_complex128 = _cast_to("to_complex128", dtypes.complex128, "ToComplex128")
