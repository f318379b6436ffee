"""Comparisons, and the logic of booleans."""

from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.ops.factories import binary_operator, comparison, constant_result, public_binary
from reflow.ops.masks import compared
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.shape_rules import broadcast, same_shape
from reflow.ops.torch_types import array_of, tensor_of

_EQUATABLE = (
    "bfloat16|half|float|double|uint8|int8|int16|int32|int64|complex64|quint8|qint8|qint32|string|bool|complex128"
)

_NOT_ORDERED_BY_ATEN = (dtypes.uint16, dtypes.uint32, dtypes.uint64)


def _equality_shape(op):
    """The broadcast shape; a scalar for shapes that may differ and do."""
    try:
        return broadcast(op)
    except ValueError:
        if op.attrs["incompatible_shape_error"]:
            raise
        return [()]


def _equality(op_name: str, function: str, template: str, numpy: Callable, if_incompatible: bool) -> None:
    """Define Equal or NotEqual; tensors whose shapes do not broadcast are unequal, unless that is an error."""

    def kernel(x, y, incompatible_shape_error):
        if not incompatible_shape_error and not _do_broadcast(x.shape, y.shape):
            return torch.tensor(if_incompatible)
        return tensor_of(np.asarray(numpy(array_of(x), array_of(y))))

    def lower(node):
        if not node.attrs["incompatible_shape_error"] or node.dtype(0) is dtypes.string:
            return None
        return compared(function, node) or template.format(x=node.args[0], y=node.args[1])

    define_op(
        op_name, "x: T, y: T -> z: bool", f"T: type in {_EQUATABLE}, incompatible_shape_error: bool = true",
        shape=_equality_shape, kernel=kernel, lower=lower, value=constant_result(numpy), is_commutative=True,
        gradient=None,
    )  # fmt: skip


def _do_broadcast(x, y) -> bool:
    try:
        np.broadcast_shapes(tuple(x), tuple(y))
    except ValueError:
        return False
    return True


_equality("Equal", "torch.eq", "{x} == {y}", np.equal, False)
_equality("NotEqual", "torch.ne", "{x} != {y}", np.not_equal, True)
equal = public_binary("Equal", ("equal", "math.equal"), "True where x == y, elementwise.")
not_equal = public_binary("NotEqual", ("not_equal", "math.not_equal"), "True where x != y, elementwise.")


def _lower_order(function: str, template: str) -> Callable:
    def lower(node):
        if node.dtype(0) in _NOT_ORDERED_BY_ATEN:
            return None
        return compared(function, node) or template.format(x=node.args[0], y=node.args[1])

    return lower


def _order(op_name: str, function: Callable, sign: str, numpy: Callable, public_name: str) -> Callable:
    """Define the op that is True where `x sign y`, and its public function."""
    lower = _lower_order(f"torch.{function.__name__}", f"{{x}} {sign} {{y}}")
    return comparison(
        op_name, "real", function, public_name, f"math.{public_name}", numpy=numpy, lower=lower,
        native=elementwise_native.comparison(public_name, function),
        summary=f"True where x {sign} y, elementwise.",
    )  # fmt: skip


less = _order("Less", torch.lt, "<", np.less, "less")
less_equal = _order("LessEqual", torch.le, "<=", np.less_equal, "less_equal")
greater = _order("Greater", torch.gt, ">", np.greater, "greater")
greater_equal = _order("GreaterEqual", torch.ge, ">=", np.greater_equal, "greater_equal")


def _approximately_equal_shape(op):
    """Both have one shape, but TensorFlow infers what it knows of the first alone."""
    same_shape(op)
    return [op._inputs[0].dims]


def _approximately_equal(x, y, tolerance):
    if x.shape != y.shape:
        raise errors.InvalidArgumentError(None, None, "x and y must be of the same shape. x shape: "
                                          f"{list(x.shape)}. y shape: {list(y.shape)}")  # fmt: skip
    return (x - y).abs() < tolerance


define_op(
    "ApproximateEqual", "x: T, y: T -> z: bool", "T: type in number, tolerance: float = 1e-05",
    shape=_approximately_equal_shape, kernel=_approximately_equal, is_commutative=True, gradient=None,
)  # fmt: skip
define_op(
    "LogicalAnd", "x: bool, y: bool -> z: bool", shape=broadcast, kernel="torch.logical_and({x}, {y})",
    is_commutative=True, gradient=None,
)  # fmt: skip
define_op(
    "LogicalOr", "x: bool, y: bool -> z: bool", shape=broadcast, kernel="torch.logical_or({x}, {y})",
    is_commutative=True, gradient=None,
)  # fmt: skip


@export("logical_and", "math.logical_and")
def logical_and(x, y, name=None):
    """True where x and y are both true, elementwise.

    Args:
      x: a bool tensor.
      y: a bool tensor of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.
    """
    return call("LogicalAnd", x, y, name=name)


@export("logical_or", "math.logical_or")
def logical_or(x, y, name=None):
    """True where x or y is true, or both, elementwise.

    Args:
      x: a bool tensor.
      y: a bool tensor of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.
    """
    return call("LogicalOr", x, y, name=name)


@export("logical_xor", "math.logical_xor")
def logical_xor(x, y, name="LogicalXor"):
    """True where exactly one of x and y is true, elementwise.

    Args:
      x: a bool tensor.
      y: a bool tensor of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A bool tensor of the broadcast shape.
    """
    either, both = logical_or(x, y), logical_and(x, y)
    return logical_and(either, call("LogicalNot", both), name=name)


def _xor_operator(x, y, name):
    with name_scope(name if name.endswith("/") else None, name, [x, y]) as scope:
        return logical_xor(x, y, scope)


binary_operator("and", logical_and)
binary_operator("or", logical_or)
binary_operator("xor", _xor_operator)
Tensor._override_operator("__lt__", less)
Tensor._override_operator("__le__", less_equal)
Tensor._override_operator("__gt__", greater)
Tensor._override_operator("__ge__", greater_equal)
