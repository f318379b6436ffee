"""Comparisons, and the logic of booleans."""

import numpy as np

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.ops.factories import binary_operator, comparison
from reflow.ops.shape_rules import broadcast, same_shape

_EQUATABLE = (
    "bfloat16|half|float|double|uint8|int8|int16|int32|int64|complex64|quint8|qint8|qint32|string|bool|complex128"
)

equal = comparison(
    "Equal", _EQUATABLE, "{x} == {y}", "equal", "math.equal", numpy=np.equal, is_commutative=True,
    summary="True where x == y, elementwise.",
)  # fmt: skip
not_equal = comparison(
    "NotEqual", _EQUATABLE, "{x} != {y}", "not_equal", "math.not_equal", numpy=np.not_equal, is_commutative=True,
    summary="True where x != y, elementwise.",
)  # fmt: skip
less = comparison(
    "Less", "real", "{x} < {y}", "less", "math.less", numpy=np.less, summary="True where x < y, elementwise."
)
less_equal = comparison(
    "LessEqual", "real", "{x} <= {y}", "less_equal", "math.less_equal", numpy=np.less_equal,
    summary="True where x <= y, elementwise.",
)  # fmt: skip
greater = comparison(
    "Greater", "real", "{x} > {y}", "greater", "math.greater", numpy=np.greater,
    summary="True where x > y, elementwise.",
)  # fmt: skip
greater_equal = comparison(
    "GreaterEqual", "real", "{x} >= {y}", "greater_equal", "math.greater_equal", numpy=np.greater_equal,
    summary="True where x >= y, elementwise.",
)  # fmt: skip


def _approximately_equal(x, y, tolerance):
    return (x - y).abs() < tolerance


define_op(
    "ApproximateEqual", "x: T, y: T -> z: bool", "T: type in number, tolerance: float = 1e-05",
    shape=same_shape, kernel=_approximately_equal, is_commutative=True, gradient=None,
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
